/// A compiled rule.
public struct RuleProgram: Sendable {
    public var name: String
    /// Its place among all rules by name: part of the order of alerts.
    public var rank: Int
    public var automaton: Automaton
    public var steps: [StepProgram]
    /// Residual code of each bit of the mask: what of the condition looks at earlier captures. Empty: the bit alone decides.
    public var residuals: [CodeRange]
    /// Bits of the steps that a thread can start with.
    public var startMask: UInt64
    /// Bits of `cancel on`.
    public var cancelMask: UInt64
    /// The bit that every event of the rule's stream has, where contiguity needs it; otherwise 0.
    public var streamMask: UInt64
    /// Less than this from first to last capture; `Edge.unlimited` where nothing limits it.
    public var within: Int64
    public var afterMatch: AfterMatchPolicy
    public var record: RecordLayout
    public var aggregates: [AggregateRegister]
    public var hasDeadlines: Bool
    public var alert: AlertProgram?
    public var timeout: AlertProgram?
    public var openMax: Int
    public var openDropsNewest: Bool
    public var loopEventsMax: Int
    public var cooldown: Int64
    /// Nil: by the rule's key.
    public var cooldownKey: [CodeRange]?
    public var tags: [String]
    /// Nil where the rule needs its threads one by one.
    public var countedLoop: CountedLoop?
    /// Nil where no thread makes another superfluous.
    public var domination: Domination?

    public init(
        name: String, rank: Int, automaton: Automaton, steps: [StepProgram], residuals: [CodeRange], startMask: UInt64,
        cancelMask: UInt64, streamMask: UInt64, within: Int64, afterMatch: AfterMatchPolicy, record: RecordLayout,
        aggregates: [AggregateRegister], hasDeadlines: Bool, alert: AlertProgram?, timeout: AlertProgram?, openMax: Int,
        openDropsNewest: Bool, loopEventsMax: Int, cooldown: Int64, cooldownKey: [CodeRange]?, tags: [String],
        countedLoop: CountedLoop? = nil, domination: Domination? = nil
    ) {
        self.name = name
        self.rank = rank
        self.automaton = automaton
        self.steps = steps
        self.residuals = residuals
        self.startMask = startMask
        self.cancelMask = cancelMask
        self.streamMask = streamMask
        self.within = within
        self.afterMatch = afterMatch
        self.record = record
        self.aggregates = aggregates
        self.hasDeadlines = hasDeadlines
        self.alert = alert
        self.timeout = timeout
        self.openMax = openMax
        self.openDropsNewest = openDropsNewest
        self.loopEventsMax = loopEventsMax
        self.cooldown = cooldown
        self.cooldownKey = cooldownKey
        self.tags = tags
        self.countedLoop = countedLoop
        self.domination = domination
    }
}

/// Of two threads with the same first event and the same future, only the one that comes first in the order of matches can be reported.
public struct Domination: Sendable, Equatable {
    /// Bytes of the automaton's registers, right behind the fixed part of a record.
    public var registerBytes: Int
    /// A limit is counted from the last capture, which then must be the same as well.
    public var comparesLast: Bool

    public init(registerBytes: Int, comparesLast: Bool) {
        self.registerBytes = registerBytes
        self.comparesLast = comparesLast
    }
}

/// A pattern whose threads follow from the events that they began at: `X{n,m}`, or `X{n,m} then Y`, perhaps with `then not Z` before
/// the `Y`. Every event that a thread captures begins a thread too, so of each key the events alone are kept, and a thread is a place
/// among them: the loop's counters are a queue.
public struct CountedLoop: Sendable, Equatable {
    /// Of the loop.
    public var step: Int
    /// 1 or more.
    public var minimum: Int
    /// `Int.max` where there is none. Without meaning where no step follows: the loop then ends at its minimum.
    public var maximum: Int
    /// The step that ends the pattern; nil where the loop does.
    public var end: Int?
    /// Bits of the events that a thread must not meet between its loop and the end; only where `minimum` is `maximum`.
    public var guards: UInt64

    public init(step: Int, minimum: Int, maximum: Int, end: Int?, guards: UInt64) {
        self.step = step
        self.minimum = minimum
        self.maximum = maximum
        self.end = end
        self.guards = guards
    }
}

public struct StepProgram: Sendable {
    /// The key in an alert's `match`.
    public var name: String
    /// Of a thread's `aggregates` that a capture of this step feeds.
    public var aggregates: [Int]
    public var isInLoop: Bool

    public init(name: String, aggregates: [Int], isInLoop: Bool) {
        self.name = name
        self.aggregates = aggregates
        self.isInLoop = isInLoop
    }
}

/// Which matches are reported.
public enum AfterMatchPolicy: Sendable, Equatable {
    case skipPastLast, skipToNext, keepAll
    case skipToFirst(step: Int)
    case skipToLast(step: Int)
}

/// Where the registers of a thread stand in its record, behind the fixed part.
public struct RecordLayout: Sendable {
    /// Bytes, a multiple of 8.
    public var size: Int
    /// Bytes of a record before its registers.
    public static let fixedSize = ThreadRecord.fixedSize

    /// Byte offsets of 32-bit references to captured events.
    public var references: [Int]

    public init(size: Int, references: [Int]) {
        self.size = size
        self.references = references
    }
}

/// A register that summarises the captures of a step.
public struct AggregateRegister: Sendable, Hashable {
    public enum Kind: UInt8, Sendable {
        /// 64 bits: captures that have the column, or all where there is none.
        case count
        /// An exact sum, ``ExactSum/size`` bytes.
        case sum
        /// The squares for the standard deviation, ``ExactSquares/size`` bytes; its sum is a register of its own.
        case sumOfSquares
        /// 32-bit references: to the first, last capture; to the first, last that has the column; to the least, greatest.
        case first, last, minimum, maximum
        /// The different values, ``DistinctRegister/size`` bytes.
        case distinct

        /// Bytes in a record; its alignment is 8, or 4 where it is a reference.
        public var size: Int {
            switch self {
            case .count: 8
            case .sum: ExactSum.size
            case .sumOfSquares: ExactSquares.size
            case .first, .last, .minimum, .maximum: 4
            case .distinct: DistinctRegister.size
            }
        }

        public var isReference: Bool {
            switch self {
            case .first, .last, .minimum, .maximum: true
            case .count, .sum, .sumOfSquares, .distinct: false
            }
        }
    }

    public var kind: Kind
    public var step: Int
    /// The captured column, or -1.
    public var column: Int
    /// Bytes from the start of the record.
    public var offset: Int

    public init(kind: Kind, step: Int, column: Int, offset: Int) {
        self.kind = kind
        self.step = step
        self.column = column
        self.offset = offset
    }
}

/// What an alert says.
public struct AlertProgram: Sendable {
    public enum Part: Sendable {
        case text([UInt8])
        /// `digits` after the point, or -1 for the shortest form; `groups` separates thousands.
        case value(CodeRange, digits: Int, groups: Bool)
    }

    public struct Field: Sendable {
        public var name: String
        public var value: CodeRange

        public init(name: String, value: CodeRange) {
            self.name = name
            self.value = value
        }
    }

    public var severity: String
    public var summary: [Part]
    public var fields: [Field]

    public init(severity: String, summary: [Part], fields: [Field]) {
        self.severity = severity
        self.summary = summary
        self.fields = fields
    }
}
