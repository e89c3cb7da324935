internal import Events
internal import Glibc

/// An event inside a blob: its time and arrival, the columns that rules of the group look back at, and the line as it came.
///
///     0  time            8  arrival         16 bytes of the line   20 bytes of the record
///     24 payloads, 8 each    then kinds, 1 each    then text    then the line
///
/// Payloads of text hold their offset from the record's start and their length, so a record moves by copying.
enum CapturedEvent {
    /// The reference that means the event at hand, which no blob holds yet.
    static let current = UInt32.max
    static let headerSize = 24

    @inline(__always)
    static func time(_ event: UnsafeRawPointer) -> Int64 { event.load(as: Int64.self) }

    @inline(__always)
    static func arrival(_ event: UnsafeRawPointer) -> UInt64 { event.load(fromByteOffset: 8, as: UInt64.self) }

    @inline(__always)
    static func rawLength(_ event: UnsafeRawPointer) -> Int { Int(event.load(fromByteOffset: 16, as: UInt32.self)) }

    @inline(__always)
    static func size(_ event: UnsafeRawPointer) -> Int { Int(event.load(fromByteOffset: 20, as: UInt32.self)) }

    /// The line stands at the end of the used part of the record.
    @inline(__always)
    static func rawBytes(_ event: UnsafeRawPointer, slotCount: Int) -> UnsafePointer<UInt8> {
        // The text before it has a length of its own, kept behind the kinds.
        let textLength = Int(event.loadUnaligned(fromByteOffset: headerSize + slotCount * 9, as: UInt32.self))
        return (event + headerSize + slotCount * 9 + 4 + textLength).assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    static func value(_ event: UnsafeRawPointer, slot: Int, slotCount: Int) -> Scalar {
        let kind = event.load(fromByteOffset: headerSize + slotCount * 8 + slot, as: UInt8.self)
        let payload = event.load(fromByteOffset: headerSize + slot * 8, as: UInt64.self)
        guard kind == ValueKind.string || kind == ValueKind.list else { return Scalar(kind: kind, bits: payload) }
        let address = event + Int(payload & 0xFFFF_FFFF)
        return Scalar(kind: kind, bits: UInt64(UInt(bitPattern: address)), length: UInt32(payload >> 32))
    }

    /// Bytes that the record of a row takes, a multiple of 8.
    static func size(of row: EventRow, columns: UnsafePointer<Int32>, slotCount: Int) -> Int {
        var size = headerSize + slotCount * 9 + 4 + row.rawLength
        for slot in 0..<slotCount {
            let value = row.view.value(column: Int(columns[slot]), row: row.row)
            if value.kind == ValueKind.string || value.kind == ValueKind.list { size += Int(value.length) }
        }
        return (size + 7) & ~7
    }

    /// Bytes before the text.
    @inline(__always)
    static func fixedSize(slotCount: Int) -> Int { headerSize + slotCount * 9 + 4 }

    /// Writes the record of a row; `size` is what ``size(of:columns:slotCount:)`` said.
    @inline(__always)
    static func write(_ row: EventRow, columns: UnsafePointer<Int32>, slotCount: Int, size: Int, to event: UnsafeMutableRawPointer) {
        write(time: row.time, arrival: row.arrival, raw: (row.rawBytes, row.rawLength), slotCount: slotCount, size: size, to: event) {
            row.view.value(column: Int(columns[$0]), row: row.row)
        }
    }

    /// Writes a record whose fields `value` gives.
    @inline(__always)
    static func write(
        time: Int64, arrival: UInt64, raw: (bytes: UnsafePointer<UInt8>, count: Int), slotCount: Int, size: Int,
        to event: UnsafeMutableRawPointer, value: (_ slot: Int) -> Scalar
    ) {
        event.storeBytes(of: time, as: Int64.self)
        event.storeBytes(of: arrival, toByteOffset: 8, as: UInt64.self)
        event.storeBytes(of: UInt32(raw.count), toByteOffset: 16, as: UInt32.self)
        event.storeBytes(of: UInt32(size), toByteOffset: 20, as: UInt32.self)
        let textStart = fixedSize(slotCount: slotCount)
        var text = textStart
        for slot in 0..<slotCount {
            let value = value(slot)
            event.storeBytes(of: value.kind, toByteOffset: headerSize + slotCount * 8 + slot, as: UInt8.self)
            var payload = value.bits
            if value.kind == ValueKind.string || value.kind == ValueKind.list {
                memcpy(event + text, value.address, Int(value.length))
                payload = UInt64(text) | UInt64(value.length) << 32
                text += Int(value.length)
            }
            event.storeBytes(of: payload, toByteOffset: headerSize + slot * 8, as: UInt64.self)
        }
        event.storeBytes(of: UInt32(text - textStart), toByteOffset: headerSize + slotCount * 9, as: UInt32.self)
        memcpy(event + text, raw.bytes, raw.count)
    }
}
