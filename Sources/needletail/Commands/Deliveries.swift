internal import Glibc
internal import Replay
internal import StateStores
internal import Streaming

extension Command {
    static let deliveries = Command(
        name: "deliveries", operands: "list|retry|drop DIR [ALERT…]", summary: "show, send again or drop alerts that webhooks have refused",
        details: [
            "DIR is the folder of `run --state`. `list` shows of each webhook how many alerts wait for it, and its dead letters: alerts that it refused for good, or took none of for a day. A run that goes on is not disturbed.",
            "`retry` sends dead letters again, the next time that a run goes on with the folder, or at once where one does. `drop` forgets them. Both need to be told which: ALERT is the number or the id that `list` shows, --all means all of them, and --endpoint those of one webhook alone.",
            "With --forget, `drop` forgets a webhook that is not delivered to any more, with its dead letters and the alerts that wait for it.",
        ],
        example: "needletail deliveries list state/\nneedletail deliveries retry state/ --endpoint hooks.example.com-3fb7e0c1a9d2 --all\nneedletail deliveries drop state/ 17 18",
        flags: [.endpoint, .allDeadLetters, .forget, .deadLetterLimit, .stateFormat]
    ) { (options) throws(UsageError) in
        let actions = ["list", "retry", "drop"]
        guard let action = options.operands.first, actions.contains(action) else {
            throw UsageError(
                options.operands.first.map { "`needletail deliveries` does one of list, retry, drop, not \($0)" }
                    ?? "`needletail deliveries` needs to know what to do: list, retry or drop",
                hint: options.operands.first.flatMap { CommandLineParser.nearest($0, among: actions) } ?? "for example: needletail deliveries list state/")
        }
        guard options.operands.count >= 2 else {
            throw UsageError("`needletail deliveries \(action)` needs a state folder", hint: "for example: needletail deliveries \(action) state/")
        }
        let path = options.operands[1]
        guard access(path, F_OK) == 0 else { throw UsageError("there is no folder \(path)") }
        let work = Deliveries(path: path, options: options)
        let change = DeadLetterRequest.Action(rawValue: action)
        if let change { try work.check(change) } else { try work.checkList() }
        do throws(StoreError) {
            guard let change else { return try work.list() }
            return options.forgets ? try work.forget() : try work.carryOut(change)
        } catch {
            Log(options).error(error.message)
            return ExitStatus.failed
        }
    }
}

extension Flag {
    static let endpoint = Flag(
        name: "--endpoint", value: .text("NAME"), defaultText: "every webhook", help: "Of the webhook with this name alone, as `list` shows it."
    ) { (options, value) throws(UsageError) in
        guard !value.isEmpty, !value.contains(where: \.isNewline) else { throw UsageError("--endpoint needs the name of a webhook, as `list` shows it") }
        options.endpoint = value
    }

    static let allDeadLetters = Flag(name: "--all", value: .none, help: "All dead letters, with `retry` and `drop`.") {
        (options, _) throws(UsageError) in options.wantsAll = true
    }

    static let forget = Flag(
        name: "--forget", value: .none,
        help: "With `drop` and --endpoint: forget the webhook itself, and with it every alert that waits for it. For one that the runs do not name any more; only while none goes on."
    ) { (options, _) throws(UsageError) in options.forgets = true }

    static let deadLetterLimitMax = 100_000
    static let deadLetterLimit = Flag(
        name: "--limit", value: .text("N"), defaultText: "100", help: "Most dead letters that `list` shows of a webhook, the oldest first."
    ) { (options, value) throws(UsageError) in
        guard let count = Int(value), (0...deadLetterLimitMax).contains(count) else {
            throw UsageError("--limit needs a whole number from 0 to \(deadLetterLimitMax), not \(value)")
        }
        options.limit = count
    }
}

/// One `needletail deliveries`.
private struct Deliveries {
    let path: String
    let options: Options

    /// A run that is asked has so long.
    private static let answerSecondsMax = 60

    // MARK: - What was asked

    func checkList() throws(UsageError) {
        guard options.operands.count == 2 else { throw UsageError("`needletail deliveries list` needs one folder") }
        guard !options.wantsAll, !options.forgets else {
            throw UsageError("--\(options.wantsAll ? "all" : "forget") is for `retry` and `drop`: `list` shows every webhook, --limit how much of it")
        }
    }

    private var words: [String] { Array(options.operands[2...]) }

    func check(_ action: DeadLetterRequest.Action) throws(UsageError) {
        let command = "needletail deliveries \(action.rawValue) \(path)"
        if options.forgets {
            guard action == .drop else { throw UsageError("--forget is for `drop`") }
            guard options.endpoint != nil, words.isEmpty, !options.wantsAll else {
                throw UsageError("--forget forgets one webhook as a whole", hint: "for example: \(command) --endpoint NAME --forget")
            }
            return
        }
        guard !words.isEmpty || options.wantsAll else {
            throw UsageError(
                "which dead letters? Nothing was changed",
                hint: "name their numbers or ids (`needletail deliveries list \(path)` shows them), or say --all: \(command) --all")
        }
        guard words.isEmpty || !options.wantsAll else { throw UsageError("--all and single dead letters together: give one of them") }
        guard words.count <= DeadLetterRequest.wordsMax else {
            throw UsageError("at most \(DeadLetterRequest.wordsMax) dead letters can be named at once", hint: "--endpoint NAME --all means all of one webhook")
        }
        if let word = words.first(where: { $0.isEmpty || $0.utf8.contains { $0 <= 32 } }) {
            throw UsageError("\(word.debugDescription) is neither the number nor the id of an alert")
        }
    }

