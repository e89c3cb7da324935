public import Events
public import RuleLanguage

/// The values of a key in the form in which equal keys are the same: 1 and 1.0 are one.
struct KeyValue: Hashable {
    private enum Part: Hashable {
        case string([UInt8])
        case integer(Int128)
        case double(UInt64)
        case boolean(Bool)
    }

    private let parts: [Part]
    /// The values themselves, numbers as integers wherever they are whole.
    let values: [Value]

    static func == (left: KeyValue, right: KeyValue) -> Bool { left.parts == right.parts }
    func hash(into hasher: inout Hasher) { hasher.combine(parts) }

    /// Nil where a part is no string, number or boolean.
    init?(_ expressions: [Expression], _ evaluator: ReferenceEvaluator) {
        var parts: [Part] = []
        var values: [Value] = []
        for expression in expressions {
            var value = evaluator.value(expression)
            if case .double(let double) = value, let whole = Int128(exactly: double), Value.integerRange.contains(whole) {
                value = .integer(whole)
            }
            switch value {
            case .string(let string): parts.append(.string(Array(string.utf8)))
            case .integer(let integer): parts.append(.integer(integer))
            case .double(let double): parts.append(.double(double.bitPattern))
            case .boolean(let boolean): parts.append(.boolean(boolean))
            default: return nil
            }
            values.append(value)
        }
        self.parts = parts
        self.values = values
    }
}

/// A match or timeout, with everything that the output's order needs.
public struct ReferenceMatch: Sendable {
    public enum Kind: String, Sendable {
        case match, timeout
    }

    /// An event assigned to a step.
    public struct Capture: Sendable {
        /// An index into the rule's `pattern.steps`.
        public var step: Int
        /// An index into the events in the order of matching.
        public var event: Int
    }

    public var rule: String
    public var kind: Kind
    /// Microseconds since 1970: the completing event's time, or the deadline.
    public var at: Int64
    /// An index into the events in the order of matching; nil at a deadline.
    public var completedBy: Int?
    public var key: [Value]
    /// In the order of capture.
    public var captures: [Capture]
}

/// What happens after the last event.
public enum EndOfInput: Sendable, Equatable {
    /// Every deadline fires.
    case drained
    /// The watermarks stay as the events left them, or are moved on to this time (microseconds) where that is later; what they do not
    /// release is neither matched nor due.
    case open(reaching: Int64?)
}

/// The oracle: all events in, all matches out, with no cleverness. It works from `CheckedRule` alone and shares nothing with the
/// compiler or the engine.
///
/// - Complexity: events × threads × targets, with every condition evaluated anew; threads can grow exponentially under `keep all`, and
///   `ReferenceOverflow` is thrown where they do.
public struct ReferenceMatcher {
    /// In the order of matching: (time, arrival); late events and what was never released are not among them.
    public let events: [ReferenceEvent]
    /// Events older than their own input's watermark, in order of arrival.
    public let late: [ReferenceEvent]
    /// Events beyond `ahead`, in order of arrival.
    public let rejected: [ReferenceEvent]
    /// Deadlines up to here fire; nil: all.
    public let end: Int64?
    public var findsPattern: (String, String) -> Bool?
    /// Most threads, and most matches, of one key in one rule; beyond it `ReferenceOverflow` is thrown.
    public var threadsMax = 100_000

    /// - Parameters:
    ///   - events: each input's in the order of its lines; inputs may be mixed in any way.
    ///   - streams: how each input is read, by its number; an input beyond the end is read as the last one (or by the defaults).
    ///   - eventTypes: the program's `event` declarations.
    public init(
        events: [ReferenceEvent], streams: [StreamDefinition] = [], eventTypes: [EventType] = [], end: EndOfInput = .drained,
        findsPattern: @escaping (String, String) -> Bool? = { _, _ in nil }
    ) {
        let inputs = (events.map(\.input).max() ?? 0) + 1
        var watermarks = [Int64?](repeating: nil, count: max(inputs, streams.count))
        var kept: [ReferenceEvent] = []
        var late: [ReferenceEvent] = []
        var rejected: [ReferenceEvent] = []
        for event in events.sorted(by: { $0.arrived(before: $1) }) {
            let stream = event.input < streams.count ? streams[event.input] : streams.last ?? StreamDefinition()
            let watermark = watermarks[event.input]
            if let ahead = stream.aheadMicroseconds, let watermark, event.time > added(watermark, ahead) {
                rejected.append(event)
                continue
            }
            if let watermark, event.time < watermark {
                late.append(event)
            } else {
                kept.append(event)
            }
            watermarks[event.input] = max(watermark ?? .min, event.time - stream.delayMicroseconds)
        }
        for index in kept.indices {
            for declaration in eventTypes where declaration.name == kept[index].type {
                for field in declaration.fields { kept[index].declared[field.path] = field.type }
            }
        }
        kept.sort { $0.time != $1.time ? $0.time < $1.time : $0.arrived(before: $1) }
        if case .open(let reaching) = end {
            let final = watermarks.map { max($0 ?? .min, reaching ?? .min) }
            // An event is released as soon as every input before its own is beyond its time and every other one has reached it.
            kept.removeAll { event in
                final.enumerated().contains { input, watermark in input < event.input ? watermark <= event.time : watermark < event.time }
            }
            self.end = final.min() ?? .min
        } else {
            self.end = nil
        }
        self.events = kept
        self.late = late
        self.rejected = rejected
        self.findsPattern = findsPattern
    }

