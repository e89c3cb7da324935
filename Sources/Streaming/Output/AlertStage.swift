internal import Engine
internal import Events

/// Where alerts of all keys meet, in their total order: cooldowns, and the count of what they suppressed.
///
/// A pure component: what it gives depends on the alerts alone.
struct AlertStage {
    struct Key: Hashable {
        var rule: Int
        var isTimeout: Bool
        var value: [UInt8]
    }

    struct State {
        /// Alerts before this time are suppressed.
        var until: Int64
        var suppressed: UInt64
    }

    private let cooldowns: [Int64]
    private var states: [Key: State] = [:]
    private var sweepAt = 4096
    /// What has changed since the last checkpoint; nil where there are none.
    private var changed: Set<Key>?

    init(_ program: Program) {
        cooldowns = program.rules.map(\.cooldown)
    }

    /// Nil where the alert is suppressed, else how many were before it.
    mutating func admit(_ alert: PendingAlert, key: UnsafeRawBufferPointer) -> UInt64? {
        let rule = alert.order.rule
        guard cooldowns[rule] > 0 else { return 0 }
        let time = alert.order.time
        let place = Key(rule: rule, isTimeout: alert.isTimeout, value: Array(key))
        if var state = states[place] {
            changed?.insert(place)
            if time < state.until {
                state.suppressed += 1
                states[place] = state
                return nil
            }
            let count = state.suppressed
            states[place] = State(until: end(time, rule), suppressed: 0)
            return count
        }
        if states.count >= sweepAt { sweep(time) }
        changed?.insert(place)
        states[place] = State(until: end(time, rule), suppressed: 0)
        return 0
    }

    private func end(_ time: Int64, _ rule: Int) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(cooldowns[rule])
        return overflow ? .max : sum
    }

    /// Forgets cooldowns that are over and owe no count.
    private mutating func sweep(_ time: Int64) {
        for (key, state) in states where state.until <= time && state.suppressed == 0 {
            states[key] = nil
            changed?.insert(key)
        }
        sweepAt = max(4096, states.count * 2)
    }

    // MARK: - Checkpoints

    mutating func trackChanges() {
        changed = changed ?? []
    }

    /// What has changed since this was last called, with its state now; nil for what is gone.
    mutating func takeChanges() -> [(key: Key, state: State?)] {
        defer { changed?.removeAll() }
        return (changed ?? []).map { ($0, states[$0]) }
    }

    /// What was taken belongs to the next checkpoint after all.
    mutating func takeBack(_ changes: [(key: Key, state: State?)]) {
        for change in changes { changed?.insert(change.key) }
    }

    mutating func restore(_ key: Key, _ state: State) {
        states[key] = state
    }
}
