internal import Diagnostics
internal import Events

// What a name means.

extension ExpressionChecker {
    /// The leading part of what follows a name that is constant: a path, and what is left over from the first computed place on.
    private mutating func components(
        _ accesses: [AccessSyntax], in place: ExpressionPlace
    ) -> (path: [FieldPath.Component], rest: ArraySlice<AccessSyntax>) {
        var path: [FieldPath.Component] = []
        for (offset, access) in accesses.enumerated() {
            switch access {
            case .field(let name): path.append(.name(name.text))
            case .index(let syntax, _):
                guard case .literal(.integer(let value)) = syntax.unwrapped.kind, let index = Int(exactly: value), index <= Int(Int32.max)
                else {
                    return (path, accesses[offset...])
                }
                path.append(.index(index))
            }
        }
        return (path, [])
    }

    /// `value[i]` for a place that is computed, or of a computed list. Fields of what is there cannot be read.
    mutating func index(_ base: CheckedValue, _ rest: ArraySlice<AccessSyntax>, in place: ExpressionPlace) -> CheckedValue {
        if case .constant(.unknown) = base.expression { return .broken }
        var value = base
        for access in rest {
            switch access {
            case .field(let name):
                report(
                    Diagnostic(
                        .badIndex, "`.\(name.text)` cannot follow a computed value", at: name.span,
                        help: "fields are read from events: `label.field`, or `items[0].sku` with a plain number"))
                return .broken
            case .index(let syntax, let span):
                require(value, .list, span, "only a list has places")
                let place = check(syntax, in: place)
                require(place, .number, syntax.span, "a place in a list is a number")
                if case .integer(let number) = place.expression.constantValue, number < 0 {
                    report(Diagnostic(.badIndex, "places in a list are counted from 0", at: syntax.span))
                }
                value = CheckedValue(
                    expression: .call(.element, [value.expression, place.expression]), type: .any, size: value.size + place.size + 1,
                    depth: max(value.depth, place.depth) + 1)
            }
        }
        return value
    }

    mutating func checkPath(_ name: Name, _ accesses: [AccessSyntax], _ span: Span, in place: ExpressionPlace) -> CheckedValue {
        var isAlert = false
        if case .alert = place.kind { isAlert = true }
        if !name.isQuoted {
            if isAlert, accesses.isEmpty, let key = keys[name.text] { return CheckedValue(expression: .key(key.index), type: key.type) }
            if let step = labels[name.text] {
                // A field of that name is shadowed: labels come first.
                observations.usedLabels.insert(step)
                guard isVisible(step, name, in: place) else { return .broken }
                return checkCaptured(step, name, accesses, span, in: place)
            }
            if isAlert {
                let (path, rest) = components(accesses, in: place)
                let text = FieldPath([.name(name.text)] + path).description
                if let key = keys[text], rest.isEmpty { return CheckedValue(expression: .key(key.index), type: key.type) }
            }
            if let value = bindingValue(name, in: place) {
                noteUse(of: name, in: place)
                guard case .field(let field)? = accesses.first else { return index(value, accesses[...], in: place) }
                if case .constant(.unknown) = value.expression { return .broken }
                report(Diagnostic(.badIndex, "the `let` `\(name.text)` is a value and has no field `\(field.text)`", at: field.span))
                return .broken
            }
        }
        return checkField(name, accesses, span, in: place)
    }

    /// Whether a label may be named here; reported where not.
    mutating func isVisible(_ step: Int, _ name: Name, in place: ExpressionPlace) -> Bool {
        let note = Diagnostic.Note(span: steps[step].span, label: "`\(name.text)` is captured here")
        switch place.labels {
        case .all: return true
        case .none(let what):
            report(
                Diagnostic(
                    .labelNotAllowed, "\(what) cannot name a label", at: name.span, notes: [note],
                    help:
                        "labels are named in conditions of later steps and in alerts; a field of that name is written `` `\(name.text)` ``")
            )
            return false
        case .captured(let steps):
            if steps.contains(step) { return true }
            if isPatternBroken { return false }
            report(
                Diagnostic(
                    .labelNotYetCaptured, "`\(name.text)` is not captured before this condition", at: name.span, notes: [note],
                    help: "a condition looks at its own event, by field names alone, and at labels before it"))
            return false
        }
    }

