/// Which part of the language random rules draw on.
public enum RandomFeatures: Sendable {
    /// Steps, connectives, guards, absence at the end, quantifiers, modes, groups, conditions over the event and over earlier captures,
    /// `within`, policies.
    case core
    /// All that the checker accepts in a pattern rule.
    case full
}

/// Random rules, as drafts. Some are in error (a loop over what can be empty, say): whoever draws asks the checker and draws again.
///
/// Limits run from far below to far above the spacing of events in random streams, because wrong domination between threads shows
/// only with limits of at least twice the spacing.
public struct RandomRules {
    private var random: RandomSource
    private let features: RandomFeatures
    private let size: Int
    private var labels: [(name: String, isInLoop: Bool)] = []
    private var stepCount = 0
    private var isKeyedByStep = false

    private var isFull: Bool { features == .full }

    static let types = ["A", "B", "C", "D"]
    private static let limits = [1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 200, 1000]

    /// - Parameter size: the most steps, or a few more; from 1.
    public init(seed: UInt64, features: RandomFeatures, size: Int) {
        random = RandomSource(seed: seed)
        self.features = features
        self.size = max(1, size)
    }

    /// The next rule; a source gives ever new ones.
    public mutating func next() -> RuleDraft {
        labels = []
        stepCount = 0
        isKeyedByStep = isFull && random.chance(8)
        var draft = RuleDraft(pattern: sequence(depth: 0, steps: 1 + random.below(size), inLoop: false, isRoot: true))
        if !isKeyedByStep, random.chance(75) { draft.key = random.pick(["k", "k", "k", "k, p"]) }
        if isFull, random.chance(10) { draft.filter = random.pick(["v != 0", "v > 1 or w > 1", "v is present", "not v == 3"]) }
        if random.chance(70) { draft.within = limit() }
        // An absence at the end needs a limit.
        let isBounded = draft.pattern.trailing.contains { $0.limit != nil }
        if !draft.pattern.trailing.isEmpty, !isBounded, draft.within == nil { draft.within = limit() }
        draft.policy = policy(of: draft)
        guard isFull else { return draft }
        if random.chance(10) { draft.declaredTypes = random.pick([["A"], ["A", "B"], RandomRules.types]) }
        if random.chance(30) { draft.delay = random.pick([5, 20, 50]) }
        if draft.within != nil || random.chance(20) { draft.hasTimeout = random.chance(35) }
        if random.chance(10) { draft.cancels.append(event(mayRead: false)) }
        if random.chance(3) { draft.cancels.append(event(mayRead: false)) }
        if random.chance(10) { draft.openLimit = "\(1 + random.below(3)) open" + random.pick(["", " drop oldest", " drop newest"]) }
        if random.chance(8) { draft.cooldown = "\(limit())ms" + random.pick(["", "", " by v", " by w, v"]) }
        return draft
    }

    private mutating func limit() -> Int { random.pick(RandomRules.limits) }

    private mutating func policy(of draft: RuleDraft) -> String {
        switch random.below(20) {
        case 0..<7: return "keep all"
        case 7..<11: return "skip to next"
        case 11..<13: return "skip past last"
        case 13..<16:
            let labels = draft.pattern.steps.map(\.label)
            return (random.chance(50) ? "skip to first " : "skip to last ") + random.pick(labels)
        default: return ""
        }
    }

    private mutating func sequence(depth: Int, steps: Int, inLoop: Bool, isRoot: Bool) -> RuleDraft.Sequence {
        var sequence = RuleDraft.Sequence(elements: [], trailing: [])
        var left = steps
        while left > 0 {
            let index = sequence.elements.count
            let guards = index == 0 ? [] : protections(percent: 20)
            let before = stepCount
            let node = node(depth: depth, steps: left, inLoop: inLoop)
            left -= max(1, stepCount - before)
            sequence.elements.append(
                RuleDraft.Element(
                    guards: guards, connective: index == 0 ? "then" : random.pick(["then", "then", "then any", "next"]),
                    limit: isFull && index > 0 && random.chance(20) ? limit() : nil, node: node))
        }
        if isRoot {
            if random.chance(15) { sequence.trailing = protections(percent: 100).filter { !$0.isNext } }
        } else if isFull, random.chance(8) {
            sequence.trailing = protections(percent: 100)
        }
        return sequence
    }

    private mutating func protections(percent: Int) -> [RuleDraft.Protection] {
        var protections: [RuleDraft.Protection] = []
        while protections.count < 2, random.chance(protections.isEmpty ? percent : 15) {
            protections.append(
                RuleDraft.Protection(
                    isNext: random.chance(30), limit: isFull && random.chance(35) ? limit() : nil, event: event(mayRead: true)))
        }
        return protections
    }

    private mutating func node(depth: Int, steps: Int, inLoop: Bool) -> RuleDraft.Node {
        if isFull, steps >= 2, random.chance(15) {
            let members = 2 + random.below(min(steps, 3) - 1)
            let isChoice = random.chance(50)
            var nodes: [RuleDraft.Node] = []
            for _ in 0..<members { nodes.append(atom(depth: depth, steps: max(1, steps / members), inLoop: inLoop)) }
            return isChoice ? .choice(nodes) : .permutation(nodes)
        }
        return atom(depth: depth, steps: steps, inLoop: inLoop)
    }

    private mutating func atom(depth: Int, steps: Int, inLoop: Bool) -> RuleDraft.Node {
        if depth < 2, steps >= 1, random.chance(depth == 0 ? 22 : 15) {
            let loop = random.chance(60) ? loop() : nil
            let inside = sequence(
                depth: depth + 1, steps: 1 + random.below(min(steps, 3)), inLoop: inLoop || loop?.repeats ?? false, isRoot: false)
            return .group(inside, within: isFull && random.chance(35) ? limit() : nil, loop: loop)
        }
        return .step(step(inLoop: inLoop))
    }

