/// Makes failing cases small: first fewer events, then a simpler rule, and so on until nothing smaller fails.
extension RandomCase {
    /// The smallest case found that still fails; every case tried is smaller than one that fails, so this ends.
    ///
    /// - Parameters:
    ///   - triesMax: the most calls of `fails`.
    ///   - fails: whether the failure shows in a case; false for rules that the checker rejects.
    public func shrunk(triesMax: Int = 5_000, _ fails: (RandomCase) -> Bool) -> RandomCase {
        var best = self
        var tries = 0
        func adopt(_ candidate: RandomCase) -> Bool {
            tries += 1
            guard tries <= triesMax, fails(candidate) else { return false }
            best = candidate
            return true
        }
        var isSmaller = true
        while isSmaller, tries < triesMax {
            isSmaller = false
            var length = max(1, best.events.count / 2)
            while length >= 1 {
                var start = 0
                while start < best.events.count {
                    var candidate = best
                    candidate.events.removeSubrange(start..<min(start + length, best.events.count))
                    if adopt(candidate) { isSmaller = true } else { start += length }
                }
                length /= 2
            }
            if best.events.contains(where: { $0.input != 0 }) {
                var candidate = best
                for index in candidate.events.indices { candidate.events[index].input = 0 }
                if adopt(candidate) { isSmaller = true }
            }
            var isSimpler = true
            while isSimpler, tries < triesMax {
                isSimpler = false
                for rule in best.rule.simpler {
                    var candidate = best
                    candidate.rule = rule
                    if adopt(candidate) {
                        isSimpler = true
                        isSmaller = true
                        break
                    }
                }
            }
        }
        return best
    }
}

extension RuleDraft {
    /// Each rule that is one step simpler: the biggest steps first.
    public var simpler: [RuleDraft] {
        var drafts: [RuleDraft] = []
        func with(_ change: (inout RuleDraft) -> Void) {
            var draft = self
            change(&draft)
            if draft != self { drafts.append(draft) }
        }
        for pattern in pattern.simpler { with { $0.pattern = pattern } }
        with { $0.within = nil }
        with { $0.delay = 0 }
        with { $0.declaredTypes = [] }
        with { $0.key = nil }
        with { $0.filter = nil }
        with { $0.policy = "" }
        if policy != "keep all", !policy.isEmpty { with { $0.policy = "keep all" } }
        with { $0.cancels = [] }
        with { $0.hasTimeout = false }
        with { $0.openLimit = nil }
        with { $0.cooldown = nil }
        return drafts
    }
}

extension RuleDraft.Sequence {
    var simpler: [RuleDraft.Sequence] {
        var results: [RuleDraft.Sequence] = []
        func with(_ change: (inout RuleDraft.Sequence) -> Void) {
            var sequence = self
            change(&sequence)
            if sequence != self { results.append(sequence) }
        }
        if elements.count > 1 {
            for index in elements.indices { with { $0.elements.remove(at: index) } }
            // What comes first has neither guards nor a limit; taking the first away must not leave its successor's in error.
            with {
                $0.elements.removeFirst()
                $0.elements[0].guards = []
                $0.elements[0].limit = nil
            }
        }
        with { $0.trailing = [] }
        for index in trailing.indices {
            with { $0.trailing.remove(at: index) }
            for simple in trailing[index].simpler { with { $0.trailing[index] = simple } }
        }
        for index in elements.indices {
            let element = elements[index]
            for node in element.node.simpler { with { $0.elements[index].node = node } }
            with { $0.elements[index].guards = [] }
            for place in element.guards.indices {
                with { $0.elements[index].guards.remove(at: place) }
                for simple in element.guards[place].simpler { with { $0.elements[index].guards[place] = simple } }
            }
            with { $0.elements[index].limit = nil }
            with { $0.elements[index].connective = "then" }
        }
        return results
    }
}

extension RuleDraft.Protection {
    var simpler: [RuleDraft.Protection] {
        var results = event.simpler.map { RuleDraft.Protection(isNext: isNext, limit: limit, event: $0) }
        if limit != nil { results.append(RuleDraft.Protection(isNext: isNext, limit: nil, event: event)) }
        return results
    }
}

extension RuleDraft.Event {
    var simpler: [RuleDraft.Event] {
        var results: [RuleDraft.Event] = []
        if alternatives.count > 1 { results += alternatives.map { RuleDraft.Event(alternatives: [$0]) } }
        for index in alternatives.indices where alternatives[index].condition != nil {
            var event = self
            event.alternatives[index].condition = nil
            results.append(event)
        }
        return results
    }
}

extension RuleDraft.Loop {
    /// Fewer things to think about; the last is the loop that is none.
    var simpler: [RuleDraft.Loop?] {
        var results: [RuleDraft.Loop?] = [nil]
        if !mode.isEmpty { results.append(RuleDraft.Loop(quantifier: quantifier, mode: "")) }
        if quantifier.count > 1, quantifier.hasSuffix("?") {
            results.append(RuleDraft.Loop(quantifier: String(quantifier.dropLast()), mode: mode))
        }
        if quantifier.hasPrefix("{") { results += ["?", "+", "{2}"].map { RuleDraft.Loop(quantifier: $0, mode: mode) } }
        return results
    }
}

extension RuleDraft.Node {
    var simpler: [RuleDraft.Node] {
        switch self {
        case .step(let step):
            return step.simpler.map(RuleDraft.Node.step)
        case .group(let sequence, let within, let loop):
            var results: [RuleDraft.Node] = sequence.elements.map(\.node)
            if within != nil { results.append(.group(sequence, within: nil, loop: loop)) }
            if let loop { results += loop.simpler.map { .group(sequence, within: within, loop: $0) } }
            return results + sequence.simpler.map { .group($0, within: within, loop: loop) }
        case .choice(let members):
            return RuleDraft.Node.fewer(members, RuleDraft.Node.choice)
        case .permutation(let members):
            return RuleDraft.Node.fewer(members, RuleDraft.Node.permutation)
        }
    }

    private static func fewer(_ members: [RuleDraft.Node], _ join: ([RuleDraft.Node]) -> RuleDraft.Node) -> [RuleDraft.Node] {
        var results = members
        for index in members.indices {
            if members.count > 2 {
                var fewer = members
                fewer.remove(at: index)
                results.append(join(fewer))
            }
            for member in members[index].simpler {
                var simpler = members
                simpler[index] = member
                results.append(join(simpler))
            }
        }
        return results
    }
}

extension RuleDraft.Step {
    var simpler: [RuleDraft.Step] {
        var results: [RuleDraft.Step] = []
        func with(_ change: (inout RuleDraft.Step) -> Void) {
            var step = self
            change(&step)
            if step != self { results.append(step) }
        }
        if let loop {
            for simple in loop.simpler {
                with {
                    $0.loop = simple
                    if simple == nil { $0.until = nil }
                }
            }
        }
        with { $0.condition = nil }
        with { $0.until = nil }
        if let until { for simple in until.simpler { with { $0.until = simple } } }
        if types.count > 1 { for type in types { with { $0.types = [type] } } }
        return results
    }
}
