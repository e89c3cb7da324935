// What a rule without errors is warned of. All of it is advice: the rule runs as it stands, but most likely not as it was meant.

internal import Diagnostics
internal import Events

/// One checked rule with its places in the text.
struct RuleAdvice {
    let syntax: RuleSyntax
    let pattern: PatternSyntax
    let steps: [StepSyntax]
    let predicates: [PatternBuilder.PredicateSource]
    let labelled: [LabelledStep]
    let rule: CheckedRule
    let observations: Observations
    /// The texts of steps, guards and `until`s without comments, to compare what is written.
    let text: @Sendable (Span) -> String
    var found: [Diagnostic] = []

    init(
        syntax: RuleSyntax, pattern: PatternSyntax, builder: PatternBuilder, expressions: ExpressionChecker, rule: CheckedRule,
        text: @escaping @Sendable (Span) -> String
    ) {
        self.syntax = syntax
        self.pattern = pattern
        steps = builder.steps.map(\.syntax)
        predicates = builder.predicates
        labelled = expressions.steps
        self.rule = rule
        observations = expressions.observations
        self.text = text
    }

    /// All advice on this rule, in no order.
    mutating func give(in context: ProgramContext) -> [Diagnostic] {
        adviseOnShape()
        adviseOnConditions(in: context)
        adviseOnGuards(in: context)
        adviseOnCancels(in: context)
        adviseOnKey()
        adviseOnNeighbours(in: context)
        adviseOnNames()
        adviseOnOptionalFields()
        for span in observations.percents {
            report(
                Diagnostic(
                    .percentInLike, "`%` stands for itself in `like`", at: span, label: "SQL's `%` is `*` here",
                    help: "`*` is any run of characters and `?` any one: `name like \"admin*\"`"))
        }
        return found
    }

    mutating func report(_ diagnostic: Diagnostic) { found.append(diagnostic) }

    func clauses(_ keyword: String) -> [ClauseSyntax] { syntax.clauses.filter { $0.keyword == keyword } }

    // MARK: Names

    private mutating func adviseOnNames() {
        for clause in syntax.clauses {
            guard case .binding(let name, _) = clause.kind, !observations.usedLets.contains(name.text) else { continue }
            report(
                Diagnostic(
                    .unusedName, "nothing names the `let` `\(name.text)`", at: name.span,
                    help: "leave it out, or use it in a condition or in the alert"))
        }
        // Every label stands in the alert's `match`, so it has a use even where nothing names it. But where somebody wrote an alert that
        // names steps, the one left out was most likely forgotten.
        guard alertNamesLabels else { return }
        for (index, step) in labelled.enumerated() {
            guard let label = step.label, !observations.usedLabels.contains(index) else { continue }
            // Among steps of one type a label tells them apart in the alert, though nothing names it.
            let types = Set(step.types.map(\.text))
            let isDistinction = labelled.enumerated().contains { $0.offset != index && !types.isDisjoint(with: $0.element.types.map(\.text)) }
            if isDistinction || step.types.count > 1 || step.types.contains(where: \.isAny) { continue }
            report(
                Diagnostic(
                    .unusedLabel, "nothing names the label `\(label.text)`", at: label.span,
                    help: "leave it out, or use it: `\(step.isInLoop ? "count(\(label.text))" : "\(label.text).field")` in a later condition or in the alert"))
        }
    }

    private var alertNamesLabels: Bool {
        guard let alert = rule.alert else { return false }
        let summary = alert.summary.map { part -> Expression? in
            if case .expression(let expression, _) = part { return expression }
            return nil
        }
        return (summary + alert.fields.map(\.expression)).contains { $0.map(Self.namesLabel) ?? false }
    }

    private static func namesLabel(_ expression: Expression) -> Bool {
        switch expression {
        case .captured, .capturedTime, .aggregate, .edgeField, .edgeTime: true
        case .constant, .field, .key, .eventTime: false
        case .not(let a), .negate(let a), .isMissing(let a), .like(let a, _), .matches(let a, _): namesLabel(a)
        case .and(let all), .or(let all), .list(let all), .call(_, let all): all.contains(where: namesLabel)
        case .compare(_, let a, let b), .arithmetic(_, let a, let b), .coalesce(let a, let b), .isInField(let a, let b):
            namesLabel(a) || namesLabel(b)
        case .isIn(let a, let all): namesLabel(a) || all.contains(where: namesLabel)
        }
    }

    private mutating func adviseOnOptionalFields() {
        var told: Set<Span> = []
        for use in observations.optionalUses where !observations.presenceTests.contains(use.path) {
            guard told.insert(use.span).inserted else { continue }
            let path = use.path.description
            report(
                Diagnostic(
                    .optionalField, "where `\(path)` is missing, this is not true", at: use.span,
                    label: "what is compared with a missing field is never true",
                    notes: [.init(span: use.declaration, label: "it may be missing: it is declared with `?`")],
                    help: "say what a missing one counts as: `(\(path) ?? …)`, or ask for it: `\(path) is missing or …`"))
        }
    }
}
