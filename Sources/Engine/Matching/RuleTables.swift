internal import Events

/// A compiled rule as flat memory; what `RuleProgram` holds in arrays stands here behind plain pointers. Made once, then only read, but
/// for its counters.
///
/// A value of this type is a pointer: the hot path hands rules about without counting references. Its maker frees it with
/// ``deallocate()``.
struct RuleTables {
    private let storage: UnsafeMutablePointer<Storage>

    private struct Storage {
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
        let stepAggregateRanges: UnsafePointer<IndexRange>
        let stepAggregates: UnsafePointer<Int32>
        let stepsInLoops: UnsafePointer<Bool>
        let references: UnsafePointer<Int32>
        let referenceCount: Int
        let distinct: UnsafePointer<Int32>
        let distinctCount: Int
        let recordSize: Int
        let initialSets: IndexRange
        let startMask: UInt64
        let cancelMask: UInt64
        let streamMask: UInt64
        let within: Int64
        let policy: AfterMatchPolicy
        let hasDeadlines: Bool
        let hasTimeout: Bool
        let hasEnds: Bool
        let openMax: Int
        let loopEventsMax: Int
        let rank: Int
        let openDropsNewest: Bool
        let cooldown: Int64
        let local: Int
        let text: AlertText
        let isCounted: Bool
        let hasDomination: Bool
        let domination: Domination
        let countedLoop: CountedLoop
        var counters = RuleCounters()
    }

    init(_ program: RuleProgram, local: Int, keyNames: [String]) {
        var ranges: [IndexRange] = []
        var flat: [Int32] = []
        for step in program.steps {
            ranges.append(IndexRange(start: flat.count, count: step.aggregates.count))
            flat += step.aggregates.map(Int32.init)
        }
        let distinctRegisters = program.aggregates.indices.filter { program.aggregates[$0].kind == .distinct }
        storage = .allocate(capacity: 1)
        storage.initialize(
            to: Storage(
                program: program, edges: UnsafePointer(copied(program.automaton.edges)),
                guards: UnsafePointer(copied(program.automaton.guards)), operations: UnsafePointer(copied(program.automaton.operations)),
                rounds: UnsafePointer(copied(program.automaton.rounds)), sets: UnsafePointer(copied(program.automaton.sets)),
                lookups: UnsafePointer(copied(program.automaton.lookups)), digits: UnsafePointer(copied(program.automaton.digits)),
                setRanges: UnsafePointer(copied(program.automaton.setRanges)), residuals: UnsafePointer(copied(program.residuals)),
                aggregates: UnsafePointer(copied(program.aggregates)), stepAggregateRanges: UnsafePointer(copied(ranges)),
                stepAggregates: UnsafePointer(copied(flat)), stepsInLoops: UnsafePointer(copied(program.steps.map(\.isInLoop))),
                references: UnsafePointer(copied(program.record.references.map(Int32.init))),
                referenceCount: program.record.references.count, distinct: UnsafePointer(copied(distinctRegisters.map(Int32.init))),
                distinctCount: distinctRegisters.count,
                recordSize: program.countedLoop == nil ? program.record.size : QueueEntry.size, initialSets: program.automaton.initialSets,
                startMask: program.startMask, cancelMask: program.cancelMask, streamMask: program.streamMask, within: program.within,
                policy: program.afterMatch, hasDeadlines: program.hasDeadlines || program.timeout != nil,
                hasTimeout: program.timeout != nil, hasEnds: program.hasDeadlines, openMax: program.openMax, loopEventsMax: program.loopEventsMax, rank: program.rank,
                openDropsNewest: program.openDropsNewest, cooldown: program.cooldown, local: local, text: AlertText(program, keyNames: keyNames),
                isCounted: program.countedLoop != nil, hasDomination: program.domination != nil,
                domination: program.domination ?? Domination(registerBytes: 0, comparesLast: true),
                countedLoop: program.countedLoop ?? CountedLoop(step: 0, minimum: 1, maximum: 1, end: nil, guards: 0)))
    }

