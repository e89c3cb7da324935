internal import Diagnostics
internal import Events
internal import RuleLanguage
internal import Testing

/// `test` blocks, checked.
@Suite struct TestBlockCheckTests {
    private func tests(_ texts: String...) throws -> [CheckedTest] {
        let files = texts.enumerated().map { source($1, path: "\($0).rule") }
        let result = check(files: files)
        #expect(result.diagnostics.isEmpty, "\(result.diagnostics.map(\.message))")
        return try #require(result.program).tests
    }

    private func lines(_ stream: String, _ steps: String) throws -> [String] {
        try #require(try tests("\(stream) rule r { match x } test \"t\" { \(steps) expect nothing }").first).events.map(\.json)
    }

    @Test func typeAndTimeStandWhereTheStreamLooksForThem() throws {
        let steps = "x { a: 1 } x { meta: {\"b\": [true, null]} } after 1s500ms"
        #expect(
            try lines("", steps) == [
                #"{"type":"x","ts":"1970-01-01T00:00:00.000Z","a":1}"#,
                #"{"type":"x","ts":"1970-01-01T00:00:01.500Z","meta":{"b":[true,null]}}"#,
            ])
        #expect(
            try lines("stream { type meta.kind time at seconds }", steps) == [
                #"{"meta":{"kind":"x"},"at":0,"a":1}"#, #"{"at":1.5,"meta":{"kind":"x","b":[true,null]}}"#,
            ])
        #expect(try lines("stream { type \"x\" time at milliseconds }", steps)[1] == #"{"at":1500,"meta":{"b":[true,null]}}"#)
        #expect(try lines("stream { type \"x\" time at microseconds }", "x {} after 2ms") == [#"{"at":2000}"#])
        #expect(try lines("stream { type \"x\" time at nanoseconds }", "x {} after 10_000d") == [#"{"at":864000000000000000}"#])
        #expect(try lines("stream { type \"x\" time at rfc3339 }", "x {} after 1d") == [#"{"at":"1970-01-02T00:00:00.000Z"}"#])
        #expect(
            try lines("stream { time meta.b[3].t milliseconds }", steps) == [
                #"{"type":"x","meta":{"b":[null,null,null,{"t":0}]},"a":1}"#, #"{"type":"x","meta":{"b":[true,null,null,{"t":1500}]}}"#,
            ])
    }

    @Test func aTimeIsWrittenAsItIsDeclared() throws {
        #expect(try lines("event x { ts number }", "x {} after 2s") == [#"{"type":"x","ts":2000}"#])
        #expect(try lines("event x { ts time }", "x {} after 2s") == [#"{"type":"x","ts":"1970-01-01T00:00:02.000Z"}"#])
    }

    @Test func valuesAreWrittenAsJSON() throws {
        #expect(
            try lines(
                "stream { type \"x\" time at seconds }", #"x { n: -9223372036854775808 m: 18446744073709551615, d: -0.5 "q r": "é\n\"" }"#)
                == [#"{"at":0,"n":-9223372036854775808,"m":18446744073709551615,"d":-0.5,"q r":"é\n\""}"#])
    }

    @Test func timeMovesOn() throws {
        let steps = "x {} wait 1m x {} after 5s expect r { n: 2 } at 7s wait 1h"
        let test = try #require(try tests("rule r { match x alert low { n: 1 } } test \"t\" { \(steps) }").first)
        #expect(test.events.map(\.timeMicroseconds) == [0, 65_000_000])
        #expect(test.endMicroseconds == 3_665_000_000)
        #expect(test.expectations.map(\.rule) == ["r"])
        #expect(test.expectations.map(\.fields) == ["{\"n\":2}"])
        #expect(test.expectations.map(\.atMicroseconds) == [7_000_000])
        #expect(test.name == "t" && test.file == 0)
    }

    @Test func theStreamIsThatOfTheFileElseTheUnnamedOne() throws {
        func named(_ name: String) -> String { "rule \(name) { match x } test \"t\" { x {} expect nothing }" }
        let found = try tests(
            "stream { type kind delay 5s ahead 1h idle 1m }", named("a"), "stream web { type verb } " + named("b"),
            "stream other { type \"x\" } stream more { } " + named("c"))
        #expect(
            found.map(\.stream.type) == [
                .field(.init(name: "kind")), .field(.init(name: "verb")), .constant("x"),
            ])
        #expect(found.allSatisfy { $0.stream.delayMicroseconds == 0 && $0.stream.aheadMicroseconds == nil })
        #expect(found.allSatisfy { $0.stream.idleMicroseconds == nil })
    }

    @Test func aDisabledRuleIsKeptForItsTests() throws {
        let program = try #require(
            check(files: [source("rule a { match x disabled } rule b { match x } test \"t\" { expect a expect b }")]).program)
        #expect(program.rules.map(\.name) == ["b"])
        #expect(program.disabledRules.map(\.name) == ["a"])
    }

    @Test func aRuleOfAnotherFileCannotBeExpected() {
        let files = [source("rule a { match x }", path: "a"), source("rule b { match x } test \"t\" { x {} expect a }", path: "b")]
        let found = check(files: files).diagnostics
        #expect(found.map(\.code) == [.unknownTestRule])
        #expect(found.first?.notes.map(\.span.file) == [0])
    }

    @Test func anyTypeMayComeWhereNoneIsDeclared() {
        #expect(codes("rule a { match login } test \"t\" { logni {} wind {} expect nothing }").isEmpty)
        let declared = "event login { user string }"
        let rule = "rule a { match login then logout } "
        #expect(codes(declared + rule + "test \"t\" { login {} logout {} expect a }").isEmpty)
        #expect(codes(declared + rule + "test \"t\" { wind {} expect nothing }") == ["E0702"])
        // Where only another file declares types, what is no slip may come.
        func together(_ test: String) -> [String] {
            check(files: [source(declared, path: "1"), source(rule + test, path: "2")]).diagnostics.map(\.code.rawValue)
                .filter { !$0.hasPrefix("W10") }
        }
        #expect(together("test \"t\" { wind {} expect nothing }").isEmpty)
        #expect(together("test \"t\" { lgoin {} expect nothing }") == ["E0702"])
    }

    @Test func aFieldOfEitherAlertMayBeExpected() {
        let rule = "rule r { match a then b within 1m alert low { n: 1 } on timeout alert low { m: 2 } } "
        #expect(codes(rule + "test \"t\" { a {} expect r { n: 1 } expect r { \"m\": 2 } }").isEmpty)
        #expect(codes(rule + "test \"t\" { a {} expect r { o: 1 } }") == ["E0703"])
    }

    @Test func mistakesOfARuleAreNotThoseOfItsTests() {
        #expect(codes("rule r { match x alert low { n: } } test \"t\" { x {} expect r { n: 1 } }").allSatisfy { $0 < "E07" })
        #expect(codes("rule { match x } test \"t\" { x {} expect r { n: 1 } }").contains { $0 < "E07" })
        #expect(codes("rule r { match x where } test \"t\" { x {} expect r }").allSatisfy { $0 < "E07" })
        #expect(codes("rule r { match x } test \"t\" { x { }\n ) }").allSatisfy { $0 < "E07" })
    }

    @Test func hostileTestsAreRefusedOrPassed() {
        let deep = Array(repeating: "a", count: 100).joined(separator: ".")
        #expect(codes("stream { type \(deep) } rule r { match x } test \"t\" { x {} expect nothing }") == ["E0705"])
        #expect(codes("stream { time a[9000000000] } rule r { match x } test \"t\" { x {} expect nothing }") == ["E0705"])
        #expect(codes("rule r { match x } test \"t\" { wait 40_000w wait 40_000w x {} wait 40_000w expect nothing }") == ["E0706"])
        let long = String(repeating: "x {} after 1ms ", count: 20_000)
        #expect(codes("rule r { match x } test \"t\" { \(long) expect nothing }").isEmpty)
        #expect(codes("rule r { match x } test \"t\" { expect nothing expect nothing }") == ["E0704"])
    }
}
