// Evaluates what depends on no event, by the same rules as the engine: three-valued logic, exact integers, unknown for what overflows
// or does not go together.

internal import Events
internal import Glibc

extension Expression {
    var constantValue: Value? {
        if case .constant(let value) = self { value } else { nil }
    }

    /// This expression with its constant operands evaluated; it looks at the top node alone, for operands are folded already.
    func folded() -> Expression {
        switch self {
        case .not(let operand):
            guard let value = operand.constantValue else { return self }
            if case .boolean(let isTrue) = value { return .constant(.boolean(!isTrue)) }
            return .constant(.unknown)
        case .and(let operands):
            return Self.foldLogic(operands, decides: false) ?? self
        case .or(let operands):
            return Self.foldLogic(operands, decides: true) ?? self
        case .compare(let comparison, let left, let right):
            if left.constantValue?.isUnknown == true || right.constantValue?.isUnknown == true { return .constant(.unknown) }
            guard let a = left.constantValue, let b = right.constantValue else { return self }
            return .constant(Self.compare(comparison, a, b))
        case .arithmetic(let operation, let left, let right):
            if left.constantValue?.isUnknown == true || right.constantValue?.isUnknown == true { return .constant(.unknown) }
            guard let a = left.constantValue, let b = right.constantValue else { return self }
            return .constant(Self.calculate(operation, a, b))
        case .negate(let operand):
            guard let value = operand.constantValue else { return self }
            return .constant(Self.calculate(.subtract, value.isDuration ? .duration(0) : .integer(0), value, isNegation: true))
        case .coalesce(let left, let right):
            guard let value = left.constantValue else { return self }
            return value.isUnknown ? right : left
        case .isMissing(let operand):
            guard let value = operand.constantValue else { return self }
            return .constant(.boolean(value.isUnknown))
        default:
            return self
        }
    }

    /// Only where every operand is constant, or one decides: the others would be evaluated for nothing.
    private static func foldLogic(_ operands: [Expression], decides: Bool) -> Expression? {
        var result: Value = .boolean(!decides)
        var isConstant = true
        for operand in operands {
            switch operand.constantValue {
            case nil: isConstant = false
            case .boolean(decides): return .constant(.boolean(decides))
            case .boolean: break
            default: result = .unknown
            }
        }
        return isConstant ? .constant(result) : nil
    }

    static func compare(_ comparison: Comparison, _ left: Value, _ right: Value) -> Value {
        guard let order = order(left, right) else { return .unknown }
        if case .boolean = left, comparison != .equal, comparison != .notEqual { return .unknown }
        return switch comparison {
        case .equal: .boolean(order == 0)
        case .notEqual: .boolean(order != 0)
        case .less: .boolean(order < 0)
        case .lessOrEqual: .boolean(order <= 0)
        case .greater: .boolean(order > 0)
        case .greaterOrEqual: .boolean(order >= 0)
        }
    }

    /// Negative, zero or positive; nil where the two do not go together.
    private static func order(_ left: Value, _ right: Value) -> Int? {
        func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
        switch (left, right) {
        case (.integer(let a), .integer(let b)): return order(a, b)
        case (.double(let a), .double(let b)): return order(a, b)
        case (.integer(let a), .double(let b)): return Self.order(a, b)
        case (.double(let a), .integer(let b)): return -Self.order(b, a)
        case (.string(let a), .string(let b)):
            if a.utf8.elementsEqual(b.utf8) { return 0 }
            return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        case (.boolean(let a), .boolean(let b)): return a == b ? 0 : a ? 1 : -1
        case (.duration(let a), .duration(let b)), (.time(let a), .time(let b)): return order(a, b)
        default: return nil
        }
    }

    /// Exact, whatever the double: an integer of the language has at most 64 bits and its double's neighbours are far apart beyond 2⁵³.
    private static func order(_ integer: Int128, _ double: Double) -> Int {
        if double >= 0x1p65 { return -1 }
        if double <= -0x1p65 { return 1 }
        let whole = double.rounded(.down)
        guard let floor = Int128(exactly: whole) else { return 0 }
        if integer != floor { return integer < floor ? -1 : 1 }
        return double > whole ? -1 : 0
    }

