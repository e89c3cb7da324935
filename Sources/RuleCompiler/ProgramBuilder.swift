internal import Engine
internal import Events
internal import RuleLanguage

/// The tables that all rules of a program share while they are compiled: columns, types, constants and code, each thing once.
struct ProgramBuilder {
    private(set) var columns: [FieldPath] = []
    private(set) var types: [String] = []
    private(set) var tests: [EventTest] = []
    private(set) var code: [Instruction] = []
    private(set) var constants: [Constant] = []
    private(set) var constantLists: [IndexRange] = []
    private(set) var typeSets: [[Int]] = []
    private(set) var patterns: [String] = []

    private var columnIndex: [FieldPath: Int] = [:]
    private var typeIndex: [String: Int] = [:]
    private var constantIndex: [Constant: Int] = [:]
    private var codeIndex: [[UInt64]: CodeRange] = [:]
    private var testIndex: [TestKey: Int] = [:]

    private struct TestKey: Hashable {
        var types: [Int]?
        var conjuncts: [Conjunct]
    }

    mutating func column(_ path: FieldPath) -> Int {
        if let index = columnIndex[path] { return index }
        columns.append(path)
        columnIndex[path] = columns.count - 1
        return columns.count - 1
    }

    /// Type ids, ascending; nil for any type.
    mutating func typeIdentifiers(_ set: TypeSet) -> [Int]? {
        guard case .named(let names) = set else { return nil }
        return Array(Set(names.map { name in
            if let index = typeIndex[name] { return index }
            types.append(name)
            typeIndex[name] = types.count
            return types.count
        })).sorted()
    }

    mutating func typeSet(_ identifiers: [Int]) -> Int {
        if let index = typeSets.firstIndex(of: identifiers) { return index }
        typeSets.append(identifiers)
        return typeSets.count - 1
    }

    mutating func constant(_ constant: Constant) -> Int {
        if let index = constantIndex[constant] { return index }
        constants.append(constant)
        constantIndex[constant] = constants.count - 1
        return constants.count - 1
    }

    mutating func constantList(_ list: [Constant]) -> Int {
        constantLists.append(IndexRange(start: constants.count, count: list.count))
        constants += list
        return constantLists.count - 1
    }

    mutating func pattern(_ pattern: String) -> Int {
        if let index = patterns.firstIndex(of: pattern) { return index }
        patterns.append(pattern)
        return patterns.count - 1
    }

    /// Puts code into the table, once for each distinct sequence.
    mutating func place(_ instructions: [Instruction]) -> CodeRange {
        let key = instructions.map { UInt64($0.opcode.rawValue) << 48 | UInt64($0.a) << 32 | UInt64($0.b) }
        if let range = codeIndex[key] { return range }
        let range = CodeRange(start: code.count, count: instructions.count)
        code += instructions
        codeIndex[key] = range
        return range
    }

    /// Asks for a test of single events to set a bit of a rule's mask; rules that ask the same share the test.
    mutating func test(types: [Int]?, conjuncts: [Conjunct], use: EventTest.Use) {
        let key = TestKey(types: types, conjuncts: conjuncts)
        if let index = testIndex[key] {
            if !tests[index].uses.contains(where: { $0.rule == use.rule && $0.bit == use.bit }) { tests[index].uses.append(use) }
        } else {
            testIndex[key] = tests.count
            tests.append(EventTest(types: types, conjuncts: conjuncts, uses: [use]))
        }
    }

    static func constant(of value: Value) -> Constant {
        switch value {
        case .unknown, .object, .list: .unknown
        case .boolean(let value): .boolean(value)
        case .integer(let value):
            if let small = Int64(exactly: value) { .integer(small) } else if let large = UInt64(exactly: value) { .unsigned(large) } else { .unknown }
        case .double(let value): .double(value.bitPattern)
        case .string(let value): .string(Array(value.utf8))
        case .duration(let value): .duration(value)
        case .time(let value): .time(value)
        }
    }
}
