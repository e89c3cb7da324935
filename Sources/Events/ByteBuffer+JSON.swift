// Strings as JSON has them. Only quotes, backslashes and control characters are escaped; all other UTF-8 passes through.

extension ByteBuffer {
    /// Appends a string in quotes, escaped. The bytes are UTF-8 and lie elsewhere.
    ///
    /// - Complexity: O(n), eight bytes a step where nothing needs an escape.
    public mutating func append(jsonString from: UnsafePointer<UInt8>, count length: Int) {
        append(UInt8(ascii: "\""))
        append(jsonEscaped: from, count: length)
        append(UInt8(ascii: "\""))
    }

    public mutating func append(jsonString text: String) {
        var text = text
        text.withUTF8 { utf8 in
            guard let base = utf8.baseAddress else { return append("\"\"") }
            append(jsonString: base, count: utf8.count)
        }
    }

    /// Appends a string's content as it stands between quotes.
    public mutating func append(jsonEscaped from: UnsafePointer<UInt8>, count length: Int) {
        var start = 0
        var at = 0
        while true {
            at = ByteBuffer.firstToEscape(from, from: at, count: length)
            if at > start { append(from + start, count: at - start) }
            guard at < length else { return }
            appendEscape(from[at])
            at += 1
            start = at
        }
    }

    /// The next byte at or behind `start` that needs an escape, or `length`.
    private static func firstToEscape(_ bytes: UnsafePointer<UInt8>, from start: Int, count length: Int) -> Int {
        var at = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while at + 8 <= length {
            let word = UnsafeRawPointer(bytes + at).loadUnaligned(as: UInt64.self)
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            // The classic test for a zero byte; for `< 0x20` the borrow shows in the high bit. False hits only cost a closer look.
            let hits = ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | ((word &- (ones &* 0x20)) & ~word)
            if hits & highs != 0 { break }
            at += 8
        }
        while at < length {
            let byte = bytes[at]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return at }
            at += 1
        }
        return length
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case 0x22: append("\\\"")
        case 0x5C: append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        case 0x08: append("\\b")
        case 0x0C: append("\\f")
        default:
            append("\\u00")
            append(ByteBuffer.hexDigit(byte >> 4))
            append(ByteBuffer.hexDigit(byte & 15))
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x61 + value - 10
    }
}
