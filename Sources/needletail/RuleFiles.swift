internal import Diagnostics
internal import RuleCompiler

/// Rules from the command line.
enum RuleFiles {
    /// Reads the files that the words mean.
    static func read(_ operands: [String], for command: String) throws(UsageError) -> [SourceFile] {
        guard !operands.isEmpty else {
            throw UsageError("`needletail \(command)` needs rules: files, or folders with *.rule files", hint: "for example: needletail \(command) rules/")
        }
        let files: [SourceFile]
        do throws(FileError) {
            files = try SourceFile.readRules(operands)
        } catch {
            throw UsageError(error.message)
        }
        guard !files.isEmpty else { throw UsageError("there is no *.rule file in \(operands.joined(separator: ", "))") }
        return files
    }

    /// Checks and compiles; says what there is to say. Nil where there is an error.
    static func load(_ files: [SourceFile], log: Log) -> RuleSet? {
        var sink = DiagnosticSink()
        let rules = RuleSet.load(files, into: &sink)
        log.write(sink, files: files)
        return rules
    }
}
