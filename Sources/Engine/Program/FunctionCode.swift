/// The functions of ``Opcode/call``, operand `b`. The rule language's `Function` has the same cases.
///
/// Places and lengths in texts count Unicode scalars from 0. An unknown argument gives unknown; so does one of the wrong type, which is
/// counted as a mismatch, and a result that is no finite number, which is not.
public enum FunctionCode: UInt32, Sendable, CaseIterable {
    /// Of a number or a duration.
    case abs
    /// To a whole number, halves away from zero; with digits 0 … 15 behind the point.
    case round
    case floor
    case ceil
    /// The least, the greatest of values that compare with each other; of equal ones the first.
    case min
    case max
    case sqrt
    /// The natural logarithm.
    case log
    case lower
    case upper
    /// Unicode scalars of a text, elements of a list.
    case length
    /// A text in a text; an element of a list, as `in`.
    case contains
    case startsWith
    case endsWith
    /// `(text, from, length)`; cut where the text ends. A negative place or length is unknown; without a length: to the end.
    case substring
    /// `(text, separator)` to a list of texts; an empty separator splits nothing.
    case split
    /// Texts, numbers (the shortest form), truth values, times and durations one after another.
    case concat
    /// Great circle over a sphere of the earth's mean radius; degrees to kilometres. Latitudes beyond ±90 are unknown.
    case distanceKilometres
    /// `(address, network)`: IPv4 or IPv6; an IPv4 address in IPv6's form counts as IPv4 too. Texts that are neither are unknown.
    case cidr
    /// `(time [, zone])`: 0 … 23.
    case hour
    /// `(time [, zone])`: Monday 1 … Sunday 7.
    case weekday
    /// `(list, place)`, from 0; unknown beyond the end.
    case element
}