    private mutating func checkCaptured(
        _ step: Int, _ name: Name, _ accesses: [AccessSyntax], _ span: Span, in place: ExpressionPlace
    ) -> CheckedValue {
        let info = steps[step]
        let (path, rest) = components(accesses, in: place)
        if path.isEmpty {
            report(
                Diagnostic(
                    .eventAsValue, "`\(name.text)` is an event, not a value", at: span,
                    help: info.isInLoop
                        ? "say what of it: `count(\(name.text))`, `last(\(name.text).field)`"
                        : "say what of it: `\(name.text).field`, `time(\(name.text))`"))
            return .broken
        }
        if info.isInLoop {
            let text = FieldPath(path).description
            report(
                Diagnostic(
                    .labelNeedsAggregate, "`\(name.text)` is in a loop and stands for several events", at: span,
                    notes: [.init(span: info.span, label: "captured here, any number of times")],
                    help: "say which of them: `last(\(name.text).\(text))`, `first(…)`, `sum(…)`, `max(…)`",
                    fix: nil))
            return .broken
        }
        let type = fieldType(FieldPath(path), info.fields, span)
        return index(CheckedValue(expression: .captured(step: step, FieldPath(path)), type: type), rest, in: place)
    }

    /// The type of a field in a scope; reported where there is none.
    mutating func fieldType(_ path: FieldPath, _ scope: FieldScope, _ span: Span) -> ValueType {
        if let type = scope.type(of: path) { return type }
        let text = path.description
        let nearest = sink.isFull ? nil : NearestName.find(text, among: scope.fieldNames)
        let owner = scope.types.count == 1 ? "`\(scope.types[0].name)` has" : "no event here has"
        report(
            Diagnostic(
                .unknownField, scope.types.count == 1 ? "\(owner) no field `\(text)`" : "\(owner) a field `\(text)`", at: span,
                label: nearest.map { "did you mean `\($0)`?" } ?? "",
                notes: scope.types.prefix(2).map { .init(span: $0.span, label: "`\($0.name)` is declared here") },
                help: nearest == nil ? "add the field to the `event` declaration, or mend the name" : nil,
                fix: nil))
        return .any
    }

    private mutating func checkField(_ name: Name, _ accesses: [AccessSyntax], _ span: Span, in place: ExpressionPlace) -> CheckedValue {
        let (path, rest) = components(accesses, in: place)
        let field = FieldPath([.name(name.text)] + path)
        if case .constant(let what) = place.kind {
            let nearest = sink.isFull || globals.count > 5_000 ? nil : NearestName.find(name.text, among: globals.keys.sorted())
            report(
                Diagnostic(
                    .constantNeeded, "\(what) is a constant and cannot name the field `\(field)`", at: span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "", help: "a `let` over events stands inside a rule"))
            return .broken
        }
        let isDeclared = !place.fields.isDynamic && !place.fields.types.isEmpty && place.fields.type(of: field) != nil
        if !name.isQuoted, !isDeclared, case .field? = accesses.first, reportMistakenLabel(name, field, span) { return .broken }
        if !name.isQuoted, name.text == "null", accesses.isEmpty, !isDeclared {
            report(
                Diagnostic(
                    .nullAsField, "`null` is a field here, and most likely there is none", at: span,
                    help: "ask with `x is missing` or `x is present`; for a field of that name write `` `null` ``"))
        }
        let type = fieldType(field, place.fields, span)
        return index(CheckedValue(expression: .field(field), type: type), rest, in: place)
    }

