internal import Events

/// The keys of one group of rules, and how its captured events are made.
final class GroupState {
    let group: KeyGroup
    let index: Int
    let rules: [RuleTables]
    var table = KeyTable()
    let hasDeadlines: Bool
    /// By column: the place among the captured columns, or -1.
    let slots: UnsafeMutablePointer<Int16>
    let slotColumns: UnsafeMutablePointer<Int32>
    let slotCount: Int
    let isKeyedByStep: Bool

    init(_ group: KeyGroup, index: Int, columnCount: Int, rules: [RuleTables]) {
        self.group = group
        self.index = index
        self.rules = rules
        hasDeadlines = rules.contains { $0.hasDeadlines }
        slots = .allocate(capacity: max(1, columnCount))
        slots.initialize(repeating: -1, count: max(1, columnCount))
        for (slot, column) in group.capturedColumns.enumerated() { slots[column] = Int16(slot) }
        slotColumns = copied(group.capturedColumns.map(Int32.init))
        slotCount = group.capturedColumns.count
        isKeyedByStep = group.variants.count > 1
    }

    deinit {
        slots.deallocate()
        slotColumns.deallocate()
    }
}
