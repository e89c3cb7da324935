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

    /// `{amount:.2f}`, `{amount:,}`: so many digits after the point, rounded to nearest; thousands apart where asked for.
    private mutating func append(formatted value: Scalar, digits: Int, groups: Bool) {
        // A double has at most 309 digits before the point.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { area in
            let length: Int
            if digits < 0 && value.kind != ValueKind.double {
                length = value.wideInteger.description.withCString { text in
                    strncpy(area.baseAddress.unsafelyUnwrapped, text, 511)
                    return strlen(text)
                }
            } else {
                length = withVaList([Int32(max(0, min(digits < 0 ? 6 : digits, 100))), value.nearestDouble]) {
                    Int(vsnprintf(area.baseAddress, 512, "%.*f", $0))
                }
            }
            var count = length
            if digits < 0 && value.kind == ValueKind.double {
                // Without a number of digits the shortest form counts; only its whole part is grouped.
                while count > 0 && area[count - 1] == 48 { count -= 1 }
                if count > 0 && area[count - 1] == 46 { count -= 1 }
            }
            var whole = 0
            while whole < count && area[whole] != 46 { whole += 1 }
            for index in 0..<count {
                append(UInt8(bitPattern: area[index]))
                let left = whole - index - 1
                if groups && index < whole && left > 0 && left % 3 == 0 && area[index] != 45 { append(UInt8(ascii: ",")) }
            }
        }
    }
}
