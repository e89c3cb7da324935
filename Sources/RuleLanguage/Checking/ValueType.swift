internal import Events

/// What the checker knows about a value before any event is there. `any` goes together with everything.
enum ValueType: String, Sendable {
    case any, string, number, boolean, time, duration, list

    func accepts(_ other: ValueType) -> Bool {
        self == other || self == .any || other == .any
    }

    /// What both are; `any` where they differ.
    func joined(with other: ValueType) -> ValueType {
        self == other ? self : .any
    }

    /// With its article, for messages.
    var described: String {
        switch self {
        case .any: "any value"
        case .string: "a string"
        case .number: "a number"
        case .boolean: "true or false"
        case .time: "a time"
        case .duration: "a duration"
        case .list: "a list"
        }
    }
}

/// An expression with what the checker knows about it.
struct CheckedValue: Sendable {
    /// Largest expression once every `let` in it is written out, in nodes; and its deepest nesting.
    static let sizeMax = 20_000
    static let depthMax = 400

    var expression: Expression
    var type: ValueType
    var size = 1
    var depth = 1

    /// Stands for what is reported already.
    static let broken = CheckedValue(expression: .constant(.unknown), type: .any)
}
