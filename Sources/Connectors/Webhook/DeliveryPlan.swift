// When which alerts are sent to an endpoint: a pure value, which is told what happens and the time, and says what to do. The sender does it.
//
// *Batches.* Alerts are sent in batches, of one where no more are asked for. A batch goes when it is full, or when the first of its alerts
// has waited for as long as alerts linger. Once it has gone it stays as it is: every attempt is of the same alerts. One that is refused is
// taken apart, and its alerts go one by one: only those that are refused by themselves are given up. So is one whose time runs out.
//
// *Order.* Alerts of one rule and key stand in a lane, in their order, also within a batch; what follows a batch waits until it is
// delivered or given up.
//
// *Retries.* After the n-th failure a batch waits a random time between 0 and 500 ms · 2ⁿ⁻¹, bounded: full jitter, which spreads what
// failed together (M. Brooker, "Exponential Backoff and Jitter"). An alert that is older than the maximal age and fails is given up, but
// not before its fourth attempt: it may have grown old behind another one, or while the program was not running.
//
// *Circuit.* After so many failures without a success between them nothing is sent but one batch at a time, after waits that grow in the
// same way, until one is answered. Then all others are due at once. A plan begins in this way. A `Retry-After` holds back the whole
// endpoint: it says that it has enough, not that the alert is bad.

struct DeliveryPlan {
    typealias LaneKey = DeliveryLane.Key

    /// Alerts that go together until they have ended.
    private struct Batch {
        var ordinals: [UInt64]
        var lanes: [LaneKey]
        /// Of its oldest alert.
        var born: Int64
        var history = History()
    }

    /// What happened to a batch, and to each alert of one that was taken apart.
    private struct History {
        var attempts = 0
        /// Of these. A batch that was refused as a whole says nothing of its alerts.
        var failures = 0
        var lastStatus: Int?
    }

    enum Circuit: Equatable {
        case closed
        /// Nothing is sent before the time.
        case open(until: Int64)
        /// One batch is under way to see whether the endpoint answers.
        case probing(UInt64)
    }

    /// For all alerts of a batch.
    enum Verdict: Equatable {
        case delivered
        case waiting
        /// They go one by one from now on.
        case takenApart
        case givenUp(reason: String, attempts: Int, status: Int?)
    }

    /// What may go next.
    private enum Choice {
        case retry
        case single
        case fresh
        /// Before its time, since the endpoint has to be asked with something.
        case early
    }

    private let settings: DeliverySettings
    private let inFlightMax: Int
    private let batchMax: Int
    private var random: @Sendable () -> UInt64

    private var lanes: [LaneKey: DeliveryLane] = [:]
    /// The lane of each that is ready.
    private var laneOfReady: [UInt64: LaneKey] = [:]
    private var known: Set<UInt64> = []
    /// The first of each lane of which nothing is in a batch. By ordinal, so that the oldest goes first.
    private var ready = OrdinalHeap()
    /// The alerts in these lanes, and their bytes.
    private var available = (alerts: 0, bytes: 0)
    /// The same of lanes whose first was in a batch that was taken apart, and what is known of such alerts.
    private var singles = OrdinalHeap()
    private var apart: [UInt64: History] = [:]
    /// Those that have been sent, by their first alert.
    private var batches: [UInt64: Batch] = [:]
    /// Of these by the time of the next attempt, and those whose time has come.
    private var waiting = OrdinalHeap()
    private var due = OrdinalHeap()
    private(set) var inFlightCount = 0
    /// The first attempt is alone: it finds out whether the endpoint is there, and whether it takes several requests on one connection
    /// (HTTP/2).
    private(set) var circuit = Circuit.open(until: .min)
    private var failuresInRow = 0
    /// How often the circuit opened without an answer since.
    private var openings = 0
    /// The endpoint asked to be left alone until then.
    private var pausedUntil = Int64.min
    private var rate: DeliveryRate
    /// False where no more alerts will come that others could wait for.
    var lingers = true

