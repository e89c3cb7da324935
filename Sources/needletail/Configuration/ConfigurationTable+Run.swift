/// The bounds of what a run may be told, for flags and the configuration file alike.
enum RunBounds {
    /// Memory for state, bytes.
    static let memory = Flag.memoryMin...(64 << 40)
    /// Memory of events that wait for the watermark, bytes.
    static let reorderMemory = (1 << 20)...(64 << 40)
    static let reorderMemoryDefault = 1 << 30
    /// Microseconds.
    static let checkpointEvery: ClosedRange<Int64> = Flag.checkpointEveryMin...86_400_000_000
    static let checkpointEveryDefault: Int64 = 10_000_000
    static let rulesMax = 1024
    static let inputsMax = 256
    static let alertsMax = 64
    static let outboxRows = 1...100_000_000
    static let outboxRowsDefault = 1_000_000
}

/// What `needletail.json` may say: the file's table of keys.
extension ConfigurationTable {
    static let run = ConfigurationTable(keys: [
        ConfigurationKey(
            name: "$schema", kind: .text, example: #""needletail.schema.json""#,
            help: "Where editors find the schema of this file. Needletail does not read it."),
        ConfigurationKey(
            name: "rules", kind: .list(of: .path(standard: nil), atMost: RunBounds.rulesMax), example: #"["rules/"]"#,
            help: "Rule files, and folders that are searched for *.rule files. RULES on the command line replace them."),
        ConfigurationKey(
            name: "inputs", kind: .list(of: .section(input), atMost: RunBounds.inputsMax),
            fallback: .list([.standard([("path", .path("-"))])]), example: #"[{"path": "events.ndjson"}]"#,
            help: "Where events come from; several inputs are merged by time. The flag `--input` replaces all of them."),
        ConfigurationKey(
            name: "alerts", kind: .list(of: .section(alerts), atMost: RunBounds.alertsMax),
            fallback: .list([.standard([("path", .path("-"))])]), example: #"[{"path": "alerts.ndjson"}]"#,
            help: "Where alerts go: files, and webhooks, which may ask for some of them. The flag `--alerts` replaces all of them."),
        ConfigurationKey(
            name: "late", kind: .section(file), defaultText: "counted only", example: #"{"path": "late.ndjson"}"#,
            help: "Where late events go, as JSON lines with the line number and the watermark that they missed."),
        ConfigurationKey(
            name: "rejects", kind: .section(file), defaultText: "counted only", example: #"{"path": "rejects.ndjson"}"#,
            help: "Where lines go that are no events, as JSON lines with the reason and the line number."),
        ConfigurationKey(
            name: "state", kind: .section(state), defaultText: "state is in memory", example: #"{"directory": "state"}"#,
            help: "Where state and progress are kept, so that a run goes on where the one before it ended."),
        ConfigurationKey(
            name: "drain", kind: .boolean, defaultText: "true without `state`, false with it", example: "true",
            help: "At the end of the input let time run out: absences and timeouts that are still due are reported."),
        ConfigurationKey(
            name: "limits", kind: .section(limits), example: #"{"workers": 2, "memory": "512M"}"#,
            help: "What a run may take of the machine."),
        ConfigurationKey(
            name: "log", kind: .section(log), example: #"{"format": "json"}"#, help: "What standard error shows."),
    ])

    private static let input = ConfigurationTable(
        keys: [
            ConfigurationKey(
                name: "name", kind: .name(of: "a stream"), defaultText: "the `stream` without a name", example: #""cards""#,
                help: "Which `stream NAME { … }` of the rules says how this input is read."),
            ConfigurationKey(
                name: "path", kind: .path(standard: "standard input"), example: #""events.ndjson""#,
                help: "`-` is standard input, anything else a file or named pipe; gzip and zstd are read through."),
            ConfigurationKey(
                name: "follow", kind: .boolean, fallback: .boolean(false), example: "true",
                help: "Go on reading the file as it grows, through rotation, until a signal comes."),
            ConfigurationKey(
                name: "journal", kind: .boolean, fallback: .boolean(false), example: "true",
                help: "Make every line that comes through this pipe durable before it is matched. Without it, lines of a pipe outlive a kill of the process, and not a power cut. Needs `state`."),
        ],
        requires: [["path"]])

    private static let file = ConfigurationTable(
        keys: [ConfigurationKey(name: "path", kind: .path(standard: nil), example: #""late.ndjson""#, help: "A file.")],
        requires: [["path"]])

    private static let state = ConfigurationTable(
        keys: [
            ConfigurationKey(
                name: "directory", kind: .path(standard: nil), example: #""state""#,
                help: "A folder; it is made where it is missing."),
            ConfigurationKey(
                name: "checkpoint_every", kind: .duration(RunBounds.checkpointEvery), fallback: .duration(RunBounds.checkpointEveryDefault),
                example: #""10s""#, help: "How often progress is made durable."),
            ConfigurationKey(
                name: "on_rule_change", kind: .choice(["keep", "fail"]), fallback: .text("keep"), example: #""keep""#,
                help: "What happens where rules have changed since the state was made: `keep` lets the changed ones begin afresh, says so, and keeps the state of all others; `fail` ends with status 3 before anything is read."),
        ],
        requires: [["directory"]])

    private static let limits = ConfigurationTable(keys: [
        ConfigurationKey(
            name: "workers", kind: .count(1...Flag.workersMax), defaultText: "as many as there are cores", example: "2",
            help: "Threads that match. The alerts are the same for any number."),
        ConfigurationKey(
            name: "memory", kind: .size(RunBounds.memory), defaultText: "no limit", example: #""512M""#,
            help: "Most memory for the state of keys. Keys that have been quiet longest stay in the state folder until they are needed. Needs `state`."),
        ConfigurationKey(
            name: "reorder_memory", kind: .size(RunBounds.reorderMemory), fallback: .size(RunBounds.reorderMemoryDefault), example: #""1G""#,
            help: "Most memory of events that wait for the watermark. What is beyond it waits in the state folder; without one the run ends."),
        ConfigurationKey(
            name: "outbox", kind: .count(RunBounds.outboxRows), fallback: .count(RunBounds.outboxRowsDefault), example: "1000000",
            help: "Most alerts that wait for webhooks. At the bound the run waits; none is dropped."),
    ])

    private static let log = ConfigurationTable(keys: [
        ConfigurationKey(
            name: "format", kind: .choice(LogFormat.allCases.map(\.rawValue)), fallback: .text(LogFormat.text.rawValue), example: #""json""#,
            help: "Lines for people, or JSON lines for machines."),
        ConfigurationKey(
            name: "level", kind: .choice(LogLevel.allCases.map(\.rawValue)), fallback: .text(LogLevel.info.rawValue), example: #""warning""#,
            help: "The least that is worth a line. The summary is `info`."),
        ConfigurationKey(
            name: "quiet", kind: .boolean, fallback: .boolean(false), example: "true", help: "Say nothing but errors."),
    ])
}
