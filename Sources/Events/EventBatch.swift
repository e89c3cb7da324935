/// What kind of value a column holds in a row.
public enum ValueKind {
    /// Missing or null.
    public static let unknown: UInt8 = 0
    /// Payload 0 or 1.
    public static let boolean: UInt8 = 1
    /// Payload: the bits of an `Int64`.
    public static let integer: UInt8 = 2
    /// Payload: a `UInt64` above `Int64.max`.
    public static let unsigned: UInt8 = 3
    /// Payload: the bits of a finite `Double`.
    public static let double: UInt8 = 4
    /// Payload: offset from the batch's `strings` in the lower 32 bits, length in the upper 32. UTF-8.
    public static let string: UInt8 = 5
    /// A list: its JSON text, addressed as a string is.
    public static let list: UInt8 = 6
    /// An object: present, and comparable with nothing. No payload.
    public static let object: UInt8 = 7
    /// Expressions only. Payload: the bits of an `Int64`, microseconds.
    public static let duration: UInt8 = 8
    /// Expressions only. Payload: the bits of an `Int64`, microseconds since 1970.
    public static let time: UInt8 = 9
}

/// Decoded events in columns: only the fields that the loaded rules read, beside time, arrival, and where the raw line lies.
///
/// Memory is allocated once a batch and reused; column `c` of row `r` stands at index `c * rowCapacity + r`. A batch is owned by one
/// thread at a time: it travels through the pipeline and goes back to its pool.
public final class EventBatch: @unchecked Sendable {
    // @unchecked: handed from stage to stage, never used by two threads at once.

    public let columnCount: Int
    public private(set) var rowCapacity: Int
    /// Rows in use.
    public var count = 0

    /// Microseconds since 1970, a row.
    public private(set) var times: UnsafeMutablePointer<Int64>
    /// Line numbers in the input, from 1, a row.
    public private(set) var lines: UnsafeMutablePointer<UInt64>
    /// Where the line begins in `bytes`, without its end in `rawLengths`.
    public private(set) var rawOffsets: UnsafeMutablePointer<UInt32>
    public private(set) var rawLengths: UnsafeMutablePointer<UInt32>
    public private(set) var kinds: UnsafeMutablePointer<UInt8>
    public private(set) var payloads: UnsafeMutablePointer<UInt64>

    /// The block as it was read, with ``padding`` readable bytes behind it.
    public private(set) var bytes: UnsafeMutablePointer<UInt8>
    public private(set) var byteCapacity: Int
    public var byteCount = 0

    /// What simdjson reads beyond the end.
    public static let padding = 64

    /// What the payloads of string values are counted from. Text that stands in a line as it is stays there; all other text has the
    /// room from ``textStart`` on.
    public var strings: UnsafeMutablePointer<UInt8> { bytes }
    /// Where the room for text begins, seen from `strings`: behind the block.
    public var textStart: Int { byteCapacity + EventBatch.padding }
    /// How much text has room.
    public private(set) var stringCapacity: Int

    public init(columnCount: Int, rowCapacity: Int = 256, byteCapacity: Int = 64 * 1024) {
        self.columnCount = columnCount
        self.rowCapacity = rowCapacity
        self.byteCapacity = byteCapacity
        stringCapacity = byteCapacity + EventBatch.padding
        times = .allocate(capacity: rowCapacity)
        lines = .allocate(capacity: rowCapacity)
        rawOffsets = .allocate(capacity: rowCapacity)
        rawLengths = .allocate(capacity: rowCapacity)
        kinds = .allocate(capacity: max(1, rowCapacity * columnCount))
        payloads = .allocate(capacity: max(1, rowCapacity * columnCount))
        bytes = .allocate(capacity: byteCapacity + EventBatch.padding + stringCapacity)
    }

    deinit {
        times.deallocate()
        lines.deallocate()
        rawOffsets.deallocate()
        rawLengths.deallocate()
        kinds.deallocate()
        payloads.deallocate()
        bytes.deallocate()
    }

    /// Empties the batch and makes room for so many rows; what the rows held is gone.
    public func reset(rowCapacity rows: Int) {
        count = 0
        guard rows > rowCapacity else { return }
        let capacity = Swift.max(rows, rowCapacity * 2)
        times.deallocate()
        lines.deallocate()
        rawOffsets.deallocate()
        rawLengths.deallocate()
        kinds.deallocate()
        payloads.deallocate()
        rowCapacity = capacity
        times = .allocate(capacity: capacity)
        lines = .allocate(capacity: capacity)
        rawOffsets = .allocate(capacity: capacity)
        rawLengths = .allocate(capacity: capacity)
        kinds = .allocate(capacity: Swift.max(1, capacity * columnCount))
        payloads = .allocate(capacity: Swift.max(1, capacity * columnCount))
    }

    /// Makes room for a block of so many bytes; keeps the first `byteCount`, but no text behind them.
    public func reserveBytes(_ capacity: Int) {
        guard capacity > byteCapacity else { return }
        byteCapacity = Swift.max(capacity, byteCapacity * 2)
        move()
    }

    /// Makes room for so many bytes of text; what text there was is gone, the block stays.
    public func reserveStrings(_ capacity: Int) {
        guard capacity > stringCapacity else { return }
        stringCapacity = capacity
        move()
    }

    private func move() {
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCapacity + EventBatch.padding + stringCapacity)
        moved.update(from: bytes, count: byteCount)
        bytes.deallocate()
        bytes = moved
    }
}