    init(_ settings: DeliverySettings, inFlightMax: Int, random: @escaping @Sendable () -> UInt64) {
        self.settings = settings
        self.inFlightMax = max(1, inFlightMax)
        rate = DeliveryRate(settings.alertsPerSecondMax)
        // A batch of more than a second's alerts would never be let through.
        let most = rate.perSecond.map { Int(min($0, Int64(DeliverySettings.batchBounds.upperBound))) } ?? DeliverySettings.batchBounds.upperBound
        batchMax = min(max(1, settings.batchMax), most)
        self.random = random
    }

    /// Alerts that are not delivered or given up.
    var count: Int { known.count }
    /// Requests that wait for their next attempt.
    var waitingCount: Int { waiting.count + due.count }

    /// Attempts fail one after another.
    var isEndpointDown: Bool { circuit != .closed && failuresInRow > 0 }

    /// Whether alerts should be read on: there would otherwise soon be nothing to send.
    func wantsMore(now: Int64) -> Bool {
        // An endpoint that is down is asked with some alert.
        if known.isEmpty { return true }
        // At the beginning the first batch waits for its alerts.
        if circuit != .closed, failuresInRow == 0, inFlightCount == 0, available.alerts < batchMax { return true }
        let requests = (batchMax == 1 ? ready.count : available.alerts / batchMax) + singles.count + due.count
        return circuit == .closed && pausedUntil <= now && requests + inFlightCount < inFlightMax * 2 && waiting.count < settings.waitingMax
    }

    /// Takes an alert in, unless it is here already.
    ///
    /// - Parameter age: how long ago it was appended; what a clock that was set makes negative counts as now.
    mutating func add(_ ordinal: UInt64, lane key: LaneKey, byteCount: Int = 0, age: Int64, now: Int64) {
        guard known.insert(ordinal).inserted else { return }
        let queued = DeliveryLane.Queued(
            ordinal: ordinal, born: now.subtractingReportingOverflow(max(0, age)).partialValue, added: now, byteCount: byteCount)
        guard lanes[key] != nil else {
            lanes[key] = DeliveryLane(queued)
            open(key)
            return
        }
        lanes[key]?.insert(queued)
        if lanes[key]?.counted.alerts ?? 0 > 0 { count(key, alerts: 1, bytes: byteCount) }
    }

    // MARK: What goes

    /// The batch to send now, by its first alert; nil where there is none. It counts as under way from then on.
    mutating func next(now: Int64) -> UInt64? {
        guard inFlightCount < inFlightMax else { return nil }
        while circuit == .closed, let first = waiting.first, first.rank <= now, let entry = waiting.popFirst() {
            due.insert(.init(rank: 0, ordinal: entry.ordinal))
        }
        guard let choice = choice(now: now), rate.time(for: size(of: choice)) <= now else { return nil }
        let tag: UInt64?
        switch choice {
        case .retry: tag = due.popFirst()?.ordinal
        case .early: tag = waiting.popFirst()?.ordinal
        case .single: tag = singles.popFirst().flatMap { begin(single: $0.ordinal) }
        case .fresh: tag = gather()
        }
        guard let tag else { return nil }
        if circuit != .closed { circuit = .probing(tag) }
        inFlightCount += 1
        rate.spend(batches[tag]?.ordinals.count ?? 1, now: now)
        return tag
    }

    /// The alerts of a batch that is under way, in the order in which they are sent.
    func alerts(of tag: UInt64) -> [UInt64] { batches[tag]?.ordinals ?? [] }

    /// When ``next(now:)`` may give something that it does not give now, as long as nothing else happens; nil where only that helps.
    func nextTime(now: Int64) -> Int64? {
        guard inFlightCount < inFlightMax else { return nil }
        if let choice = choice(now: now) { return max(now, rate.time(for: size(of: choice))) }
        var time: Int64?
        switch circuit {
        case .probing: return nil
        case .open(let until):
            if !due.isEmpty || !singles.isEmpty || !waiting.isEmpty {
                time = until
            } else {
                time = freshTime.map { max($0, until) }
            }
        case .closed:
            if !due.isEmpty || !singles.isEmpty { time = now }
            for candidate in [freshTime, waiting.first?.rank].compactMap(\.self) { time = min(time ?? candidate, candidate) }
        }
        return time.map { max(now, $0, pausedUntil) }
    }

