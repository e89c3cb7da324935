internal import Glibc
public import Events

/// A JSON value as an event holds it. The reader is the plainest there is and shares nothing with the engine's decoder.
public indirect enum JSONValue: Sendable {
    case null
    case boolean(Bool)
    case integer(Int128)
    case double(Double)
    case string(String)
    case list([JSONValue])
    /// Of a repeated name the last member counts.
    case object([String: JSONValue])

    /// Reads one JSON text; nil where it is not one, or is nested deeper than 64.
    public init?(text: String) {
        var reader = JSONReader(bytes: Array(text.utf8))
        guard let value = reader.value(depth: 0) else { return nil }
        reader.skipSpace()
        guard reader.isAtEnd else { return nil }
        self = value
    }

    /// What an expression sees: null is unknown, an object is present and opaque.
    public var value: Value {
        switch self {
        case .null: .unknown
        case .boolean(let boolean): .boolean(boolean)
        case .integer(let integer): Value(integer: integer)
        case .double(let double): Value(double: double)
        case .string(let string): .string(string)
        case .list(let elements): .list(elements.map(\.value))
        case .object: .object
        }
    }

    /// The value at a path; nil where there is none.
    public func at(_ path: FieldPath) -> JSONValue? {
        var here = self
        for component in path.components {
            switch (component, here) {
            case (.name(let name), .object(let members)):
                guard let member = members[name] else { return nil }
                here = member
            case (.index(let index), .list(let elements)):
                guard index >= 0, index < elements.count else { return nil }
                here = elements[index]
            default:
                return nil
            }
        }
        return here
    }
}

private struct JSONReader {
    static let depthMax = 64
    let bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { position == bytes.count }
    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func skipSpace() {
        while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let wanted = Array("\(text)".utf8)
        guard bytes.count - position >= wanted.count, Array(bytes[position..<(position + wanted.count)]) == wanted else { return false }
        position += wanted.count
        return true
    }

    mutating func value(depth: Int) -> JSONValue? {
        skipSpace()
        guard depth <= JSONReader.depthMax, let byte else { return nil }
        switch byte {
        case UInt8(ascii: "n"): return take("null") ? .null : nil
        case UInt8(ascii: "t"): return take("true") ? .boolean(true) : nil
        case UInt8(ascii: "f"): return take("false") ? .boolean(false) : nil
        case UInt8(ascii: "\""): return string().map(JSONValue.string)
        case UInt8(ascii: "["): return list(depth: depth)
        case UInt8(ascii: "{"): return object(depth: depth)
        default: return number()
        }
    }

    private mutating func list(depth: Int) -> JSONValue? {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .list([]) }
        while true {
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
            skipSpace()
            if take("]") { return .list(elements) }
            guard take(",") else { return nil }
        }
    }

    private mutating func object(depth: Int) -> JSONValue? {
        position += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take("}") { return .object([:]) }
        while true {
            skipSpace()
            guard byte == UInt8(ascii: "\""), let name = string() else { return nil }
            skipSpace()
            guard take(":"), let member = value(depth: depth + 1) else { return nil }
            members[name] = member
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    private mutating func string() -> String? {
        position += 1
        var units: [UInt8] = []
        while let byte {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return String(validating: units, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escape = self.byte else { return nil }
                position += 1
                switch escape {
                case UInt8(ascii: "n"): units.append(0x0A)
                case UInt8(ascii: "t"): units.append(0x09)
                case UInt8(ascii: "r"): units.append(0x0D)
                case UInt8(ascii: "b"): units.append(0x08)
                case UInt8(ascii: "f"): units.append(0x0C)
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(escape)
                case UInt8(ascii: "u"):
                    guard let scalar = escapedScalar() else { return nil }
                    units.append(contentsOf: Array(String(Character(scalar)).utf8))
                default: return nil
                }
            case 0..<0x20:
                return nil
            default:
                units.append(byte)
            }
        }
        return nil
    }

    private mutating func hexadecimal() -> UInt32? {
        guard bytes.count - position >= 4 else { return nil }
        var unit: UInt32 = 0
        for byte in bytes[position..<(position + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            unit = unit * 16 + UInt32(digit)
        }
        position += 4
        return unit
    }

    private mutating func escapedScalar() -> Unicode.Scalar? {
        guard let first = hexadecimal() else { return nil }
        guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
        guard take("\\u"), let second = hexadecimal(), (0xDC00..<0xE000).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    private mutating func number() -> JSONValue? {
        let start = position
        while let byte, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let first = text.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: ".") else { return nil }
        if let integer = Int128(text), Value.integerRange.contains(integer) { return .integer(integer) }
        guard Double(text) != nil else { return nil }
        return .double(strtod(text, nil))
    }
}
