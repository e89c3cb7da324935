// Which rules may go on with the state that an earlier run has left.
//
// A rule keeps its state where everything is the same that decides what a thread is and what it does next: the pattern, the conditions, the
// keys, how the streams are read, and what threads keep of the events. The words of its alerts, its severity, its tags and the place where
// it stands in a file may change, and so may all other rules.

public import Engine
internal import Events
public import RuleLanguage

/// The fingerprint of each rule of a program, in the order of the rules.
///
/// Each rule is compiled by itself, so that its tables do not depend on its neighbours, and without its alerts, so that their words do not
/// count; what alerts ask a thread to remember is added from the rule as it is.
///
/// - Throws: ``CompileFailure``, as ``compile(_:)``.
/// - Complexity: that of compiling each rule twice more.
public func fingerprints(of checked: CheckedProgram) throws(CompileFailure) -> [Fingerprint] {
    var fingerprints: [Fingerprint] = []
    for rule in checked.rules {
        var alone = checked
        alone.rules = [rule]
        let whole = try compile(alone)
        alone.rules[0].alert = nil
        alone.rules[0].timeoutAlert = nil
        let silent = try compile(alone)
        var writer = FingerprintWriter()
        for stream in checked.streams { writer.add(stream) }
        writer.addConditions(silent)
        writer.addMemory(whole)
        fingerprints.append(Fingerprint(of: writer.bytes))
    }
    return fingerprints
}

/// Numbers have eight bytes, texts and lists their length before them.
private struct FingerprintWriter {
    private(set) var bytes: [UInt8] = Array("needletail rule 1".utf8)

    private mutating func add(_ number: some BinaryInteger) {
        withUnsafeBytes(of: UInt64(truncatingIfNeeded: number).littleEndian) { bytes += $0 }
    }

    private mutating func add(_ flag: Bool) { add(flag ? 1 : 0) }

    private mutating func add(_ text: [UInt8]) {
        add(text.count)
        bytes += text
    }

    private mutating func add(_ text: String) { add(Array(text.utf8)) }

    private mutating func add(_ range: IndexRange) {
        add(range.start)
        add(range.count)
    }

    private mutating func add<Element>(_ list: [Element], _ body: (inout FingerprintWriter, Element) -> Void) {
        add(list.count)
        for element in list { body(&self, element) }
    }

    private mutating func add(_ path: FieldPath) {
        add(path.components) { writer, component in
            switch component {
            case .name(let name):
                writer.add(0)
                writer.add(name)
            case .index(let index):
                writer.add(1)
                writer.add(index)
            }
        }
    }

    mutating func add(_ stream: StreamDefinition) {
        add(stream.name ?? "")
        switch stream.type {
        case .field(let path):
            add(0)
            add(path)
        case .constant(let name):
            add(1)
            add(name)
        }
        add(stream.time)
        let formats: [StreamDefinition.TimeFormat] = [.automatic, .seconds, .milliseconds, .microseconds, .nanoseconds, .rfc3339]
        add(formats.firstIndex(of: stream.timeFormat) ?? -1)
        add(stream.delayMicroseconds)
        add(stream.aheadMicroseconds ?? -1)
        add(stream.idleMicroseconds ?? -1)
    }

    // MARK: - What an event does

    mutating func addConditions(_ program: Program) {
        add(program.columns) { $0.add($1) }
        add(program.types) { $0.add($1) }
        add(program.predicates) { $0.add($1) }
        add(program.code) { writer, instruction in
            writer.add(instruction.opcode.rawValue)
            writer.add(instruction.a)
            writer.add(instruction.b)
        }
        add(program.constants) { $0.add($1) }
        add(program.constantLists) { $0.add($1) }
        add(program.typeSets) { writer, set in writer.add(set) { $0.add($1) } }
        add(program.patterns) { $0.add($1) }
        add(program.declarations) { writer, declaration in
            writer.add(declaration.type)
            writer.add(declaration.column)
            writer.add(declaration.kinds)
            writer.add(declaration.isTime)
        }
        add(program.groups) { writer, group in
            writer.add(group.names) { $0.add($1) }
            writer.add(group.variants) { writer, variant in
                writer.add(variant.parts) { $0.add($1) }
                writer.add(variant.columns) { $0.add($1) }
                writer.add(variant.mask)
            }
        }
        for rule in program.rules { add(rule) }
    }

