import Foundation
import Testing

@Suite struct UsageTests {
    static let commands = ["run", "check", "test", "explain", "deliveries", "webhook", "config", "help", "completions"]

    @Test func withoutACommandTheCommandsAreListed() throws {
        let outcome = try Session().run("needletail")
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        for command in Self.commands { #expect(outcome.errors.contains("\n  \(command) ")) }
        let help = try Session().run("needletail help")
        #expect(help.status == 0)
        #expect(help.output == outcome.errors)
    }

    @Test(arguments: commands) func everyCommandExplainsItselfWithAnExample(_ command: String) throws {
        let session = try Session()
        let outcome = try session.run("needletail help \(command)")
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.output.hasPrefix("usage: needletail \(command)"))
        #expect(outcome.output.contains("\nexample:\n  $ needletail \(command)"))
        for line in outcome.lines where !line.contains("$ ") { #expect(line.count <= 100, "\(line)") }
        for flag in ["--help", "-h"] { #expect(try session.run("needletail \(command) \(flag)").output == outcome.output) }
    }

    @Test func theVersionIsSaid() throws {
        let outcome = try Session().run("needletail --version")
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("needletail 0."))
    }

    @Test func thePageOfCommandsIsWhatTheProgramSays() throws {
        let page = try String(contentsOf: Program.repository.appendingPathComponent("docs/COMMANDS.md"), encoding: .utf8)
        #expect(try Session().run("needletail help --markdown").output == page)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var line: String
        var says: [String]
        var testDescription: String { line }

        init(_ line: String, _ says: String...) {
            self.line = line
            self.says = says
        }
    }

    static let wrong: [Wrong] = [
        Wrong("needletail chek", "no command `chek`", "did you mean `check`?"),
        Wrong("needletail frobnicate", "no command `frobnicate`"),
        Wrong("needletail --quiet run r.rule", "the command comes first"),
        Wrong("needletail help chek", "did you mean `check`?"),
        Wrong("needletail explain", "needs a code", "E0403"),
        Wrong("needletail explain E0433", "there is no code `E0433`", "did you mean `E0"),
        Wrong("needletail explain W1000", "there is no code", "did you mean `W10"),
        Wrong("needletail explain charge", "a code looks like"),
        Wrong("needletail run", "needs rules"),
        Wrong("needletail run missing.rule", "missing.rule: there is no such file"),
        Wrong("needletail run empty", "no *.rule file in empty"),
        Wrong("needletail check empty", "no *.rule file in empty"),
        Wrong("needletail run r.rule --inptu x", "no flag --inptu", "did you mean `--input`?"),
        Wrong("needletail run r.rule --input", "--input needs a value"),
        Wrong("needletail run r.rule --input=", "--input needs a value"),
        Wrong("needletail run r.rule --late --quiet", "--late needs a value"),
        Wrong("needletail run r.rule --quiet=yes", "--quiet takes no value"),
        Wrong("needletail run r.rule --late a --late b", "--late is given twice"),
        Wrong("needletail run r.rule --input e --input e", "--input e is given twice"),
        Wrong("needletail run r.rule --input missing", "--input missing: there is no such file"),
        Wrong("needletail run r.rule --input empty", "--input empty: it is a folder"),
        Wrong("needletail run r.rule < empty", "--input -: it is a folder"),
        Wrong("needletail run r.rule <&-", "--input -: it is closed"),
        Wrong("needletail run r.rule --alerts no/where < e", "--alerts no/where: there is no such file or folder"),
        Wrong("needletail run r.rule --late empty < e", "--late empty: it is a folder"),
        Wrong("needletail run r.rule --late - < e", "--late needs the name of a file"),
        Wrong("needletail run r.rule --workers 0", "--workers needs a whole number from 1 to 256, not 0"),
        Wrong("needletail run r.rule --workers 257", "not 257"),
        Wrong("needletail run r.rule --workers two", "not two"),
        Wrong("needletail run r.rule --log-format xml", "one of text, json, not xml"),
        Wrong("needletail run r.rule --log-level loud", "one of error, warning, info, debug"),
        Wrong("needletail check r.rule --format xml", "one of text, json"),
        Wrong("needletail run r.rule --input '${NOT_SET_HERE}'", "the environment variable NOT_SET_HERE is not set"),
        Wrong("needletail run r.rule --alerts '${OPEN'", "`${` is not closed"),
        Wrong("needletail completions tcsh", "bash, zsh or fish"),
        Wrong("needletail test missing", "missing: there is no such file"),
        Wrong("needletail test empty", "no fixture in empty"),
        Wrong("needletail test", "neither fixtures/ nor rules/"),
        // What the contract has and this version has not: never silence.
        Wrong("needletail run r.rule --follow", "--follow is for files"),
        Wrong("needletail run r.rule --follow --input e.gz", "a compressed file (.gz) cannot be followed"),
        Wrong("needletail run r.rule --follow --input empty", "only a file can be followed"),
        Wrong("needletail run r.rule --checkpoint-every 5s", "--checkpoint-every needs a state folder", "add --state DIR"),
        Wrong("needletail run r.rule --checkpoint-every 5ms --state s", "--checkpoint-every needs a duration", "at least 10ms, not 5ms"),
        Wrong("needletail run r.rule --memory 64M", "--memory needs a state folder", "add --state DIR"),
        Wrong("needletail run r.rule --memory 64MB --state s", "--memory needs a size such as 512M", "not 64MB"),
        Wrong("needletail run r.rule --journal", "--journal needs a state folder"),
        Wrong("needletail run r.rule --state s --on-rule-change perhaps", "one of keep, fail, not perhaps"),
        Wrong("needletail run r.rule --alerts https://host/hidden --webhook-secret-env NONE", "the environment variable NONE of --webhook-secret-env is not set"),
        Wrong("needletail run r.rule --alerts http://host/hidden", "--alerts: The webhook at host is not encrypted"),
        Wrong("needletail run r.rule --alerts kafka://host/hidden", "--alerts kafka://… is not in this version"),
        Wrong("needletail run r.rule --alerts https://host/hidden --alerts https://host/hidden", "--alerts https://… is given twice"),
        Wrong("needletail run r.rule --alerts 'https://host/hidden/${OPEN'", "--alerts https://…: `${` is not closed"),
        Wrong("needletail webhook test 'https://host/hidden/${OPEN'", "the address https://…: `${` is not closed"),
        Wrong("needletail webhook test host/hidden", "neither an address that begins with https:// nor the name of a webhook"),
        Wrong("needletail run r.rule --outbox none", "--outbox needs a whole number from 1 to 100000000, not none"),
        Wrong("needletail run r.rule --input a.ndjson.gz", "a.ndjson.gz: there is no such file"),
        Wrong("needletail run r.rule --input payments=p.ndjson", "the rules have no `stream payments`", "./payments=p.ndjson"),
        Wrong("needletail run r.rule --input e --input ./e", "--input ./e is the same file as --input e"),
        Wrong("needletail run s.rule --input payment=e", "the rules have no `stream payment`", "did you mean `payments`?"),
        Wrong("needletail run s.rule --input logins=e", "the rules have no `stream logins`", "they have `payments`"),
        Wrong("needletail run s.rule --input payments=e --input payments=e", "--input e is given twice"),
        Wrong("needletail run s.rule --input payments=", "--input needs a name"),
        Wrong("needletail run r.rule --config missing.json", "missing.json: there is no such file"),
        Wrong("needletail run r.rule --config empty", "empty: it is a folder"),
        Wrong("needletail run r.rule --config -", "--config needs the name of a file"),
        Wrong("needletail run r.rule --config a --config b", "--config is given twice"),
        Wrong("needletail config", "there is no needletail.json here", "needletail config FILE"),
        Wrong("needletail config a b", "reads one file, not a, b"),
        Wrong("needletail config a --config b", "reads one file, not a, b"),
        Wrong("needletail config --schema a", "--schema stands alone"),
        Wrong("needletail config r.rule", "r.rule:1:1: the file must be an object in braces", "for example: {"),
        Wrong("needletail config e", "e: the file is empty"),
        Wrong("needletail fmt", "`needletail fmt` needs rules"),
        Wrong("needletail fmt - r.rule", "stands alone"),
        Wrong("needletail fmt missing.rule", "there is no such file"),
        Wrong("needletail explain r.rule", "`needletail explain RULES…` is not in this version"),
        Wrong("needletail trace r.rule", "`needletail trace` is not in this version"),
        Wrong("needletail backtest a b", "`needletail backtest` is not in this version"),
        Wrong("needletail deliveries", "needs to know what to do: list, retry or drop"),
        Wrong("needletail deliveries lst empty", "one of list, retry, drop, not lst", "did you mean `list`?"),
        Wrong("needletail deliveries list", "needs a state folder"),
        Wrong("needletail deliveries list missing", "there is no folder missing"),
        Wrong("needletail deliveries list empty 3", "needs one folder"),
        Wrong("needletail deliveries list empty --all", "--all is for `retry` and `drop`"),
        Wrong("needletail deliveries list empty --limit many", "--limit needs a whole number from 0 to 100000, not many"),
        Wrong("needletail deliveries retry empty", "which dead letters? Nothing was changed", "say --all: needletail deliveries retry empty --all"),
        Wrong("needletail deliveries retry empty --endpoint x", "which dead letters?"),
        Wrong("needletail deliveries drop empty 3 --all", "give one of them"),
        Wrong("needletail deliveries retry empty --forget --endpoint x", "--forget is for `drop`"),
        Wrong("needletail deliveries drop empty --forget", "--forget forgets one webhook as a whole"),
        Wrong("needletail deliveries drop empty 'a b'", "neither the number nor the id"),
    ]

    @Test(arguments: wrong) func wrongUsageIsStatus2AndSaysWhatIsWrong(_ wrong: Wrong) throws {
        let session = try Session(["r.rule": pairRule, "s.rule": pairRule + "stream payments { time at }\n", "e": "", "empty/.keep": ""])
        let outcome = try session.run(wrong.line)
        #expect(outcome.status == 2, "\(outcome.errors)")
        #expect(outcome.output == "")
        for part in wrong.says { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
        #expect(!outcome.errors.contains("hidden"))
    }

    @Test func valuesStandBehindABlankOrAnEqualsSignAndTwoDashesEndTheFlags() throws {
        let session = try Session(["-r.rule": pairRule, "e.ndjson": pairEvents])
        let plain = try session.run("needletail run --quiet --input e.ndjson --workers=2 -- -r.rule")
        #expect(plain.status == 0, "\(plain.errors)")
        #expect(plain.lines.count == 1)
        #expect(try session.run("needletail run --quiet --input=e.ndjson --workers 256 --drain -- -r.rule").output == plain.output)
    }

    @Test func completionsAreScriptsThatNameEveryCommandAndFlag() throws {
        let session = try Session()
        for shell in ["bash", "zsh", "fish"] {
            let script = try session.run("needletail completions \(shell)")
            #expect(script.status == 0)
            for word in Self.commands + ["input", "rejects", "update", "format"] { #expect(script.output.contains(word), "\(shell) \(word)") }
        }
        let completed = try session.run(
            """
            eval "$(needletail completions bash)"
            COMP_WORDS=(needletail run --in); COMP_CWORD=2; _needletail; echo "${COMPREPLY[@]}"
            COMP_WORDS=(needletail c); COMP_CWORD=1; _needletail; echo "${COMPREPLY[@]}"
            COMP_WORDS=(needletail run --log-format j); COMP_CWORD=3; _needletail; echo "${COMPREPLY[@]}"
            """)
        #expect(completed.lines == ["--input", "check config completions", "json"], "\(completed.errors)")
    }
}
