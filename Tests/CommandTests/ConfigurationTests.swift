import Foundation
import Testing

/// `needletail.json`, as the program reads it.
@Suite struct ConfigurationTests {
    static let files = ["conf/rules/r.rule": pairRule, "conf/e.ndjson": pairEvents]

    static func object(_ text: String) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary, "\(text)")
    }

    @Test func aRunGoesByItAndPathsAreRelativeToItsFolder() throws {
        let session = try Session(Self.files)
        try session.write(
            "conf/needletail.json",
            #"{"rules": ["rules"], "inputs": [{"path": "e.ndjson"}], "alerts": [{"path": "a"}, {"path": "-"}], "rejects": {"path": "x"}, "late": {"path": "l"}, "log": {"quiet": true}, "limits": {"workers": 2, "reorder_memory": "16M"}}"#)
        let outcome = try session.run("needletail run --config conf/needletail.json")
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.lines.count == 1)
        #expect(try session.read("conf/a") == outcome.output)
        for name in ["conf/x", "conf/l"] { #expect(session.exists(name)) }
        #expect(try session.run("cd conf && needletail run --config needletail.json").output == outcome.output)
        #expect(try session.run("cd conf/rules && needletail run --config ../needletail.json").output == outcome.output)
    }

    @Test func noFileIsReadUnasked() throws {
        let session = try Session(["r.rule": pairRule, "e.ndjson": pairEvents, "needletail.json": "broken"])
        #expect(try session.run("needletail run r.rule --input e.ndjson").status == 0)
    }

    @Test func flagsWin() throws {
        var files = Self.files
        files["other.rule"] = "rule other { match a }\n"
        files["none.ndjson"] = ""
        files["conf/n.json"] =
            #"{"rules": ["rules"], "inputs": [{"path": "e.ndjson"}, {"path": "missing"}], "alerts": [{"path": "a"}, {"path": "-"}], "late": {"path": "l"}, "log": {"format": "json", "level": "debug"}, "drain": false}"#
        let session = try Session(files)
        let outcome = try session.run(
            "needletail run other.rule --config conf/n.json --input conf/e.ndjson --alerts - --late mine --log-format text --log-level info")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try outcome.objects().map { $0["rule"] as? String } == ["other"])
        #expect(outcome.errors.contains("needletail: done: 2 events, 1 alert"))
        #expect(!outcome.errors.contains("loaded"))
        #expect(session.exists("mine") && !session.exists("conf/l") && !session.exists("conf/a"))
        // What is not said by a flag is as the file says.
        let rest = try session.run("needletail run --config conf/n.json --input none.ndjson")
        #expect(rest.status == 0)
        #expect(rest.errors.contains(#""level":"debug","message":"1 rule loaded""#), "\(rest.errors)")
        #expect(session.exists("conf/l") && session.exists("conf/a"))
    }

    @Test func drainIsAsTheFileSaysUnlessTheFlagIsGiven() throws {
        let absence = "rule gone { by k match a: a then not b within 1h alert low \"{k}\" }\n"
        let session = try Session(["r.rule": absence, "e.ndjson": #"{"type":"a","ts":1000,"k":"x"}"#, "n.json": #"{"drain": false, "log": {"quiet": true}}"#])
        let line = "needletail run r.rule --input e.ndjson --config n.json"
        #expect(try session.run(line).lines.count == 0)
        #expect(try session.run(line + " --drain").lines.count == 1)
    }

    @Test func aFileIsFollowedByItsOwnWord() throws {
        let session = try Session(["r.rule": pairRule, "e.ndjson": "", "n.json": #"{"inputs": [{"path": "e.ndjson", "follow": true}], "alerts": [{"path": "a"}]}"#])
        try session.write("events", pairEvents)
        let outcome = try session.run(
            "needletail run r.rule --config n.json & sleep 0.3; cat events >> e.ndjson; for i in {1..100}; do [ -s a ] && break; sleep 0.1; done; kill $!; wait $!")
        #expect(outcome.status == 143, "\(outcome.errors)")
        #expect(try session.read("a").contains("\"rule\":\"pair\""))
    }

    @Test func stateIsKeptWhereTheFileSays() throws {
        let session = try Session(["conf/r.rule": pairRule, "a": #"{"type":"a","ts":1000,"k":"x"}"# + "\n", "b": #"{"type":"b","ts":2000,"k":"x"}"# + "\n"])
        try session.write(
            "conf/n.json",
            #"{"rules": ["r.rule"], "inputs": [{"path": "${E}"}], "alerts": [{"path": "alerts"}], "state": {"directory": "s", "checkpoint_every": "1s"}, "limits": {"memory": "64M"}}"#)
        let path = session.folder.path + "/log"
        for part in ["a", "b"] {
            #expect(try session.run("cat \(part) >> log").status == 0)
            let outcome = try session.run("needletail run --config conf/n.json", environment: ["E": path])
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(session.exists("conf/s"))
        #expect(try session.read("conf/alerts").split(separator: "\n").count == 1)
        #expect(try session.run("needletail run --config conf/n.json --state other", environment: ["E": path]).status == 0)
        #expect(session.exists("other"))
    }

    /// What the run finds wrong later is said of the file's place, not of a flag that nobody has given.
    @Test(arguments: [
        (#"{"inputs": [{"path": "missing"}]}"#, "n.json: inputs: missing: there is no such file"),
        (#"{"inputs": [{"path": "e.ndjson"}], "alerts": [{"path": "no/where"}]}"#, "n.json: alerts: no/where: there is no such file"),
        (#"{"inputs": [{"path": "e.ndjson"}], "rejects": {"path": "./e.ndjson"}}"#, "n.json: rejects: ./e.ndjson is the same file as n.json: inputs: e.ndjson"),
        (#"{"inputs": [{"path": "e.ndjson", "name": "cards"}]}"#, "n.json: inputs: cards=e.ndjson: the rules have no `stream cards`"),
        (#"{"rules": ["nowhere"]}"#, "nowhere: there is no such file"),
        (#"{"limits": {"memory": "1G"}}"#, "n.json: limits.memory needs a state folder"),
        (#"{"inputs": [{"path": "-", "journal": true}]}"#, "n.json: journal needs a state folder"),
    ]) func whatIsWrongLaterNamesTheFile(_ text: String, _ says: String) throws {
        let session = try Session(["r.rule": pairRule, "e.ndjson": pairEvents, "n.json": text])
        let outcome = try session.run("needletail run \(text.contains("rules") ? "" : "r.rule") --config n.json")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains(says), "\(outcome.errors)")
        #expect(!outcome.errors.contains("--input"))
    }

    // MARK: - needletail config

    @Test func theResolvedFormIsAFileOfTheSameMeaning() throws {
        let session = try Session([
            "conf/needletail.json":
                #"{"$schema": "x", "rules": ["rules/", "${R}"], "inputs": [{"path": "${E}", "name": "cards"}, {"path": "-"}], "state": {"directory": "s"}, "limits": {"workers": "${W}", "memory": 536870912}, "log": {"quiet": "${Q}"}}"#
        ])
        let environment = ["R": "/r.rule", "E": "e.ndjson", "W": "3", "Q": "true"]
        let outcome = try session.run("needletail config conf/needletail.json", environment: environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let folder = try #require(try session.run("pwd -P").lines.first) + "/conf"
        #expect(
            try Self.object(outcome.output) == [
                "$schema": "x", "rules": [folder + "/rules/", "/r.rule"],
                "inputs": [
                    ["name": "cards", "path": folder + "/e.ndjson", "follow": false, "journal": false],
                    ["path": "-", "follow": false, "journal": false],
                ], "alerts": [["path": "-"]], "state": ["directory": folder + "/s", "checkpoint_every": "10s", "on_rule_change": "keep"],
                "drain": false, "limits": ["workers": 3, "memory": "512M", "reorder_memory": "1G", "outbox": 1_000_000],
                "log": ["format": "text", "level": "info", "quiet": true],
            ] as NSDictionary)
        try session.write("again.json", outcome.output)
        #expect(try session.run("needletail config --config again.json").output == outcome.output)
        #expect(try session.run("cd conf; needletail config", environment: environment).output == outcome.output)
    }

    @Test func anEmptyObjectIsAllDefaults() throws {
        let session = try Session(["needletail.json": "{}"])
        let outcome = try session.run("needletail config; nproc")
        let cores = try #require(Int(outcome.lines.last ?? ""))
        #expect(
            try Self.object(outcome.lines.dropLast().joined(separator: "\n")) == [
                "inputs": [["path": "-", "follow": false, "journal": false]], "alerts": [["path": "-"]], "drain": true,
                "limits": ["workers": cores, "reorder_memory": "1G", "outbox": 1_000_000], "log": ["format": "text", "level": "info", "quiet": false],
            ] as NSDictionary)
    }

    @Test func allMistakesAreToldAtOnceInTheOrderOfTheFile() throws {
        let session = try Session([
            "n.json": """
                {
                  "sinks": [],
                  "inputs": [{"pth": "e"}, {"path": "-", "follow": true}, {}],
                  "alerts": [{"path": "a"}, {"path": "a"}],
                  "drain": "yes", "drain": true,
                  "limits": {"workers": 0}
                }
                """
        ])
        let outcome = try session.run("needletail config n.json")
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        #expect(
            outcome.errors == """
                needletail: error: n.json:2:3: there is no key `sinks`
                  the keys here are $schema, rules, inputs, alerts, late, rejects, state, drain, limits, log
                needletail: error: n.json:3:15: there is no key `inputs[0].pth`
                  did you mean `path`?
                needletail: error: n.json:3:52: inputs[1].follow is for files; standard input is read until it ends anyway
                  name a file in `path`, or leave `follow` out
                needletail: error: n.json:3:59: inputs[2] needs `path`
                  for example: "path": "events.ndjson"
                needletail: error: n.json:4:29: alerts[1].path is the same as alerts[0].path
                  name each place once
                needletail: error: n.json:5:12: drain is "yes"; it must be true or false
                  for example: "drain": true
                needletail: error: n.json:5:19: drain is given twice
                  remove one of them
                needletail: error: n.json:6:25: limits.workers is 0; it must be a whole number from 1 to 256
                  for example: "workers": 2

                """)
        // A run says the same.
        #expect(try session.run("needletail run missing.rule --config n.json").errors == outcome.errors)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var text: String
        var says: [String]
        var testDescription: String { text }

        init(_ text: String, _ says: String...) {
            self.text = text
            self.says = says
        }
    }

    static let wrong: [Wrong] = [
        Wrong("{\"rules\": [\"a\"],\n // why\n \"drain\": true}", "n.json:2:", "not valid JSON", "JSON has no comments"),
        Wrong("{\"drain\": true,\n}", "n.json:2:1: this is not valid JSON", "a comma too many"),
        Wrong("{\"drain\": true\n\"log\": {}}", "n.json:2:1: this is not valid JSON", "look for a comma"),
        Wrong("{\"drain\": True}", "n.json:1:11: this is not valid JSON"),
        Wrong("{\"rules\": [\"a\"", "n.json:1:11: a brace or bracket is not closed"),
        Wrong("{} {}", "n.json:1:4: something follows the object"),
        Wrong("{\n\"rules\": [\"a]\n}", "n.json:2:11: a quote is not closed"),
        Wrong("{\"rules\": [\"C:\\dir\"]}", "n.json:1:", "a backslash is written \\\\"),
        Wrong("\u{FEFF}{}", "byte order mark"),
        Wrong("[]", "must be an object in braces"),
        Wrong(#"{"inputs": {}}"#, "n.json:1:12: inputs is an object; it must be a list in brackets", #"for example: "inputs": [{"path": "events.ndjson"}]"#),
        Wrong(#"{"inputs": []}"#, "inputs is an empty list", "leave `inputs` out"),
        Wrong(#"{"inputs": ["e"]}"#, #"inputs[0] is "e"; it must be an object in braces"#),
        Wrong(#"{"inputs": [{"path": 1}]}"#, "inputs[0].path is 1; it must be a path in quotes, or \"-\" for standard input"),
        Wrong(#"{"inputs": [{"path": ""}]}"#, "inputs[0].path is empty"),
        Wrong(#"{"inputs": [{"path": "a\u0000b"}]}"#, "inputs[0].path has a NUL character in it"),
        Wrong(#"{"inputs": [{"path": "kafka://hidden"}]}"#, "inputs[0].path kafka://… is not in this version of Needletail"),
        Wrong(#"{"inputs": [{"path": "e", "name": "two words"}]}"#, #"inputs[0].name is "two words"; it must be the name of a stream"#),
        Wrong(#"{"inputs": [{"path": "e", "follow": 1}]}"#, "inputs[0].follow is 1; it must be true or false"),
        Wrong(#"{"inputs": [{"path": "e", "follow": "true"}]}"#, #"inputs[0].follow is "true"; it must be true or false"#),
        Wrong(#"{"inputs": [{"path": "e"}, {"path": "e"}]}"#, "inputs[1].path is the same as inputs[0].path", "each input is read once"),
        Wrong(#"{"alerts": [{"url": "hidden"}]}"#, "n.json:1:21: alerts[0].url: The webhook's address is no URL"),
        Wrong(#"{"alerts": [{"url": "${NOT_SET}hidden"}]}"#, "alerts[0].url: the environment variable NOT_SET is not set"),
        Wrong(#"{"alerts": [{"url_file": "missing"}]}"#, "alerts[0].url_file missing: there is no such file"),
        Wrong(#"{"alerts": [{"url": "http://example.com/hidden"}]}"#, "alerts[0].url: The webhook at example.com is not encrypted"),
        Wrong(#"{"alerts": [{"url": "https://me:hidden@example.com/"}]}"#, "alerts[0].url: The webhook's address must hold no user and password"),
        Wrong(#"{"alerts": [{"url": "https://10.0.0.1/hidden"}]}"#, "alerts[0].url: The webhook's address 10.0.0.1 is private"),
        Wrong(#"{"alerts": [{"url": "https://169.254.169.254/hidden", "allow_private": true}]}"#, "is never allowed"),
        Wrong(#"{"alerts": [{"path": "https://hidden"}]}"#, "alerts[0].path is an address, https://…", "write it as `url`; that makes it a webhook"),
        Wrong(#"{"alerts": [{"path": "${SET}"}]}"#, "alerts[0].path is an address, https://…", "write it as `url`"),
        Wrong(#"{"alerts": [{"path": "a", "batch": 2, "secret": "hidden"}]}"#, "n.json:1:27: alerts[0].batch stands without `url`, which it belongs to", "alerts[0].secret stands without `url`", "give `url`, or leave `secret` out"),
        Wrong(#"{"alerts": [{"secret_file": "missing"}]}"#, "alerts[0].secret_file missing: there is no such file"),
        Wrong(#"{"alerts": [{"url": "https://h", "path": "a"}]}"#, "alerts[0] has `path` and `url`, and must have only one of them"),
        Wrong(#"{"alerts": [{"url": "https://h", "sevrity": "high"}]}"#, "there is no key `alerts[0].sevrity`", "did you mean `severity`?"),
        Wrong(#"{"alerts": [{"url": "https://h", "secret": "hidden"}]}"#, "n.json:1:44: alerts[0].secret: The webhook secret must begin with whsec_"),
        Wrong(#"{"alerts": [{"url": "https://h", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_hidden"}]}"#, "alerts[0].secret: "),
        Wrong(#"{"alerts": [{"url": "https://h", "secret": "  "}]}"#, "alerts[0].secret: The webhook secret is empty"),
        Wrong(#"{"alerts": [{"url": "https://h", "name": "two words"}]}"#, #"alerts[0].name is "two words"; it must be the name of a webhook"#),
        Wrong(#"{"alerts": [{"url": "https://h", "name": "a"}, {"url": "https://i", "name": "a"}]}"#, "n.json:1:77: alerts[1].name is the same as alerts[0].name"),
        Wrong(#"{"alerts": [{"url": "https://h/hidden"}, {"url": "https://h/hidden"}]}"#, "alerts[1].url is the same as alerts[0].url", "name each place once"),
        Wrong(#"{"alerts": [{"url": "https://h", "shape": "slak"}]}"#, #"alerts[0].shape is "slak"; it must be "alert", "cloudevents", "slack", "pagerduty", "alertmanager" or "template""#, "did you mean `slack`?"),
        Wrong(#"{"alerts": [{"url": "https://h", "shape": "slack", "batch": 100}]}"#, "alerts[0].batch: the shape slack has one alert a request, and 100 were asked for", "alert, cloudevents or alertmanager"),
        Wrong(#"{"alerts": [{"url": "https://h", "template": "t.json", "batch": 2}]}"#, "alerts[0].batch: the shape template has one alert a request"),
        Wrong(#"{"alerts": [{"url": "https://h", "shape": "pagerduty"}]}"#, "alerts[0].shape: the shape pagerduty needs a routing key", "`routing_key_file`"),
        Wrong(#"{"alerts": [{"url": "https://h", "shape": "template"}]}"#, "alerts[0].shape: the shape template needs a template", "alerts[0].template"),
        Wrong(#"{"alerts": [{"url": "https://h", "shape": "slack", "template": "t"}]}"#, "alerts[0].template: a template goes with the shape template, not slack"),
        Wrong(#"{"alerts": [{"url": "https://h", "shape": "slack", "routing_key": "hidden"}]}"#, "alerts[0].routing_key: a routing key goes with the shape pagerduty"),
        Wrong(#"{"alerts": [{"url": "https://h", "headers": {"Host": "hidden"}}]}"#, "alerts[0].headers: The header Host is set by needletail itself"),
        Wrong(#"{"alerts": [{"url": "https://h", "headers": {"X y": "hidden"}}]}"#, "alerts[0].headers: A header's name has letters, digits and -"),
        Wrong(#"{"alerts": [{"url": "https://h", "headers": {"X": "hidden\n"}}]}"#, "alerts[0].headers: The value of the header X must be one line"),
        Wrong(#"{"alerts": [{"url": "https://h", "headers": {"X": 5551234}}]}"#, "alerts[0].headers.X is no such value; it must be a text in quotes"),
        Wrong(#"{"alerts": [{"url": "https://h", "headers": {"X": "hidden", "X": "hidden"}}]}"#, "alerts[0].headers.X is given twice"),
        Wrong(#"{"alerts": [{"url": "https://h", "headers": "hidden"}]}"#, "alerts[0].headers is no such value; it must be an object in braces"),
        Wrong(#"{"alerts": [{"url": "https://h", "key_file": "k"}]}"#, "alerts[0].key_file: there is a key and no certificate", "give `certificate_file` too"),
        Wrong(#"{"alerts": [{"url": "https://h", "severity": "urgent"}]}"#, #"alerts[0].severity is "urgent"; it must be "info", "low", "medium", "high" or "critical""#),
        Wrong(#"{"alerts": [{"url": "https://h", "rate": 0}]}"#, "alerts[0].rate is 0; it must be a whole number from 1 to 1000000"),
        Wrong(#"{"alerts": [{"url": "https://h", "batch": 1001}]}"#, "alerts[0].batch is 1001; it must be a whole number from 1 to 1000"),
        Wrong(#"{"alerts": [{"url": "https://h", "linger": "2m"}]}"#, #"alerts[0].linger is "2m"; it must be a duration such as 10s, 500ms or 1h30m, from 1ms to 1m"#),
        Wrong(#"{"alerts": [{"url": "https://h", "max_age": "1s"}]}"#, "from 1m to "),
        Wrong(#"{"limits": {"outbox": 0}}"#, "limits.outbox is 0; it must be a whole number from 1 to 100000000"),
        Wrong(#"{"late": {"path": "-"}}"#, "late.path needs the name of a file or folder"),
        Wrong(#"{"late": {}}"#, "late needs `path`"),
        Wrong(#"{"rejects": null}"#, "rejects is null; it must be an object in braces"),
        Wrong(#"{"state": {"checkpoint_every": "10s"}}"#, "state needs `directory`"),
        Wrong(#"{"state": {"directory": "s", "checkpoint_every": 10}}"#, "state.checkpoint_every is 10; it must be a duration such as 10s", "from 10ms to 1d"),
        Wrong(#"{"state": {"directory": "s", "checkpoint_every": "1ms"}}"#, #"state.checkpoint_every is "1ms""#),
        Wrong(#"{"state": {"directory": "s", "on_rule_change": "kep"}}"#, #"it must be "keep" or "fail""#, "did you mean `keep`?"),
        Wrong(#"{"state": {"directory": "${NOT_SET}"}}"#, #"state.directory "${NOT_SET}": the environment variable NOT_SET is not set"#),
        Wrong(#"{"state": {"directory": "${OPEN"}}"#, "`${` is not closed"),
        Wrong(#"{"limits": {"workers": 2.5}}"#, "limits.workers is 2.5"),
        Wrong(#"{"limits": {"workers": "2"}}"#, #"limits.workers is "2"; it must be a whole number"#),
        Wrong(#"{"limits": {"workers": "${SET}"}}"#, #"limits.workers is "${SET}", whose environment variable holds something else; it must be"#),
        Wrong(#"{"limits": {"workers": 1e400}}"#, "n.json:1:24: a number is not written as JSON"),
        Wrong(#"{"limits": {"memory": "512MB"}}"#, #"limits.memory is "512MB"; it must be a size such as 512M, 1G or 256MiB, or a number of bytes, from 16M to 64T"#),
        Wrong(#"{"limits": {"memory": 1000}}"#, "limits.memory is 1000"),
        Wrong(#"{"limits": {"memory": 99999999999999999999}}"#, "limits.memory is "),
        Wrong(#"{"log": {"format": "xml"}}"#, #"log.format is "xml"; it must be "text" or "json""#),
        Wrong(#"{"log": {"level": "loud"}}"#, #"it must be "error", "warning", "info" or "debug""#),
        Wrong(#"{"workers": 2}"#, "there is no key `workers`", "`workers` stands in `limits`"),
        Wrong(#"{"follow": true}"#, "there is no key `follow`", "`follow` stands in `inputs[…]`"),
        Wrong(#"{"rules\n": []}"#, #"there is no key `"rules\n"`"#),
        Wrong(#"{"": 1}"#, #"there is no key `""`"#),
        Wrong("{\"" + String(repeating: "k", count: 500) + "\": 1}", "kkkk…`"),
        Wrong("{\"log\": {\"level\": \"" + String(repeating: "x", count: 500) + "\"}}", "xxxx…; it must be"),
        Wrong("{\"rules\": [" + Array(repeating: "\"r\"", count: 1025).joined(separator: ",") + "]}", "rules has 1025 elements; at most 1024"),
        Wrong("{\"rules\": " + String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000) + "}", "nested more than 1024 deep"),
        Wrong("{\"rules\": [" + Array(repeating: "1", count: 150).joined(separator: ",") + "]}", "rules[99] is 1", "n.json: 50 more mistakes are not shown"),
        Wrong(String(repeating: " ", count: 1 << 20) + "{}", "n.json: it is longer than 1 MiB"),
    ]

    @Test(arguments: wrong) func aMistakeSaysWhereWhatAndHow(_ wrong: Wrong) throws {
        let session = try Session(["n.json": wrong.text])
        let outcome = try session.run("needletail config n.json", environment: ["SET": "https://hidden"])
        #expect(outcome.status == 2, "\(outcome.errors)")
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("needletail: error: n.json:"))
        for part in wrong.says { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
        #expect(!outcome.errors.contains("hidden"))
        for line in outcome.errors.split(separator: "\n") { #expect(line.count < 250, "\(line)") }
    }

    // MARK: - The page

    /// The first JSON of a section of docs/OPERATIONS.md.
    static func example(_ heading: String = "## The configuration file\n") throws -> String {
        let page = try String(contentsOf: Program.repository.appendingPathComponent("docs/OPERATIONS.md"), encoding: .utf8)
        let section = try #require(page.range(of: heading)).upperBound
        let start = try #require(page.range(of: "```json\n", range: section..<page.endIndex)).upperBound
        let end = try #require(page.range(of: "```\n", range: start..<page.endIndex)).lowerBound
        return String(page[start..<end])
    }

    @Test func theExampleOfThePageIsInOrderAndComplete() throws {
        let text = try Self.example()
        let session = try Session(["needletail.json": text])
        let outcome = try session.run("needletail config", environment: ["CARDS_LOG": "/var/log/cards.ndjson", "OPS_HOOK": "https://ops.example.com/x", "OPS_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains(#""path": "/var/log/cards.ndjson""#))
        let schema = try Self.object(String(contentsOf: Program.repository.appendingPathComponent("docs/needletail.schema.json"), encoding: .utf8))
        let keys = try #require((schema["properties"] as? NSDictionary)?.allKeys as? [String])
        #expect(Set(keys) == Set(try #require(try Self.object(text).allKeys as? [String])).union(["$schema"]))
    }

    @Test func theWebhooksOfThePageAreInOrder() throws {
        let session = try Session(["needletail.json": try Self.example("### Several, each with its own\n")])
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let outcome = try session.run(
            "needletail config",
            environment: ["STORE_HOOK": "https://store.example.com/x", "STORE_SECRET": secret, "SLACK_HOOK": "https://hooks.slack.com/y", "PAGER_KEY": "hidden", "FRAUD_TOKEN": "hidden"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.output.contains(secret) && !outcome.output.contains("hidden") && !outcome.output.contains("slack.com"))
        #expect(outcome.output.contains(#""Authorization": "***""#) && outcome.output.contains(#""routing_key": "***""#))
    }

    @Test func theMessagesOfThePageAreWhatTheProgramSays() throws {
        let page = try String(contentsOf: Program.repository.appendingPathComponent("docs/OPERATIONS.md"), encoding: .utf8)
        let session = try Session([
            "needletail.json": "{\n  \"inputs\": [\n             {\"pth\": \"e\"}],\n\n\n\n\n\n            \"limits\": {\"workers\": 0}}"
        ])
        let errors = try session.run("needletail config").errors
        let shown = try #require(page.range(of: "$ needletail config\n")).upperBound
        let end = try #require(page.range(of: "```", range: shown..<page.endIndex)).lowerBound
        func withoutPlaces(_ text: some StringProtocol) -> String {
            text.replacingOccurrences(of: #"json:\d+:\d+"#, with: "json", options: .regularExpression)
        }
        #expect(withoutPlaces(page[shown..<end]) == withoutPlaces(errors))
    }
}
