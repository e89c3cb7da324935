import Foundation
import Testing

@Suite struct FixtureCommandTests {
    private func session(_ expected: String) throws -> Session {
        try Session([
            "rules/r.rule": pairRule, "fixtures/one/events.ndjson": pairEvents, "fixtures/one/alerts.ndjson": "{\"rule\":\"pair\"}\n",
            "fixtures/two/events.ndjson": pairEvents, "fixtures/two/alerts.ndjson": expected,
        ])
    }

    @Test func theLastLineCounts() throws {
        let good = try session(#"{"key":{"k":"x"},"match":{"a":[{"id":1}],"b":[{"id":2}]}}"#)
        let outcome = try good.run("needletail test")
        #expect(outcome.status == 0)
        #expect(outcome.lines == ["ok      fixtures/one  (1 alert)", "ok      fixtures/two  (1 alert)", "2 passed, 0 failed"])
        #expect(try good.run("needletail test fixtures/two").lines.last == "1 passed, 0 failed")
    }

    @Test func aDifferenceIsShownAlertByAlert() throws {
        let bad = try session(#"{"rule":"pair","key":{"k":"y"}}"# + "\n" + #"{"rule":"other","summary":"more"}"# + "\n")
        let outcome = try bad.run("needletail test")
        #expect(outcome.status == 1)
        #expect(
            outcome.lines == [
                "ok      fixtures/one  (1 alert)", "FAILED  fixtures/two", "    alert 1 differs: pair  1970-01-01T00:00:02.000Z  \"x\"",
                "        key.k", "            expected  \"y\"", "            came      \"x\"",
                "    expected alert 2 did not come: other  \"more\"", "    2 alerts were expected, 1 came", "1 passed, 1 failed",
            ])
    }

    @Test func updateWritesAllExpectationsAnew() throws {
        let bad = try session("")
        #expect(try bad.run("needletail test").status == 1)
        let update = try bad.run("needletail test --update")
        #expect(update.status == 0)
        #expect(update.lines.last == "2 passed, 0 failed")
        #expect(try bad.run("needletail test").status == 0)
        #expect(try parsed(bad.read("fixtures/two/alerts.ndjson")).first?["summary"] as? String == "x")
    }

    @Test func testBlocksRunBesideFixtures() throws {
        let session = try session("{}")
        try session.write("rules/t.rule", "rule t { match c }\ntest \"one\" { c {} expect t }\ntest \"two\" {\n c {}\n expect nothing }\n")
        let outcome = try session.run("needletail test")
        #expect(outcome.status == 1)
        #expect(
            outcome.lines == [
                "ok      fixtures/one  (1 alert)", "ok      fixtures/two  (1 alert)", "ok      rules/t.rule \"one\"  (1 alert)",
                "FAILED  rules/t.rule:3 \"two\"", "    not expected: t at 0s \"t\"", "    0 alerts were expected, 1 came",
                "3 passed, 1 failed",
            ])
    }

    @Test func ofARuleFileOnlyItsBlocksRun() throws {
        let session = try session("{}")
        try session.write("rules/t.rule", "rule t { match c }\ntest \"one\" { c {} expect t }\n")
        try session.write("rules/u.rule", "rule u { match c }\ntest \"two\" { c {} expect nothing }\n")
        let outcome = try session.run("needletail test rules/t.rule")
        #expect(outcome.status == 0)
        #expect(outcome.lines == ["ok      rules/t.rule \"one\"  (1 alert)", "1 passed, 0 failed"])
        #expect(try session.run("needletail test rules").lines.last == "1 passed, 1 failed")
        #expect(try session.run("needletail test rules/r.rule").status == 2)
    }

    @Test func rulesWithErrorsFail() throws {
        let session = try session("{}")
        try session.write("other/t.rule", "rule t { match c }\ntest \"one\" { c {} expect s }\n")
        let outcome = try session.run("needletail test other")
        #expect(outcome.status == 1)
        #expect(outcome.lines.first == "FAILED  the rules have errors:")
        #expect(outcome.output.contains("error[E0701]"))
        #expect(outcome.lines.last == "0 passed, 1 failed")
    }

    /// The rules of a fixture's own folder are no part of the program that the other rules form.
    @Test func theRulesOfAFixtureAreAProgramOfTheirOwn() throws {
        let session = try session("{}")
        try session.write("fixtures/two/rules.txt", "own.rule\n")
        try session.write("fixtures/two/own.rule", pairRule + "\ntest \"own\" { c {} expect nothing }\n")
        let outcome = try session.run("needletail test")
        #expect(outcome.lines.contains("ok      fixtures/two/own.rule \"own\"  (0 alerts)"))
        #expect(outcome.lines.last == "3 passed, 0 failed")
    }

    @Test func theShippedRulesAndLogsAgree() throws {
        let outcome = try Session().run("cd '\(Program.repository.path)' && needletail check rules && needletail test")
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }
}
