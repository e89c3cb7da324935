// The program: which command, its options, and the status that the process leaves with. All else stands in the other targets.

internal import Diagnostics
internal import Glibc

@main
enum Needletail {
    static func main() {
        Terminal.occupyClosedDescriptors()
        StopSignals.ignoreBrokenPipes()
        exit(status(of: Array(CommandLine.arguments.dropFirst())))
    }

    private static func status(of words: [String]) -> Int32 {
        do throws(UsageError) {
            return try dispatch(words)
        } catch {
            var text = ""
            for error in [error] + error.more {
                text += "needletail: error: \(error.message)\n"
                if let hint = error.hint { text += "  \(hint)\n" }
            }
            Terminal.writeError(text)
            return ExitStatus.usage
        }
    }

    private static func dispatch(_ words: [String]) throws(UsageError) -> Int32 {
        guard let first = words.first else {
            Terminal.writeError(HelpText.overview())
            return ExitStatus.usage
        }
        switch first {
        case "--version", "-V":
            print("needletail \(Version.text)\n")
            return ExitStatus.done
        case "--help", "-h":
            print(HelpText.overview())
            return ExitStatus.done
        case _ where first.hasPrefix("-"):
            throw UsageError("the command comes first, then its flags", hint: "`needletail help` lists the commands")
        default: break
        }
        let command = try Command.named(first)
        let options = try CommandLineParser.parse(Array(words.dropFirst()), for: command)
        if options.wantsHelp {
            print(HelpText.help(command))
            return ExitStatus.done
        }
        return try command.run(options)
    }

    /// What a command has to show, on standard output. Where that cannot be written the process ends here.
    static func print(_ text: String) {
        do throws(Terminal.OutputFailure) {
            try Terminal.writeOutput(text)
        } catch {
            Terminal.writeError("needletail: error: standard output: \(FileError.reason(error.errorNumber))\n")
            exit(ExitStatus.failed)
        }
    }
}
