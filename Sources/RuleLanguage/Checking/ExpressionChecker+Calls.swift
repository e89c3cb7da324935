internal import Diagnostics
internal import Events

// Functions, aggregates over labels, `time`.

extension ExpressionChecker {
    mutating func checkCall(_ call: CallSyntax, _ span: Span, in place: ExpressionPlace) -> CheckedValue {
        if let window = call.window { return reportUnsupported("`over`, an aggregate over a window,", window.span) }
        if let argument = call.arguments.first(where: { $0.condition != nil }), let condition = argument.condition {
            report(
                Diagnostic(
                    .aggregateNeedsLabel, "a condition inside an aggregate needs a window", at: condition.span,
                    help: "`\(call.name.text)(… where …) over 10m`; the events of a label are chosen by the `where` of their step"))
            return .broken
        }
        if call.name.text == "time" { return checkTime(call, span, in: place) }
        let function = Function(rawValue: call.name.text)
        if let aggregate = Expression.Aggregate(rawValue: call.name.text), function == nil || call.arguments.count == 1 {
            return checkAggregate(aggregate, call, span, in: place)
        }
        guard let function, function != .element else {
            let names = FunctionSignature.names + Expression.Aggregate.allCases.map(\.rawValue) + ["time"]
            let nearest = NearestName.find(call.name.text, among: names)
            report(
                Diagnostic(
                    .unknownFunction, "there is no function `\(call.name.text)`", at: call.name.span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: nearest == nil ? "functions are \(FunctionSignature.names.joined(separator: " "))" : nil,
                    fix: nearest.map { .init(span: call.name.span, replacement: $0) }))
            return .broken
        }
        return checkFunction(function, call, span, in: place)
    }

    mutating func reportUnsupported(_ what: String, _ span: Span) -> CheckedValue {
        report(Diagnostic(.notSupported, "\(what) is not supported by this version of Needletail", at: span))
        return .broken
    }

    private mutating func reportCount(_ call: CallSyntax, _ span: Span, usage: String) -> CheckedValue {
        let count = call.arguments.isEmpty ? "no arguments" : call.arguments.count == 1 ? "1 argument" : "\(call.arguments.count) arguments"
        report(Diagnostic(.wrongArgumentCount, "`\(call.name.text)` does not take \(count)", at: span, help: "it is written `\(usage)`"))
        return .broken
    }

    private mutating func checkFunction(_ function: Function, _ call: CallSyntax, _ span: Span, in place: ExpressionPlace) -> CheckedValue {
        let signature = FunctionSignature(function)
        guard signature.countsAllowed.contains(call.arguments.count) else { return reportCount(call, span, usage: signature.usage) }
        var values: [CheckedValue] = []
        for (offset, argument) in call.arguments.enumerated() {
            let value = check(argument.value, in: place)
            let type = signature.parameters[min(offset, signature.parameters.count - 1)]
            require(value, type, argument.value.span, "`\(signature.usage)` needs \(type.described) here")
            values.append(value)
        }
        var type = signature.result
        switch function {
        case .min, .max:
            type = values[0].type
            for (value, argument) in zip(values, call.arguments) {
                if value.type == .list || value.type == .boolean {
                    report(
                        Diagnostic(
                            .wrongType, "`\(function.rawValue)` compares its arguments, but \(value.type.described) has no order",
                            at: argument.value.span))
                } else if !value.type.accepts(type) {
                    report(
                        Diagnostic(
                            .wrongType, "`\(function.rawValue)` compares \(type.described) with \(value.type.described)",
                            at: argument.value.span))
                }
                type = type.joined(with: value.type)
            }
        case .length:
            if ![.any, .string, .list].contains(values[0].type) {
                require(values[0], .string, call.arguments[0].value.span, "`length` needs a string or a list")
            }
        case .cidr:
            let syntax = call.arguments[1].value
            if let text = constantString(syntax, in: place, "the network of `cidr`"), !FunctionSignature.isNetwork(text) {
                report(
                    Diagnostic(
                        .badNetwork, "`\(text)` is no network", at: syntax.span,
                        help: "a network is an address and a length: \"10.0.0.0/8\", \"2001:db8::/32\""))
            }
        case .hour, .weekday:
            if values.count > 1, case .string(let name) = values[1].expression.constantValue {
                checkZone(name, call.arguments[1].value.span)
            }
        default: break
        }
        var size = 1
        var depth = 0
        for value in values {
            size += value.size
            depth = max(depth, value.depth)
        }
        return CheckedValue(expression: .call(function, values.map(\.expression)), type: type, size: size, depth: depth + 1)
    }

