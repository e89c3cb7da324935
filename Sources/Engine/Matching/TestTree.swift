internal import Events

/// The tests of a program as trees of conditions, so that a condition that many tests begin with is asked once. Equality of one column
/// with several texts is one look-up, however many texts there are.
///
/// Each type has a tree; tests of any type have one of their own.
struct TestTree {
    struct Node {
        /// What rows must satisfy to come here from the parent; nil at a root.
        var condition: Condition?
        /// Its place among the lists of rows that tests have found, or -1 where no test ends here.
        var result = -1
        var children: [Int] = []
        var branches: [Branch] = []
        /// Rules that ask for anything here or below, for what goes wrong on the way.
        var rules: [Int] = []
    }

    struct Condition {
        var conjunct: Conjunct
        /// The constant that it compares with.
        var bound: Scalar
    }

    /// Children that differ in the text that a column equals.
    struct Branch {
        var column: Int
        var texts: TextIndex
        /// Of each text: its node.
        var targets: [Int]
        var rules: [Int]
    }

    /// A bit to be set for the rows of a result.
    struct Use {
        var result: Int
        /// The rule's group, then its rank, as one number: the order in which ``Matcher`` wants the masks of an event.
        var order: Int
        var rule: UInt32
        var bit: UInt64
    }

    private(set) var nodes: [Node] = []
    /// Of each type id its root, or -1; the last is that of tests of any type.
    private(set) var roots: [Int]
    /// Ascending by order.
    private(set) var uses: [Use] = []
    private(set) var resultCount = 0
    /// Most conditions from a root to a leaf.
    private(set) var depth = 0

    /// Tests that many rules share have fewer branches this way than a column each.
    private static let branchMin = 2

    init(_ program: Program, constants: UnsafePointer<Scalar>) {
        roots = [Int](repeating: -1, count: program.types.count + 2)
        let places = Dictionary(program.constants.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        var orders = [Int](repeating: 0, count: program.rules.count)
        for (index, rule) in program.groups.flatMap(\.rules).enumerated() { orders[rule] = index }

        var frequency: [Conjunct: Int] = [:]
        var columnFrequency: [Int: Int] = [:]
        for conjunct in program.predicates.flatMap(\.conjuncts) {
            frequency[conjunct, default: 0] += 1
            if let column = TestTree.textEquality(conjunct) { columnFrequency[column, default: 0] += 1 }
        }
        var childIndex: [[Conjunct: Int]] = []
        for test in program.predicates {
            let conjuncts = TestTree.ordered(test.conjuncts, frequency, columnFrequency)
            depth = max(depth, conjuncts.count)
            for type in test.types ?? [program.types.count + 1] {
                if roots[type] < 0 { roots[type] = add(nil, &childIndex) }
                var node = roots[type]
                note(test, in: node)
                for conjunct in conjuncts {
                    if let child = childIndex[node][conjunct] {
                        node = child
                    } else {
                        var bound = Scalar.unknown
                        if case .compare(_, _, let constant) = conjunct, let place = places[constant] { bound = constants[place] }
                        let child = add(Condition(conjunct: conjunct, bound: bound), &childIndex)
                        childIndex[node][conjunct] = child
                        nodes[node].children.append(child)
                        node = child
                    }
                    note(test, in: node)
                }
                if nodes[node].result < 0 {
                    nodes[node].result = resultCount
                    resultCount += 1
                }
                for use in test.uses {
                    uses.append(
                        Use(result: nodes[node].result, order: orders[use.rule], rule: UInt32(use.rule), bit: 1 << UInt64(use.bit)))
                }
            }
        }
        uses.sort { $0.order < $1.order }
        for index in nodes.indices { makeBranches(of: index) }
    }

    private mutating func add(_ condition: Condition?, _ childIndex: inout [[Conjunct: Int]]) -> Int {
        nodes.append(Node(condition: condition))
        childIndex.append([:])
        return nodes.count - 1
    }

    private mutating func note(_ test: EventTest, in node: Int) {
        for use in test.uses where !nodes[node].rules.contains(use.rule) { nodes[node].rules.append(use.rule) }
    }

    /// Equalities first, since they branch; then what most tests share; code last, since it is dear.
    private static func ordered(_ conjuncts: [Conjunct], _ frequency: [Conjunct: Int], _ columns: [Int: Int]) -> [Conjunct] {
        func rank(_ conjunct: Conjunct) -> (Int, Int) {
            if let column = textEquality(conjunct) { return (0, -columns[column, default: 0]) }
            if case .compare = conjunct { return (1, -frequency[conjunct, default: 0]) }
            return (2, 0)
        }
        return conjuncts.enumerated().sorted { left, right in
            let (a, b) = (rank(left.element), rank(right.element))
            return a != b ? a < b : left.offset < right.offset
        }.map(\.element)
    }

    /// The column of `column == "text"`.
    private static func textEquality(_ conjunct: Conjunct) -> Int? {
        guard case .compare(let column, .equal, .string) = conjunct else { return nil }
        return column
    }

    private mutating func makeBranches(of index: Int) {
        var byColumn: [Int: [Int]] = [:]
        for child in nodes[index].children {
            guard let condition = nodes[child].condition, let column = TestTree.textEquality(condition.conjunct) else { continue }
            byColumn[column, default: []].append(child)
        }
        for (column, children) in byColumn.sorted(by: { $0.key < $1.key }) where children.count >= TestTree.branchMin {
            let texts = children.map { child -> [UInt8] in
                if case .compare(_, _, .string(let text))? = nodes[child].condition?.conjunct { text } else { [] }
            }
            var rules: Set<Int> = []
            for child in children { rules.formUnion(nodes[child].rules) }
            nodes[index].branches.append(Branch(column: column, texts: TextIndex(texts), targets: children, rules: rules.sorted()))
            nodes[index].children.removeAll { children.contains($0) }
        }
    }
}
