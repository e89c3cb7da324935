internal import Events

/// The keys of one group of rules, and how its keys and captured events are made.
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
    let variantCount: Int
    let variantMasks: UnsafeMutablePointer<UInt64>
    /// Of each variant: a range of the two below.
    let partRanges: UnsafeMutablePointer<IndexRange>
    let partColumns: UnsafeMutablePointer<Int32>
    let partCode: UnsafeMutablePointer<CodeRange>
    /// The key value that is being worked, where an event has several.
    var stepKey = KeyBuffer()

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
        variantCount = group.variants.count
        variantMasks = copied(group.variants.map(\.mask))
        var ranges: [IndexRange] = []
        var columns: [Int32] = []
        var code: [CodeRange] = []
        for variant in group.variants {
            ranges.append(IndexRange(start: columns.count, count: variant.parts.count))
            columns += variant.columns.map(Int32.init)
            code += variant.parts
        }
        partRanges = copied(ranges)
        partColumns = copied(columns)
        partCode = copied(code)
    }

    deinit {
        slots.deallocate()
        slotColumns.deallocate()
        variantMasks.deallocate()
        partRanges.deallocate()
        partColumns.deallocate()
        partCode.deallocate()
    }
}
