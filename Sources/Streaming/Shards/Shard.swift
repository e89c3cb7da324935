internal import Engine
internal import Events

/// What is to be matched in one go: blocks that have been admitted, and how far time has come with them.
struct Round {
    var blocks: [Block] = []
    var bytes: Int { blocks.reduce(0) { $0 + $1.batch.byteCount } }
    var bound = ReleaseBound(watermarks: [.min])
    /// Deadlines up to and including this time are due.
    var deadlinesUpTo = Int64.min
}

/// The keys of a part of the hash ranges: their rows in order, their automata, and the alerts that come of them. One worker at a time.
final class Shard: @unchecked Sendable {
    // @unchecked: worked by one worker in a superstep, looked at by the run's own thread between supersteps.

    let matcher: Matcher
    private let index: Int
    private(set) var reorder: ReorderBuffer
    private var blocks: [Block] = []
    /// Of each of the blocks, where its rows' columns, keys and masks begin.
    private var places: [(view: BatchView, keys: UnsafePointer<UInt8>, masks: UnsafePointer<RuleMask>)] = []
    private var incoming: [RoutedRow] = []
    private var released: [RoutedRow] = []
    private var next = 0
    /// The round at hand, until its rows are taken.
    private var round: Round?
    private var deadlinesUpTo = Int64.min
    private var watermark = Int64.min
    private var bound = ReleaseBound(watermarks: [.min])
    /// Whether rows outside memory may still go in this round.
    private var hasMore = false
    /// What is in the store; nil where everything is in memory.
    var stored: StoredKeys?
    /// Before its next round the shard writes what it holds outside memory.
    var spillsNext = false
    /// What it held outside memory cannot be had back, or not be written: nothing is matched any more.
    private(set) var failure: SpillError?
    /// Whether the last round is matched.
    private(set) var isDone = true
    /// Up to and including this time all alerts of the round are there.
    private(set) var alertsAreDoneUpTo = Int64.max

    /// A shard stops at the next later event once its alerts are so many bytes, so that a long drain does not hold them all.
    private static let alertBytesMax = 1 << 20
    /// How many rows ahead a key's state is asked for; the slot that leads to it, twice as many.
    private static let prefetchDistance = 8
    /// How many rows bring keys into memory before it is seen whether there is room.
    private static let rowsBetweenEvictions = 16

    init(_ program: Program, index: Int, seed: UInt64, spill: (any SpillSpace)? = nil, limits: SpillLimits = SpillLimits()) {
        self.index = index
        matcher = Matcher(program: program, seed: seed)
        reorder = ReorderBuffer(columnCount: program.columns.count + 1, space: spill, limits: limits)
    }

    /// The earliest time at which something is held or due.
    var nextMoment: Int64? {
        let held = reorder.firstTime.map { $0.addingSaturating(1) }
        guard let deadline = matcher.nextDeadline else { return held }
        return min(held ?? deadline, deadline)
    }

    /// Has a round before it; ``advance()`` does it.
    func take(_ round: Round) {
        self.round = round
        isDone = false
    }

    /// Takes the round's rows: those that may go now, together with held ones, into the order of matching; the others are held.
    private func begin(_ round: Round) throws(SpillError) {
        if spillsNext {
            spillsNext = false
            try reorder.spill()
        }
        blocks = round.blocks
        places.removeAll(keepingCapacity: true)
        incoming.removeAll(keepingCapacity: true)
        released.removeAll(keepingCapacity: true)
        next = 0
        deadlinesUpTo = round.deadlinesUpTo
        watermark = round.bound.time
        bound = round.bound
        var isSorted = true
        for (place, block) in blocks.enumerated() {
            places.append(
                (BatchView(block.batch), UnsafePointer(block.routed.keys.bytes), UnsafePointer(block.routed.masks.start)))
            for var row in block.routed.shards[index] {
                row.holder = Int32(-1 - place)
                if let last = incoming.last, row < last { isSorted = false }
                incoming.append(row)
            }
        }
        if !isSorted { incoming.sort { $0 < $1 } }
        hasMore = reorder.isSpilled
        if hasMore {
            // What goes may not fit in memory: it goes in slices, and the new rows among them.
            hold(incoming[...])
            return
        }
        if reorder.heldRows > 0 { reorder.release(upTo: round.bound, into: &released) }
        let split = incoming.firstIndex { !round.bound.lets($0.time, arrival: $0.arrival) } ?? incoming.count
        merge(incoming[..<split])
        hold(incoming[split...])
    }

    private func hold(_ rows: ArraySlice<RoutedRow>) {
        let (blocks, places) = (blocks, places)
        reorder.hold(rows) { row in
            let place = Int(-1 - row.holder)
            return RowPlace(batch: blocks[place].batch, keys: places[place].keys, masks: places[place].masks)
        }
    }

