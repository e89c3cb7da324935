// A rule's clauses to a `CheckedRule`.

internal import Diagnostics
internal import Events

struct RuleChecker {
    let syntax: RuleSyntax
    let documentation: [String]
    let file: SyntaxFile
    /// All `event` declarations, by the type's name.
    let eventTypes: [String: DeclaredEventType]
    /// The same in the order of their names.
    let sortedEventTypes: [DeclaredEventType]
    var expressions: ExpressionChecker

    var ruleFields: FieldScope = .dynamic
    var alertFields: FieldScope = .dynamic
    /// What the rule's warnings are made of, once it is built.
    var advice: RuleAdvice?

    var sink: DiagnosticSink {
        get { expressions.sink }
        set { expressions.sink = newValue }
    }

    mutating func report(_ diagnostic: Diagnostic) { expressions.sink.report(diagnostic) }

    func clauses(_ keyword: String) -> [ClauseSyntax] { syntax.clauses.filter { $0.keyword == keyword } }

    /// The rule, and whether it is enabled; nil where it cannot be built, which is then reported.
    mutating func check() -> (rule: CheckedRule, isEnabled: Bool)? {
        checkClauseOrder()
        var pattern: (syntax: PatternSyntax, within: DurationSyntax?)?
        for clause in syntax.clauses {
            if case .match(let parsed, let within) = clause.kind, pattern == nil { pattern = (parsed, within) }
            switch clause.kind {
            case .window:
                report(Diagnostic(.notSupported, "`window` is not supported by this version of Needletail", at: clause.keywordSpan))
            case .emit:
                report(Diagnostic(.notSupported, "`emit` is not supported by this version of Needletail", at: clause.keywordSpan))
            default: break
            }
        }
        guard let (patternSyntax, within) = pattern else {
            checkWithoutPattern()
            return nil
        }
        return check(patternSyntax, within)
    }

    // MARK: Clauses

    private mutating func checkClauseOrder() {
        let early: Set<String> = ["by", "where", "let"]
        var seen: [String: ClauseSyntax] = [:]
        var body: ClauseSyntax?
        for clause in syntax.clauses {
            let keyword = clause.keyword
            if early.contains(keyword), let body {
                report(
                    Diagnostic(
                        .clauseOrder, "`\(keyword)` stands before `\(body.keyword)`", at: clause.keywordSpan,
                        notes: [.init(span: body.keywordSpan, label: "`\(body.keyword)` stands here")],
                        help: keyword == "where"
                            ? "a condition of one step stands right behind that step, before `within`"
                            : "move it up, before `\(body.keyword)`"))
            }
            if !early.contains(keyword), keyword != "match", keyword != "window", body == nil, hasBody {
                report(
                    Diagnostic(
                        .clauseOrder, "`\(keyword)` stands after the pattern", at: clause.keywordSpan, help: "move it down, behind `match`")
                )
            }
            if keyword == "match" || keyword == "window", body == nil { body = clause }
            var name = keyword
            if case .limitOpen = clause.kind { name = "limit … open" }
            if case .limitEvents = clause.kind { name = "limit … events" }
            if keyword == "window" { name = "match" }
            guard keyword != "let", keyword != "cancel on" else { continue }
            if let first = seen[name] {
                report(
                    Diagnostic(
                        .duplicateClause,
                        first.keyword == keyword ? "a rule has one `\(name)` only" : "a rule has either `match` or `window`",
                        at: clause.keywordSpan,
                        notes: [.init(span: first.keywordSpan, label: "first written here")],
                        help: keyword == "where"
                            ? "join the two conditions with `and`" : keyword == "by" ? "list all parts of the key behind one `by`" : nil))
            } else {
                seen[name] = clause
            }
        }
        let isWindow = syntax.clauses.contains { $0.keyword == "window" }
        if !hasBody {
            report(
                Diagnostic(
                    .missingMatch, "the rule `\(syntax.name.text)` has no `match`", at: syntax.name.span,
                    help: "say what it looks for: `match login then transfer within 10m`"))
        }
        if let having = clauses("having").first, !isWindow {
            report(
                Diagnostic(
                    .clauseOrder, "`having` belongs to `window`", at: having.keywordSpan, help: "a condition of a step is its `where`"))
        }
    }

    private var hasBody: Bool { syntax.clauses.contains { $0.keyword == "match" || $0.keyword == "window" } }

