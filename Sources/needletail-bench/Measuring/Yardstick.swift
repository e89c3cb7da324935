internal import CSimdjson
internal import Glibc

/// What decoding alone costs: simdjson reads five fields of every event of a file and keeps nothing. It runs in a process of its own, with
/// as many threads as the program has workers, each over its share of the file and read in blocks as the program reads it, so that the
/// ratio of the two times leaves out the machine and its mood.
enum Yardstick {
    /// The bytes of a block. simdjson works batches of 1 MiB, and a batch of exactly one block would start and end with every read.
    private static let blockBytes = 8 << 20
    private static let paddingBytes = Int(NT_PADDING)

    /// One thread's part. Only that thread touches it until it is joined.
    private final class Share: @unchecked Sendable {
        let path: String
        let range: Range<Int>
        var decoded = 0
        var error: BenchError?

        init(path: String, range: Range<Int>) {
            self.path = path
            self.range = range
        }

        func run() {
            do throws(BenchError) {
                decoded = try Yardstick.decode(path, range)
            } catch {
                self.error = error
            }
        }
    }

    /// - Throws: where not every event was read, since the time would be another work's.
    static func run(path: String, events: Int, workers: Int) throws(BenchError) {
        let shares = try ranges(path: path, count: workers).map { Share(path: path, range: $0) }
        var threads: [BackgroundThread] = []
        for share in shares.dropFirst() { threads.append(try BackgroundThread { share.run() }) }
        shares[0].run()
        for thread in threads { thread.join() }
        if let error = shares.compactMap(\.error).first { throw error }
        let decoded = shares.reduce(0) { $0 + $1.decoded }
        guard decoded == events else { throw .failed("the yardstick read \(decoded) of \(events) events") }
    }

    /// Shares of whole lines, together the whole file; some are empty where lines are few.
    static func ranges(path: String, count: Int) throws(BenchError) -> [Range<Int>] {
        let file = try FileHandle(reading: path)
        let size = try file.size()
        var ends: [Int] = []
        for share in 1..<max(1, count) + 1 {
            let place = share == count ? size : size / count * share
            ends.append(max(ends.last ?? 0, try lineEnd(file, from: place, size: size)))
        }
        return ends.indices.map { ($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0] }
    }

    /// Behind the line that the byte before `place` belongs to.
    private static func lineEnd(_ file: borrowing FileHandle, from place: Int, size: Int) throws(BenchError) -> Int {
        guard place > 0 else { return 0 }
        var start = place - 1
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 64)
        defer { room.deallocate() }
        while start < size {
            let count = try file.read(into: room, at: start)
            guard count > 0 else { break }
            if let found = room[..<count].firstIndex(of: UInt8(ascii: "\n")) { return start + found + 1 }
            start += count
        }
        return size
    }

    private static func decode(_ path: String, _ range: Range<Int>) throws(BenchError) -> Int {
        let file = try FileHandle(reading: path)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes + paddingBytes, alignment: 64)
        defer { room.deallocate() }
        let bytes = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
        memset(bytes + blockBytes, 0, paddingBytes)
        var place = range.lowerBound
        var filled = 0
        var decoded = 0
        while true {
            let wanted = min(blockBytes - filled, range.upperBound - place)
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: room[filled..<filled + wanted]), at: place)
            filled += count
            place += count
            let isEnd = place == range.upperBound || count == 0
            if !isEnd && filled < blockBytes { continue }
            // Whole lines only, but for the last one of the file, which needs no end.
            let end = isEnd ? filled : nt_last_newline(bytes, filled) + 1
            guard end > 0 || filled == 0 else { throw .failed("\(path) has a line of more than \(blockBytes) bytes") }
            decoded += nt_yardstick(bytes, end)
            memmove(bytes, bytes + end, filled - end)
            filled -= end
            if isEnd { return decoded }
        }
    }
}
