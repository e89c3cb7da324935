internal import Engine
internal import RuleLanguage

/// What may follow a capture, as a list of sets: each set is what one thread has open. A greedy choice keeps both ways open in one
/// thread, so it joins every set of the one with every set of the other; a reluctant choice splits the thread, so it gives the sets of
/// both, one after another.
struct Continuation {
    struct Target: Equatable {
        /// `Edge.end` for the end of the pattern.
        var step: Int
        var contiguity: Contiguity
        var limit: Int64?
        var guards: [Guard]
        var operations: [Operation]
        /// The loop whose next round this is, or -1.
        var loop: Int

        static func == (left: Target, right: Target) -> Bool {
            left.step == right.step && left.contiguity == right.contiguity && left.limit == right.limit
                && left.operations == right.operations && left.loop == right.loop
                && left.guards.elementsEqual(right.guards) { a, b in
                    a.isNext == b.isNext && a.limitMicroseconds == b.limitMicroseconds && a.predicate == b.predicate
                }
        }
    }

    /// A register operation by the node that owns the register.
    struct Operation: Equatable {
        var kind: RegisterOperation.Kind
        var node: Int
        var operand: Int
    }

    /// Where a loop stands once a round is complete.
    enum LoopStatus: Int, CaseIterable {
        case below, may, must
    }

    typealias Sets = [[Target]]

    let tree: PatternTree
    /// The status of the counted loops and of the `&` groups; what was not told counts as the first status, and is noted in `consulted`.
    var status: [Int: Int] = [:]
    private(set) var consulted: [Int] = []

    init(tree: PatternTree) {
        self.tree = tree
    }

    /// The way into an element: how its first capture follows the last one.
    private struct Way {
        var contiguity: Contiguity
        var limit: Int64?
        var guards: [Guard] = []
        var operations: [Operation] = []
        var loop = -1
        /// A node that must not be left without a capture in it, or -1: leaving it gives no targets.
        var barrier = -1
    }

    /// What a new thread may begin with.
    mutating func initial() -> Sets {
        enter(0, Way(contiguity: .then, limit: nil))
    }

    /// What may follow once a step has captured.
    mutating func following(step node: Int) -> Sets {
        after(node, guards: [], barrier: -1)
    }

    private func isInside(_ node: Int, _ ancestor: Int) -> Bool {
        var here = node
        while here > ancestor { here = tree.nodes[here].parent }
        return here == ancestor
    }

    // MARK: - Into a node

    private mutating func enter(_ index: Int, _ way: Way) -> Sets {
        let node = tree.nodes[index]
        switch node.kind {
        case .step(let step):
            return [[
                Target(
                    step: step, contiguity: way.contiguity, limit: way.limit, guards: way.guards,
                    operations: way.operations.filter { isInside(index, $0.node) }, loop: way.loop)
            ]]
        case .sequence:
            return enter(node.children[0], way)
        case .anyOf:
            var sets: Sets = [[]]
            for child in node.children { sets = Continuation.joined(sets, enter(child, way)) }
            return sets
        case .allOf:
            var sets: Sets = [[]]
            var way = way
            way.operations.append(Operation(kind: .enterAll, node: index, operand: 0))
            for child in node.children {
                var member = way
                member.barrier = child
                sets = Continuation.joined(sets, enter(child, member))
            }
            if node.isNullable && way.barrier < 0 {
                sets = Continuation.joined(sets, after(index, way))
            }
            return sets
        case .timed:
            var way = way
            way.operations.append(Operation(kind: .beginRound, node: index, operand: 0))
            return enter(node.children[0], way)
        case .repeated(let quantifier, _, _):
            var inside = way
            if tree.isCounted(quantifier) { inside.operations.append(Operation(kind: .enterLoop, node: index, operand: 0)) }
            let take = enter(node.children[0], inside)
            guard quantifier.min == 0 else { return take }
            // What is left out takes its connective and its limit with it; the guards before it protect what comes instead.
            let leave = after(index, way)
            return quantifier.isReluctant ? take + leave : Continuation.joined(take, leave)
        }
    }

    // MARK: - Out of a node

