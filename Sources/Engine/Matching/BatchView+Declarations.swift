internal import Events

extension BatchView {
    /// Holds a value to its declaration: what breaks it becomes unknown, and a declared time a time. False where it broke.
    ///
    /// Writes to the batch, which its holder has handed over to be tested and to nobody else.
    func apply(_ declaration: ColumnDeclaration, row: Int) -> Bool {
        let place = declaration.column &* rowCapacity &+ row
        let kind = kinds[place]
        guard kind != ValueKind.unknown else { return true }
        let isKept: Bool
        switch declaration.kind {
        case .string: isKept = kind == ValueKind.string
        case .boolean: isKept = kind == ValueKind.boolean
        case .list: isKept = kind == ValueKind.list
        case .number: isKept = kind == ValueKind.integer || kind == ValueKind.unsigned || kind == ValueKind.double
        case .time:
            // A batch is tested once; a time that is one already was declared twice.
            guard kind != ValueKind.time else { return true }
            if let time = time(value(column: declaration.column, row: row)) {
                UnsafeMutablePointer(mutating: payloads)[place] = UInt64(bitPattern: time)
                UnsafeMutablePointer(mutating: kinds)[place] = ValueKind.time
                return true
            }
            isKept = false
        }
        if !isKept { UnsafeMutablePointer(mutating: kinds)[place] = ValueKind.unknown }
        return isKept
    }

    /// A number is milliseconds since 1970, a fraction rounded to the nearest microsecond; a string is RFC 3339.
    private func time(_ value: Scalar) -> Int64? {
        let time: Int64?
        switch value.kind {
        case ValueKind.integer:
            let (product, overflow) = Int64(bitPattern: value.bits).multipliedReportingOverflow(by: 1000)
            time = overflow ? nil : product
        case ValueKind.double: time = Int64(exactly: (value.asDouble * 1000).rounded())
        case ValueKind.string: time = Timestamp.microseconds(rfc3339: value.address, count: Int(value.length))
        default: time = nil
        }
        return time.flatMap { Timestamp.isInRange($0) ? $0 : nil }
    }
}
