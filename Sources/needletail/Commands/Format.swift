internal import Diagnostics
internal import RuleLanguage

extension Command {
    static let format = Command(
        name: "fmt", operands: "RULES…", summary: "rewrite rule files in the canonical layout, with every comment kept",
        details: [
            "RULES are files, or folders that are searched for *.rule files; `-` reads standard input and writes standard output.",
            "Files that have the layout already are not touched. A file with a mistake in its syntax is left as it is: the mistake goes to standard error and the exit status is 1.",
            "With --check or --diff nothing is written; the exit status is 1 where a file would change.",
        ],
        example: "needletail fmt rules/\nneedletail fmt --check rules/", flags: [.check, .difference, .format]
    ) { (options) throws(UsageError) in
        var run = FormatRun(options: options)
        if options.operands.contains("-") {
            guard options.operands.count == 1 else {
                throw UsageError("`-`, standard input, stands alone", hint: "for example: needletail fmt - < card.rule")
            }
            do throws(FileError) {
                let bytes = try readFile("/dev/stdin", bytesMax: SourceFile.bytesMax)
                run.format(SourceFile(path: "<stdin>", bytes: bytes), isStandardInput: true)
            } catch {
                throw UsageError("standard input: \(error.reason)")
            }
        } else {
            for file in try RuleFiles.read(options.operands, for: "fmt") { run.format(file, isStandardInput: false) }
        }
        return run.status
    }
}

/// The files of one `needletail fmt`, one after another.
private struct FormatRun {
    let options: Options
    let log: Log
    var status = ExitStatus.done

    init(options: Options) {
        self.options = options
        log = Log(format: options.diagnosticFormat)
    }

    mutating func format(_ file: SourceFile, isStandardInput: Bool) {
        var sink = DiagnosticSink()
        switch RuleLanguage.format(file: file, into: &sink) {
        case .mistakes:
            log.write(sink, files: [file])
            fail(ExitStatus.found)
        case .unsafe:
            log.error("\(file.path) is left as it is: its new layout would change what it says. This is a fault of Needletail; please report it")
            fail(ExitStatus.failed)
        case .text(let text):
            if options.checksLayout || options.showsDifference {
                guard text != file.bytes else { return }
                fail(ExitStatus.found)
                if options.showsDifference {
                    Needletail.print(UnifiedDifference(from: file.bytes, to: text).text(oldName: file.path, newName: file.path))
                } else {
                    Needletail.print(file.path + "\n")
                }
            } else if isStandardInput {
                Needletail.print(String(decoding: text, as: UTF8.self))
            } else if text != file.bytes {
                do throws(FileError) {
                    try rewriteFile(file.path, text)
                    log.write(.info, "\(file.path) has the canonical layout now")
                } catch {
                    log.error("\(error.message); it is left as it is")
                    fail(ExitStatus.failed)
                }
            }
        }
    }

    private mutating func fail(_ status: Int32) { self.status = max(self.status, status) }
}
