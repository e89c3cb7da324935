internal import Diagnostics
internal import Events

// What can be told from conditions: those that never or always hold, and events that two places of a rule both want.

extension RuleAdvice {
    private static func conjuncts(_ condition: Expression?) -> [Expression] {
        switch condition {
        case nil: []
        case .and(let parts): parts.flatMap { conjuncts($0) }
        case .some(let single): [single]
        }
    }

    private func all(_ conditions: [Expression?]) -> [Expression] { conditions.compactMap(\.self) }

    /// What the type of an event says about the field that carries it.
    private func typeCondition(_ types: TypeSet, in context: ProgramContext) -> Expression? {
        guard case .named(let names) = types, let path = context.typePath else { return nil }
        return .isIn(.field(path), names.map { .constant(.string($0)) })
    }

    mutating func adviseOnConditions(in context: ProgramContext) {
        var told: [Span] = []
        for (index, step) in rule.pattern.steps.enumerated() {
            let conditions = all([rule.filter, typeCondition(step.types, in: context), step.condition])
            if !Satisfiability.canHold(conditions) {
                let span = steps[index].condition?.span ?? steps[index].span
                told.append(span)
                var notes: [Diagnostic.Note] = []
                if Satisfiability.canHold(all([step.condition])), let filter = filterSpan {
                    notes.append(.init(span: filter, label: "only events that satisfy this are looked at"))
                }
                report(
                    Diagnostic(
                        .stepNeverSatisfied, "no event can satisfy this step, so the rule may never fire", at: span,
                        label: "this is never true", notes: notes, help: "two parts of the condition exclude each other; mend one, or join them with `or`"))
            } else if let condition = step.condition, let span = steps[index].condition?.span {
                adviseWhereAlwaysTrue(condition, span, step.types, in: context, &told)
            }
        }
        for (source, predicate) in zip(predicates, rule.pattern.predicates) {
            for (written, alternative) in zip(source.event.alternatives, predicate.alternatives) {
                guard let condition = alternative.condition, let span = written.condition?.span else { continue }
                if Satisfiability.canHold(all([typeCondition(alternative.types, in: context), condition])) {
                    adviseWhereAlwaysTrue(condition, span, alternative.types, in: context, &told)
                } else {
                    told.append(span)
                    reportConstant(span, isTrue: false)
                }
            }
        }
        if let filter = rule.filter, let span = filterSpan {
            if Satisfiability.canHold([filter]) {
                adviseWhereAlwaysTrue(filter, span, .any, in: context, &told)
            } else if !told.contains(span) {
                told.append(span)
                reportConstant(span, isTrue: false)
            }
        }
        for constant in observations.constants {
            // The larger condition says it already.
            if told.contains(where: { $0.file == constant.span.file && $0.lower <= constant.span.lower && constant.span.upper <= $0.upper }) {
                continue
            }
            let isInner = observations.constants.contains {
                $0.span != constant.span && $0.span.file == constant.span.file && $0.span.lower <= constant.span.lower
                    && constant.span.upper <= $0.span.upper
            }
            if isInner { continue }
            told.append(constant.span)
            reportConstant(constant.span, isTrue: constant.isTrue)
        }
    }

    private var filterSpan: Span? {
        guard case .filter(let condition)? = clauses("where").first?.kind else { return nil }
        return condition.span
    }

    private mutating func adviseWhereAlwaysTrue(
        _ condition: Expression, _ span: Span, _ types: TypeSet, in context: ProgramContext, _ told: inout [Span]
    ) {
        guard condition.constantValue == nil,
            !Satisfiability.canHold(all([typeCondition(types, in: context), .not(condition)]))
        else { return }
        told.append(span)
        reportConstant(span, isTrue: true)
    }

    private mutating func reportConstant(_ span: Span, isTrue: Bool) {
        report(
            Diagnostic(
                .constantCondition, isTrue ? "this condition is always true" : "this condition is never true", at: span,
                label: isTrue ? "no event changes that, unless a field is missing" : "no event changes that",
                help: isTrue
                    ? "leave it out, or compare with what you meant; `x is present` asks whether a field is there"
                    : "two parts may exclude each other, or a value is of the wrong kind; mend it, or leave it out"))
    }