    /// What can be looked at in a rule whose pattern could not be read.
    private mutating func checkWithoutPattern() {
        expressions.isPatternBroken = true
        bindLets()
        let place = ExpressionPlace(kind: .event, fields: .dynamic, labels: .none("this clause"))
        for clause in syntax.clauses {
            if case .filter(let condition) = clause.kind { _ = expressions.condition(condition, in: place) }
        }
        resolveLets()
    }

    private mutating func bindLets() {
        for clause in syntax.clauses {
            guard case .binding(let name, let value) = clause.kind else { continue }
            if let first = expressions.lets[name.text] {
                report(
                    Diagnostic(
                        .duplicateName, "the rule has two `let`s named `\(name.text)`", at: name.span,
                        notes: [.init(span: first.name.span, label: "first defined here")], help: "give one of them another name"))
                continue
            }
            expressions.lets[name.text] = Binding(name: name, state: value.map { .pending($0) } ?? .unavailable)
        }
    }

    private mutating func resolveLets() {
        for clause in syntax.clauses {
            guard case .binding(let name, _) = clause.kind else { continue }
            _ = expressions.bindingValue(name, in: expressions.letPlace)
        }
    }

    // MARK: The whole rule

    private mutating func check(_ patternSyntax: PatternSyntax, _ within: DurationSyntax?) -> (rule: CheckedRule, isEnabled: Bool)? {
        var builder = PatternBuilder(sink: expressions.sink, hasLimit: within != nil)
        let built = builder.build(patternSyntax)
        let withinMicroseconds = builder.limit(within)
        expressions.sink = builder.sink
        expressions.isPatternBroken = patternSyntax.isBroken
        var cancels: [Int] = []
        for clause in syntax.clauses {
            guard case .cancel(let event) = clause.kind else { continue }
            cancels.append(builder.predicates.count)
            builder.predicates.append(.init(event: event, untilOf: nil))
        }
        let elementCount = builder.steps.count + builder.predicates.count
        guard elementCount <= PatternBuilder.elementsMax else {
            report(
                Diagnostic(
                    .tooManySteps,
                    "a rule has at most \(PatternBuilder.elementsMax) steps, guards, `until`s and cancels; this one has \(elementCount)",
                    at: syntax.name.span, help: "repeat a step with a quantifier, or split the rule"))
            return nil
        }
        bindFields(builder)
        bindLabels(builder)
        bindLets()
        expressions.letPlace = ExpressionPlace(kind: .event, fields: ruleFields, labels: .none("a `let`"))

        let ruleKey = checkRuleKey()
        var filter: Expression?
        if let clause = clauses("where").first, case .filter(let condition) = clause.kind {
            filter = expressions.condition(
                condition, in: ExpressionPlace(kind: .event, fields: ruleFields, labels: .none("the rule's `where`")))
        }
        let (pattern, stepKeyNames) = checkPattern(builder, built, withinMicroseconds, cancels, ruleKey)
        resolveLets()

        var key = ruleKey
        for (name, expression) in stepKeyNames { key.append(KeyPart(name: name.text, expression: expression)) }
        checkKeyNames(ruleKey, stepKeyNames)
        for (index, part) in key.enumerated() where expressions.keys[part.name] == nil { expressions.keys[part.name] = (index, .any) }

        var rule = CheckedRule(
            name: syntax.name.text, span: syntax.name.span, documentation: documentation.joined(separator: "\n"), key: key,
            isKeyedByStep: !stepKeyNames.isEmpty, filter: filter, pattern: pattern, afterMatch: .skipPastLast, alert: nil,
            timeoutAlert: nil,
            cancels: cancels, cooldown: nil, openLimit: OpenLimit(), loopEventsMax: 1_024, tags: [])
        let isEnabled = checkOutcome(&rule, hasAnyLimit: builder.hasAnyLimit)
        let file = file
        advice = RuleAdvice(
            syntax: syntax, pattern: patternSyntax, builder: builder, expressions: expressions, rule: rule,
            text: { file.foldedText($0) })
        return (rule, isEnabled)
    }

    // MARK: Scopes

    private func scope(_ types: [TypeName], anyScope: FieldScope) -> FieldScope {
        var declared: [DeclaredEventType] = []
        for type in types {
            if type.isAny { return anyScope }
            guard let known = eventTypes[type.text] else { return .dynamic }
            declared.append(known)
        }
        return FieldScope(types: declared, isDynamic: false)
    }

    func scope(_ types: [TypeName]) -> FieldScope { scope(types, anyScope: ruleFields) }