    /// The values of all keys that an event stands in the streams of; more than one only where steps have keys of their own.
    private func keys(of event: ReferenceEvent, _ rule: CheckedRule) -> [KeyValue] {
        let evaluator = ReferenceEvaluator(event: event, time: event.time, findsPattern: findsPattern)
        guard rule.isKeyedByStep else { return KeyValue(rule.key.map(\.expression), evaluator).map { [$0] } ?? [] }
        let lists = rule.pattern.steps.map(\.key) + rule.pattern.predicates.flatMap { $0.alternatives.map(\.key) }
        var keys: [KeyValue] = []
        // An `until` has its step's key and may leave its own empty.
        for list in lists where !list.isEmpty {
            if let key = KeyValue(list, evaluator), !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    /// All matches of one rule in the order of section 8.
    public func matches(of rule: CheckedRule) throws(ReferenceOverflow) -> [ReferenceMatch] {
        var streams: [KeyValue: [Int]] = [:]
        for (index, event) in events.enumerated() {
            let evaluator = ReferenceEvaluator(event: event, time: event.time, findsPattern: findsPattern)
            guard evaluator.isSatisfied(rule.filter) else { continue }
            for key in keys(of: event, rule) { streams[key, default: []].append(index) }
        }
        let pattern = NumberedPattern(rule.pattern)
        var matches: [ReferenceMatch] = []
        for (key, stream) in streams {
            var run = KeyedRun(
                rule: rule, pattern: pattern, key: key.values, keyValue: key, stream: stream.map { events[$0] },
                findsPattern: findsPattern, threadsMax: threadsMax)
            try run.run(end: end)
            matches += run.matches.map { match in
                ReferenceMatch(
                    rule: rule.name, kind: match.isTimeout ? .timeout : .match, at: match.at,
                    completedBy: match.completedBy.map { stream[$0] }, key: key.values,
                    captures: match.captures.map { .init(step: $0.step, event: stream[$0.position]) })
            }
        }
        return matches.sorted(by: comesBefore)
    }

    /// All matches of a program's rules in the order of section 8.
    public func matches(of program: CheckedProgram) throws(ReferenceOverflow) -> [ReferenceMatch] {
        var matches: [ReferenceMatch] = []
        for rule in program.rules { matches += try self.matches(of: rule) }
        return matches.sorted(by: comesBefore)
    }

    /// The order of section 8: time; deadlines before events; arrival of the completing event, of a deadline that of the first event
    /// captured; the rule's name; arrival of the first event captured; then as in section 5.
    private func comesBefore(_ left: ReferenceMatch, _ right: ReferenceMatch) -> Bool {
        if left.at != right.at { return left.at < right.at }
        if (left.completedBy == nil) != (right.completedBy == nil) { return left.completedBy == nil }
        let ranks = (left.completedBy ?? left.captures[0].event, right.completedBy ?? right.captures[0].event)
        if ranks.0 != ranks.1 { return events[ranks.0].arrived(before: events[ranks.1]) }
        if left.rule != right.rule { return left.rule.utf8.lexicographicallyPrecedes(right.rule.utf8) }
        let firsts = (left.captures[0].event, right.captures[0].event)
        if firsts.0 != firsts.1 { return events[firsts.0].arrived(before: events[firsts.1]) }
        func captures(_ match: ReferenceMatch) -> [Capture] { match.captures.map { Capture(step: $0.step, position: $0.event) } }
        return KeyedRun.precedes(captures(left), captures(right))
    }
}
