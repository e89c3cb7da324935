// Syntax to checked expressions: names resolved by the order of the language's section 6, types compared, constants evaluated.

internal import Diagnostics
internal import Events

/// Where an expression stands: which fields and labels it may name.
struct ExpressionPlace {
    enum Labels {
        /// None, and why: "the condition of `cancel on`".
        case none(String)
        /// Those captured before, on some path; the step's own too where it is in a loop.
        case captured(Set<Int>)
        case all
    }

    enum Kind {
        /// Only constants: a `let` of the program, an entry of a list.
        case constant(String)
        case event
        /// Alerts: no event is at hand; keys may be named.
        case alert
    }

    var kind: Kind
    var fields: FieldScope
    var labels: Labels
}

/// A step as expressions see it.
struct LabelledStep {
    var label: Name?
    var types: [TypeName]
    var fields: FieldScope
    var isInLoop: Bool
    /// Where the step, or its label, stands.
    var span: Span
}

/// A name of the program or of a rule that stands for an expression.
struct Binding {
    enum State {
        case pending(ExpressionSyntax)
        case checking
        case value(CheckedValue)
        /// Of a kind that this version does not run; reported where it is declared.
        case unavailable
    }

    var name: Name
    var state: State
    var isList = false
}

struct ExpressionChecker {
    /// Deepest chain of `let`s that name each other.
    static let bindingDepthMax = 64

    var sink: DiagnosticSink
    var globals: [String: Binding] = [:]
    var lets: [String: Binding] = [:]
    /// Where `let`s of the rule are evaluated.
    var letPlace = ExpressionPlace(kind: .event, fields: .dynamic, labels: .none("a `let`"))
    var keys: [String: (index: Int, type: ValueType)] = [:]
    var steps: [LabelledStep] = []
    var labels: [String: Int] = [:]
    /// The pattern has mistakes already, so labels may be missing here.
    var isPatternBroken = false
    var bindingDepth = 0
    var observations = Observations()
    /// The files of the run, to find a place inside a literal.
    var sources: [SourceFile] = []
    var engine: EngineChecks?
    private var checkDepth = 0

    init(sink: DiagnosticSink) { self.sink = sink }

    mutating func report(_ diagnostic: Diagnostic) { sink.report(diagnostic) }

    // MARK: Entry points

    /// A condition: true, false or unknown.
    mutating func condition(_ syntax: ExpressionSyntax, in place: ExpressionPlace) -> Expression {
        let value = check(syntax, in: place)
        noteConstant(value, syntax.unwrapped, in: place, isCondition: true)
        if !value.type.accepts(.boolean) {
            report(
                Diagnostic(
                    .conditionNotBoolean, "a condition is true or false, but this is \(value.type.described)", at: syntax.span,
                    help: value.type == .number ? "compare it: `… > 0`" : nil))
        }
        return value.expression
    }

    mutating func check(_ syntax: ExpressionSyntax, in place: ExpressionPlace) -> CheckedValue {
        // `let`s are checked where they are first named, so their depths add up.
        checkDepth += 1
        defer { checkDepth -= 1 }
        guard checkDepth <= CheckedValue.depthMax else {
            reportTooLarge(syntax.span)
            return .broken
        }
        let value = checkNode(syntax, in: place)
        noteConstant(value, syntax, in: place)
        guard value.size <= CheckedValue.sizeMax, value.depth <= CheckedValue.depthMax else {
            reportTooLarge(syntax.span)
            return .broken
        }
        return value
    }

    private mutating func reportTooLarge(_ span: Span) {
        report(
            Diagnostic(
                .expressionTooLarge, "this expression is too large once its `let`s are written out", at: span,
                help: "an expression has at most \(CheckedValue.sizeMax) parts, \(CheckedValue.depthMax) deep"))
    }

    private func build(_ expression: Expression, _ type: ValueType, over operands: [CheckedValue]) -> CheckedValue {
        var size = 1
        var depth = 0
        for operand in operands {
            size += operand.size
            depth = max(depth, operand.depth)
        }
        let folded = expression.folded()
        if folded.constantValue != nil { return CheckedValue(expression: folded, type: type) }
        return CheckedValue(expression: folded, type: type, size: size, depth: depth + 1)
    }

