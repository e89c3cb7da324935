public import Events
public import RuleLanguage

/// What an alert says, in the form in which the engine's alerts and the reference's are compared.
public struct ReferenceAlert: Sendable, Equatable, CustomStringConvertible {
    public struct Part: Sendable, Equatable {
        /// The step's label, or its type with its number.
        public var name: String
        /// The field `id` of each event, in the order of capture.
        public var events: [Int64]

        public init(name: String, events: [Int64]) {
            self.name = name
            self.events = events
        }
    }

    public var rule: String
    public var kind: ReferenceMatch.Kind
    /// Microseconds since 1970.
    public var at: Int64
    /// Whole numbers are integers, however they were written.
    public var key: [Value]
    /// In the rule's order; steps that captured nothing are left out.
    public var steps: [Part]
    /// Alerts that the cooldown held back since the one before.
    public var suppressed: Int

    public init(rule: String, kind: ReferenceMatch.Kind, at: Int64, key: [Value], steps: [Part], suppressed: Int = 0) {
        self.rule = rule
        self.kind = kind
        self.at = at
        self.key = key
        self.steps = steps
        self.suppressed = suppressed
    }

    public var description: String {
        let parts = steps.map { "\($0.name): \($0.events)" }.joined(separator: ", ")
        let held = suppressed > 0 ? " suppressed \(suppressed)" : ""
        return "\(rule) \(kind.rawValue) at \(at) key \(key) {\(parts)}\(held)"
    }
}

extension ReferenceMatcher {
    /// Alert expressions are evaluated here: the last event captured is at hand, and `time()` is the time of completion.
    public func evaluator(of match: ReferenceMatch) -> ReferenceEvaluator {
        ReferenceEvaluator(
            event: match.captures.last.map { events[$0.event] }, time: match.at,
            captures: match.captures.map { .init(step: $0.step, event: events[$0.event]) }, key: match.key, findsPattern: findsPattern)
    }

    /// The alerts of a program in the order of section 8, after cooldowns. Of a loop that captured more than the rule keeps, the events
    /// in the middle are left out: the first half (of an odd number the larger) and the last half stay.
    public func alerts(of program: CheckedProgram) throws(ReferenceOverflow) -> [ReferenceAlert] {
        var alerts: [ReferenceAlert] = []
        // A cooldown's state: until when, and how many were held back.
        var cooling: [CoolingKey: (end: Int64, held: Int)] = [:]
        for match in try matches(of: program) {
            guard let rule = program.rules.first(where: { $0.name == match.rule }) else { continue }
            if match.kind == .match && rule.alert == nil { continue }
            var held = 0
            if let cooldown = rule.cooldown {
                let evaluator = evaluator(of: match)
                let values = cooldown.by?.map(evaluator.value) ?? match.key
                let key = CoolingKey(rule: rule.name, kind: match.kind, values: values.map(CoolingKey.text))
                if let state = cooling[key] {
                    if match.at < state.end {
                        cooling[key] = (state.end, state.held + 1)
                        continue
                    }
                    held = state.held
                }
                cooling[key] = (added(match.at, cooldown.durationMicroseconds), 0)
            }
            alerts.append(alert(match, rule, suppressed: held))
        }
        return alerts
    }

    private func alert(_ match: ReferenceMatch, _ rule: CheckedRule, suppressed: Int) -> ReferenceAlert {
        var parts: [ReferenceAlert.Part] = []
        for (index, step) in rule.pattern.steps.enumerated() {
            var ids = match.captures.filter { $0.step == index }.map { events[$0.event].id }
            if ids.isEmpty { continue }
            if step.isInLoop, ids.count > rule.loopEventsMax {
                let last = rule.loopEventsMax / 2
                ids = Array(ids.prefix(rule.loopEventsMax - last)) + Array(ids.suffix(last))
            }
            parts.append(.init(name: step.name, events: ids))
        }
        return ReferenceAlert(rule: rule.name, kind: match.kind, at: match.at, key: match.key, steps: parts, suppressed: suppressed)
    }
}

/// Cooldowns of equal keys are one: matches and timeouts apart, 1 and 1.0 together, unknown equal to unknown.
private struct CoolingKey: Hashable {
    var rule: String
    var kind: ReferenceMatch.Kind
    var values: [String]

    /// As in `by`, strings, numbers and booleans are values; anything else is missing.
    static func text(_ value: Value) -> String {
        switch value {
        case .double(let double): Int128(exactly: double).map { "\(Value.integer($0))" } ?? "\(value)"
        case .string, .integer, .boolean: "\(value)"
        default: "\(Value.unknown)"
        }
    }
}

/// The alerts of a whole program over a whole stream; `streams` are the inputs' definitions, the program's unnamed one where left out.
public func referenceAlertLines(
    program: CheckedProgram, events: [ReferenceEvent], streams: [StreamDefinition]? = nil, end: EndOfInput = .drained,
    threadsMax: Int = 100_000
) throws(ReferenceOverflow) -> [ReferenceAlert] {
    let unnamed = program.streams.filter { $0.name == nil }
    var matcher = ReferenceMatcher(events: events, streams: streams ?? unnamed, eventTypes: program.eventTypes, end: end)
    matcher.threadsMax = threadsMax
    return try matcher.alerts(of: program)
}

/// Where the engine and the reference part.
public struct Mismatch: Sendable, CustomStringConvertible {
    /// The first alert that differs, from 0.
    public var index: Int
    /// Nil: none is left.
    public var expected: ReferenceAlert?
    public var got: ReferenceAlert?
    public var expectedAll: [ReferenceAlert]
    public var gotAll: [ReferenceAlert]

    public var description: String {
        """
        alert \(index) differs
          reference: \(expected.map { "\($0)" } ?? "none")
          engine:    \(got.map { "\($0)" } ?? "none")
          reference in all: \(expectedAll)
          engine in all:    \(gotAll)
        """
    }
}

/// Runs the reference and an engine over the same events and compares alert by alert, in order; nil where they agree. Throws
/// `ReferenceOverflow` before the engine has run where the reference has too much in hand: such a case is to be skipped.
public func compare(
    program: CheckedProgram, events: [ReferenceEvent], streams: [StreamDefinition]? = nil, end: EndOfInput = .drained,
    threadsMax: Int = 3_000, engine: (CheckedProgram, [ReferenceEvent]) throws -> [ReferenceAlert]
) throws -> Mismatch? {
    let expected = try referenceAlertLines(program: program, events: events, streams: streams, end: end, threadsMax: threadsMax)
    let got = try engine(program, events)
    if expected == got { return nil }
    let index = zip(expected, got).enumerated().first { $1.0 != $1.1 }?.offset ?? min(expected.count, got.count)
    return Mismatch(
        index: index, expected: index < expected.count ? expected[index] : nil, got: index < got.count ? got[index] : nil,
        expectedAll: expected, gotAll: got)
}

/// The one-rule form of ``compare(program:events:streams:end:threadsMax:engine:)``.
public func compare(
    rule: CheckedRule, events: [ReferenceEvent], engine: (CheckedProgram, [ReferenceEvent]) throws -> [ReferenceAlert]
) throws -> Mismatch? {
    try compare(program: CheckedProgram(streams: [], rules: [rule]), events: events, engine: engine)
}