    /// When a new batch goes, as far as alerts wait for others; nil where there is none.
    private var freshTime: Int64? {
        guard let first = ready.first?.ordinal, let key = laneOfReady[first], let lane = lanes[key], let alert = lane.first else { return nil }
        if !lingers || batchMax == 1 || available.alerts >= batchMax || available.bytes >= settings.batchBytesMax { return .min }
        return Self.sum(alert.added, settings.lingerMicroseconds)
    }

    /// The oldest of what may go; the rate is left aside.
    private func choice(now: Int64) -> Choice? {
        guard pausedUntil <= now else { return nil }
        if case .probing = circuit { return nil }
        if case .open(let until) = circuit, until > now { return nil }
        var best: (ordinal: UInt64, choice: Choice)?
        func offer(_ ordinal: UInt64?, _ choice: Choice) {
            guard let ordinal, ordinal <= best?.ordinal ?? .max else { return }
            best = (ordinal, choice)
        }
        offer(due.first?.ordinal, .retry)
        if circuit == .closed, let first = waiting.first, first.rank <= now { offer(first.ordinal, .retry) }
        offer(singles.first?.ordinal, .single)
        if let time = freshTime, time <= now { offer(ready.first?.ordinal, .fresh) }
        if let best { return best.choice }
        return circuit != .closed && !waiting.isEmpty ? .early : nil
    }

    /// How many alerts it has, at most.
    private func size(of choice: Choice) -> Int {
        switch choice {
        case .retry, .early: (due.first ?? waiting.first).flatMap { batches[$0.ordinal]?.ordinals.count } ?? 1
        case .single: 1
        case .fresh: min(batchMax, available.alerts)
        }
    }

    private mutating func begin(single ordinal: UInt64) -> UInt64? {
        guard let key = laneOfReady.removeValue(forKey: ordinal), let alert = lanes[key]?.next else { return nil }
        lanes[key]?.take()
        batches[ordinal] = Batch(ordinals: [ordinal], lanes: [key], born: alert.born, history: apart[ordinal] ?? History())
        return ordinal
    }

    /// The oldest alerts that can go, in their order, as many as fit.
    private mutating func gather() -> UInt64? {
        var batch = Batch(ordinals: [], lanes: [], born: .max)
        var byteCount = 0
        // What follows in lanes that have some in the batch already.
        var followers = OrdinalHeap()
        var laneOfFollower: [UInt64: LaneKey] = [:]
        while batch.ordinals.count < batchMax {
            let follower = followers.first?.ordinal ?? .max
            let first = ready.first?.ordinal ?? .max
            guard let key = follower < first ? laneOfFollower[follower] : laneOfReady[first], let alert = lanes[key]?.next else { break }
            guard batch.ordinals.isEmpty || alert.byteCount <= settings.batchBytesMax - byteCount else { break }
            if follower < first {
                _ = followers.popFirst()
            } else {
                _ = ready.popFirst()
                laneOfReady[first] = nil
                batch.lanes.append(key)
                uncount(key)
            }
            lanes[key]?.take()
            batch.ordinals.append(alert.ordinal)
            byteCount += alert.byteCount
            batch.born = min(batch.born, alert.born)
            if batchMax > 1, let next = lanes[key]?.next, apart[next.ordinal] == nil {
                followers.insert(.init(rank: 0, ordinal: next.ordinal))
                laneOfFollower[next.ordinal] = key
            }
        }
        guard let tag = batch.ordinals.first else { return nil }
        batches[tag] = batch
        return tag
    }

    // MARK: What became of it

