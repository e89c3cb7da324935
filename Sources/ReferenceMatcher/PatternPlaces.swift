internal import RuleLanguage

/// A pattern whose nodes are numbered, so that a place in it can be compared and hashed.
struct NumberedPattern {
    enum Node {
        case step(Int)
        case sequence([Element], trailing: [Guarding])
        case anyOf([Int])
        case allOf([Int])
        case loop(Int, Quantifier, LoopMode, until: Int?)
        case timed(Int, withinMicroseconds: Int64)
    }

    struct Element {
        var guards: [Guarding]
        var connective: Connective
        var limit: Int64?
        var node: Int
    }

    private(set) var nodes: [Node] = []
    private(set) var root = 0

    init(_ pattern: Pattern) {
        root = add(pattern.root)
    }

    private mutating func add(_ node: PatternNode) -> Int {
        let numbered: Node
        switch node {
        case .step(let step):
            numbered = .step(step)
        case .sequence(let elements, let trailing):
            var parts: [Element] = []
            for element in elements {
                parts.append(
                    Element(
                        guards: element.guards.map(Guarding.init), connective: element.connective, limit: element.limitMicroseconds,
                        node: add(element.node)))
            }
            numbered = .sequence(parts, trailing: trailing.map(Guarding.init))
        case .anyOf(let members):
            var parts: [Int] = []
            for member in members { parts.append(add(member)) }
            numbered = .anyOf(parts)
        case .allOf(let members):
            var parts: [Int] = []
            for member in members { parts.append(add(member)) }
            numbered = .allOf(parts)
        case .repeated(let body, let quantifier, let mode, let until):
            numbered = .loop(add(body), quantifier, mode, until: until)
        case .timed(let body, let within):
            numbered = .timed(add(body), withinMicroseconds: within)
        }
        nodes.append(numbered)
        return nodes.count - 1
    }
}

/// A guard; section 3.
struct Guarding: Hashable {
    var isNext: Bool
    var limit: Int64?
    var predicate: Int

    init(_ guarding: Guard) {
        isNext = guarding.isNext
        limit = guarding.limitMicroseconds
        predicate = guarding.predicate
    }
}

/// How a target is reached from the event captured before: what may lie between.
struct Edge: Hashable {
    var connective: Connective
    /// The event comes less than this after the one before.
    var limit: Int64?
    var guards: [Guarding]
}

/// Where a step stands: its sequence, loop rounds and groups, from the inside out.
indirect enum Place: Hashable {
    case outside
    case inSequence(node: Int, element: Int, around: Place)
    /// `began` is the time of this round's first event, once there is one.
    case inTimed(node: Int, began: Int64?, around: Place)
    /// Which members of a `&` are done or being matched; whether the latest has captured yet.
    case inAllOf(node: Int, taken: Set<Int>, hasCaptured: Bool, around: Place)
    /// The round counts from 1; of a loop with no upper end no further than matters. The limit is that of the loop's connective.
    case inLoop(node: Int, round: Int, limit: Int64?, around: Place)

    /// Sets the beginning of the groups around that have none yet.
    func began(at time: Int64) -> Place {
        switch self {
        case .outside: self
        case .inSequence(let node, let element, let around): .inSequence(node: node, element: element, around: around.began(at: time))
        case .inTimed(let node, let began, let around): .inTimed(node: node, began: began ?? time, around: around.began(at: time))
        case .inAllOf(let node, let taken, _, let around):
            .inAllOf(node: node, taken: taken, hasCaptured: true, around: around.began(at: time))
        case .inLoop(let node, let round, let limit, let around):
            .inLoop(node: node, round: round, limit: limit, around: around.began(at: time))
        }
    }
}

/// What a thread waits for.
enum Target: Hashable {
    case step(Int, Place, Edge)
    /// The pattern is through but for its last guards. Before a capture has put it on the clock the deadline is nil; a deadline that
    /// stays nil never comes.
    case end(deadline: Int64?, guards: [Guarding])
}

/// The targets that a place opens. The answer is a list: one set of targets for each thread that reluctant quantifiers split into
/// (section 4); greedy choices put their targets into all of them.
extension NumberedPattern {
    /// Before any event.
    var beginnings: [Set<Target>] {
        enter(root, Edge(connective: .then, limit: nil, guards: []), .outside)
    }

    /// Every combination of a part of one and a part of the other: both stay open.
    private func together(_ left: [Set<Target>], _ right: [Set<Target>]) -> [Set<Target>] {
        left.flatMap { part in right.map { part.union($0) } }
    }