    private func merge(_ rows: ArraySlice<RoutedRow>) {
        guard let first = rows.first else { return }
        if released.last.map({ $0 < first }) ?? true {
            released += rows
            return
        }
        let held = released
        released.removeAll(keepingCapacity: true)
        var i = 0, j = rows.startIndex
        while i < held.count && j < rows.endIndex {
            if rows[j] < held[i] {
                released.append(rows[j])
                j += 1
            } else {
                released.append(held[i])
                i += 1
            }
        }
        released += held[i...]
        released += rows[j...]
    }

    /// Matches the round's rows and fires its deadlines. It may stop before the end because of the alerts, which must leave first.
    func advance() {
        do throws(SpillError) {
            if let round {
                try begin(round)
                self.round = nil
            } else if alertsAreMany, let first = matcher.alerts.pending.first, first.order.time <= alertsAreDoneUpTo {
                // They wait for another shard. Where all are of later times, they wait for this one.
                return
            }
            isDone = try matchSlices() && fireDeadlines()
        } catch {
            failure = error
            isDone = true
            return
        }
        if isDone {
            if watermark != .max { matcher.watermark = watermark }
            alertsAreDoneUpTo = .max
            blocks.removeAll(keepingCapacity: true)
        }
        matcher.alerts.sort()
    }

    private var alertsAreMany: Bool { matcher.alerts.bytes.count > Shard.alertBytesMax }

    private func matchSlices() throws(SpillError) -> Bool {
        while matchRows() {
            guard hasMore else { return true }
            released.removeAll(keepingCapacity: true)
            next = 0
            hasMore = try reorder.releaseSlice(upTo: bound, into: &released)
        }
        return false
    }

    private func matchRows() -> Bool {
        let count = released.count
        let distance = Shard.prefetchDistance
        return released.withUnsafeBufferPointer { rows in
            for ahead in next..<max(next, min(count, next + 2 * distance)) {
                matcher.prefetchSlot(rows[ahead].hash, group: Int(rows[ahead].group))
            }
            while next < count {
                let row = next
                next += 1
                if row + 2 * distance < count {
                    matcher.prefetchSlot(rows[row + 2 * distance].hash, group: Int(rows[row + 2 * distance].group))
                }
                if row + distance < count {
                    matcher.prefetchState(rows[row + distance].hash, group: Int(rows[row + distance].group))
                }
                match(rows[row])
                if row % Shard.rowsBetweenEvictions == 0 { matcher.keepWithinBudget() }
                if alertsAreMany, next < count, rows[next].time > rows[row].time {
                    // Alerts of deadlines up to the next event stand among those that leave now.
                    matcher.fireDeadlines(upTo: rows[row].time)
                    alertsAreDoneUpTo = rows[row].time
                    return false
                }
            }
            return true
        }
    }

    @inline(__always)
    private func match(_ row: RoutedRow) {
        if row.holder < 0 {
            let place = places[Int(-1 - row.holder)]
            matcher.process(
                EventRow(view: place.view, row: Int(row.row), time: row.time, arrival: row.arrival, type: Int(row.type)), routed: row,
                key: place.keys + Int(row.key), masks: place.masks + Int(row.firstMask))
        } else {
            matcher.process(
                EventRow(view: reorder.view(row.holder), row: Int(row.row), time: row.time, arrival: row.arrival, type: Int(row.type)),
                routed: row, key: reorder.key(row), masks: reorder.masks(row))
            reorder.finish(row)
        }
    }

    /// Why the state that is stored cannot be had; nothing that was matched since may leave.
    var stateFailure: StoreError? {
        if let failure = stored?.failure { return failure }
        return matcher.coldFailure.map { RowKeys.damage("the state of a key (\($0))") }
    }

    /// Whether stored keys are to be read ahead.
    var hasUnread: Bool { stored.map { $0.rowsAhead > 0 && matcher.hasUnread } ?? false }

    /// Reads some of what is stored ahead, after a restart.
    func readAhead() {
        guard let stored, hasUnread else { return }
        stored.readAhead(matcher)
        if !matcher.keepsCold { self.stored = nil }
    }

    private func fireDeadlines() -> Bool {
        // Alerts of the last rows may be many and of later times than these deadlines, and cannot leave before they have fired.
        let bytesBefore = matcher.alerts.bytes.count
        while let due = matcher.nextDeadline, due <= deadlinesUpTo {
            matcher.fireDeadlines(upTo: due)
            matcher.keepWithinBudget()
            let grown = matcher.alerts.bytes.count - bytesBefore
            if grown > Shard.alertBytesMax, let next = matcher.nextDeadline, next <= deadlinesUpTo {
                alertsAreDoneUpTo = due
                return false
            }
        }
        return true
    }

    /// Hands over the alerts up to and including a time, in order, and takes an empty buffer for them.
    func takeAlerts(upTo time: Int64, in empty: AlertBuffer) -> AlertBuffer {
        let taken = matcher.alerts
        let split = taken.pending.firstIndex { $0.order.time > time } ?? taken.pending.count
        for alert in taken.pending[split...] { empty.append(alert, of: taken) }
        taken.pending.removeSubrange(split...)
        matcher.alerts = empty
        return taken
    }
}
