internal import Engine
internal import RuleLanguage

/// A pattern's tree to the flat tables of its position automaton.
///
/// - Complexity: for each step, the product of the statuses of the loops and `&` groups that end with it; bounded by `setsMax`.
struct AutomatonBuilder {
    private let pattern: Pattern
    private let tree: PatternTree
    private let streamMask: UInt64
    private(set) var automaton = Automaton()
    /// Byte offsets of the registers by the node that owns them.
    private var registers: [Int: Int] = [:]
    /// Bytes of the registers, behind the record's fixed part.
    private(set) var registerBytes = 0

    /// Most target sets of one rule.
    static let setsMax = 16_384
    /// Most targets of one set: a thread has a bit for each.
    static let targetsMax = 64

    init(_ pattern: Pattern, streamMask: UInt64) throws(CompileError) {
        self.pattern = pattern
        self.streamMask = streamMask
        tree = PatternTree(pattern.root)
        planRegisters()
        let stepNodes = tree.stepNodes
        for step in pattern.steps.indices {
            guard let node = stepNodes[step] else { throw CompileError.unsupported("a step outside of its pattern") }
            try addLookup(step: step, node: node)
        }
        var initial = Continuation(tree: tree)
        automaton.initialSets = try addSets(initial.initial())
    }

    private mutating func planRegisters() {
        var next = RecordLayout.fixedSize
        func take(_ bytes: Int, _ node: Int) {
            next = (next + bytes - 1) & ~(bytes - 1)
            registers[node] = next
            next += bytes
        }
        for (index, node) in tree.nodes.enumerated() {
            if case .timed = node.kind { take(8, index) }
        }
        for (index, node) in tree.nodes.enumerated() {
            if case .repeated(let quantifier, _, _) = node.kind, tree.isCounted(quantifier) { take(2, index) }
        }
        for (index, node) in tree.nodes.enumerated() {
            if case .allOf = node.kind { take(1, index) }
        }
        registerBytes = next - RecordLayout.fixedSize
    }

    // MARK: - Steps

    /// Finds which loops and `&` groups decide what follows a step, and the sets for each combination of their statuses.
    private mutating func addLookup(step: Int, node: Int) throws(CompileError) {
        var asked: [Int] = []
        while true {
            let found = try consulted(step: node, known: asked)
            if found.count == asked.count { break }
            asked = found
        }
        let firstDigit = automaton.digits.count
        var stride = 1
        var radixes: [Int] = []
        for owner in asked {
            let radix = radix(of: owner)
            automaton.digits.append(digit(owner, from: node, stride: stride))
            radixes.append(radix)
            stride *= radix
            guard stride <= AutomatonBuilder.setsMax else { throw CompileError.patternTooComplex }
        }
        automaton.lookups.append(
            SetLookup(digits: IndexRange(start: firstDigit, count: asked.count), firstRange: automaton.setRanges.count))
        for number in 0..<stride {
            var continuation = Continuation(tree: tree)
            var rest = number
            for (place, owner) in asked.enumerated() {
                continuation.status[owner] = rest % radixes[place]
                rest /= radixes[place]
            }
            let range = try addSets(continuation.following(step: node))
            automaton.setRanges.append(range)
        }
    }

    /// All nodes that are asked for their status whatever the status of the known ones.
    private func consulted(step node: Int, known: [Int]) throws(CompileError) -> [Int] {
        var found = known
        let radixes = known.map { radix(of: $0) }
        let combinations = radixes.reduce(1, *)
        guard combinations <= AutomatonBuilder.setsMax else { throw CompileError.patternTooComplex }
        for number in 0..<combinations {
            var continuation = Continuation(tree: tree)
            var rest = number
            for (place, owner) in known.enumerated() {
                continuation.status[owner] = rest % radixes[place]
                rest /= radixes[place]
            }
            _ = continuation.following(step: node)
            for owner in continuation.consulted where !found.contains(owner) { found.append(owner) }
        }
        return found
    }

    private func radix(of node: Int) -> Int {
        if case .allOf = tree.nodes[node].kind { return 1 << tree.nodes[node].children.count }
        return Continuation.LoopStatus.allCases.count
    }

    private func digit(_ owner: Int, from node: Int, stride: Int) -> StatusDigit {
        let offset = UInt16(registers[owner] ?? 0)
        if case .repeated(let quantifier, _, _) = tree.nodes[owner].kind {
            return StatusDigit(
                kind: .loop, offset: offset, minimum: UInt16(clamping: quantifier.min), maximum: UInt16(clamping: quantifier.max ?? 0),
                stride: UInt32(stride))
        }
        // The member that the step ends is the child on the way up to the group.
        var child = node
        while tree.nodes[child].parent != owner { child = tree.nodes[child].parent }
        return StatusDigit(
            kind: .all, offset: offset, minimum: 1 << UInt16(tree.nodes[child].place), maximum: 0, stride: UInt32(stride))
    }

