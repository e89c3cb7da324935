internal import Events
internal import Glibc

/// Tests the events of a batch, one distinct condition after another over columns, and gives each event the masks of the rules that it
/// concerns. An event with no mask never reaches keyed state.
///
/// - Complexity: a condition costs only on rows of its types that passed the conditions before it; equality of a column with any number
///   of texts costs as one condition.
public final class EventTester {
    private let program: Program
    let tables: ProgramTables
    let evaluator: Evaluator
    private let typeIndex: TextIndex
    private let tree: TestTree

    /// A type id a row.
    public private(set) var types: UnsafeMutablePointer<UInt16>
    private var rowCapacity = 0
    private var rowsByType: UnsafeMutablePointer<UInt32>
    private var typeStarts: [Int]

    /// Lists of rows on the way down a tree, each behind that of its parent.
    var passed: UnsafeMutablePointer<UInt32>
    /// Of each row of a list that branches: the text's place.
    private var chosen: UnsafeMutablePointer<UInt32>
    /// Of each branch on the way down a tree: where the lists of its texts end.
    private let branchEnds: UnsafeMutablePointer<Int>
    private var branchTop = 0
    /// Of each result: where its rows are in `found`.
    private var resultRanges: [(start: Int, count: Int)]
    private var found: RowList
    /// Of each row: how many masks it may have, then where the next one goes, and where its first is.
    private var places: UnsafeMutablePointer<UInt32>
    private var starts: UnsafeMutablePointer<UInt32>

    /// Masks of all rows, those of a row side by side; between those of two rows some may mean nothing.
    public private(set) var masks: [RuleMask] = []
    /// Of each row with masks, in the order of rows: the row, and where its masks are.
    public private(set) var rows: [TestedRow] = []
    /// What went wrong in conditions, a rule.
    public private(set) var counters: [RuleCounters]