    // MARK: - list

    func list() throws(StoreError) -> Int32 {
        var report = DeliveriesReport(path: path, owner: StateFolder.owner(of: path))
        if let folder = try StateFolder.outboxPath(of: path) {
            let outbox = try RocksOutbox(reading: folder)
            for endpoint in outbox.endpoints where options.endpoint == nil || endpoint.name == options.endpoint {
                report.endpoints.append(
                    DeliveriesReport.Endpoint(
                        counts: endpoint,
                        oldestWaiting: try outbox.undelivered(of: endpoint.number, from: 0, countMax: 1, bytesMax: 0).first?.appendedMicroseconds,
                        letters: try outbox.deadLetters(of: endpoint.number, from: 0, countMax: options.limit)))
            }
            if let wanted = options.endpoint, report.endpoints.isEmpty { throw Self.noWebhook(wanted, among: outbox.endpoints) }
        }
        Needletail.print(options.diagnosticFormat == .json ? report.json() : report.text())
        return ExitStatus.done
    }

    private static func noWebhook(_ name: String, among endpoints: [OutboxEndpoint]) -> StoreError {
        .failed("no alerts went to a webhook \(name)" + (endpoints.isEmpty ? "" : "; there are: \(endpoints.prefix(10).map(\.name).joined(separator: ", "))"))
    }

    // MARK: - retry, drop

    func carryOut(_ action: DeadLetterRequest.Action) throws(StoreError) -> Int32 {
        let request = DeadLetterRequest(action, endpoint: options.endpoint, choice: options.wantsAll ? .all : .chosen(words))
        let outcome: DeadLetterRequest.Outcome
        let owner = StateFolder.owner(of: path)
        if let owner {
            outcome = try StateFolder.ask(request, of: path, from: owner, timeoutSeconds: Self.answerSecondsMax)
        } else if let outbox = try openedOutbox() {
            outcome = try request.carryOut(on: outbox, nowMicroseconds: WallClock.now())
        } else {
            outcome = try request.carryOut(on: MemoryOutbox(), nowMicroseconds: 0)
        }
        let log = Log(options)
        if outcome.count > 0 || outcome.missingCount == 0 { log.write(.info, outcome.sentence(of: action, isRunning: owner != nil)) }
        guard outcome.missingCount > 0 else { return ExitStatus.done }
        let more = outcome.missingCount > outcome.missing.count ? " and \(outcome.missingCount - outcome.missing.count) more" : ""
        log.error("no dead letter is \(outcome.missing.joined(separator: ", "))\(more)\(options.endpoint.map { " of the webhook \($0)" } ?? "")")
        return ExitStatus.found
    }

    func forget() throws(StoreError) -> Int32 {
        let name = options.endpoint ?? ""
        if let owner = StateFolder.owner(of: path) {
            throw .failed("process \(owner) goes on with \(path), and may deliver to \(name); stop it first")
        }
        let outbox = try openedOutbox()
        guard let outbox, let endpoint = outbox.endpoints.first(where: { $0.name == name }) else {
            throw Self.noWebhook(name, among: outbox?.endpoints ?? [])
        }
        try outbox.remove(endpoint: endpoint.number)
        Log(options).write(
            .info,
            "the webhook \(name) is forgotten, with \(NumberText.counted(UInt64(endpoint.undelivered), "alert")) that waited and \(NumberText.counted(UInt64(endpoint.dead), "dead letter"))"
        )
        return ExitStatus.done
    }

    /// Of a folder that no run goes on with; nil where nothing ever went to a webhook.
    private func openedOutbox() throws(StoreError) -> RocksOutbox? {
        guard let folder = try StateFolder.outboxPath(of: path) else { return nil }
        do throws(StoreError) {
            return try RocksOutbox(directory: folder)
        } catch {
            guard case .inUse = error else { throw error }
            throw .failed("another process has just begun to use \(path); try again")
        }
    }
}

extension DeadLetterRequest.Outcome {
    /// `3 dead letters are sent again`
    func sentence(of action: DeadLetterRequest.Action, isRunning: Bool) -> String {
        let letters = NumberText.counted(UInt64(count), "dead letter")
        let verb = count == 1 ? "is" : "are"
        let happened =
            switch action {
            case .drop: "dropped"
            case .retry: isRunning ? "sent again" : "to be sent again by the next run"
            }
        let rest = blocked == 0 ? "" : "; \(NumberText.grouped(UInt64(blocked))) cannot be: other alerts have taken their places after a change of rules"
        return "\(letters) \(verb) \(happened)\(rest)"
    }
}