    private mutating func loop() -> RuleDraft.Loop {
        let quantifier: String
        switch random.below(7) {
        case 0: quantifier = "?"
        case 1: quantifier = "*"
        case 2: quantifier = "+"
        case 3: quantifier = "{\(1 + random.below(3))}"
        case 4: quantifier = "{\(random.below(4)),}"
        default:
            let least = random.below(3)
            quantifier = "{\(least),\(max(1, least + random.below(3)))}"
        }
        let loop = RuleDraft.Loop(
            quantifier: quantifier + (random.chance(35) ? "?" : ""), mode: random.pick(["", "", "", "consecutive", "combinations"]))
        return loop.repeats ? loop : RuleDraft.Loop(quantifier: loop.quantifier, mode: "")
    }

    private mutating func step(inLoop: Bool) -> RuleDraft.Step {
        let label = "s\(stepCount)"
        stepCount += 1
        var step = RuleDraft.Step(label: label, types: [type()])
        if isFull, random.chance(8) { step.types = ["A", random.pick(["B", "C"])] }
        if random.chance(40) { step.loop = loop() }
        // Only the loop makes the label readable in the step's own condition.
        let repeats = step.loop?.repeats ?? false
        let isList = inLoop || repeats
        if random.chance(27) { step.condition = condition(own: isList ? label : nil) }
        if isKeyedByStep { step.key = random.pick(["p", "q", "k"]) }
        labels.append((label, isList))
        if isFull, repeats, random.chance(20) {
            step.until = event(mayRead: true)
            for index in step.until!.alternatives.indices { step.until!.alternatives[index].key = nil }
        }
        return step
    }

    private mutating func type() -> String {
        random.chance(12) ? "event" : random.pick(RandomRules.types)
    }

    private mutating func event(mayRead: Bool) -> RuleDraft.Event {
        var alternatives: [RuleDraft.Event.Alternative] = []
        repeat {
            let condition = random.chance(30) ? (mayRead ? self.condition(own: nil) : comparison()) : nil
            alternatives.append(
                .init(type: type(), condition: condition, key: isKeyedByStep ? random.pick(["p", "q", "k"]) : nil))
        } while isFull && alternatives.count < 2 && random.chance(10)
        return RuleDraft.Event(alternatives: alternatives)
    }

    // MARK: - Conditions

    private mutating func condition(own: String?) -> String {
        if let own, random.chance(35) {
            return random.pick([
                "count(\(own)) == 0 or v > last(\(own).v)", "count(\(own)) < 2", "count(\(own)) == 0 or v != first(\(own).v)",
                "count(\(own)) == 0 or v >= avg(\(own).v)", "count(\(own)) == 0 or sum(\(own).v) < 6",
            ])
        }
        var text = term()
        if random.chance(20) { text += (random.chance(50) ? " and " : " or ") + term() }
        return text
    }

    private mutating func term() -> String {
        guard !labels.isEmpty, random.chance(45) else { return comparison() }
        let label = random.pick(labels)
        let operation = random.pick(["==", "!=", "<", "<=", ">", ">="])
        let name = label.name
        if !label.isInLoop, random.chance(80) {
            var terms = [
                "v \(operation) \(name).v", "v \(operation) \(name).v", "w \(operation) \(name).v",
                "v + w \(operation) \(name).v * 2",
            ]
            if isFull {
                terms += [
                    "time() - time(\(name)) \(operation) 20ms", "(\(name).v ?? 2) \(operation) v", "\(name).w is missing",
                    "v in [\(name).v, \(name).w]",
                ]
            }
            return random.pick(terms)
        }
        var terms = [
            "v \(operation) count(\(name))", "v \(operation) first(\(name).v)", "v \(operation) last(\(name).v)",
            "v \(operation) sum(\(name).v)", "v \(operation) min(\(name).v)", "v \(operation) max(\(name).v)",
            "v \(operation) avg(\(name).v)", "sum(\(name).v) \(operation) 5", "count(\(name).v) \(operation) 2",
        ]
        if isFull {
            terms += [
                "time() - time(last(\(name))) \(operation) 20ms", "time() - time(first(\(name))) \(operation) 20ms",
                "distinct(\(name).v) \(operation) 2", "stddev(\(name).v) \(operation) 1", "v in values(\(name).v)",
                "v \(operation) last(\(name)).v", "(max(\(name).w) ?? 1) \(operation) v",
            ]
        }
        return random.pick(terms)
    }

    /// Over the event alone.
    private mutating func comparison() -> String {
        let operation = random.pick(["==", "!=", "<", "<=", ">", ">="])
        var terms = [
            "v \(operation) \(random.below(6))", "v \(operation) \(random.below(6))", "w \(operation) \(random.below(4))",
            "v \(operation) w",
            "v % 2 == \(random.below(2))", "v + w \(operation) 4", "v / 2 \(operation) 1.5", "not v \(operation) 2",
            "v * w - 1 \(operation) 3",
            "v == \"s\"", "v \(operation) 2.5", "-v \(operation) -2",
        ]
        if isFull {
            terms += [
                "v is missing", "v is present", "v in [1, 2, \"s\"]", "v not in [3, 4]", "(v ?? 3) \(operation) 2", "v like \"s*\"",
                "v not like \"?\"", "abs(v - 3) \(operation) 1", "max(v, w) \(operation) 3", "starts_with(v, \"s\")",
            ]
        }
        return random.pick(terms)
    }
}
