/// Conditions and alert expressions as flat stack code: one instruction is eight bytes, operands index the program's tables.
public struct Instruction: Sendable, Equatable {
    public var opcode: Opcode
    public var a: UInt16
    public var b: UInt32

    public init(_ opcode: Opcode, a: Int = 0, b: Int = 0) {
        self.opcode = opcode
        self.a = UInt16(a)
        self.b = UInt32(b)
    }
}

public enum Opcode: UInt16, Sendable {
    /// Constant `b`.
    case constant
    /// Column `b` of the event at hand; in an alert, of the last event captured.
    case field
    /// Part `b` of the key.
    case key
    /// The time of the event at hand; in an alert, of completion.
    case eventTime
    /// True where the event at hand has one of the types in set `b`.
    case hasType
    /// Captured column `b` of the event in reference register `a`.
    case referenceField
    /// The time of the event in reference register `a`.
    case referenceTime
    /// The counter at byte `a` of the record.
    case count
    /// The accumulator at byte `a` of the record.
    case sum
    case average
    /// Of the sum at byte `a` and the squares at byte `b` of the record.
    case standardDeviation
    /// How many different values the register at byte `a` of the record has.
    case distinct
    /// Those values of captured column `b`, as a list.
    case values
    case not
    /// The conjunction, disjunction of the top two.
    case and
    case or
    /// Leaves out the next `b` instructions where the top is false (true); keeps it.
    case skipIfFalse
    case skipIfTrue
    /// Leaves out the next `b` instructions where the top is known; otherwise takes it off.
    case skipIfKnown
    case equal
    case notEqual
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
    case add
    case subtract
    case multiply
    case divide
    case remainder
    case negate
    case isMissing
    /// Top is one of the constants in list `b`.
    case isInConstants
    /// The value below is one of the top `a` values.
    case isInValues
    /// The value below is an element of the list on top.
    case isInField
    /// A list of the top `a` values.
    case makeList
    /// The pattern is constant `b`.
    case like
    /// Regular expression `b` of the program is found in the top.
    case matches
    /// Function `b`, a ``FunctionCode``, of the top `a` values.
    case call
}

/// A range of instructions; empty where there is no condition.
public typealias CodeRange = IndexRange

/// A constant of a program.
public enum Constant: Sendable, Hashable {
    case unknown
    case boolean(Bool)
    case integer(Int64)
    /// Above `Int64.max`.
    case unsigned(UInt64)
    /// The bits of a double.
    case double(UInt64)
    case string([UInt8])
    case duration(Int64)
    case time(Int64)
}