    /// What `by`, `where`, `let` and conditions on `event` may name: any declared type of the rule, unless an undeclared one is in it.
    private mutating func bindFields(_ builder: PatternBuilder) {
        let all = FieldScope(types: sortedEventTypes, isDynamic: sortedEventTypes.isEmpty)
        let stepTypes = builder.steps.flatMap(\.syntax.types)
        let types = stepTypes + builder.predicates.flatMap { $0.event.alternatives.map(\.type) }
        func joined(_ types: [TypeName]) -> FieldScope {
            if types.contains(where: { !$0.isAny && eventTypes[$0.text] == nil }) { return .dynamic }
            if types.contains(where: \.isAny) { return all }
            var names: Set<String> = []
            return scope(types.filter { names.insert($0.text).inserted }, anyScope: all)
        }
        ruleFields = joined(types)
        alertFields = joined(stepTypes)
    }

    private mutating func bindLabels(_ builder: PatternBuilder) {
        for (index, step) in builder.steps.enumerated() {
            let label = step.syntax.label
            expressions.steps.append(
                LabelledStep(
                    label: label, types: step.syntax.types, fields: scope(step.syntax.types), isInLoop: step.isInLoop,
                    span: label?.span ?? step.syntax.span))
            guard let label else { continue }
            if let first = expressions.labels[label.text] {
                report(
                    Diagnostic(
                        .duplicateLabel, "two steps bear the label `\(label.text)`", at: label.span,
                        notes: [.init(span: expressions.steps[first].span, label: "first used here")],
                        help: "give one of them another label"))
            } else {
                expressions.labels[label.text] = index
            }
        }
    }

    // MARK: Keys

    /// A part's name: given, or the text of its path.
    mutating func keyName(_ key: KeySyntax) -> Name? {
        if let name = key.name { return name }
        if case .path(let name, let accesses) = key.value.unwrapped.kind {
            var components: [FieldPath.Component] = [.name(name.text)]
            for access in accesses {
                switch access {
                case .field(let field): components.append(.name(field.text))
                case .index(let index, _):
                    guard case .literal(.integer(let value)) = index.unwrapped.kind, let number = Int(exactly: value) else { return nil }
                    components.append(.index(number))
                }
            }
            return Name(text: FieldPath(components).description, span: key.value.span, isQuoted: false)
        }
        return nil
    }

    mutating func requireKeyName(_ key: KeySyntax) -> Name {
        if let name = keyName(key) { return name }
        if case .broken = key.value.kind { return Name(text: "", span: key.value.span, isQuoted: false) }
        report(
            Diagnostic(
                .keyNeedsName, "this part of the key needs a name", at: key.value.span,
                help: "name it before a colon, as in `by mail: lower(user.email)`"))
        return Name(text: "", span: key.value.span, isQuoted: false)
    }

    mutating func checkKeyPart(_ key: KeySyntax, in place: ExpressionPlace) -> Expression {
        let value = expressions.check(key.value, in: place)
        if ![.any, .string, .number, .boolean].contains(value.type) {
            report(
                Diagnostic(
                    .wrongType, "a key is made of strings, numbers or booleans, but this is \(value.type.described)", at: key.value.span))
        }
        return value.expression
    }

    private mutating func checkRuleKey() -> [KeyPart] {
        guard let clause = clauses("by").first, case .by(let keys) = clause.kind else { return [] }
        let place = ExpressionPlace(kind: .event, fields: ruleFields, labels: .none("`by`"))
        return keys.map { key in
            let name = requireKeyName(key)
            return KeyPart(name: name.text, expression: checkKeyPart(key, in: place))
        }
    }

    private mutating func checkKeyNames(_ ruleKey: [KeyPart], _ stepKeys: [(name: Name, expression: Expression)]) {
        var names: [Name] = []
        if let clause = clauses("by").first, case .by(let keys) = clause.kind { names = keys.compactMap { keyName($0) } }
        var seen: [String: Name] = [:]
        for name in names + stepKeys.map(\.name) where !name.text.isEmpty {
            if let first = seen[name.text] {
                report(
                    Diagnostic(
                        .duplicateName, "two parts of the key are named `\(name.text)`", at: name.span,
                        notes: [.init(span: first.span, label: "first named here")],
                        help: "name one of them otherwise: `other: \(name.text)`"))
            } else {
                seen[name.text] = name
            }
        }
    }
}
