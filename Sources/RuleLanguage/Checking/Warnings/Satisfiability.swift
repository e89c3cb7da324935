// Whether conditions can hold together. The answer no is certain; yes may be wrong.
//
// Conditions are taken apart into alternatives of simple facts (`x < 3`, `x == "a"`, `x is missing`), at most ``branchesMax`` of them, and
// for each term an interval, the values it may have and those it may not are kept. Two computed sides become one term, their
// difference, compared with 0. Costs O(facts²) an alternative.

internal import Events

struct Satisfiability {
    /// Alternatives that are looked at; where there are more, the answer is yes.
    private static let branchesMax = 256
    /// Terms of one alternative; further ones are taken to hold.
    private static let termsMax = 64

    private var branches = 0

    /// False only where no event satisfies all of these.
    static func canHold(_ conditions: [Expression]) -> Bool {
        var search = Satisfiability()
        return search.holds(conditions.map { ($0, true) }, Facts())
    }

    private mutating func holds(_ pending: [(Expression, Bool)], _ known: Facts) -> Bool {
        branches += 1
        guard branches <= Self.branchesMax else { return true }
        var pending = pending
        var facts = known
        var choices: [[(Expression, Bool)]] = []
        while let (expression, wanted) = pending.popLast() {
            switch expression {
            case .and(let operands), .or(let operands):
                var isAnd = false
                if case .and = expression { isAnd = true }
                if isAnd == wanted {
                    pending += operands.map { ($0, wanted) }
                } else {
                    choices.append(operands.map { ($0, wanted) })
                }
            case .not(let operand): pending.append((operand, !wanted))
            default:
                guard facts.add(expression, wanted) else { return false }
            }
        }
        guard let choice = choices.popLast() else { return true }
        let others = choices
        for alternative in choice {
            // What is still to be chosen goes along as it was.
            let rest = others.map { members -> (Expression, Bool) in
                let operands = members.map(\.0)
                return members.first?.1 == true ? (.or(operands), true) : (.and(operands), false)
            }
            if holds([alternative] + rest, facts) { return true }
        }
        return false
    }

    /// What is known of the terms of one alternative.
    private struct Facts {
        private var terms: [Term] = []

        /// False where it goes against what is known.
        mutating func add(_ expression: Expression, _ wanted: Bool) -> Bool {
            switch expression {
            case .constant(let value): return value == .boolean(wanted)
            case .compare(let comparison, let left, let right):
                let comparison = wanted ? comparison : comparison.opposite
                if let value = right.constantValue { return add(left, comparison, value) }
                if let value = left.constantValue { return add(right, comparison.mirrored, value) }
                if left == right {
                    guard [.equal, .lessOrEqual, .greaterOrEqual].contains(comparison) else { return false }
                    return update(left) { $0.setMissing(false) }
                }
                guard update(left, { $0.setMissing(false) }), update(right, { $0.setMissing(false) }) else { return false }
                let turned = Expression.arithmetic(.subtract, right, left)
                if terms.contains(where: { $0.expression == turned }) { return add(turned, comparison.mirrored, .integer(0)) }
                return add(.arithmetic(.subtract, left, right), comparison, .integer(0))
            case .isMissing(let operand): return update(operand) { $0.setMissing(wanted) }
            case .isIn(let operand, let list):
                let values = list.compactMap(\.constantValue)
                guard values.count == list.count else { return true }
                if wanted { return update(operand) { $0.restrict(to: values) } }
                // Long lists are taken to leave room.
                for value in values.prefix(32) where !add(operand, .notEqual, value) { return false }
                return true
            case .like(let operand, _), .matches(let operand, _): return update(operand) { $0.setMissing(false) }
            case .field, .captured, .edgeField: return add(expression, .equal, .boolean(wanted))
            default: return true
            }
        }

        private mutating func add(_ term: Expression, _ comparison: Expression.Comparison, _ value: Value) -> Bool {
            guard !value.isUnknown else { return false }
            return update(term) { $0.compare(comparison, value) }
        }

        private mutating func update(_ expression: Expression, _ change: (inout Term) -> Void) -> Bool {
            let index: Int
            if let known = terms.firstIndex(where: { $0.expression == expression }) {
                index = known
            } else {
                guard terms.count < Satisfiability.termsMax else { return true }
                index = terms.count
                terms.append(Term(expression: expression))
            }
            change(&terms[index])
            return terms[index].isPossible
        }
    }

    private struct Term {
        var expression: Expression
        private var isMissing: Bool?
        private var allowed: [Value]?
        private var excluded: [Value] = []
        private var bounds: [(comparison: Expression.Comparison, value: Value)] = []
        private(set) var isPossible = true

        init(expression: Expression) { self.expression = expression }

        mutating func setMissing(_ missing: Bool) {
            if let isMissing, isMissing != missing { isPossible = false }
            isMissing = missing
        }

        mutating func restrict(to values: [Value]) {
            setMissing(false)
            allowed = allowed.map { known in known.filter { value in values.contains { Self.holds(value, .equal, $0) } } } ?? values
            filter()
        }

        mutating func compare(_ comparison: Expression.Comparison, _ value: Value) {
            setMissing(false)
            switch comparison {
            case .equal: restrict(to: [value])
            case .notEqual: excluded.append(value)
            default:
                for bound in bounds where !Self.meet(bound, (comparison, value)) { isPossible = false }
                bounds.append((comparison, value))
            }
            filter()
        }

        private mutating func filter() {
            guard let values = allowed else { return }
            let left = values.filter { value in
                !excluded.contains { Self.holds(value, .equal, $0) } && bounds.allSatisfy { Self.holds(value, $0.comparison, $0.value) }
            }
            allowed = left
            if left.isEmpty { isPossible = false }
        }

        private static func holds(_ left: Value, _ comparison: Expression.Comparison, _ right: Value) -> Bool {
            Expression.compare(comparison, left, right) == .boolean(true)
        }

        /// Whether some value lies on the right side of both bounds.
        private static func meet(
            _ a: (comparison: Expression.Comparison, value: Value), _ b: (comparison: Expression.Comparison, value: Value)
        ) -> Bool {
            // Values that do not go together are never both on one side.
            guard !Expression.compare(.equal, a.value, b.value).isUnknown else { return false }
            let isUpper: (Expression.Comparison) -> Bool = { $0 == .less || $0 == .lessOrEqual }
            guard isUpper(a.comparison) != isUpper(b.comparison) else { return true }
            let (lower, upper) = isUpper(a.comparison) ? (b, a) : (a, b)
            if holds(lower.value, .less, upper.value) { return true }
            return holds(lower.value, .equal, upper.value) && lower.comparison == .greaterOrEqual && upper.comparison == .lessOrEqual
        }
    }
}

extension Expression.Comparison {
    /// What holds where this one is false.
    var opposite: Self {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }

    /// The same with its sides exchanged.
    var mirrored: Self {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }
}
