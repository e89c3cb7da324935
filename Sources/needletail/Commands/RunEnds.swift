internal import Connectors
internal import Diagnostics
internal import Glibc
internal import Replay
internal import RuleCompiler
internal import RuleLanguage
internal import StateStores
internal import Streaming

/// What a run reads from and writes to.
struct RunEnds {
    var inputs: [Input] = []
    /// By the place among the inputs: those that cannot be read again, such as pipes.
    private var passing: Set<Int> = []
    private(set) var journaled: [Int: JournaledSource] = [:]
    var alerts: [FileSink] = []
    private(set) var webhooks: [ConfiguredWebhook] = []
    var late: FileSink?
    var rejects: FileSink?

    /// Opens everything before anything is overwritten: a name that is wrong leaves all files as they are.
    init(_ options: Options, _ rules: RuleSet, log: Log) throws(RunFailure) {
        var identities: [FileIdentity: String] = [:]
        let specs = options.inputs.isEmpty ? [.standardInput] : options.inputs
        for (spec, stream) in zip(specs, try RunEnds.streams(of: specs, rules)) {
            let (source, identity, canGoBack) = try RunEnds.opened(spec, follows: options.follows(spec), log: log)
            if !canGoBack { passing.insert(inputs.count) }
            if let identity {
                if let other = identities[identity] {
                    throw .usage(UsageError("\(spec.origin) \(spec.spec) is the same file as \(other)", hint: "each input is read once"))
                }
                identities[identity] = "\(spec.origin) \(spec.spec)"
            }
            inputs.append(Input(source: source, stream: stream))
        }
        for case let name? in rules.checked.streams.map(\.name) where !specs.contains(where: { $0.stream == name }) {
            log.write(.warning, "no input is read as `stream \(name)`; give it one: --input \(name)=FILE", [("stream", NumberText.quoted(name))])
        }
        do throws(UsageError) { webhooks = try options.webhooks() } catch { throw .usage(error) }
        for spec in options.alerts.isEmpty && webhooks.isEmpty ? ["-"] : options.alerts {
            // The address may stand in the variable as a whole.
            let address = try RunEnds.expanded(spec, of: options.origin(of: "--alerts"))
            if Flag.isWebhook(address) { continue }
            alerts.append(
                spec == "-" ? .borrowing(STDOUT_FILENO, name: "standard output") : try RunEnds.opened(spec, options.origin(of: "--alerts"), &identities))
        }
        if let spec = options.late { late = try RunEnds.opened(spec, options.origin(of: "--late"), &identities) }
        if let spec = options.rejects { rejects = try RunEnds.opened(spec, options.origin(of: "--rejects"), &identities) }
    }

    /// Files of alerts, late events and rejects are written anew, where no state says how far they are to be kept.
    func clear() throws(RunFailure) {
        for sink in alerts + [late, rejects].compactMap(\.self) where sink.name != "standard output" {
            do throws(FileError) { try sink.clear() } catch { throw .failed(error.message) }
        }
    }

    private static func streams(of specs: [InputSpec], _ rules: RuleSet) throws(RunFailure) -> [StreamDefinition] {
        var streams: [StreamDefinition] = []
        do throws(UsageError) {
            for spec in specs { streams.append(try stream(of: spec, rules)) }
        } catch {
            throw .usage(error)
        }
        return streams
    }

    /// What comes through pipes is kept in the state folder, since it cannot be read again.
    mutating func journal(in state: StateFolder, _ options: Options) throws(RunFailure) {
        let specs = options.inputs.isEmpty ? [.standardInput] : options.inputs
        do throws(StoreError) { try state.makeJournals() } catch { throw .failed(error.message) }
        for index in passing.sorted() {
            do throws(SourceError) {
                let source = try JournaledSource(
                    inputs[index].source, folder: state.journalPath(index), isFresh: state.store.committed == nil,
                    isSynchronized: options.journals(specs[index]))
                inputs[index].source = source
                journaled[index] = source
            } catch {
                throw .failed(error.message)
            }
        }
    }

    /// Opens the inputs again for a run that goes on with other rules. What came through a pipe is in its journal.
    mutating func reopenInputs(_ options: Options, _ rules: RuleSet, log: Log) throws(RunFailure) {
        let specs = options.inputs.isEmpty ? [.standardInput] : options.inputs
        for (index, stream) in try RunEnds.streams(of: specs, rules).enumerated() {
            let source: any Source =
                if let journaled = journaled[index] { journaled } else {
                    try RunEnds.opened(specs[index], follows: options.follows(specs[index]), log: log).source
                }
            inputs[index] = Input(source: source, stream: stream)
        }
    }

    /// How an input is read.
    private static func stream(of input: InputSpec, _ rules: RuleSet) throws(UsageError) -> StreamDefinition {
        guard let name = input.stream else { return rules.stream }
        if let stream = rules.stream(named: name) { return stream }
        let names = rules.checked.streams.compactMap(\.name)
        throw UsageError(
            "\(input.origin) \(name)=\(input.spec): the rules have no `stream \(name)`",
            hint: CommandLineParser.nearest(name, among: names)
                ?? (names.isEmpty
                    ? "they declare no stream with a name" + (input.origin == "--input" ? "; if that is a file, write --input ./\(name)=\(input.spec)" : "")
                    : "they have \(names.map { "`\($0)`" }.joined(separator: ", "))"))
    }

    private static func opened(
        _ input: InputSpec, follows: Bool, log: Log
    ) throws(RunFailure) -> (source: any Source, identity: FileIdentity?, canGoBack: Bool) {
        let path = try expanded(input.spec, of: input.origin)
        if follows && input.isStandardInput {
            throw .usage(UsageError("--follow is for files; standard input is read until it ends anyway", hint: "name a file: --input FILE"))
        }
        do throws(FileError) {
            if follows {
                let source = try FollowedFile(path, name: input.spec) { log.write(.warning, $0) }
                return (source, source.identity, true)
            }
            let source =
                input.isStandardInput
                ? try FileDescriptorSource.borrowing(STDIN_FILENO, name: "-")
                : try FileDescriptorSource.opening(path, name: input.spec)
            return (source.decompressed(path: path), source.identity, source.canGoBack)
        } catch {
            throw RunFailure(input.origin, error)
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

    func close() throws(RunError) {
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
