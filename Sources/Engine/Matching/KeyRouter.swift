public import Events
internal import CXXHash
internal import Glibc

/// An event on its way to the state of one key: its place in the order of matching, whose state it concerns, and where its columns, its
/// masks and the key's bytes are.
public struct RoutedRow: Sendable {
    public var time: Int64
    public var arrival: UInt64
    /// Of the key.
    public var hash: UInt64
    /// Where the key begins in ``RoutedRows/keys``, or in what its holder copied them to.
    public var key: UInt32
    public var keyLength: UInt32
    public var row: UInt32
    public var firstMask: UInt32
    /// What the row's columns stand in; set and read by whoever holds it.
    public var holder: Int32 = 0
    public var group: UInt16
    public var maskCount: UInt16
    public var type: UInt16

    @inline(__always)
    public static func < (left: RoutedRow, right: RoutedRow) -> Bool {
        left.time != right.time ? left.time < right.time : left.arrival < right.arrival
    }
}

/// The rows of one block by the shards that work them.
public final class RoutedRows: @unchecked Sendable {
    // @unchecked: filled by one thread, then only read.

    /// Of each shard, in the order of the block's lines.
    public var shards: [[RoutedRow]]
    public private(set) var keys = KeyBuffer()
    /// Of all rows; those of a row stand side by side, ordered by group and rank.
    public private(set) var masks = MaskBuffer()

    public init(shards: Int) {
        self.shards = [[RoutedRow]](repeating: [], count: shards)
    }

    public func removeAll() {
        for shard in shards.indices { shards[shard].removeAll(keepingCapacity: true) }
        keys.removeAll()
        masks.removeAll()
    }

    fileprivate func fill(_ body: (inout KeyBuffer, inout MaskBuffer, UnsafeMutableBufferPointer<[RoutedRow]>) -> Void) {
        shards.withUnsafeMutableBufferPointer { body(&keys, &masks, $0) }
    }
}

/// Growable masks, at an address that stays while none is added.
public struct MaskBuffer: ~Copyable {
    public private(set) var start: UnsafeMutablePointer<RuleMask>
    public private(set) var count = 0
    private var capacity: Int

    public init() {
        capacity = 64
        start = .allocate(capacity: capacity)
    }

    deinit {
        start.deallocate()
    }

    @inline(__always)
    public mutating func removeAll() {
        count = 0
    }

    /// Appends masks from elsewhere.
    @inline(__always)
    public mutating func append(_ masks: UnsafePointer<RuleMask>, count more: Int) {
        if count + more > capacity { grow(count + more) }
        (start + count).update(from: masks, count: more)
        count += more
    }

    private mutating func grow(_ needed: Int) {
        let larger = max(capacity * 2, needed)
        let moved = UnsafeMutablePointer<RuleMask>.allocate(capacity: larger)
        moved.update(from: start, count: count)
        start.deallocate()
        start = moved
        capacity = larger
    }
}

/// Gives each tested event to the states that it concerns: one row for each group of rules and key value, in the shard that owns the key.
///
/// The hash of a key has a seed of the run, and nothing that can be seen depends on it. Its upper byte is one of 256 ranges, of which a
/// shard owns a piece, so that state can be stored without regard to the number of shards.
///
/// - Complexity: O(1) a row, group and part of its key.
public final class KeyRouter {
    private let evaluator: Evaluator
    private let groups: UnsafePointer<GroupKeys>
    private let groupCount: Int
    /// Of each rule.
    private let ruleGroups: UnsafePointer<UInt16>
    private let streamMasks: UnsafePointer<UInt64>
    private let seed: UInt64
    /// Of each rule the events that lacked a part of its key.
    public private(set) var keyMissing: [UInt64]
    private var variants: [VariantKey] = []

    /// How the keys of one group are made; flat, so that the hot path counts no references.
    private struct GroupKeys {
        var isKeyedByStep: Bool
        var variants: IndexRange
        /// Of each variant, behind plain pointers that the router owns.
        var masks: UnsafePointer<UInt64>
        var parts: UnsafePointer<IndexRange>
        var columns: UnsafePointer<Int32>
        var code: UnsafePointer<CodeRange>
    }

    private struct VariantKey {
        var start: Int
        var count: Int
        /// Negative where the event has no such key.
        var isThere: Bool { start >= 0 }
    }

    public static let rangeCount = 256

    public init(program: Program, seed: UInt64) {
        self.seed = seed
        evaluator = Evaluator(tables: ProgramTables(program))
        var ruleGroups = [UInt16](repeating: 0, count: program.rules.count)
        for (index, group) in program.groups.enumerated() {
            for rule in group.rules { ruleGroups[rule] = UInt16(index) }
        }
        self.ruleGroups = UnsafePointer(copied(ruleGroups))
        streamMasks = UnsafePointer(copied(program.rules.map(\.streamMask)))
        keyMissing = [UInt64](repeating: 0, count: program.rules.count)
        groupCount = program.groups.count
        groups = UnsafePointer(copied(program.groups.map { KeyRouter.keys(of: $0) }))
    }

    deinit {
        for index in 0..<groupCount {
            groups[index].masks.deallocate()
            groups[index].parts.deallocate()
            groups[index].columns.deallocate()
            groups[index].code.deallocate()
        }
        groups.deallocate()
        ruleGroups.deallocate()
        streamMasks.deallocate()
    }

    private static func keys(of group: KeyGroup) -> GroupKeys {
        var ranges: [IndexRange] = []
        var columns: [Int32] = []
        var code: [CodeRange] = []
        for variant in group.variants {
            ranges.append(IndexRange(start: columns.count, count: variant.parts.count))
            columns += variant.columns.map(Int32.init)
            code += variant.parts
        }
        return GroupKeys(
            isKeyedByStep: group.variants.count > 1, variants: IndexRange(start: 0, count: group.variants.count),
            masks: UnsafePointer(copied(group.variants.map(\.mask))), parts: UnsafePointer(copied(ranges)),
            columns: UnsafePointer(copied(columns)), code: UnsafePointer(copied(code)))
    }

