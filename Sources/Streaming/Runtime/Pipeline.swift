public import Engine
internal import Events

/// The way of an event: read, decode, test, order, match, alert.
///
/// The run goes in supersteps. In each, all workers at once match what was admitted before, write the alerts of the step before that, and
/// decode what is admitted next; between two of them the thread of the run alone admits the blocks in their order, moves the watermarks
/// and swaps what was made for what is to be made. A block that comes alone and small, as from a live pipe, goes through all of it on
/// this one thread: to wake another costs more than to do the work.
public final class Pipeline {
    private let options: PipelineOptions
    private let inputs: InputSet
    private let queue: BlockQueue
    private let workers: [Worker]
    private let shards: [Shard]
    private let hasSpillSpace: Bool
    private let writer: AlertWriter
    private let superstep: Superstep
    private let pool: any Scheduler
    /// Admitted, and not matched yet.
    private var pending = Round()
    private var admission: Admission
    private var spareBuffers: [AlertBuffer] = []
    private let checkpoints: CheckpointOptions?
    /// The state that the run goes on from; nil where it begins.
    private let committed: Result<Anchor?, RunError>
    /// The rules as checkpoints name them.
    private let anchored: (rules: [Anchor.Rule], groups: [Anchor.Group])
    private let program: Program
    /// Is told what was found of an earlier run, before anything is read.
    public var onResume: ((Resumption) -> Void)?
    private var checkpointer: Checkpointer?
    private let sinks: [any Sink]
    private let clock: any Clock
    /// The seed of the keys' hash: the state's own, where there is one.
    private let seed: UInt64
    /// What was let go by this is matched.
    private var matched = ReleaseBound(watermarks: [.min])
    /// As it was in the checkpoint that the run goes on from.
    private var resumed = ReleaseBound(time: .min, input: 0)
    /// What has been done so far.
    public private(set) var summary: RunSummary

    /// How many blocks a worker decodes in a superstep, more or less: many, so that none waits long for another's last one.
    private static let roundBlocks = 4

    /// - Parameters:
    ///   - selector: waits for the inputs; by default all of them always have something.
    ///   - clock: what the silence of inputs with `idle` is measured by; by default it stands still.
    ///   - spill: where events that wait go when memory has no more room for them; by default nowhere.
    public init(
        program: Program, inputs: [Input], alerts: [any Sink], late: (any Sink)? = nil, rejects: (any Sink)? = nil,
        selector: any SourceSelector = AlwaysReady(), clock: any Clock = FrozenClock(), checkpoints: CheckpointOptions? = nil,
        spill: (any SpillSpace)? = nil, scheduler: ((Int, @escaping (Int) -> Void) -> any Scheduler)? = nil, options: PipelineOptions
    ) {
        self.options = options
        hasSpillSpace = spill != nil
        self.program = program
        anchored = checkpoints.map { Anchor.rules(of: program, fingerprints: $0.fingerprints) } ?? ([], [])
        self.checkpoints = checkpoints
        self.clock = clock
        sinks = alerts + [late, rejects].compactMap(\.self)
        committed = Pipeline.anchor(of: checkpoints)
        let anchor = try? committed.get()
        seed = anchor?.seed ?? options.seed
        let seed = seed
        let readers = inputs.enumerated().map { index, input in
            InputReader(input, index: index, columns: program.columns, blockBytes: options.blockBytes, drains: options.drains)
        }
        // Many inputs that are all ahead of one still leave half of the room to that one.
        let share = options.reorderBytesMax / 2 / max(1, inputs.count)
        self.inputs = InputSet(readers, selector: selector, clock: clock, heldBytesMax: min(options.aheadBytesMax, share))
        queue = BlockQueue(
            columnCount: program.columns.count + 1, shards: options.workers,
            roundBytes: options.workers * Pipeline.roundBlocks * options.blockBytes)
        workers = (0..<options.workers).map { _ in Worker(program: program, inputs: readers, seed: seed) }
        shards = (0..<options.workers).map { Shard(program, index: $0, seed: seed, spill: spill, limits: options.spillLimits) }
        writer = AlertWriter(program: program, alerts: alerts, late: late, rejects: rejects)
        admission = Admission(readers: readers, writer: writer, matched: anchor?.bound ?? ReleaseBound(watermarks: [.min]))
        superstep = Superstep(shards: shards, workers: workers, queue: queue, writer: writer)
        let superstep = superstep
        let work: (Int) -> Void = { superstep.work($0) }
        pool = scheduler?(options.workers, work) ?? WorkerPool(count: options.workers, body: work)
        summary = RunSummary(rules: program.rules.map(\.name))
    }