    // MARK: - Sets

    private mutating func addSets(_ sets: Continuation.Sets) throws(CompileError) -> IndexRange {
        // A set of captures matches once: where one part of a split thread ends at once, no other part ends as well.
        let endsAtOnce = sets.contains { set in set.contains { $0.step == Int(Edge.end) && $0.guards.isEmpty } }
        let first = automaton.sets.count
        var isEndTaken = false
        for set in sets {
            var targets = set.filter { $0.step != Int(Edge.end) || mayComplete($0) }
            if endsAtOnce { targets.removeAll { $0.step == Int(Edge.end) && (!$0.guards.isEmpty || isEndTaken) } }
            let isFinal = targets.contains { $0.step == Int(Edge.end) && $0.guards.isEmpty }
            if isFinal { isEndTaken = true }
            targets.removeAll { $0.step == Int(Edge.end) && $0.guards.isEmpty }
            if targets.isEmpty && !isFinal { continue }
            guard targets.count <= AutomatonBuilder.targetsMax else { throw CompileError.patternTooComplex }
            addSet(targets, isFinal: isFinal)
        }
        guard automaton.sets.count <= AutomatonBuilder.setsMax else { throw CompileError.patternTooComplex }
        return IndexRange(start: first, count: automaton.sets.count - first)
    }

    /// An end behind guards needs a time at which it is certain.
    private func mayComplete(_ target: Continuation.Target) -> Bool {
        pattern.withinMicroseconds != nil || target.guards.allSatisfy { $0.limitMicroseconds != nil }
    }

    private mutating func addSet(_ targets: [Continuation.Target], isFinal: Bool) {
        let first = automaton.edges.count
        var interest: UInt64 = 0
        var hasDeadline = false
        for target in targets {
            let edge = edge(for: target)
            automaton.edges.append(edge)
            if edge.step == Edge.end { hasDeadline = true } else { interest |= 1 << UInt64(edge.step) }
            if edge.step != Edge.end && edge.contiguity == .next { interest |= streamMask }
            if edge.until >= 0 { interest |= 1 << UInt64(edge.until) }
            for guardIndex in Int(edge.guards.start)..<Int(edge.guards.start + edge.guards.count) {
                let edgeGuard = automaton.guards[guardIndex]
                interest |= 1 << UInt64(edgeGuard.bit)
                if edgeGuard.isNext { interest |= streamMask }
            }
        }
        automaton.sets.append(
            TargetSet(
                edges: IndexRange(start: first, count: targets.count), isFinal: isFinal, hasDeadline: hasDeadline, interest: interest))
    }

    private mutating func edge(for target: Continuation.Target) -> Edge {
        let guards = target.guards.map { written in
            EdgeGuard(
                bit: UInt8(pattern.steps.count + written.predicate), isNext: written.isNext,
                limit: written.limitMicroseconds ?? Edge.unlimited)
        }
        let operations = target.operations.map { operation in
            RegisterOperation(
                kind: operation.kind, offset: UInt16(registers[operation.node] ?? 0), operand: UInt16(clamping: operation.operand))
        }
        var rounds: [RoundLimit] = []
        var until: Int8 = -1
        var untilEnds = false
        if target.step != Int(Edge.end), let node = tree.stepNodes[target.step] {
            let begun = Set(target.operations.filter { $0.kind == .beginRound }.map(\.node))
            for ancestor in tree.ancestors(node) {
                if case .timed(let limit) = tree.nodes[ancestor].kind, !begun.contains(ancestor) {
                    rounds.append(RoundLimit(offset: UInt16(registers[ancestor] ?? 0), limit: limit))
                }
            }
            let parent = tree.nodes[node].parent
            if parent >= 0, case .repeated(_, _, let predicate?) = tree.nodes[parent].kind {
                until = Int8(pattern.steps.count + predicate)
                untilEnds = target.loop == parent
            }
        }
        let isEnd = target.step == Int(Edge.end)
        return Edge(
            step: Int32(target.step), contiguity: target.contiguity, until: until, untilEnds: untilEnds,
            completesAtWithin: isEnd && target.guards.contains { $0.limitMicroseconds == nil },
            limit: target.limit ?? Edge.unlimited,
            completesAfter: isEnd ? target.guards.compactMap(\.limitMicroseconds).max() ?? -1 : -1,
            guards: append(guards, to: \.guards), operations: append(operations, to: \.operations), rounds: append(rounds, to: \.rounds))
    }

    private mutating func append<Element>(_ elements: [Element], to table: WritableKeyPath<Automaton, [Element]>) -> IndexRange {
        let start = automaton[keyPath: table].count
        automaton[keyPath: table] += elements
        return IndexRange(start: start, count: elements.count)
    }
}
