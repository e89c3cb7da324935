internal import Events
internal import Glibc

extension ByteBuffer {
    /// A value as JSON; unknown is null, an object is shown as `{}` since only its presence is known.
    mutating func append(json value: Scalar) {
        switch value.kind {
        case ValueKind.string:
            append(jsonString: value.address, count: Int(value.length))
        case ValueKind.time:
            append("\"")
            append(time: value.int64)
            append("\"")
        case ValueKind.duration:
            append("\"")
            append(duration: value.int64)
            append("\"")
        default:
            appendPlain(value, unknown: "null")
        }
    }

    /// A value inside a sentence: text as it is, unknown as the word. What is written is escaped for a JSON string.
    mutating func append(summary value: Scalar, digits: Int, groups: Bool) {
        switch value.kind {
        case ValueKind.string, ValueKind.list:
            append(jsonEscaped: value.address, count: Int(value.length))
        case ValueKind.time:
            append(time: value.int64)
        case ValueKind.duration:
            append(duration: value.int64)
        default:
            if value.isNumber && (digits >= 0 || groups) {
                append(formatted: value, digits: digits, groups: groups)
            } else {
                appendPlain(value, unknown: "unknown")
            }
        }
    }

    private mutating func appendPlain(_ value: Scalar, unknown: StaticString) {
        switch value.kind {
        case ValueKind.boolean: append(value.bits == 1 ? "true" as StaticString : "false")
        case ValueKind.integer: append(integer: value.int64)
        case ValueKind.unsigned: append(integer: value.bits)
        case ValueKind.double: append(double: value.asDouble)
        case ValueKind.list: append(value.address, count: Int(value.length))
        case ValueKind.object: append("{}")
        default: append(unknown)
        }
    }

    /// `{amount:.2f}`, `{amount:,}`: so many digits after the point, rounded to nearest, or as many as there are; thousands apart where
    /// asked for.
    private mutating func append(formatted value: Scalar, digits: Int, groups: Bool) {
        let start = count
        if digits < 0 {
            appendPlain(value, unknown: "unknown")
        } else {
            // A double has at most 309 digits before the point.
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { area in
                let length = withVaList([Int32(min(digits, 100)), value.nearestDouble]) {
                    Int(vsnprintf(area.baseAddress, 512, "%.*f", $0))
                }
                for index in 0..<length { append(UInt8(bitPattern: area[index])) }
            }
        }
        if groups { groupThousands(from: start) }
    }

    /// Puts commas between the thousands of the number that begins at a place and ends the buffer; one with an exponent stays as it is.
    private mutating func groupThousands(from place: Int) {
        let start = count > place && bytes[place] == UInt8(ascii: "-") ? place + 1 : place
        var end = start
        while end < count && bytes[end] >= UInt8(ascii: "0") && bytes[end] <= UInt8(ascii: "9") { end += 1 }
        for index in end..<count where bytes[index] == UInt8(ascii: "e") { return }
        guard end - start > 3 else { return }
        let commas = (end - start - 1) / 3
        let length = count
        for _ in 0..<commas { append(UInt8(ascii: ",")) }
        memmove(bytes + end + commas, bytes + end, length - end)
        var from = end, to = end + commas
        for _ in 0..<commas {
            from -= 3
            to -= 3
            memmove(bytes + to, bytes + from, 3)
            to -= 1
            bytes[to] = UInt8(ascii: ",")
        }
    }
}
