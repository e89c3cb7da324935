internal import Diagnostics
internal import Events

extension RuleChecker {
    /// The pattern with its conditions and keys; the key parts that the first step adds.
    mutating func checkPattern(
        _ builder: PatternBuilder, _ built: PatternBuilder.Built, _ within: Int64?, _ cancels: [Int], _ ruleKey: [KeyPart]
    ) -> (pattern: Pattern, stepKey: [(name: Name, expression: Expression)]) {
        let order = CaptureOrder(built.node)
        let names = stepNames(builder)
        let isKeyedByStep = checkKeyCounts(builder)
        let common = isKeyedByStep ? ruleKey.map(\.expression) : []
        var stepKey: [(name: Name, expression: Expression)] = []
        var steps: [Step] = []
        for (index, step) in builder.steps.enumerated() {
            let fields = expressions.steps[index].fields
            var condition: Expression?
            if let syntax = step.syntax.condition {
                let place = ExpressionPlace(kind: .event, fields: fields, labels: .captured(order.beforeStep[index] ?? []))
                let checked = expressions.condition(syntax, in: place)
                condition = checked
                checkFirstCapture(checked, index, syntax)
            }
            let place = ExpressionPlace(kind: .event, fields: fields, labels: .none("`by`"))
            var own: [Expression] = []
            for key in step.syntax.key {
                let expression = checkKeyPart(key, in: place)
                own.append(expression)
                if index == 0 { stepKey.append((requireKeyName(key), expression)) }
            }
            steps.append(
                Step(
                    name: names[index], types: typeSet(step.syntax.types), condition: condition,
                    conditionText: step.syntax.condition.map { file.foldedText($0.span) } ?? "", key: isKeyedByStep ? common + own : [],
                    isInLoop: step.isInLoop))
        }
        var predicates: [EventPredicate] = []
        for (index, source) in builder.predicates.enumerated() {
            let isCancel = cancels.contains(index)
            let labels: ExpressionPlace.Labels =
                isCancel ? .none("the condition of `cancel on`") : .captured(order.beforePredicate[index] ?? [])
            predicates.append(checkPredicate(source, labels, steps, common, isKeyedByStep))
        }
        return (Pattern(root: built.node, steps: steps, predicates: predicates, withinMicroseconds: within), stepKey)
    }

    private mutating func checkPredicate(
        _ source: PatternBuilder.PredicateSource, _ labels: ExpressionPlace.Labels, _ steps: [Step], _ common: [Expression],
        _ isKeyedByStep: Bool
    ) -> EventPredicate {
        var alternatives: [EventPredicate.Alternative] = []
        for alternative in source.event.alternatives {
            let fields = scope([alternative.type])
            let place = ExpressionPlace(kind: .event, fields: fields, labels: labels)
            let condition = alternative.condition.map { expressions.condition($0, in: place) }
            var key: [Expression] = []
            if let step = source.untilOf {
                key = steps[step].key
                if let span = alternative.keySpan {
                    report(
                        Diagnostic(
                            .untilWithKey, "`until` has no `by` of its own", at: span, help: "it takes the key of its step; leave this out",
                            fix: .init(span: span, replacement: "")))
                }
            } else if isKeyedByStep {
                let place = ExpressionPlace(kind: .event, fields: fields, labels: .none("`by`"))
                key = common + alternative.key.map { checkKeyPart($0, in: place) }
            }
            alternatives.append(.init(types: typeSet([alternative.type]), condition: condition, key: key))
        }
        return EventPredicate(alternatives: alternatives, text: file.foldedText(source.event.span))
    }

    private func typeSet(_ types: [TypeName]) -> TypeSet {
        if types.contains(where: \.isAny) { return .any }
        var seen: Set<String> = []
        return .named(types.map(\.text).filter { seen.insert($0).inserted })
    }

    /// A step's own captures are nothing before its first event: a condition that then cannot be true never is.
    private mutating func checkFirstCapture(_ condition: Expression, _ step: Int, _ syntax: ExpressionSyntax) {
        let first = condition.beforeFirstCapture(of: step)
        guard first != condition, !first.outcomes.canBeTrue, condition.outcomes.canBeTrue else { return }
        let label = expressions.steps[step].label?.text ?? ""
        report(
            Diagnostic(
                .loopNeverStarts, "this condition cannot be true for the first event of `\(label)`", at: syntax.span,
                label: "nothing of `\(label)` is captured yet", help: "let the first one in: `count(\(label)) == 0 or …`"))
    }

    /// All or none have a `by`, all with as many parts. True where they have.
    private mutating func checkKeyCounts(_ builder: PatternBuilder) -> Bool {
        var places: [(count: Int, span: Span, keySpan: Span?, what: String)] = builder.steps.map {
            ($0.syntax.key.count, $0.syntax.span, $0.syntax.keySpan, "step")
        }
        for predicate in builder.predicates where predicate.untilOf == nil {
            for alternative in predicate.event.alternatives {
                places.append((alternative.key.count, alternative.span, alternative.keySpan, "event"))
            }
        }
        guard let first = places.first(where: { $0.keySpan != nil }), let firstSpan = first.keySpan else { return false }
        for place in places where place.count != first.count {
            report(
                Diagnostic(
                    .keyPartsDiffer,
                    place.keySpan == nil ? "this \(place.what) has no `by`, but another one has" : "this `by` has another number of parts",
                    at: place.keySpan ?? place.span,
                    notes: [.init(span: firstSpan, label: "this one has \(first.count)")],
                    help: place.keySpan == nil
                        ? "give every step, guard and cancel a `by`; one `by` for all of them stands before `match`" : nil))
        }
        return true
    }

    /// Labels, and for the other steps their types, numbered from the second on; no two are the same.
    private func stepNames(_ builder: PatternBuilder) -> [String] {
        var taken = Set(builder.steps.compactMap(\.syntax.label?.text))
        var counts: [String: Int] = [:]
        return builder.steps.map { step in
            if let label = step.syntax.label { return label.text }
            let base = step.syntax.types.map(\.text).joined(separator: "_or_")
            while true {
                counts[base, default: 0] += 1
                let count = counts[base, default: 1]
                let name = count == 1 ? base : "\(base)_\(count)"
                if taken.insert(name).inserted { return name }
            }
        }
    }
}

extension SyntaxFile {
    /// The text of a place with every run of white space and comments as one blank.
    func foldedText(_ span: Span) -> String {
        var low = 0
        var high = tokens.count
        while low < high {
            let middle = (low + high) / 2
            if tokens[middle].span.lower < span.lower { low = middle + 1 } else { high = middle }
        }
        var text: [UInt8] = []
        var end: Int32?
        for token in tokens[low...] {
            guard token.span.upper <= span.upper, token.kind != .end else { break }
            if let end, end < token.span.lower { text.append(0x20) }
            text += source.bytes[Int(token.span.lower)..<Int(token.span.upper)]
            end = token.span.upper
        }
        return String(decoding: text, as: UTF8.self)
    }
}