    /// Which shard owns a hash.
    @inline(__always)
    public static func shard(of hash: UInt64, count: Int) -> Int {
        (Int(truncatingIfNeeded: hash >> 56) &* count) >> 8
    }

    /// Routes what `tester` found in a batch.
    ///
    /// - Parameter input: the place of the batch's input on the command line.
    public func route(_ tester: EventTester, of batch: EventBatch, view: BatchView, input: Int, into routed: RoutedRows) {
        routed.removeAll()
        routed.fill { keys, masks, shards in
            tester.masks.withUnsafeBufferPointer { found in
                if let base = found.baseAddress { masks.append(base, count: found.count) }
            }
            for tested in tester.rows { route(tested, batch, view, input: input, &masks, &keys, shards) }
        }
    }

    @inline(__always)
    private func route(
        _ tested: EventTester.TestedRow, _ batch: EventBatch, _ view: BatchView, input: Int, _ masks: inout MaskBuffer,
        _ keys: inout KeyBuffer, _ shards: UnsafeMutableBufferPointer<[RoutedRow]>
    ) {
        let row = Int(tested.row)
        var routed = RoutedRow(
            time: batch.times[row], arrival: UInt64(input) << 48 | batch.lines[row], hash: 0, key: 0, keyLength: 0, row: tested.row,
            firstMask: 0, group: 0, maskCount: 0, type: tested.type)
        var start = Int(tested.firstMask)
        let end = start + Int(tested.maskCount)
        while start < end {
            let group = ruleGroups[Int(masks.start[start].rule)]
            var next = start + 1
            while next < end && ruleGroups[Int(masks.start[next].rule)] == group { next += 1 }
            routed.group = group
            if groups[Int(group)].isKeyedByStep {
                routeByStep(routed, masks.start[start], view, &masks, &keys, shards)
            } else {
                let from = keys.count
                if append(groups[Int(group)], variant: 0, routed, view, to: &keys) {
                    routed.firstMask = UInt32(start)
                    routed.maskCount = UInt16(next - start)
                    add(&routed, from: from, keys, shards)
                } else {
                    for index in start..<next { keyMissing[Int(masks.start[index].rule)] &+= 1 }
                }
            }
            start = next
        }
    }

    /// A rule with keys by step: an event can belong to several key values, to each with the steps whose key has that value.
    private func routeByStep(
        _ event: RoutedRow, _ mask: RuleMask, _ view: BatchView, _ masks: inout MaskBuffer, _ keys: inout KeyBuffer,
        _ shards: UnsafeMutableBufferPointer<[RoutedRow]>
    ) {
        let group = groups[Int(event.group)]
        let stream = streamMasks[Int(mask.rule)]
        variants.removeAll(keepingCapacity: true)
        for variant in 0..<Int(group.variants.count) {
            let from = keys.count
            let isThere = append(group, variant: variant, event, view, to: &keys)
            variants.append(VariantKey(start: isThere ? from : -1, count: keys.count - from))
        }
        var sawKey = false
        for (variant, found) in variants.enumerated() where found.isThere {
            sawKey = true
            func isSame(_ other: VariantKey) -> Bool {
                other.isThere && other.count == found.count && memcmp(keys.bytes + other.start, keys.bytes + found.start, found.count) == 0
            }
            if variants[..<variant].contains(where: isSame) { continue }
            var bits = mask.bits & stream
            for (other, key) in variants.enumerated() where other >= variant && isSame(key) { bits |= mask.bits & group.masks[other] }
            guard bits != 0 else { continue }
            var routed = event
            routed.firstMask = UInt32(masks.count)
            routed.maskCount = 1
            var restricted = RuleMask(rule: mask.rule, bits: bits)
            masks.append(&restricted, count: 1)
            add(&routed, from: found.start, count: found.count, keys, shards)
        }
        if !sawKey { keyMissing[Int(mask.rule)] &+= 1 }
    }

    @inline(__always)
    private func add(
        _ routed: inout RoutedRow, from: Int, count: Int? = nil, _ keys: borrowing KeyBuffer,
        _ shards: UnsafeMutableBufferPointer<[RoutedRow]>
    ) {
        let length = count ?? keys.count - from
        routed.key = UInt32(from)
        routed.keyLength = UInt32(length)
        routed.hash = nt_hash64(keys.bytes + from, length, seed)
        shards[KeyRouter.shard(of: routed.hash, count: shards.count)].append(routed)
    }

    /// Appends a key; false, and nothing, where the event lacks a part of it.
    @inline(__always)
    private func append(_ group: GroupKeys, variant: Int, _ event: RoutedRow, _ view: BatchView, to keys: inout KeyBuffer) -> Bool {
        let from = keys.count
        let parts = group.parts[variant]
        for part in Int(parts.start)..<Int(parts.start + parts.count) {
            let column = group.columns[part]
            let value: Scalar
            if column >= 0 {
                value = view.value(column: Int(column), row: Int(event.row))
            } else {
                evaluator.arena.reset()
                evaluator.row = EventRow(view: view, row: Int(event.row), time: event.time, arrival: event.arrival, type: Int(event.type))
                evaluator.hasRow = true
                evaluator.now = event.time
                value = evaluator.evaluate(group.code[part])
            }
            guard KeyEncoding.append(value, to: &keys) else {
                keys.truncate(to: from)
                return false
            }
        }
        return true
    }
}
