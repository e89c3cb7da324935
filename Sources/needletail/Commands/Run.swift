internal import Connectors
internal import Diagnostics
internal import Glibc
internal import Replay
internal import RuleCompiler
internal import RuleLanguage
internal import Streaming

extension Command {
    static let run = Command(
        name: "run", operands: "RULES…", summary: "match rules against events until the input ends",
        details: [
            "Reads events, one JSON object a line, and writes alerts, one JSON object a line. RULES are files, or folders that are searched for *.rule files; all together are one program.",
            "A line that is no event is counted and never ends the run. Ctrl-C stops taking input, finishes what was read and leaves; a second one leaves at once.",
        ],
        example: "needletail run rules/ < events.ndjson\nneedletail run rules/ --input cards=cards.ndjson.gz --input web=/var/log/web.ndjson --alerts alerts.ndjson --rejects rejects.ndjson",
        flags: [
            .input, .follow, .alerts, .late, .rejects, .drain, .workers, .config, .quiet, .logFormat, .logLevel,
            .missing("--state", .path("DIR")), .missing("--checkpoint-every", .text("D")), .missing("--webhook-secret-env", .text("NAME")),
            .missing("--webhook-allow-private"),
        ]
    ) { (given) throws(UsageError) in
        let options = try given.configured()
        if options.stateDirectory != nil { throw .notInThisVersion("\(options.configuration ?? ""): state") }
        let log = Log(options)
        let files = try RuleFiles.read(options.operands, for: "run")
        guard let rules = RuleFiles.load(files, log: log) else { return ExitStatus.found }
        let stopDescriptor = StopSignals.listen()
        do throws(RunFailure) {
            let ends = try RunEnds(options, rules, log: log)
            return try ends.run(rules, options, selector: PollSelector(stopDescriptor: stopDescriptor), log: log)
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

    /// A file that cannot be opened is wrong usage; a full disk is not the user's word.
    init(_ flag: String, _ error: FileError) {
        self = error.reason == FileError.reason(ENOSPC) ? .failed(error.message) : .usage(UsageError("\(flag) \(error.message)"))
    }
}

/// What a run reads from and writes to.
struct RunEnds {
    var inputs: [Input] = []
    var alerts: [FileSink] = []
    var late: FileSink?
    var rejects: FileSink?

    /// Opens everything before anything is overwritten: a name that is wrong leaves all files as they are.
    init(_ options: Options, _ rules: RuleSet, log: Log) throws(RunFailure) {
        var identities: [FileIdentity: String] = [:]
        let specs = options.inputs.isEmpty ? [.standardInput] : options.inputs
        var streams: [StreamDefinition] = []
        do throws(UsageError) {
            for spec in specs { streams.append(try RunEnds.stream(of: spec, rules, options)) }
        } catch {
            throw .usage(error)
        }
        for (spec, stream) in zip(specs, streams) {
            let (source, identity) = try RunEnds.opened(spec, options, log: log)
            if let identity {
                if let other = identities[identity] {
                    throw .usage(UsageError("\(options.origin(of: "--input")) \(spec.spec) is the same file as \(other)", hint: "each input is read once"))
                }
                identities[identity] = "\(options.origin(of: "--input")) \(spec.spec)"
            }
            inputs.append(Input(source: source, stream: stream))
        }
        for case let name? in rules.checked.streams.map(\.name) where !specs.contains(where: { $0.stream == name }) {
            log.write(.warning, "no input is read as `stream \(name)`; give it one: --input \(name)=FILE", [("stream", NumberText.quoted(name))])
        }
        for spec in options.alerts.isEmpty ? ["-"] : options.alerts {
            alerts.append(
                spec == "-" ? .borrowing(STDOUT_FILENO, name: "standard output") : try RunEnds.opened(spec, options.origin(of: "--alerts"), &identities))
        }
        if let spec = options.late { late = try RunEnds.opened(spec, options.origin(of: "--late"), &identities) }
        if let spec = options.rejects { rejects = try RunEnds.opened(spec, options.origin(of: "--rejects"), &identities) }
        for sink in alerts + [late, rejects].compactMap(\.self) where sink.name != "standard output" {
            do throws(FileError) { try sink.clear() } catch { throw .failed(error.message) }
        }
    }

    /// How an input is read.
    private static func stream(of input: InputSpec, _ rules: RuleSet, _ options: Options) throws(UsageError) -> StreamDefinition {
        guard let name = input.stream else { return rules.stream }
        if let stream = rules.stream(named: name) { return stream }
        let names = rules.checked.streams.compactMap(\.name)
        throw UsageError(
            "\(options.origin(of: "--input")) \(name)=\(input.spec): the rules have no `stream \(name)`",
            hint: CommandLineParser.nearest(name, among: names)
                ?? (names.isEmpty
                    ? "they declare no stream with a name" + (options.isGiven("--input") ? "; if that is a file, write --input ./\(name)=\(input.spec)" : "")
                    : "they have \(names.map { "`\($0)`" }.joined(separator: ", "))"))
    }

    private static func opened(
        _ input: InputSpec, _ options: Options, log: Log
    ) throws(RunFailure) -> (source: any Source, identity: FileIdentity?) {
        let origin = options.origin(of: "--input")
        let follows = options.follows(input)
        let path = try expanded(input.spec, of: origin)
        if follows && input.isStandardInput {
            throw .usage(UsageError("--follow is for files; standard input is read until it ends anyway", hint: "name a file: --input FILE"))
        }
        do throws(FileError) {
            if follows {
                let source = try FollowedFile(path, name: input.spec) { log.write(.warning, $0) }
                return (source, source.identity)
            }
            let source =
                input.isStandardInput
                ? try FileDescriptorSource.borrowing(STDIN_FILENO, name: "-")
                : try FileDescriptorSource.opening(path, name: input.spec)
            return (source.decompressed(path: path), source.identity)
        } catch {
            throw RunFailure(origin, error)
        }
    }

    private static func expanded(_ spec: String, of flag: String) throws(RunFailure) -> String {
        do throws(UsageError) { return try Environment.expanded(spec, of: flag) } catch { throw .usage(error) }
    }

    /// Opens a file for writing that is not already read or written by this run.
    private static func opened(_ spec: String, _ flag: String, _ identities: inout [FileIdentity: String]) throws(RunFailure) -> FileSink {
        guard spec != "-" else { throw .usage(UsageError("\(flag) needs the name of a file: standard output is for alerts")) }
        let path = try expanded(spec, of: flag)
        let sink: FileSink
        do throws(FileError) {
            sink = try FileSink.opening(path, name: spec)
        } catch {
            throw RunFailure(flag, error)
        }
        if let identity = sink.identity {
            if let other = identities[identity] {
                throw .usage(UsageError("\(flag) \(spec) is the same file as \(other)", hint: "it would be overwritten; name another"))
            }
            identities[identity] = "\(flag) \(spec)"
        }
        return sink
    }

    func run(_ rules: RuleSet, _ options: Options, selector: PollSelector, log: Log) throws(RunFailure) -> Int32 {
        let report = RunReport(log: log)
        report.begin(rules.checked)
        let pipeline = Pipeline(
            program: rules.program, inputs: inputs, alerts: alerts, late: late, rejects: rejects, selector: selector,
            clock: SystemClock(), options: PipelineOptions(
                drains: options.drains, reorderBytesMax: options.reorderMemoryBytes ?? RunBounds.reorderMemoryDefault,
                workers: options.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
                seed: UInt64.random(in: .min ... .max)))
        do throws(RunError) {
            let summary = try pipeline.run(stop: StopSignals.flag) { report.progress($0) }
            try close()
            report.end(summary)
        } catch {
            log.clearProgress()
            if case .brokenPipe = error { return ExitStatus.done }
            // What was read before has been worked, and people want to know how far it came.
            if case .source = error { report.end(pipeline.summary, hasFailed: true) }
            throw .failed(error.message)
        }
        return StopSignals.received.map(ExitStatus.signal) ?? ExitStatus.done
    }

    private func close() throws(RunError) {
        for sink in alerts + [late, rejects].compactMap(\.self) {
            do throws(SinkError) {
                try sink.close()
            } catch {
                switch error {
                case .brokenPipe: throw .brokenPipe
                case .failed(let message): throw .sink(message)
                }
            }
        }
    }
}
