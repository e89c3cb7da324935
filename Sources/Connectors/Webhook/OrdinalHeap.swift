/// Ordinals by time or rank, the least first.
struct OrdinalHeap {
    struct Entry: Equatable {
        var rank: Int64
        var ordinal: UInt64

        static func < (left: Entry, right: Entry) -> Bool { (left.rank, left.ordinal) < (right.rank, right.ordinal) }
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var first: Entry? { entries.first }

    /// - Complexity: O(log *n*).
    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var place = entries.count - 1
        while place > 0, entries[place] < entries[(place - 1) / 2] {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    /// - Complexity: O(log *n*).
    mutating func popFirst() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var place = 0
        while true {
            let left = place * 2 + 1
            guard left < entries.count else { return first }
            let least = left + 1 < entries.count && entries[left + 1] < entries[left] ? left + 1 : left
            guard entries[least] < entries[place] else { return first }
            entries.swapAt(place, least)
            place = least
        }
    }
}
