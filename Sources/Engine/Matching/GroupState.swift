internal import Events

/// The keys of one group of rules, and how its keys and captured events are made. A value of this type is a pointer, as a rule's
/// tables are; its maker frees it with ``deallocate()``.
struct GroupState {
    private let storage: UnsafeMutablePointer<Storage>

    private struct Storage: ~Copyable {
        let group: KeyGroup
        let index: Int
        let rules: UnsafeMutableBufferPointer<RuleTables>
        var table = KeyTable()
        let hasDeadlines: Bool
        let shortestWithin: Int64
        let slots: UnsafeMutablePointer<Int16>
        let slotColumns: UnsafeMutablePointer<Int32>
        let slotCount: Int
        let isKeyedByStep: Bool
        let variantCount: Int
        let variantMasks: UnsafeMutablePointer<UInt64>
        let partRanges: UnsafeMutablePointer<IndexRange>
        let partColumns: UnsafeMutablePointer<Int32>
        let partCode: UnsafeMutablePointer<CodeRange>
        var stepKey = KeyBuffer()
    }

    init(_ group: KeyGroup, index: Int, columnCount: Int, rules: [RuleTables]) {
        let slots = UnsafeMutablePointer<Int16>.allocate(capacity: max(1, columnCount))
        slots.initialize(repeating: -1, count: max(1, columnCount))
        for (slot, column) in group.capturedColumns.enumerated() { slots[column] = Int16(slot) }
        var ranges: [IndexRange] = []
        var columns: [Int32] = []
        var code: [CodeRange] = []
        for variant in group.variants {
            ranges.append(IndexRange(start: columns.count, count: variant.parts.count))
            columns += variant.columns.map(Int32.init)
            code += variant.parts
        }
        storage = .allocate(capacity: 1)
        storage.initialize(
            to: Storage(
                group: group, index: index, rules: UnsafeMutableBufferPointer(start: copied(rules), count: rules.count),
                hasDeadlines: rules.contains { $0.hasDeadlines },
                shortestWithin: rules.map(\.within).min() ?? Edge.unlimited, slots: slots, slotColumns: copied(group.capturedColumns.map(Int32.init)),
                slotCount: group.capturedColumns.count, isKeyedByStep: group.variants.count > 1, variantCount: group.variants.count,
                variantMasks: copied(group.variants.map(\.mask)), partRanges: copied(ranges), partColumns: copied(columns),
                partCode: copied(code)))
    }

    /// Frees what the group stands in; no copy of it may be used any more.
    func deallocate() {
        rules.deallocate()
        slots.deallocate()
        slotColumns.deallocate()
        variantMasks.deallocate()
        partRanges.deallocate()
        partColumns.deallocate()
        partCode.deallocate()
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

    /// The key value that is being worked, where an event has several.
    var stepKey: KeyBuffer {
        @inline(__always) _read { yield storage.pointee.stepKey }
        @inline(__always) nonmutating _modify { yield &storage.pointee.stepKey }
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
    @inline(__always) var variantCount: Int { storage.pointee.variantCount }
    @inline(__always) var variantMasks: UnsafeMutablePointer<UInt64> { storage.pointee.variantMasks }
    /// Of each variant: a range of the two below.
    @inline(__always) var partRanges: UnsafeMutablePointer<IndexRange> { storage.pointee.partRanges }
    @inline(__always) var partColumns: UnsafeMutablePointer<Int32> { storage.pointee.partColumns }
    @inline(__always) var partCode: UnsafeMutablePointer<CodeRange> { storage.pointee.partCode }
}
