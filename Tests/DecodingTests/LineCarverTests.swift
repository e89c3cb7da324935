import Decoding
import Events
import Seeds
import Testing

@Suite struct LineCarverTests {
    static func input(lines: Int, random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for line in 0..<lines {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: break
            case 1: bytes += Array("{\"ts\":\(line)".utf8)
            case 2: bytes += Array("{\"ts\":1,\"v\":\"open}".utf8)
            case 3: bytes += Array("{\"ts\":\(line),\"v\":\"\(String(repeating: "é", count: .random(in: 0...300, using: &random)))\"}\r".utf8)
            default: bytes += Array("{\"type\":\"t\",\"ts\":\(line),\"v\":[\(line), \"x\"]}".utf8)
            }
            bytes.append(0x0A)
        }
        return bytes
    }

    /// The rows, rejects and line numbers are the same whatever the reads.
    @Test func readsOfAnySizeGiveTheSame() {
        var random = SeededGenerator(0)
        for round in 0..<8 {
            var bytes = LineCarverTests.input(lines: 120, random: &random)
            if round % 2 == 0 { bytes.removeLast() }
            let whole = decodeStream(bytes, reads: [1 << 20])
            for reads in [[1], [2, 3], [7, 1, 64], [100], [4096, 1]] {
                for blockBytes in [1, 64, 1000, LineCarver.blockBytes] {
                    let parts = decodeStream(bytes, reads: reads, blockBytes: blockBytes)
                    #expect(parts.rows == whole.rows)
                    #expect(parts.reasons == whole.reasons)
                    #expect(parts.rejects.map(\.line) == whole.rejects.map(\.line))
                    #expect(parts.rejected == whole.rejected)
                    #expect(parts.lineCount == whole.lineCount)
                }
            }
        }
    }

    @Test func aBlockIsHandedOutWithTheFirstLineEnd() {
        var carver = LineCarver()
        let batch = EventBatch(columnCount: 0)
        var reads = ["{\"a\"", ":1}\n{\"b\"", ":2}", "\n", ""].makeIterator()
        var calls = 0
        func next(_ room: UnsafeMutableRawBufferPointer) -> Int {
            calls += 1
            let bytes = Array(reads.next()!.utf8)
            room.copyBytes(from: bytes)
            return bytes.count
        }
        var block = carver.fill(batch, read: next)
        #expect(calls == 2)
        #expect(block == CarvedBlock(firstLine: 1, lineCount: 1, isFirst: true, endPosition: 8, cutLines: []))
        #expect(batch.byteCount == 8)
        block = carver.fill(batch, read: next)
        #expect(calls == 4)
        #expect(block == CarvedBlock(firstLine: 2, lineCount: 1, isFirst: false, endPosition: 16, cutLines: []))
        #expect(carver.fill(batch, read: next) == nil)
        // The end is final: the reader is not asked again.
        #expect(carver.fill(batch, read: next) == nil)
        #expect(calls == 5)
    }

    struct Interrupted: Error {}

    @Test func nothingIsLostWhereAReadThrows() throws {
        var carver = LineCarver()
        let batch = EventBatch(columnCount: 0)
        var step = 0
        func next(_ room: UnsafeMutableRawBufferPointer) throws -> Int {
            step += 1
            if step % 2 == 0 { throw Interrupted() }
            let bytes = Array(["{\"a\":1", "", ",\"b\"", "", ":2}\n{\"c", "", ""][step - 1].utf8)
            room.copyBytes(from: bytes)
            return bytes.count
        }
        #expect(throws: Interrupted.self) { try carver.fill(batch, read: next) }
        #expect(throws: Interrupted.self) { try carver.fill(batch, read: next) }
        #expect(try carver.fill(batch, read: next)?.endPosition == 14)
        #expect(String(decoding: UnsafeBufferPointer(start: batch.bytes, count: batch.byteCount), as: UTF8.self) == "{\"a\":1,\"b\":2}\n")
        #expect(throws: Interrupted.self) { try carver.fill(batch, read: next) }
        #expect(try carver.fill(batch, read: next)?.endPosition == 17)
        #expect(batch.byteCount == 3)
    }

    @Test(arguments: [[5000], [300_000], [1 << 21], [1_048_577, 1], [1_048_576, 2]])
    func linesThatAreTooLongAreCut(reads: [Int]) {
        let long = Array(("{\"ts\":1,\"v\":\"" + String(repeating: "z", count: 5 << 20)).utf8)
        let good = Array("{\"ts\":3,\"v\":\"ok\"}\n".utf8)
        for (input, rows, rejects) in [
            (good + long + [0x0A] + good, [1, 3], [2]), (long + [0x0A] + long + [0x0A] + good, [3], [1, 2]), (good + long, [1], [2]),
            (long + [0x0A], [], [1]), (long + [0x0A, 0x0A] + good, [3], [1]),
        ] as [([UInt8], [UInt64], [UInt64])] {
            let decoded = decodeStream(input, reads: reads)
            #expect(decoded.rows.map(\.line) == rows)
            #expect(decoded.rejects.map(\.line) == rejects)
            #expect(decoded.reasons.allSatisfy { $0 == .lineTooLong })
            #expect(decoded.rejects.allSatisfy { $0.fullLength == UInt64(long.count) })
            #expect(decoded.rejected.allSatisfy { $0.count >= LineCarver.cutLineBytes && long.starts(with: $0) })
        }
    }

    @Test func goingOnInTheMiddle() {
        var carver = LineCarver(position: 100, nextLine: 7)
        let batch = EventBatch(columnCount: 0)
        let line = Array("\u{FEFF}{}\n\n".utf8)
        let block = carver.fill(batch) { room in
            room.copyBytes(from: line)
            return line.count
        }
        #expect(block == CarvedBlock(firstLine: 7, lineCount: 2, isFirst: false, endPosition: 107, cutLines: []))
        #expect(carver.nextLine == 9)
    }
}
