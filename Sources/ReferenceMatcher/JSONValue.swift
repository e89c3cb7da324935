internal import Decoding
public import Events

/// A JSON value as an event holds it: read by simdjson, but as a tree, and so apart from the columns of the engine's decoder.
public indirect enum JSONValue: Sendable {
    case null
    case boolean(Bool)
    case integer(Int128)
    case double(Double)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])

    /// Reads one JSON text; nil where it is not one, or has a key twice in one object.
    public init?(text: String) {
        guard case .object(let members) = Decoding.JSONValue(object: Array(#"{"":\#(text)}"#.utf8)), members.count == 1 else { return nil }
        self.init(members[0].value)
    }

    private init?(_ json: Decoding.JSONValue) {
        switch json {
        case .null: self = .null
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(Int128(value))
        case .unsigned(let value): self = .integer(Int128(value))
        case .double(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .array(let elements):
            var list: [JSONValue] = []
            for element in elements {
                guard let value = JSONValue(element) else { return nil }
                list.append(value)
            }
            self = .list(list)
        case .object(let members):
            var object: [String: JSONValue] = [:]
            for member in members {
                guard let value = JSONValue(member.value), object.updateValue(value, forKey: member.name) == nil else { return nil }
            }
            self = .object(object)
        }
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
