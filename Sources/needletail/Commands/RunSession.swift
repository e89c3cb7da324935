internal import Connectors
internal import Diagnostics
internal import Engine
internal import Glibc
internal import Replay
internal import RuleCompiler
internal import StateStores
internal import Streaming

/// One `needletail run`: it begins, is asked for savepoints and new rules while it goes on, and ends.
final class RunSession {
    private let options: Options
    private let log: Log
    private let stopDescriptor: Int32?
    private let state: StateFolder?
    private var rules: RuleSet
    private var ends: RunEnds
    private var delivery: RunDelivery?
    /// Opened with the first run on the state.
    private var idleLog: IdleLog?
    /// What the run goes on with after a request to read the rules again.
    private var nextRules: RuleSet?

    /// Of `--memory` the store's cache is a part.
    private static func keysShare(_ bytes: Int) -> Int { bytes - min(32 << 20, bytes / 4) }

    /// Most bytes on disk of events that wait for the watermark.
    private static let spillBytesMax = 64 << 30

    init(_ rules: RuleSet, _ options: Options, stopDescriptor: Int32?, log: Log) throws(RunFailure) {
        self.rules = rules
        self.options = options
        self.stopDescriptor = stopDescriptor
        self.log = log
        // A name that is wrong leaves everything as it is: files of alerts are opened first and touched last.
        ends = try RunEnds(options, rules, log: log)
        state = try RunSession.openState(options)
        if let state { try ends.journal(in: state, options) } else { try ends.clear() }
        if !ends.webhooks.isEmpty { delivery = try RunDelivery(ends.webhooks, options, state: state, log: log) }
    }

    private static func openState(_ options: Options) throws(RunFailure) -> StateFolder? {
        guard let path = options.stateDirectory else { return nil }
        do throws(StoreError) {
            if let savepoint = options.fromSavepoint { try StateFolder.restore(savepoint, to: path) }
            return try StateFolder(path)
        } catch {
            throw .failed(message(error, state: path))
        }
    }

    func run() throws(RunFailure) -> Int32 {
        let report = RunReport(log: log)
        report.begin(rules.checked)
        while true {
            let pipeline = try makePipeline()
            var ended: RunSummary?
            do throws(RunError) {
                let summary = try pipeline.run(stop: StopSignals.flag) { summary in
                    report.progress(summary)
                    delivery?.report()
                    if ends.journaled.contains(where: \.value.wantsCheckpoint) { pipeline.hurryCheckpoint() }
                }
                if nextRules == nil {
                    try ends.close()
                    report.end(summary)
                    ended = summary
                } else {
                    report.keep(summary)
                }
            } catch {
                log.clearProgress()
                if case .brokenPipe = error { return ExitStatus.done }
                try? delivery?.end(isStopped: true)
                // What was read before has been worked, and people want to know how far it came.
                if case .source = error { report.end(pipeline.summary, hasFailed: true) }
                // Stopped while the outbox had no room: what did not go into it is made again.
                if case .sink = error, delivery != nil, let number = StopSignals.received {
                    log.write(.warning, error.message)
                    return ExitStatus.signal(number)
                }
                throw failure(error)
            }
            if let ended {
                try delivery?.end(isStopped: ended.isStopped)
                return StopSignals.received.map(ExitStatus.signal) ?? ExitStatus.done
            }
            if let next = nextRules { rules = next }
            nextRules = nil
            try ends.reopenInputs(options, rules, log: log)
        }
    }

    private func makePipeline() throws(RunFailure) -> Pipeline {
        let pipeline = Pipeline(
            program: rules.program, inputs: ends.inputs, alerts: ends.alerts + [delivery?.sink].compactMap(\.self) as [any Sink], late: ends.late, rejects: ends.rejects,
            selector: PollSelector(stopDescriptor: stopDescriptor), clock: SystemClock(), checkpoints: try checkpointOptions(), spill: try spillFolder(),
            options: PipelineOptions(
                drains: options.drains ?? (state == nil), reorderBytesMax: options.reorderMemoryBytes ?? RunBounds.reorderMemoryDefault,
                workers: options.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
                seed: UInt64.random(in: .min ... .max)))
        pipeline.onResume = { [log, delivery] in
            log.write($0)
            delivery?.sink.ordinal = $0.alerts
        }
        if let delivery { pipeline.onCheckpoint = { delivery.trim(before: $0) } }
        if let state, ends.alerts.contains(where: { !$0.canBeCut }) { try countAlerts(of: pipeline, state) }
        if state != nil {
            pipeline.request = (StopSignals.request, { [unowned pipeline] () throws(RunError) in try self.carryOutRequests(pipeline) })
        }
        return pipeline
    }

    private func checkpointOptions() throws(RunFailure) -> CheckpointOptions? {
        guard let state else { return nil }
        let prints: [Fingerprint]
        do throws(CompileFailure) {
            prints = try fingerprints(of: rules.checked)
        } catch {
            throw .failed("a rule that was compiled cannot be compiled by itself")
        }
        do throws(StoreError) {
            if idleLog == nil { idleLog = try IdleLog(state.idleLogPath, isFresh: state.store.committed == nil) }
        } catch {
            throw .failed(RunSession.message(error, state: state.path))
        }
        return CheckpointOptions(
            store: state.store, everyMicroseconds: options.checkpointEvery ?? RunBounds.checkpointEveryDefault, fingerprints: prints,
            failsOnRuleChange: options.failsOnRuleChange, memoryBytesMax: options.memoryBytes.map(RunSession.keysShare), idleRecords: idleLog)
    }

