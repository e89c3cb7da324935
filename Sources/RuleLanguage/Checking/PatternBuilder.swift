// A pattern's syntax to `Pattern`: steps and predicates get their places in the tables, in the order of the text, and the shape of the
// pattern is checked. Conditions are checked afterwards, once every label is known.

internal import Diagnostics

struct PatternBuilder {
    /// Most steps, guards, `until`s and cancels of one rule together.
    static let elementsMax = 64
    /// Most counted loops around one step.
    static let countedLoopsMax = 16
    /// Most members of one `&`.
    static let anyOrderMax = 8

    struct PredicateSource {
        var event: EventSyntax
        /// The step whose loop it ends; nil for guards and cancels.
        var untilOf: Int?
    }

    var sink: DiagnosticSink
    var steps: [(syntax: StepSyntax, isInLoop: Bool)] = []
    var predicates: [PredicateSource] = []
    /// The whole pattern has a `within`, so that guards at its end have a limit.
    var hasLimit: Bool
    private var hasLimitInside = false

    init(sink: DiagnosticSink, hasLimit: Bool) {
        self.sink = sink
        self.hasLimit = hasLimit
    }

    private struct Surroundings {
        var isInLoop = false
        var countedLoops = 0
        /// Nothing of the pattern stands behind.
        var isAtEnd = true
    }

    struct Built {
        var node: PatternNode
        var canBeEmpty: Bool
    }

    /// Any limit at all: what `on timeout` may report.
    var hasAnyLimit: Bool { hasLimit || hasLimitInside }

    mutating func build(_ pattern: PatternSyntax) -> Built {
        let built = build(pattern, Surroundings())
        if built.canBeEmpty, !pattern.isBroken {
            sink.report(
                Diagnostic(
                    .patternCanBeEmpty, "this pattern can match no event at all", at: pattern.span, label: "every part may be left out",
                    help: "let one step at least be needed: without `?`, `*` or `{0,…}`"))
        }
        return built
    }

    mutating func limit(_ duration: DurationSyntax?) -> Int64? {
        guard let duration else { return nil }
        hasLimitInside = true
        if duration.microseconds <= 0 {
            sink.report(
                Diagnostic(
                    .zeroDuration, "nothing happens within no time at all", at: duration.span,
                    help: "a limit is longer than 0; events come *less* than it apart"))
        }
        return max(1, duration.microseconds)
    }

    private mutating func build(_ guarded: GuardSyntax) -> Guard {
        predicates.append(PredicateSource(event: guarded.event, untilOf: nil))
        return Guard(isNext: guarded.isNext, limitMicroseconds: limit(guarded.limit), predicate: predicates.count - 1)
    }

    private mutating func build(_ pattern: PatternSyntax, _ around: Surroundings) -> Built {
        var elements: [SequenceElement] = []
        var canBeEmpty = true
        for (offset, element) in pattern.elements.enumerated() {
            let guards = element.guards.map { build($0) }
            var inside = around
            inside.isAtEnd = around.isAtEnd && offset == pattern.elements.count - 1
            let limit = limit(element.connective?.limit)
            let built = build(element.node, inside)
            canBeEmpty = canBeEmpty && built.canBeEmpty
            elements.append(
                SequenceElement(guards: guards, connective: element.connective?.kind ?? .then, limitMicroseconds: limit, node: built.node))
        }
        let trailing = pattern.trailing.map { build($0) }
        if around.isAtEnd { checkEnd(pattern.trailing) }
        if elements.count == 1, trailing.isEmpty { return Built(node: elements[0].node, canBeEmpty: canBeEmpty) }
        return Built(node: .sequence(elements, trailing: trailing), canBeEmpty: canBeEmpty)
    }

    /// Guards that end the pattern.
    private mutating func checkEnd(_ guards: [GuardSyntax]) {
        for guarded in guards {
            let type = guarded.event.alternatives.first?.type.text ?? "event"
            if guarded.isNext {
                sink.report(
                    Diagnostic(
                        .nextNotAtEnd, "`next not` cannot end a pattern", at: guarded.span, label: "the event after may never come",
                        help: "say until when: `then not within 5m \(type)`"))
            } else if guarded.limit == nil, !hasLimit {
                sink.report(
                    Diagnostic(
                        .endGuardNeedsLimit, "a `not` that ends a pattern needs a limit", at: guarded.span,
                        label: "until when must it not come?",
                        help:
                            "`then not within 5m \(type)` counts from the event before; `within 5m` after the pattern from its first event")
                )
            }
        }
    }

    private mutating func build(_ node: PatternNodeSyntax, _ around: Surroundings) -> Built {
        switch node {
        case .step(let step):
            return build(step, around)
        case .group(let group):
            return build(group, around)
        case .anyOf(let members, _):
            let built = members.map { build($0, around) }
            return Built(node: .anyOf(built.map(\.node)), canBeEmpty: built.contains { $0.canBeEmpty })
        case .allOf(let members, let span):
            if members.count > Self.anyOrderMax {
                sink.report(
                    Diagnostic(
                        .tooManyInAnyOrder, "`&` joins at most \(Self.anyOrderMax) members", at: span,
                        help: "of \(members.count) members in any order there are too many orders; use a loop or an aggregate"))
            }
            let built = members.map { build($0, around) }
            return Built(node: .allOf(built.map(\.node)), canBeEmpty: built.allSatisfy(\.canBeEmpty))
        }
    }

    private func isLoop(_ quantifier: Quantifier) -> Bool {
        quantifier.max.map { $0 > 1 } ?? true
    }

