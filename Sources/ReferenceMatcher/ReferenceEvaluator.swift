public import Events
public import RuleLanguage

/// Expressions over `Value`, as section 6 of the language says them: missing is unknown, logic is three-valued, integers are exact,
/// and what the section does not say a value can do gives unknown.
public struct ReferenceEvaluator {
    /// An event captured by a step.
    public struct Captured {
        public var step: Int
        public var event: ReferenceEvent

        public init(step: Int, event: ReferenceEvent) {
            self.step = step
            self.event = event
        }
    }

    /// The event at hand; in alerts the last event captured.
    public var event: ReferenceEvent?
    /// What `time()` is: the time of the event at hand; in alerts that of completion.
    public var time: Int64
    /// In the order of capture.
    public var captures: [Captured]
    public var key: [Value]
    /// `matches`: whether a pattern (first) is found in a string (second); nil is unknown. The reference has no regular expressions
    /// of its own.
    public var findsPattern: (String, String) -> Bool?

    public init(
        event: ReferenceEvent?, time: Int64, captures: [Captured] = [], key: [Value] = [],
        findsPattern: @escaping (String, String) -> Bool? = { _, _ in nil }
    ) {
        self.event = event
        self.time = time
        self.captures = captures
        self.key = key
        self.findsPattern = findsPattern
    }

    /// Only true satisfies.
    public func isSatisfied(_ condition: Expression?) -> Bool {
        guard let condition else { return true }
        return truth(condition) == true
    }

    /// Nil is unknown, and so is what is no boolean.
    public func truth(_ expression: Expression) -> Bool? {
        if case .boolean(let boolean) = value(expression) { boolean } else { nil }
    }

    private func events(of step: Int) -> [ReferenceEvent] {
        captures.filter { $0.step == step }.map(\.event)
    }

    public func value(_ expression: Expression) -> Value {
        switch expression {
        case .constant(let value): return value
        case .field(let path): return event?.value(at: path) ?? .unknown
        case .key(let index): return index < key.count ? key[index] : .unknown
        case .eventTime: return .time(time)
        case .captured(let step, let path): return events(of: step).last?.value(at: path) ?? .unknown
        case .capturedTime(let step): return events(of: step).last.map { .time($0.time) } ?? .unknown
        case .aggregate(let aggregate, let step, let path): return self.aggregate(aggregate, events(of: step), path)
        case .edgeField(let edge, let step, let path): return self.edge(edge, step)?.value(at: path) ?? .unknown
        case .edgeTime(let edge, let step): return self.edge(edge, step).map { .time($0.time) } ?? .unknown
        case .not(let operand): return ReferenceEvaluator.boolean(truth(operand).map { !$0 })
        case .and(let operands):
            let truths = operands.map(truth)
            return ReferenceEvaluator.boolean(truths.contains(false) ? false : truths.contains(nil) ? nil : true)
        case .or(let operands):
            let truths = operands.map(truth)
            return ReferenceEvaluator.boolean(truths.contains(true) ? true : truths.contains(nil) ? nil : false)
        case .compare(let comparison, let left, let right):
            return ReferenceEvaluator.boolean(ReferenceEvaluator.compare(comparison, value(left), value(right)))
        case .arithmetic(let operation, let left, let right):
            return ReferenceEvaluator.arithmetic(operation, value(left), value(right))
        case .negate(let operand): return ReferenceEvaluator.negate(value(operand))
        case .coalesce(let first, let second):
            let value = value(first)
            return value.isUnknown ? self.value(second) : value
        case .isMissing(let operand): return .boolean(value(operand).isUnknown)
        case .isIn(let operand, let elements):
            return ReferenceEvaluator.boolean(ReferenceEvaluator.isIn(value(operand), elements.map(value)))
        case .isInField(let operand, let list):
            guard case .list(let elements) = value(list) else { return .unknown }
            return ReferenceEvaluator.boolean(ReferenceEvaluator.isIn(value(operand), elements))
        case .list(let elements): return .list(elements.map(value))
        case .like(let operand, let pattern):
            guard case .string(let string) = value(operand) else { return .unknown }
            return .boolean(ReferenceEvaluator.like(string.unicodeScalars[...], pattern.unicodeScalars[...]))
        case .matches(let operand, let pattern):
            guard case .string(let string) = value(operand) else { return .unknown }
            return ReferenceEvaluator.boolean(findsPattern(pattern, string))
        case .call(let function, let arguments):
            return ReferenceEvaluator.call(function, arguments.map(value))
        }
    }

