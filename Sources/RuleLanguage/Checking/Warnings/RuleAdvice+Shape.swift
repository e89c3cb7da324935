internal import Diagnostics

// What can be told from the shape of a pattern alone: limits, loops, ends.

extension RuleAdvice {
    private struct Surroundings {
        /// A `within` covers this.
        var isLimited: Bool
        /// Nothing stands behind, not even a guard.
        var isAtEnd = true
    }

    private var keepsAll: Bool { rule.afterMatch == .keepAll }

    mutating func adviseOnShape() {
        let isLimited = rule.pattern.withinMicroseconds != nil
        var seen = Seen()
        walk(pattern, Surroundings(isLimited: isLimited), &seen)
        guard keepsAll, let loop = seen.firstLoop, let absence = pattern.trailing.last else { return }
        report(
            Diagnostic(
                .absenceOfLoops, "under `keep all` this absence is reported for every number of rounds of the loop", at: absence.span,
                notes: [.init(span: loop, label: "this loop goes on while the absence is waited for")],
                help: "take `after match skip past last`, or give the loop one number: `{3}`"))
    }

    /// Of each kind only the first is told: one mend serves all.
    private struct Seen {
        var firstLoop: Span?
        var toldLoop = false
        var toldAbsence = false
    }

    private mutating func walk(_ pattern: PatternSyntax, _ around: Surroundings, _ seen: inout Seen) {
        for (offset, element) in pattern.elements.enumerated() {
            let isLast = offset == pattern.elements.count - 1
            var inside = around
            inside.isAtEnd = around.isAtEnd && isLast && pattern.trailing.isEmpty
            let isLimited = around.isLimited || element.connective?.limit != nil
            if let absence = element.guards.first(where: { $0.limit == nil }), !isLimited { adviseOnAbsence(absence, &seen) }
            if offset > 0, let guarded = element.guards.first(where: { !$0.isNext }) {
                adviseOnLoop(pattern.elements[offset - 1].node, before: guarded)
            }
            var within = inside
            within.isLimited = isLimited
            walk(element.node, within, &seen)
        }
        if let last = pattern.elements.last, let guarded = pattern.trailing.first(where: { !$0.isNext }) {
            adviseOnLoop(last.node, before: guarded)
        }
    }

    private mutating func walk(_ node: PatternNodeSyntax, _ around: Surroundings, _ seen: inout Seen) {
        switch node {
        case .step(let step):
            adviseOnQuantifier(step.quantifier, step.mode, step.span, hasUntil: step.until != nil, around, &seen)
        case .group(let group):
            var around = around
            if group.limit != nil { around.isLimited = true }
            adviseOnQuantifier(group.quantifier, group.mode, group.span, hasUntil: false, around, &seen)
            var inside = around
            // What ends a round is not what ends the pattern.
            if let quantifier = group.quantifier, isLoop(quantifier.quantifier) { inside.isAtEnd = false }
            walk(group.pattern, inside, &seen)
        case .anyOf(let members, _):
            for member in members { walk(member, around, &seen) }
        case .allOf(let members, _):
            var inside = around
            inside.isAtEnd = false
            for member in members { walk(member, inside, &seen) }
        }
    }

    private func isLoop(_ quantifier: Quantifier) -> Bool { quantifier.max.map { $0 > 1 } ?? true }

    // MARK: Loops

    private mutating func adviseOnQuantifier(
        _ written: QuantifierSyntax?, _ mode: ModeSyntax?, _ span: Span, hasUntil: Bool, _ around: Surroundings, _ seen: inout Seen
    ) {
        guard let written else { return }
        let quantifier = written.quantifier
        let hasRoom = quantifier.max.map { $0 > quantifier.min } ?? true
        let stopsEarly = around.isAtEnd && !keepsAll && !quantifier.isReluctant && hasRoom
        if stopsEarly { adviseOnEnd(quantifier, written.span) }
        guard isLoop(quantifier) else { return }
        if seen.firstLoop == nil { seen.firstLoop = span }
        if let mode, mode.mode == .combinations, keepsAll { adviseOnCombinations(quantifier, mode.span) }
        // A loop that ends the pattern with its first event waits for nothing, and a consecutive one ends with the next event.
        let isOver = mode?.mode == .consecutive || around.isAtEnd && !keepsAll && quantifier.min <= 1
        guard !around.isLimited, !hasUntil, !isOver, rule.cancels.isEmpty, !seen.toldLoop else { return }
        seen.toldLoop = true
        report(
            Diagnostic(
                .loopWithoutLimit, "nothing says how long this loop may take", at: span,
                label: "what it has collected is kept until the next match, maybe for ever",
                help: "end the pattern with a limit, such as `within 1h`"))
    }

