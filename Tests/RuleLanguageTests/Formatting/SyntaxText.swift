internal import RuleLanguage

// The syntax tree as one text, without places: two files say the same where these are equal. Backquotes are part of it only where they mean
// something, which is at the beginning of a path.

func treeText(_ file: SyntaxFile) -> String {
    file.declarations.map { declaration in
        let kind =
            switch declaration.kind {
            case .rule(let rule): "rule \(rule.name.text) {\n" + rule.clauses.map { text($0) + "\n" }.joined() + "}"
            case .event(let type):
                "event \(text(type.name)) " + type.fields.map { "\($0.path.path) \($0.type.text) \($0.isOptional)" }.joined(separator: ", ")
            case .stream(let stream): "stream \(stream.name?.text ?? "-") " + stream.properties.map { text($0.property) }.joined(separator: ", ")
            case .list(let list): "list \(list.name.text) \(text(list.source))"
            case .table(let table): "table \(table.name.text) \(table.file?.text ?? "") \(table.key?.text ?? "")"
            case .constant(let name, let value): "let \(name.text) \(text(value))"
            case .test(let test): "test \(test.title.text) \(test.title.isRaw)\n" + test.steps.map { text($0) + "\n" }.joined()
            }
        return declaration.documentation.map { "///\($0)\n" }.joined() + kind + (declaration.isBroken ? " broken" : "")
    }.joined(separator: "\n")
}

private func text(_ name: TypeName) -> String { "<\(name.text)\(name.isAny ? " any" : "")>" }

private func text(_ property: StreamSyntax.Property) -> String {
    switch property {
    case .typeField(let path): "type \(path.path)"
    case .typeConstant(let string): "type \"\(string.text)\" \(string.isRaw)"
    case .time(let path, let format): "time \(path.path) \(format?.text ?? "-")"
    case .delay(let duration): "delay \(duration.microseconds)"
    case .ahead(let duration): "ahead \(duration.microseconds)"
    case .idle(let duration): "idle \(duration.microseconds)"
    }
}

private func text(_ source: ListSyntax.Source) -> String {
    switch source {
    case .entries(let entries): "[" + entries.map { text($0) }.joined(separator: ", ") + "]"
    case .file(let path): "from \(path.text)"
    case .broken: "broken"
    }
}

private func text(_ step: TestSyntax.Step) -> String {
    switch step {
    case .event(let type, let fields, let after): "event \(text(type)) \(text(fields)) \(text(after))"
    case .wait(let duration): "wait \(duration.microseconds)"
    case .expect(let rule, let fields, let at): "expect \(rule.text) \(text(fields)) \(text(at))"
    case .expectNothing: "expect nothing"
    }
}

private func text(_ members: [TestSyntax.Member]) -> String {
    "{" + members.map { "\($0.name.text): \(text($0.value))" }.joined(separator: ", ") + "}"
}

private func text(_ json: TestSyntax.JSON) -> String {
    switch json {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let string): "\"\(string)\""
    case .array(let elements): "[" + elements.map { text($0) }.joined(separator: ", ") + "]"
    case .object(let members): text(members)
    }
}

private func text(_ duration: DurationSyntax?) -> String { duration.map { "\($0.microseconds)us" } ?? "-" }

private func text(_ clause: ClauseSyntax) -> String {
    let kind =
        switch clause.kind {
        case .by(let keys): text(keys)
        case .filter(let condition), .having(let condition): text(condition)
        case .binding(let name, let value): "\(name.text) \(text(value))"
        case .match(let pattern, let within): "\(text(pattern)) \(text(within))"
        case .window(let window): text(window.shape)
        case .afterMatch(.skipToFirst(let name)): "first \(name.text)"
        case .afterMatch(.skipToLast(let name)): "last \(name.text)"
        case .afterMatch(let policy): "\(policy)"
        case .alert(let alert), .onTimeout(let alert): text(alert)
        case .emit(let type, let fields): "\(text(type)) \(text(fields))"
        case .cancel(let event): text(event)
        case .cooldown(let duration, let by): "\(duration.microseconds) " + by.map { text($0) }.joined(separator: ", ")
        case .limitOpen(let number, let dropsNewest, _): "open \(number) \(dropsNewest)"
        case .limitEvents(let number, _): "events \(number)"
        case .tags(let tags): tags.map(\.text).joined(separator: ", ")
        case .disabled: ""
        case .broken: "broken"
        }
    return "\(clause.keyword): \(kind)" + (clause.isBroken ? " broken" : "")
}

private func text(_ keys: [KeySyntax]) -> String { keys.map { "\($0.name?.text ?? "-") = \(text($0.value))" }.joined(separator: ", ") }

private func text(_ fields: [FieldSyntax]) -> String { fields.map { "\($0.name.text) = \(text($0.value))" }.joined(separator: ", ") }