    /// Is told of each step of a watermark that silence makes, before it is made: what must be known to come to the same alerts again.
    public var onIdleAdvance: ((IdleAdvance) -> Void)? {
        get { inputs.onIdleAdvance }
        set { inputs.onIdleAdvance = newValue }
    }

    /// Is told how many alerts have left since the state began, after each time that some have. May be called by any worker, one at a time.
    public var onAlertsLeft: ((UInt64) -> Void)? {
        get { writer.onLeft }
        set { writer.onLeft = newValue }
    }

    /// Is told of each checkpoint that is durable: how many alerts had left when it was made.
    public var onCheckpoint: ((UInt64) -> Void)?

    /// Something to do between two supersteps, when everything that was read is matched: it is done as soon as the flag is set, and the
    /// flag is then clear. The run ends there where it gives false, as by a request to stop.
    public var request: (flag: StopFlag, carryOut: () throws(RunError) -> Bool)?

    /// Runs until the input ends or a request to stop comes; `progress` is called after each superstep.
    ///
    /// - Throws: ``RunError``; what was read before has been matched, and its alerts have left.
    public func run(stop: StopFlag, progress: (RunSummary) -> Void = { _ in }) throws(RunError) -> RunSummary {
        defer {
            checkpointer?.waitForCommit()
            pool.end()
        }
        if let checkpoints {
            try begin(checkpoints, from: try committed.get())
            if let records = checkpoints.idleRecords { try repeatSilence(records) }
        }
        input: while !stop.isSet {
            if let request, request.flag.take() {
                if try request.carryOut() { continue }
                summary.isStopped = true
                break
            }
            switch inputs.next(waits: true, until: nextMoment, atMost: hasUnread ? 0 : checkpointer?.dueIn, heldBytes: heldBytes) {
            case .end: break input
            case .nothing:
                writeSlices()
                try readAhead()
                try proceedWithCheckpoint()
                continue
            case .advanced: settleBounds()
            case .read(let readable): guard readOne(readable[0]) else { continue }
            }
            if options.workers > 1 && pending.bytes >= options.parallelBytes {
                try runAhead(stop: stop, progress: progress)
            } else {
                try matchPending()
            }
            updateSummary()
            progress(summary)
            if let failure = queue.failure { throw .source(failure) }
        }
        if stop.isSet { summary.isStopped = true }
        if !summary.isStopped { try finish() }
        try writer.writeSideLines()
        try checkpoint()
        updateSummary()
        return summary
    }

    /// Reads, decodes and admits one block on this thread; false where there was nothing yet.
    private func readOne(_ input: InputReader) -> Bool {
        queue.open([input], blocks: 1)
        if let block = queue.claim() { workers[0].decode(block) }
        return admitRound()
    }

    /// Matches what is pending while the next blocks are decoded, as long as blocks come thick and fast.
    private func runAhead(stop: StopFlag, progress: (RunSummary) -> Void) throws(RunError) {
        while pending.bytes >= options.parallelBytes && pending.bound.time != .max {
            superstep.begin(pending)
            repeat {
                if !stop.isSet, request?.flag.isSet != true, case .read(let readable) = inputs.next(waits: false, until: nil, atMost: nil, heldBytes: heldBytes) {
                    queue.open(readable, blocks: .max)
                }
                superstep.rearm()
                pool.run()
                try settle()
                // Another superstep for the same round: what stopped it must leave first.
                if !superstep.isDone { try writeAlerts() }
            } while !superstep.isDone
            try endRound()
            try proceedWithCheckpoint()
            _ = admitRound()
            try writer.writeSideLines()
            updateSummary()
            progress(summary)
        }
        try writeAlerts()
        try matchPending()
    }

