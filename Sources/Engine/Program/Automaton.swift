/// The position automaton of a pattern, after Glushkov: a state is a step that has just been captured, its *target sets* are what may
/// be captured next, and an edge carries the contiguity, the guards and the limits between the two.
///
/// A state can have several target sets: a reluctant quantifier splits a thread in two, and each part has a set of its own. Which sets
/// apply depends on the counters of the loops around the step, so a state is looked up by step and counter status (``SetLookup``).
/// All tables are flat; an edge names ranges of the others.
public struct Automaton: Sendable {
    public var edges: [Edge] = []
    public var guards: [EdgeGuard] = []
    public var operations: [RegisterOperation] = []
    public var rounds: [RoundLimit] = []
    public var sets: [TargetSet] = []
    public var lookups: [SetLookup] = []
    public var digits: [StatusDigit] = []
    /// Index ranges into `sets`, one for each value of the status number of each step.
    public var setRanges: [IndexRange] = []
    /// The sets that a new thread starts from.
    public var initialSets = IndexRange(start: 0, count: 0)

    public init() {}
}

/// A range of a table of 32-bit indices.
public struct IndexRange: Sendable, Equatable, Hashable {
    public var start: UInt32
    public var count: UInt32

    public init(start: Int, count: Int) {
        self.start = UInt32(start)
        self.count = UInt32(count)
    }
}

/// How the next capture may follow the last.
public enum Contiguity: UInt8, Sendable {
    /// Skip till next match: what qualifies is never skipped.
    case then
    /// Skip till any match.
    case thenAny
    /// Strict: nothing may lie between.
    case next
}

/// One way for a thread to go on: to capture a step, or to complete at a deadline.
public struct Edge: Sendable {
    /// The step that captures, or `Edge.end`.
    public var step: Int32
    public var contiguity: Contiguity
    /// The bit of the loop's `until`, or -1.
    public var until: Int8
    /// The loop has captured an event in this round: `until` ends it, instead of only keeping the event out.
    public var untilEnds: Bool
    /// `end` only: the pattern's `within` is one of the times at which it may complete.
    public var completesAtWithin: Bool
    /// The event comes less than this after the last captured; `Int64.max` where nothing limits it.
    public var limit: Int64
    /// `end` only: the longest limit of the trailing guards, counted from the last capture; -1 where none has one.
    public var completesAfter: Int64
    public var guards: IndexRange
    public var operations: IndexRange
    /// Rounds of timed groups that the capture stays in.
    public var rounds: IndexRange

    public static let end: Int32 = -1
    public static let unlimited = Int64.max

    public init(
        step: Int32, contiguity: Contiguity, until: Int8, untilEnds: Bool, completesAtWithin: Bool, limit: Int64, completesAfter: Int64,
        guards: IndexRange, operations: IndexRange, rounds: IndexRange
    ) {
        self.step = step
        self.contiguity = contiguity
        self.until = until
        self.untilEnds = untilEnds
        self.completesAtWithin = completesAtWithin
        self.limit = limit
        self.completesAfter = completesAfter
        self.guards = guards
        self.operations = operations
        self.rounds = rounds
    }
}

/// `then not` or `next not` on an edge.
public struct EdgeGuard: Sendable, Hashable {
    /// The predicate's bit in the event's mask.
    public var bit: UInt8
    public var isNext: Bool
    /// It forbids for this long after the last capture; `Edge.unlimited` where always. A trailing guard without a limit of its own
    /// ends with the pattern's `within`.
    public var limit: Int64

    public init(bit: UInt8, isNext: Bool, limit: Int64) {
        self.bit = bit
        self.isNext = isNext
        self.limit = limit
    }
}

/// What a capture does to a thread's registers. Offsets are bytes from the start of the thread's record.
public struct RegisterOperation: Sendable, Hashable {
    public enum Kind: UInt8, Sendable {
        /// A loop is entered: its counter, 16 bits, is 0.
        case enterLoop
        /// Another round: the counter grows by one up to `operand`.
        case countRound
        /// An `&` is entered: no member, of 8 bits, is done.
        case enterAll
        /// The members in `operand` are done.
        case finishMember
        /// A timed group's round begins with this capture: its register, 64 bits, takes the event's time.
        case beginRound
    }

    public var kind: Kind
    public var offset: UInt16
    public var operand: UInt16

    public init(kind: Kind, offset: UInt16, operand: UInt16) {
        self.kind = kind
        self.offset = offset
        self.operand = operand
    }
}

/// A timed group that a capture must not leave late.
public struct RoundLimit: Sendable, Hashable {
    /// Of the register with the round's start.
    public var offset: UInt16
    public var limit: Int64

    public init(offset: UInt16, limit: Int64) {
        self.offset = offset
        self.limit = limit
    }
}

/// What one thread has open.
public struct TargetSet: Sendable {
    /// At most 64: a thread keeps one bit for each edge that is still open.
    public var edges: IndexRange
    /// The captures so far are a match as they stand.
    public var isFinal: Bool
    /// An edge to `end` with a deadline is among the edges.
    public var hasDeadline: Bool
    /// Bits of events that can do anything to a thread with this set.
    public var interest: UInt64
    /// The longest of the steps' own time limits is not known to bound the thread: it can stay open for ever but for `within`.
    public var allEdges: UInt64

    public init(edges: IndexRange, isFinal: Bool, hasDeadline: Bool, interest: UInt64) {
        self.edges = edges
        self.isFinal = isFinal
        self.hasDeadline = hasDeadline
        self.interest = interest
        self.allEdges = edges.count >= 64 ? .max : (1 << UInt64(edges.count)) - 1
    }
}

/// How a step finds its target sets: a number in mixed radix over the status of what is around the step.
public struct SetLookup: Sendable {
    public var digits: IndexRange
    /// Of `setRanges`.
    public var firstRange: UInt32

    public init(digits: IndexRange, firstRange: Int) {
        self.digits = digits
        self.firstRange = UInt32(firstRange)
    }
}

/// One digit of a status number.
public struct StatusDigit: Sendable {
    public enum Kind: UInt8, Sendable {
        /// 0 below the minimum, 1 may loop or go on, 2 must go on.
        case loop
        /// The members of an `&` that are done.
        case all
    }

    public var kind: Kind
    public var offset: UInt16
    /// Of a loop: rounds at least; of an `&`: the bit of the member that the step ends.
    public var minimum: UInt16
    /// Of a loop: rounds at most, 0 where there is no end.
    public var maximum: UInt16
    public var stride: UInt32

    public init(kind: Kind, offset: UInt16, minimum: UInt16, maximum: UInt16, stride: UInt32) {
        self.kind = kind
        self.offset = offset
        self.minimum = minimum
        self.maximum = maximum
        self.stride = stride
    }
}
