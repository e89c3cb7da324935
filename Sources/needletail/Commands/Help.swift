extension Command {
    static let help = Command(
        name: "help", operands: "[COMMAND]", summary: "explain a command, with an example",
        details: ["Lists the commands, or explains one of them."],
        example: "needletail help run", flags: [.markdown]
    ) { (options) throws(UsageError) in
        guard options.operands.count <= 1 else { throw UsageError("`needletail help` explains one command at a time") }
        if options.isMarkdown {
            Needletail.print(HelpText.markdown())
        } else if let name = options.operands.first {
            Needletail.print(HelpText.help(try Command.named(name)))
        } else {
            Needletail.print(HelpText.overview())
        }
        return ExitStatus.done
    }

    static let completions = Command(
        name: "completions", operands: "bash|zsh|fish", summary: "print a script that teaches a shell these commands and flags",
        details: ["Prints a completion script. Its first comment says where to put it."],
        example: "needletail completions bash > /etc/bash_completion.d/needletail", flags: []
    ) { (options) throws(UsageError) in
        guard options.operands.count == 1, let shell = Completions.Shell(rawValue: options.operands[0]) else {
            throw UsageError("`needletail completions` needs the name of a shell: bash, zsh or fish")
        }
        Needletail.print(Completions.script(shell))
        return ExitStatus.done
    }
}
