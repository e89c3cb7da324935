internal import Events

/// The keys of one group of rules, and how its captured events are made. A value of this type is a pointer, as a rule's
/// tables are; its maker frees it with ``deallocate()``.
struct GroupState {
    private let storage: UnsafeMutablePointer<Storage>

    private struct Storage: ~Copyable {
        let group: KeyGroup
        let index: Int
        let rules: UnsafeMutableBufferPointer<RuleTables>
        var table = KeyTable()
        var deadlines = DeadlineQueue()
        let hasDeadlines: Bool
        let shortestWithin: Int64
        let slots: UnsafeMutablePointer<Int16>
        let slotColumns: UnsafeMutablePointer<Int32>
        let slotCount: Int
        let isKeyedByStep: Bool
    }

    init(_ group: KeyGroup, index: Int, columnCount: Int, rules: [RuleTables]) {
        let slots = UnsafeMutablePointer<Int16>.allocate(capacity: max(1, columnCount))
        slots.initialize(repeating: -1, count: max(1, columnCount))
        for (slot, column) in group.capturedColumns.enumerated() { slots[column] = Int16(slot) }
        storage = .allocate(capacity: 1)
        storage.initialize(
            to: Storage(
                group: group, index: index, rules: UnsafeMutableBufferPointer(start: copied(rules), count: rules.count),
                hasDeadlines: rules.contains { $0.hasDeadlines },
                shortestWithin: rules.map(\.within).min() ?? Edge.unlimited, slots: slots, slotColumns: copied(group.capturedColumns.map(Int32.init)),
                slotCount: group.capturedColumns.count, isKeyedByStep: group.variants.count > 1))
    }

    /// Frees what the group stands in; no copy of it may be used any more.
    func deallocate() {
        rules.deallocate()
        slots.deallocate()
        slotColumns.deallocate()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    /// What is not on the hot path.
    var group: KeyGroup {
        _read { yield storage.pointee.group }
    }

    var table: KeyTable {
        @inline(__always) _read { yield storage.pointee.table }
        @inline(__always) nonmutating _modify { yield &storage.pointee.table }
    }

    var deadlines: DeadlineQueue {
        @inline(__always) _read { yield storage.pointee.deadlines }
        @inline(__always) nonmutating _modify { yield &storage.pointee.deadlines }
    }

    @inline(__always) var index: Int { storage.pointee.index }
    @inline(__always) var rules: UnsafeMutableBufferPointer<RuleTables> { storage.pointee.rules }
    @inline(__always) var hasDeadlines: Bool { storage.pointee.hasDeadlines }
    /// No thread of a key is alive for less than this after its first event, unless it is dropped.
    @inline(__always) var shortestWithin: Int64 { storage.pointee.shortestWithin }
    /// By column: the place among the captured columns, or -1.
    @inline(__always) var slots: UnsafeMutablePointer<Int16> { storage.pointee.slots }
    @inline(__always) var slotColumns: UnsafeMutablePointer<Int32> { storage.pointee.slotColumns }
    @inline(__always) var slotCount: Int { storage.pointee.slotCount }
    @inline(__always) var isKeyedByStep: Bool { storage.pointee.isKeyedByStep }
}