    private func edge(_ edge: Expression.Edge, _ step: Int) -> ReferenceEvent? {
        switch edge {
        case .first: events(of: step).first
        case .last: events(of: step).last
        }
    }

    static func boolean(_ truth: Bool?) -> Value { truth.map(Value.boolean) ?? .unknown }

    /// Unknown values are left out. Numbers only count towards `sum`, `avg` and `stddev`; strings, numbers and booleans towards
    /// `distinct` and `values`; for `min` and `max` the first number or string says which of the two kinds counts.
    private func aggregate(_ aggregate: Expression.Aggregate, _ events: [ReferenceEvent], _ path: FieldPath?) -> Value {
        guard let path else { return .integer(Int128(events.count)) }
        let values = events.map { $0.value(at: path) }.filter { !$0.isUnknown }
        switch aggregate {
        case .count: return .integer(Int128(values.count))
        case .first: return values.first ?? .unknown
        case .last: return values.last ?? .unknown
        case .distinct: return .integer(Int128(ReferenceEvaluator.different(values).count))
        case .values: return values.isEmpty ? .unknown : .list(ReferenceEvaluator.different(values))
        case .min, .max:
            let ordered = values.filter { ReferenceEvaluator.compare(.less, $0, $0) != nil }
            guard let first = ordered.first else { return .unknown }
            let alike = ordered.filter { ReferenceEvaluator.compare(.less, $0, first) != nil }
            return ReferenceEvaluator.extreme(alike, aggregate == .min ? .less : .greater)
        case .sum, .avg, .stddev:
            var sum = ExactSum()
            for value in values {
                switch value {
                case .integer(let integer): sum.add(integer)
                case .double(let double): sum.add(double)
                default: break
                }
            }
            if sum.count == 0 { return .unknown }
            if aggregate == .avg { return Value(double: sum.mean) }
            if aggregate == .stddev { return sum.count < 2 ? .unknown : Value(double: sum.deviation) }
            if sum.isWhole { return sum.integer.map(Value.init(integer:)) ?? .unknown }
            return Value(double: sum.sum)
        }
    }

    /// The different strings, numbers and booleans, in order of first appearance.
    static func different(_ values: [Value]) -> [Value] {
        var different: [Value] = []
        for value in values {
            switch value {
            case .boolean, .integer, .double, .string:
                if !different.contains(where: { compare(.equal, $0, value) == true }) { different.append(value) }
            default: break
            }
        }
        return different
    }

    /// The value that stands in the relation to all others; unknown where any two do not compare. Of equal ones the first.
    static func extreme(_ values: [Value], _ relation: Expression.Comparison) -> Value {
        guard var best = values.first, compare(relation, best, best) != nil else { return .unknown }
        for value in values.dropFirst() {
            guard let isBetter = compare(relation, value, best) else { return .unknown }
            if isBetter { best = value }
        }
        return best
    }

    /// True where an element equals, else unknown where a comparison is, else false.
    static func isIn(_ value: Value, _ elements: [Value]) -> Bool? {
        let truths = elements.map { compare(.equal, value, $0) }
        return truths.contains(true) ? true : truths.contains(nil) ? nil : false
    }

