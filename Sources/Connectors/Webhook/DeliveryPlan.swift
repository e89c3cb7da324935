// When which alert is sent to an endpoint: a pure value, which is told what happens and the time, and says what to do. The sender does it.
//
// *Order.* Alerts of one rule and key stand in a lane, of which only the first is under way; what follows waits until it is delivered or
// given up.
//
// *Retries.* After the n-th failure an alert waits a random time between 0 and 500 ms · 2ⁿ⁻¹, bounded: full jitter, which spreads what
// failed together (M. Brooker, "Exponential Backoff and Jitter"). An alert that is older than the maximal age and fails is given up, but
// not before its fourth attempt: it may have grown old behind another one, or while the program was not running.
//
// *Circuit.* After so many failures without a success between them nothing is sent but one alert at a time, after waits that grow in the
// same way, until one is answered. Then all others are due at once. A plan begins in this way. A `Retry-After` holds back the whole
// endpoint: it says that it has enough, not that the alert is bad.

/// How long and how often delivery is tried.
public struct DeliverySettings: Sendable, Equatable {
    public var backoffMicroseconds: Int64 = 500_000
    /// The bound of the wait of one alert.
    public var backoffMaxMicroseconds: Int64 = 300_000_000
    /// An alert that is older, and fails again, is given up.
    public var ageMaxMicroseconds: Int64 = 86_400_000_000
    /// But so many times it is tried.
    public var attemptsMin = 4
    /// So many failures in a row open the circuit.
    public var circuitFailures = 10
    /// The bound of the wait between two attempts while it is open.
    public var circuitMaxMicroseconds: Int64 = 30_000_000
    /// At most so many alerts are sent a second, in bursts of no more than a second's; nil: no bound. What is over it waits.
    public var alertsPerSecondMax: Int?
    /// Most alerts in one request.
    public var batchMax = 1
    /// How long an alert waits for others of its batch.
    public var lingerMicroseconds: Int64 = 200_000
    /// So many bytes of alerts are in one request; a larger one goes alone.
    public var batchBytesMax = 1 << 20
    /// So many alerts may wait for their next attempt; then no new ones are begun.
    public var waitingMax = 100_000

    public static let batchMaxMax = 1_000

    public init() {}
}

struct DeliveryPlan {
    /// Whose alerts stay in order.
    struct LaneKey: Hashable {
        var rule: String
        var key: [UInt8]
    }

    private struct Queued {
        var ordinal: UInt64
        /// When it was appended, on the monotonic clock.
        var born: Int64
    }

    /// Changed in its place in the dictionary, since a copy of the queue may be long.
    private struct Lane {
        private var queue: [Queued]
        /// The first, which is under way, ready or waiting; what stands before it is gone.
        private var head = 0
        var attempts = 0
        var lastStatus: Int?

        init(_ first: Queued) { queue = [first] }

        var first: Queued? { head < queue.count ? queue[head] : nil }

        /// Behind the first; a dead letter that is tried again comes before what is younger.
        mutating func insert(_ new: Queued) {
            var place = queue.count
            while place > head + 1, queue[place - 1].ordinal > new.ordinal { place -= 1 }
            queue.insert(new, at: place)
        }

        /// Gives the one that is the first now.
        mutating func removeFirst() -> Queued? {
            head += 1
            (attempts, lastStatus) = (0, nil)
            if head > 32, head > queue.count / 2 {
                queue.removeFirst(head)
                head = 0
            }
            return first
        }
    }

    enum Circuit: Equatable {
        case closed
        /// Nothing is sent before the time.
        case open(until: Int64)
        /// One alert is under way to see whether the endpoint answers.
        case probing(UInt64)
    }

    enum Verdict: Equatable {
        case delivered
        case waiting
        case givenUp(reason: String, attempts: Int, status: Int?)
    }

    private let settings: DeliverySettings
    private let inFlightMax: Int
    private var random: @Sendable () -> UInt64

