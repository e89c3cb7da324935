internal import Replay
internal import StateStores
internal import Streaming

/// What `needletail deliveries` asks of a run that goes on with a state folder.
struct DeliveryRequests: Sendable {
    private let path: String?
    /// Opened when something is asked.
    private let outbox: @Sendable () throws(StoreError) -> any Outbox
    private let format: LogFormat
    private let level: LogLevel

    /// Of a run that delivers; without a state folder nobody can ask.
    init(_ outbox: any Outbox, state: StateFolder?, log: Log) {
        path = state?.path
        self.outbox = { () throws(StoreError) in outbox }
        (format, level) = (log.format, log.level)
    }

    /// Of a run that has no webhooks, while the folder may have dead letters of an earlier one.
    init(state: StateFolder, log: Log) {
        let path = state.path
        self.path = path
        outbox = { () throws(StoreError) in
            guard let folder = try StateFolder.outboxPath(of: path) else { return MemoryOutbox() }
            return try RocksOutbox(directory: folder)
        }
        (format, level) = (log.format, log.level)
    }

    /// Carries out what was asked.
    ///
    /// - Returns: whether anything was.
    @discardableResult
    func carryOut() -> Bool {
        guard let path, let asked = StateFolder.carryOutDeadLetterRequest(in: path, nowMicroseconds: WallClock.now(), on: outbox) else { return false }
        let log = Log(format: format, level: level)
        switch (asked.result, asked.request) {
        case (.success(let outcome), let request?):
            log.write(.info, "asked by `needletail deliveries`: \(outcome.sentence(of: request.action, isRunning: true))")
        case (.success, nil): break
        case (.failure(let error), _): log.write(.warning, "`needletail deliveries` asked in vain: \(error.message)")
        }
        return true
    }

    /// Whether a run that waits for room in the outbox is to give up. Nothing else looks at requests meanwhile, and it may be dead letters
    /// that keep the room away.
    func isStopped() -> Bool {
        // Both kinds of request come by one signal. What is left of it is for the other kind, if that was asked for too.
        if carryOut(), StopSignals.savepoint.take(), let path, StateFolder.isSavepointRequested(of: path) { StopSignals.savepoint.set() }
        return StopSignals.flag.isSet
    }
}
