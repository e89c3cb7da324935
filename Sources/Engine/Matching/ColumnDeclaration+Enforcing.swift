internal import Events

extension ColumnDeclaration {
    /// Makes what breaks the declaration unknown in these rows, and what is declared a time one; gives how many values broke it. A value
    /// that is missing breaks nothing.
    ///
    /// - Parameter isEventTime: the column is the field that the stream reads the event's time from, so that this is its value, whatever
    ///   the stream's format.
    /// - Complexity: O(rows).
    func enforce(on rows: UnsafeBufferPointer<UInt32>, of view: BatchView, isEventTime: Bool) -> UInt64 {
        // The batch's memory is its holder's to write, and the holder lends it to the tests of its events before anybody else reads it.
        let kinds = UnsafeMutablePointer(mutating: view.kinds) + column * view.rowCapacity
        let payloads = UnsafeMutablePointer(mutating: view.payloads) + column * view.rowCapacity
        var broken: UInt64 = 0
        for row in rows {
            let row = Int(row)
            let kind = kinds[row]
            guard kind != ValueKind.unknown else { continue }
            if isTime {
                if let time = isEventTime ? view.times[row] : ColumnDeclaration.time(view.value(column: column, row: row)) {
                    kinds[row] = ValueKind.time
                    payloads[row] = UInt64(bitPattern: time)
                    continue
                }
            } else if self.kinds >> UInt16(kind) & 1 == 1 {
                continue
            }
            kinds[row] = ValueKind.unknown
            payloads[row] = 0
            broken += 1
        }
        return broken
    }

    /// A number is milliseconds, a string RFC 3339, as in a stream that says nothing else.
    private static func time(_ value: Scalar) -> Int64? {
        let time: Int64?
        switch value.kind {
        case ValueKind.integer:
            let (scaled, overflow) = value.int64.multipliedReportingOverflow(by: 1000)
            time = overflow ? nil : scaled
        case ValueKind.double: time = Int64(exactly: (value.asDouble * 1000).rounded())
        case ValueKind.string: time = Timestamp.microseconds(rfc3339: value.address, count: Int(value.length))
        case ValueKind.time: time = value.int64
        default: time = nil
        }
        return time.flatMap { Timestamp.isInRange($0) ? $0 : nil }
    }
}
