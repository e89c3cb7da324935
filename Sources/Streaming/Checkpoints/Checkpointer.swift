internal import Engine
internal import Glibc
internal import Synchronization

/// Writes checkpoints while the run goes on.
///
/// A checkpoint begins at a *barrier*: a moment between two supersteps at which everything that was let go is matched and every alert of
/// it has been written. From there each shard writes the keys that had changed by then in slices, beside its work; then a thread of its
/// own makes the sinks durable and commits. So a run that goes on never waits for the disk.
final class Checkpointer: @unchecked Sendable {
    // @unchecked: a shard's part is written by the worker of that shard, the commit by one thread, which is waited for by the flag; all
    // else happens between supersteps.

    private let store: any StateStore
    private let shards: [Shard]
    private let stage: AlertWriter
    private let sinks: [any ResumableSink]
    private let clock: any Clock
    private let everyMicroseconds: Int64
    private let commitsAside: Bool
    private var nextAt: Int64
    /// Memory waits for the checkpoint.
    private var isHurried = false

    private enum Phase {
        case resting
        /// Rows are being written.
        case writing
        /// The commit is under way.
        case committing
    }

    /// How far a shard's rows are written; touched by that shard's worker.
    private final class Part {
        var isWritten = true
        var failure: StoreError?
    }

    private var phase = Phase.resting
    private var writer: (any CheckpointWriter)?
    /// Of the last checkpoint, but for when it was made.
    private var anchor: Anchor?
    private var encodedAnchor: [UInt8] = []
    /// Of each input, where a restart from the checkpoint that is being made begins to read.
    private var positions: [UInt64] = []
    private let sources: [(any ResumableSource)?]
    private var expired = Int64.min
    private var cooldowns: [(key: AlertStage.Key, state: AlertStage.State?)] = []
    /// Of each shard.
    private let parts: [Part]
    private let isCommitted = Atomic<Bool>(false)
    private var commitFailure: RunError?
    private var thread: pthread_t?
    private(set) var count: UInt64 = 0
    /// Is told how many alerts had left at the barrier of a checkpoint that is committed.
    var onCommit: ((UInt64) -> Void)?
    /// The longest time for which everything stood still for a checkpoint, microseconds.
    private(set) var longestPause: Int64 = 0
    var recorder: IdleRecorder?

    /// So many rows are a slice: about a quarter of a millisecond.
    static let sliceRows = 256
    /// Where memory waits for it: at least as many as the events of a superstep change.
    private static let hurriedSliceRows = 8192
    /// How often a quiet run looks whether a commit has ended.
    private static let commitLooksMicroseconds: Int64 = 10_000

    init(
        store: any StateStore, shards: [Shard], stage: AlertWriter, sources: [(any ResumableSource)?], sinks: [any ResumableSink],
        clock: any Clock, everyMicroseconds: Int64, commitsAside: Bool
    ) {
        self.sources = sources
        self.store = store
        self.shards = shards
        self.stage = stage
        self.sinks = sinks
        self.clock = clock
        self.everyMicroseconds = everyMicroseconds
        self.commitsAside = commitsAside
        parts = shards.map { _ in Part() }
        nextAt = clock.monotonicMicroseconds.addingSaturating(everyMicroseconds)
        for shard in shards { shard.matcher.trackChanges() }
        stage.stage.trackChanges()
    }

    /// How long until there is something to do, microseconds.
    var dueIn: Int64 {
        switch phase {
        case .resting: max(0, nextAt.subtractingSaturating(clock.monotonicMicroseconds))
        case .writing: 0
        case .committing: Checkpointer.commitLooksMicroseconds
        }
    }

    /// Whether rows are left to be written.
    var isWriting: Bool { phase == .writing }

    // MARK: - Between supersteps

    /// The next checkpoint begins as soon as the one at hand is committed.
    func hurry() {
        nextAt = clock.monotonicMicroseconds
        isHurried = true
    }

    /// Ends what is done and begins what is due. `anchor` is asked for at the barrier, where all alerts have been written.
    func proceed(expired: Int64, anchor: () throws(RunError) -> Anchor?) throws(RunError) {
        try settle()
        let start = clock.monotonicMicroseconds
        guard phase == .resting, start >= nextAt else { return }
        try begin(expired: expired, anchor: anchor)
        longestPause = max(longestPause, clock.monotonicMicroseconds.subtractingSaturating(start))
    }

    /// A last checkpoint, which is waited for.
    func finish(expired: Int64, anchor: () throws(RunError) -> Anchor?) throws(RunError) {
        try complete()
        try begin(expired: expired, anchor: anchor)
        try complete()
    }

    /// Does what is left of a checkpoint that has begun, and waits for it.
    func complete() throws(RunError) {
        while phase == .writing {
            for index in shards.indices { writeSlice(index) }
            try settle()
        }
        if phase == .committing { try join() }
    }