    private mutating func adviseOnEnd(_ quantifier: Quantifier, _ span: Span) {
        let what =
            switch quantifier.min {
            case 0: "nothing is ever captured by it"
            case 1: "it captures one event and no more"
            default: "it captures \(quantifier.min) events and no more"
            }
        let mend =
            switch quantifier.min {
            case 0: "leave this step out"
            case 1: "leave the quantifier out"
            default: "write `{\(quantifier.min)}`"
            }
        report(
            Diagnostic(
                .loopAtEnd, "the rule fires as soon as it can, and \(what)", at: span, label: "the pattern ends with this",
                help: "to say just that, \(mend); to collect more, let a step, or an absence such as `then not within 5m x`, follow"))
    }

    private mutating func adviseOnCombinations(_ quantifier: Quantifier, _ span: Span) {
        let events = max(20, quantifier.min)
        let count = Self.combinations(of: events, quantifier).map { Self.grouped($0) } ?? "more than \(Self.grouped(Self.countMax))"
        let most = quantifier.max ?? events
        let range = quantifier.min == most ? "\(most)" : "\(quantifier.min) to \(most)"
        report(
            Diagnostic(
                .allCombinations, "`keep all` reports every combination of this loop's events", at: span,
                label: "of \(events) events every choice of \(range): \(count) matches",
                help: "leave `combinations` out, allow fewer rounds, or take `after match skip past last`"))
    }

    private static let countMax: UInt64 = 1_000_000_000_000_000

    /// How many choices of `min` to `max` of some events there are; nil where there are more than ``countMax``.
    static func combinations(of events: Int, _ quantifier: Quantifier) -> UInt64? {
        var sum: UInt64 = 0
        var choices: UInt64 = 1
        for size in 0...min(events, quantifier.max ?? events) {
            if size > 0 {
                let product = choices.multipliedReportingOverflow(by: UInt64(events - size + 1))
                guard !product.overflow else { return nil }
                choices = product.partialValue / UInt64(size)
            }
            guard choices <= countMax else { return nil }
            if size >= quantifier.min, size > 0 { sum += choices }
            guard sum <= countMax else { return nil }
        }
        return sum
    }

    private static func grouped(_ number: UInt64) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    // MARK: Absences

    private mutating func adviseOnAbsence(_ absence: GuardSyntax, _ seen: inout Seen) {
        guard !seen.toldAbsence, rule.cancels.isEmpty else { return }
        seen.toldAbsence = true
        report(
            Diagnostic(
                .absenceWithoutLimit, "nothing says how long this must stay away", at: absence.span,
                label: "what came before is kept until the next step comes, maybe for ever",
                help: "end the pattern with a limit, such as `within 1h`"))
    }

    /// A guard begins with the last event of the loop before it; between the loop's own events it forbids nothing.
    private mutating func adviseOnLoop(_ node: PatternNodeSyntax, before guarded: GuardSyntax) {
        guard case .step(let step) = node, let quantifier = step.quantifier, isLoop(quantifier.quantifier),
            step.mode?.mode != .consecutive
        else { return }
        let ending = Set(step.until?.alternatives.map { text($0.span) } ?? [])
        guard !guarded.event.alternatives.allSatisfy({ ending.contains(text($0.span)) }) else { return }
        let event = text(guarded.event.span)
        let label = step.label?.text ?? step.types.first?.text ?? ""
        report(
            Diagnostic(
                .loopBeforeAbsence, "this forbids `\(event)` after the loop only, not between its events", at: guarded.span,
                notes: [.init(span: step.span, label: "between two of `\(label)` it may still come")],
                help: "end the loop with it too: `… until \(event)`"))
    }
}
