import Diagnostics
import Foundation
import Replay
import RuleLanguage
import Seeds
import Testing

/// `test` blocks, run.
@Suite struct TestBlockTests {
    /// The results of all blocks of the files; files are named a.rule, b.rule …
    private func run(_ texts: String...) throws -> [TestBlockResult] {
        let files = texts.enumerated().map { index, text in
            SourceFile(path: String(UnicodeScalar(UInt8(97 + index))) + ".rule", bytes: Array(text.utf8))
        }
        var sink = DiagnosticSink()
        let loaded = TestBlocks.load(files, into: &sink)
        let blocks = try #require(loaded, "\(TextRenderer(files: files).render(sink))")
        var results: [TestBlockResult] = []
        blocks.run { results.append($0) }
        #expect(results.count == blocks.count)
        return results
    }

    private func failure(_ text: String) throws -> [String] { try #require(try run(text).first).failure }

    private static let cards = """
        rule card_testing {
            by card
            match probe: charge{3,} where amount < 2.00
             then spend: charge where amount > 300 and country != last(probe.country)
            within 10m
            alert high "{count(probe)} probes on {card}, then {spend.amount} in {spend.country}" {
                probes: count(probe)
                spent:  spend.amount
            }
            cooldown 1h
        }
        """
    private static let unpaid = """
        rule unpaid { by o match p: placed then not paid within 15m alert low "{o} is unpaid" { total: p.total } }

        """

    // MARK: - What passes

    @Test func theLanguagesOwnExamplesPass() throws {
        let results = try run(
            Self.cards + """

                test "three probes, then a large charge abroad" {
                    charge { card: "c1", amount: 1.00, country: "GB" }
                    charge { card: "c1", amount: 1.20, country: "GB" } after 5s
                    charge { card: "c1", amount: 0.80, country: "GB" } after 5s
                    charge { card: "c1", amount: 950, country: "NG" }  after 1m
                    expect card_testing { probes: 3 }
                }
                test "too slow" {
                    charge { card: "c1", amount: 1.00, country: "GB" }
                    charge { card: "c1", amount: 1.20, country: "GB" } after 5s
                    charge { card: "c1", amount: 0.80, country: "GB" } after 5s
                    charge { card: "c1", amount: 950, country: "NG" }  after 10m
                    expect nothing
                }
                """)
        #expect(results.map(\.failure) == [[], []])
        #expect(results.map(\.alertCount) == [1, 0])
        #expect(results.map(\.title) == ["\"three probes, then a large charge abroad\"", "\"too slow\""])
    }

    @Test func aDeadlineComesAtTheEndOfItsTimeAndNothingIsDrained() throws {
        let results = try run(
            Self.unpaid + """
                test "on the dot" { placed { o: 1, total: 5 } wait 15m expect unpaid at 15m }
                test "just before" { placed { o: 1, total: 5 } wait 14m59s999ms expect nothing }
                test "no wait" { placed { o: 1, total: 5 } expect nothing }
                test "another event is time too" { placed { o: 1, total: 5 } other { o: 2 } after 15m expect unpaid { total: 5.0 } at 15m }
                test "the deadline is before the event of its time" { placed { o: 1 } paid { o: 1 } after 15m expect unpaid at 15m }
                test "a wait in between" { wait 5m placed { o: 1 } wait 5m wait 5m paid { o: 1 } after 4m wait 1h expect nothing }
                test "time begins at 0" { wait 5m placed { o: 1 } wait 1h expect unpaid { total: null } at 20m }
                """)
        #expect(results.filter { !$0.hasPassed }.map(\.failure) == [])
    }

    @Test func aTimeoutIsAnAlertOfItsRule() throws {
        let results = try run(
            """
            rule r { by k match a then b within 1m alert low { n: 1 } on timeout alert high { left: 2 } }
            test "both" {
                a { k: 1 }
                a { k: 2 }
                b { k: 1 } after 10s
                wait 1m
                expect r { n: 1 } at 10s
                expect r { left: 2 } at 1m
            }
            """)
        #expect(results.map(\.failure) == [[]])
    }

    @Test func valuesAreComparedAsJSON() throws {
        let results = try run(
            """
            rule r {
                match e: x
                alert low {
                    whole: e.whole half: e.half big: e.big text: e.text flag: e.flag none: e.none
                    lasted: time() - time(e) at: time(e)
                }
            }
            test "all kinds" {
                x { whole: 3, half: 0.5, big: 18446744073709551615, "text": "a\\"b\\u00e9", flag: true }
                expect r { whole: 3.0, half: 5e-1, big: 18446744073709551615, text: "a\\"bé", flag: true, none: null
                    lasted: "0s", at: "1970-01-01T00:00:00.000Z" }
            }
            """)
        #expect(results.map(\.failure) == [[]])
    }

    @Test(arguments: [
        "", "stream { type kind time at }", "stream { type event.kind time event.at seconds }",
        "stream { type \"charge\" time at rfc3339 }",
        "stream { time t milliseconds }", "stream { time meta[2].t microseconds }",
        "stream { time t nanoseconds delay 5m ahead 1s idle 1s }", "stream web { type \"charge\" }",
    ])
    func eventsStandInTheFormOfTheStream(_ stream: String) throws {
        let results = try run(
            """
            \(stream)
            rule r { by card match a: charge next b: charge within 1m alert low { both: a.n + b.n } }
            test "t" {
                charge { card: 1, n: 1, event: {"other": 1} }
                charge { card: 1, n: 2 } after 1s250ms
                charge { card: 1, n: 3 } after 2m
                expect r { both: 3 } at 1s250ms
            }
            """)
        #expect(results.map(\.failure) == [[]])
    }

    @Test func aTestRunsTheRulesOfItsFileAlone() throws {
        let test = "test \"t\" { x { k: 7 } expect here }\n"
        let results = try run(
            "stream { type kind }\nrule there { match x }\nlet limit = 5\nlist odd = [7]\n",
            "rule here { match x where k > limit and k in odd and kind == \"x\" }\n" + test)
        #expect(results.map(\.failure) == [[]])
        #expect(results.map(\.path) == ["b.rule"])
    }

    @Test func aDisabledRuleKeepsItsTests() throws {
        let results = try run(
            "rule b { match x disabled }\nrule a { match x }\ntest \"t\" { x { } expect a expect b }\n")
        #expect(results.map(\.failure) == [[]])
    }

    @Test func whatACooldownHoldsBackDoesNotCome() throws {
        let results = try run(
            "rule r { match x cooldown 1m }\ntest \"t\" { x { } x { } after 59s x { } after 1s expect r at 0s expect r at 1m }\n")
        #expect(results.map(\.failure) == [[]])
    }

    // MARK: - What fails

    @Test func aFieldOrTimeThatIsOtherwiseIsShown() throws {
        let text = """
            rule r { match e: x alert low "x {e.n}" { n: e.n } }
            test "t" {
                x { n: 4 } after 70s
                expect r { n: 3 } at 1m
            }
            """
        #expect(
            try failure(text) == [
                "a.rule:4: came otherwise: r at 1m10s \"x 4\"",
                "    at",
                "        expected  1m",
                "        came      1m10s",
                "    n",
                "        expected  3",
                "        came      4",
                "1 alert was expected, 1 came",
            ])
    }

