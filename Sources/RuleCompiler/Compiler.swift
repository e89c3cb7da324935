public import Engine
internal import Events
public import RuleLanguage

/// Compiles checked rules to one program for the engine.
///
/// - Throws: ``CompileFailure`` for the first rule that the engine cannot run.
public func compile(_ checked: CheckedProgram) throws(CompileFailure) -> Program {
    var builder = ProgramBuilder()
    var compiled: [CompiledRule] = []
    for (rank, rule) in checked.rules.enumerated() {
        do {
            var compiler = RuleCompiler(rule, rank: rank)
            compiled.append(try compiler.compile(&builder))
        } catch {
            throw CompileFailure(rule: rank, reason: error)
        }
        // Rules of an event and event types are numbered in 16 bits.
        guard rank < programMax, builder.types.count < programMax else { throw CompileFailure(rule: rank, reason: .programTooLarge) }
    }
    let declarations = declarations(checked.eventTypes, &builder)
    return Program(
        columns: builder.columns, types: builder.types, predicates: builder.tests, groups: groups(compiled), rules: compiled.map(\.program),
        code: builder.code, constants: builder.constants, constantLists: builder.constantLists, typeSets: builder.typeSets,
        patterns: builder.patterns, declarations: declarations)
}

/// What declared types demand of the columns that rules read.
private func declarations(_ types: [EventType], _ builder: inout ProgramBuilder) -> [ColumnDeclaration] {
    var declarations: [ColumnDeclaration] = []
    for type in types {
        for field in type.fields where field.type != .any {
            guard let column = builder.columns.firstIndex(of: field.path),
                let identifier = builder.typeIdentifiers(.named([type.name]))?.first
            else { continue }
            let kinds: [UInt8] =
                switch field.type {
                case .string: [ValueKind.string]
                case .number: [ValueKind.integer, ValueKind.unsigned, ValueKind.double]
                case .boolean: [ValueKind.boolean]
                case .list: [ValueKind.list]
                case .time, .any: []
                }
            declarations.append(
                ColumnDeclaration(
                    type: identifier, column: column, kinds: kinds.reduce(0) { $0 | 1 << UInt16($1) }, isTime: field.type == .time))
        }
    }
    return declarations
}

/// Most rules, and most event types, of one program.
let programMax = 60_000

/// Which rule cannot be compiled, and why.
public struct CompileFailure: Error {
    /// Its place in the checked program.
    public var rule: Int
    public var reason: CompileError
}

/// Rules with the same keys share their blobs.
private func groups(_ rules: [CompiledRule]) -> [KeyGroup] {
    var groups: [KeyGroup] = []
    for (rank, rule) in rules.enumerated() {
        let found = rule.variants.count > 1
            ? nil
            : groups.firstIndex {
                $0.variants.count == 1 && $0.names == rule.keyNames && $0.variants[0].parts == rule.variants[0].parts
                    && $0.variants[0].columns == rule.variants[0].columns
            }
        if let found {
            groups[found].rules.append(rank)
            groups[found].capturedColumns = Set(groups[found].capturedColumns).union(rule.capturedColumns).sorted()
        } else {
            groups.append(
                KeyGroup(
                    names: rule.keyNames, variants: rule.variants, rules: [rank], capturedColumns: rule.capturedColumns.sorted()))
        }
    }
    return groups
}

struct CompiledRule {
    var program: RuleProgram
    var keyNames: [String]
    var variants: [KeyGroup.Variant]
    var capturedColumns: Set<Int>
}

/// One rule on its way to a ``RuleProgram``.
struct RuleCompiler {
    private let rule: CheckedRule
    private let rank: Int
    private let pattern: Pattern
    private let cancels: [Int]
    private var plan = RegisterPlan()

    init(_ rule: CheckedRule, rank: Int) {
        self.rule = rule
        self.rank = rank
        (pattern, cancels) = rule.pattern.splitByKeys(cancels: rule.cancels)
    }

