/// A value of an event's field or of an expression, as the rule language sees it.
///
/// The engine keeps values in flat memory and never builds this type on its hot path; it serves constants of rules, the reference
/// matcher, and output.
public enum Value: Sendable {
    /// Missing and null are one thing.
    case unknown
    case boolean(Bool)
    /// An integer from −2⁶³ to 2⁶⁴ − 1; nothing outside that range is ever stored.
    case integer(Int128)
    /// Any other number; finite.
    case double(Double)
    case string(String)
    /// Microseconds.
    case duration(Int64)
    /// Microseconds since 1970-01-01T00:00:00Z.
    case time(Int64)
    /// Lists compare with nothing, but `in` and functions look into them.
    case list([Value])
    /// An object of an event: present, and comparable with nothing.
    case object

    /// The integers that are exact: −2⁶³ … 2⁶⁴ − 1.
    public static let integerRange: ClosedRange<Int128> = Int128(Int64.min)...Int128(UInt64.max)

    /// An integer, or unknown where it lies outside ``integerRange``.
    public init(integer: Int128) {
        self = Value.integerRange.contains(integer) ? .integer(integer) : .unknown
    }

    /// A double, or unknown where it is infinite or not a number.
    public init(double: Double) {
        self = double.isFinite ? .double(double) : .unknown
    }

    public var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }
}

/// Sameness of representation, for tests and hashing of constants: 1 and 1.0 are different here. The language's `==` is an
/// expression of its own.
extension Value: Equatable {
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.unknown, .unknown), (.object, .object): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.duration(let a), .duration(let b)), (.time(let a), .time(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        default: false
        }
    }
}