    private mutating func checkNode(_ syntax: ExpressionSyntax, in place: ExpressionPlace) -> CheckedValue {
        switch syntax.kind {
        case .broken:
            return .broken
        case .literal(let value):
            return CheckedValue(expression: .constant(value), type: value.type)
        case .path(let name, let accesses):
            return checkPath(name, accesses, syntax.span, in: place)
        case .list(let entries):
            let values = entries.map { check($0, in: place) }
            for (entry, value) in zip(entries, values) where value.type == .list {
                report(Diagnostic(.wrongType, "a list cannot hold a list", at: entry.span))
            }
            // A list of constants is one part, however long.
            let isConstant = values.allSatisfy { $0.expression.constantValue != nil }
            return build(.list(values.map(\.expression)), .list, over: isConstant ? [] : values)
        case .parenthesised(let inner):
            return check(inner, in: place)
        case .negate(let operand):
            let value = check(operand, in: place)
            if value.type != .duration { require(value, .number, operand.span, "`-` needs a number") }
            let result = build(.negate(value.expression), value.type == .duration ? .duration : .number, over: [value])
            if case .integer = value.expression.constantValue, result.expression.constantValue?.isUnknown == true {
                report(Diagnostic(.badNumber, "this number is too small", at: syntax.span, help: "the smallest whole number is −2⁶³"))
            }
            return result
        case .not(let operand):
            let value = check(operand, in: place)
            require(value, .boolean, operand.span, "`not` needs a condition")
            noteNegated(value.expression, operand.span, in: place)
            return build(.not(value.expression), .boolean, over: [value])
        case .and(let members), .or(let members):
            var isAnd = false
            if case .and = syntax.kind { isAnd = true }
            var values: [CheckedValue] = []
            for member in members {
                let value = check(member, in: place)
                require(value, .boolean, member.span, "`\(isAnd ? "and" : "or")` joins conditions")
                values.append(value)
            }
            let operands = values.map(\.expression)
            return build(isAnd ? .and(operands) : .or(operands), .boolean, over: values)
        case .compare(let comparison, let left, let right):
            return checkComparison(comparison, left, right, syntax.span, in: place)
        case .arithmetic(let operation, let left, let right):
            return checkArithmetic(operation, left, right, syntax.span, in: place)
        case .coalesce(let left, let right):
            let values = [check(left, in: place), check(right, in: place)]
            return build(
                .coalesce(values[0].expression, values[1].expression), values[0].type.joined(with: values[1].type), over: values)
        case .isMissing(let operand, let isNegated):
            let value = check(operand, in: place)
            notePresence(value.expression)
            let missing = build(.isMissing(value.expression), .boolean, over: [value])
            return isNegated ? build(.not(missing.expression), .boolean, over: [missing]) : missing
        case .membership(let element, let list, let isNegated):
            let result = checkMembership(element, list, in: place)
            if isNegated { noteNegated(result.expression, syntax.span, in: place) }
            return isNegated ? build(.not(result.expression), .boolean, over: [result]) : result
        case .like(let operand, let pattern, let isNegated), .matches(let operand, let pattern, let isNegated):
            var isLike = false
            if case .like = syntax.kind { isLike = true }
            let value = check(operand, in: place)
            require(value, .string, operand.span, "`\(isLike ? "like" : "matches")` needs a string")
            let text = constantString(pattern, in: place, "the pattern of `\(isLike ? "like" : "matches")`") ?? ""
            if isLike, text.utf8.contains(UInt8(ascii: "%")) { observations.percents.append(pattern.span) }
            if !isLike { checkRegularExpression(text, pattern) }
            let expression = isLike ? Expression.like(value.expression, pattern: text) : .matches(value.expression, pattern: text)
            let result = build(expression, .boolean, over: [value])
            if isNegated { noteNegated(expression, syntax.span, in: place) }
            return isNegated ? build(.not(result.expression), .boolean, over: [result]) : result
        case .call(let call):
            return checkCall(call, syntax.span, in: place)
        case .access(let base, let accesses):
            return checkAccess(base, accesses, syntax.span, in: place)
        }
    }

    // MARK: Types

    @discardableResult
    mutating func require(_ value: CheckedValue, _ type: ValueType, _ span: Span, _ message: String) -> Bool {
        guard !value.type.accepts(type) else { return true }
        report(Diagnostic(.wrongType, "\(message), but this is \(value.type.described)", at: span))
        return false
    }

    /// A string that is known before any event.
    mutating func constantString(_ syntax: ExpressionSyntax, in place: ExpressionPlace, _ what: String) -> String? {
        let value = check(syntax, in: place)
        if case .string(let text) = value.expression.constantValue { return text }
        if case .broken = syntax.kind { return nil }
        report(
            Diagnostic(
                .constantNeeded, "\(what) is a constant string", at: syntax.span,
                help: "write it between quotes, or give a `let` of the program"))
        return nil
    }

