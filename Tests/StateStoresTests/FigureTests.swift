import Foundation
import Seeds
import Testing

@testable import StateStores
import Streaming

/// The sizes and times that the design counts on, at a scale that leaves room for a slow machine.
@Suite struct FigureTests {
    /// The state of a key that has captured one event of 165 bytes: a head of binary numbers, and the event as it stood in the log.
    static func state(_ key: UInt64, time: UInt64) -> Bytes {
        var random = SeededGenerator(key)
        var bytes: Bytes = []
        for place in 0..<28 {
            let number = place % 4 == 0 ? time + key : place % 7 == 0 ? random.next() >> 40 : UInt64(place * 3)
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
        let card = 4_000_000_000_000_000 + key
        let event = #"{"type":"payment","time":"2026-01-01T10:\#(key % 60 / 10)\#(key % 10):11.\#(random.next() % 1000)Z","card":"\#(card)","#
            + #""amount":\#(random.next() % 1_000_000).\#(random.next() % 100),"country":"\#(["DE", "FR", "US", "BR"][Int(key % 4)])","#
            + #""merchant":"m-\#(random.next() % 100_000)","id":"\#(String(random.next(), radix: 16))"}"#
        return bytes + Array(event.utf8)
    }

    /// Keys by a hash, ascending, as shards hold them.
    private static func key(_ hash: UInt64) -> Bytes { [UInt8(ascii: "S")] + withUnsafeBytes(of: hash.bigEndian) { Bytes($0) } }

    @Test func sizeAndTimes() throws {
        let keysCount = Volume.pick(test: 100_000, soak: 1_000_000)
        let folder = DiskFolder()
        let hashes = (0..<UInt64(keysCount)).map { $0 &* 0x9E37_79B9_7F4A_7C15 }.sorted()
        let rows = hashes.map { (Self.key($0), Self.state($0 >> 20, time: 1_767_225_600_000_000)) }
        let bytes = rows.reduce(0) { $0 + $1.0.count + $1.1.count }
        let clock = ContinuousClock()
        // Of this thread, so that what else the machine does is not counted.
        func processorTime() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
        func perRow(_ time: Duration, _ count: Int) -> String { "\((time / count).components.attoseconds / 1_000_000_000) ns" }

        var store: RocksStore? = try RocksStore(directory: folder.path + "/state")
        func write(_ rows: some Collection<(Bytes, Bytes)>) throws -> (rows: Duration, commit: Duration) {
            guard let writer = try store?.begin(parts: 1) else { return (.zero, .zero) }
            let begun = processorTime()
            for (key, value) in rows { try writer.put(0, key, value) }
            try writer.finish(part: 0)
            let written = processorTime() - begun
            let committing = clock.now
            try writer.commit(anchor: [1, 2, 3], expired: .min)
            return (written, clock.now - committing)
        }
        let all = try write(rows)
        let firstSize = FolderImage.size(of: folder.path + "/state")
        try store?.compact()
        let compactedSize = FolderImage.size(of: folder.path + "/state")
        // Then a tenth changes at a time: as many files as there can be before a compaction, which reading has to look into.
        var tenth = (rows: Duration.zero, commit: Duration.zero)
        for round in 0..<15 { tenth = try write(rows.enumerated().filter { $0.offset % 10 == round % 10 }.map(\.element)) }
        store = nil
        let opening = clock.now
        store = try RocksStore(directory: folder.path + "/state")
        let opened = clock.now - opening
        var found = 0
        let scanning = processorTime()
        try store?.scan(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil) { _, _ in
            found += 1
            return true
        }
        let scanned = processorTime() - scanning
        #expect(found == keysCount)
        var random = SeededGenerator(5)
        // The second time, when indexes and filters are in memory.
        var read = Duration.zero
        for _ in 0..<2 {
            let reading = processorTime()
            var equal = 0
            for _ in 0..<2_000 {
                let row = rows[Int.random(in: 0..<rows.count, using: &random)]
                if try store?.value(row.0) == row.1 { equal += 1 }
            }
            read = processorTime() - reading
            #expect(equal == 2_000)
        }
        let verifying = clock.now
        try store?.verify()
        let verified = clock.now - verifying
        let size = FolderImage.size(of: folder.path + "/state")
        print(
            """
            StateStoresTests: \(keysCount) keys, \(bytes / keysCount) bytes a row; processor time written \(perRow(all.rows, keysCount)) a row, \
            committed in \(all.commit); a tenth \(perRow(tenth.rows, keysCount / 10)) a row, committed in \(tenth.commit); opened in \(opened); \
            scanned \(perRow(scanned, keysCount)) a row; read \(perRow(read, 2_000)) a row; verified in \(verified); \
            bytes a key on disk: \(firstSize / keysCount) as written, \(compactedSize / keysCount) compacted, \(size / keysCount) with what \
            was replaced
            """)
        // 300 MB for a million keys.
        #expect(max(firstSize, compactedSize) <= 300 * keysCount)
        #expect(opened < .milliseconds(500))
    }
}

/// A folder on the disk, where times are to be those of a disk.
private final class DiskFolder {
    let path = NSTemporaryDirectory() + "/needletail-figures-" + UUID().uuidString

    init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension FolderImage {
    /// The bytes of all files of a folder.
    static func size(of folder: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.reduce(0) { sum, name in
            sum + (((try? FileManager.default.attributesOfItem(atPath: folder + "/" + name))?[.size] as? Int) ?? 0)
        }
    }
}
