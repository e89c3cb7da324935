import Foundation
import Testing

@testable import needletail_bench

@Suite struct YardstickTests {
    /// Every share is whole lines, and the shares follow one another to the end, whatever the lengths of the lines.
    @Test(arguments: ["", "a\n", "a\nbb\nccc\n", "a\nbb\nccc", "\n\n\n\n", "aaaaaaaaaaaaaaaaaaaa\nb\nc\n", "b\nc\naaaaaaaaaaaaaaaaaaaa"])
    func sharesAreWholeLines(text: String) throws {
        let folder = try ScratchFolder()
        let path = folder.path("lines")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let bytes = Array(text.utf8)
        for count in 1...7 {
            let ranges = try Yardstick.ranges(path: path, count: count)
            #expect(ranges.count == count)
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == bytes.count)
            for (range, next) in zip(ranges, ranges.dropFirst()) { #expect(range.upperBound == next.lowerBound) }
            for end in ranges.map(\.upperBound) { #expect(end == 0 || end == bytes.count || bytes[end - 1] == UInt8(ascii: "\n")) }
        }
    }

    @Test func linesLongerThanAReadAreFound() throws {
        let folder = try ScratchFolder()
        let path = folder.path("lines")
        try (String(repeating: "x", count: 10_000) + "\n" + "y\n").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try Yardstick.ranges(path: path, count: 2) == [0..<10_001, 10_001..<10_003])
    }

    @Test(arguments: [1, 2, 3, 64])
    func everyEventIsReadByAnyNumberOfThreads(workers: Int) throws {
        let folder = try ScratchFolder()
        let path = folder.path("events.ndjson")
        try Bench.generate(.transactions, Size(events: 100_000, keys: 50), to: FileHandle(creating: path))
        try Yardstick.run(path: path, events: 100_000, workers: workers)
        #expect(throws: BenchError.failed("the yardstick read 100000 of 100001 events")) {
            try Yardstick.run(path: path, events: 100_001, workers: workers)
        }
    }
}