    private mutating func checkComparison(
        _ comparison: Expression.Comparison, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ span: Span, in place: ExpressionPlace
    ) -> CheckedValue {
        let a = check(left, in: place)
        let b = check(right, in: place)
        let isEquality = comparison == .equal || comparison == .notEqual
        if a.type == .list || b.type == .list {
            report(
                Diagnostic(
                    .wrongType, "lists do not compare", at: a.type == .list ? left.span : right.span,
                    help: "ask whether a value is in the list: `x in list`"))
        } else if !a.type.accepts(b.type) {
            report(
                Diagnostic(
                    .wrongType, "`\(comparison.rawValue)` compares \(a.type.described) with \(b.type.described)", at: span,
                    notes: [
                        .init(span: left.span, label: "this is \(a.type.described)"),
                        .init(span: right.span, label: "this is \(b.type.described)"),
                    ]))
        } else if !isEquality, a.type == .boolean || b.type == .boolean {
            report(Diagnostic(.wrongType, "true and false have no order", at: span, help: "write `==` or `!=`"))
        }
        if [.notEqual, .less, .lessOrEqual].contains(comparison) {
            noteOptional(a.expression, left.span, at: span, in: place)
            noteOptional(b.expression, right.span, at: span, in: place)
        }
        return build(.compare(comparison, a.expression, b.expression), .boolean, over: [a, b])
    }

    private mutating func checkArithmetic(
        _ operation: Expression.Arithmetic, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ span: Span, in place: ExpressionPlace
    ) -> CheckedValue {
        let a = check(left, in: place)
        let b = check(right, in: place)
        let type: ValueType?
        switch (operation, a.type, b.type) {
        case (_, .number, .number): type = .number
        case (.subtract, .time, .time): type = .duration
        case (.add, .time, .duration), (.subtract, .time, .duration), (.add, .duration, .time): type = .time
        case (.add, .duration, .duration), (.subtract, .duration, .duration): type = .duration
        case (.divide, .duration, .duration): type = .number
        case (.add, .any, .number), (.add, .number, .any), (.subtract, .any, .number), (.subtract, .number, .any),
            (.multiply, .any, .number), (.multiply, .number, .any), (.divide, .any, .number), (.divide, .number, .any),
            (.remainder, .any, .number), (.remainder, .number, .any), (.multiply, .any, .any), (.remainder, .any, .any):
            type = .number
        case (.add, .any, .time), (.add, .time, .any): type = .time
        case (.divide, .any, .duration), (.divide, .duration, .any), (.divide, .any, .any): type = .number
        case (.subtract, .any, .time): type = .duration
        case (.add, .any, .any), (.subtract, .any, .any), (.add, .any, .duration), (.subtract, .any, .duration), (.add, .duration, .any),
            (.subtract, .duration, .any), (.subtract, .time, .any):
            type = .any
        default: type = nil
        }
        if type == nil {
            let isText = a.type == .string || b.type == .string
            report(
                Diagnostic(
                    .wrongType, "`\(operation.rawValue)` does not go with \(a.type.described) and \(b.type.described)", at: span,
                    notes: [
                        .init(span: left.span, label: "this is \(a.type.described)"),
                        .init(span: right.span, label: "this is \(b.type.described)"),
                    ],
                    help: isText && operation == .add ? "texts are joined by `concat(a, b)`" : nil))
        }
        return build(.arithmetic(operation, a.expression, b.expression), type ?? .any, over: [a, b])
    }

    private mutating func checkMembership(_ element: ExpressionSyntax, _ list: ExpressionSyntax, in place: ExpressionPlace) -> CheckedValue
    {
        let a = check(element, in: place)
        let b = check(list, in: place)
        if a.type == .list { report(Diagnostic(.wrongType, "a list is never in a list", at: element.span)) }
        if case .list(let entries) = b.expression {
            // What can never be equal is a mistake of the rule: nothing would ever say so.
            for entry in entries {
                guard let type = entry.constantValue?.type, !type.accepts(a.type), a.type != .list else { continue }
                report(
                    Diagnostic(
                        .wrongType, "\(a.type.described) is never in this list, which holds \(type.described)", at: list.span,
                        notes: [.init(span: element.span, label: "this is \(a.type.described)")]))
                break
            }
            return build(.isIn(a.expression, entries), .boolean, over: [a, b])
        }
        require(b, .list, list.span, "`in` needs a list on its right")
        return build(.isInField(a.expression, b.expression), .boolean, over: [a, b])
    }
}

extension Value {
    var type: ValueType {
        switch self {
        case .unknown, .object: .any
        case .boolean: .boolean
        case .integer, .double: .number
        case .string: .string
        case .duration: .duration
        case .time: .time
        case .list: .list
        }
    }
}