    /// Frees what the rule stands in; no copy of it may be used any more.
    func deallocate() {
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
        stepsInLoops.deallocate()
        references.deallocate()
        distinct.deallocate()
        text.deallocate()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    /// What is not on the hot path.
    var program: RuleProgram {
        _read { yield storage.pointee.program }
    }

    var counters: RuleCounters {
        @inline(__always) _read { yield storage.pointee.counters }
        @inline(__always) nonmutating _modify { yield &storage.pointee.counters }
    }

    @inline(__always) var edges: UnsafePointer<Edge> { storage.pointee.edges }
    @inline(__always) var guards: UnsafePointer<EdgeGuard> { storage.pointee.guards }
    @inline(__always) var operations: UnsafePointer<RegisterOperation> { storage.pointee.operations }
    @inline(__always) var rounds: UnsafePointer<RoundLimit> { storage.pointee.rounds }
    @inline(__always) var sets: UnsafePointer<TargetSet> { storage.pointee.sets }
    @inline(__always) var lookups: UnsafePointer<SetLookup> { storage.pointee.lookups }
    @inline(__always) var digits: UnsafePointer<StatusDigit> { storage.pointee.digits }
    @inline(__always) var setRanges: UnsafePointer<IndexRange> { storage.pointee.setRanges }
    @inline(__always) var residuals: UnsafePointer<CodeRange> { storage.pointee.residuals }
    @inline(__always) var aggregates: UnsafePointer<AggregateRegister> { storage.pointee.aggregates }
    /// Of each step: a range of `stepAggregates`, whose values index `aggregates`.
    @inline(__always) var stepAggregateRanges: UnsafePointer<IndexRange> { storage.pointee.stepAggregateRanges }
    @inline(__always) var stepAggregates: UnsafePointer<Int32> { storage.pointee.stepAggregates }
    @inline(__always) var stepsInLoops: UnsafePointer<Bool> { storage.pointee.stepsInLoops }
    /// Byte offsets in a record of 32-bit references to captured events.
    @inline(__always) var references: UnsafePointer<Int32> { storage.pointee.references }
    @inline(__always) var referenceCount: Int { storage.pointee.referenceCount }
    /// Indices into `aggregates` of the registers that hold different values.
    @inline(__always) var distinct: UnsafePointer<Int32> { storage.pointee.distinct }
    @inline(__always) var distinctCount: Int { storage.pointee.distinctCount }
    /// Bytes of a thread in a section; of a counted loop, those of an event in its queue.
    @inline(__always) var recordSize: Int { storage.pointee.recordSize }
    @inline(__always) var initialSets: IndexRange { storage.pointee.initialSets }
    @inline(__always) var startMask: UInt64 { storage.pointee.startMask }
    @inline(__always) var cancelMask: UInt64 { storage.pointee.cancelMask }
    @inline(__always) var streamMask: UInt64 { storage.pointee.streamMask }
    @inline(__always) var within: Int64 { storage.pointee.within }
    @inline(__always) var policy: AfterMatchPolicy { storage.pointee.policy }
    /// Threads of the rule do something at a time by themselves.
    @inline(__always) var hasDeadlines: Bool { storage.pointee.hasDeadlines }
    @inline(__always) var hasTimeout: Bool { storage.pointee.hasTimeout }
    /// Absence may end a match of it.
    @inline(__always) var hasEnds: Bool { storage.pointee.hasEnds }
    /// Most open matches of a key.
    @inline(__always) var openMax: Int { storage.pointee.openMax }
    /// Most events whose bytes a loop keeps.
    @inline(__always) var loopEventsMax: Int { storage.pointee.loopEventsMax }
    /// Its place among all rules by name.
    @inline(__always) var rank: Int { storage.pointee.rank }
    @inline(__always) var openDropsNewest: Bool { storage.pointee.openDropsNewest }
    /// Microseconds; 0 where there is none.
    @inline(__always) var cooldown: Int64 { storage.pointee.cooldown }
    /// The rule's place in its group.
    @inline(__always) var local: Int { storage.pointee.local }
    /// The constant texts of the rule's alerts.
    @inline(__always) var text: AlertText { storage.pointee.text }
    /// The rule keeps events in a queue and no threads.
    @inline(__always) var isCounted: Bool { storage.pointee.isCounted }
    @inline(__always) var hasDomination: Bool { storage.pointee.hasDomination }
    @inline(__always) var domination: Domination { storage.pointee.domination }
    @inline(__always) var countedLoop: CountedLoop { storage.pointee.countedLoop }
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
