internal import Connectors
internal import Replay
internal import StateStores
internal import Streaming

/// The webhooks of a run: the outbox that its alerts go into, and who delivers from it.
final class RunDelivery {
    let sink: OutboxSink
    let requests: DeliveryRequests
    private let outbox: any Outbox
    private let endpoints: [WebhookEndpoint]
    private let senders: [WebhookSender]
    private let isDurable: Bool
    private let log: Log
    /// Trouble that was spoken of; each is said once.
    private var said: Set<String> = []

    /// At the end of the input so long is waited for endpoints that take nothing: with a state folder the next run goes on, without one
    /// there is no next time.
    private static let waitMicroseconds: (durable: Int64, memory: Int64) = (5_000_000, 30_000_000)

    /// - Parameter state: nil: what is not delivered when the run ends is lost.
    init(_ webhooks: [ConfiguredWebhook], _ options: Options, state: StateFolder?, log: Log) throws(RunFailure) {
        endpoints = webhooks.map(\.endpoint)
        self.log = log
        isDurable = state != nil
        let clock = SystemClock()
        let rowsMax = options.outboxRows ?? RunBounds.outboxRowsDefault
        do {
            if let state {
                outbox = try RocksOutbox(directory: state.outboxPath, rowsMax: rowsMax)
            } else {
                outbox = MemoryOutbox(rowsMax: rowsMax)
                log.write(.warning, "alerts for webhooks are delivered as long as the run lasts; add --state DIR to have each of them delivered")
            }
            let requests = DeliveryRequests(outbox, state: state, log: log)
            self.requests = requests
            var senders: [WebhookSender] = []
            for endpoint in endpoints { senders.append(try WebhookSender(endpoint, outbox: outbox, clock: clock)) }
            self.senders = senders
            sink = OutboxSink(
                outbox: outbox, destinations: zip(senders, webhooks).map { OutboxSink.Destination(endpoint: $0.number, route: $1.route) },
                clock: clock, isStopped: { requests.isStopped() })
        } catch let error as StoreError {
            throw .failed(error.message)
        } catch {
            throw .failed((error as? WebhookError)?.message ?? "\(error)")
        }
        for other in outbox.endpoints where other.undelivered > 0 && !endpoints.contains(where: { $0.name == other.name }) {
            log.write(
                .warning,
                "\(NumberText.counted(UInt64(other.undelivered), "alert")) wait for the webhook \(other.name), which is not among the places for alerts any more")
        }
        for sender in senders { sender.start() }
    }

    /// A checkpoint is durable at which so many alerts had left.
    func trim(before ordinal: UInt64) {
        do throws(StoreError) { try outbox.trim(before: ordinal) } catch { say("outbox", .warning, error.message) }
    }

    /// Says what keeps alerts from being delivered, once for each endpoint and trouble.
    func report() {
        for (endpoint, sender) in zip(endpoints, senders) {
            let status = sender.current
            if status.isEndpointDown {
                say("down " + endpoint.name, .warning, "the webhook \(endpoint) takes no alerts: \(status.lastFailure ?? "no answer"); they wait in the outbox")
            }
            if status.areDeadLettersFull {
                say("dead " + endpoint.name, .error, "the webhook \(endpoint) has as many dead letters as there may be; it is not delivered to until some are dropped")
            }
            if let failure = status.outboxFailure { say("outbox " + endpoint.name, .error, "the outbox cannot be used: \(failure.message)") }
        }
    }

    private func say(_ what: String, _ level: LogLevel, _ message: String) {
        guard said.insert(what).inserted else { return }
        log.write(level, message)
    }

    /// Delivers what is left, as far as time allows, and ends.
    ///
    /// - Throws: ``RunFailure`` where alerts are lost with this process.
    func end(isStopped: Bool) throws(RunFailure) {
        let limit = isStopped ? 0 : isDurable ? RunDelivery.waitMicroseconds.durable : RunDelivery.waitMicroseconds.memory
        let clock = SystemClock()
        let end = clock.monotonicMicroseconds + limit
        for sender in senders { sender.hurry() }
        for sender in senders {
            while !sender.waitUntilDelivered(timeoutMicroseconds: min(200_000, max(0, end - clock.monotonicMicroseconds))) {
                requests.carryOut()
                if clock.monotonicMicroseconds >= end || StopSignals.flag.isSet { break }
            }
        }
        for sender in senders { sender.stop() }
        var lost = 0
        for (endpoint, sender) in zip(endpoints, senders) {
            let status = sender.current
            let left = outbox.endpoints.first { $0.number == sender.number }?.undelivered ?? 0
            var text = "  webhook \(endpoint): \(NumberText.grouped(status.delivered)) delivered"
            if status.givenUp > 0 { text += ", \(NumberText.grouped(status.givenUp)) refused for good" }
            if left > 0 { text += ", \(NumberText.grouped(UInt64(left))) \(isDurable ? "wait for the next run" : "lost")" }
            if let failure = status.lastFailure, left > 0 || status.givenUp > 0 { text += " (last: \(failure))" }
            log.write(left > 0 ? .warning : .info, text)
            lost += left
        }
        guard isDurable || lost == 0 else {
            throw .failed("\(NumberText.counted(UInt64(lost), "alert")) could not be delivered before the run ended; with --state DIR they would wait")
        }
    }
}
