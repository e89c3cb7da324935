/// One flag: its name, what it means, and how its value is read. Parsing, help, completions and the documentation all come from here.
struct Flag: Sendable {
    enum Value: Sendable {
        /// A switch.
        case none
        /// Anything; the name stands in the help.
        case text(String)
        /// A file or `-`; shells complete paths.
        case path(String)
        case choice(String, [String])
    }

    /// With its dashes.
    var name: String
    var value: Value
    /// What holds where the flag is left out, as people read it; nil: nothing.
    var defaultText: String?
    var isRepeatable = false
    /// Sentences.
    var help: String
    /// A later version has it: it is known, kept out of the help, and an error to use.
    var isMissing = false
    /// Puts the value, empty for a switch, into the options.
    var parse: @Sendable (inout Options, String) throws(UsageError) -> Void

    var valueName: String? {
        switch value {
        case .none: nil
        case .text(let name), .path(let name), .choice(let name, _): name
        }
    }

    /// `--alerts SPEC`
    var usage: String { valueName.map { name + " " + $0 } ?? name }

    var choices: [String] {
        if case .choice(_, let choices) = value { return choices }
        return []
    }

    /// A flag of the contract that this version refuses by name.
    static func missing(_ name: String, _ value: Value = .none) -> Flag {
        Flag(name: name, value: value, help: "", isMissing: true) { (_, _) throws(UsageError) in throw .notInThisVersion(name) }
    }
}

extension Flag {
    static let help = Flag(name: "--help", value: .none, help: "Show this help.") { (options, _) throws(UsageError) in
        options.wantsHelp = true
    }

    // MARK: - run

    static let input = Flag(
        name: "--input", value: .path("SPEC"), defaultText: "-", isRepeatable: true,
        help: "Where events come from: `-` is standard input, anything else a file or named pipe; gzip and zstd are read through. `NAME=SPEC` reads it as `stream NAME { … }` of the rules says. Several inputs are merged by time."
    ) { (options, value) throws(UsageError) in
        let input = inputSpec(value)
        try check(input.spec, of: "--input")
        guard !options.inputs.contains(where: { $0.spec == input.spec }) else {
            throw UsageError("--input \(input.spec) is given twice", hint: "each input is read once")
        }
        options.inputs.append(input)
    }

    static let follow = Flag(
        name: "--follow", value: .none,
        help: "Go on reading every input file as it grows, through rotation, until a signal comes. A file that is not there yet is waited for."
    ) { (options, _) throws(UsageError) in options.follows = true }

    static let alerts = Flag(
        name: "--alerts", value: .path("SPEC"), defaultText: "-", isRepeatable: true,
        help: "Where alerts go: `-` is standard output, `https://…` a webhook, anything else a file. Without --state a file is written anew, and a webhook gets what can be delivered while the run lasts; with it, nothing is lost. `${NAME}` stands for an environment variable, so that an address need not be on the command line."
    ) { (options, value) throws(UsageError) in
        if !isWebhook(value) { try check(value, of: "--alerts") }
        guard !options.alerts.contains(value) else { throw UsageError("--alerts \(Environment.shown(value)) is given twice", hint: "name each place once") }
        options.alerts.append(value)
    }

    static let outbox = Flag(
        name: "--outbox", value: .text("N"), defaultText: "\(RunBounds.outboxRowsDefault)",
        help: "Most alerts that wait for webhooks. At the bound the run waits; none is dropped."
    ) { (options, value) throws(UsageError) in
        guard let count = Int(value), RunBounds.outboxRows.contains(count) else {
            throw UsageError("--outbox needs a whole number from \(RunBounds.outboxRows.lowerBound) to \(RunBounds.outboxRows.upperBound), not \(value)")
        }
        options.outboxRows = count
    }

    static let late = Flag(
        name: "--late", value: .path("PATH"), defaultText: "counted only",
        help: "Where late events go, as JSON lines with the line number and the watermark that they missed."
    ) { (options, value) throws(UsageError) in
        try check(value, of: "--late")
        options.late = value
    }