    /// `roundLimit` is the limit of the connective right before the node: where the node is a loop, each of its rounds has it.
    private func enter(_ node: Int, _ edge: Edge, _ place: Place, roundLimit: Int64? = nil) -> [Set<Target>] {
        switch nodes[node] {
        case .step(let step):
            return [[.step(step, place, edge)]]
        case .sequence(let elements, _):
            return enter(elements[0].node, edge, .inSequence(node: node, element: 0, around: place))
        case .timed(let body, _):
            return enter(body, edge, .inTimed(node: node, began: nil, around: place))
        case .anyOf(let members):
            var all: [Set<Target>] = [[]]
            for member in members { all = together(all, enter(member, edge, place)) }
            return all
        case .allOf:
            let taken = enterRest(ofAllOf: node, taken: [], edge, place)
            return isNullable(node) ? together(taken, leave(place, edge.guards)) : taken
        case .loop(let body, let quantifier, _, _):
            let taken = enter(body, edge, .inLoop(node: node, round: 1, limit: roundLimit, around: place))
            if quantifier.min > 0 { return taken }
            // What is left out takes its connective with it; its guards protect what comes next.
            let left = leave(place, edge.guards)
            return quantifier.isReluctant ? taken + left : together(taken, left)
        }
    }

    /// Whether the node can be left with nothing captured.
    private func isNullable(_ node: Int) -> Bool {
        switch nodes[node] {
        case .step: false
        case .sequence(let elements, _): elements.allSatisfy { isNullable($0.node) }
        case .anyOf(let members): members.contains(where: isNullable)
        case .allOf(let members): members.allSatisfy(isNullable)
        case .loop(let body, let quantifier, _, _): quantifier.min == 0 || isNullable(body)
        case .timed(let body, _): isNullable(body)
        }
    }

    /// Members of a `&` are entered by their captures alone: one that may be left out stays open until the whole group is left, so that
    /// what qualifies for it is never skipped.
    private func enterRest(ofAllOf node: Int, taken: Set<Int>, _ edge: Edge, _ place: Place) -> [Set<Target>] {
        guard case .allOf(let members) = nodes[node] else { preconditionFailure("the place is inside a node of another kind") }
        var all: [Set<Target>] = [[]]
        for (index, member) in members.enumerated() where !taken.contains(index) {
            all = together(all, enter(member, edge, .inAllOf(node: node, taken: taken.union([index]), hasCaptured: false, around: place)))
        }
        return all
    }

    /// What comes after the node that stands at this place is through (or left out); `guards` protect whatever is captured next.
    func leave(_ place: Place, _ guards: [Guarding]) -> [Set<Target>] {
        switch place {
        case .outside:
            return [[.end(deadline: nil, guards: guards)]]
        case .inTimed(_, _, let around):
            return leave(around, guards)
        case .inSequence(let node, let element, let around):
            guard case .sequence(let elements, let trailing) = nodes[node] else { preconditionFailure("the place is no sequence") }
            guard element + 1 < elements.count else { return leave(around, guards + trailing) }
            let next = elements[element + 1]
            return enter(
                next.node, Edge(connective: next.connective, limit: next.limit, guards: guards + next.guards),
                .inSequence(node: node, element: element + 1, around: around), roundLimit: next.limit)
        case .inAllOf(let node, let taken, let hasCaptured, let around):
            guard case .allOf(let members) = nodes[node] else { preconditionFailure("the place is no all-of") }
            guard hasCaptured else { return [[]] }
            let rest = enterRest(ofAllOf: node, taken: taken, Edge(connective: .then, limit: nil, guards: guards), around)
            let mayLeave = members.indices.allSatisfy { taken.contains($0) || isNullable(members[$0]) }
            return mayLeave ? together(rest, leave(around, guards)) : rest
        case .inLoop(let node, let round, let limit, let around):
            guard case .loop(let body, let quantifier, let mode, _) = nodes[node] else { preconditionFailure("the place is no loop") }
            let mayGoOn = round >= quantifier.min
            guard quantifier.max.map({ round < $0 }) ?? true else { return leave(around, guards) }
            let connective: Connective = mode == .consecutive ? .next : mode == .combinations ? .thenAny : .then
            let nextRound = quantifier.max == nil ? min(round + 1, max(quantifier.min, 1) + 1) : round + 1
            let again = enter(
                body, Edge(connective: connective, limit: limit, guards: guards),
                .inLoop(node: node, round: nextRound, limit: limit, around: around))
            guard mayGoOn else { return again }
            let on = leave(around, guards)
            return quantifier.isReluctant ? again + on : together(again, on)
        }
    }
}
