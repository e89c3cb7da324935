internal import Glibc

/// Bytes that are written once and reused: alerts, rejects and reports are built in one of these.
///
/// Nothing is allocated once it has grown to the size of its longest content.
public struct ByteBuffer: ~Copyable {
    public private(set) var bytes: UnsafeMutablePointer<UInt8>
    public private(set) var count: Int
    public private(set) var capacity: Int

    public init(capacity: Int = 1024) {
        self.capacity = Swift.max(64, capacity)
        self.bytes = .allocate(capacity: self.capacity)
        self.count = 0
    }

    deinit {
        bytes.deallocate()
    }

    /// Forgets the content and keeps the memory.
    @inline(__always)
    public mutating func removeAll() {
        count = 0
    }

    /// Drops what was written behind `length`.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count, "A buffer is only ever cut back.")
        count = length
    }

    /// Makes room for so many more bytes.
    @inline(__always)
    public mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let wanted = Swift.max(count + more, capacity * 2)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        moved.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = moved
        capacity = wanted
    }

    /// Takes bytes into the content that were written behind its end.
    @inline(__always)
    mutating func setCount(_ length: Int) {
        count = length
    }

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        bytes[count] = byte
        count += 1
    }

    /// Appends bytes from elsewhere; they must not lie in this buffer.
    @inline(__always)
    public mutating func append(_ from: UnsafePointer<UInt8>, count length: Int) {
        reserve(length)
        memcpy(bytes + count, from, length)
        count += length
    }

    @inline(__always)
    public mutating func append(_ from: UnsafeRawBufferPointer) {
        guard let base = from.baseAddress else { return }
        append(base.assumingMemoryBound(to: UInt8.self), count: from.count)
    }

    /// Appends a literal as it stands.
    @inline(__always)
    public mutating func append(_ literal: StaticString) {
        literal.withUTF8Buffer { append($0.baseAddress!, count: $0.count) }
    }

    /// Appends a string's UTF-8 as it stands.
    public mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// A copy as a string, for messages and tests.
    public var string: String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
