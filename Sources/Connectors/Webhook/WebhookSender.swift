// Delivers an endpoint's alerts from the outbox: a thread that asks the plan what to send, has libcurl send it, and notes in the outbox
// what became of it. The run only appends to the outbox; it waits for no endpoint.
//
// Marks are written some at a time, since each write is an fsync: at most `markDelayMicroseconds` after the answer. A process that dies
// between an answer and its mark sends that alert again under the same id.

internal import Glibc
public import Streaming

/// What a webhook has done since its start.
public struct WebhookStatus: Sendable, Equatable {
    /// Requests; what follows counts alerts, but for ``failed``.
    public var attempts: UInt64 = 0
    public var delivered: UInt64 = 0
    public var givenUp: UInt64 = 0
    /// Requests that are followed by others.
    public var failed: UInt64 = 0
    /// Why the last attempt failed; for people, without secrets. Nil once one has gone well.
    public var lastFailure: String?
    /// Nothing is sent but one request at a time, until one is answered.
    public var isEndpointDown = false
    /// There may be no more dead letters: alerts that are given up stay where they are.
    public var areDeadLettersFull = false
    /// Why the outbox cannot be read or written. Where its disk is full delivery goes on when there is room again; otherwise it has ended.
    public var outboxFailure: StoreError?
}

/// Delivers the alerts of one endpoint, on a thread of its own, until it is stopped.
public final class WebhookSender: @unchecked Sendable {
    // @unchecked: what threads share is touched under the lock; the rest belongs to the sender's thread.

    /// What tests set apart from the defaults.
    struct Tuning {
        /// So many microseconds of the clock go by in one of the machine.
        var timeScale: Int64 = 1
        var markDelayMicroseconds: Int64 = 20_000
        var marksMax = 256
    }

    public let endpoint: WebhookEndpoint
    /// In the outbox.
    public let number: Int
    private let outbox: any Outbox
    private let clock: any Clock
    private let tuning: Tuning
    private let client: HTTPClient
    private var listener = 0
    private var thread: pthread_t?

    /// Guards what follows.
    private let lock = Lock()
    private var shared = WebhookStatus()
    private var isStopping = false
    private var isHurried = false
    /// On the clock; requests under way are ended then.
    private var stopTime = Int64.max

    // Of the sender's thread.
    private var plan: DeliveryPlan
    private var status = WebhookStatus()
    /// Alerts of the plan whose bodies are at hand.
    private var alerts: [UInt64: OutboxAlert] = [:]
    /// The alerts of each request that is under way.
    private var sent: [UInt64: [OutboxReference]] = [:]
    /// Where reading goes on.
    private var cursor: UInt64 = 0
    private var mayHaveMore = true
    private var rewindsSeen: Int
    private var delivered: [OutboxReference] = []
    private var burials: [Burial] = []
    /// When the first of these came.
    private var unmarkedSince: Int64?
    private var nextMarkTime = Int64.min

    private static let readCountMax = 256
    private static let readBytesMax = 8 << 20
    /// So much of the bodies is kept for alerts that wait; others are read again.
    private static let keptBytesMax = 32 << 20
    private static let idleMicroseconds: Int64 = 1_000_000