    // MARK: Labels as arguments

    /// The step that an argument names, and the path behind the label.
    private enum Argument {
        case captured(step: Int, FieldPath?)
        /// No label; what it is instead is not reported yet.
        case other
        case reported
    }

    private mutating func labelArgument(_ syntax: ExpressionSyntax, in place: ExpressionPlace) -> Argument {
        guard case .path(let name, let accesses) = syntax.unwrapped.kind, !name.isQuoted else { return .other }
        var path: [FieldPath.Component] = []
        var computed: Span?
        for access in accesses {
            switch access {
            case .field(let field): path.append(.name(field.text))
            case .index(let index, let span):
                if case .literal(.integer(let value)) = index.unwrapped.kind, let number = Int(exactly: value), number <= Int(Int32.max) {
                    path.append(.index(number))
                } else {
                    computed = span
                }
            }
        }
        guard let step = labels[name.text] else {
            if isPatternBroken { return .reported }
            let field = FieldPath([.name(name.text)] + path)
            // A bare type or a bare slip of the pen is as telling here as one with a field behind it.
            if reportMistakenLabel(name, path.isEmpty ? FieldPath([.name(name.text), .name("field")]) : field, syntax.span) {
                return .reported
            }
            return .other
        }
        observations.usedLabels.insert(step)
        guard isVisible(step, name, in: place) else { return .reported }
        if let computed {
            report(Diagnostic(.badIndex, "inside an aggregate a place in a list is a plain number", at: computed))
            return .reported
        }
        return .captured(step: step, path.isEmpty ? nil : FieldPath(path))
    }

    private mutating func checkAggregate(
        _ aggregate: Expression.Aggregate, _ call: CallSyntax, _ span: Span, in place: ExpressionPlace
    ) -> CheckedValue {
        let name = aggregate.rawValue
        guard call.arguments.count == 1 else {
            return reportCount(call, span, usage: aggregate == .count ? "count(label)" : "\(name)(label.field)")
        }
        let argument = call.arguments[0].value
        switch labelArgument(argument, in: place) {
        case .reported: return .broken
        case .other:
            if case .broken = argument.kind { return .broken }
            let isFunction = aggregate == .min || aggregate == .max
            let nearest: String? =
                if case .path(let label, _) = argument.unwrapped.kind { NearestName.find(label.text, among: labels.keys.sorted()) } else {
                    nil
                }
            report(
                Diagnostic(
                    .aggregateNeedsLabel, "`\(name)` looks at the events of a label, and this is none", at: argument.span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: isFunction
                        ? "of a label: `\(name)(label.field)`; of several values: `\(name)(a, b)`"
                        : "give the step a label and name it: `\(aggregate == .count ? "count(label)" : "\(name)(label.field)")`"))
            return .broken
        case .captured(let step, let path):
            guard let path else {
                if aggregate == .count { return CheckedValue(expression: .aggregate(.count, step: step, nil), type: .number) }
                let text = steps[step].label?.text ?? ""
                if aggregate == .first || aggregate == .last {
                    report(
                        Diagnostic(
                            .eventAsValue, "`\(name)(\(text))` is an event, not a value", at: span,
                            help: "say what of it: `\(name)(\(text)).field`, `time(\(name)(\(text)))`"))
                } else {
                    report(
                        Diagnostic(
                            .aggregateNeedsField, "`\(name)` needs a field of `\(text)`", at: argument.span,
                            help: "for example `\(name)(\(text).amount)`"))
                }
                return .broken
            }
            let type = fieldType(path, steps[step].fields, argument.span)
            let value = CheckedValue(expression: .constant(.unknown), type: type)
            let result: ValueType
            switch aggregate {
            case .count, .distinct: result = .number
            case .sum, .avg, .stddev:
                require(value, .number, argument.span, "`\(name)` needs numbers")
                result = .number
            case .min, .max:
                if type == .list || type == .boolean { require(value, .number, argument.span, "`\(name)` needs values that have an order") }
                result = type
            case .first, .last: result = type
            case .values: result = .list
            }
            return CheckedValue(expression: .aggregate(aggregate, step: step, path), type: result)
        }
    }

