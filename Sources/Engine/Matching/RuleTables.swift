internal import Events

/// A compiled rule as flat memory; what `RuleProgram` holds in arrays stands here behind plain pointers. Made once, then only read.
final class RuleTables {
    let program: RuleProgram
    let edges: UnsafePointer<Edge>
    let guards: UnsafePointer<EdgeGuard>
    let operations: UnsafePointer<RegisterOperation>
    let rounds: UnsafePointer<RoundLimit>
    let sets: UnsafePointer<TargetSet>
    let lookups: UnsafePointer<SetLookup>
    let digits: UnsafePointer<StatusDigit>
    let setRanges: UnsafePointer<IndexRange>
    let residuals: UnsafePointer<CodeRange>
    let aggregates: UnsafePointer<AggregateRegister>
    /// Of each step: a range of `stepAggregates`, whose values index `aggregates`.
    let stepAggregateRanges: UnsafePointer<IndexRange>
    let stepAggregates: UnsafePointer<Int32>
    let references: UnsafePointer<Int32>
    let referenceCount: Int
    /// Indices into `aggregates` of the registers that hold different values.
    let distinct: UnsafePointer<Int32>
    let distinctCount: Int
    let recordSize: Int
    let initialSets: IndexRange
    let startMask: UInt64
    let cancelMask: UInt64
    let streamMask: UInt64
    let within: Int64
    let policy: AfterMatchPolicy
    /// Threads of the rule do something at a time by themselves.
    let hasDeadlines: Bool
    let hasTimeout: Bool
    /// The rule's place in its group.
    let local: Int
    var counters = RuleCounters()

    init(_ program: RuleProgram, local: Int) {
        self.program = program
        self.local = local
        edges = UnsafePointer(copied(program.automaton.edges))
        guards = UnsafePointer(copied(program.automaton.guards))
        operations = UnsafePointer(copied(program.automaton.operations))
        rounds = UnsafePointer(copied(program.automaton.rounds))
        sets = UnsafePointer(copied(program.automaton.sets))
        lookups = UnsafePointer(copied(program.automaton.lookups))
        digits = UnsafePointer(copied(program.automaton.digits))
        setRanges = UnsafePointer(copied(program.automaton.setRanges))
        residuals = UnsafePointer(copied(program.residuals))
        aggregates = UnsafePointer(copied(program.aggregates))
        var ranges: [IndexRange] = []
        var flat: [Int32] = []
        for step in program.steps {
            ranges.append(IndexRange(start: flat.count, count: step.aggregates.count))
            flat += step.aggregates.map(Int32.init)
        }
        stepAggregateRanges = UnsafePointer(copied(ranges))
        stepAggregates = UnsafePointer(copied(flat))
        references = UnsafePointer(copied(program.record.references.map(Int32.init)))
        referenceCount = program.record.references.count
        let distinctRegisters = program.aggregates.indices.filter { program.aggregates[$0].kind == .distinct }
        distinct = UnsafePointer(copied(distinctRegisters.map(Int32.init)))
        distinctCount = distinctRegisters.count
        recordSize = program.record.size
        initialSets = program.automaton.initialSets
        startMask = program.startMask
        cancelMask = program.cancelMask
        streamMask = program.streamMask
        within = program.within
        policy = program.afterMatch
        hasDeadlines = program.hasDeadlines || program.timeout != nil
        hasTimeout = program.timeout != nil
    }

    deinit {
        edges.deallocate()
        guards.deallocate()
        operations.deallocate()
        rounds.deallocate()
        sets.deallocate()
        lookups.deallocate()
        digits.deallocate()
        setRanges.deallocate()
        residuals.deallocate()
        aggregates.deallocate()
        stepAggregateRanges.deallocate()
        stepAggregates.deallocate()
        references.deallocate()
        distinct.deallocate()
    }
}

/// What happened in a rule, for the summary and the tests.
public struct RuleCounters: Sendable, Equatable {
    public var matches: UInt64 = 0
    public var timeouts: UInt64 = 0
    /// Threads begun.
    public var started: UInt64 = 0
    /// Open matches dropped because a key had more than the rule's `limit`.
    public var openDropped: UInt64 = 0
    /// Times that a key's state was full, and threads were not begun.
    public var stateFull: UInt64 = 0
    /// Searches of `matches` that reached a limit and gave unknown.
    public var regexLimitHits: UInt64 = 0
    /// Events whose bytes a loop did not keep.
    public var loopEventsOmitted: UInt64 = 0
    /// Operands whose types did not go together.
    public var typeMismatches: UInt64 = 0
    /// Events that lack a part of the key.
    public var keyMissing: UInt64 = 0

    public init() {}

    public static func += (left: inout RuleCounters, right: RuleCounters) {
        left.matches += right.matches
        left.timeouts += right.timeouts
        left.started += right.started
        left.openDropped += right.openDropped
        left.stateFull += right.stateFull
        left.regexLimitHits += right.regexLimitHits
        left.loopEventsOmitted += right.loopEventsOmitted
        left.typeMismatches += right.typeMismatches
        left.keyMissing += right.keyMissing
    }
}