    static func calculate(_ operation: Arithmetic, _ left: Value, _ right: Value, isNegation: Bool = false) -> Value {
        switch (left, right) {
        case (.integer(let a), .integer(let b)):
            switch operation {
            case .add: return Value(integer: a + b)
            case .subtract: return Value(integer: a - b)
            case .multiply:
                let product = a.multipliedReportingOverflow(by: b)
                return product.overflow ? .unknown : Value(integer: product.partialValue)
            case .divide: return b == 0 ? .unknown : Value(double: Double(a) / Double(b))
            case .remainder: return b == 0 ? .unknown : Value(integer: a % b)
            }
        case (.duration(let a), .duration(let b)):
            switch operation {
            case .add:
                let sum = a.addingReportingOverflow(b)
                return sum.overflow ? .unknown : .duration(sum.partialValue)
            case .subtract:
                let difference = a.subtractingReportingOverflow(b)
                return difference.overflow ? .unknown : .duration(difference.partialValue)
            case .divide: return b == 0 ? .unknown : Value(double: Double(a) / Double(b))
            default: return .unknown
            }
        default:
            guard let a = left.asDouble, let b = right.asDouble else { return .unknown }
            if isNegation { return Value(double: -b) }
            switch operation {
            case .add: return Value(double: a + b)
            case .subtract: return Value(double: a - b)
            case .multiply: return Value(double: a * b)
            case .divide: return b == 0 ? .unknown : Value(double: a / b)
            case .remainder: return b == 0 ? .unknown : Value(double: fmod(a, b))
            }
        }
    }
}

extension Value {
    var isDuration: Bool {
        if case .duration = self { true } else { false }
    }

    fileprivate var asDouble: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}

// MARK: What a condition can be

extension Expression {
    /// Whether some event makes a condition true, and whether some makes it false; neither is unknown.
    var outcomes: (canBeTrue: Bool, canBeFalse: Bool) {
        switch self {
        case .constant(.boolean(let isTrue)): return (isTrue, !isTrue)
        case .constant: return (false, false)
        case .not(let operand):
            let inner = operand.outcomes
            return (inner.canBeFalse, inner.canBeTrue)
        case .and(let operands):
            let inner = operands.map(\.outcomes)
            return (inner.allSatisfy(\.canBeTrue), inner.contains { $0.canBeFalse })
        case .or(let operands):
            let inner = operands.map(\.outcomes)
            return (inner.contains { $0.canBeTrue }, inner.allSatisfy(\.canBeFalse))
        case .isIn(let element, let list):
            if element.constantValue?.isUnknown == true { return (false, false) }
            return (!list.isEmpty, true)
        case .isInField(let a, let b):
            return a.constantValue?.isUnknown == true || b.constantValue?.isUnknown == true ? (false, false) : (true, true)
        case .like(let operand, _), .matches(let operand, _):
            return operand.constantValue?.isUnknown == true ? (false, false) : (true, true)
        case .call(let function, let arguments):
            switch function {
            case .contains, .startsWith, .endsWith, .cidr:
                return arguments.contains { $0.constantValue?.isUnknown == true } ? (false, false) : (true, true)
            default: return (true, true)
            }
        default: return (true, true)
        }
    }

    /// This expression as it is for the first event of a step: nothing of that step is captured yet.
    func beforeFirstCapture(of step: Int) -> Expression {
        func at(_ inner: Expression) -> Expression { inner.beforeFirstCapture(of: step) }
        switch self {
        case .aggregate(let aggregate, let index, _) where index == step:
            switch aggregate {
            case .count, .distinct: return .constant(.integer(0))
            case .values: return self
            default: return .constant(.unknown)
            }
        case .edgeField(_, let index, _) where index == step, .edgeTime(_, let index) where index == step: return .constant(.unknown)
        case .not(let operand): return Expression.not(at(operand)).folded()
        case .and(let operands): return Expression.and(operands.map(at)).folded()
        case .or(let operands): return Expression.or(operands.map(at)).folded()
        case .compare(let comparison, let left, let right): return Expression.compare(comparison, at(left), at(right)).folded()
        case .arithmetic(let operation, let left, let right): return Expression.arithmetic(operation, at(left), at(right)).folded()
        case .negate(let operand): return Expression.negate(at(operand)).folded()
        case .coalesce(let left, let right): return Expression.coalesce(at(left), at(right)).folded()
        case .isMissing(let operand): return Expression.isMissing(at(operand)).folded()
        case .isIn(let element, let list): return .isIn(at(element), list.map(at))
        case .isInField(let element, let list): return .isInField(at(element), at(list))
        case .list(let elements): return .list(elements.map(at))
        case .like(let operand, let pattern): return .like(at(operand), pattern: pattern)
        case .matches(let operand, let pattern): return .matches(at(operand), pattern: pattern)
        case .call(let function, let arguments):
            let inner = arguments.map(at)
            let isStrict: Bool
            switch function {
            case .min, .max, .concat: isStrict = false
            default: isStrict = true
            }
            return isStrict && inner.contains { $0.constantValue?.isUnknown == true } ? .constant(.unknown) : .call(function, inner)
        default: return self
        }
    }
}
