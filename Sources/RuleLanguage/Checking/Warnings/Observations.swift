internal import Diagnostics
internal import Events

/// What the checker notices on its way through expressions and that only turns into a warning once the whole program is known to be
/// without errors.
struct Observations {
    /// A field declared with `?` in a comparison that a missing field never satisfies.
    struct OptionalUse {
        var path: FieldPath
        /// The comparison.
        var span: Span
        var field: Span
        var declaration: Span
    }

    /// `let`s and lists of the program that something names, across rules.
    var usedGlobals: Set<String> = []
    /// Of the rule at hand.
    var usedLets: Set<String> = []
    var usedLabels: Set<Int> = []
    /// Conditions and parts of conditions that depend on no event.
    var constants: [(span: Span, isTrue: Bool)] = []
    var optionalUses: [OptionalUse] = []
    /// Fields that `is missing` or `is present` asks for.
    var presenceTests: Set<FieldPath> = []
    /// Patterns of `like` that hold a `%`.
    var percents: [Span] = []
}

extension ExpressionChecker {
    /// Notes a part of a condition that no event changes. A name alone is left out: a constant may serve as a switch.
    mutating func noteConstant(_ value: CheckedValue, _ syntax: ExpressionSyntax, in place: ExpressionPlace, isCondition: Bool = false) {
        guard case .event = place.kind else { return }
        switch syntax.kind {
        case .compare, .and, .or, .membership, .isMissing, .like, .matches: break
        case .literal where isCondition: break
        default: return
        }
        if let constant = value.expression.constantValue {
            observations.constants.append((syntax.span, constant == .boolean(true)))
        } else if case .compare(let comparison, let left, let right) = value.expression, left == right {
            observations.constants.append((syntax.span, [.equal, .lessOrEqual, .greaterOrEqual].contains(comparison)))
        }
    }

    /// Notes an operand that is an optional field, where nothing stands in for it when it is missing.
    mutating func noteOptional(_ operand: Expression, _ field: Span, at span: Span, in place: ExpressionPlace) {
        guard case .event = place.kind else { return }
        switch operand {
        case .field(let path): noteOptional(path, place.fields, field, span)
        case .captured(let step, let path): noteOptional(path, steps[step].fields, field, span)
        default: break
        }
    }

    private mutating func noteOptional(_ path: FieldPath, _ scope: FieldScope, _ field: Span, _ span: Span) {
        guard let declaration = scope.optionalDeclaration(of: path) else { return }
        observations.optionalUses.append(.init(path: path, span: span, field: field, declaration: declaration))
    }

    /// The operands of what a `not` turns round.
    mutating func noteNegated(_ expression: Expression, _ span: Span, in place: ExpressionPlace) {
        switch expression {
        case .compare(_, let left, let right):
            for side in [left, right] { noteOptional(side, span, at: span, in: place) }
        case .isIn(let operand, _), .isInField(let operand, _), .like(let operand, _), .matches(let operand, _):
            noteOptional(operand, span, at: span, in: place)
        case .field, .captured:
            noteOptional(expression, span, at: span, in: place)
        case .call(_, let arguments):
            for argument in arguments { noteOptional(argument, span, at: span, in: place) }
        default: break
        }
    }

    mutating func notePresence(_ expression: Expression) {
        switch expression {
        case .field(let path), .captured(_, let path): observations.presenceTests.insert(path)
        default: break
        }
    }
}

extension FieldScope {
    /// Where a field is declared with `?`, in any of the types.
    func optionalDeclaration(of path: FieldPath) -> Span? {
        guard !isDynamic else { return nil }
        for declared in types {
            if let field = declared.fields[path], field.isOptional { return field.span }
        }
        return nil
    }
}
