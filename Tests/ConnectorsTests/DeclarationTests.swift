import Foundation
import Replay
import RuleCompiler
import Testing

/// A field that breaks its `event` declaration is unknown, and counted.
@Suite struct DeclarationTests {
    private func run(_ rules: String, _ lines: [String]) throws -> (alerts: [String], broken: UInt64) {
        let rules = try #require(loaded(rules))
        let result = try rules.replay(events: Array(lines.joined(separator: "\n").utf8))
        return (result.alerts.map { String(decoding: $0, as: UTF8.self) }, result.summary.brokenFields)
    }

    @Test func everyTypeTakesItsOwnKindsAlone() throws {
        let values = ["\"s\"", "1", "18446744073709551615", "1.5", "true", "[1]", "{\"x\":1}", "null"]
        let fits: [String: Set<Int>] = [
            "string": [0], "number": [1, 2, 3], "boolean": [4], "list": [5], "any": [0, 1, 2, 3, 4, 5, 6], "time": [1, 3],
        ]
        for (type, fitting) in fits {
            for (index, value) in values.enumerated() {
                let ran = try run(
                    "event a { v \(type)? id number } rule r { match a: a alert low { v: a.v } }", ["{\"type\":\"a\",\"ts\":1,\"id\":1,\"v\":\(value)}"])
                #expect(ran.alerts.count == 1)
                // Null is missing, and what is missing breaks nothing.
                #expect(ran.broken == (fitting.contains(index) || index == 7 ? 0 : 1), "\(type) \(value)")
            }
        }
    }

    @Test func onlyTheTypeThatDeclaresIsHeldToItAndNestedFieldsAre() throws {
        let rules = """
            event a { device.os.name string  id number }
            rule r { match x: event where device.os.name != "zzz" alert low { id: x.id } }
            """
        let ran = try run(
            rules,
            [
                #"{"type":"a","ts":1,"id":1,"device":{"os":{"name":7}}}"#, #"{"type":"b","ts":2,"id":2,"device":{"os":{"name":7}}}"#,
                #"{"type":"b","ts":2,"id":"two","device":{"os":{"name":"x"}}}"#,
                #"{"type":"a","ts":3,"id":3,"device":{"os":{"name":"x"}}}"#, #"{"type":"a","ts":4,"id":4}"#,
                #"{"type":"a","ts":5,"id":"five","device":{"os":{"name":"x"}}}"#,
            ])
        #expect(ran.alerts.count == 3)
        #expect(ran.broken == 2)
    }

    @Test func declaredTimesAreTimes() throws {
        let rules = """
            event a { born time  ts time }
            rule r { match a: a where ts - born > 1h alert low { born: a.born, age: a.ts - a.born } }
            """
        let ran = try run(
            rules,
            [
                #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":1772352000000}"#,
                #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":"2026-03-01T09:30:00Z"}"#,
                #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":"2026-03-01T10:30:00+02:00"}"#,
                #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":"yesterday"}"#, #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":9e18}"#,
                #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":-1}"#, #"{"type":"a","ts":"2026-03-01T10:00:00Z","born":9223372036854775807}"#,
            ])
        #expect(ran.alerts.count == 2)
        #expect(ran.alerts[0].contains("2026-03-01T08:00:00.000Z"))
        #expect(ran.broken == 4)
    }

    @Test func theStreamsOwnTimeIsTheEventsTimeInAnyFormat() throws {
        let rules = "stream { time at seconds } event a { at time } rule r { match a: a alert low { at: a.at } }"
        let ran = try run(rules, [#"{"type":"a","at":1772359200}"#])
        #expect(ran.alerts.first?.contains("2026-03-01T10:00:00.000Z") == true)
        #expect(ran.alerts.first?.contains("1970") == false && ran.broken == 0)
    }

    @Test func lateEventsAreTestedTooAndTheSummarySaysHowMany() throws {
        let rules = "event a { v string } rule r { match a: a where v == \"x\" alert low }\n"
        let ran = try run(rules, [#"{"type":"a","ts":5,"v":"x"}"#, #"{"type":"a","ts":1,"v":1}"#])
        #expect(ran.alerts.count == 1 && ran.broken == 1)
        let shell = try Shell(["r.rule": rules, "e": "{\"type\":\"a\",\"ts\":5,\"v\":1}\n"])
        try shell.run("needletail run r.rule --input e")
        #expect(shell.read("err").contains("unknown: 1 field not of the type that its `event` declares"))
        try shell.run("needletail run r.rule --input e --log-format json")
        #expect(shell.read("err").contains("\"broken_fields\":1"))
    }
}