private func text(_ alert: AlertSyntax) -> String {
    let template = alert.template.map { template in
        template.parts.map { part in
            switch part {
            case .text(let plain): "(\(plain))"
            case .expression(let expression, let format): "{\(text(expression)) \(format.map { "\($0)" } ?? "-")}"
            }
        }.joined()
    }
    return "\(alert.severity?.rawValue ?? "-") \(template ?? "-") \(text(alert.fields))"
}

private func text(_ pattern: PatternSyntax) -> String {
    func guards(_ guards: [GuardSyntax]) -> String {
        guards.map { "!\($0.isNext ? "next" : "then") \(text($0.limit)) \(text($0.event)) " }.joined()
    }
    return "("
        + pattern.elements.map { element in
            guards(element.guards) + (element.connective.map { "\($0.kind) \(text($0.limit)) " } ?? "") + text(element.node)
        }.joined(separator: " ") + " " + guards(pattern.trailing) + (pattern.isBroken ? "broken)" : ")")
}

private func text(_ node: PatternNodeSyntax) -> String {
    switch node {
    case .step(let step):
        "[\(step.label?.text ?? "-"): \(step.types.map { text($0) }.joined(separator: "|")) \(text(step.quantifier, step.mode)) "
            + "where \(text(step.condition)) by \(step.keySpan != nil) \(text(step.key)) until \(step.until.map { text($0) } ?? "-")]"
    case .group(let group): "group \(text(group.pattern)) \(text(group.limit)) \(text(group.quantifier, group.mode))"
    case .anyOf(let members, _): "(" + members.map { text($0) }.joined(separator: " | ") + ")"
    case .allOf(let members, _): "(" + members.map { text($0) }.joined(separator: " & ") + ")"
    }
}

private func text(_ quantifier: QuantifierSyntax?, _ mode: ModeSyntax?) -> String {
    (quantifier.map { "{\($0.quantifier.min),\($0.quantifier.max ?? -1)}\($0.quantifier.isReluctant) \($0.isCounted)" } ?? "-")
        + (mode.map { " \($0.mode)" } ?? "")
}

private func text(_ event: EventSyntax) -> String {
    event.alternatives.map { "\(text($0.type)) where \(text($0.condition)) by \($0.keySpan != nil) \(text($0.key))" }.joined(separator: " | ")
}

private func text(_ expression: ExpressionSyntax?) -> String {
    guard let expression else { return "-" }
    func all(_ members: [ExpressionSyntax]) -> String { members.map { text($0) }.joined(separator: ", ") }
    func accesses(_ accesses: [AccessSyntax]) -> String {
        accesses.map { access in
            switch access {
            case .field(let name): ".\(name.text)"
            case .index(let index, _): "[\(text(index))]"
            }
        }.joined()
    }
    return switch expression.kind {
    case .literal(let value): "\(value)"
    case .path(let name, let rest): "\(name.isQuoted ? "field " : "")\(name.text)\(accesses(rest))"
    case .list(let entries): "list(\(all(entries)))"
    case .negate(let operand): "-(\(text(operand)))"
    case .not(let operand): "not(\(text(operand)))"
    case .and(let members): "and(\(all(members)))"
    case .or(let members): "or(\(all(members)))"
    case .compare(let comparison, let left, let right): "\(comparison.rawValue)(\(all([left, right])))"
    case .arithmetic(let operation, let left, let right): "\(operation)(\(all([left, right])))"
    case .coalesce(let left, let right): "??(\(all([left, right])))"
    case .membership(let left, let right, let isNegated): "in\(isNegated)(\(all([left, right])))"
    case .matches(let left, let right, let isNegated): "matches\(isNegated)(\(all([left, right])))"
    case .like(let left, let right, let isNegated): "like\(isNegated)(\(all([left, right])))"
    case .isMissing(let operand, let isNegated): "missing\(isNegated)(\(text(operand)))"
    case .call(let call):
        "\(call.name.text)(" + call.arguments.map { "\(text($0.value)) where \(text($0.condition))" }.joined(separator: ", ") + ")"
            + (call.window.map { " over \(text($0.shape))" } ?? "")
    case .access(let base, let rest): "(\(text(base)))\(accesses(rest))"
    case .parenthesised(let inner): "(\(text(inner)))"
    case .broken: "broken"
    }
}

private func text(_ shape: WindowRuleSyntax.Shape) -> String {
    switch shape {
    case .tumbling(let duration): "tumbling \(duration.microseconds)"
    case .sliding(let duration, let every): "sliding \(duration.microseconds) \(every.microseconds)"
    case .session(let duration): "session \(duration.microseconds)"
    }
}

private func text(_ shape: AggregateWindowSyntax.Shape) -> String {
    switch shape {
    case .sliding(let duration): "\(duration.microseconds)"
    case .previous(let duration): "previous \(duration.microseconds)"
    case .last(let count): "last \(count)"
    case .tumbling(let duration): "tumbling \(duration.microseconds)"
    case .session(let duration): "session \(duration.microseconds)"
    }
}
