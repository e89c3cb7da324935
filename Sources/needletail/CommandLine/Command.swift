/// One command: what it is called, what it takes, and what it does. Help, completions and documentation come from here.
struct Command: Sendable {
    var name: String
    /// `RULES…`
    var operands: String
    /// What stands in the list of commands; no full stop.
    var summary: String
    /// Sentences, one paragraph an element.
    var details: [String]
    /// What somebody would type, line by line.
    var example: String
    var flags: [Flag]
    /// Returns the exit status.
    var run: @Sendable (Options) throws(UsageError) -> Int32

    var usage: String {
        (["needletail", name] + (flags.contains { !$0.isMissing } ? ["[FLAGS]"] : []) + (operands.isEmpty ? [] : [operands]))
            .joined(separator: " ")
    }

    var visibleFlags: [Flag] { flags.filter { !$0.isMissing } + [.help] }
}

extension Command {
    static let all: [Command] = [.run, .check, .test, .format, .explain, .savepoint, .state, .deliveries, .webhook, .config, .help, .completions]

    /// What the contract has and a later version brings.
    static let missingNames = ["trace", "backtest"]

    static func named(_ name: String) throws(UsageError) -> Command {
        if let command = all.first(where: { $0.name == name }) { return command }
        if missingNames.contains(name) { throw .notInThisVersion("`needletail \(name)`") }
        throw UsageError("there is no command `\(name)`", hint: CommandLineParser.nearest(name, among: all.map(\.name) + missingNames))
    }
}

/// What the program says of itself.
enum Version {
    static let text = "0.1.0"
}

/// How a process ends; the contract of docs/COMMANDS.md.
enum ExitStatus {
    static let done: Int32 = 0
    /// The command found what it looks for: an error in a rule, a failed test.
    static let found: Int32 = 1
    /// Wrong usage, or a file that is not there.
    static let usage: Int32 = 2
    /// The run failed.
    static let failed: Int32 = 3

    /// After a signal.
    static func signal(_ number: Int32) -> Int32 { 128 + number }

    static let meanings: [(status: String, meaning: String)] = [
        ("0", "done; also where the reader of standard output has gone"),
        ("1", "the command found what it looks for: an error in a rule, a failed test"),
        ("2", "wrong usage, or a file that is not there"),
        ("3", "the run failed: an input that cannot be read further, a full disk"),
        ("130, 143", "stopped by SIGINT (Ctrl-C) or SIGTERM; what was read is finished first, a second signal ends at once"),
    ]
}
