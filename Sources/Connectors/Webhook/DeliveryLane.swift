/// Alerts of one rule and key, in their order. The first `takenCount` are in a batch; what follows waits until these have ended.
///
/// Changed in its place in the plan's dictionary, since a copy of the queue may be long.
struct DeliveryLane {
    /// Whose alerts stay in order.
    struct Key: Hashable {
        var rule: String
        var key: [UInt8]
    }

    struct Queued {
        var ordinal: UInt64
        /// When it was appended, on the monotonic clock.
        var born: Int64
        /// When the plan took it in, on the same clock.
        var added: Int64
        var byteCount: Int
    }

    private var queue: [Queued]
    /// What stands before it is gone.
    private var head = 0
    private(set) var takenCount = 0
    private(set) var byteCount: Int
    /// What the plan counts of it among what can go now.
    var counted = (alerts: 0, bytes: 0)

    init(_ first: Queued) {
        queue = [first]
        byteCount = first.byteCount
    }

    var count: Int { queue.count - head }
    var first: Queued? { head < queue.count ? queue[head] : nil }
    /// The first that is in no batch.
    var next: Queued? { head + takenCount < queue.count ? queue[head + takenCount] : nil }

    /// Behind those that are in a batch, or ready as the first; a dead letter that is tried again comes before what is younger.
    mutating func insert(_ new: Queued) {
        var place = queue.count
        while place > head + max(1, takenCount), queue[place - 1].ordinal > new.ordinal { place -= 1 }
        queue.insert(new, at: place)
        byteCount += new.byteCount
    }

    /// Puts ``next`` into a batch.
    mutating func take() { takenCount += 1 }

    /// The batch is no more; its alerts are still here.
    mutating func putBack() { takenCount = 0 }

    /// Those that were in the batch have ended.
    mutating func removeTaken() {
        for _ in 0..<takenCount {
            byteCount -= queue[head].byteCount
            head += 1
        }
        takenCount = 0
        if head > 32, head > queue.count / 2 {
            queue.removeFirst(head)
            head = 0
        }
    }
}