    static let rejects = Flag(
        name: "--rejects", value: .path("PATH"), defaultText: "counted only",
        help: "Where lines go that are no events, as JSON lines with the reason and the line number."
    ) { (options, value) throws(UsageError) in
        try check(value, of: "--rejects")
        options.rejects = value
    }

    static let drain = Flag(
        name: "--drain", value: .none, defaultText: "on without --state, off with it",
        help: "At the end of the input let time run out: absences and timeouts that are still due are reported. A signal never drains."
    ) { (options, _) throws(UsageError) in options.drains = true }

    // MARK: - run: state

    static let state = Flag(
        name: "--state", value: .path("DIR"), defaultText: "none: state in memory",
        help: "Keep state and progress in this folder, and go on from what is there. The folder is made where it is missing."
    ) { (options, value) throws(UsageError) in
        guard !value.isEmpty else { throw UsageError("--state needs the name of a folder") }
        options.stateDirectory = value
    }

    static let fromSavepoint = Flag(
        name: "--from-savepoint", value: .path("DIR"),
        help: "Begin from a savepoint. --state then names a folder that is new or empty; the savepoint itself stays as it is."
    ) { (options, value) throws(UsageError) in
        guard !value.isEmpty else { throw UsageError("--from-savepoint needs the name of a folder") }
        options.fromSavepoint = value
    }

    static let checkpointEvery = Flag(
        name: "--checkpoint-every", value: .text("D"), defaultText: "10s",
        help: "How often progress is made durable, such as 10s or 500ms. More often costs more, less often means more to do again after a crash."
    ) { (options, value) throws(UsageError) in
        guard let duration = DurationArgument.parse(value), duration >= checkpointEveryMin else {
            throw UsageError("--checkpoint-every needs \(DurationArgument.expected), at least 10ms, not \(value)")
        }
        options.checkpointEvery = duration
    }

    static let checkpointEveryMin: Int64 = 10_000

    static let memory = Flag(
        name: "--memory", value: .text("SIZE"), defaultText: "no bound",
        help: "Most memory for the state of keys, such as 512M, at least 16M. Keys that have been quiet longest stay in the state folder until they are needed; needs --state."
    ) { (options, value) throws(UsageError) in
        guard let bytes = ByteCount.parse(value), bytes >= memoryMin else {
            throw UsageError("--memory needs \(ByteCount.expected), at least 16M, not \(value)")
        }
        options.memoryBytes = bytes
    }

    static let memoryMin = 16 << 20

    static let journal = Flag(
        name: "--journal", value: .none,
        help: "Make every line that comes through a pipe durable before it is matched. Without it, lines of a pipe outlive a kill of this process, and not a power cut; needs --state."
    ) { (options, _) throws(UsageError) in options.journals = true }

    static let onRuleChange = Flag(
        name: "--on-rule-change", value: .choice("WHAT", ["keep", "fail"]), defaultText: "keep",
        help: "What happens where rules have changed since the state was made: `keep` lets the changed ones begin afresh, says so, and keeps the state of all others; `fail` ends with status 3 before anything is read."
    ) { (options, value) throws(UsageError) in
        guard ["keep", "fail"].contains(value) else { throw UsageError("--on-rule-change is one of keep, fail, not \(value)") }
        options.failsOnRuleChange = value == "fail"
    }

    static let workersMax = 256
    static let workers = Flag(
        name: "--workers", value: .text("N"), defaultText: "cores",
        help: "Threads that match, 1 to \(workersMax). The alerts are the same for any number."
    ) { (options, value) throws(UsageError) in
        guard let count = Int(value), (1...workersMax).contains(count) else {
            throw UsageError("--workers needs a whole number from 1 to \(workersMax), not \(value)")
        }
        options.workers = count
    }

    static let quiet = Flag(
        name: "--quiet", value: .none, help: "Say nothing on standard error but errors: no progress, no summary, no warnings."
    ) { (options, _) throws(UsageError) in options.isQuiet = true }

