internal import Events
internal import CXXHash
internal import Glibc

/// Tests the events of a batch, one distinct test after another over columns, and gives each event the masks of the rules that it
/// concerns. An event with no mask never reaches keyed state.
///
/// - Complexity: a test costs only on rows of its types, and each further conjunct only on rows that passed the one before.
public final class EventTester {
    private let program: Program
    private let tables: ProgramTables
    private let evaluator: Evaluator
    private let typeIndex: TypeIndex
    /// Of each rule: its group, then its rank, as one number: the order in which ``Matcher`` wants the masks of an event.
    private let ruleOrder: [UInt32]

    /// Of each conjunct of each test: the constant that it compares with.
    private let bounds: [[Scalar]]

    /// A type id a row.
    public private(set) var types: UnsafeMutablePointer<UInt16>
    private var rowCapacity = 0
    private var rowsByType: UnsafeMutablePointer<UInt32>
    private var typeStarts: [Int]
    private var selected: UnsafeMutablePointer<UInt32>
    private var found: [Found] = []

    /// Masks of all rows, those of a row side by side.
    public private(set) var masks: [RuleMask] = []
    /// Of each row with masks, in the order of rows: the row, and where its masks are.
    public private(set) var rows: [TestedRow] = []
    /// What went wrong in conditions, a rule.
    public private(set) var counters: [RuleCounters]

    /// Values that broke the declaration of their type.
    public private(set) var brokenFields: UInt64 = 0

    private struct Found {
        var row: UInt32
        var order: UInt32
        var rule: UInt32
        var bit: UInt64
    }

    public struct TestedRow {
        public var row: UInt32
        public var firstMask: UInt32
        public var maskCount: UInt32
        public var type: UInt16
    }

