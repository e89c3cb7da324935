public import Diagnostics

/// A `test` block: the rules of its own file, disabled ones included, on a stream of its own that begins at 1970-01-01T00:00:00Z.
public struct CheckedTest: Sendable {
    public struct Event: Sendable {
        public var type: String
        /// Since the test began, which is the event's time as well.
        public var timeMicroseconds: Int64
        /// The event as a line of its stream, without an end: its type and time stand where ``CheckedTest/stream`` looks for them.
        public var json: String
        /// Where its type stands.
        public var span: Span

        public init(type: String, timeMicroseconds: Int64, json: String, span: Span) {
            self.type = type
            self.timeMicroseconds = timeMicroseconds
            self.json = json
            self.span = span
        }
    }

    /// An alert that must come out.
    public struct Expectation: Sendable {
        public var rule: String
        /// The fields that are looked at, a JSON object.
        public var fields: String
        /// Since the test began; nil: at whatever time.
        public var atMicroseconds: Int64?
        /// Where the rule's name stands.
        public var span: Span

        public init(rule: String, fields: String, atMicroseconds: Int64?, span: Span) {
            self.rule = rule
            self.fields = fields
            self.atMicroseconds = atMicroseconds
            self.span = span
        }
    }

    public var name: String
    /// Where its title stands.
    public var span: Span
    /// How its events are read; delay 0, neither `ahead` nor `idle`.
    public var stream: StreamDefinition
    /// In the order of time.
    public var events: [Event]
    /// All alerts that must come, in order; none: nothing may come.
    public var expectations: [Expectation]
    /// How far time passes: the last `after` or `wait`. Deadlines up to here have come.
    public var endMicroseconds: Int64

    public init(
        name: String, span: Span, stream: StreamDefinition, events: [Event], expectations: [Expectation], endMicroseconds: Int64
    ) {
        self.name = name
        self.span = span
        self.stream = stream
        self.events = events
        self.expectations = expectations
        self.endMicroseconds = endMicroseconds
    }

    /// The file that it stands in, and whose rules it runs; its place among those of the run.
    public var file: Int32 { span.file }
}
