// What only the whole program tells: names that nothing uses, and types that look like slips of the pen.

internal import Diagnostics
internal import Events

/// What rules are looked at against.
struct ProgramContext {
    /// Types that `event` declares.
    var declared: [String: DeclaredEventType]
    /// All types that are declared or that some rule names, ascending.
    var typeNames: [String]
    /// The field that every stream reads the type from; nil where they differ.
    var typePath: FieldPath?
}

struct ProgramAdvice {
    /// Names that are compared with each other; beyond it slips are not looked for.
    private static let namesMax = 500
    /// Shorter types are one edit apart by chance.
    private static let nearLengthMin = 4

    let rules: [RuleAdvice]
    let declared: [String: DeclaredEventType]
    let streams: [StreamDefinition]
    let globals: [String: Binding]
    let usedGlobals: Set<String>

    /// All advice on a program without errors, in no order.
    func give() -> [Diagnostic] {
        var uses: [String: [Span]] = [:]
        for rule in rules {
            let types = rule.steps.flatMap(\.types) + rule.predicates.flatMap { $0.event.alternatives.map(\.type) }
            for type in types where !type.isAny { uses[type.text, default: []].append(type.span) }
        }
        let names = Set(uses.keys).union(declared.keys).sorted()
        let context = ProgramContext(declared: declared, typeNames: names, typePath: typePath)
        var found = adviseOnTypes(uses)
        for binding in globals.values where !usedGlobals.contains(binding.name.text) {
            found.append(
                Diagnostic(
                    .unusedName, "nothing names the \(binding.isList ? "list" : "`let`") `\(binding.name.text)`", at: binding.name.span,
                    help: "leave it out, or use it: \(binding.isList ? "`x in \(binding.name.text)`" : "`amount > \(binding.name.text)`")"))
        }
        for rule in rules {
            var rule = rule
            found += rule.give(in: context)
        }
        return found
    }

    private var typePath: FieldPath? {
        var paths: Set<FieldPath> = []
        let unnamed = streams.contains { $0.name == nil } ? [] : [StreamDefinition()]
        for stream in streams + unnamed {
            guard case .field(let path) = stream.type else { return nil }
            paths.insert(path)
        }
        return paths.count == 1 ? paths.first : nil
    }

    private func adviseOnTypes(_ uses: [String: [Span]]) -> [Diagnostic] {
        var found: [Diagnostic] = []
        let undeclared = uses.keys.filter { declared[$0] == nil }.sorted()
        var told: Set<String> = []
        if undeclared.count == 1, uses.count > 1, let name = undeclared.first, let span = uses[name]?.first {
            let nearest = NearestName.find(name, among: declared.keys.sorted())
            told.insert(name)
            found.append(
                Diagnostic(
                    .undeclaredType, "all types but `\(name)` are declared", at: span, label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: "mend the name, or declare it: `event \(name) { … }`"))
        }
        let known = uses.keys.sorted()
        guard known.count <= Self.namesMax else { return found }
        for name in known where declared[name] == nil && uses[name]?.count == 1 && !told.contains(name) {
            guard let span = uses[name]?.first, name.utf8.count >= Self.nearLengthMin else { continue }
            let near = Set(known).union(declared.keys).sorted().first { other in
                guard other != name, !told.contains(other), other.utf8.count >= Self.nearLengthMin,
                    NearestName.distance(name, other, atMost: 1) == 1, !Self.differByNumber(name, other)
                else { return false }
                // Of two that are each used once, the later one is told.
                guard declared[other] == nil, let others = uses[other], others.count == 1, let first = others.first else { return true }
                return (first.file, first.lower) < (span.file, span.lower)
            }
            guard let near else { continue }
            told.insert(name)
            let other = declared[near]?.span ?? uses[near]?.first
            found.append(
                Diagnostic(
                    .nearType, "the type `\(name)` stands here only, and is one letter from `\(near)`", at: span,
                    label: "did you mean `\(near)`?", notes: other.map { [.init(span: $0, label: "`\(near)` stands here")] } ?? [],
                    help: "mend the name; where both exist, declare them: `event \(name) { … }`"))
        }
        return found
    }

    /// `stage1` and `stage2` are meant.
    private static func differByNumber(_ a: String, _ b: String) -> Bool {
        let isLetter: (UInt8) -> Bool = { !Lexer.isDigit($0) }
        return a.utf8.filter(isLetter) == b.utf8.filter(isLetter)
    }
}
