import Foundation
import Testing

/// `--input NAME=SPEC`: each input is read as its stream says.
@Suite struct NamedInputTests {
    static let rules = """
        stream logins { type kind  time at seconds  delay 5s }
        stream cards { type "charge"  time when rfc3339 }
        rule r {
            by user
            match login: login then charge: charge within 1m
            alert low { device: login.device, amount: charge.amount }
        }

        """

    @Test func everyInputHasItsOwnTypeTimeAndWatermark() throws {
        let shell = try Shell([
            "r.rule": Self.rules,
            // Two seconds out of order, which its delay allows.
            "logins": """
                {"kind":"login","at":1772359202,"user":"u","device":"d2"}
                {"kind":"login","at":1772359200,"user":"v","device":"d1"}

                """,
            "cards": """
                {"when":"2026-03-01T10:00:03Z","user":"u","amount":5}
                {"when":"2026-03-01T10:00:02Z","user":"u","amount":6}
                {"when":"2026-03-01T10:00:04Z","user":"v","amount":7}

                """,
            "plain": "{\"type\":\"login\",\"ts\":1,\"user\":\"w\"}\n",
        ])
        #expect(try shell.run("needletail run r.rule --input logins=logins --input cards=cards --input plain --late late") == 0)
        #expect(shell.outputLines.count == 2)
        #expect(shell.read("out").contains("\"d2\"") && shell.read("out").contains("\"d1\""))
        #expect(shell.read("late").contains("\"input\":\"cards\",\"line\":2"))
        #expect(!shell.read("err").contains("warning"))
    }

    @Test func aStreamWithoutAnInputIsAWarning() throws {
        let shell = try Shell(["r.rule": Self.rules, "logins": ""])
        #expect(try shell.run("needletail run r.rule --input logins=logins") == 0)
        #expect(shell.read("err").contains("warning: no input is read as `stream cards`; give it one: --input cards=FILE"))
        #expect(!shell.read("err").contains("stream logins"))
    }

    @Test func severalInputsMayBeOfOneStream() throws {
        let shell = try Shell(["r.rule": "stream s { type \"a\" time t }" + everyRule, "x": "{\"t\":1,\"id\":1}\n", "y": "{\"t\":0,\"id\":2}\n"])
        #expect(try shell.run("needletail run r.rule --quiet --input s=x --input s=y") == 0)
        #expect(shell.outputLines.count == 2)
    }
}