    private mutating func enter(_ quantifier: QuantifierSyntax?, _ around: Surroundings) -> Surroundings {
        guard let quantifier, isLoop(quantifier.quantifier) else { return around }
        var inside = around
        inside.isInLoop = true
        if quantifier.isCounted {
            inside.countedLoops += 1
            if inside.countedLoops == Self.countedLoopsMax + 1 {
                sink.report(
                    Diagnostic(
                        .tooManyCountedLoops, "at most \(Self.countedLoopsMax) counted loops stand around a step", at: quantifier.span,
                        help: "multiply the counts of loops that stand right around each other"))
            }
        }
        return inside
    }

    private mutating func reportIdleMode(_ mode: ModeSyntax?, _ quantifier: QuantifierSyntax?) {
        guard let mode, quantifier.map({ !isLoop($0.quantifier) }) ?? true else { return }
        sink.report(
            Diagnostic(
                .modeWithoutLoop, "`\(mode.mode)` says nothing where nothing is repeated", at: mode.span,
                help: "it stands behind a quantifier, as in `a+ \(mode.mode)`"))
    }

    private func repeated(_ node: PatternNode, _ quantifier: QuantifierSyntax?, _ mode: ModeSyntax?, until: Int?) -> PatternNode {
        guard let quantifier, quantifier.quantifier.min != 1 || quantifier.quantifier.max != 1 else { return node }
        return .repeated(node, quantifier.quantifier, mode: mode?.mode ?? .skipping, until: until)
    }

    private mutating func build(_ step: StepSyntax, _ around: Surroundings) -> Built {
        let inside = enter(step.quantifier, around)
        let index = steps.count
        steps.append((step, inside.isInLoop))
        reportIdleMode(step.mode, step.quantifier)
        var until: Int?
        if let event = step.until {
            if let quantifier = step.quantifier, isLoop(quantifier.quantifier) {
                until = predicates.count
                predicates.append(PredicateSource(event: event, untilOf: index))
            } else {
                sink.report(
                    Diagnostic(
                        .untilNeedsLoop, "`until` stands on loops only", at: event.span, label: "this step captures one event",
                        help: "repeat the step, as in `a+ until b`; to forbid an event, write `then not b`"))
            }
        }
        let canBeEmpty = step.quantifier.map { $0.quantifier.min == 0 } ?? false
        return Built(node: repeated(.step(index), step.quantifier, step.mode, until: until), canBeEmpty: canBeEmpty)
    }

    private mutating func build(_ group: GroupSyntax, _ around: Surroundings) -> Built {
        let inside = enter(group.quantifier, around)
        var built = build(group.pattern, inside)
        if let limit = limit(group.limit) { built.node = .timed(built.node, withinMicroseconds: limit) }
        reportIdleMode(group.mode, group.quantifier)
        if let quantifier = group.quantifier {
            if isLoop(quantifier.quantifier), built.canBeEmpty, !group.pattern.isBroken {
                sink.report(
                    Diagnostic(
                        .loopOfEmpty, "a loop repeats what can be empty", at: quantifier.span,
                        notes: [.init(span: group.pattern.span, label: "every part of this may be left out")],
                        help: "let one step inside be needed; `*` outside then says that there may be none"))
            }
            built.canBeEmpty = built.canBeEmpty || quantifier.quantifier.min == 0
        }
        built.node = repeated(built.node, group.quantifier, group.mode, until: nil)
        return built
    }
}

/// What may have been captured before each condition of a pattern.
struct CaptureOrder {
    /// For each step and predicate: the steps captured before it, on some path.
    private(set) var beforeStep: [Int: Set<Int>] = [:]
    private(set) var beforePredicate: [Int: Set<Int>] = [:]

    init(_ root: PatternNode) { _ = visit(root, []) }

    private static func steps(_ node: PatternNode) -> Set<Int> {
        switch node {
        case .step(let index): [index]
        case .sequence(let elements, _): elements.reduce(into: []) { $0.formUnion(steps($1.node)) }
        case .anyOf(let members), .allOf(let members): members.reduce(into: []) { $0.formUnion(steps($1)) }
        case .repeated(let inner, _, _, _), .timed(let inner, _): steps(inner)
        }
    }

    private mutating func visit(_ node: PatternNode, _ before: Set<Int>) -> Set<Int> {
        switch node {
        case .step(let index):
            beforeStep[index] = before
            return before.union([index])
        case .sequence(let elements, let trailing):
            var captured = before
            for element in elements {
                for guarded in element.guards { beforePredicate[guarded.predicate] = captured }
                captured = visit(element.node, captured)
            }
            for guarded in trailing { beforePredicate[guarded.predicate] = captured }
            return captured
        case .anyOf(let members):
            return members.reduce(into: before) { $0.formUnion(visit($1, before)) }
        case .allOf(let members):
            let all = before.union(Self.steps(node))
            for (offset, member) in members.enumerated() {
                let others = members.enumerated().reduce(into: before) { if $1.offset != offset { $0.formUnion(Self.steps($1.element)) } }
                _ = visit(member, others)
            }
            return all
        case .repeated(let inner, let quantifier, _, let until):
            let own = Self.steps(inner)
            if let until { beforePredicate[until] = before.union(own) }
            let isLoop = quantifier.max.map { $0 > 1 } ?? true
            return visit(inner, isLoop ? before.union(own) : before)
        case .timed(let inner, _):
            return visit(inner, before)
        }
    }
}
