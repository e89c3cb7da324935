// Both ends of a run that stays in memory.

public import Streaming
internal import Events
internal import Glibc

/// Bytes as an input.
public final class MemorySource: Source {
    public let name: String
    private let bytes: [UInt8]
    private var position = 0

    public init(_ bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    public func read(into room: UnsafeMutableRawBufferPointer) -> Int? {
        let count = min(room.count, bytes.count - position)
        guard count > 0, let base = room.baseAddress else { return 0 }
        bytes.withUnsafeBytes { _ = memcpy(base, $0.baseAddress! + position, count) }
        position += count
        return count
    }
}

/// Keeps what is written.
public final class MemorySink: Sink {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public func write(_ bytes: UnsafeRawBufferPointer) {
        self.bytes.append(contentsOf: bytes)
    }

    public func flush() {}

    /// What was written, line by line, without the ends.
    public var lines: [[UInt8]] { bytes.split(separator: 0x0A).map(Array.init) }
}
