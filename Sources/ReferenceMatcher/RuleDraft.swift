/// A rule under construction, for random rules and for making failing ones smaller; ``text`` is the rule file.
///
/// It is a syntax tree of its own, so that what the parser misreads is not misread here as well.
public struct RuleDraft: Sendable, Equatable {
    public struct Event: Sendable, Equatable {
        public struct Alternative: Sendable, Equatable {
            public var type: String
            public var condition: String?
            public var key: String?
        }

        public var alternatives: [Alternative]
    }

    public struct Protection: Sendable, Equatable {
        public var isNext: Bool
        public var limit: Int?
        public var event: Event
    }

    public struct Loop: Sendable, Equatable {
        /// `+`, `{2,3}?` and so on.
        public var quantifier: String
        /// Empty, `consecutive` or `combinations`.
        public var mode: String

        /// Whether anything can be repeated: the language's loops are no `?` and no `{1}`.
        var repeats: Bool {
            let plain = quantifier.count > 1 && quantifier.hasSuffix("?") ? String(quantifier.dropLast()) : quantifier
            return !["?", "{1}", "{0,1}", "{1,1}"].contains(plain)
        }
    }

    public struct Step: Sendable, Equatable {
        public var label: String
        public var types: [String]
        public var loop: Loop?
        public var condition: String?
        public var key: String?
        public var until: Event?
    }

    public indirect enum Node: Sendable, Equatable {
        case step(Step)
        case group(Sequence, within: Int?, loop: Loop?)
        /// `|`; the members are permutations, steps or groups.
        case choice([Node])
        /// `&`; the members are steps or groups.
        case permutation([Node])
    }

    public struct Element: Sendable, Equatable {
        public var guards: [Protection]
        /// `then`, `then any` or `next`; of the first element without meaning.
        public var connective: String
        /// Milliseconds, as all limits here.
        public var limit: Int?
        public var node: Node
    }

    public struct Sequence: Sendable, Equatable {
        public var elements: [Element]
        public var trailing: [Protection]
    }

    public var name = "t"
    /// Of the stream, milliseconds.
    public var delay = 0
    /// Types with a declaration: `v` and `w` are numbers, all else is any.
    public var declaredTypes: [String] = []
    public var key: String?
    public var filter: String?
    public var pattern: Sequence
    public var within: Int?
    /// What stands behind `after match`; empty for none.
    public var policy = ""
    public var cancels: [Event] = []
    public var hasTimeout = false
    /// What stands behind `limit`.
    public var openLimit: String?
    /// What stands behind `cooldown`.
    public var cooldown: String?

    public init(pattern: Sequence) {
        self.pattern = pattern
    }
}

extension RuleDraft {
    /// The whole file.
    public var text: String { declarationsText + ruleText }

    /// What stands in the file beside the rule.
    public var declarationsText: String {
        var text = delay > 0 ? "stream { delay \(delay)ms }\n" : ""
        for type in declaredTypes {
            text += "event \(type) { id any  ts any  k any  v number?  w number?  p any  q any }\n"
        }
        return text
    }

    public var ruleText: String {
        var lines = ["rule \(name) {"]
        if let key { lines.append("    by \(key)") }
        if let filter { lines.append("    where \(filter)") }
        lines.append("    match \(pattern.text)" + (within.map { " within \($0)ms" } ?? ""))
        if !policy.isEmpty { lines.append("    after match \(policy)") }
        lines.append("    alert medium")
        if hasTimeout { lines.append("    on timeout alert low") }
        for cancel in cancels { lines.append("    cancel on \(cancel.text)") }
        if let openLimit { lines.append("    limit \(openLimit)") }
        if let cooldown { lines.append("    cooldown \(cooldown)") }
        return lines.joined(separator: "\n") + "\n}\n"
    }
}

extension RuleDraft.Event {
    var text: String {
        let parts = alternatives.map { alternative in
            alternative.type + (alternative.condition.map { " where \($0)" } ?? "") + (alternative.key.map { " by \($0)" } ?? "")
        }
        return parts.count == 1 ? parts[0] : "(" + parts.joined(separator: " | ") + ")"
    }
}

extension RuleDraft.Protection {
    var text: String {
        (isNext ? "next not " : "then not ") + (limit.map { "within \($0)ms " } ?? "") + event.text
    }
}

extension RuleDraft.Loop {
    var text: String { quantifier + (mode.isEmpty ? "" : " " + mode) }
}

extension RuleDraft.Step {
    var text: String {
        (label.isEmpty ? "" : label + ": ") + (types.count == 1 ? types[0] : "(" + types.joined(separator: " | ") + ")")
            + (loop?.text ?? "") + (condition.map { " where \($0)" } ?? "") + (key.map { " by \($0)" } ?? "")
            + (until.map { " until \($0.text)" } ?? "")
    }
}

extension RuleDraft.Node {
    var text: String {
        switch self {
        case .step(let step): step.text
        case .group(let sequence, let within, let loop):
            "(" + sequence.text + (within.map { " within \($0)ms" } ?? "") + ")" + (loop?.text ?? "")
        case .choice(let members): members.map(\.text).joined(separator: " | ")
        case .permutation(let members): members.map(\.text).joined(separator: " & ")
        }
    }

    /// All steps, in the order of the text.
    var steps: [RuleDraft.Step] {
        switch self {
        case .step(let step): [step]
        case .group(let sequence, _, _): sequence.steps
        case .choice(let members), .permutation(let members): members.flatMap(\.steps)
        }
    }
}

extension RuleDraft.Sequence {
    var text: String {
        var parts: [String] = []
        for (index, element) in elements.enumerated() {
            parts += element.guards.map(\.text)
            if index > 0 { parts.append(element.connective + (element.limit.map { " within \($0)ms" } ?? "")) }
            parts.append(element.node.text)
        }
        return (parts + trailing.map(\.text)).joined(separator: " ")
    }

    /// All steps, in the order of the text.
    public var steps: [RuleDraft.Step] { elements.flatMap(\.node.steps) }
}