    mutating func compile(_ builder: inout ProgramBuilder) throws(CompileError) -> CompiledRule {
        let streamBit = pattern.steps.count + pattern.predicates.count
        guard streamBit < 64 else { throw CompileError.patternTooComplex }
        collectRegisters(&builder)
        let automaton = try AutomatonBuilder(pattern, streamMask: 1 << UInt64(streamBit))
        let (record, aggregates) = plan.layOut(automatonBytes: automaton.registerBytes, columns: builder.columns)
        // Instructions name registers by 16-bit offsets.
        guard record.size <= Int(UInt16.max) else { throw CompileError.tooManyRegisters }
        let expressions = ExpressionCompiler(plan: plan)

        var residuals = try compileSteps(expressions, &builder)
        residuals += try compilePredicates(expressions, &builder)
        residuals.append(CodeRange(start: 0, count: 0))

        let countedLoop = CountedLoops.find(rule, pattern, residuals: residuals, aggregates: aggregates)
        var capturedColumns = plan.capturedColumns
        // Its registers are made of captured events when a match is reported.
        if countedLoop != nil { capturedColumns.formUnion(aggregates.map(\.column).filter { $0 >= 0 }) }

        let sets = automaton.automaton.sets
        let needsStream = sets.contains { $0.interest >> UInt64(streamBit) & 1 == 1 }
        if needsStream {
            let conjuncts = try conjuncts(of: nil, expressions, &builder)
            builder.test(types: nil, conjuncts: conjuncts, use: EventTest.Use(rule: rank, bit: streamBit))
        }
        var startMask: UInt64 = 0
        let initial = automaton.automaton.initialSets
        for set in sets[Int(initial.start)..<Int(initial.start + initial.count)] {
            for edge in automaton.automaton.edges[Int(set.edges.start)..<Int(set.edges.start + set.edges.count)] where edge.step >= 0 {
                startMask |= 1 << UInt64(edge.step)
            }
        }
        let steps = pattern.steps.enumerated().map { index, step in
            StepProgram(
                name: step.name, aggregates: aggregates.indices.filter { aggregates[$0].step == index }, isInLoop: step.isInLoop)
        }
        let program = RuleProgram(
            name: rule.name, rank: rank, automaton: automaton.automaton, steps: steps, residuals: residuals, startMask: startMask,
            cancelMask: cancels.reduce(0) { $0 | 1 << UInt64(pattern.steps.count + $1) },
            streamMask: needsStream ? 1 << UInt64(streamBit) : 0, within: pattern.withinMicroseconds ?? Edge.unlimited,
            afterMatch: policy, record: record, aggregates: aggregates, hasDeadlines: sets.contains(where: \.hasDeadline),
            alert: try rule.alert.map { alert throws(CompileError) in try compile(alert, expressions, &builder) },
            timeout: try rule.timeoutAlert.map { alert throws(CompileError) in try compile(alert, expressions, &builder) },
            openMax: rule.openLimit.max, openDropsNewest: rule.openLimit.dropsNewest, loopEventsMax: rule.loopEventsMax,
            cooldown: rule.cooldown?.durationMicroseconds ?? 0,
            cooldownKey: try rule.cooldown?.by.map { list throws(CompileError) in
                var code: [CodeRange] = []
                for expression in list { code.append(try expressions.compile(expression, &builder)) }
                return code
            },
            tags: rule.tags, countedLoop: countedLoop,
            domination: countedLoop == nil
                ? Dominations.find(rule, automaton.automaton, registerBytes: automaton.registerBytes, residuals: residuals) : nil)
        return CompiledRule(
            program: program, keyNames: rule.key.map(\.name), variants: try variants(expressions, streamBit: streamBit, &builder),
            capturedColumns: capturedColumns)
    }

    private var policy: AfterMatchPolicy {
        switch rule.afterMatch {
        case .skipPastLast: .skipPastLast
        case .skipToNext: .skipToNext
        case .keepAll: .keepAll
        case .skipToFirst(let step): .skipToFirst(step: step)
        case .skipToLast(let step): .skipToLast(step: step)
        }
    }

