internal import Engine
internal import Events
internal import RuleLanguage

/// The registers of a rule's thread records: found by a walk over all its expressions, then laid out behind the record's fixed part,
/// widest first.
struct RegisterPlan {
    struct Need: Hashable {
        var kind: AggregateRegister.Kind
        var step: Int
        var column: Int
    }

    private var needs: [Need] = []
    private var seen: Set<Need> = []
    /// Columns that captured events must keep.
    private(set) var capturedColumns: Set<Int> = []
    private(set) var offsets: [Need: Int] = [:]

    /// Notes what an expression asks of earlier captures.
    mutating func collect(_ expression: Expression, builder: inout ProgramBuilder) {
        switch expression {
        case .captured(let step, let path):
            need(.last, step, -1)
            capturedColumns.insert(builder.column(path))
        case .capturedTime(let step): need(.last, step, -1)
        case .edgeField(let edge, let step, let path):
            need(edge == .first ? .first : .last, step, -1)
            capturedColumns.insert(builder.column(path))
        case .edgeTime(let edge, let step): need(edge == .first ? .first : .last, step, -1)
        case .aggregate(let aggregate, let step, let path):
            let column = path.map { builder.column($0) } ?? -1
            for kind in RegisterPlan.kinds(of: aggregate) {
                need(kind, step, column)
                if (kind.isReference || kind == .distinct) && column >= 0 { capturedColumns.insert(column) }
            }
        default: break
        }
        for child in expression.children { collect(child, builder: &builder) }
    }

    /// Notes the fields that an alert reads of the last event captured.
    mutating func collectAlert(_ expression: Expression, builder: inout ProgramBuilder) {
        if case .field(let path) = expression { capturedColumns.insert(builder.column(path)) }
        for child in expression.children { collectAlert(child, builder: &builder) }
    }

    static func kinds(of aggregate: Expression.Aggregate) -> [AggregateRegister.Kind] {
        switch aggregate {
        case .count: [.count]
        case .sum, .avg: [.sum]
        case .stddev: [.sum, .sumOfSquares]
        case .min: [.minimum]
        case .max: [.maximum]
        case .first: [.first]
        case .last: [.last]
        case .distinct, .values: [.distinct]
        }
    }

    private mutating func need(_ kind: AggregateRegister.Kind, _ step: Int, _ column: Int) {
        let need = Need(kind: kind, step: step, column: column)
        if seen.insert(need).inserted { needs.append(need) }
    }

    func offset(_ kind: AggregateRegister.Kind, step: Int, column: Int) -> Int {
        offsets[Need(kind: kind, step: step, column: column)] ?? 0
    }

    /// Lays the registers out: those of the automaton first, as the builder asks for them, then the aggregates. Their order does not depend
    /// on where the rule asks for them, so that the words of an alert can be turned round while the rule's state stays.
    mutating func layOut(automatonBytes: Int, columns: [FieldPath]) -> (RecordLayout, [AggregateRegister]) {
        let names = columns.map(\.description)
        func precedes(_ left: Need, _ right: Need) -> Bool {
            if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
            if left.step != right.step { return left.step < right.step }
            if left.column < 0 || right.column < 0 { return left.column < right.column }
            return names[left.column] < names[right.column]
        }
        needs.sort(by: precedes)
        var next = (RecordLayout.fixedSize + automatonBytes + 7) & ~7
        var registers: [AggregateRegister] = []
        for need in needs where !need.kind.isReference {
            offsets[need] = next
            registers.append(AggregateRegister(kind: need.kind, step: need.step, column: need.column, offset: next))
            next += need.kind.size
        }
        var references: [Int] = []
        for need in needs where need.kind.isReference {
            offsets[need] = next
            references.append(next)
            registers.append(AggregateRegister(kind: need.kind, step: need.step, column: need.column, offset: next))
            next += need.kind.size
        }
        return (RecordLayout(size: (next + 7) & ~7, references: references), registers)
    }
}

extension Expression {
    /// The expressions directly inside.
    var children: [Expression] {
        switch self {
        case .constant, .field, .key, .eventTime, .captured, .capturedTime, .aggregate, .edgeField, .edgeTime: []
        case .not(let a), .negate(let a), .isMissing(let a), .like(let a, _), .matches(let a, _): [a]
        case .and(let list), .or(let list), .list(let list), .call(_, let list): list
        case .compare(_, let a, let b), .arithmetic(_, let a, let b), .coalesce(let a, let b), .isInField(let a, let b): [a, b]
        case .isIn(let a, let list): [a] + list
        }
    }

    /// Whether it looks at the event at hand alone.
    var isEventOnly: Bool {
        switch self {
        case .captured, .capturedTime, .aggregate, .edgeField, .edgeTime, .key: false
        default: children.allSatisfy(\.isEventOnly)
        }
    }
}
