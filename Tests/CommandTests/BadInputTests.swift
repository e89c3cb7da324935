import Foundation
import Testing

/// Whatever a line is, it is counted, kept, never fatal, and its neighbours are unharmed.
@Suite struct BadInputTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var name: String
        /// What stands between two good events.
        var bytes: [UInt8]
        /// Reasons in the order of lines; none where the lines are events after all.
        var reasons: [String]
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ reasons: String...) { self.init(name, Array(text.utf8), reasons) }

        init(_ name: String, _ bytes: [UInt8], _ reasons: [String]) {
            self.name = name
            self.bytes = bytes
            self.reasons = reasons
        }
    }

    private static func event(_ inside: String) -> String { "{\"type\":\"c\",\"ts\":1500,\(inside)}" }

    static let cases: [Bad] = [
        Bad("malformed", "{\"type\":\"c\",\"ts\":1500,}", "json_syntax"),
        Bad("an unclosed quote before good lines", "{\"type\":\"c\",\"ts\":1500,\"v\":\"x", "json_unclosed_string"),
        Bad("two objects on a line", event("\"v\":1") + event("\"v\":2"), "json_trailing_content"),
        Bad("an object over two lines", "{\"type\":\"c\",\n\"ts\":1500}", "json_not_closed", "not_an_object"),
        Bad("no objects", "[1]\n1\n\"x\"\nnull\ntrue", "not_an_object", "not_an_object", "not_an_object", "not_an_object", "not_an_object"),
        Bad("no time", "{\"type\":\"c\"}", "time_missing"),
        Bad("no time but null", "{\"type\":\"c\",\"ts\":null}", "time_missing"),
        Bad("a time that is none", "{\"type\":\"c\",\"ts\":\"yesterday\"}", "time_form"),
        Bad("a time of a wrong type", "{\"type\":\"c\",\"ts\":[1500]}", "time_form"),
        Bad("a time before 1970", "{\"type\":\"c\",\"ts\":-1}", "time_out_of_range"),
        Bad("a time after 2200", "{\"type\":\"c\",\"ts\":\"2201-01-01T00:00:00Z\"}", "time_out_of_range"),
        Bad("a wrong type is no reject", "{\"type\":7,\"ts\":1500,\"k\":{\"x\":1}}"),
        Bad("a line over 1 MiB", event("\"v\":\"" + String(repeating: "x", count: 1 << 20) + "\""), "line_too_long"),
        Bad("a line of 1 MiB", event("\"v\":\"" + String(repeating: "x", count: (1 << 20) - 29) + "\"")),
        Bad("depth 10000", event("\"v\":" + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)), "too_deep"),
        Bad("invalid UTF-8", Array("{\"type\":\"c\",\"ts\":1500,\"v\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8), ["invalid_utf8"]),
        Bad("NUL", Array("{\"type\":\"c\",\"ts\":1500,\"v\":\"".utf8) + [0] + Array("\"}".utf8), ["json_control_character"]),
        Bad("numbers beyond 64 bits are events", event("\"v\":123456789012345678901234567890")),
        Bad("1e400", event("\"v\":1e400"), "number_out_of_range"),
        Bad("a duplicate key", event("\"v\":1,\"v\":2"), "duplicate_key"),
        Bad("empty lines are nothing", "\n\r\n  \n"),
    ]

    @Test(arguments: cases) func neighboursAreUnharmed(_ bad: Bad) throws {
        for end in ["\n", "\r\n"] {
            let session = try Session(["r.rule": pairRule])
            var bytes = Data(#"{"type":"a","ts":1000,"k":"x","id":1}"#.utf8) + Data(end.utf8)
            bytes += Data(bad.bytes) + Data(end.utf8)
            bytes += Data(#"{"type":"b","ts":2000,"k":"x","id":2}"#.utf8) + Data(end.utf8)
            try session.write("e", bytes)
            for command in ["needletail run r.rule --quiet --rejects rejects < e", "cat e | needletail run r.rule --quiet --rejects rejects"] {
                let outcome = try session.run(command)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.lines.count == 1)
                let rejects = try parsed(session.read("rejects"))
                #expect(rejects.map { $0["reason"] as? String } == bad.reasons)
                #expect(rejects.map { $0["line"] as? Int } == rejects.indices.map { $0 + 2 })
            }
        }
    }

    @Test func whatALineHeldIsKept() throws {
        let session = try Session(["r.rule": pairRule, "e": "a \"quoted\" line\\\n" + "[" + String(repeating: "1,", count: 600_000) + "1]\n"])
        #expect(try session.run("needletail run r.rule --quiet --rejects rejects < e").status == 0)
        let rejects = try parsed(session.read("rejects"))
        #expect(rejects[0]["raw"] as? String == "a \"quoted\" line\\")
        #expect((rejects[1]["raw"] as? String)?.hasPrefix("[1,1,") == true)
        #expect(rejects[1]["length"] as? Int == 1_200_003)
    }

    @Test func anEmptyFileIsNoEvents() throws {
        let session = try Session(["r.rule": pairRule, "e": ""])
        let outcome = try session.run("needletail run r.rule --rejects rejects < e")
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("done: 0 events, 0 alerts"))
        #expect(try session.read("rejects") == "")
    }

    @Test func theLastLineNeedsNoEndAndTheFirstMayHaveAByteOrderMark() throws {
        let session = try Session(["r.rule": pairRule, "e": "\u{FEFF}" + pairEvents.dropLast()])
        let outcome = try session.run("needletail run r.rule --quiet < e")
        #expect(outcome.status == 0)
        #expect(outcome.lines.count == 1)
    }

    @Test func bytesThatAreNoTextAtAllAreRejects() throws {
        var generator = SystemRandomNumberGenerator()
        let session = try Session(["r.rule": pairRule])
        try session.write("e", Data((0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }))
        let outcome = try session.run("needletail run r.rule --quiet --rejects rejects < e")
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
        #expect(try !parsed(session.read("rejects")).isEmpty)
    }
}
