extension Options {
    /// With what `--config FILE` says, where it is given. What a flag says wins, each for itself; `--input` and `--alerts` replace all
    /// that the file has of them.
    func configured() throws(UsageError) -> Options {
        guard let configuration else { return self }
        var options = self
        options.take(try Configuration.read(configuration))
        return options
    }

    mutating func take(_ configuration: Configuration) {
        let root = configuration.root
        if operands.isEmpty, let rules = root.list("rules") {
            operands = rules.compactMap { rule in
                if case .text(let text) = rule.content { return text.value }
                return nil
            }
        }
        if !isGiven("--input"), let sections = root.sections("inputs") {
            inputs = sections.map { _, section in
                InputSpec(
                    stream: section.text("name")?.value, spec: section.text("path")?.written ?? "-",
                    follows: section.boolean("follow") ?? false, journals: section.boolean("journal") ?? false, origin: "\(configuration.path): inputs:")
            }
            if inputs.contains(where: \.journals) { origins["--journal"] = "\(configuration.path): journal" }
        }
        if !isGiven("--alerts"), let sections = root.sections("alerts") {
            alerts = sections.compactMap { $0.section.text("path")?.written }
            webhookSpecs = configuration.webhooks.map(\.spec)
            origins["--alerts"] = "\(configuration.path): alerts:"
        }
        if !isGiven("--late"), let path = root.section("late")?.text("path") {
            late = path.written
            origins["--late"] = "\(configuration.path): late:"
        }
        if !isGiven("--rejects"), let path = root.section("rejects")?.text("path") {
            rejects = path.written
            origins["--rejects"] = "\(configuration.path): rejects:"
        }
        takeState(root.section("state"), path: configuration.path)
        if !isGiven("--drain"), let drain = root.boolean("drain") { drains = drain }
        let limits = root.section("limits")
        if !isGiven("--workers"), let count = limits?.count("workers") { workers = count }
        if !isGiven("--memory"), let bytes = limits?.size("memory") {
            memoryBytes = bytes
            origins["--memory"] = "\(configuration.path): limits.memory"
        }
        if !isGiven("--outbox"), let count = limits?.count("outbox") { outboxRows = count }
        if let bytes = limits?.size("reorder_memory") { reorderMemoryBytes = bytes }
        takeLog(root.section("log"))
    }

    private mutating func takeState(_ state: ConfigurationSection?, path: String) {
        guard let state else { return }
        if !isGiven("--state"), let directory = state.text("directory") {
            stateDirectory = directory.value
            origins["--state"] = "\(path): state:"
        }
        if !isGiven("--checkpoint-every"), let period = state.duration("checkpoint_every") { checkpointEvery = period }
        if !isGiven("--on-rule-change"), let change = state.text("on_rule_change") { failsOnRuleChange = change.value == "fail" }
    }

    private mutating func takeLog(_ log: ConfigurationSection?) {
        guard let log else { return }
        if !isGiven("--log-format"), let format = log.text("format").flatMap({ LogFormat(rawValue: $0.value) }) { logFormat = format }
        if !isGiven("--log-level"), let level = log.text("level").flatMap({ LogLevel(rawValue: $0.value) }) { logLevel = level }
        if !isGiven("--quiet"), let quiet = log.boolean("quiet") { isQuiet = quiet }
    }

    func isGiven(_ flag: String) -> Bool { given.contains(flag) }

    /// How messages name what a flag says: the flag, or the place in the configuration file where it was said.
    func origin(of flag: String) -> String { origins[flag] ?? flag }

    /// Whether an input is read on as it grows: by `--follow`, or by its own word in the configuration file.
    func follows(_ input: InputSpec) -> Bool { follows || input.follows }

    /// Whether what comes from an input is kept until it is no longer needed: by `--journal`, or by its own word.
    func journals(_ input: InputSpec) -> Bool { journals || input.journals }
}
