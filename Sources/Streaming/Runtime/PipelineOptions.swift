public import Engine

public struct PipelineOptions: Sendable {
    /// At the end of the input, let time run out: fire every deadline.
    public var drains: Bool
    /// Where the end does not drain: time passes up to here, microseconds, and what is due by then is fired. Nil: the last event is the
    /// end.
    public var endMicroseconds: Int64?
    /// Most memory of events that wait for the watermark. Beyond it they go to the space that the run was given, of which parts are then in
    /// memory beside it; without one the run ends and names `delay`.
    public var reorderBytesMax: Int
    /// Most memory of events of one input that is ahead of others; beyond it that input is not read until the others have caught up.
    public var aheadBytesMax: Int
    public var blockBytes: Int
    /// Threads that decode and match. What comes out does not depend on it.
    public var workers: Int
    /// Of the hash of keys.
    public var seed: UInt64
    var spillLimits = SpillLimits()
    /// A block of at least so many bytes is worth waking the other workers for what comes behind it.
    public var parallelBytes = 32 * 1024

    /// So many stored keys are read ahead in one go after a restart: one to two milliseconds. 0: keys come when they are asked for, and only then.
    var rowsReadAhead = 2048

    public static let workersMax = 256

    public init(
        drains: Bool = true, endMicroseconds: Int64? = nil, reorderBytesMax: Int = 1 << 30, aheadBytesMax: Int = 64 << 20,
        blockBytes: Int = 128 * 1024, workers: Int = 1, seed: UInt64
    ) {
        self.drains = drains
        self.endMicroseconds = endMicroseconds
        self.reorderBytesMax = reorderBytesMax
        self.aheadBytesMax = aheadBytesMax
        self.blockBytes = blockBytes
        self.workers = max(1, min(workers, PipelineOptions.workersMax))
        self.seed = seed
    }
}

/// Where a run keeps its state, and how often.
public struct CheckpointOptions {
    public var store: any StateStore
    public var everyMicroseconds: Int64
    /// Of each rule, in their order: what tells whether it may go on with what an earlier run has left.
    public var fingerprints: [Fingerprint]
    /// A rule that cannot go on with its state ends the run before it begins.
    public var failsOnRuleChange: Bool
    /// Commit on a thread of their own; without, the run waits for each, and goes the same way each time.
    public var commitsAside: Bool
    /// Most memory of keyed state, about: what is more stays in the store alone until it is asked for. Nil: all of it is in memory.
    public var memoryBytesMax: Int?
    /// Where steps that silence makes are kept between two checkpoints; needed where an input has `idle`.
    public var idleRecords: (any IdleRecords)?

    public init(
        store: any StateStore, everyMicroseconds: Int64 = 10_000_000, fingerprints: [Fingerprint], failsOnRuleChange: Bool = false,
        commitsAside: Bool = true, memoryBytesMax: Int? = nil, idleRecords: (any IdleRecords)? = nil
    ) {
        self.idleRecords = idleRecords
        self.memoryBytesMax = memoryBytesMax
        self.store = store
        self.everyMicroseconds = everyMicroseconds
        self.fingerprints = fingerprints
        self.failsOnRuleChange = failsOnRuleChange
        self.commitsAside = commitsAside
    }
}
