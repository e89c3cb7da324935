/// So many alerts a second, in bursts of no more than a second's: the generic cell rate algorithm, exact in whole numbers.
struct DeliveryRate {
    /// Nil: no bound.
    let perSecond: Int64?
    /// When what was sent so far would be over if it were spread evenly, in microseconds times the rate.
    private var evenEnd = Int64.min

    private static let second: Int64 = 1_000_000

    init(_ perSecondMax: Int?) {
        perSecond = perSecondMax.map { Int64(min(max(1, $0), 1_000_000)) }
    }

    mutating func spend(_ count: Int, now: Int64) {
        guard let perSecond else { return }
        evenEnd = max(evenEnd, Self.product(now, perSecond)) + Int64(count) * Self.second
    }

    /// When so many alerts may be sent at once. More than a second's never may: they count as a second's.
    func time(for count: Int) -> Int64 {
        guard let perSecond, evenEnd > .min else { return .min }
        let rest = perSecond - min(Int64(count), perSecond)
        let (early, overflow) = evenEnd.subtractingReportingOverflow(rest * Self.second)
        guard !overflow, early > 0 else { return .min }
        return (early + perSecond - 1) / perSecond
    }

    private static func product(_ time: Int64, _ rate: Int64) -> Int64 {
        let (product, overflow) = time.multipliedReportingOverflow(by: rate)
        return overflow ? (time < 0 ? .min : .max / 2) : product
    }
}
