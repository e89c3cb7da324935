import Foundation
import Testing

@Suite struct RunTests {
    @Test func alertsAloneGoToStandardOutput() throws {
        let session = try Session(["rules/r.rule": pairRule, "rules/deep/other.rule": "rule other { match a }\n", "rules/notes.txt": "no rule"])
        let outcome = try session.run("needletail run rules", environment: [:]).status
        #expect(outcome == 0)
        try session.write("e.ndjson", pairEvents)
        let run = try session.run("needletail run rules < e.ndjson")
        #expect(run.status == 0)
        #expect(try run.objects().map { $0["rule"] as? String } == ["other", "pair"])
        #expect(run.errors.contains("done: 2 events, 2 alerts"))
        #expect(run.errors.contains("  pair: 1 alert\n"))
    }

    @Test func aPipeAndAFileGiveTheSameBytes() throws {
        let session = try Session(["r.rule": pairRule, "e.ndjson": String(repeating: pairEvents, count: 3)])
        let file = try session.run("needletail run r.rule --quiet --input e.ndjson")
        #expect(file.errors == "")
        #expect(try session.run("cat e.ndjson | needletail run r.rule --quiet").output == file.output)
        #expect(try session.run("mkfifo p; cat e.ndjson > p & needletail run r.rule --quiet --input p").output == file.output)
        #expect(
            try session.run("while read -r line; do echo \"$line\"; sleep 0.02; done < e.ndjson | needletail run r.rule --quiet").output
                == file.output)
    }

    @Test func severalInputsAreMergedByTime() throws {
        let session = try Session([
            "r.rule": pairRule, "a.ndjson": #"{"type":"a","ts":1000,"k":"x"}"#, "b.ndjson": #"{"type":"b","ts":2000,"k":"x"}"#,
        ])
        for order in ["--input a.ndjson --input b.ndjson", "--input b.ndjson --input a.ndjson", "--input a.ndjson --input - < b.ndjson"] {
            #expect(try session.run("needletail run r.rule --quiet \(order)").lines.count == 1, "\(order)")
        }
    }

    @Test func severalPlacesGetTheSameAlerts() throws {
        let session = try Session(["r.rule": pairRule, "e": pairEvents, "one": "what was there before\n", "two": ""])
        let outcome = try session.run("needletail run r.rule --quiet --alerts one --alerts - --alerts two < e")
        #expect(outcome.status == 0)
        #expect(outcome.lines.count == 1)
        #expect(try session.read("one") == outcome.output)
        #expect(try session.read("two") == outcome.output)
        #expect(try session.run("needletail run r.rule --quiet --alerts one < e").output == "")
    }

    @Test func whatIsReadIsNeverOverwritten() throws {
        let session = try Session(["r.rule": pairRule, "e": pairEvents])
        let outcome = try session.run("needletail run r.rule --input e --alerts ./e")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("--alerts ./e is the same file as --input e"))
        #expect(try session.run("needletail run r.rule --rejects e < e").status == 2)
        #expect(try session.run("needletail run r.rule --input e --late l --rejects l").status == 2)
        #expect(try session.read("e") == pairEvents)
        // A wrong name leaves what other flags name as it was.
        try session.write("kept", "before")
        #expect(try session.run("needletail run r.rule --input e --alerts kept --late no/where").status == 2)
        #expect(try session.read("kept") == "before")
    }

    @Test func placesMayComeFromTheEnvironment() throws {
        let session = try Session(["r.rule": pairRule, "events/e": pairEvents])
        let outcome = try session.run(
            "needletail run r.rule --quiet --input '${DIR}/e' --alerts '${DIR}/${NAME}'", environment: ["DIR": "events", "NAME": "out"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try session.read("events/out").contains("\"rule\":\"pair\""))
        let missing = try session.run("needletail run r.rule --input '${DIR}/missing'", environment: ["DIR": "hidden"])
        #expect(missing.status == 2)
        #expect(missing.errors.contains("--input ${DIR}/missing"))
        #expect(!missing.errors.contains("hidden"))
    }

    @Test func lateEventsAndRejectsAreKept() throws {
        let events = """
            {"type":"a","ts":5000,"k":"x"}
            nonsense
            {"type":"a","ts":1000,"k":"late"}
            {"type":"b","ts":6000,"k":"x"}

            """
        let session = try Session(["r.rule": pairRule, "e": events])
        let outcome = try session.run("needletail run r.rule --late l --rejects r < e")
        #expect(outcome.status == 0)
        #expect(outcome.lines.count == 1)
        #expect(outcome.errors.contains("rejected: 1 line, json_syntax"))
        #expect(outcome.errors.contains("late: 1 event"))
        let reject = try #require(try parsed(session.read("r")).first)
        #expect(reject["input"] as? String == "-")
        #expect(reject["line"] as? Int == 2)
        #expect(reject["reason"] as? String == "json_syntax")
        #expect(reject["detail"] as? String == "The line is not valid JSON.")
        #expect(reject["raw"] as? String == "nonsense")
        let late = try #require(try parsed(session.read("l")).first)
        #expect(late["line"] as? Int == 3)
        #expect(late["at"] as? String == "1970-01-01T00:00:01.000Z")
        #expect(late["watermark"] as? String == "1970-01-01T00:00:05.000Z")
        #expect((late["event"] as? [String: Any])?["k"] as? String == "late")
    }

    @Test func theEndOfTheInputDrains() throws {
        let rule = "rule absent { by k match a: a then not b within 1h }\n"
        let session = try Session(["r.rule": rule, "e": #"{"type":"a","ts":0,"k":"x"}"#])
        for flag in ["", "--drain"] {
            let outcome = try session.run("needletail run r.rule --quiet \(flag) < e")
            #expect(try outcome.objects().map { $0["at"] as? String } == ["1970-01-01T01:00:00.000Z"])
        }
    }

    @Test func rulesWithErrorsAreStatus1() throws {
        let session = try Session(["r.rule": "rule r { match a then }\nrule s { mtach b }\n"])
        let run = try session.run("needletail run r.rule")
        #expect(run.status == 1)
        #expect(run.output == "")
        #expect(run.errors.contains("--> r.rule:1:"))
        #expect(run.errors.contains("--> r.rule:2:"))
        #expect(!run.errors.contains("\u{1B}"))
        let check = try session.run("needletail check r.rule")
        #expect(check.status == 1)
        #expect(check.errors == run.errors)
        let json = try session.run("needletail check r.rule --format json")
        #expect(json.status == 1)
        #expect(try parsed(json.errors).allSatisfy { ($0["code"] as? String)?.hasPrefix("E") == true && $0["file"] as? String == "r.rule" })
        #expect(try parsed(session.run("needletail run r.rule --log-format json").errors).count == parsed(json.errors).count)
    }

    @Test func goodRulesAreCheckedInSilence() throws {
        let outcome = try Session(["r.rule": pairRule]).run("needletail check r.rule .")
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
        #expect(outcome.errors == "")
    }

    @Test func warningsAreSaidOnceAndDoNotStopARun() throws {
        let session = try Session(["r.rule": "rule r { match a: a on timeout alert low }\n", "e": ""])
        let outcome = try session.run("needletail run r.rule < e")
        #expect(outcome.status == 0)
        #expect(outcome.errors.components(separatedBy: "warning[W").count == 2, "\(outcome.errors)")
        #expect(!(try session.run("needletail run r.rule --quiet < e").errors.contains("warning")))
        #expect(!(try session.run("needletail run r.rule --log-level error < e").errors.contains("warning")))
        #expect(try session.run("needletail check r.rule").status == 0)
    }

    @Test func theLogMayBeJSON() throws {
        let session = try Session(["r.rule": pairRule, "e": pairEvents + "x\n"])
        let outcome = try session.run("needletail run r.rule --log-format json < e")
        let lines = try parsed(outcome.errors)
        let done = try #require(lines.last)
        #expect(done["level"] as? String == "info")
        #expect(done["events"] as? Int == 2)
        #expect(done["lines"] as? Int == 3)
        #expect(done["alerts"] as? Int == 1)
        #expect((done["rules"] as? [String: Int]) == ["pair": 1])
        #expect((done["rejects"] as? [String: Int]) == ["json_syntax": 1])
        #expect(done["watermark"] as? String == "1970-01-01T00:00:02.000Z")
        #expect(done["stopped"] as? Bool == false)
    }

    @Test func coloursOnlyOnATerminal() throws {
        let session = try Session(["r.rule": "rule"])
        let terminal = try session.run("script -qec 'needletail check r.rule' /dev/null < /dev/null")
        #expect(terminal.output.contains("\u{1B}["))
        #expect(!(try session.run("NO_COLOR=1 script -qec 'needletail check r.rule' /dev/null < /dev/null").output.contains("\u{1B}[")))
    }

    @Test func aTerminalSeesProgressAndNoMachineDoes() throws {
        let session = try Session(["r.rule": pairRule, "e": pairEvents])
        let terminal = try session.run("script -qec 'needletail run r.rule --alerts out < e' /dev/null > /dev/null < /dev/null; script -qec 'needletail run r.rule < e > out' /dev/null < /dev/null")
        #expect(terminal.output.contains("2 events"))
        #expect(terminal.output.contains("watermark 1970-01-01T00:00:02.000Z"))
        #expect(!(try session.run("needletail run r.rule < e").errors.contains("\r")))
    }
}