    private func begin(expired: Int64, anchor: () throws(RunError) -> Anchor?) throws(RunError) {
        nextAt = clock.monotonicMicroseconds.addingSaturating(everyMicroseconds)
        guard var next = try anchor() else { return }
        // A run in which nothing has happened is not written again and again.
        guard next != self.anchor else { return }
        self.anchor = next
        next.madeAt = clock.wallMicroseconds
        encodedAnchor = next.encoded()
        positions = next.inputs.map(\.position)
        recorder?.noteBarrier()
        do throws(StoreError) {
            // One for the cooldowns, then one a shard for the deadlines and one for the states: each ascends while both are written together.
            writer = try store.begin(parts: 1 + 2 * shards.count)
        } catch {
            throw .state(error)
        }
        self.expired = expired
        cooldowns = stage.stage.takeChanges()
        for index in shards.indices {
            shards[index].matcher.beginCheckpoint()
            parts[index].isWritten = false
        }
        phase = .writing
    }

    private func settle() throws(RunError) {
        if phase == .committing, isCommitted.load(ordering: .acquiring) { try join() }
        guard phase == .writing else { return }
        if let failure = parts.lazy.compactMap(\.failure).first {
            end(isCommitted: false)
            throw .state(failure)
        }
        guard parts.allSatisfy(\.isWritten) else { return }
        phase = .committing
        isCommitted.store(false, ordering: .releasing)
        guard commitsAside else {
            commit()
            return try join()
        }
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { argument in
            guard let argument else { return nil }
            Unmanaged<Checkpointer>.fromOpaque(argument).takeRetainedValue().commit()
            return nil
        }, Unmanaged.passRetained(self).toOpaque())
        guard status == 0 else { fatalError("The system gives no more threads: \(status)") }
        self.thread = thread
    }

    /// Waits for a commit that is under way, whatever becomes of it: where a run has failed, the process may end, and nobody may then be at
    /// work in the store.
    func waitForCommit() {
        if let thread { pthread_join(thread, nil) }
        thread = nil
    }

    private func join() throws(RunError) {
        waitForCommit()
        end(isCommitted: commitFailure == nil)
        defer { commitFailure = nil }
        if let commitFailure { throw commitFailure }
        count += 1
        for (source, position) in zip(sources, positions) { source?.forget(before: position) }
        if let anchor { onCommit?(anchor.alerts) }
        do throws(StoreError) { try recorder?.noteCommit() } catch { throw .state(error) }
    }

    private func end(isCommitted: Bool) {
        phase = .resting
        isHurried = false
        writer = nil
        for part in parts { part.failure = nil }
        for shard in shards { shard.matcher.endCheckpoint(isCommitted: isCommitted) }
        if !isCommitted {
            stage.stage.takeBack(cooldowns)
            anchor = nil
        }
        cooldowns = []
    }

    // MARK: - Beside the work

    /// Writes the next rows of a shard; to be called by whoever works that shard.
    func writeSlice(_ index: Int) {
        let part = parts[index]
        guard phase == .writing, !part.isWritten, part.failure == nil, let writer else { return }
        let (deadlines, states) = (1 + index, 1 + shards.count + index)
        let rowsMax = isHurried ? Checkpointer.hurriedSliceRows : Checkpointer.sliceRows
        var key: [UInt8] = []
        var value: [UInt8] = []
        do throws(StoreError) {
            let isDone = try shards[index].matcher.writeCheckpoint(rows: rowsMax) { row throws(StoreError) in
                if let deadline = row.deadline {
                    key.removeAll(keepingCapacity: true)
                    RowKeys.append(RowKeys.deadline, hash: row.hash, group: row.group, key: row.key, to: &key)
                    value.removeAll(keepingCapacity: true)
                    withUnsafeBytes(of: deadline.littleEndian) { value += $0 }
                    try writer.put(part: deadlines, key, value)
                } else if row.mayHaveHadDeadline {
                    key.removeAll(keepingCapacity: true)
                    RowKeys.append(RowKeys.deadline, hash: row.hash, group: row.group, key: row.key, to: &key)
                    try writer.remove(part: deadlines, key)
                }
                key.removeAll(keepingCapacity: true)
                RowKeys.append(RowKeys.state, hash: row.hash, group: row.group, key: row.key, to: &key)
                guard let blob = row.blob else {
                    try writer.remove(part: states, key)
                    return
                }
                value.removeAll(keepingCapacity: true)
                withUnsafeBytes(of: row.expiresAt.littleEndian) { value += $0 }
                value += blob
                try writer.put(part: states, key, value)
            }
            guard isDone else { return }
            try writer.finish(part: deadlines)
            try writer.finish(part: states)
            part.isWritten = true
        } catch {
            part.failure = error
        }
    }

    /// Sources and sinks first: what a checkpoint counts as read and written must outlive whatever happens.
    private func commit() {
        do throws(RunError) {
            for source in sources {
                do throws(SourceError) { try source?.synchronize() } catch { throw RunError.source(error) }
            }
            for sink in sinks {
                do throws(SinkError) { try sink.synchronize() } catch { throw RunError(error) }
            }
            do throws(StoreError) { try commitRows() } catch { throw .state(error) }
        } catch {
            commitFailure = error
        }
        isCommitted.store(true, ordering: .releasing)
    }

    private func commitRows() throws(StoreError) {
        guard let writer else { return }
        let rows = cooldowns.map { change in
            (key: RowKeys.cooldownKey(change.key), value: change.state.map { RowKeys.cooldownValue(change.key, $0) })
        }
        for row in rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if let value = row.value { try writer.put(part: 0, row.key, value) } else { try writer.remove(part: 0, row.key) }
        }
        try writer.finish(part: 0)
        try writer.commit(anchor: encodedAnchor, expired: expired)
    }
}
