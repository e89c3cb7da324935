internal import Decoding
public import Engine

/// What a run has done so far.
public struct RunSummary: Sendable, Equatable {
    public struct Rule: Sendable, Equatable {
        public var name: String
        public var alerts: UInt64 = 0
        /// Alerts that a cooldown kept back.
        public var suppressed: UInt64 = 0
        public var counters = RuleCounters()
    }

    public var events: UInt64 = 0
    public var lines: UInt64 = 0
    public var bytes: UInt64 = 0
    public var late: UInt64 = 0
    /// By ``RejectReason/rawValue``.
    public var rejects: [UInt64]
    public var alerts: UInt64 = 0
    /// The time that all inputs have reached, microseconds; after the end of all, the largest that one has. Nil before the first event.
    public var watermark: Int64?
    /// Keys that have state, in memory or only stored. Of the stored ones about, and after a restart those that have been looked at.
    public var keys = 0
    public var residentKeys = 0
    /// Of the resident ones.
    public var stateBytes = 0
    /// Keys that left memory for the store alone.
    public var evictions: UInt64 = 0
    /// How often the store was asked for a key.
    public var coldReads: UInt64 = 0
    public var heldEvents = 0
    /// Events that went outside memory while they waited, once for each key that they belong to.
    public var spilledEvents: UInt64 = 0
    /// Bytes written for that.
    public var spilledBytes: UInt64 = 0
    /// Fields that break the `event` declaration of their type, and so are unknown; of those that rules read.
    public var brokenFields: UInt64 = 0
    /// Checkpoints that were committed.
    public var checkpoints: UInt64 = 0
    /// The longest time for which matching stood still for one, microseconds.
    public var checkpointPauseMax: Int64 = 0
    /// In the order of names.
    public var rules: [Rule]
    /// A request to stop ended the run.
    public var isStopped = false

    init(rules: [String]) {
        self.rules = rules.map { Rule(name: $0) }
        rejects = [UInt64](repeating: 0, count: Int(RejectReason.allCases.map(\.rawValue).max() ?? 0) + 1)
    }

    mutating func take(_ counts: AdmissionCounts) {
        events = counts.events
        bytes = counts.bytes
        late = counts.late
        rejects = counts.rejects
        lines = events + late + rejected
    }

    public var rejected: UInt64 { rejects.reduce(0, +) }

    /// The counts of this run and of the one before it; what is there now is this run's.
    public func adding(_ earlier: RunSummary) -> RunSummary {
        var sum = self
        sum.events += earlier.events
        sum.lines += earlier.lines
        sum.bytes += earlier.bytes
        sum.late += earlier.late
        for reason in sum.rejects.indices { sum.rejects[reason] += earlier.rejects[reason] }
        sum.alerts += earlier.alerts
        sum.spilledEvents += earlier.spilledEvents
        sum.spilledBytes += earlier.spilledBytes
        sum.brokenFields += earlier.brokenFields
        sum.checkpoints += earlier.checkpoints
        sum.checkpointPauseMax = max(sum.checkpointPauseMax, earlier.checkpointPauseMax)
        var rules = Dictionary(uniqueKeysWithValues: sum.rules.map { ($0.name, $0) })
        for rule in earlier.rules {
            guard var own = rules[rule.name] else {
                rules[rule.name] = rule
                continue
            }
            own.alerts += rule.alerts
            own.suppressed += rule.suppressed
            own.counters += rule.counters
            rules[rule.name] = own
        }
        sum.rules = rules.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return sum
    }
}
