public import RuleLanguage

/// A rule and a stream, drawn from a seed.
public struct RandomCase: Sendable {
    public var seed: UInt64
    public var rule: RuleDraft
    public var events: [RandomEvent]

    public init(seed: UInt64, rule: RuleDraft, events: [RandomEvent]) {
        self.seed = seed
        self.rule = rule
        self.events = events
    }

    /// Draws a rule that the checker accepts and a stream for it; draws again, up to 200 times, where the checker does not.
    ///
    /// - Parameters:
    ///   - size: the most steps; the stream has up to 6 + 4 × size events, one in ten up to four times as many.
    ///   - check: the checked program of a rule file; nil where it is in error.
    /// - Returns: nil where 200 rules in a row were rejected.
    public static func drawn(
        seed: UInt64, features: RandomFeatures, size: Int, check: (String) -> CheckedProgram?
    ) -> (case: RandomCase, program: CheckedProgram)? {
        var rules = RandomRules(seed: seed, features: features, size: size)
        for _ in 0..<200 {
            let draft = rules.next()
            guard let program = check(draft.text) else { continue }
            var streams = RandomStreams(seed: seed, features: features)
            let most = (6 + 4 * size) * (seed % 10 == 9 ? 4 : 1)
            let events = streams.next(delay: draft.delay, events: most, following: draft.pattern.steps.map { $0.types[0] })
            return (RandomCase(seed: seed, rule: draft, events: events), program)
        }
        return nil
    }

    /// Draws several rules into one file, with names `r0`, `r1` and so on, over one stream: what the output's order is tried on.
    ///
    /// - Returns: the file's text, its checked program, and the events; nil where no rule was accepted.
    public static func drawnProgram(
        seed: UInt64, features: RandomFeatures, size: Int, rules count: Int, check: (String) -> CheckedProgram?
    ) -> (text: String, program: CheckedProgram, events: [RandomEvent])? {
        var rules = RandomRules(seed: seed, features: features, size: size)
        var drafts: [RuleDraft] = []
        for _ in 0..<(20 * count) where drafts.count < count {
            var draft = rules.next()
            draft.name = "r\(drafts.count)"
            draft.declaredTypes = drafts.first?.declaredTypes ?? draft.declaredTypes
            draft.delay = drafts.first?.delay ?? draft.delay
            if check(draft.text) != nil { drafts.append(draft) }
        }
        guard let first = drafts.first else { return nil }
        let text = first.declarationsText + drafts.map(\.ruleText).joined(separator: "\n")
        guard let program = check(text) else { return nil }
        var streams = RandomStreams(seed: seed, features: features)
        return (text, program, streams.next(delay: first.delay, events: 6 + 4 * size, following: first.pattern.steps.map { $0.types[0] }))
    }

    /// The events as the reference reads them; each input's lines are numbered from 1.
    public func referenceEvents(_ stream: StreamDefinition = StreamDefinition()) -> [ReferenceEvent] {
        RandomCase.referenceEvents(events, stream)
    }

    /// The events as the reference reads them; each input's lines are numbered from 1.
    public static func referenceEvents(_ events: [RandomEvent], _ stream: StreamDefinition = StreamDefinition()) -> [ReferenceEvent] {
        var lines: [Int: Int] = [:]
        return events.compactMap { event in
            lines[event.input, default: 0] += 1
            return ReferenceEvent(text: event.text, stream: stream, input: event.input, line: lines[event.input, default: 1])
        }
    }

    /// One line in the shape of the conformance cases: `name`, `rule`, `events`, and `matches` with times in milliseconds where they are
    /// given; `inputs` (each event's) where there are several.
    public func conformanceLine(matches: [ReferenceAlert]? = nil) -> String {
        var members = [
            "\"name\": \"seed-\(seed)\"", "\"rule\": \(quoted(rule.text))", "\"events\": [\(events.map(\.text).joined(separator: ", "))]",
        ]
        if events.contains(where: { $0.input != 0 }) {
            members.append("\"inputs\": [\(events.map { String($0.input) }.joined(separator: ", "))]")
        }
        if let matches {
            let texts = matches.map { alert in
                let steps = alert.steps.map { "\(quoted($0.name)): [\($0.events.map(String.init).joined(separator: ", "))]" }
                let kind = alert.kind == .match ? "" : "\"kind\": \"\(alert.kind.rawValue)\", "
                return "{\(kind)\"at\": \(alert.at / 1000), \"steps\": {\(steps.joined(separator: ", "))}}"
            }
            members.append("\"matches\": [\(texts.joined(separator: ", "))]")
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    private func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            default: quoted.unicodeScalars.append(character)
            }
        }
        return quoted + "\""
    }
}
