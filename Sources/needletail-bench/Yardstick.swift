internal import CSimdjson
internal import Glibc

/// What decoding alone costs: simdjson reads five fields of every event of a file and keeps nothing. It runs in a process of its own, read
/// from the file in blocks as the program reads it, so that the ratio of the two times leaves out the machine and its mood.
enum Yardstick {
    /// The bytes of a block. simdjson works batches of 1 MiB, and a batch of exactly one block would start and end with every read.
    private static let blockBytes = 8 << 20
    private static let paddingBytes = Int(NT_PADDING)

    /// - Throws: where not every event was read, since the time would be another work's.
    static func run(path: String, events: Int) throws(BenchError) {
        let file = try FileHandle(reading: path)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes + paddingBytes, alignment: 64)
        defer { room.deallocate() }
        let bytes = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
        memset(bytes + blockBytes, 0, paddingBytes)
        var filled = 0
        var decoded = 0
        while true {
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: room[filled..<blockBytes]))
            filled += count
            if count > 0 && filled < blockBytes { continue }
            // Whole lines only, but for the last one of the file, which needs no end.
            let end = count == 0 ? filled : nt_last_newline(bytes, filled) + 1
            guard end > 0 || filled == 0 else { throw .failed("\(path) has a line of more than \(blockBytes) bytes") }
            decoded += nt_yardstick(bytes, end)
            memmove(bytes, bytes + end, filled - end)
            filled -= end
            if count == 0 { break }
        }
        guard decoded == events else { throw .failed("the yardstick read \(decoded) of \(events) events") }
    }
}
