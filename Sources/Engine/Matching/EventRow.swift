public import Events

/// A decoded batch as the engine reads it: plain pointers, so that a row costs no reference count. Valid while the batch is held.
public struct BatchView: @unchecked Sendable {
    // @unchecked: pointers into a batch that its holder keeps in place and does not write to.

    let times: UnsafePointer<Int64>
    let lines: UnsafePointer<UInt64>
    let rawOffsets: UnsafePointer<UInt32>
    let rawLengths: UnsafePointer<UInt32>
    let kinds: UnsafePointer<UInt8>
    let payloads: UnsafePointer<UInt64>
    let strings: UnsafePointer<UInt8>
    let bytes: UnsafePointer<UInt8>
    let rowCapacity: Int

    public init(_ batch: EventBatch) {
        times = UnsafePointer(batch.times)
        lines = UnsafePointer(batch.lines)
        rawOffsets = UnsafePointer(batch.rawOffsets)
        rawLengths = UnsafePointer(batch.rawLengths)
        kinds = UnsafePointer(batch.kinds)
        payloads = UnsafePointer(batch.payloads)
        strings = UnsafePointer(batch.strings)
        bytes = UnsafePointer(batch.bytes)
        rowCapacity = batch.rowCapacity
    }

    @inline(__always)
    func value(column: Int, row: Int) -> Scalar {
        let place = column &* rowCapacity &+ row
        let kind = kinds[place]
        let payload = payloads[place]
        guard kind == ValueKind.string || kind == ValueKind.list else { return Scalar(kind: kind, bits: payload) }
        let address = strings + Int(payload & 0xFFFF_FFFF)
        return Scalar(kind: kind, bits: UInt64(UInt(bitPattern: address)), length: UInt32(payload >> 32))
    }
}

/// One event at hand.
public struct EventRow {
    public var view: BatchView
    public var row: Int
    public var time: Int64
    /// The place of the input on the command line in the upper 16 bits, the line number below.
    public var arrival: UInt64
    public var type: Int

    public init(view: BatchView, row: Int, time: Int64, arrival: UInt64, type: Int) {
        self.view = view
        self.row = row
        self.time = time
        self.arrival = arrival
        self.type = type
    }

    @inline(__always)
    var rawBytes: UnsafePointer<UInt8> { view.bytes + Int(view.rawOffsets[row]) }

    @inline(__always)
    var rawLength: Int { Int(view.rawLengths[row]) }
}

/// Which conditions of a rule an event satisfies, as far as the event alone tells.
public struct RuleMask {
    public var rule: UInt32
    public var bits: UInt64

    public init(rule: UInt32, bits: UInt64) {
        self.rule = rule
        self.bits = bits
    }
}