    public init(program: Program) {
        self.program = program
        let tables = ProgramTables(program)
        self.tables = tables
        evaluator = Evaluator(tables: tables)
        let places = Dictionary(program.constants.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        bounds = program.predicates.map { test in
            test.conjuncts.map { conjunct in
                guard case .compare(_, _, let constant) = conjunct, let place = places[constant] else { return .unknown }
                return tables.constants[place]
            }
        }
        typeIndex = TypeIndex(program.types)
        var order = [UInt32](repeating: 0, count: program.rules.count)
        var next: UInt32 = 0
        for group in program.groups {
            for rule in group.rules {
                order[rule] = next
                next += 1
            }
        }
        ruleOrder = order
        types = .allocate(capacity: 1)
        rowsByType = .allocate(capacity: 1)
        selected = .allocate(capacity: 1)
        typeStarts = [Int](repeating: 0, count: program.types.count + 2)
        counters = [RuleCounters](repeating: RuleCounters(), count: program.rules.count)
    }

    deinit {
        types.deallocate()
        rowsByType.deallocate()
        selected.deallocate()
    }

    /// Tests the rows that `excluded` does not name; `typeColumn` is where the batch holds the event's type, `timeColumn` the column that
    /// is the events' own time, or -1. Values that break the declaration of their type are made unknown in the batch.
    public func test(
        _ view: BatchView, count: Int, typeColumn: Int, timeColumn: Int = -1, excluded: UnsafePointer<Bool>?
    ) {
        rows.removeAll(keepingCapacity: true)
        masks.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
        guard count > 0 else { return }
        reserve(count)
        assignTypes(view, count: count, typeColumn: typeColumn)
        let included = groupRows(count: count, excluded: excluded)
        for declaration in program.declarations {
            let rows = UnsafeBufferPointer(
                start: rowsByType + typeStarts[declaration.type], count: typeStarts[declaration.type + 1] - typeStarts[declaration.type])
            brokenFields &+= declaration.enforce(on: rows, of: view, isEventTime: declaration.column == timeColumn)
        }
        for index in program.predicates.indices { run(index, view: view, included: included) }
        collect(count: count)
    }

    private func reserve(_ count: Int) {
        guard count > rowCapacity else { return }
        rowCapacity = max(count, rowCapacity * 2)
        types.deallocate()
        rowsByType.deallocate()
        selected.deallocate()
        types = .allocate(capacity: rowCapacity)
        rowsByType = .allocate(capacity: rowCapacity)
        selected = .allocate(capacity: rowCapacity)
    }

    private func assignTypes(_ view: BatchView, count: Int, typeColumn: Int) {
        for row in 0..<count {
            let value = view.value(column: typeColumn, row: row)
            types[row] = value.kind == ValueKind.string ? UInt16(typeIndex.identifier(value.address, Int(value.length))) : 0
        }
    }

    /// Sorts the rows by type, each type's in order; gives how many there are.
    private func groupRows(count: Int, excluded: UnsafePointer<Bool>?) -> Int {
        let typeCount = program.types.count + 1
        for index in 0...typeCount { typeStarts[index] = 0 }
        var included = 0
        for row in 0..<count where excluded.map({ !$0[row] }) ?? true {
            typeStarts[Int(types[row]) + 1] += 1
            included += 1
        }
        for index in 1...typeCount { typeStarts[index] += typeStarts[index - 1] }
        var next = typeStarts
        for row in 0..<count where excluded.map({ !$0[row] }) ?? true {
            let type = Int(types[row])
            rowsByType[next[type]] = UInt32(row)
            next[type] += 1
        }
        return included
    }

    private func run(_ index: Int, view: BatchView, included: Int) {
        if let wanted = program.predicates[index].types {
            for type in wanted { run(index, view: view, from: typeStarts[type], to: typeStarts[type + 1]) }
        } else {
            run(index, view: view, from: 0, to: included)
        }
    }

    private func run(_ index: Int, view: BatchView, from start: Int, to end: Int) {
        guard start < end else { return }
        let test = program.predicates[index]
        var source = UnsafePointer(rowsByType + start)
        var count = end - start
        evaluator.typeMismatches = 0
        evaluator.regexLimitHits = 0
        for place in test.conjuncts.indices {
            count = filter(test.conjuncts[place], bound: bounds[index][place], view: view, source, count)
            source = UnsafePointer(selected)
            if count == 0 { break }
        }
        if evaluator.typeMismatches > 0 || evaluator.regexLimitHits > 0 {
            for use in test.uses {
                counters[use.rule].typeMismatches &+= evaluator.typeMismatches
                counters[use.rule].regexLimitHits &+= evaluator.regexLimitHits
            }
        }
        for index in 0..<count {
            let row = source[index]
            for use in test.uses {
                found.append(
                    Found(row: row, order: ruleOrder[use.rule], rule: UInt32(use.rule), bit: 1 << UInt64(use.bit)))
            }
        }
    }

    /// Keeps the rows that satisfy a conjunct, in `selected`; gives how many.
    private func filter(
        _ conjunct: Conjunct, bound: Scalar, view: BatchView, _ source: UnsafePointer<UInt32>, _ count: Int
    ) -> Int {
        switch conjunct {
        case .compare(let column, let relation, _):
            // Numbers against doubles and small integers compare as doubles, without a branch on the kind of the constant.
            if bound.kind == ValueKind.double || (bound.kind == ValueKind.integer && abs(bound.nearestDouble) < 9e15) {
                return filterNumbers(view, column, relation, bound, source, count)
            }
            return filterAny(view, column, relation, bound, source, count)
        case .code(let range):
            var kept = 0
            evaluator.hasRow = true
            for index in 0..<count {
                let row = Int(source[index])
                evaluator.row = EventRow(view: view, row: row, time: view.times[row], arrival: 0, type: Int(types[row]))
                evaluator.now = view.times[row]
                evaluator.arena.reset()
                if evaluator.isTrue(range) {
                    selected[kept] = UInt32(row)
                    kept += 1
                }
            }
            return kept
        }
    }

    private func filterNumbers(
        _ view: BatchView, _ column: Int, _ relation: Conjunct.Relation, _ bound: Scalar, _ source: UnsafePointer<UInt32>, _ count: Int
    ) -> Int {
        let kinds = view.kinds + column * view.rowCapacity
        let payloads = view.payloads + column * view.rowCapacity
        let limit = bound.nearestDouble
        var kept = 0
        for index in 0..<count {
            let row = Int(source[index])
            let kind = kinds[row]
            let passes: Bool
            if kind == ValueKind.double {
                passes = EventTester.holds(relation, Double(bitPattern: payloads[row]), limit)
            } else if kind == ValueKind.unknown {
                passes = false
            } else {
                passes = holdsSlowly(relation, Scalar(kind: kind, bits: payloads[row]), bound)
            }
            selected[kept] = UInt32(row)
            kept += passes ? 1 : 0
        }
        return kept
    }

    @inline(__always)
    private static func holds(_ relation: Conjunct.Relation, _ value: Double, _ limit: Double) -> Bool {
        switch relation {
        case .equal: value == limit
        case .notEqual: value != limit
        case .less: value < limit
        case .lessOrEqual: value <= limit
        case .greater: value > limit
        case .greaterOrEqual: value >= limit
        }
    }

    private func filterAny(
        _ view: BatchView, _ column: Int, _ relation: Conjunct.Relation, _ bound: Scalar, _ source: UnsafePointer<UInt32>, _ count: Int
    ) -> Int {
        var kept = 0
        for index in 0..<count {
            let row = source[index]
            let value = view.value(column: column, row: Int(row))
            let passes = value.isUnknown ? false : holdsSlowly(relation, value, bound)
            selected[kept] = row
            kept += passes ? 1 : 0
        }
        return kept
    }

    private func holdsSlowly(_ relation: Conjunct.Relation, _ value: Scalar, _ bound: Scalar) -> Bool {
        guard let order = compareScalars(value, bound) else {
            evaluator.typeMismatches &+= 1
            return false
        }
        switch relation {
        case .equal: return order == 0
        case .notEqual: return order != 0
        default: break
        }
        guard bound.kind != ValueKind.boolean else {
            evaluator.typeMismatches &+= 1
            return false
        }
        switch relation {
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        default: return order >= 0
        }
    }

    /// Brings what was found into the order of rows, and of groups and ranks within a row; bits of one rule become one mask.
    private func collect(count: Int) {
        guard !found.isEmpty else { return }
        if found.count > 1 {
            found.sort { $0.row != $1.row ? $0.row < $1.row : $0.order < $1.order }
        }
        var index = 0
        while index < found.count {
            let row = found[index].row
            let firstMask = masks.count
            while index < found.count && found[index].row == row {
                let rule = found[index].rule
                var bits = found[index].bit
                index += 1
                while index < found.count && found[index].row == row && found[index].rule == rule {
                    bits |= found[index].bit
                    index += 1
                }
                masks.append(RuleMask(rule: rule, bits: bits))
            }
            rows.append(
                TestedRow(
                    row: row, firstMask: UInt32(firstMask), maskCount: UInt32(masks.count - firstMask), type: types[Int(row)]))
        }
    }
}

/// Type names to ids: open addressing over their bytes.
final class TypeIndex {
    private let slots: UnsafeMutablePointer<Int32>
    private let mask: Int
    private var names: [UnsafeMutableBufferPointer<UInt8>] = []

    init(_ types: [String]) {
        var capacity = 16
        while capacity < types.count * 4 { capacity *= 2 }
        mask = capacity - 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        for (index, type) in types.enumerated() {
            let bytes = Array(type.utf8)
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
            _ = memory.initialize(from: bytes)
            names.append(UnsafeMutableBufferPointer(start: memory.baseAddress, count: bytes.count))
            var place = Int(truncatingIfNeeded: nt_hash64(memory.baseAddress, bytes.count, 0)) & mask
            while slots[place] != 0 { place = (place + 1) & mask }
            slots[place] = Int32(index + 1)
        }
    }

    deinit {
        slots.deallocate()
        for name in names { name.baseAddress?.deallocate() }
    }

    /// 0 where no rule names the type.
    @inline(__always)
    func identifier(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var place = Int(truncatingIfNeeded: nt_hash64(bytes, count, 0)) & mask
        while slots[place] != 0 {
            let identifier = Int(slots[place])
            let name = names[identifier - 1]
            if name.count == count, let start = name.baseAddress, memcmp(start, bytes, count) == 0 { return identifier }
            place = (place + 1) & mask
        }
        return 0
    }
}
