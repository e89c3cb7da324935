internal import Events
internal import CXXHash
internal import Glibc

/// The keyed automata of one shard: takes events in the order of (time, arrival) and gives alerts.
///
/// For each key it holds one blob. An event meets its key's threads in two phases: first every thread is looked at and the new ones are
/// collected aside (nothing in the blob moves), then policies are applied and what stays is written.
///
/// - Complexity: an event that satisfies nothing of a rule costs nothing here; otherwise the look-up of its key, and work in proportion
///   to the threads of its key that have an interest in it.
public final class Matcher {
    let program: Program
    let tables: ProgramTables
    /// Plain memory, as what they hold: the hot path counts no references.
    let rules: UnsafeMutableBufferPointer<RuleTables>
    let groups: UnsafeMutableBufferPointer<GroupState>
    /// Of each rule.
    let ruleGroups: UnsafeMutablePointer<Int32>
    let evaluator: Evaluator
    let allocator = BlobAllocator()
    let seed: UInt64
    /// Of each group the time of the first entry in its queue of deadlines; `Int64.max` where there is none.
    let deadlineTimes: UnsafeMutablePointer<Int64>
    var forks = Forks()
    var cooldownKey = KeyBuffer()
    /// The record of the thread that is being made.
    let draft: UnsafeMutableRawPointer
    var rebuildArea = RebuildArea()
    /// What captured events keep changes on the way; nil but while the state of other rules is taken over.
    var slotMove: SlotMove?
    var startTable = StartTable()
    var domination = DominationTable()
    var chains = ChainScratch()
    var completions: [Completion] = []
    var droppedStarts: [Position] = []
    /// First events of the matches and timeouts of this moment, where the rule reports timeouts.
    var matchedStarts: [Position] = []
    var identifier = AlertIdentifier()
    /// Whoever takes the alerts puts another buffer here.
    public var alerts: AlertBuffer
    /// Which keys a checkpoint has to write; nil where there are none.
    var changes: ChangeLog?
    /// What is not in memory; nil where all of it is.
    var cold: ColdTier?
    /// No event before this time comes any more; what is only alive before it may be freed.
    public var watermark = Int64.min

    /// `seed` makes the hash of keys unpredictable; nothing visible depends on it.
    public init(program: Program, seed: UInt64) {
        self.program = program
        self.seed = seed
        let tables = ProgramTables(program)
        self.tables = tables
        var local = [Int](repeating: 0, count: program.rules.count)
        var ruleGroups = [Int32](repeating: 0, count: program.rules.count)
        for (index, group) in program.groups.enumerated() {
            for (place, rule) in group.rules.enumerated() {
                local[rule] = place
                ruleGroups[rule] = Int32(index)
            }
        }
        self.ruleGroups = copied(ruleGroups)
        let rules = program.rules.enumerated().map {
            RuleTables($0.element, local: local[$0.offset], keyNames: program.groups[Int(ruleGroups[$0.offset])].names)
        }
        self.rules = UnsafeMutableBufferPointer(start: copied(rules), count: rules.count)
        let groups = program.groups.enumerated().map { index, group in
            GroupState(group, index: index, columnCount: program.columns.count, rules: group.rules.map { rules[$0] })
        }
        self.groups = UnsafeMutableBufferPointer(start: copied(groups), count: groups.count)
        deadlineTimes = copied([Int64](repeating: .max, count: max(1, groups.count)))
        evaluator = Evaluator(tables: tables)
        let recordMax = program.rules.map(\.record.size).max() ?? 64
        draft = .allocate(byteCount: max(64, recordMax), alignment: 16)
        alerts = AlertBuffer()
    }

    deinit {
        draft.deallocate()
        for rule in rules { rule.deallocate() }
        for group in groups { group.deallocate() }
        rules.deallocate()
        groups.deallocate()
        ruleGroups.deallocate()
        deadlineTimes.deallocate()
    }

    /// Keys whose state is in memory.
    public var keyCount: Int { groups.reduce(0) { $0 + $1.table.count } }

    /// Bytes of keyed state.
    public var stateBytes: Int { allocator.bytesInUse }

    public func counters(ofRule rule: Int) -> RuleCounters { rules[rule].counters }

    /// The hash of a key, as ``KeyRouter`` with the same seed has it.
    func hash(ofKey key: UnsafePointer<UInt8>, _ count: Int) -> UInt64 { nt_hash64(key, count, seed) }

    /// Brings the table's slot for a key nearer, some events ahead of ``process(_:routed:key:masks:)``.
    @inline(__always)
    public func prefetchSlot(_ hash: UInt64, group: Int) {
        groups[group].table.prefetch(hash)
    }

    /// Brings the state of a key nearer, once its slot is near.
    @inline(__always)
    public func prefetchState(_ hash: UInt64, group: Int) {
        groups[group].table.prefetchBlob(hash)
    }

