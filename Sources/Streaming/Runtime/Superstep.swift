internal import Engine
internal import Synchronization

/// What the workers do together: match the round at hand, write the alerts of the one before, decode the next.
final class Superstep: @unchecked Sendable {
    // @unchecked: a worker touches its own shard and what it has claimed; the rest is set between supersteps.

    private let shards: [Shard]
    private let workers: [Worker]
    private let queue: BlockQueue
    private let writer: AlertWriter
    private let isWriting = Atomic<Bool>(false)
    /// To be written.
    var outgoing: [AlertBuffer] = []
    private(set) var failure: RunError?
    var checkpointer: Checkpointer?

    init(shards: [Shard], workers: [Worker], queue: BlockQueue, writer: AlertWriter) {
        self.shards = shards
        self.workers = workers
        self.queue = queue
        self.writer = writer
    }

    /// Whether the round is matched.
    var isDone: Bool { shards.allSatisfy(\.isDone) }

    func begin(_ round: Round) {
        for shard in shards { shard.take(round) }
    }

    /// One worker's part: its shard first, since others wait for it, then what is left to anybody.
    func work(_ worker: Int) {
        if !shards[worker].isDone { shards[worker].advance() }
        if !outgoing.isEmpty, !isWriting.exchange(true, ordering: .acquiringAndReleasing) {
            do throws(RunError) { try writer.write(outgoing) } catch { failure = error }
        }
        checkpointer?.writeSlice(worker)
        shards[worker].readAhead()
        while let block = queue.claim() { workers[worker].decode(block) }
    }

    /// To be called between supersteps.
    func rearm() { isWriting.store(false, ordering: .releasing) }
}