    private mutating func after(_ index: Int, guards: [Guard], barrier: Int) -> Sets {
        after(index, Way(contiguity: .then, limit: nil, guards: guards, barrier: barrier))
    }

    /// `way` is that of what was left out, of which its guards stay, and what happens to the registers of the groups around: what comes
    /// instead may be the first of their rounds.
    private mutating func after(_ index: Int, _ way: Way) -> Sets {
        let (guards, barrier) = (way.guards, way.barrier)
        if index == barrier { return [[]] }
        let node = tree.nodes[index]
        guard node.parent >= 0 else {
            return [[Target(step: Int(Edge.end), contiguity: .then, limit: nil, guards: guards, operations: [], loop: -1)]]
        }
        let parent = tree.nodes[node.parent]
        switch parent.kind {
        case .step:
            preconditionFailure("A step has no children.")
        case .anyOf, .timed:
            return after(node.parent, way)
        case .sequence(let elements, let trailing):
            guard node.place + 1 < elements.count else {
                var way = way
                way.guards += trailing
                return after(node.parent, way)
            }
            let element = elements[node.place + 1]
            return enter(
                parent.children[node.place + 1],
                Way(
                    contiguity: Continuation.contiguity(element.connective), limit: element.limitMicroseconds,
                    guards: guards + element.guards, operations: way.operations, barrier: barrier))
        case .allOf:
            return afterMember(node.place, of: node.parent, way)
        case .repeated(let quantifier, let mode, _):
            return afterRound(of: node.parent, quantifier, mode, way)
        }
    }

    private mutating func afterRound(of loop: Int, _ quantifier: Quantifier, _ mode: LoopMode, _ left: Way) -> Sets {
        let guards = left.guards
        let isCounted = tree.isCounted(quantifier)
        let status: LoopStatus
        if isCounted {
            status = LoopStatus(rawValue: consult(loop)) ?? .may
        } else {
            status = quantifier.max == 1 ? .must : .may
        }
        if status == .must { return after(loop, left) }
        var way = Way(contiguity: Continuation.contiguity(mode), limit: tree.nodes[loop].roundLimit, guards: guards, loop: loop)
        if isCounted {
            let cap = quantifier.max ?? quantifier.min
            way.operations.append(Operation(kind: .countRound, node: loop, operand: cap))
        }
        let again = enter(tree.nodes[loop].children[0], way)
        if status == .below { return again }
        let onward = after(loop, left)
        return quantifier.isReluctant ? again + onward : Continuation.joined(again, onward)
    }

    private mutating func afterMember(_ member: Int, of all: Int, _ left: Way) -> Sets {
        let guards = left.guards
        let done = consult(all) | 1 << member
        let children = tree.nodes[all].children
        var sets: Sets = [[]]
        var mayEnd = true
        for (place, child) in children.enumerated() where done >> place & 1 == 0 {
            let way = Way(
                contiguity: .then, limit: nil, guards: guards,
                operations: [Operation(kind: .finishMember, node: all, operand: 1 << member)], barrier: child)
            sets = Continuation.joined(sets, enter(child, way))
            if !tree.nodes[child].isNullable { mayEnd = false }
        }
        if mayEnd { sets = Continuation.joined(sets, after(all, guards: guards, barrier: -1)) }
        return sets
    }

    private mutating func consult(_ node: Int) -> Int {
        if !consulted.contains(node) { consulted.append(node) }
        return status[node] ?? 0
    }

    // MARK: - Sets

    static func contiguity(_ connective: Connective) -> Contiguity {
        switch connective {
        case .then: .then
        case .thenAny: .thenAny
        case .next: .next
        }
    }

    static func contiguity(_ mode: LoopMode) -> Contiguity {
        switch mode {
        case .skipping: .then
        case .consecutive: .next
        case .combinations: .thenAny
        }
    }

    /// Each set of the one with each set of the other, in one thread.
    static func joined(_ left: Sets, _ right: Sets) -> Sets {
        var result: Sets = []
        for a in left {
            for b in right {
                var set = a
                for target in b where !set.contains(target) { set.append(target) }
                result.append(set)
            }
        }
        return result
    }
}
