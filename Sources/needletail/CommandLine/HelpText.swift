/// The help of a command, and of the whole program, for a terminal of 100 columns.
enum HelpText {
    static let columnsMax = 100

    static func overview() -> String {
        var text = "Needletail matches rules against streams of events: JSON lines in, alerts out.\n\nusage: needletail COMMAND …\n\n"
        let width = Command.all.map(\.name.count).max() ?? 0
        for command in Command.all { text += "  \(padded(command.name, to: width))  \(command.summary)\n" }
        text += "\n`needletail help COMMAND` says more, with an example. `needletail --version` says which version this is.\n"
        return text
    }

    static func help(_ command: Command) -> String {
        var text = "usage: \(command.usage)\n"
        for paragraph in command.details { text += "\n" + wrapped(paragraph, indent: 0) }
        text += "\nflags:\n"
        for flag in command.visibleFlags {
            let notes = notes(flag)
            let fits = 2 + flag.usage.count + notes.count <= columnsMax
            text += "  \(flag.usage)\(fits ? notes : "")\n" + (fits ? "" : wrapped(notes, indent: 6)) + wrapped(flag.help, indent: 6)
        }
        text += "\nexample:\n"
        for line in command.example.split(separator: "\n") { text += "  $ \(line)\n" }
        return text
    }

    /// Choices, the default, and whether it may be repeated.
    private static func notes(_ flag: Flag) -> String {
        var notes: [String] = []
        if !flag.choices.isEmpty { notes.append(flag.choices.joined(separator: " or ")) }
        if let defaultText = flag.defaultText { notes.append("default: \(defaultText)") }
        if flag.isRepeatable { notes.append("repeatable") }
        return notes.isEmpty ? "" : "  (\(notes.joined(separator: "; ")))"
    }

    private static func wrapped(_ text: String, indent: Int) -> String {
        let blank = String(repeating: " ", count: indent)
        var lines = ""
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > columnsMax {
                lines += blank + line + "\n"
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + blank + line + "\n"
    }

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The page docs/COMMANDS.md.
    static func markdown() -> String {
        var text = "# Commands\n\n"
        text += "This page is what `needletail help --markdown` prints. `needletail help COMMAND` shows the same on a terminal.\n"
        for command in Command.all {
            text += "\n## needletail \(command.name)\n\n`\(command.usage)`\n"
            for paragraph in command.details { text += "\n\(paragraph)\n" }
            text += "\n| flag | if left out | meaning |\n| --- | --- | --- |\n"
            for flag in command.visibleFlags {
                let choices = flag.choices.isEmpty ? "" : " One of \(flag.choices.map { "`\($0)`" }.joined(separator: ", "))."
                let repeatable = flag.isRepeatable ? " May be repeated." : ""
                text += "| `\(flag.usage)` | \(flag.defaultText.map { "`\($0)`" } ?? "") | \(flag.help)\(choices)\(repeatable) |\n"
            }
            text += "\n```\n"
            for line in command.example.split(separator: "\n") { text += "$ \(line)\n" }
            text += "```\n"
        }
        text += "\n## Exit status\n\n| status | meaning |\n| --- | --- |\n"
        for (status, meaning) in ExitStatus.meanings { text += "| \(status) | \(meaning) |\n" }
        text += "\nAlerts alone go to standard output; everything else that a run has to say goes to standard error.\n"
        text += "`${NAME}` in the value of a flag that names a place stands for the environment variable, so that secrets need not be typed.\n"
        return text
    }
}