    /// `X.f` where X is a step's type, or one letter from a label. True where it is reported.
    mutating func reportMistakenLabel(_ name: Name, _ field: FieldPath, _ span: Span) -> Bool {
        let text = field.description
        for step in steps {
            for type in step.types where !type.isAny && text.hasPrefix(type.text + ".") {
                let rest = text.dropFirst(type.text.count + 1)
                let name = "\(type.text.prefix(1))1"
                let mend =
                    if let label = step.label {
                        "this step has the label `\(label.text)`: write `\(label.text).\(rest)`"
                    } else {
                        "give the step a label: `\(name): \(type.text)`, and write `\(name).\(rest)`; "
                            + "a field of the event at hand is just `\(rest)`"
                    }
                report(
                    Diagnostic(
                        .typeAsLabel, "`\(type.text)` is a type of event, not a label", at: span,
                        notes: [.init(span: type.span, label: "the type stands here")], help: mend))
                return true
            }
        }
        for (label, step) in labels.sorted(by: { $0.value < $1.value })
        where max(label.utf8.count, name.text.utf8.count) > 1 && NearestName.distance(name.text, label, atMost: 1) == 1 {
            report(
                Diagnostic(
                    .mistypedLabel, "there is no label `\(name.text)`", at: name.span, label: "did you mean `\(label)`?",
                    notes: [.init(span: steps[step].span, label: "`\(label)` is captured here")],
                    help: "for a field of that name write `` `\(name.text)` ``", fix: .init(span: name.span, replacement: label)))
            return true
        }
        return false
    }

    // MARK: Bindings

    /// The value of a `let` or list of the rule or the program; nil where there is none of that name.
    mutating func bindingValue(_ name: Name, in place: ExpressionPlace) -> CheckedValue? {
        var isConstantPlace = false
        if case .constant = place.kind { isConstantPlace = true }
        if !isConstantPlace, let binding = lets[name.text] {
            switch binding.state {
            case .value(let value): return value
            case .unavailable: return .broken
            case .checking: return reportCircle(name, binding)
            case .pending(let syntax):
                lets[name.text]?.state = .checking
                let value = resolve(syntax, in: letPlace, name)
                lets[name.text]?.state = .value(value)
                return value
            }
        }
        guard let binding = globals[name.text] else { return nil }
        switch binding.state {
        case .value(let value): return value
        case .unavailable: return .broken
        case .checking: return reportCircle(name, binding)
        case .pending(let syntax):
            globals[name.text]?.state = .checking
            let what = binding.isList ? "a list" : "a `let` of the program"
            var value = resolve(syntax, in: ExpressionPlace(kind: .constant(what), fields: .dynamic, labels: .none(what)), name)
            // However long a list is, naming it adds one part to an expression.
            if case .list = value.expression { (value.size, value.depth) = (1, 1) }
            globals[name.text]?.state = .value(value)
            return value
        }
    }

    private mutating func noteUse(of name: Name, in place: ExpressionPlace) {
        if case .constant = place.kind {} else if lets[name.text] != nil {
            observations.usedLets.insert(name.text)
            return
        }
        observations.usedGlobals.insert(name.text)
    }

    private mutating func resolve(_ syntax: ExpressionSyntax, in place: ExpressionPlace, _ name: Name) -> CheckedValue {
        guard bindingDepth < Self.bindingDepthMax else {
            report(
                Diagnostic(
                    .expressionTooLarge, "`let`s name each other more than \(Self.bindingDepthMax) deep", at: name.span,
                    help: "write a `let` before those that name it, or write some of them out"))
            return .broken
        }
        bindingDepth += 1
        defer { bindingDepth -= 1 }
        return check(syntax, in: place)
    }

    private mutating func reportCircle(_ name: Name, _ binding: Binding) -> CheckedValue {
        report(
            Diagnostic(
                .circularLet, "`\(name.text)` is made of itself", at: name.span,
                notes: [.init(span: binding.name.span, label: "defined here")],
                help: "one `let` of the circle must not name the others"))
        return .broken
    }
}