    private mutating func add(_ test: EventTest) {
        add(test.types ?? [-1]) { $0.add($1) }
        add(test.conjuncts) { writer, conjunct in
            switch conjunct {
            case .compare(let column, let relation, let constant):
                writer.add(0)
                writer.add(column)
                writer.add(relation.rawValue)
                writer.add(constant)
            case .code(let range):
                writer.add(1)
                writer.add(range)
            }
        }
        add(test.uses) { $0.add($1.bit) }
    }

    private mutating func add(_ constant: Constant) {
        switch constant {
        case .unknown: add(0)
        case .boolean(let value):
            add(1)
            add(value)
        case .integer(let value):
            add(2)
            add(value)
        case .unsigned(let value):
            add(3)
            add(value)
        case .double(let value):
            add(4)
            add(value)
        case .string(let value):
            add(5)
            add(value)
        case .duration(let value):
            add(6)
            add(value)
        case .time(let value):
            add(7)
            add(value)
        }
    }

    private mutating func add(_ rule: RuleProgram) {
        add(rule.name)
        add(rule.steps) { $0.add($1.name) }
        add(rule.residuals) { $0.add($1) }
        add(rule.startMask)
        add(rule.cancelMask)
        add(rule.streamMask)
        add(rule.within)
        switch rule.afterMatch {
        case .skipPastLast: add(0)
        case .skipToNext: add(1)
        case .keepAll: add(2)
        case .skipToFirst(let step):
            add(3)
            add(step)
        case .skipToLast(let step):
            add(4)
            add(step)
        }
        add(rule.openMax)
        add(rule.openDropsNewest)
        add(rule.loopEventsMax)
        add(rule.cooldown)
        add(rule.cooldownKey ?? []) { $0.add($1) }
    }

    // MARK: - What a thread keeps

    mutating func addMemory(_ program: Program) {
        for rule in program.rules {
            add(rule.automaton)
            add(rule.record.size)
            add(rule.record.references) { $0.add($1) }
            add(rule.aggregates) { writer, register in
                writer.add(register.kind.rawValue)
                writer.add(register.step)
                writer.add(register.offset)
                writer.add(register.column >= 0)
                if register.column >= 0 { writer.add(program.columns[register.column]) }
            }
            add(rule.hasDeadlines)
            add(rule.alert != nil)
            add(rule.timeout != nil)
            add(rule.countedLoop.map { [$0.step, $0.minimum, $0.maximum, $0.end ?? -1, Int(truncatingIfNeeded: $0.guards)] } ?? []) { $0.add($1) }
            add(rule.domination.map { [$0.registerBytes, $0.comparesLast ? 1 : 0] } ?? []) { $0.add($1) }
        }
        for group in program.groups {
            let paths = group.capturedColumns.map { program.columns[$0] }
            add(paths.sorted { $0.description < $1.description }) { $0.add($1) }
        }
    }

    private mutating func add(_ automaton: Automaton) {
        add(automaton.edges) { writer, edge in
            writer.add(edge.step)
            writer.add(edge.contiguity.rawValue)
            writer.add(edge.until)
            writer.add(edge.untilEnds)
            writer.add(edge.completesAtWithin)
            writer.add(edge.limit)
            writer.add(edge.completesAfter)
            writer.add(edge.guards)
            writer.add(edge.operations)
            writer.add(edge.rounds)
        }
        add(automaton.guards) { writer, condition in
            writer.add(condition.bit)
            writer.add(condition.isNext)
            writer.add(condition.limit)
        }
        add(automaton.operations) { writer, operation in
            writer.add(operation.kind.rawValue)
            writer.add(operation.offset)
            writer.add(operation.operand)
        }
        add(automaton.rounds) { writer, round in
            writer.add(round.offset)
            writer.add(round.limit)
        }
        add(automaton.sets) { writer, set in
            writer.add(set.edges)
            writer.add(set.isFinal)
            writer.add(set.hasDeadline)
            writer.add(set.interest)
        }
        add(automaton.lookups) { writer, lookup in
            writer.add(lookup.digits)
            writer.add(lookup.firstRange)
        }
        add(automaton.digits) { writer, digit in
            writer.add(digit.kind.rawValue)
            writer.add(digit.offset)
            writer.add(digit.minimum)
            writer.add(digit.maximum)
            writer.add(digit.stride)
        }
        add(automaton.setRanges) { $0.add($1) }
        add(automaton.initialSets)
    }
}