    /// An attempt has ended.
    mutating func ended(_ tag: UInt64, _ outcome: DeliveryOutcome, now: Int64) -> Verdict {
        inFlightCount -= 1
        guard var batch = batches[tag] else { return .delivered }
        batch.history.attempts += 1
        switch outcome {
        case .delivered:
            answered()
            finish(tag)
            return .delivered
        case .refused(let reason, let status):
            // The endpoint is there, and answers.
            answered()
            batch.history.lastStatus = status
            guard batch.ordinals.count == 1 else { return takeApart(tag, batch) }
            finish(tag)
            return .givenUp(reason: reason, attempts: batch.history.attempts, status: status)
        case .failed(let reason, let status, let retryAfter):
            failed(tag, retryAfter: retryAfter, now: now)
            batch.history.failures += 1
            if let status { batch.history.lastStatus = status }
            let end = Self.sum(batch.born, settings.ageMaxMicroseconds)
            guard now < end || batch.history.failures < settings.attemptsMin else {
                // It may be one of them alone that the endpoint cannot take, and others may have more time.
                guard batch.ordinals.count == 1 else { return takeApart(tag, batch) }
                finish(tag)
                let age = Self.text(ofAge: settings.ageMaxMicroseconds)
                return .givenUp(reason: "given up after \(age): \(reason)", attempts: batch.history.attempts, status: batch.history.lastStatus)
            }
            batches[tag] = batch
            let wait = max(jitter(batch.history.failures, max: settings.backoffMaxMicroseconds), retryAfter ?? 0)
            // One last attempt where its time runs out.
            let time = Self.sum(now, wait)
            waiting.insert(.init(rank: now < end ? min(time, end) : time, ordinal: tag))
            return .waiting
        }
    }

    /// What is under way cannot be sent as it is: one alert is not this plan's any more, several go one by one.
    mutating func discard(_ tag: UInt64) {
        inFlightCount -= 1
        if case .probing(tag) = circuit { circuit = .open(until: .min) }
        guard let batch = batches[tag] else { return }
        if batch.ordinals.count == 1 { finish(tag) } else { _ = takeApart(tag, batch) }
    }

    // MARK: -

    /// Nothing of the lane is in a batch: its first may go.
    private mutating func open(_ key: LaneKey) {
        guard let lane = lanes[key], let first = lane.first else { return }
        laneOfReady[first.ordinal] = key
        if apart[first.ordinal] != nil { return singles.insert(.init(rank: 0, ordinal: first.ordinal)) }
        ready.insert(.init(rank: 0, ordinal: first.ordinal))
        count(key, alerts: lane.count, bytes: lane.byteCount)
    }

    private mutating func count(_ key: LaneKey, alerts: Int, bytes: Int) {
        available = (available.alerts + alerts, available.bytes + bytes)
        lanes[key]?.counted.alerts += alerts
        lanes[key]?.counted.bytes += bytes
    }

    private mutating func uncount(_ key: LaneKey) {
        guard let counted = lanes[key]?.counted else { return }
        count(key, alerts: -counted.alerts, bytes: -counted.bytes)
    }

    /// Its alerts are not this plan's any more, and what follows them may go.
    private mutating func finish(_ tag: UInt64) {
        guard let batch = batches.removeValue(forKey: tag) else { return }
        for ordinal in batch.ordinals {
            known.remove(ordinal)
            apart[ordinal] = nil
        }
        for key in batch.lanes {
            lanes[key]?.removeTaken()
            if lanes[key]?.count == 0 { lanes[key] = nil } else { open(key) }
        }
    }

    private mutating func takeApart(_ tag: UInt64, _ batch: Batch) -> Verdict {
        batches[tag] = nil
        for ordinal in batch.ordinals { apart[ordinal] = batch.history }
        for key in batch.lanes {
            lanes[key]?.putBack()
            open(key)
        }
        return .takenApart
    }

    private mutating func answered() {
        failuresInRow = 0
        openings = 0
        guard circuit != .closed else { return }
        circuit = .closed
        while let entry = waiting.popFirst() { due.insert(.init(rank: 0, ordinal: entry.ordinal)) }
    }

    private mutating func failed(_ tag: UInt64, retryAfter: Int64?, now: Int64) {
        if let retryAfter { pausedUntil = max(pausedUntil, Self.sum(now, min(retryAfter, settings.ageMaxMicroseconds))) }
        failuresInRow += 1
        let isProbe = circuit == .probing(tag)
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