    // MARK: Guards

    mutating func adviseOnGuards(in context: ProgramContext) { advise(rule.pattern.root, in: context) }

    private mutating func advise(_ node: PatternNode, in context: ProgramContext) {
        switch node {
        case .step: break
        case .sequence(let elements, _):
            for element in elements {
                for guarded in element.guards where !guarded.isNext { advise(guarded, before: element.node, in: context) }
                advise(element.node, in: context)
            }
        case .anyOf(let members), .allOf(let members): for member in members { advise(member, in: context) }
        case .repeated(let inner, _, _, _), .timed(let inner, _): advise(inner, in: context)
        }
    }

    /// The steps that may capture first.
    private static func firstSteps(_ node: PatternNode) -> [Int] {
        switch node {
        case .step(let index): [index]
        case .sequence(let elements, _): elements.first.map { firstSteps($0.node) } ?? []
        case .anyOf(let members), .allOf(let members): members.flatMap { firstSteps($0) }
        case .repeated(let inner, _, _, _), .timed(let inner, _): firstSteps(inner)
        }
    }

    private mutating func advise(_ guarded: Guard, before node: PatternNode, in context: ProgramContext) {
        let predicate = rule.pattern.predicates[guarded.predicate]
        for index in Self.firstSteps(node) {
            let step = rule.pattern.steps[index]
            let parts = Self.conjuncts(step.condition)
            let isCovered = predicate.alternatives.contains { alternative in
                covers(alternative.types, step.types) && (!rule.isKeyedByStep || alternative.key == step.key)
                    && Self.conjuncts(alternative.condition).allSatisfy { part in
                        parts.contains(part) || !Satisfiability.canHold(all([rule.filter, step.condition, .not(part)]))
                    }
            }
            guard isCovered else { continue }
            let name = steps[index].label?.text ?? steps[index].types.first?.text ?? ""
            report(
                Diagnostic(
                    .guardOfNextStep, "every event that `\(name)` takes is also forbidden here", at: predicates[guarded.predicate].event.span,
                    label: "so the first such event decides: it is `\(name)`, or all is over",
                    notes: [.init(span: steps[index].span, label: "its events satisfy the `not` as well")],
                    help: "say which events are forbidden with a `where` that leaves those of `\(name)` out, or leave the `not` out"))
            return
        }
    }

    private func covers(_ outer: TypeSet, _ inner: TypeSet) -> Bool {
        switch (outer, inner) {
        case (.any, _): true
        case (.named, .any): false
        case (.named(let outer), .named(let inner)): Set(inner).isSubset(of: outer)
        }
    }

    // MARK: Cancels

    /// The steps that may capture last.
    private static func lastSteps(_ node: PatternNode) -> [Int] {
        switch node {
        case .step(let index): [index]
        case .sequence(let elements, let trailing): trailing.isEmpty ? elements.last.map { lastSteps($0.node) } ?? [] : []
        case .anyOf(let members), .allOf(let members): members.flatMap { lastSteps($0) }
        case .repeated(let inner, _, _, _), .timed(let inner, _): lastSteps(inner)
        }
    }

    mutating func adviseOnCancels(in context: ProgramContext) {
        let last = Self.lastSteps(rule.pattern.root)
        for cancel in rule.cancels {
            for (written, alternative) in zip(predicates[cancel].event.alternatives, rule.pattern.predicates[cancel].alternatives) {
                guard
                    let index = last.first(where: { index in
                        let step = rule.pattern.steps[index]
                        return (covers(alternative.types, step.types) || covers(step.types, alternative.types))
                            && (!rule.isKeyedByStep || alternative.key == step.key)
                            && Satisfiability.canHold(
                                all([
                                    rule.filter, step.condition, alternative.condition, typeCondition(step.types, in: context),
                                    typeCondition(alternative.types, in: context),
                                ]))
                    })
                else { continue }
                report(
                    Diagnostic(
                        .cancelOfLastStep, "this drops the match before the event that would complete it is taken", at: written.span,
                        notes: [.init(span: steps[index].span, label: "the pattern ends with such an event")],
                        help: "let a `where` leave out the events that the last step takes, or cancel on another type"))
            }
        }
    }