    @Test func anAlertThatDoesNotComeIsNamedAsItWasExpected() throws {
        #expect(
            try failure(Self.unpaid + "test \"t\" {\n placed { o: 1 }\n expect unpaid { total: 5 } at 15m\n}") == [
                "a.rule:4: did not come: unpaid {\"total\":5} at 15m", "    the test ends at 0s; `wait` lets time pass",
                "1 alert was expected, 0 came",
            ])
    }

    @Test func anAlertThatIsNotListedIsAFailure() throws {
        let result = try #require(try run(Self.unpaid + "test \"t\" {\n placed { o: 1 }\n wait 1h\n expect nothing\n}").first)
        #expect(result.failure == ["not expected: unpaid at 15m \"1 is unpaid\"", "0 alerts were expected, 1 came"])
        #expect(!result.hasPassed && result.line == 2 && result.alertCount == 1)
        #expect(try failure("rule r { match x }\ntest \"t\" { x {} x {} expect r }").first == "not expected: r at 0s \"r\"")
    }

    @Test func theOrderCounts() throws {
        let rules = "rule a { match x }\nrule b { match y }\n"
        #expect(try run(rules + "test \"t\" { x {} y {} after 1s expect a expect b }").first?.failure == [])
        let swapped = try failure(rules + "test \"t\" { x {} y {} after 1s expect b expect a }")
        #expect(swapped.last == "2 alerts were expected, 2 came")
        #expect(swapped.count == 3)
    }

    @Test func aTimeoutIsSaidToBeOne() throws {
        let text = "rule r { match a then b within 1m on timeout alert high }\ntest \"t\" { a {} wait 1m expect nothing }"
        #expect(try failure(text).first == "not expected: r (timeout) at 1m \"r\"")
    }

    @Test func anEventThatIsTooLongIsSaid() throws {
        let long = String(repeating: "x", count: 1 << 20)
        let lines = try failure("rule r { match x }\ntest \"t\" { x { s: \"\(long)\" } expect nothing }")
        #expect(lines.contains { $0.hasPrefix("not an event: ") })
    }

    @Test func aTitleTakesOneLine() throws {
        #expect(try run("rule r { match x }\ntest \"a\\n\\\"b\\u001b\" { x {} expect r }").first?.title == #""a\n\"b\u001b""#)
    }

    @Test func manyDifferencesAreCutShort() throws {
        let text = "rule r { match x }\ntest \"t\" { " + String(repeating: "x {} ", count: 500) + "expect nothing }"
        let lines = try failure(text)
        #expect(lines.count < 30)
        #expect(lines.contains("and 480 more differences"))
    }

    // MARK: - What is shipped

    @Test func everyShippedRuleHasATestThatFiresAndOneThatDoesNot() throws {
        let rules = LanguageExamplesTests.repository.appendingPathComponent("rules").path
        let files = try SourceFile.readRules([rules])
        var sink = DiagnosticSink()
        let checked = try #require(check(files: files, into: &sink))
        #expect(checked.rules.count >= 15)
        for rule in checked.rules {
            let tests = checked.tests.filter { $0.file == rule.span.file }
            #expect(tests.contains { $0.expectations.contains { $0.rule == rule.name } }, "\(rule.name) has no test that fires")
            #expect(tests.contains { $0.expectations.isEmpty }, "\(rule.name) has no test that is quiet")
        }
        let blocks = try #require(TestBlocks.load(files, into: &sink))
        blocks.run { #expect($0.failure == [], "\($0.path):\($0.line)") }
    }

    /// Whatever is cut out of a rule file or put into it, its tests end with a verdict or the file is refused.
    @Test func noMutationOfShippedRulesTraps() throws {
        let rules = LanguageExamplesTests.repository.appendingPathComponent("rules").path
        let files = try SourceFile.readRules([rules])
        let pieces = [
            "1h", "after 3000w", "-1", "1e300", "null", "{", "}", "[", "]", "expect nothing", "wait 1w", "event", "not", "\"", "*", "+?",
            "{2,}",
            "within 1ms", "disabled", "next", "count(", "18446744073709551615", ".", ":", "stream { type a.b time c[3] nanoseconds }\n",
        ].map { Array($0.utf8) }
        var random = SeededGenerator(seed: Volume.baseSeed)
        var runCount = 0
        for round in 0..<1_500 {
            var bytes = files[round % files.count].bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0...bytes.count, using: &random)
                let end = min(bytes.count, at + Int.random(in: 0...8, using: &random))
                bytes.replaceSubrange(at..<end, with: pieces[Int.random(in: 0..<pieces.count, using: &random)])
            }
            var sink = DiagnosticSink()
            guard let blocks = TestBlocks.load([SourceFile(path: "m.rule", bytes: bytes)], into: &sink) else {
                #expect(sink.hasErrors)
                continue
            }
            blocks.run { _ in runCount += 1 }
        }
        #expect(runCount > 50)
    }

    @Test func theTestsOfTheLanguagePagePass() throws {
        var count = 0
        for example in LanguageExamplesTests.examples where example.errorCode == nil {
            let files = [SourceFile(path: "LANGUAGE.md", bytes: Array(example.rules.utf8))]
            var sink = DiagnosticSink()
            guard let blocks = TestBlocks.load(files, into: &sink) else { continue }
            count += blocks.count
            blocks.run { #expect($0.failure == [], "line \(example.line + $0.line - 1)") }
        }
        #expect(count >= 6)
    }
}
