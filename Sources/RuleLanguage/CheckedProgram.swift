public import Diagnostics
public import Events

/// What the checker gives: every name resolved, every `let`, `list` and constant substituted. The compiler and the reference matcher
/// both start from here and from nothing else.
public struct CheckedProgram: Sendable {
    public var streams: [StreamDefinition]
    /// Enabled rules, ascending by the UTF-8 bytes of their names.
    public var rules: [CheckedRule]
    /// `event` declarations, in the order of the text.
    public var eventTypes: [EventType]
    /// Rules that are `disabled`, in the same order: kept and checked, and run by the tests of their file only.
    public var disabledRules: [CheckedRule]
    /// `test` blocks, in the order of the files and of the text.
    public var tests: [CheckedTest]

    public init(
        streams: [StreamDefinition], rules: [CheckedRule], eventTypes: [EventType] = [], disabledRules: [CheckedRule] = [],
        tests: [CheckedTest] = []
    ) {
        self.streams = streams
        self.rules = rules
        self.eventTypes = eventTypes
        self.disabledRules = disabledRules
        self.tests = tests
    }
}

/// What events of a type carry. A field of an event that breaks its declaration is unknown, and counted.
public struct EventType: Sendable, Equatable {
    public enum FieldType: String, Sendable, CaseIterable {
        case string, number, boolean, time, list, any
    }

    public struct Field: Sendable, Equatable {
        public var path: FieldPath
        public var type: FieldType
        public var isOptional: Bool

        public init(path: FieldPath, type: FieldType, isOptional: Bool) {
            self.path = path
            self.type = type
            self.isOptional = isOptional
        }
    }

    public var name: String
    public var fields: [Field]

    public init(name: String, fields: [Field]) {
        self.name = name
        self.fields = fields
    }
}

/// How the events of one input are read.
public struct StreamDefinition: Sendable, Equatable {
    public enum TypeSource: Sendable, Equatable {
        case field(FieldPath)
        /// Every event of the input has this type.
        case constant(String)
    }

    public enum TimeFormat: Sendable, Equatable {
        /// A number is milliseconds, a string RFC 3339.
        case automatic
        case seconds, milliseconds, microseconds, nanoseconds, rfc3339
    }

    /// Nil for the unnamed stream.
    public var name: String?
    public var type: TypeSource
    public var time: FieldPath
    public var timeFormat: TimeFormat
    /// How far out of order events may come.
    public var delayMicroseconds: Int64
    /// An event more than that beyond the watermark is a reject; nil is off.
    public var aheadMicroseconds: Int64?
    public var idleMicroseconds: Int64?

    public init(
        name: String? = nil, type: TypeSource = .field(FieldPath(name: "type")), time: FieldPath = FieldPath(name: "ts"),
        timeFormat: TimeFormat = .automatic, delayMicroseconds: Int64 = 0, aheadMicroseconds: Int64? = nil,
        idleMicroseconds: Int64? = nil
    ) {
        self.name = name
        self.type = type
        self.time = time
        self.timeFormat = timeFormat
        self.delayMicroseconds = delayMicroseconds
        self.aheadMicroseconds = aheadMicroseconds
        self.idleMicroseconds = idleMicroseconds
    }
}

public struct CheckedRule: Sendable {
    public var name: String
    /// Where its name stands.
    public var span: Span
    /// The `///` lines before it, joined by newlines; empty where there are none.
    public var documentation: String
    /// Empty: one stream of all events. With keys by step these are only the names; the expressions stand at the steps.
    public var key: [KeyPart]
    /// True where steps, guards and cancels bring their own key expressions.
    public var isKeyedByStep: Bool
    /// The rule's `where`: an event that does not satisfy it does not exist for the rule.
    public var filter: Expression?
    public var pattern: Pattern
    public var afterMatch: AfterMatch
    /// Nil where the rule only emits.
    public var alert: AlertDefinition?
    public var timeoutAlert: AlertDefinition?
    /// Indices into `pattern.predicates`.
    public var cancels: [Int]
    public var cooldown: Cooldown?
    public var openLimit: OpenLimit
    /// Most events whose bytes one loop keeps.
    public var loopEventsMax: Int
    public var tags: [String]

    public init(
        name: String, span: Span, documentation: String, key: [KeyPart], isKeyedByStep: Bool, filter: Expression?, pattern: Pattern,
        afterMatch: AfterMatch, alert: AlertDefinition?, timeoutAlert: AlertDefinition?, cancels: [Int], cooldown: Cooldown?,
        openLimit: OpenLimit, loopEventsMax: Int, tags: [String]
    ) {
        self.name = name
        self.span = span
        self.documentation = documentation
        self.key = key
        self.isKeyedByStep = isKeyedByStep
        self.filter = filter
        self.pattern = pattern
        self.afterMatch = afterMatch
        self.alert = alert
        self.timeoutAlert = timeoutAlert
        self.cancels = cancels
        self.cooldown = cooldown
        self.openLimit = openLimit
        self.loopEventsMax = loopEventsMax
        self.tags = tags
    }
}

public struct KeyPart: Sendable {
    public var name: String
    public var expression: Expression

    public init(name: String, expression: Expression) {
        self.name = name
        self.expression = expression
    }
}

/// Which matches are reported; section 5 of the language.
public enum AfterMatch: Sendable, Equatable {
    case skipPastLast
    case skipToNext
    /// The index of the step.
    case skipToFirst(Int)
    case skipToLast(Int)
    case keepAll
}

public struct Cooldown: Sendable {
    public var durationMicroseconds: Int64
    /// Nil: by the rule's key. Expressions of the alert's kind (no event at hand).
    public var by: [Expression]?

    public init(durationMicroseconds: Int64, by: [Expression]?) {
        self.durationMicroseconds = durationMicroseconds
        self.by = by
    }
}

/// The most open matches of one key in one rule, counted by their first events.
public struct OpenLimit: Sendable, Equatable {
    public var max: Int
    public var dropsNewest: Bool

    public init(max: Int = 10_000, dropsNewest: Bool = false) {
        self.max = max
        self.dropsNewest = dropsNewest
    }
}

public enum Severity: String, Sendable, CaseIterable {
    case info, low, medium, high, critical
}

public struct AlertDefinition: Sendable {
    public var severity: Severity
    public var summary: [TemplatePart]
    public var fields: [Field]

    public struct Field: Sendable {
        public var name: String
        public var expression: Expression

        public init(name: String, expression: Expression) {
            self.name = name
            self.expression = expression
        }
    }

    public init(severity: Severity, summary: [TemplatePart], fields: [Field]) {
        self.severity = severity
        self.summary = summary
        self.fields = fields
    }
}

public enum TemplatePart: Sendable {
    case text(String)
    case expression(Expression, format: NumberFormat?)
}

/// What may follow the colon in `{amount:.2f}`.
public struct NumberFormat: Sendable, Equatable {
    /// Digits after the point; nil for as many as there are.
    public var fractionDigits: Int?
    /// `,` before the point: groups of three digits.
    public var groupsThousands: Bool

    public init(fractionDigits: Int?, groupsThousands: Bool) {
        self.fractionDigits = fractionDigits
        self.groupsThousands = groupsThousands
    }
}