    /// Nil (unknown) for unknown operands, for kinds that do not go together, for lists and objects, and for the order of booleans.
    static func compare(_ comparison: Expression.Comparison, _ left: Value, _ right: Value) -> Bool? {
        let order: Int
        switch (left, right) {
        case (.boolean(let a), .boolean(let b)):
            return comparison == .equal ? a == b : comparison == .notEqual ? a != b : nil
        case (.integer(let a), .integer(let b)): order = a < b ? -1 : a == b ? 0 : 1
        case (.double(let a), .double(let b)): order = a < b ? -1 : a == b ? 0 : 1
        case (.integer(let a), .double(let b)): order = compareExactly(a, b)
        case (.double(let a), .integer(let b)): order = -compareExactly(b, a)
        case (.string(let a), .string(let b)):
            order = a.utf8.elementsEqual(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        case (.duration(let a), .duration(let b)), (.time(let a), .time(let b)): order = a < b ? -1 : a == b ? 0 : 1
        default: return nil
        }
        switch comparison {
        case .equal: return order == 0
        case .notEqual: return order != 0
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        case .greaterOrEqual: return order >= 0
        }
    }

    /// As real numbers, with nothing rounded.
    private static func compareExactly(_ integer: Int128, _ double: Double) -> Int {
        if double >= 0x1p100 { return -1 }
        if double <= -0x1p100 { return 1 }
        let floor = double.rounded(.down)
        let whole = Int128(floor)
        if integer != whole { return integer < whole ? -1 : 1 }
        return floor == double ? 0 : -1
    }

    static func negate(_ value: Value) -> Value {
        switch value {
        case .integer(let integer): Value(integer: -integer)
        case .double(let double): .double(-double)
        case .duration(let micros): micros == .min ? .unknown : .duration(-micros)
        default: .unknown
        }
    }

    private static func number(_ value: Value) -> Double? {
        switch value {
        case .integer(let integer): Double(integer)
        case .double(let double): double
        default: nil
        }
    }

    static func arithmetic(_ operation: Expression.Arithmetic, _ left: Value, _ right: Value) -> Value {
        switch (left, right) {
        case (.integer(let a), .integer(let b)) where operation != .divide:
            switch operation {
            case .add: return Value(integer: a + b)
            case .subtract: return Value(integer: a - b)
            case .multiply:
                let (product, overflows) = a.multipliedReportingOverflow(by: b)
                return overflows ? .unknown : Value(integer: product)
            default: return b == 0 ? .unknown : Value(integer: a % b)
            }
        case (.duration(let a), .duration(let b)):
            switch operation {
            case .add: return sum(a, b).map(Value.duration) ?? .unknown
            case .subtract: return difference(a, b).map(Value.duration) ?? .unknown
            case .divide: return b == 0 ? .unknown : Value(double: Double(a) / Double(b))
            default: return .unknown
            }
        case (.time(let a), .time(let b)):
            return operation == .subtract ? difference(a, b).map(Value.duration) ?? .unknown : .unknown
        case (.time(let a), .duration(let b)):
            if operation == .add { return sum(a, b).map(Value.time) ?? .unknown }
            return operation == .subtract ? difference(a, b).map(Value.time) ?? .unknown : .unknown
        case (.duration(let a), .time(let b)):
            return operation == .add ? sum(a, b).map(Value.time) ?? .unknown : .unknown
        default:
            guard let a = number(left), let b = number(right) else { return .unknown }
            switch operation {
            case .add: return Value(double: a + b)
            case .subtract: return Value(double: a - b)
            case .multiply: return Value(double: a * b)
            case .divide: return b == 0 ? .unknown : Value(double: a / b)
            case .remainder: return b == 0 ? .unknown : Value(double: a.truncatingRemainder(dividingBy: b))
            }
        }
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64? {
        let (sum, overflows) = a.addingReportingOverflow(b)
        return overflows ? nil : sum
    }

    private static func difference(_ a: Int64, _ b: Int64) -> Int64? {
        let (difference, overflows) = a.subtractingReportingOverflow(b)
        return overflows ? nil : difference
    }

    /// `*` any run, `?` any one scalar; the whole string.
    static func like(_ text: Substring.UnicodeScalarView, _ pattern: Substring.UnicodeScalarView) -> Bool {
        // reached[i]: the pattern so far covers the first i scalars.
        let scalars = Array(text)
        var reached = [Bool](repeating: false, count: scalars.count + 1)
        reached[0] = true
        for wanted in pattern {
            var next = [Bool](repeating: false, count: scalars.count + 1)
            if wanted == "*" {
                var any = false
                for index in reached.indices {
                    any = any || reached[index]
                    next[index] = any
                }
            } else {
                for index in scalars.indices where reached[index] && (wanted == "?" || wanted == scalars[index]) { next[index + 1] = true }
            }
            reached = next
        }
        return reached[scalars.count]
    }
}
