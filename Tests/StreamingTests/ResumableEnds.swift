@testable import Streaming

/// A clock that goes on with each look.
final class SteadyClock: Clock {
    private var now: Int64 = 0
    var wallMicroseconds: Int64 { monotonicMicroseconds }
    var monotonicMicroseconds: Int64 {
        now += 1_000
        return now
    }
}

/// Bytes in memory that a restart can go back in.
final class ResumableMemorySource: ResumableSource {
    let name: String
    private let bytes: [UInt8]
    private let end: Int
    private var position = 0

    /// - Parameter end: so many bytes are there yet; by default all.
    init(_ name: String, _ bytes: [UInt8], end: Int? = nil) {
        self.name = name
        self.bytes = bytes
        self.end = end ?? bytes.count
    }

    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        let count = min(room.count, end - position, 1_000)
        bytes.withUnsafeBytes { all in
            if count > 0 { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[position..<position + count])) }
        }
        position += count
        return count
    }

    func place(at position: UInt64) -> [UInt8] { [] }
    func resume(at position: UInt64, place: [UInt8]) throws(SourceError) { self.position = Int(position) }
    func forget(before position: UInt64) {}
}

/// A file of alerts in memory.
final class CuttableSink: ResumableSink {
    private(set) var bytes: [UInt8] = []
    func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError) { self.bytes += bytes }
    func flush() throws(SinkError) {}
    let name = "alerts"
    var canBeCut: Bool { true }
    var length: UInt64 { UInt64(bytes.count) }
    var tail: [UInt8] { [] }
    func synchronize() throws(SinkError) {}
    func cut(to length: UInt64, tail: [UInt8]) throws(SinkError) -> Bool {
        bytes.removeLast(bytes.count - Int(length))
        return true
    }
}