    /// Advances the rules of one group for one key by an event. `masks` are ordered by rank.
    public func process(_ row: EventRow, routed: borrowing RoutedRow, key: UnsafePointer<UInt8>, masks: UnsafePointer<RuleMask>) {
        evaluator.arena.reset()
        let group = groups[Int(routed.group)]
        let hash = routed.hash
        let keyLength = Int(routed.keyLength)
        var (place, isFound) = group.table.find(hash, key, keyLength)
        if !isFound, cold != nil, fetch(group, hash, key, keyLength) { (place, isFound) = group.table.find(hash, key, keyLength) }
        if isFound {
            let blob = Blob(group.table.slots[place].blob.unsafelyUnwrapped)
            if blob.nextDeadline <= row.time {
                fireDeadlines(of: group, at: place, upTo: row.time)
                (place, isFound) = group.table.find(hash, key, keyLength)
            } else if blob.expiresAt <= row.time {
                willChange(blob.base, group)
                // The key begins again, in the same memory where that is of use.
                if !blob.clear() {
                    release(group, at: place)
                    isFound = false
                    (place, _) = group.table.find(hash, key, keyLength)
                }
            }
        }
        var cursor = KeyCursor(
            group: group, hash: hash, key: key, keyLength: keyLength, place: place, blob: isFound ? group.table.slots[place].blob : nil)
        if let blob = cursor.blob { willChange(blob, group) }
        prepareEvaluator(cursor, row: row)
        for index in 0..<Int(routed.maskCount) {
            let rule = rules[Int(masks[index].rule)]
            if cursor.blob == nil && masks[index].bits & rule.startMask == 0 { continue }
            advance(rule, row: row, mask: masks[index].bits, cursor: &cursor)
        }
        finish(&cursor)
    }

    @inline(__always)
    private func prepareEvaluator(_ cursor: borrowing KeyCursor, row: EventRow) {
        evaluator.row = row
        evaluator.hasRow = true
        evaluator.now = row.time
        evaluator.slots = UnsafePointer(cursor.group.slots)
        evaluator.slotCount = cursor.group.slotCount
        evaluator.key = cursor.key
        evaluator.keyLength = cursor.keyLength
    }

    /// Settles what the event left: no section, no key; otherwise its next deadline stands in the queue.
    private func finish(_ cursor: inout KeyCursor) {
        guard let base = cursor.blob else { return }
        let blob = Blob(base)
        if blob.sectionCount == 0 {
            release(cursor.group, at: cursor.place)
            cursor.blob = nil
        } else if cursor.group.hasDeadlines {
            arm(cursor.group, blob)
        }
    }

    /// Frees a key's blob and takes the key out of the table.
    func release(_ group: GroupState, at place: Int) {
        guard let base = group.table.slots[place].blob else { return }
        willRemove(base, group)
        allocator.deallocate(base, Blob(base).sizeClass)
        group.table.remove(at: place)
    }

    /// Looks at the next few keys in the table, and frees those whose threads have all run out of time: each new key pays for them, so
    /// that the dead are never many more than the living.
    ///
    /// - Complexity: O(1).
    func sweepSome(_ group: GroupState) {
        guard watermark >= group.table.sweepsFrom else { return }
        for _ in 0..<Matcher.sweptWithEachKey {
            let place = group.table.hand
            var expiry = Int64.max
            if let base = group.table.slots[place].blob {
                let blob = Blob(base)
                // What waits for a deadline is freed by that.
                if blob.nextDeadline == .max {
                    if blob.expiresAt <= watermark {
                        // Another entry may move here, so the place is looked at again.
                        release(group, at: place)
                        continue
                    }
                    expiry = blob.expiresAt
                }
            }
            group.table.moveHand(past: expiry, new: watermark.addingSaturating(group.shortestWithin))
        }
    }

    private static let sweptWithEachKey = 2

    /// Frees the keys whose threads have all run out of time by the watermark.
    ///
    /// - Complexity: O(keys); called before a table grows.
    func sweepExpired(_ group: GroupState, watermark: Int64) {
        var place = 0
        while place < group.table.capacity {
            if let base = group.table.slots[place].blob, Blob(base).expiresAt <= watermark, Blob(base).nextDeadline == .max {
                // Another entry may move here, so the place is looked at again.
                release(group, at: place)
            } else {
                place += 1
            }
        }
    }
}

/// Where a key stands while an event is worked.
struct KeyCursor {
    let group: GroupState
    let hash: UInt64
    let key: UnsafePointer<UInt8>
    let keyLength: Int
    /// In the table; without a blob, where the key would stand.
    var place: Int
    var blob: UnsafeMutableRawPointer?
    /// The event at hand in the blob, once a rule has captured it; 0 before.
    var event: UInt32 = 0
}

/// The place of an event in the order of matching.
struct Position: Hashable {
    var time: Int64
    var arrival: UInt64

    @inline(__always)
    static func < (left: Position, right: Position) -> Bool {
        left.time != right.time ? left.time < right.time : left.arrival < right.arrival
    }
}