    /// Matches what is pending on this thread alone; its alerts leave.
    private func matchPending() throws(RunError) {
        // All inputs have ended: what is left goes together with the deadlines that lie between.
        if pending.bound.time == .max { return }
        try matchAll()
    }

    private func matchAll() throws(RunError) {
        superstep.begin(pending)
        repeat {
            for shard in shards where !shard.isDone { shard.advance() }
            try checkShards()
            takeAlerts()
            try writeAlerts()
        } while !superstep.isDone
        try endRound()
        try writer.writeSideLines()
        writeSlices()
        try readAhead()
        try proceedWithCheckpoint()
    }

    /// The input has ended: what is held goes, and every deadline comes; or time passes to where the caller lets it end.
    private func finish() throws(RunError) {
        settleBounds()
        if options.drains {
            pending.bound = ReleaseBound(watermarks: [.max])
            pending.deadlinesUpTo = .max - 1
        } else if let end = options.endMicroseconds {
            pending.deadlinesUpTo = end
        } else {
            return
        }
        try matchAll()
    }

    // MARK: - Between supersteps

    /// Admits what was read, in the order in which it was; false where nothing has changed.
    private func admitRound() -> Bool {
        let (blocks, ended) = queue.takeRound()
        for block in blocks { admission.admit(block) }
        for reader in ended { reader.end() }
        pending.blocks += blocks
        settleBounds()
        return !blocks.isEmpty || !ended.isEmpty || queue.failure != nil
    }

    private func settleBounds() {
        pending.bound = inputs.bound
        pending.deadlinesUpTo = pending.bound.time
    }

    private func endRound() throws(RunError) {
        matched = pending.bound
        queue.giveBack(pending.blocks)
        pending.blocks.removeAll(keepingCapacity: true)
        let held = shards.reduce(0) { $0 + $1.reorder.spillableBytes }
        guard held > options.reorderBytesMax else { return }
        guard hasSpillSpace else { throw .reorderBufferFull(bytes: held) }
        // Those that hold much: what the others have is less than half of the bound.
        let share = options.reorderBytesMax / 2 / shards.count
        for shard in shards where shard.reorder.spillableBytes > share { shard.spillsNext = true }
    }

    /// Nothing of a step in which a shard has failed may leave.
    private func checkShards() throws(RunError) {
        for shard in shards {
            if let failure = shard.failure { throw .spill(failure) }
            if let failure = shard.stateFailure { throw .state(failure) }
        }
    }

    /// What the workers have left: errors, and alerts.
    private func settle() throws(RunError) {
        queue.close()
        spareBuffers += superstep.outgoing
        superstep.outgoing.removeAll(keepingCapacity: true)
        if let failure = superstep.failure { throw failure }
        try checkShards()
        takeAlerts()
    }

    /// Takes the alerts that no shard can come before any more; the next superstep writes them.
    private func takeAlerts() {
        let time = shards.reduce(Int64.max) { min($0, $1.alertsAreDoneUpTo) }
        for shard in shards where !shard.matcher.alerts.pending.isEmpty {
            superstep.outgoing.append(shard.takeAlerts(upTo: time, in: spareBuffers.popLast() ?? AlertBuffer()))
        }
    }

    private func writeAlerts() throws(RunError) {
        guard !superstep.outgoing.isEmpty else { return }
        try writer.write(superstep.outgoing)
        spareBuffers += superstep.outgoing
        superstep.outgoing.removeAll(keepingCapacity: true)
    }

    // MARK: - Checkpoints

    /// Begins the next checkpoint as soon as can be; nothing waits for it.
    public func hurryCheckpoint() { checkpointer?.hurry() }

    /// Makes a checkpoint now, and waits until it is durable. Where lines are being read again after a restart, the last one stands.
    public func checkpoint() throws(RunError) {
        try checkpointer?.finish(expired: reached.expired, anchor: anchor)
    }