    private var lanes: [LaneKey: Lane] = [:]
    /// The lane of each lane's first.
    private var laneOfFirst: [UInt64: LaneKey] = [:]
    private var known: Set<UInt64> = []
    /// By ordinal, so that the oldest goes first.
    private var ready = OrdinalHeap()
    /// By the time of the next attempt.
    private var waiting = OrdinalHeap()
    private(set) var inFlightCount = 0
    /// The first attempt is alone: it finds out whether the endpoint is there, and whether it takes several requests on one connection
    /// (HTTP/2).
    private(set) var circuit = Circuit.open(until: .min)
    private var failuresInRow = 0
    /// How often the circuit opened without an answer since.
    private var openings = 0
    /// The endpoint asked to be left alone until then.
    private var pausedUntil = Int64.min
    /// When the attempts so far would be over if they were spread evenly, in microseconds times the rate (the generic cell rate algorithm).
    private var evenEnd = Int64.min

    init(_ settings: DeliverySettings, inFlightMax: Int, random: @escaping @Sendable () -> UInt64) {
        self.settings = settings
        self.inFlightMax = max(1, inFlightMax)
        self.random = random
    }

    /// Alerts that are not delivered or given up.
    var count: Int { known.count }
    var waitingCount: Int { waiting.count }

    /// Attempts fail one after another.
    var isEndpointDown: Bool { circuit != .closed && failuresInRow > 0 }

    /// Whether alerts should be read on: there would otherwise soon be nothing to send.
    func wantsMore(now: Int64) -> Bool {
        // An endpoint that is down is asked with some alert.
        if known.isEmpty { return true }
        return circuit == .closed && pausedUntil <= now && ready.count + inFlightCount < inFlightMax * 2 && waiting.count < settings.waitingMax
    }

    /// Takes an alert in, unless it is here already.
    ///
    /// - Parameter age: how long ago it was appended; what a clock that was set makes negative counts as now.
    mutating func add(_ ordinal: UInt64, lane key: LaneKey, age: Int64, now: Int64) {
        guard known.insert(ordinal).inserted else { return }
        let queued = Queued(ordinal: ordinal, born: now.subtractingReportingOverflow(max(0, age)).partialValue)
        if lanes[key] == nil {
            lanes[key] = Lane(queued)
            laneOfFirst[ordinal] = key
            ready.insert(.init(rank: 0, ordinal: ordinal))
        } else {
            lanes[key]?.insert(queued)
        }
    }

    /// The alert to send now; nil where there is none. It counts as under way from then on.
    mutating func next(now: Int64) -> UInt64? {
        guard inFlightCount < inFlightMax, pausedUntil <= now, rateTime(now) <= now, let ordinal = take(now) else { return nil }
        if let rate { evenEnd = Swift.max(evenEnd, Self.product(now, rate)) + Self.second }
        return ordinal
    }

    private mutating func take(_ now: Int64) -> UInt64? {
        switch circuit {
        case .probing: return nil
        case .open(let until):
            guard until <= now, let ordinal = (ready.popFirst() ?? waiting.popFirst())?.ordinal else { return nil }
            circuit = .probing(ordinal)
            inFlightCount += 1
            return ordinal
        case .closed:
            while let first = waiting.first, first.rank <= now, let due = waiting.popFirst() { ready.insert(.init(rank: 0, ordinal: due.ordinal)) }
            guard let ordinal = ready.popFirst()?.ordinal else { return nil }
            inFlightCount += 1
            return ordinal
        }
    }

    /// When ``next(now:)`` may give something that it does not give now, as long as nothing else happens; nil where only that helps.
    func nextTime(now: Int64) -> Int64? {
        guard inFlightCount < inFlightMax else { return nil }
        switch circuit {
        case .probing: return nil
        case .open(let until): return ready.isEmpty && waiting.isEmpty ? nil : max(now, until, pausedUntil, rateTime(now))
        case .closed: return ready.isEmpty ? waiting.first.map { max($0.rank, pausedUntil, rateTime(now)) } : max(now, pausedUntil, rateTime(now))
        }
    }

    private static let second: Int64 = 1_000_000

    private var rate: Int64? { settings.alertsPerSecondMax.map { Int64(Swift.min(Swift.max(1, $0), 1_000_000)) } }

    /// When the rate allows the next attempt.
    private func rateTime(_ now: Int64) -> Int64 {
        guard let rate, evenEnd > .min else { return .min }
        // A burst is what a second allows.
        let (early, overflow) = evenEnd.subtractingReportingOverflow(Self.product(Self.second, rate) - Self.second)
        guard !overflow, early > 0 else { return .min }
        return (early + rate - 1) / rate
    }

