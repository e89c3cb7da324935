internal import Glibc

extension EventBatch {
    /// Bytes and text that a row takes here if it is copied from another batch of the same columns.
    func room(for row: Int, of other: EventBatch) -> (bytes: Int, text: Int) {
        var text = 0
        for column in 0..<columnCount {
            let place = column * other.rowCapacity + row
            guard other.kinds[place] == ValueKind.string || other.kinds[place] == ValueKind.list else { continue }
            let payload = other.payloads[place]
            // What stands in the line comes with it.
            if Int(payload & 0xFFFF_FFFF) >= other.textStart { text += Int(payload >> 32) }
        }
        return (Int(other.rawLengths[row]), text)
    }

    /// Appends a copy of another batch's row, with its line and its text; false where it has no room left. `textCount` is how much of
    /// the room for text is in use.
    ///
    /// - Complexity: O(columns + bytes of the line).
    public func append(row: Int, of other: EventBatch, textCount: inout Int) -> Bool {
        let needed = room(for: row, of: other)
        guard count < rowCapacity, byteCount + needed.bytes <= byteCapacity, textCount + needed.text <= stringCapacity else { return false }
        let target = count
        times[target] = other.times[row]
        lines[target] = other.lines[row]
        rawOffsets[target] = UInt32(byteCount)
        rawLengths[target] = UInt32(needed.bytes)
        memcpy(bytes + byteCount, other.bytes + Int(other.rawOffsets[row]), needed.bytes)
        byteCount += needed.bytes
        for column in 0..<columnCount {
            let from = column * other.rowCapacity + row
            let to = column * rowCapacity + target
            let kind = other.kinds[from]
            var payload = other.payloads[from]
            if kind == ValueKind.string || kind == ValueKind.list {
                let length = Int(payload >> 32)
                let offset = Int(payload & 0xFFFF_FFFF)
                let place: Int
                if offset < other.textStart {
                    place = Int(rawOffsets[target]) + offset - Int(other.rawOffsets[row])
                } else {
                    place = textStart + textCount
                    memcpy(strings + place, other.strings + offset, length)
                    textCount += length
                }
                payload = UInt64(place) | UInt64(length) << 32
            }
            kinds[to] = kind
            payloads[to] = payload
        }
        count += 1
        return true
    }

    /// Bytes of memory that the batch holds.
    public var footprint: Int {
        rowCapacity * (24 + 9 * columnCount) + byteCapacity + stringCapacity
    }
}