    /// - Parameters:
    ///   - random: spreads what failed together.
    /// - Throws: ``WebhookError`` where there is no memory, ``StoreError`` where the outbox does not know the endpoint and cannot note it.
    public convenience init(
        _ endpoint: WebhookEndpoint, outbox: any Outbox, clock: any Clock,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0...UInt64.max) }
    ) throws {
        try self.init(endpoint, outbox: outbox, clock: clock, random: random, tuning: Tuning())
    }

    init(
        _ endpoint: WebhookEndpoint, outbox: any Outbox, clock: any Clock, random: @escaping @Sendable () -> UInt64, tuning: Tuning
    ) throws {
        var endpoint = endpoint
        endpoint.inFlightMax = min(max(endpoint.inFlightMax, WebhookEndpoint.inFlightBounds.lowerBound), WebhookEndpoint.inFlightBounds.upperBound)
        if !endpoint.shape.takesBatches { endpoint.delivery.batchMax = 1 }
        self.endpoint = endpoint
        self.outbox = outbox
        self.clock = clock
        self.tuning = tuning
        number = try outbox.endpoint(named: endpoint.name)
        client = try HTTPClient(endpoint)
        plan = DeliveryPlan(endpoint.delivery, inFlightMax: endpoint.inFlightMax, random: random)
        rewindsSeen = outbox.rewindCount
    }

    deinit {
        // A thread that is at work holds the sender; this one has ended by itself.
        guard let thread else { return }
        outbox.signals.ignoreAppends(listener)
        pthread_detach(thread)
    }

    // MARK: From outside

    public func start() {
        precondition(thread == nil, "a webhook sender is started once")
        listener = outbox.signals.onAppend { [client = Unowned(client)] in client.value.wake() }
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { argument in
            guard let argument else { return nil }
            Unmanaged<WebhookSender>.fromOpaque(argument).takeRetainedValue().work()
            return nil
        }, Unmanaged.passRetained(self).toOpaque())
        guard status == 0 else { fatalError("The system gives no more threads: \(status)") }
        self.thread = thread
    }

    /// The client lives as long as the sender, which takes its listener away before it ends.
    private struct Unowned: @unchecked Sendable {
        unowned let value: HTTPClient
        init(_ value: HTTPClient) { self.value = value }
    }

    public var current: WebhookStatus { lock.locked { shared } }

    /// From now on no alert waits for others of its batch: no more will come.
    public func hurry() {
        lock.locked { isHurried = true }
        client.wake()
    }

    /// Waits until every alert is delivered or given up, but no longer than the time given. Alerts that are appended meanwhile count too.
    ///
    /// - Returns: whether none is left.
    public func waitUntilDelivered(timeoutMicroseconds: Int64) -> Bool {
        let begun = clock.monotonicMicroseconds
        while true {
            if !(outbox.endpoints.contains { $0.number == number && $0.undelivered > 0 }) { return true }
            let left = timeoutMicroseconds - (clock.monotonicMicroseconds - begun)
            guard left > 0, !hasEnded else { return false }
            usleep(UInt32(max(1, min(left / tuning.timeScale, 5_000))))
        }
    }

    private var hasEnded: Bool {
        switch lock.locked({ shared.outboxFailure }) {
        case nil, .full: false
        default: true
        }
    }

    /// Sends nothing new, waits for what is under way, but no longer than the time given, notes what was delivered, and ends the thread.
    public func stop(graceMicroseconds: Int64 = 5_000_000) {
        guard let thread else { return }
        outbox.signals.ignoreAppends(listener)
        lock.locked {
            isStopping = true
            stopTime = clock.monotonicMicroseconds.addingReportingOverflow(max(0, graceMicroseconds)).partialValue
        }
        client.wake()
        pthread_join(thread, nil)
        self.thread = nil
    }

    // MARK: The thread

    private func work() {
        // A connection that the other side has closed is an error to us, not a signal; and signals are for the thread that waits for them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        while step() {}
        publish()
    }

    /// False at the end.
    private func step() -> Bool {
        let now = clock.monotonicMicroseconds
        let (isStopping, stopTime, isHurried) = lock.locked { (self.isStopping, self.stopTime, self.isHurried) }
        plan.lingers = !isHurried
        if !isStopping {
            guard read(now), begin(now) else { return false }
        } else if plan.inFlightCount == 0 || now >= stopTime {
            _ = mark(now, isLast: true)
            return false
        }
        client.run(waitMilliseconds: waitMilliseconds(now, until: isStopping ? stopTime : nil))
        let later = clock.monotonicMicroseconds
        while let answer = client.nextAnswer(wallMicroseconds: clock.wallMicroseconds) { take(answer, later) }
        guard mark(later, isLast: false) else { return false }
        publish()
        return true
    }

    /// Reads what the plan can use.
    private func read(_ now: Int64) -> Bool {
        if outbox.rewindCount != rewindsSeen {
            rewindsSeen = outbox.rewindCount
            cursor = 0
            mayHaveMore = true
        }
        if cursor < outbox.nextOrdinal { mayHaveMore = true }
        while mayHaveMore, plan.wantsMore(now: now), unmarkedCount < tuning.marksMax * 4 {
            do throws(StoreError) {
                let found = try outbox.undelivered(of: number, from: cursor, countMax: Self.readCountMax, bytesMax: Self.readBytesMax)
                mayHaveMore = !found.isEmpty
                let wall = clock.wallMicroseconds
                for alert in found {
                    cursor = alert.ordinal + 1
                    if isUnmarked(alert.ordinal) { continue }
                    keep(alert)
                    let age = wall.subtractingReportingOverflow(alert.appendedMicroseconds)
                    plan.add(alert.ordinal, lane: .init(rule: alert.rule, key: alert.key), byteCount: alert.body.count, age: age.overflow ? 0 : age.partialValue, now: now)
                }
            } catch {
                return note(error)
            }
        }
        return true
    }

    private var keptBytes = 0

    private func keep(_ alert: OutboxAlert) {
        guard keptBytes + alert.body.count <= Self.keptBytesMax, alerts[alert.ordinal] == nil else { return }
        keptBytes += alert.body.count
        alerts[alert.ordinal] = alert
    }

    private func forget(_ ordinal: UInt64) {
        if let alert = alerts.removeValue(forKey: ordinal) { keptBytes -= alert.body.count }
    }

    /// Begins the attempts that are due.
    private func begin(_ now: Int64) -> Bool {
        guard unmarkedCount < tuning.marksMax * 4 else { return true }
        while let tag = plan.next(now: now) {
            do throws(StoreError) {
                let ordinals = plan.alerts(of: tag)
                var found: [OutboxAlert] = []
                for ordinal in ordinals { if let alert = try alert(ordinal) { found.append(alert) } }
                guard found.count == ordinals.count else {
                    // Somebody has removed one.
                    plan.discard(tag)
                    continue
                }
                attempt(found, tag, now)
            } catch {
                _ = plan.ended(tag, .failed(reason: "the outbox cannot be read", status: nil, retryAfterMicroseconds: nil), now: now)
                return note(error)
            }
        }
        return true
    }

    private func alert(_ ordinal: UInt64) throws(StoreError) -> OutboxAlert? {
        if let kept = alerts[ordinal] { return kept }
        let found = try outbox.undelivered(of: number, from: ordinal, countMax: 1, bytesMax: 0).first
        guard let found, found.ordinal == ordinal else { return nil }
        keep(found)
        return found
    }

    private func attempt(_ alerts: [OutboxAlert], _ tag: UInt64, _ now: Int64) {
        status.attempts += 1
        sent[tag] = alerts.map { OutboxReference(ordinal: $0.ordinal, id: $0.id) }
        // What stands in a header must not end it; an alert's id is hexadecimal digits.
        guard alerts.allSatisfy({ !$0.id.isEmpty && $0.id.utf8.allSatisfy { $0 > 32 && $0 < 127 } }) else {
            take(.init(tag: tag, outcome: .refused(reason: "its id cannot be sent in a header", status: 0)), now)
            return
        }
        guard let request = endpoint.request(of: alerts, timestamp: clock.wallMicroseconds / 1_000_000) else {
            take(.init(tag: tag, outcome: .refused(reason: "it is no alert in JSON", status: 0)), now)
            return
        }
        if !client.start(tag: tag, body: request.body, headers: request.headers) {
            take(.init(tag: tag, outcome: .failed(reason: "there is no memory", status: nil, retryAfterMicroseconds: nil)), now)
        }
    }

    /// What became of an attempt.
    private func take(_ answer: HTTPClient.Answer, _ now: Int64) {
        let references = sent.removeValue(forKey: answer.tag) ?? []
        switch answer.outcome {
        case .delivered: status.lastFailure = nil
        case .refused(let reason, _), .failed(let reason, _, _): status.lastFailure = reason
        }
        switch plan.ended(answer.tag, answer.outcome, now: now) {
        case .waiting, .takenApart: status.failed += 1
        case .delivered:
            status.delivered += UInt64(references.count)
            delivered += references
            settle(references, now)
        case .givenUp(let reason, let attempts, let lastStatus):
            status.givenUp += UInt64(references.count)
            let code = lastStatus.flatMap { $0 == 0 ? nil : $0 }
            burials += references.map {
                Burial(
                    ordinal: $0.ordinal, id: $0.id, reason: reason, attempts: attempts, lastStatus: code, buriedMicroseconds: clock.wallMicroseconds)
            }
            settle(references, now)
        }
        status.isEndpointDown = plan.isEndpointDown
    }

    private func settle(_ references: [OutboxReference], _ now: Int64) {
        for reference in references { forget(reference.ordinal) }
        unmarkedSince = unmarkedSince ?? now
    }

    private var unmarkedCount: Int { delivered.count + burials.count }

    private func isUnmarked(_ ordinal: UInt64) -> Bool {
        delivered.contains { $0.ordinal == ordinal } || burials.contains { $0.ordinal == ordinal }
    }

    /// Notes in the outbox what is settled, when it is time to.
    private func mark(_ now: Int64, isLast: Bool) -> Bool {
        guard let since = unmarkedSince, isLast || now >= nextMarkTime else { return true }
        let isDue = now - since >= tuning.markDelayMicroseconds || unmarkedCount >= tuning.marksMax || plan.inFlightCount == 0
        guard isDue || isLast else { return true }
        do throws(StoreError) {
            if !delivered.isEmpty {
                try outbox.markDelivered(delivered, of: number)
                delivered.removeAll(keepingCapacity: true)
            }
            if !burials.isEmpty {
                burials.removeFirst(try outbox.bury(burials, of: number))
            }
            status.outboxFailure = nil
            status.areDeadLettersFull = !burials.isEmpty
            unmarkedSince = burials.isEmpty ? nil : since
            nextMarkTime = burials.isEmpty ? .min : now + Self.idleMicroseconds
            return true
        } catch {
            return note(error)
        }
    }

    /// Whether the sender can go on after an error of the outbox.
    private func note(_ error: StoreError) -> Bool {
        status.outboxFailure = error
        publish()
        guard case .full = error else { return false }
        nextMarkTime = clock.monotonicMicroseconds + Self.idleMicroseconds
        return true
    }

    private func publish() { lock.locked { shared = status } }

    private func waitMilliseconds(_ now: Int64, until stopTime: Int64?) -> Int32 {
        var wait = Self.idleMicroseconds
        if let time = plan.nextTime(now: now), stopTime == nil { wait = min(wait, time - now) }
        if let stopTime { wait = min(wait, stopTime - now) }
        if let unmarkedSince { wait = min(wait, max(unmarkedSince + tuning.markDelayMicroseconds, nextMarkTime) - now) }
        let real = max(0, wait) / tuning.timeScale
        // Rounded up, so that a wait of less than a millisecond is none of spinning.
        return Int32(clamping: (real + 999) / 1000)
    }
}
