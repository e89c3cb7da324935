internal import Events
internal import Glibc

/// Goes over the elements of a list, which is JSON text that a decoder has found to be valid. Nested lists and objects are passed over.
///
/// Text that is no list after all ends the reading early and is never read beyond its end.
///
/// - Complexity: O(n) over the whole list, without recursion.
struct ListReader {
    private var at: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    /// - Precondition: `list` is of kind ``ValueKind/list``.
    init(_ list: Scalar) {
        at = list.address
        end = at + Int(list.length)
        if at < end && at.pointee == UInt8(ascii: "[") { at += 1 } else { at = end }
    }

    /// The next element, or nil at the end. Null is unknown. A text with escapes is written out into the arena.
    mutating func next(_ arena: inout TextArena) -> Scalar? {
        guard let text = nextText() else { return nil }
        guard let first = text.first else { return nil }
        switch first {
        case UInt8(ascii: "\""): return ListReader.string(text, &arena)
        case UInt8(ascii: "["): return ListReader.list(text)
        case UInt8(ascii: "{"): return Scalar(kind: ValueKind.object, bits: 0)
        case UInt8(ascii: "t"): return .boolean(true)
        case UInt8(ascii: "f"): return .boolean(false)
        case UInt8(ascii: "n"): return .unknown
        default: return ListReader.number(text, &arena)
        }
    }

    /// Passes over an element; false at the end.
    mutating func skip() -> Bool {
        nextText() != nil
    }

    /// The next element as it is written, without the comma behind it.
    private mutating func nextText() -> UnsafeBufferPointer<UInt8>? {
        skipBlanks()
        guard at < end, at.pointee != UInt8(ascii: "]") else { return nil }
        let start = at
        switch at.pointee {
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "["), UInt8(ascii: "{"): skipNested()
        default:
            while at < end && !ListReader.endsPlain(at.pointee) { at += 1 }
        }
        let text = UnsafeBufferPointer(start: start, count: at - start)
        guard !text.isEmpty else {
            at = end
            return nil
        }
        skipBlanks()
        if at < end && at.pointee == UInt8(ascii: ",") { at += 1 }
        return text
    }

    private mutating func skipBlanks() {
        while at < end, at.pointee == 0x20 || at.pointee == 0x09 || at.pointee == 0x0A || at.pointee == 0x0D { at += 1 }
    }

    private static func endsPlain(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") || byte <= 0x20
    }

    private mutating func skipString() {
        at += 1
        while at < end {
            let byte = at.pointee
            at += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") && at < end { at += 1 }
        }
    }

    private mutating func skipNested() {
        var depth = 0
        while at < end {
            switch at.pointee {
            case UInt8(ascii: "\""):
                skipString()
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            at += 1
            if depth == 0 { return }
        }
    }

    private static func list(_ text: UnsafeBufferPointer<UInt8>) -> Scalar {
        var list = Scalar.text(text.baseAddress.unsafelyUnwrapped, text.count)
        list.kind = ValueKind.list
        return list
    }

    // MARK: Numbers

    /// As events have them: integers of 64 bits exactly, all others as the nearest double.
    private static func number(_ text: UnsafeBufferPointer<UInt8>, _ arena: inout TextArena) -> Scalar {
        let isNegative = text[0] == UInt8(ascii: "-")
        var magnitude: UInt64 = 0
        var isInteger = text.count > (isNegative ? 1 : 0)
        for place in (isNegative ? 1 : 0)..<text.count {
            let digit = text[place] &- 0x30
            let (scaled, over) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(UInt64(digit))
            guard digit < 10 && !over && !carry else {
                isInteger = false
                break
            }
            magnitude = sum
        }
        if isInteger && (!isNegative || magnitude <= 1 << 63) { return .wide(isNegative ? -Int128(magnitude) : Int128(magnitude)) }
        // `strtod` reads up to a zero, which the text does not have.
        let copy = arena.allocate(text.count + 1)
        copy.update(from: text.baseAddress.unsafelyUnwrapped, count: text.count)
        copy[text.count] = 0
        return copy.withMemoryRebound(to: CChar.self, capacity: text.count + 1) { .double(strtod($0, nil)) }
    }

    // MARK: Strings

    private static func string(_ text: UnsafeBufferPointer<UInt8>, _ arena: inout TextArena) -> Scalar {
        guard text.count >= 2, let base = text.baseAddress, text[text.count - 1] == UInt8(ascii: "\"") else { return .unknown }
        let content = base + 1
        let count = text.count - 2
        guard count > 0, memchr(content, 0x5C, count) != nil else { return .text(content, count) }
        // No escape is shorter than what it stands for, but for one that is cut off at the end.
        let written = arena.allocate(count + 4)
        var length = 0
        var place = 0
        while place < count {
            guard content[place] == 0x5C, place + 1 < count else {
                written[length] = content[place]
                length += 1
                place += 1
                continue
            }
            let letter = content[place + 1]
            place += 2
            if letter == UInt8(ascii: "u") {
                length += write(escapedScalar(content, count, &place), to: written + length)
            } else {
                written[length] = plainEscape(letter)
                length += 1
            }
        }
        return .text(written, length)
    }

    private static func plainEscape(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: letter
        }
    }

    /// What stands behind `\u`; half a pair without the other is U+FFFD.
    private static func escapedScalar(_ content: UnsafePointer<UInt8>, _ count: Int, _ place: inout Int) -> UInt32 {
        let first = unit(content, count, place)
        place = min(count, place + 4)
        guard first >> 10 == 0x36 else { return first >> 10 == 0x37 || first > 0xFFFF ? 0xFFFD : first }
        guard place + 6 <= count, content[place] == 0x5C, content[place + 1] == UInt8(ascii: "u") else { return 0xFFFD }
        let second = unit(content, count, place + 2)
        guard second >> 10 == 0x37 else { return 0xFFFD }
        place += 6
        return 0x10000 + (first & 0x3FF) << 10 + second & 0x3FF
    }

    /// Four hexadecimal digits; above 0xFFFF where they are none.
    private static func unit(_ content: UnsafePointer<UInt8>, _ count: Int, _ place: Int) -> UInt32 {
        guard place + 4 <= count else { return .max }
        var value: UInt32 = 0
        for index in place..<place + 4 {
            let byte = content[index]
            let letter = byte | 0x20
            let digit: UInt8
            if byte &- 0x30 < 10 { digit = byte &- 0x30 } else if letter &- 0x61 < 6 { digit = letter &- 0x61 + 10 } else { return .max }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// UTF-8 of a scalar; gives its length.
    private static func write(_ scalar: UInt32, to bytes: UnsafeMutablePointer<UInt8>) -> Int {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | (scalar >> shift) & 0x3F) }
        if scalar < 0x80 {
            bytes[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        if scalar < 0x800 {
            bytes[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
            bytes[1] = tail(0)
            return 2
        }
        if scalar < 0x10000 {
            bytes[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
            bytes[1] = tail(6)
            bytes[2] = tail(0)
            return 3
        }
        bytes[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        bytes[1] = tail(12)
        bytes[2] = tail(6)
        bytes[3] = tail(0)
        return 4
    }
}