    private static func anchor(of checkpoints: CheckpointOptions?) -> Result<Anchor?, RunError> {
        guard let checkpoints, let committed = checkpoints.store.committed else { return .success(nil) }
        do throws(StoreError) { return .success(try Anchor(committed.anchor)) } catch { return .failure(.state(error)) }
    }

    /// Brings everything back to where the last checkpoint was, if there is one.
    private func begin(_ checkpoints: CheckpointOptions, from committed: Anchor?) throws(RunError) {
        for reader in inputs.readers { reader.keepMarks() }
        let resuming = Resuming(readers: inputs.readers, sinks: sinks, blockBytes: options.blockBytes)
        var resumption = Resumption(
            checkpoint: checkpoints.store.committed?.number ?? 0, madeAt: committed?.madeAt ?? 0, alerts: committed?.alerts ?? 0)
        if var anchor = committed {
            let change = RuleChange(from: anchor, to: program, rules: anchored.rules, groups: anchored.groups)
            change.describe(&resumption)
            if checkpoints.failsOnRuleChange, let message = resumption.ruleChange { throw .otherRun(message) }
            // What can fail without having changed anything comes first.
            try resuming.resumeInputs(anchor, &resumption)
            do throws(StoreError) {
                if !change.isNone { anchor = try change.carryOut(in: checkpoints.store, expired: anchor.bound.expired) }
                try Restoring(shards: shards, writer: writer).restore(checkpoints.store)
            } catch {
                throw .state(error)
            }
            writer.countBefore = anchor.alerts
            matched = anchor.bound
            resumed = anchor.bound
        }
        try resuming.cutSinks(committed, &resumption)
        if committed != nil { onResume?(resumption) }
        let checkpointer = Checkpointer(
            store: checkpoints.store, shards: shards, stage: writer, sources: inputs.readers.map { $0.input.source as? any ResumableSource },
            sinks: sinks.compactMap(Resuming.cuttable), clock: clock, everyMicroseconds: checkpoints.everyMicroseconds,
            commitsAside: checkpoints.commitsAside)
        checkpointer.onCommit = onCheckpoint
        self.checkpointer = checkpointer
        superstep.checkpointer = checkpointer
        // What there is need not be in memory, or may soon not be.
        if committed != nil || checkpoints.memoryBytesMax != nil {
            for (index, shard) in shards.enumerated() {
                let stored = StoredKeys(checkpoints.store, rowsAhead: options.rowsReadAhead)
                shard.stored = stored
                shard.matcher.keepCold(
                    stored, shard: index, of: shards.count, bytesMax: checkpoints.memoryBytesMax.map { $0 / shards.count },
                    isEmpty: committed == nil)
            }
        }
        // From the first line on there is a place to go back to: a log may be rotated, and a pipe is empty, before the first checkpoint is due.
        if committed == nil { try checkpoint() }
    }

    /// What silence has done since the checkpoint is done again, each step at its line; those that no line came after, now.
    private func repeatSilence(_ records: any IdleRecords) throws(RunError) {
        let recorder = IdleRecorder(
            records, sources: inputs.readers.compactMap { $0.input.source as? any ResumableSource },
            isNeeded: sinks.contains { Resuming.cuttable($0) == nil })
        do throws(StoreError) { try recorder.handOut(to: inputs.readers) } catch { throw .state(error) }
        inputs.recorder = recorder
        writer.recorder = recorder
        checkpointer?.recorder = recorder
        let before = inputs.bound
        for reader in inputs.readers { reader.repeatAdvances(before: reader.nextLine) }
        guard inputs.bound != before else { return }
        settleBounds()
        try matchPending()
    }

    var hasUnread: Bool { shards.contains(where: \.hasUnread) }

    /// Reads stored keys ahead on this thread.
    private func readAhead() throws(RunError) {
        for shard in shards where shard.stored != nil { shard.readAhead() }
        try checkShards()
    }

    private func writeSlices() {
        guard let checkpointer, checkpointer.isWriting else { return }
        for shard in shards.indices { checkpointer.writeSlice(shard) }
    }

