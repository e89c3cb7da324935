internal import Diagnostics
internal import Events

extension Lexer {
    /// Longest duration of a rule: a thousand years, so that no sum with a time leaves 64 bits.
    static let durationMicrosecondsMax: Int64 = 365_250 * 86_400_000_000

    mutating func scanQuotedName() {
        let start = position
        position += 1
        while let next = byte(position), next != UInt8(ascii: "`"), next != 0x0A { position += 1 }
        guard byte(position) == UInt8(ascii: "`") else {
            sink.report(
                Diagnostic(
                    .badQuotedName, "this name in backquotes has no end", at: span(start, position),
                    help: "a name in backquotes ends on its own line with another backquote"))
            return add(.quotedName(text(start + 1, position)), from: start)
        }
        position += 1
        let name = text(start + 1, position - 1)
        if name.isEmpty {
            sink.report(Diagnostic(.badQuotedName, "there is no name between these backquotes", at: span(start, position)))
        }
        add(.quotedName(name), from: start)
    }

    mutating func scanRawString() {
        let start = position
        position += 1
        while let next = byte(position), next != UInt8(ascii: "'"), next != 0x0A { position += 1 }
        let value = text(start + 1, position)
        if byte(position) == UInt8(ascii: "'") {
            position += 1
        } else {
            reportUnterminated(start, quote: "'")
        }
        add(.string(value, isRaw: true), from: start)
    }

    mutating func scanString() {
        let start = position
        let string = decodeString()
        position = string.end
        if !string.isTerminated { reportUnterminated(start, quote: "\"") }
        for escape in string.badEscapes {
            let isPattern = byte(escape.lowerBound + 1).map { "dwsbDWSB.+*()[]{}^$|".utf8.contains($0) } ?? false
            sink.report(
                Diagnostic(
                    .unknownEscape, "`\(text(escape.lowerBound, escape.upperBound))` is no escape",
                    at: span(escape.lowerBound, escape.upperBound),
                    help: isPattern
                        ? "write a regular expression between single quotes, where a backslash is a plain sign: '\\d+'"
                        : "a backslash is written `\\\\`; escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"))
        }
        add(.string(String(decoding: string.bytes, as: UTF8.self), isRaw: false), from: start)
    }

    private mutating func reportUnterminated(_ start: Int, quote: String) {
        var end = position
        if end > start + 1, bytes[end - 1] == 0x0D { end -= 1 }
        sink.report(
            Diagnostic(
                .unterminatedString, "this string has no end", at: span(start, end), help: "a string ends on its own line with `\(quote)`"))
    }

    struct DecodedString {
        var bytes: [UInt8] = []
        /// For each decoded byte, and for the end, the index where it comes from.
        var sources: [Int32] = []
        var badEscapes: [Range<Int>] = []
        var isTerminated = false
        /// The index after the closing quote.
        var end = 0
    }

