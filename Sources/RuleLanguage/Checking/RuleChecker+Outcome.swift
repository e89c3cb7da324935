internal import Diagnostics
internal import Events

// What a match leads to: alerts, cooldown, policies, limits, tags.

extension RuleChecker {
    private var alertPlace: ExpressionPlace { ExpressionPlace(kind: .alert, fields: alertFields, labels: .all) }

    /// Fills the rest of the rule in. False where the rule is disabled.
    mutating func checkOutcome(_ rule: inout CheckedRule, hasAnyLimit: Bool) -> Bool {
        var isEnabled = true
        var emits = false
        for clause in syntax.clauses {
            switch clause.kind {
            case .alert(let alert):
                if rule.alert == nil { rule.alert = check(alert) }
            case .onTimeout(let alert):
                if rule.timeoutAlert == nil { rule.timeoutAlert = check(alert) }
                if !hasAnyLimit {
                    report(
                        Diagnostic(
                            .timeoutWithoutLimit, "nothing of this pattern times out", at: clause.keywordSpan,
                            help: "`on timeout` reports what a `within` ended: give the pattern one"))
                }
            case .emit: emits = true
            case .afterMatch(let policy): rule.afterMatch = check(policy)
            case .cooldown(let duration, let by):
                if duration.microseconds <= 0 {
                    report(Diagnostic(.zeroDuration, "a cooldown of no time suppresses nothing", at: duration.span, help: "leave it out"))
                }
                let expressions = by.map { self.expressions.check($0, in: alertPlace) }
                for (value, syntax) in zip(expressions, by) where value.type == .list {
                    report(Diagnostic(.wrongType, "`cooldown by` does not take a list", at: syntax.span))
                }
                rule.cooldown = Cooldown(
                    durationMicroseconds: max(1, duration.microseconds), by: by.isEmpty ? nil : expressions.map(\.expression))
            case .limitOpen(let count, let dropsNewest, _): rule.openLimit = OpenLimit(max: count, dropsNewest: dropsNewest)
            case .limitEvents(let count, _): rule.loopEventsMax = count
            case .tags(let tags):
                var seen: Set<String> = []
                rule.tags = tags.map(\.text).filter { seen.insert($0).inserted }
            case .disabled: isEnabled = false
            default: break
            }
        }
        if rule.alert == nil, !emits { rule.alert = AlertDefinition(severity: .medium, summary: [.text(defaultSummary)], fields: []) }
        return isEnabled
    }

    /// The description's first line, else the rule's name.
    private var defaultSummary: String {
        documentation.first { !$0.isEmpty } ?? syntax.name.text
    }

    private mutating func check(_ alert: AlertSyntax) -> AlertDefinition {
        var summary: [TemplatePart] = []
        for part in alert.template?.parts ?? [] {
            switch part {
            case .text(let text): summary.append(.text(text))
            case .expression(let syntax, let format):
                let value = expressions.check(syntax, in: alertPlace)
                if format != nil { expressions.require(value, .number, syntax.span, "a format needs a number") }
                summary.append(.expression(value.expression, format: format))
            }
        }
        if alert.template == nil { summary = [.text(defaultSummary)] }
        var fields: [AlertDefinition.Field] = []
        var seen: [String: Name] = [:]
        for field in alert.fields {
            let value = expressions.check(field.value, in: alertPlace)
            if let first = seen[field.name.text] {
                report(
                    Diagnostic(
                        .duplicateName, "the alert has two fields named `\(field.name.text)`", at: field.name.span,
                        notes: [.init(span: first.span, label: "first written here")], help: "give one of them another name"))
                continue
            }
            seen[field.name.text] = field.name
            fields.append(.init(name: field.name.text, expression: value.expression))
        }
        return AlertDefinition(severity: alert.severity ?? .medium, summary: summary, fields: fields)
    }

    private mutating func check(_ policy: AfterMatchSyntax) -> AfterMatch {
        switch policy {
        case .skipPastLast: return .skipPastLast
        case .skipToNext: return .skipToNext
        case .keepAll: return .keepAll
        case .skipToFirst(let label): return step(label).map { .skipToFirst($0) } ?? .skipPastLast
        case .skipToLast(let label): return step(label).map { .skipToLast($0) } ?? .skipPastLast
        }
    }

    private mutating func step(_ label: Name) -> Int? {
        if let step = expressions.labels[label.text] {
            expressions.observations.usedLabels.insert(step)
            return step
        }
        if expressions.isPatternBroken { return nil }
        let nearest = NearestName.find(label.text, among: expressions.labels.keys.sorted())
        report(
            Diagnostic(
                .unknownLabel, "no step bears the label `\(label.text)`", at: label.span,
                label: nearest.map { "did you mean `\($0)`?" } ?? "",
                help: nearest == nil ? "a label stands before the type of a step: `\(label.text): charge`" : nil,
                fix: nearest.map { .init(span: label.span, replacement: $0) }))
        return nil
    }
}
