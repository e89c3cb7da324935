internal import Engine
internal import RuleLanguage

/// An optimisation: where no condition looks at earlier captures, threads with the same future need not all be kept. It is left out
/// where it cannot help, and where more than the first match of a first event can be seen.
enum Dominations {
    static func find(
        _ rule: CheckedRule, _ automaton: Automaton, registerBytes: Int, residuals: [CodeRange]
    ) -> Domination? {
        switch rule.afterMatch {
        case .skipPastLast, .skipToNext: break
        default: return nil
        }
        guard rule.timeoutAlert == nil, residuals.allSatisfy({ $0.count == 0 }), !automaton.sets.contains(where: \.hasDeadline) else { return nil }
        // A thread that neither splits nor skips what qualifies has no others beside it.
        guard automaton.edges.contains(where: { $0.contiguity == .thenAny }) || automaton.setRanges.contains(where: { $0.count > 1 })
        else { return nil }
        let comparesLast = automaton.edges.contains { $0.limit != Edge.unlimited } || automaton.guards.contains { $0.limit != Edge.unlimited }
        return Domination(registerBytes: registerBytes, comparesLast: comparesLast)
    }
}