    private func proceedWithCheckpoint() throws(RunError) {
        guard let checkpointer else { return }
        guard let memoryBytesMax = checkpoints?.memoryBytesMax else {
            return try checkpointer.proceed(expired: reached.expired, anchor: anchor)
        }
        // Only what a checkpoint holds can leave memory.
        let share = memoryBytesMax / shards.count
        if shards.contains(where: { $0.matcher.dirtyBytesOfEpoch > share / 2 }) { checkpointer.hurry() }
        try checkpointer.proceed(expired: reached.expired, anchor: anchor)
        for step in 0..<2 {
            for shard in shards { shard.matcher.makeRoom() }
            // Where little of it waits for a checkpoint, it is what cannot leave at all.
            guard shards.contains(where: { $0.matcher.isOverBudget && $0.matcher.dirtyBytes > share / 8 }) else { return }
            if step == 0 { try checkpointer.complete() } else { try checkpointer.finish(expired: reached.expired, anchor: anchor) }
        }
        for shard in shards { shard.matcher.makeRoom() }
    }

    /// What was let go is matched. Once time has run out, it stands where the inputs left it: a later run may go on with others.
    private var reached: ReleaseBound {
        guard matched.time == .max else { return matched }
        var bound = matched
        bound.time = inputs.reachedTime ?? .min
        return bound
    }

    /// The barrier: everything that was let go is matched, and its alerts leave now. Nil while lines are read again that were matched
    /// before a restart: the last checkpoint stands until that is over.
    private func anchor() throws(RunError) -> Anchor? {
        if inputs.readers.contains(where: \.isCatchingUp) { return nil }
        // An input that had ended has still to be read to its end: time has not come back to where it was.
        if matched.time < resumed.time || (matched.time == resumed.time && matched.input < resumed.input) { return nil }
        try writeAlerts()
        try writer.writeSideLines()
        return Anchor(
            seed: seed, rules: anchored.rules, groups: anchored.groups, bound: reached, 
            inputs: inputs.readers.map { $0.anchor(matched, reached: reached.time) },
            sinks: sinks.map { Anchor.Sink($0) }, alerts: writer.countBefore + writer.count, madeAt: 0)
    }

    /// Bytes of keyed state in memory and of what is kept about it.
    var memoryBytes: Int { shards.reduce(0) { $0 + $1.matcher.memoryBytes } }

    private func heldBytes(ofInput input: Int) -> Int { shards.reduce(0) { $0 + $1.reorder.heldBytes(ofInput: input) } }

    /// How far time must come for a held event or a deadline to go.
    private var nextMoment: Int64? { shards.compactMap(\.nextMoment).min() }

    private func updateSummary() {
        summary.watermark = inputs.reachedTime
        summary.take(admission.counts)
        summary.residentKeys = shards.reduce(0) { $0 + $1.matcher.keyCount }
        summary.keys = shards.reduce(summary.residentKeys) { $0 + $1.matcher.coldKeyCount }
        summary.evictions = shards.reduce(0) { $0 + $1.matcher.evictions }
        summary.coldReads = shards.reduce(0) { $0 + $1.matcher.coldReads }
        summary.stateBytes = shards.reduce(0) { $0 + $1.matcher.stateBytes }
        summary.heldEvents = shards.reduce(0) { $0 + $1.reorder.heldRows }
        summary.spilledEvents = shards.reduce(0) { $0 + $1.reorder.spilledRows }
        summary.spilledBytes = shards.reduce(0) { $0 + $1.reorder.spilledBytes }
        summary.brokenFields = workers.reduce(0) { $0 + $1.tester.brokenFields }
        summary.alerts = writer.count
        summary.checkpoints = checkpointer?.count ?? 0
        summary.checkpointPauseMax = checkpointer?.longestPause ?? 0
        for rule in summary.rules.indices {
            summary.rules[rule].alerts = writer.sent[rule]
            summary.rules[rule].suppressed = writer.suppressed[rule]
            var counters = RuleCounters()
            for shard in shards { counters += shard.matcher.counters(ofRule: rule) }
            for worker in workers {
                counters += worker.tester.counters[rule]
                counters.keyMissing += worker.router.keyMissing[rule]
            }
            summary.rules[rule].counters = counters
        }
    }
}
