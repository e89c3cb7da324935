/// Everything that flags can say, for all commands; each flag fills its own part.
struct Options {
    var inputs: [InputSpec] = []
    /// Go on reading files as they grow.
    var follows = false
    /// Specs as they were written: `-` or a path.
    var alerts: [String] = []
    var late: String?
    var rejects: String?
    /// Nil: without a state folder only.
    var drains: Bool?
    var stateDirectory: String?
    var fromSavepoint: String?
    /// Microseconds; nil: ten seconds.
    var checkpointEvery: Int64?
    /// Most memory of keyed state; nil: no bound.
    var memoryBytes: Int?
    var journals = false
    var failsOnRuleChange = false
    /// The environment variable with the secrets of webhooks.
    var webhookSecretEnv: String?
    var webhooksMayBePrivate = false
    /// Of the webhooks that flags name.
    var webhookShape: WebhookSpec.Shape?
    var webhookTemplate: String?
    var webhookCAFile: String?
    var webhookBatch: Int?
    /// Microseconds.
    var webhookLinger: Int64?
    /// Those of the configuration file.
    var webhookSpecs: [WebhookSpec] = []
    var outboxRows: Int?
    /// Threads that match; nil: as many as there are cores.
    var workers: Int?
    /// Most memory of events that wait for the watermark, bytes.
    var reorderMemoryBytes: Int?
    /// The configuration file.
    var configuration: String?
    /// The names of the flags that were given.
    var given: Set<String> = []
    /// How messages name what a flag says, where it was not the flag that said it.
    var origins: [String: String] = [:]
    var isQuiet = false
    var logFormat = LogFormat.text
    var logLevel = LogLevel.info
    /// Of `state`.
    var key: String?
    /// Of `deliveries`: a webhook's name, whether all of its dead letters are meant or itself, and how many are shown of each.
    var endpoint: String?
    var wantsAll = false
    var forgets = false
    var limit = 100
    /// Of `check`, `state` and `deliveries`.
    var diagnosticFormat = LogFormat.text
    /// Of `test`.
    var updates = false
    /// Of `fmt`.
    var checksLayout = false
    var showsDifference = false
    /// Of `config`.
    var wantsSchema = false
    /// Of `help`.
    var isMarkdown = false
    var wantsHelp = false
    /// What is no flag: files, folders, names of commands.
    var operands: [String] = []
}

/// `--input SPEC` or `--input NAME=SPEC`.
struct InputSpec: Equatable {
    /// Of the `stream` that says how it is read; nil: the one without a name.
    var stream: String?
    /// As it was written, without the name: `-` or a path.
    var spec: String
    /// Of this input alone, by the configuration file.
    var follows = false
    var journals = false
    /// How messages name what said it.
    var origin = "--input"

    static let standardInput = InputSpec(stream: nil, spec: "-")

    var isStandardInput: Bool { spec == "-" }
}

enum LogFormat: String, CaseIterable {
    case text, json
}

enum LogLevel: String, CaseIterable, Comparable {
    case error, warning, info, debug

    static func < (left: LogLevel, right: LogLevel) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}

/// Wrong usage: what is wrong, in one sentence without a full stop, and what to do instead. Exit status 2.
struct UsageError: Error {
    var message: String
    var hint: String?
    /// What else is wrong.
    var more: [UsageError] = []

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    static func notInThisVersion(_ what: String) -> UsageError {
        UsageError("\(what) is not in this version of Needletail")
    }
}
