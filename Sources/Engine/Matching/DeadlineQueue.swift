/// The earliest deadline of each key of a group that has one, in memory or not: a binary heap of (time, key hash), 16 bytes a key.
///
/// An entry is a lower bound: when it comes up, its key may be gone or due later, and is then armed again.
///
/// - Complexity: O(log n) to push and to pop.
struct DeadlineQueue {
    struct Entry {
        var time: Int64
        var hash: UInt64
    }

    private var heap: [Entry] = []

    var count: Int { heap.count }

    var bytes: Int { heap.capacity * MemoryLayout<Entry>.stride }

    var first: Entry? { heap.first }

    /// `Int64.max` where there is none.
    var firstTime: Int64 { heap.first?.time ?? .max }

    mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].time <= heap[child].time { break }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    mutating func popFirst() -> Entry? {
        guard let top = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return top }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1, right = left + 1
            if left < heap.count && heap[left].time < heap[least].time { least = left }
            if right < heap.count && heap[right].time < heap[least].time { least = right }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return top
    }
}
