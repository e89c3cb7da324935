internal import Diagnostics
internal import Glibc

extension Command {
    static let run = Command(
        name: "run", operands: "RULES…", summary: "match rules against events until the input ends",
        details: [
            "Reads events, one JSON object a line, and writes alerts, one JSON object a line. RULES are files, or folders that are searched for *.rule files; all together are one program.",
            "A line that is no event is counted and never ends the run. Ctrl-C stops taking input, finishes what was read and leaves; a second one leaves at once.",
        ],
        example: "needletail run rules/ < events.ndjson\nneedletail run rules/ --input cards=cards.ndjson.gz --input web=/var/log/web.ndjson --alerts alerts.ndjson --rejects rejects.ndjson",
        flags: [
            .input, .follow, .alerts, .state, .checkpointEvery, .fromSavepoint, .onRuleChange, .journal, .memory, .workers, .drain, .config, .late,
            .rejects, .quiet, .logFormat, .logLevel, .outbox,
        ] + Flag.ofWebhooks
    ) { (given) throws(UsageError) in
        let options = try given.configured()
        // Before anything else: whoever finds that we run with the folder may ask at once, and an unheard signal ends us.
        if options.stateDirectory != nil { StopSignals.listenForRequests() }
        let log = Log(options)
        let files = try RuleFiles.read(options.operands, for: "run")
        guard let rules = RuleFiles.load(files, log: log) else { return ExitStatus.found }
        if options.stateDirectory == nil {
            for (flag, isGiven) in [("--memory", options.memoryBytes != nil), ("--journal", options.journals || options.inputs.contains(where: \.journals)), ("--from-savepoint", options.fromSavepoint != nil), ("--checkpoint-every", options.checkpointEvery != nil)] where isGiven {
                throw UsageError("\(options.origin(of: flag)) needs a state folder", hint: "add --state DIR" + (options.configuration == nil ? "" : ", or `state` to the configuration file"))
            }
        }
        let stopDescriptor = StopSignals.listen()
        do throws(RunFailure) {
            return try RunSession(rules, options, stopDescriptor: stopDescriptor, log: log).run()
        } catch {
            switch error {
            case .usage(let usage): throw usage
            case .failed(let message):
                log.error(message)
                return ExitStatus.failed
            }
        }
    }
}

/// Why a run did not begin or did not come to its end.
enum RunFailure: Error {
    case usage(UsageError)
    case failed(String)

    /// A file that cannot be opened is wrong usage; a disk that is full or broken is not the user's word.
    init(_ flag: String, _ error: FileError) {
        self = [ENOSPC, EDQUOT, EIO, EMFILE, ENFILE].contains(where: { error.reason == FileError.reason($0) }) ? .failed(error.message) : .usage(UsageError("\(flag) \(error.message)"))
    }
}
