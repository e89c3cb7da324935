public import Events

/// An expression with every name resolved. `let`s of the rule and constants are substituted.
public indirect enum Expression: Sendable, Equatable {
    case constant(Value)
    /// A field of the event at hand. In alerts, where no event is at hand: of the last event captured.
    case field(FieldPath)
    /// A part of the rule's key.
    case key(Int)
    /// `time()`: the time of the event at hand; in alerts, the time of completion.
    case eventTime
    /// A field of the event captured by a step that stands in no loop; unknown where it captured nothing.
    case captured(step: Int, FieldPath)
    case capturedTime(step: Int)
    /// Over the captures of a step so far. Without a path: `count(l)` alone.
    case aggregate(Aggregate, step: Int, FieldPath?)
    /// `first(l).f`, `last(l).f`: a field of the first or last event, whether or not it has it (`last(l.f)` looks among those that do).
    case edgeField(Edge, step: Int, FieldPath)
    /// `time(first(l))`, `time(last(l))`.
    case edgeTime(Edge, step: Int)
    case not(Expression)
    case and([Expression])
    case or([Expression])
    case compare(Comparison, Expression, Expression)
    case arithmetic(Arithmetic, Expression, Expression)
    case negate(Expression)
    /// `a ?? b`.
    case coalesce(Expression, Expression)
    case isMissing(Expression)
    /// `x in [..]`, `x in list`: true where an element equals, else unknown where a comparison is, else false.
    case isIn(Expression, [Expression])
    /// `x in tags` where the right side is a list of the event.
    case isInField(Expression, Expression)
    case list([Expression])
    /// The pattern as written: `*` any run, `?` any one character; the whole string, case-sensitively.
    case like(Expression, pattern: String)
    /// A PCRE2 pattern, found anywhere.
    case matches(Expression, pattern: String)
    case call(Function, [Expression])

    public enum Edge: Sendable, Equatable { case first, last }

    public enum Aggregate: String, Sendable, CaseIterable {
        case count, sum, avg, min, max, stddev, distinct, values, first, last
    }

    public enum Comparison: String, Sendable, CaseIterable {
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    }

    public enum Arithmetic: String, Sendable, CaseIterable {
        case add = "+", subtract = "-", multiply = "*", divide = "/", remainder = "%"
    }
}

/// Functions that look at their arguments alone.
public enum Function: String, Sendable, CaseIterable {
    case abs, round, floor, ceil, min, max, sqrt, log, lower, upper, length, contains
    case startsWith = "starts_with"
    case endsWith = "ends_with"
    case substring, split, concat
    case distanceKilometres = "distance_km"
    case cidr, hour, weekday
    /// `split(s, sep)[i]`, and any index into a list value; not written as a call.
    case element = "[]"
}