    /// Decodes the string whose opening quote stands at `position`.
    func decodeString() -> DecodedString {
        var result = DecodedString()
        var index = position + 1
        func put(_ byte: UInt8, from source: Int) {
            result.bytes.append(byte)
            result.sources.append(Int32(source))
        }
        while let next = byte(index), next != 0x0A {
            if next == UInt8(ascii: "\"") {
                result.isTerminated = true
                break
            }
            guard next == UInt8(ascii: "\\") else {
                put(next, from: index)
                index += 1
                continue
            }
            let start = index
            index += 2
            switch byte(start + 1) {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): put(bytes[start + 1], from: start)
            case UInt8(ascii: "b"): put(0x08, from: start)
            case UInt8(ascii: "f"): put(0x0C, from: start)
            case UInt8(ascii: "n"): put(0x0A, from: start)
            case UInt8(ascii: "r"): put(0x0D, from: start)
            case UInt8(ascii: "t"): put(0x09, from: start)
            case UInt8(ascii: "u"):
                guard let scalar = unicodeEscape(at: start, next: &index) else {
                    result.badEscapes.append(start..<index)
                    break
                }
                for byte in String(scalar).utf8 { put(byte, from: start) }
            case nil, 0x0A:
                index = start + 1
                result.badEscapes.append(start..<index)
            case let other?:
                // The whole character behind the backslash belongs to the mistake.
                if other >= 0x80 { index = start + 1 + max(1, Lexer.sequenceLength(bytes, at: start + 1)) }
                result.badEscapes.append(start..<index)
            }
        }
        result.sources.append(Int32(index))
        result.end = result.isTerminated ? index + 1 : index
        return result
    }

    /// `\uXXXX`, or two of them for one character beyond the first 65 536. `next` becomes the index behind it.
    private func unicodeEscape(at start: Int, next: inout Int) -> Unicode.Scalar? {
        func unit(_ index: Int) -> UInt32? {
            var value: UInt32 = 0
            for offset in 0..<4 {
                guard let digit = byte(index + offset), let number = Character(UnicodeScalar(digit)).hexDigitValue, digit < 0x80 else {
                    return nil
                }
                value = value << 4 | UInt32(number)
            }
            return value
        }
        guard let first = unit(start + 2) else { return nil }
        next = start + 6
        guard (0xD800...0xDFFF).contains(first) else { return Unicode.Scalar(first) }
        guard first < 0xDC00, byte(start + 6) == UInt8(ascii: "\\"), byte(start + 7) == UInt8(ascii: "u"), let second = unit(start + 8),
            (0xDC00...0xDFFF).contains(second)
        else { return nil }
        next = start + 12
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    mutating func scanNumber() {
        let start = position
        scanDigits()
        if let next = byte(position), Lexer.startsWord(next), next != UInt8(ascii: "_"), next | 0x20 != UInt8(ascii: "e") {
            return scanDuration(start)
        }
        var isInteger = true
        if byte(position) == UInt8(ascii: "."), let next = byte(position + 1), Lexer.isDigit(next) {
            isInteger = false
            position += 1
            scanDigits()
        }
        if let next = byte(position), next | 0x20 == UInt8(ascii: "e") {
            let mark = position
            position += 1
            if byte(position) == UInt8(ascii: "+") || byte(position) == UInt8(ascii: "-") { position += 1 }
            if let digit = byte(position), Lexer.isDigit(digit) {
                isInteger = false
                scanDigits()
            } else {
                position = mark
            }
        }
        if let next = byte(position), Lexer.continuesWord(next) {
            while let next = byte(position), Lexer.continuesWord(next) { position += 1 }
            let isTime = Self.durationUnits.contains { unit in bytes[start..<position].reversed().starts(with: unit.name.utf8.reversed()) }
            let shown = text(start, min(position, start + 30))
            sink.report(
                isTime
                    ? Diagnostic(
                        .badDuration, "durations are made of whole numbers", at: span(start, position),
                        help: "instead of `1.5h` write `1h30m`, instead of `0.5s` write `500ms`")
                    : Diagnostic(
                        .badNumber, "`\(shown)` is no number", at: span(start, position),
                        help: "numbers look like `12`, `1_000`, `0.5` or `1e6`"))
            return add(.invalid, from: start)
        }
        let raw = bytes[start..<position]
        let isMisplaced = zip(raw, raw.dropFirst()).contains { a, b in
            a == UInt8(ascii: "_") && !Lexer.isDigit(b) || b == UInt8(ascii: "_") && !Lexer.isDigit(a)
        }
        if isMisplaced || raw.last == UInt8(ascii: "_") {
            sink.report(
                Diagnostic(
                    .badNumber, "`_` stands between two digits only", at: span(start, position),
                    help: "numbers look like `12`, `1_000`, `0.5` or `1e6`"))
            return add(.invalid, from: start)
        }
        let digits = String(decoding: raw.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
        if isInteger, digits.utf8.count <= 38, let value = Int128(digits), Value.integerRange.contains(value) {
            return add(.integer(value), from: start)
        }
        guard let value = Double(digits), value.isFinite else {
            sink.report(
                Diagnostic(.badNumber, "this number is too large", at: span(start, position), help: "the largest number is about 1.8e308"))
            return add(.invalid, from: start)
        }
        add(.double(value), from: start)
    }

    private mutating func scanDigits() {
        while let next = byte(position), Lexer.isDigit(next) || next == UInt8(ascii: "_") { position += 1 }
    }

    static let durationUnits: [(name: String, microseconds: Int64)] = [
        ("w", 604_800_000_000), ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000),
    ]

    /// The rest of `1h30m`; the first digits are scanned. The whole word is one mistake where it is one.
    private mutating func scanDuration(_ start: Int) {
        while let next = byte(position), Lexer.continuesWord(next) { position += 1 }
        var problem: String?
        if byte(position) == UInt8(ascii: "."), let next = byte(position + 1), Lexer.isDigit(next) {
            position += 1
            while let next = byte(position), Lexer.continuesWord(next) { position += 1 }
            problem = "durations are made of whole numbers"
        }
        var total: Int64 = 0
        var index = start
        var unitsUsed = 0
        while problem == nil, index < position {
            let numberStart = index
            while index < position, Lexer.isDigit(bytes[index]) || bytes[index] == UInt8(ascii: "_") { index += 1 }
            let digits = String(decoding: bytes[numberStart..<index].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
            let unitStart = index
            while index < position, Lexer.startsWord(bytes[index]), bytes[index] != UInt8(ascii: "_") { index += 1 }
            let unit = text(unitStart, index)
            guard !digits.isEmpty, bytes[numberStart] != UInt8(ascii: "_"), bytes[unitStart - 1] != UInt8(ascii: "_") else {
                problem = "`\(text(start, min(position, start + 30)))` is no duration"
                break
            }
            guard let place = Self.durationUnits.firstIndex(where: { $0.name == unit }) else {
                problem = unit.isEmpty ? "a unit is missing after `\(digits.prefix(20))`" : "`\(unit.prefix(20))` is no unit of time"
                break
            }
            guard place >= unitsUsed else {
                problem = "units go from large to small, each once"
                break
            }
            unitsUsed = place + 1
            let product = Int64(digits).map { $0.multipliedReportingOverflow(by: Self.durationUnits[place].microseconds) }
            let sum = product.map { total.addingReportingOverflow($0.partialValue) }
            guard let product, let sum, !product.overflow, !sum.overflow, sum.partialValue <= Self.durationMicrosecondsMax else {
                problem = "this duration is longer than a thousand years"
                break
            }
            total = sum.partialValue
        }
        if let problem {
            sink.report(
                Diagnostic(
                    .badDuration, problem, at: span(start, position),
                    help: "durations look like `250ms`, `30s`, `10m`, `1h30m`, `2d` or `1w`"))
            return add(.invalid, from: start)
        }
        add(.duration(total), from: start)
    }
}