    /// `first(l)` and `last(l)`: the step, where it is that and no field follows.
    private mutating func edge(_ syntax: ExpressionSyntax, in place: ExpressionPlace) -> (edge: Expression.Edge, argument: Argument)? {
        guard case .call(let call) = syntax.unwrapped.kind, call.window == nil, call.arguments.count == 1,
            call.arguments[0].condition == nil,
            call.name.text == "first" || call.name.text == "last", case .path(_, let accesses) = call.arguments[0].value.unwrapped.kind,
            accesses.isEmpty
        else { return nil }
        return (call.name.text == "first" ? .first : .last, labelArgument(call.arguments[0].value, in: place))
    }

    private mutating func checkTime(_ call: CallSyntax, _ span: Span, in place: ExpressionPlace) -> CheckedValue {
        if call.arguments.isEmpty {
            if case .constant(let what) = place.kind {
                report(Diagnostic(.constantNeeded, "\(what) is a constant and has no event at hand", at: span))
                return .broken
            }
            return CheckedValue(expression: .eventTime, type: .time)
        }
        guard call.arguments.count == 1 else { return reportCount(call, span, usage: "time(label)") }
        let argument = call.arguments[0].value
        if let (edge, inner) = edge(argument, in: place) {
            switch inner {
            case .captured(let step, _): return CheckedValue(expression: .edgeTime(edge, step: step), type: .time)
            case .reported: return .broken
            case .other: break
            }
        } else {
            switch labelArgument(argument, in: place) {
            case .reported: return .broken
            case .captured(let step, nil):
                guard steps[step].isInLoop else { return CheckedValue(expression: .capturedTime(step: step), type: .time) }
                let text = steps[step].label?.text ?? ""
                report(
                    Diagnostic(
                        .labelNeedsAggregate, "`\(text)` is in a loop and stands for several events", at: argument.span,
                        notes: [.init(span: steps[step].span, label: "captured here, any number of times")],
                        help: "say which of them: `time(last(\(text)))` or `time(first(\(text)))`"))
                return .broken
            case .captured, .other: break
            }
        }
        if case .broken = argument.kind { return .broken }
        report(
            Diagnostic(
                .aggregateNeedsLabel, "`time` needs a captured event", at: argument.span,
                help: "`time(label)`, `time(last(label))`; the event at hand is `time()`"))
        return .broken
    }

    mutating func checkAccess(_ base: ExpressionSyntax, _ accesses: [AccessSyntax], _ span: Span, in place: ExpressionPlace) -> CheckedValue
    {
        if let (edge, inner) = edge(base, in: place) {
            guard case .captured(let step, _) = inner else {
                if case .other = inner { return check(base, in: place) }
                return .broken
            }
            var path: [FieldPath.Component] = []
            var rest = accesses[...]
            while let access = rest.first {
                if case .field(let name) = access {
                    path.append(.name(name.text))
                } else if case .index(let syntax, _) = access, case .literal(.integer(let value)) = syntax.unwrapped.kind,
                    let number = Int(exactly: value), number <= Int(Int32.max)
                {
                    path.append(.index(number))
                } else {
                    break
                }
                rest.removeFirst()
            }
            guard case .name? = path.first else {
                report(Diagnostic(.eventAsValue, "an event is no list", at: span, help: "say what of it: `last(label).field`"))
                return .broken
            }
            let type = fieldType(FieldPath(path), steps[step].fields, span)
            return index(CheckedValue(expression: .edgeField(edge, step: step, FieldPath(path)), type: type), rest, in: place)
        }
        return index(check(base, in: place), accesses[...], in: place)
    }
}