    private static func product(_ time: Int64, _ rate: Int64) -> Int64 {
        let (product, overflow) = time.multipliedReportingOverflow(by: rate)
        return overflow ? (time < 0 ? .min : .max / 2) : product
    }

    /// An attempt has ended.
    mutating func ended(_ ordinal: UInt64, _ outcome: DeliveryOutcome, now: Int64) -> Verdict {
        inFlightCount -= 1
        guard let key = laneOfFirst[ordinal], let first = lanes[key]?.first else { return .delivered }
        lanes[key]?.attempts += 1
        let attempts = lanes[key]?.attempts ?? 1
        switch outcome {
        case .delivered:
            answered(now: now)
            advance(key)
            return .delivered
        case .refused(let reason, let status):
            // The endpoint is there, and answers.
            answered(now: now)
            advance(key)
            return .givenUp(reason: reason, attempts: attempts, status: status)
        case .failed(let reason, let status, let retryAfter):
            failed(ordinal, retryAfter: retryAfter, now: now)
            if let status { lanes[key]?.lastStatus = status }
            let lastStatus = lanes[key]?.lastStatus
            let end = Self.sum(first.born, settings.ageMaxMicroseconds)
            guard now < end || attempts < settings.attemptsMin else {
                advance(key)
                return .givenUp(reason: "given up after \(Self.text(ofAge: settings.ageMaxMicroseconds)): \(reason)", attempts: attempts, status: lastStatus)
            }
            let wait = max(jitter(attempts, max: settings.backoffMaxMicroseconds), retryAfter ?? 0)
            // One last attempt where its time runs out.
            let time = Self.sum(now, wait)
            waiting.insert(.init(rank: now < end ? min(time, end) : time, ordinal: ordinal))
            return .waiting
        }
    }

    /// An alert that cannot be sent at all is not this plan's any more.
    mutating func discard(_ ordinal: UInt64) {
        inFlightCount -= 1
        if case .probing(ordinal) = circuit { circuit = .open(until: .min) }
        if let key = laneOfFirst[ordinal] { advance(key) }
    }

    // MARK: -

    /// The next of the lane is ready; a lane without one is gone.
    private mutating func advance(_ key: LaneKey) {
        guard let first = lanes[key]?.first else { return }
        known.remove(first.ordinal)
        laneOfFirst[first.ordinal] = nil
        guard let next = lanes[key]?.removeFirst() else {
            lanes[key] = nil
            return
        }
        laneOfFirst[next.ordinal] = key
        ready.insert(.init(rank: 0, ordinal: next.ordinal))
    }

    private mutating func answered(now: Int64) {
        failuresInRow = 0
        openings = 0
        guard circuit != .closed else { return }
        circuit = .closed
        while let entry = waiting.popFirst() { ready.insert(.init(rank: 0, ordinal: entry.ordinal)) }
    }

    private mutating func failed(_ ordinal: UInt64, retryAfter: Int64?, now: Int64) {
        if let retryAfter { pausedUntil = max(pausedUntil, Self.sum(now, min(retryAfter, settings.ageMaxMicroseconds))) }
        failuresInRow += 1
        let isProbe = circuit == .probing(ordinal)
        guard isProbe || (circuit == .closed && failuresInRow >= settings.circuitFailures) else { return }
        openings += 1
        circuit = .open(until: Self.sum(now, jitter(openings, max: settings.circuitMaxMicroseconds)))
    }

    private func jitter(_ attempts: Int, max bound: Int64) -> Int64 {
        var bound = bound
        let doublings = min(62, Swift.max(0, attempts - 1))
        let (wait, overflow) = settings.backoffMicroseconds.multipliedReportingOverflow(by: 1 << Int64(doublings))
        if !overflow { bound = min(bound, wait) }
        return Int64(random() % UInt64(Swift.max(0, bound) + 1))
    }

    private static func sum(_ time: Int64, _ span: Int64) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(span)
        return overflow ? .max : sum
    }

    private static func text(ofAge microseconds: Int64) -> String {
        let seconds = microseconds / 1_000_000
        return seconds >= 3600 && seconds % 3600 == 0 ? "\(seconds / 3600) h" : "\(seconds) s"
    }
}