    private mutating func collectRegisters(_ builder: inout ProgramBuilder) {
        for step in pattern.steps {
            if let condition = step.condition { plan.collect(condition, builder: &builder) }
        }
        for predicate in pattern.predicates {
            for alternative in predicate.alternatives {
                if let condition = alternative.condition { plan.collect(condition, builder: &builder) }
            }
        }
        for alert in [rule.alert, rule.timeoutAlert].compactMap(\.self) {
            for part in alert.summary {
                if case .expression(let expression, _) = part { collectAlert(expression, &builder) }
            }
            for field in alert.fields { collectAlert(field.expression, &builder) }
        }
        for expression in rule.cooldown?.by ?? [] { collectAlert(expression, &builder) }
    }

    private mutating func collectAlert(_ expression: Expression, _ builder: inout ProgramBuilder) {
        plan.collect(expression, builder: &builder)
        plan.collectAlert(expression, builder: &builder)
    }

    // MARK: - Conditions

    /// What of the rule's filter and of a condition looks at the event alone: tested once an event, before any key is looked up.
    private func conjuncts(
        of condition: Expression?, _ expressions: ExpressionCompiler, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> [Conjunct] {
        var cheap: [Conjunct] = []
        var dear: [Conjunct] = []
        for part in RuleCompiler.flattened(rule.filter) + RuleCompiler.flattened(condition) where part.isEventOnly {
            if let comparison = RuleCompiler.columnComparison(part, &builder) {
                cheap.append(comparison)
            } else {
                dear.append(.code(try expressions.compile(part, &builder)))
            }
        }
        return cheap + dear
    }

    private func residual(
        of condition: Expression?, _ expressions: ExpressionCompiler, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> CodeRange {
        let parts = RuleCompiler.flattened(condition).filter { !$0.isEventOnly }
        guard !parts.isEmpty else { return CodeRange(start: 0, count: 0) }
        return try expressions.compile(parts.count == 1 ? parts[0] : .and(parts), &builder)
    }

    private func compileSteps(
        _ expressions: ExpressionCompiler, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> [CodeRange] {
        var residuals: [CodeRange] = []
        for (bit, step) in pattern.steps.enumerated() {
            let types = builder.typeIdentifiers(step.types)
            builder.test(
                types: types, conjuncts: try conjuncts(of: step.condition, expressions, &builder),
                use: EventTest.Use(rule: rank, bit: bit))
            residuals.append(try residual(of: step.condition, expressions, &builder))
        }
        return residuals
    }

    /// A predicate's bit is set where one of its alternatives may hold; which one does is asked again where captures matter.
    private func compilePredicates(
        _ expressions: ExpressionCompiler, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> [CodeRange] {
        var residuals: [CodeRange] = []
        for (index, predicate) in pattern.predicates.enumerated() {
            let bit = pattern.steps.count + index
            var choices: [[Instruction]] = []
            var looksBack = false
            for alternative in predicate.alternatives {
                let types = builder.typeIdentifiers(alternative.types)
                builder.test(
                    types: types, conjuncts: try conjuncts(of: alternative.condition, expressions, &builder),
                    use: EventTest.Use(rule: rank, bit: bit))
                let parts = RuleCompiler.flattened(alternative.condition)
                if parts.contains(where: { !$0.isEventOnly }) { looksBack = true }
                var code: [Instruction] = []
                if let types { code.append(Instruction(.hasType, b: builder.typeSet(types))) }
                if !parts.isEmpty {
                    code += try expressions.instructions(.and(parts), &builder)
                    if types != nil { code.append(Instruction(.and)) }
                }
                if code.isEmpty { code.append(Instruction(.constant, b: builder.constant(.boolean(true)))) }
                choices.append(code)
            }
            guard looksBack else {
                residuals.append(CodeRange(start: 0, count: 0))
                continue
            }
            if predicate.alternatives.count == 1 {
                residuals.append(try residual(of: predicate.alternatives[0].condition, expressions, &builder))
                continue
            }
            var code = choices[0]
            for choice in choices.dropFirst() { code += choice + [Instruction(.or)] }
            residuals.append(builder.place(code))
        }
        return residuals
    }

    static func flattened(_ condition: Expression?) -> [Expression] {
        switch condition {
        case nil: []
        case .and(let parts): parts.flatMap { flattened($0) }
        case .some(let single): [single]
        }
    }

    /// `field < constant` or `constant < field`, which the engine tests column by column.
    private static func columnComparison(_ expression: Expression, _ builder: inout ProgramBuilder) -> Conjunct? {
        guard case .compare(let comparison, let left, let right) = expression else { return nil }
        func isScalar(_ value: Value) -> Bool {
            switch value {
            case .integer, .double, .string, .boolean: true
            default: false
            }
        }
        if case .field(let path) = left, case .constant(let value) = right, isScalar(value) {
            return columnConjunct(path, relation(comparison), value, &builder)
        }
        if case .field(let path) = right, case .constant(let value) = left, isScalar(value) {
            return columnConjunct(path, mirrored(relation(comparison)), value, &builder)
        }
        return nil
    }

    private static func columnConjunct(
        _ path: FieldPath, _ relation: Conjunct.Relation, _ value: Value, _ builder: inout ProgramBuilder
    ) -> Conjunct {
        let constant = ProgramBuilder.constant(of: value)
        // The engine finds the constant in the program's table.
        _ = builder.constant(constant)
        return .compare(column: builder.column(path), relation, constant)
    }

    private static func relation(_ comparison: Expression.Comparison) -> Conjunct.Relation {
        switch comparison {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        }
    }

    private static func mirrored(_ relation: Conjunct.Relation) -> Conjunct.Relation {
        switch relation {
        case .equal, .notEqual: relation
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    // MARK: - Keys

    private func variants(
        _ expressions: ExpressionCompiler, streamBit: Int, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> [KeyGroup.Variant] {
        guard rule.isKeyedByStep else {
            return [try variant(rule.key.map(\.expression), mask: .max, expressions, &builder)]
        }
        var lists: [[Expression]] = []
        var masks: [UInt64] = []
        func add(_ list: [Expression], bit: Int) {
            if let index = lists.firstIndex(of: list) {
                masks[index] |= 1 << UInt64(bit)
            } else {
                lists.append(list)
                masks.append(1 << UInt64(bit))
            }
        }
        for (bit, step) in pattern.steps.enumerated() { add(step.key, bit: bit) }
        for (index, predicate) in pattern.predicates.enumerated() {
            for alternative in predicate.alternatives { add(alternative.key, bit: pattern.steps.count + index) }
        }
        var variants: [KeyGroup.Variant] = []
        for (list, mask) in zip(lists, masks) { variants.append(try variant(list, mask: mask, expressions, &builder)) }
        return variants
    }

    private func variant(
        _ list: [Expression], mask: UInt64, _ expressions: ExpressionCompiler, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> KeyGroup.Variant {
        var parts: [CodeRange] = []
        var columns: [Int] = []
        for expression in list {
            parts.append(try expressions.compile(expression, &builder))
            if case .field(let path) = expression { columns.append(builder.column(path)) } else { columns.append(-1) }
        }
        return KeyGroup.Variant(parts: parts, columns: columns, mask: mask)
    }

    // MARK: - Alerts

    private func compile(
        _ alert: AlertDefinition, _ expressions: ExpressionCompiler, _ builder: inout ProgramBuilder
    ) throws(CompileError) -> AlertProgram {
        var summary: [AlertProgram.Part] = []
        for part in alert.summary {
            switch part {
            case .text(let text): summary.append(.text(Array(text.utf8)))
            case .expression(let expression, let format):
                summary.append(
                    .value(
                        try expressions.compile(expression, &builder), digits: format?.fractionDigits ?? -1,
                        groups: format?.groupsThousands ?? false))
            }
        }
        var fields: [AlertProgram.Field] = []
        for field in alert.fields {
            fields.append(
                AlertProgram.Field(name: field.name, value: try expressions.compile(field.expression, &builder)))
        }
        return AlertProgram(severity: alert.severity.rawValue, summary: summary, fields: fields)
    }
}