    private func spillFolder() throws(RunFailure) -> SpillFolder? {
        guard let state else { return nil }
        do throws(FileError) {
            return try SpillFolder(state.spillPath, bytesMax: RunSession.spillBytesMax)
        } catch {
            throw .failed(error.message)
        }
    }

    /// Alerts that have left through a pipe cannot be taken back: a restart says how many of them come again.
    private func countAlerts(of pipeline: Pipeline, _ state: StateFolder) throws(RunFailure) {
        let sent: SentCount
        do throws(StoreError) { sent = try SentCount(state.sentCountPath) } catch { throw .failed(error.message) }
        pipeline.onAlertsLeft = { sent.set($0) }
        let resumed = pipeline.onResume
        pipeline.onResume = { [log] resumption in
            resumed?(resumption)
            guard sent.before > resumption.alerts else { return }
            log.write(
                .warning,
                "up to \(NumberText.counted(sent.before - resumption.alerts, "alert")) that left after the checkpoint come again where an output is no file; their `id` is the same",
                [("repeated", "\(sent.before - resumption.alerts)")])
        }
    }

    // MARK: - Requests

    /// False where the run is to go on with other rules.
    private func carryOutRequests(_ pipeline: Pipeline) throws(RunError) -> Bool {
        StopSignals.settleRequests(stopDescriptor)
        if StopSignals.savepoint.take() { try answerRequests(pipeline) }
        if StopSignals.reload.take() { nextRules = reloadedRules() }
        return nextRules == nil
    }

    /// What other commands ask by files in the state folder and SIGUSR1.
    private func answerRequests(_ pipeline: Pipeline) throws(RunError) {
        guard let state else { return }
        let isAnswered = (delivery?.requests ?? DeliveryRequests(state: state, log: log)).carryOut()
        if let request = state.savepointRequest() {
            try makeSavepoint(request, of: state, pipeline)
        } else if !isAnswered {
            log.write(.warning, "SIGUSR1 asks for a savepoint, but `needletail savepoint` has left no request")
        }
    }

    private func makeSavepoint(_ request: SavepointRequest, of state: StateFolder, _ pipeline: Pipeline) throws(RunError) {
        try pipeline.checkpoint()
        do throws(StoreError) {
            let number = try state.makeSavepoint(to: request.target)
            state.answer(request, "checkpoint \(number)", isGood: true)
            log.write(.info, "savepoint of checkpoint \(number) made in \(request.target)")
        } catch {
            // The run itself goes on: its own folder is as it was.
            state.answer(request, error.message, isGood: false)
            log.error("no savepoint was made: \(error.message)")
        }
    }

    /// Nil, and nothing has changed, where there is a mistake.
    private func reloadedRules() -> RuleSet? {
        do throws(UsageError) {
            if let next = RuleFiles.load(try RuleFiles.read(options.operands, for: "run"), log: log) {
                log.write(.info, "reading the rules again: \(NumberText.counted(UInt64(next.checked.rules.count), "rule"))")
                return next
            }
        } catch {
            log.error(error.message)
        }
        log.error("the rules were not changed; mend them and send SIGHUP again")
        return nil
    }

    // MARK: - Failures

    private func failure(_ error: RunError) -> RunFailure {
        switch error {
        case .state(let error): .failed(RunSession.message(error, state: options.stateDirectory ?? ""))
        case .otherRun(let message):
            .failed("\(options.stateDirectory ?? "the state") cannot be gone on with: \(message). To begin anew, give another --state folder")
        default: .failed(error.message)
        }
    }

    /// What is wrong, and the way out.
    private static func message(_ error: StoreError, state: String) -> String {
        switch error {
        case .full: "\(error.message). What was committed is safe; make room and start again"
        case .damaged:
            "\(error.message). "
                + (StateFolder.lastSavepoint(of: state).map {
                    "The last savepoint is \($0): run with --from-savepoint \($0) and a new --state folder"
                } ?? "No savepoint was made of it: begin anew with another --state folder")
        case .unknownFormat:
            // What tells the version may be what is damaged.
            error.message + (StateFolder.lastSavepoint(of: state).map { ". The last savepoint is \($0): run with --from-savepoint \($0) and a new --state folder" } ?? "")
        default: error.message
        }
    }
}

extension Log {
    /// What was found of an earlier run.
    fileprivate func write(_ resumption: Resumption) {
        write(
            .info,
            "going on from checkpoint \(resumption.checkpoint) of \(NumberText.time(resumption.madeAt)), after \(NumberText.counted(resumption.alerts, "alert"))",
            [("checkpoint", "\(resumption.checkpoint)"), ("alerts", "\(resumption.alerts)")])
        say("the rule", "has changed and begins afresh", resumption.changedRules, .warning)
        say("the rule", "is gone, and its state with it", resumption.removedRules, .warning)
        say("the rule", "is new", resumption.newRules, .info)
        for name in resumption.otherSinks {
            write(.warning, "\(name) is not the file that was written before; going on at its end. Alerts since the checkpoint may be in the other file too")
        }
        for (old, new) in resumption.followedInputs {
            write(.info, old == new ? "\(new) is another file than before, which was read to its end; reading it from its start" : "\(new) is read after \(old), which was read to its end")
        }
    }

    private func say(_ what: String, _ happened: String, _ names: [String], _ level: LogLevel) {
        for name in names { write(level, "\(what) \(name) \(happened)", [("rule", NumberText.quoted(name))]) }
    }
}
