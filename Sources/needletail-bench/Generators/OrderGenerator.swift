internal import Events

/// Orders and their payments, with an order that is looked at now and then between them. One order in fifty is never paid. The others
/// are paid after two minutes on the average at ``Workload``'s size: which of the open ones is paid next is drawn. Orders stop coming
/// in time for all that will be paid to be paid by the end, so the end of the file leaves no heap of unpaid ones.
struct OrderGenerator: EventGenerator {
    /// Events that are still to be made; payments take over when no more are left than orders to be paid.
    private var left: Int
    private let openMean: Int
    private var random = SplitMix(seed: 13)
    private var clock: Int64 = 1_700_000_000_000
    private var orders = 0
    /// The orders that will be paid.
    private var open: [UInt32] = []

    /// - Parameter openMean: about as many orders wait for their payment at one time.
    /// - Precondition: both are above 0 and `openMean` is at most ``Size/keysMax``.
    init(events: Int, openMean: Int) {
        precondition(openMean >= 1 && openMean <= Size.keysMax, "The number of orders is checked where it is read.")
        left = events
        self.openMean = openMean
    }

    mutating func append(to line: inout ByteBuffer) {
        let bits = random.next()
        clock += Int64(random.below(3))
        let order: Int
        let type: StaticString
        if left > open.count && !open.isEmpty && random.below(10) == 0 {
            type = "order_viewed"
            order = Int(open[random.below(open.count)])
        } else if !open.isEmpty && (left <= open.count || random.below(2 * openMean) < open.count) {
            type = "payment"
            let place = random.below(open.count)
            order = Int(open[place])
            open[place] = open[open.count - 1]
            open.removeLast()
        } else {
            type = "order_placed"
            order = orders
            orders += 1
            if random.below(50) != 0 { open.append(UInt32(order)) }
        }
        left -= 1
        let event = EventLine(
            type: type, time: clock - Int64(bits >> 53 & 31), card: random.below(100_000),
            cents: UInt64(100 + random.below(49_900)), bits: bits)
        event.appendLong(to: &line)
        line.append(",\"order\":\"o")
        line.append(digits: UInt64(order), width: 9)
        line.append("\"}\n")
    }
}
