import Decoding
import Streaming

/// An input in memory that hands out its bytes in pieces of given sizes, again and again in a circle; at a piece of 0 bytes nothing is
/// there yet.
final class MemorySource: Source {
    let name: String
    private let bytes: [UInt8]
    private let pieces: [Int]
    private var position = 0
    private var piece = 0

    init(_ name: String, _ bytes: [UInt8], pieces: [Int] = [1 << 20]) {
        self.name = name
        self.bytes = bytes
        self.pieces = pieces
    }

    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        let size = pieces[piece % pieces.count]
        piece += 1
        if size == 0 { return nil }
        let count = min(room.count, size, bytes.count - position)
        bytes.withUnsafeBytes { all in
            if count > 0 { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[position..<position + count])) }
        }
        position += count
        return count
    }
}

/// Keeps what is written.
final class MemorySink: Sink {
    private(set) var bytes: [UInt8] = []

    func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError) {
        self.bytes += bytes
    }

    func flush() throws(SinkError) {}

    var text: String { String(decoding: bytes, as: UTF8.self) }
}
