internal import Diagnostics

extension Command {
    static let check = Command(
        name: "check", operands: "RULES…", summary: "look for mistakes in rule files: what is wrong, where, and how to mend it",
        details: [
            "Checks rule files as one program. RULES are files, or folders that are searched for *.rule files.",
            "Says nothing and leaves with 0 where all is well. Mistakes go to standard error, all in one go, and the exit status is 1; a warning alone leaves it at 0.",
        ],
        example: "needletail check rules/", flags: [.format]
    ) { (options) throws(UsageError) in
        let files = try RuleFiles.read(options.operands, for: "check")
        let log = Log(format: options.diagnosticFormat)
        return RuleFiles.load(files, log: log) == nil ? ExitStatus.found : ExitStatus.done
    }
}