    // MARK: The key

    /// `b.x == a.x` in every later step: a key that is written as a condition.
    mutating func adviseOnKey() {
        guard steps.count >= 2, !rule.isKeyedByStep, let first = steps[1].condition else { return }
        func paths(_ index: Int) -> [FieldPath] {
            Self.conjuncts(rule.pattern.steps[index].condition).compactMap { part in
                guard case .compare(.equal, let left, let right) = part else { return nil }
                for (event, captured) in [(left, right), (right, left)] {
                    guard case .field(let path) = event else { continue }
                    switch captured {
                    case .captured(_, path), .edgeField(_, _, path), .aggregate(.first, _, path), .aggregate(.last, _, path): return path
                    default: continue
                    }
                }
                return nil
            }
        }
        for path in paths(1) where (2..<steps.count).allSatisfy({ paths($0).contains(path) }) {
            if rule.key.contains(where: { $0.expression == .field(path) }) { continue }
            let by = rule.key.isEmpty ? "write `by \(path)` before `match`" : "add `\(path)` to the rule's `by`"
            report(
                Diagnostic(
                    .fieldAsKey, "all steps are of one `\(path)`, but the rule has no `by \(path)`", at: first.span,
                    label: "matched over the events of all, and sorted out here",
                    help: "\(by) and leave the comparison out: it is faster, and one `\(path)` no longer stands in the way of another"))
        }
    }
}

extension RuleAdvice {
    /// `next` and `consecutive` are broken by any event that the rule looks at, so also by types that it does not name.
    mutating func adviseOnNeighbours(in context: ProgramContext) {
        guard let place = Self.neighbour(pattern) else { return }
        var own: Set<String> = []
        let sets = rule.pattern.steps.map(\.types) + rule.pattern.predicates.flatMap { $0.alternatives.map(\.types) }
        for types in sets {
            guard case .named(let names) = types else { return }
            own.formUnion(names)
        }
        let keyed = rule.key.map(\.expression)
        let others = context.typeNames.filter { name in
            guard !own.contains(name) else { return false }
            if let declared = context.declared[name] {
                for case .field(let path) in keyed where declared.type(of: path) == nil { return false }
            }
            return Satisfiability.canHold(all([rule.filter, typeCondition(.named([name]), in: context)]))
        }
        guard !others.isEmpty else { return }
        let shown = others.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
        let field = context.typePath?.description ?? "type"
        let names = own.sorted()
        let condition = names.count == 1 ? "\(field) == \"\(names[0])\"" : "\(field) in [\(names.map { "\"\($0)\"" }.joined(separator: ", "))]"
        report(
            Diagnostic(
                .neighboursOfOtherTypes, "events of other types come between as well and break this", at: place,
                label: "\(shown)\(others.count > 3 ? " and others" : "") \(others.count == 1 ? "does" : "do")",
                notes: filterSpan.map { [.init(span: $0, label: "this lets them in")] } ?? [],
                help: filterSpan == nil
                    ? "say before `match` what is looked at: `where \(condition)`" : "leave them out there: `\(condition) and …`"))
    }

    /// The first `next` or `consecutive` of a pattern.
    private static func neighbour(_ pattern: PatternSyntax) -> Span? {
        for element in pattern.elements {
            if let connective = element.connective, connective.kind == .next { return connective.span }
            if let found = neighbour(element.node) { return found }
        }
        return nil
    }

    private static func neighbour(_ node: PatternNodeSyntax) -> Span? {
        func found(_ mode: ModeSyntax?) -> Span? {
            mode.flatMap { $0.mode == .consecutive ? $0.span : nil }
        }
        switch node {
        case .step(let step): return found(step.mode)
        case .group(let group): return found(group.mode) ?? neighbour(group.pattern)
        case .anyOf(let members, _), .allOf(let members, _): return members.lazy.compactMap { neighbour($0) }.first
        }
    }
}
