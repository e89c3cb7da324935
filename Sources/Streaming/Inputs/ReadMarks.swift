/// Where the blocks of an input begin that still hold events which were not matched: what a checkpoint has to go back to.
///
/// - Complexity: O(1) a block, amortised; as many marks as blocks with events that wait.
struct ReadMarks {
    struct Mark: Equatable {
        var position: UInt64 = 0
        var line: UInt64 = 1
        /// As it was before the block.
        var watermark = Int64.min
        var lastTime: Int64?
        var largestTime: Int64?
    }

    private struct Entry {
        var mark: Mark
        /// Of the events that were admitted.
        var largestTime: Int64
    }

    private var entries: [Entry] = []
    private var first = 0
    /// Steps that silence made, behind the first mark.
    private(set) var advances: [IdleAdvance] = []

    mutating func add(_ mark: Mark, largestTime: Int64) {
        entries.append(Entry(mark: mark, largestTime: largestTime))
    }

    /// Of the steps at one line only the last counts.
    mutating func add(_ advance: IdleAdvance) {
        if let last = advances.indices.last, advances[last].line == advance.line {
            advances[last].watermark = max(advances[last].watermark, advance.watermark)
        } else {
            advances.append(advance)
        }
    }

    /// By ascending line.
    mutating func replaceAdvances(_ advances: [IdleAdvance]) {
        self.advances = []
        for advance in advances { add(advance) }
    }

    /// Forgets the blocks whose events were all let go, and gives where the first of the others begins; `end` where there is none.
    mutating func rewind(_ bound: ReleaseBound, input: Int, end: Mark) -> Mark {
        while first < entries.count, bound.lets(entries[first].largestTime, arrival: UInt64(input) << 48) { first += 1 }
        if first > 64 && first * 2 > entries.count {
            entries.removeFirst(first)
            first = 0
        }
        let mark = first < entries.count ? entries[first].mark : end
        advances.removeAll { $0.line < mark.line || first == entries.count }
        return mark
    }
}
