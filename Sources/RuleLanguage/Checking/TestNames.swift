internal import Diagnostics

/// What tests may name: rules with the fields of their alerts, file by file, and the types of events.
struct TestNames {
    struct Rule {
        var name: Name
        /// Of its alerts, in the order of the text; nil where they hold a mistake.
        var fields: [String]?
    }

    private(set) var rules: [[String: Rule]] = []
    private(set) var filesWithBrokenRules: Set<Int> = []
    private(set) var filesWithTypes: Set<Int> = []
    /// Types that are declared or that a rule names.
    private(set) var types: Set<String>

    /// - Complexity: O(n) in the declarations.
    init(_ files: [SyntaxFile], declaredTypes: some Sequence<String>) {
        types = Set(declaredTypes)
        for (index, file) in files.enumerated() {
            rules.append([:])
            for declaration in file.declarations {
                switch declaration.kind {
                case .event: filesWithTypes.insert(index)
                case .rule(let rule):
                    if declaration.isBroken { filesWithBrokenRules.insert(index) }
                    add(rule, isBroken: declaration.isBroken, file: index)
                default: break
                }
            }
        }
    }

    private mutating func add(_ rule: RuleSyntax, isBroken: Bool, file: Int) {
        var fields: [String] = []
        for clause in rule.clauses {
            switch clause.kind {
            case .alert(let alert), .onTimeout(let alert):
                for field in alert.fields where !fields.contains(field.name.text) { fields.append(field.name.text) }
            case .match(let pattern, _): add(pattern)
            case .cancel(let event): add(event)
            case .emit(let type, _): types.insert(type.text)
            default: break
            }
        }
        if rules[file][rule.name.text] == nil { rules[file][rule.name.text] = Rule(name: rule.name, fields: isBroken ? nil : fields) }
    }

    private mutating func add(_ pattern: PatternSyntax) {
        for element in pattern.elements {
            for guarding in element.guards { add(guarding.event) }
            add(element.node)
        }
        for guarding in pattern.trailing { add(guarding.event) }
    }

    private mutating func add(_ node: PatternNodeSyntax) {
        switch node {
        case .step(let step):
            for type in step.types where !type.isAny { types.insert(type.text) }
            if let until = step.until { add(until) }
        case .group(let group): add(group.pattern)
        case .anyOf(let nodes, _), .allOf(let nodes, _): for node in nodes { add(node) }
        }
    }

    private mutating func add(_ event: EventSyntax) {
        for alternative in event.alternatives where !alternative.type.isAny { types.insert(alternative.type.text) }
    }

    /// Puts a name where a wrong one stands; nil where it cannot stand there without quotes.
    func fix(_ span: Span, _ name: String) -> Diagnostic.Fix? {
        guard let first = name.utf8.first, first < UInt8(ascii: "0") || first > UInt8(ascii: "9") else { return nil }
        let reserved: Set<String> = ["and", "or", "not", "in", "is", "like", "matches", "true", "false"]
        let isPlain = name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        return isPlain && !reserved.contains(name) ? .init(span: span, replacement: name) : nil
    }

    /// "`a`, `b` and 3 more"
    static func listed(_ names: [String]) -> String {
        let shown = names.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }
}