    static let logFormat = Flag(
        name: "--log-format", value: .choice("FORMAT", LogFormat.allCases.map(\.rawValue)), defaultText: "text",
        help: "How standard error is written: lines for people, or JSON lines for machines."
    ) { (options, value) throws(UsageError) in options.logFormat = try choice(value, of: "--log-format") }

    static let logLevel = Flag(
        name: "--log-level", value: .choice("LEVEL", LogLevel.allCases.map(\.rawValue)), defaultText: "info",
        help: "The least that is worth a line on standard error. The summary is `info`."
    ) { (options, value) throws(UsageError) in options.logLevel = try choice(value, of: "--log-level") }

    // MARK: - state

    static let key = Flag(
        name: "--key", value: .text("K"),
        help: "Show the state of the keys with this value: `c1`, or `card=c1` with the name of one part."
    ) { (options, value) throws(UsageError) in options.key = value }

    static let stateFormat = Flag(
        name: "--format", value: .choice("FORMAT", LogFormat.allCases.map(\.rawValue)), defaultText: "text",
        help: "How it is shown: lines for people, or a JSON object for machines."
    ) { (options, value) throws(UsageError) in options.diagnosticFormat = try choice(value, of: "--format") }

    // MARK: - check, test, help

    static let format = Flag(
        name: "--format", value: .choice("FORMAT", LogFormat.allCases.map(\.rawValue)), defaultText: "text",
        help: "How mistakes are told: text with the place underlined, or a JSON object a line for editors."
    ) { (options, value) throws(UsageError) in options.diagnosticFormat = try choice(value, of: "--format") }

    static let update = Flag(
        name: "--update", value: .none, help: "Write every `alerts.ndjson` anew with the alerts that came. Look at the difference before you keep it."
    ) { (options, _) throws(UsageError) in options.updates = true }

    static let check = Flag(
        name: "--check", value: .none, help: "Only list the files that would change, on standard output."
    ) { (options, _) throws(UsageError) in options.checksLayout = true }

    static let difference = Flag(
        name: "--diff", value: .none, help: "Only show what would change, as `diff -u` does, on standard output."
    ) { (options, _) throws(UsageError) in options.showsDifference = true }

    static let markdown = Flag(name: "--markdown", value: .none, help: "The help of all commands as a page of Markdown.") {
        (options, _) throws(UsageError) in options.isMarkdown = true
    }

    // MARK: - Values

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ value: String, of flag: String
    ) throws(UsageError) -> Choice where Choice.RawValue == String {
        if let choice = Choice(rawValue: value) { return choice }
        throw UsageError("\(flag) is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")), not \(value)")
    }

    /// Refuses what later versions will understand, so that it is never taken for the name of a file.
    private static func check(_ value: String, of flag: String) throws(UsageError) {
        guard !value.isEmpty else { throw UsageError("\(flag) needs a name") }
        if let scheme = scheme(of: value) { throw .notInThisVersion("\(flag) \(scheme)…") }
    }

    /// Whether alerts go there by HTTP.
    static func isWebhook(_ spec: String) -> Bool {
        ["https://", "http://"].contains { spec.lowercased().hasPrefix($0) }
    }

    /// What stands before the first `=` is a name if it looks like one; a path with such a start is written `./NAME=…`.
    private static func inputSpec(_ value: String) -> InputSpec {
        guard let equals = value.utf8.firstIndex(of: UInt8(ascii: "=")), isName(value.utf8[..<equals]) else {
            return InputSpec(stream: nil, spec: value)
        }
        return InputSpec(stream: String(value[..<equals]), spec: String(value[value.utf8.index(after: equals)...]))
    }

    /// `https://` of `https://host/path`; never more, since what follows may be secret.
    static func scheme(of value: String) -> String? {
        guard let colon = value.utf8.firstIndex(of: UInt8(ascii: ":")), value.utf8[colon...].starts(with: Array("://".utf8)) else { return nil }
        let name = value.utf8[..<colon]
        return isName(name) ? String(value[..<colon]) + "://" : nil
    }

    /// Most characters of a name.
    static let nameCountMax = 128

    static func isName(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
