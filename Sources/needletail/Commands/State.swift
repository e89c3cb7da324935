internal import Events
internal import Glibc
internal import Replay
internal import StateStores
internal import Streaming

extension Command {
    static let state = Command(
        name: "state", operands: "DIR", summary: "what a state folder or a savepoint holds",
        details: [
            "Shows the last checkpoint: its age, where each input and output stood, and of each rule how many keys have state and how many matches they have begun. Nothing is changed, and a run that goes on is not disturbed.",
            "With --key it shows the state of one key.",
        ],
        example: "needletail state state/\nneedletail state state/ --key card=c1",
        flags: [.key, .stateFormat]
    ) { (options) throws(UsageError) in
        guard options.operands.count == 1 else {
            throw UsageError("`needletail state` needs one folder", hint: "for example: needletail state state/")
        }
        let path = options.operands[0]
        guard access(path, F_OK) == 0 else { throw UsageError("there is no folder \(path)") }
        do throws(StoreError) {
            let store = try StateFolder.reading(path)
            var description = try CheckpointDescription(of: store)
            var found: [CheckpointDescription.Key] = []
            try description.readKeys(of: store) { key, values in
                if let wanted = options.key, StateReport.matches(wanted, key, values) { found.append(key) }
            }
            let report = StateReport(path: path, description: description, owner: StateFolder.owner(of: path))
            let keys = options.key == nil ? nil : found
            Needletail.print(options.diagnosticFormat == .json ? report.json(keys: keys) : report.text(keys: keys))
            return options.key != nil && found.isEmpty ? ExitStatus.found : ExitStatus.done
        } catch {
            Log(options).error(error.message)
            return ExitStatus.failed
        }
    }
}

/// What `needletail state` says.
private struct StateReport {
    let path: String
    let description: CheckpointDescription
    let owner: Int32?

    /// Whether a key is meant by `c1`, `card=c1`, or its JSON.
    static func matches(_ wanted: String, _ key: CheckpointDescription.Key, _ values: [String]) -> Bool {
        if values.contains(wanted) || key.key == wanted { return true }
        guard let equals = wanted.firstIndex(of: "=") else { return false }
        let name = NumberText.quoted(String(wanted[..<equals]))
        let value = String(wanted[wanted.index(after: equals)...])
        return [value, NumberText.quoted(value)].contains { text in
            key.key.contains("{\(name):\(text),") || key.key.contains("{\(name):\(text)}") || key.key.contains(",\(name):\(text),")
                || key.key.contains(",\(name):\(text)}")
        }
    }

    private var age: Int64 { max(0, WallClock.now() - description.madeAt) }

    func text(keys: [CheckpointDescription.Key]?) -> String {
        if let keys { return keys.isEmpty ? "no such key has state\n" : keys.map(text).joined() }
        var lines = [
            "\(path): checkpoint \(description.number) of \(NumberText.time(description.madeAt)), \(DurationArgument.text(age / 1_000_000 * 1_000_000)) ago"
                + (owner.map { "; process \($0) goes on with it" } ?? ""),
            "  time       \(description.time.map(NumberText.time) ?? "before the first event")",
            "  alerts     \(NumberText.grouped(description.alerts))",
            "  keys       \(NumberText.grouped(description.keys)), \(NumberText.grouped(description.bytes)) bytes",
        ]
        for input in description.inputs {
            let watermark = input.watermark.map { ", watermark \(NumberText.time($0))" } ?? ""
            lines.append(
                "  input      \(input.stream.isEmpty ? "" : input.stream + "=")\(input.name): \(NumberText.counted(input.linesRead, "line")) read, "
                    + "goes on at line \(input.line), byte \(input.position)\(watermark)\(input.hasEnded ? ", at its end" : "")")
        }
        for output in description.outputs { lines.append("  output     \(output.name): \(NumberText.grouped(UInt64(output.length))) bytes") }
        for rule in description.rules {
            lines.append("  rule       \(rule.name): \(NumberText.counted(rule.keys, "key")), \(NumberText.grouped(rule.threads)) open")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func text(_ key: CheckpointDescription.Key) -> String {
        var text = "\(key.key): \(NumberText.grouped(UInt64(key.bytes))) bytes"
        if let time = key.expiresAt { text += ", until \(NumberText.time(time))" }
        text += "\n"
        for (rule, count) in key.threads { text += "  \(rule): \(count) open\n" }
        return text
    }

    func json(keys: [CheckpointDescription.Key]?) -> String {
        func object(_ members: [(String, String)]) -> String {
            "{" + members.map { NumberText.quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
        }
        func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
        func time(_ time: Int64?) -> String { time.map { NumberText.quoted(NumberText.time($0)) } ?? "null" }
        var members = [
            ("state", NumberText.quoted(path)), ("checkpoint", "\(description.number)"), ("made_at", time(description.madeAt)),
            ("age_seconds", "\(age / 1_000_000)"), ("process", owner.map { "\($0)" } ?? "null"), ("time", time(description.time)),
            ("alerts", "\(description.alerts)"), ("keys", "\(description.keys)"), ("bytes", "\(description.bytes)"),
            (
                "inputs",
                list(
                    description.inputs.map { input in
                        object([
                            ("input", NumberText.quoted(input.name)), ("stream", input.stream.isEmpty ? "null" : NumberText.quoted(input.stream)),
                            ("lines_read", "\(input.linesRead)"), ("line", "\(input.line)"), ("byte", "\(input.position)"),
                            ("watermark", time(input.watermark)), ("ended", "\(input.hasEnded)"),
                        ])
                    })
            ),
            ("outputs", list(description.outputs.map { object([("output", NumberText.quoted($0.name)), ("bytes", "\($0.length)")]) })),
            (
                "rules",
                list(
                    description.rules.map {
                        object([("rule", NumberText.quoted($0.name)), ("keys", "\($0.keys)"), ("open", "\($0.threads)")])
                    })
            ),
        ]
        if let keys {
            members.append(
                (
                    "found",
                    list(
                        keys.map { key in
                            object([
                                ("key", key.key), ("bytes", "\(key.bytes)"), ("expires_at", time(key.expiresAt)),
                                ("open", object(key.threads.map { ($0.rule, "\($0.count)") })),
                            ])
                        })
                ))
        }
        return object(members) + "\n"
    }
}