    /// Values that broke the declaration of their type.
    public private(set) var brokenFields: UInt64 = 0

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
        typeIndex = TextIndex(program.types.map { Array($0.utf8) })
        tree = TestTree(program, constants: tables.constants)
        types = .allocate(capacity: 1)
        rowsByType = .allocate(capacity: 1)
        passed = .allocate(capacity: 1)
        chosen = .allocate(capacity: 1)
        places = .allocate(capacity: 1)
        found = RowList()
        let textsMax = tree.nodes.reduce(0) { most, node in node.branches.reduce(most) { max($0, $1.targets.count) } }
        branchEnds = .allocate(capacity: (textsMax + 1) * (tree.depth + 1))
        starts = .allocate(capacity: 1)
        resultRanges = [(Int, Int)](repeating: (0, 0), count: tree.resultCount)
        typeStarts = [Int](repeating: 0, count: program.types.count + 2)
        counters = [RuleCounters](repeating: RuleCounters(), count: program.rules.count)
    }

    deinit {
        types.deallocate()
        rowsByType.deallocate()
        passed.deallocate()
        chosen.deallocate()
        places.deallocate()
        starts.deallocate()
        branchEnds.deallocate()
    }

    /// Tests the rows that `excluded` does not name; `typeColumn` is where the batch holds the event's type, `timeColumn` the column that
    /// is the events' own time, or -1. Values that break the declaration of their type are made unknown in the batch.
    public func test(
        _ view: BatchView, count: Int, typeColumn: Int, timeColumn: Int = -1, excluded: UnsafePointer<Bool>?
    ) {
        rows.removeAll(keepingCapacity: true)
        masks.removeAll(keepingCapacity: true)
        guard count > 0 else { return }
        reserve(count)
        assignTypes(view, count: count, typeColumn: typeColumn)
        let included = groupRows(count: count, excluded: excluded)
        for declaration in program.declarations {
            let rows = UnsafeBufferPointer(
                start: rowsByType + typeStarts[declaration.type], count: typeStarts[declaration.type + 1] - typeStarts[declaration.type])
            brokenFields &+= declaration.enforce(on: rows, of: view, isEventTime: declaration.column == timeColumn)
        }
        found.removeAll()
        for result in resultRanges.indices { resultRanges[result].count = 0 }
        for type in tree.roots.indices where tree.roots[type] >= 0 {
            let isAny = type == tree.roots.count - 1
            let start = isAny ? 0 : typeStarts[type], end = isAny ? included : typeStarts[type + 1]
            if start < end { visit(tree.roots[type], view, UnsafePointer(rowsByType + start), end - start, top: 0) }
        }
        collect(count: count)
    }

    private func reserve(_ count: Int) {
        guard count > rowCapacity else { return }
        rowCapacity = max(count, rowCapacity * 2)
        types.deallocate()
        rowsByType.deallocate()
        passed.deallocate()
        chosen.deallocate()
        places.deallocate()
        starts.deallocate()
        types = .allocate(capacity: rowCapacity)
        rowsByType = .allocate(capacity: rowCapacity)
        // A list is never longer than its parent's; a branch's lists lie behind the whole of it.
        passed = .allocate(capacity: rowCapacity * (tree.depth + 1))
        chosen = .allocate(capacity: rowCapacity)
        places = .allocate(capacity: rowCapacity)
        starts = .allocate(capacity: rowCapacity)
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

    // MARK: - Down the trees

    /// Notes the rows that have come to a node, and sends them on to its children; lists from `top` on are free.
    private func visit(_ index: Int, _ view: BatchView, _ source: UnsafePointer<UInt32>, _ count: Int, top: Int) {
        let result = tree.nodes[index].result
        if result >= 0 { resultRanges[result] = (found.append(source, count), count) }
        for child in tree.nodes[index].children {
            guard let condition = tree.nodes[child].condition else { continue }
            let kept = filter(condition, view, source, count, into: passed + top)
            note(mistakesFor: tree.nodes[child].rules)
            if kept > 0 { visit(child, view, UnsafePointer(passed + top), kept, top: top + kept) }
        }
        for branch in tree.nodes[index].branches.indices { visit(tree.nodes[index].branches[branch], view, source, count, top: top) }
    }

    /// Sends each row to the node of the text that its column has, if that is one of the branch's.
    private func visit(_ branch: TestTree.Branch, _ view: BatchView, _ source: UnsafePointer<UInt32>, _ count: Int, top: Int) {
        let targets = branch.targets.count
        // Of each text, and of none at 0: how many rows, then where its list begins, then where it ends.
        let ends = branchEnds + branchTop
        branchTop += targets + 1
        defer { branchTop -= targets + 1 }
        ends.update(repeating: 0, count: targets + 1)
        for index in 0..<count {
            let value = view.value(column: branch.column, row: Int(source[index]))
            var text = 0
            if value.kind == ValueKind.string {
                text = branch.texts.identifier(value.address, Int(value.length))
            } else if !value.isUnknown {
                evaluator.typeMismatches &+= 1
            }
            chosen[index] = UInt32(text)
            ends[text] += 1
        }
        note(mistakesFor: branch.rules)
        var next = top
        for text in 1...targets {
            let rows = ends[text]
            ends[text] = next
            next += rows
        }
        for index in 0..<count where chosen[index] > 0 {
            let text = Int(chosen[index])
            passed[ends[text]] = source[index]
            ends[text] += 1
        }
        var start = top
        for text in 1...targets {
            let end = ends[text]
            if end > start { visit(branch.targets[text - 1], view, UnsafePointer(passed + start), end - start, top: next) }
            start = end
        }
    }

    /// Operands whose types did not go together, and searches that were given up, count in every rule that asked.
    private func note(mistakesFor rules: [Int]) {
        guard evaluator.typeMismatches > 0 || evaluator.regexLimitHits > 0 else { return }
        for rule in rules {
            counters[rule].typeMismatches &+= evaluator.typeMismatches
            counters[rule].regexLimitHits &+= evaluator.regexLimitHits
        }
        evaluator.typeMismatches = 0
        evaluator.regexLimitHits = 0
    }

    // MARK: - From results to masks

    /// Brings what was found into the order of rows, and of groups and ranks within a row; bits of one rule become one mask. The uses
    /// are in the order of groups and ranks, so each row's masks come in theirs, and nothing is sorted.
    private func collect(count: Int) {
        places.update(repeating: 0, count: count)
        for use in tree.uses {
            let range = resultRanges[use.result]
            for index in 0..<range.count { places[Int(found.rows[range.start + index])] += 1 }
        }
        var total: UInt32 = 0
        for row in 0..<count {
            let most = places[row]
            places[row] = total
            starts[row] = total
            if most > 0 { rows.append(TestedRow(row: UInt32(row), firstMask: total, maskCount: 0, type: types[row])) }
            total += most
        }
        guard total > 0 else { return }
        masks.append(contentsOf: repeatElement(RuleMask(rule: 0, bits: 0), count: Int(total)))
        masks.withUnsafeMutableBufferPointer { masks in
            guard let masks = masks.baseAddress else { return }
            for use in tree.uses {
                let range = resultRanges[use.result]
                for index in 0..<range.count {
                    let row = Int(found.rows[range.start + index])
                    let place = Int(places[row])
                    if place > starts[row], masks[place - 1].rule == use.rule {
                        masks[place - 1].bits |= use.bit
                    } else {
                        masks[place] = RuleMask(rule: use.rule, bits: use.bit)
                        places[row] += 1
                    }
                }
            }
        }
        for index in rows.indices {
            let row = Int(rows[index].row)
            rows[index].maskCount = places[row] - starts[row]
        }
    }
}

/// Rows that tests have found, list behind list.
struct RowList: ~Copyable {
    private(set) var rows: UnsafeMutablePointer<UInt32>
    private var capacity = 1024
    private var count = 0

    init() {
        rows = .allocate(capacity: capacity)
    }

    deinit {
        rows.deallocate()
    }

    mutating func removeAll() {
        count = 0
    }

    /// Appends a list; gives where it begins.
    mutating func append(_ list: UnsafePointer<UInt32>, _ length: Int) -> Int {
        if count + length > capacity {
            capacity = max(capacity * 2, count + length)
            let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
            larger.update(from: rows, count: count)
            rows.deallocate()
            rows = larger
        }
        (rows + count).update(from: list, count: length)
        count += length
        return count - length
    }
}
