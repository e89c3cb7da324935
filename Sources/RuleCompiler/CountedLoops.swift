internal import Engine
internal import RuleLanguage

/// An optimisation: a loop that begins a pattern and looks at each event alone needs no threads. Each event that it captures begins
/// one too, and all that they have captured follows from the queue of those events.
///
/// What tells two threads apart forbids it: conditions on earlier captures, a policy that keeps or drops single threads by what they
/// captured, reports of timeouts, limits between captures, and a `limit` that refuses to begin.
enum CountedLoops {
    static func find(_ rule: CheckedRule, _ pattern: Pattern, residuals: [CodeRange], aggregates: [AggregateRegister]) -> CountedLoop? {
        switch rule.afterMatch {
        case .skipPastLast, .skipToNext: break
        default: return nil
        }
        guard !rule.isKeyedByStep, rule.timeoutAlert == nil, !rule.openLimit.dropsNewest, residuals.allSatisfy({ $0.count == 0 }),
            !aggregates.contains(where: { $0.kind == .distinct })
        else { return nil }
        switch pattern.root {
        case .sequence(let elements, let trailing):
            guard trailing.isEmpty, let first = elements.first, first.guards.isEmpty, elements.count <= 2, let loop = loop(first.node) else {
                return nil
            }
            guard elements.count == 2 else { return loop }
            return ended(loop, by: elements[1], pattern)
        default: return loop(pattern.root)
        }
    }

    private static func loop(_ node: PatternNode) -> CountedLoop? {
        switch node {
        case .step(let step): return CountedLoop(step: step, minimum: 1, maximum: 1, end: nil, guards: 0)
        case .repeated(.step(let step), let quantifier, .skipping, nil):
            guard quantifier.min >= 1, !quantifier.isReluctant || quantifier.max == quantifier.min else { return nil }
            return CountedLoop(step: step, minimum: quantifier.min, maximum: quantifier.max ?? .max, end: nil, guards: 0)
        default: return nil
        }
    }

    /// The pattern with a last step by `then`. Guards before it are taken where a thread that has its loop waits for this step alone.
    private static func ended(_ loop: CountedLoop, by element: SequenceElement, _ pattern: Pattern) -> CountedLoop? {
        guard case .step(let step) = element.node, element.connective == .then, element.limitMicroseconds == nil,
            element.guards.isEmpty || loop.minimum == loop.maximum
        else { return nil }
        var ended = loop
        ended.end = step
        for written in element.guards {
            guard !written.isNext, written.limitMicroseconds == nil else { return nil }
            ended.guards |= 1 << UInt64(pattern.steps.count + written.predicate)
        }
        return ended
    }
}
