import Decoding
import Foundation
import Testing

@testable import needletail

/// The schema, and the table of keys that it comes from.
@Suite struct ConfigurationSchemaTests {
    @Test func theShippedSchemaIsWhatTheProgramPrints() throws {
        let shipped = try String(contentsOf: Program.repository.appendingPathComponent("docs/needletail.schema.json"), encoding: .utf8)
        let outcome = try Session().run("needletail config --schema")
        #expect(outcome.status == 0)
        #expect(outcome.output == shipped)
    }

    /// Files, and whether they are in order.
    static let judged: [(String, Bool)] = [
        ("{}", true), (#"{"$schema": "s"}"#, true), (#"{"rules": ["a", "b/"]}"#, true), (#"{"rules": []}"#, false), (#"{"rules": "a"}"#, false),
        (#"{"rules": [1]}"#, false), (#"{"rules": [""]}"#, false), (#"{"rulez": ["a"]}"#, false), (#"{"inputs": [{"path": "-"}]}"#, true),
        (#"{"inputs": [{"path": "a", "name": "n_1-x", "follow": true, "journal": false}]}"#, true), (#"{"inputs": [{}]}"#, false),
        (#"{"inputs": [{"name": "n"}]}"#, false), (#"{"inputs": [{"path": "a", "name": "1"}]}"#, false),
        (#"{"inputs": [{"path": "a", "name": "${HOME}"}]}"#, false), (#"{"inputs": [{"path": "a", "x": 1}]}"#, false),
        (#"{"inputs": [{"path": "a", "follow": "${YES}"}]}"#, true), (#"{"inputs": [{"path": "a", "follow": "true"}]}"#, false),
        (#"{"alerts": [{"path": "-"}]}"#, true), (#"{"alerts": [{"url": "https://h"}]}"#, true),
        (#"{"alerts": [{"url": "https://h", "path": "a"}]}"#, false), (#"{"alerts": [{"name": "ops", "url": "${HOOK}", "secret": "${SECRET}", "shape": "cloudevents", "batch": 100, "linger": "1s"}]}"#, true),
        (#"{"alerts": [{"path": "a", "batch": 2}]}"#, false), (#"{"alerts": [{"path": "a", "secret_file": "s"}]}"#, false),
        (#"{"alerts": [{"path": "-"}, {"url": "https://h", "headers": {"X-One": "1", "Authorization": "${SECRET}"}, "severity": "high", "rules": ["a*"], "tags": ["t"], "rate": 5}]}"#, true),
        (#"{"alerts": [{"url": "https://h", "headers": {"X": 1}}]}"#, false), (#"{"alerts": [{"url": "https://h", "headers": {"X": ""}}]}"#, false),
        (#"{"alerts": [{"url": "https://h", "headers": ["X"]}]}"#, false), (#"{"alerts": [{"url": "https://h", "shape": "xml"}]}"#, false),
        (#"{"alerts": [{"url": "https://h", "severity": "urgent"}]}"#, false), (#"{"alerts": [{"url": "https://h", "rules": []}]}"#, false),
        (#"{"alerts": [{"url": "https://h", "tags": [1]}]}"#, false), (#"{"alerts": [{"url": "https://h", "rate": 0}]}"#, false),
        (#"{"alerts": [{"url": "https://h", "batch": 1001}]}"#, false), (#"{"alerts": [{"url": "https://h", "in_flight": 0}]}"#, false),
        (#"{"alerts": [{"url": "https://h", "timeout": "1m", "connect_timeout": "5s", "max_age": "6h", "in_flight": 4, "allow_private": true}]}"#, true),
        (#"{"alerts": [{"url": "https://h", "ca_file": "c", "certificate_file": "d", "key_file": "e"}]}"#, true),
        (#"{"alerts": [{"url": "https://h", "name": "two words"}]}"#, false), (#"{"alerts": [{"url": "h"}]}"#, false),
        (#"{"alerts": [{"url": "https://h", "shape": "slack", "batch": 2}]}"#, false), (#"{"limits": {"outbox": 10}}"#, true), (#"{"limits": {"outbox": 0}}"#, false), (#"{"alerts": []}"#, false),
        (#"{"late": {"path": "l"}}"#, true), (#"{"late": {}}"#, false), (#"{"late": "l"}"#, false), (#"{"rejects": {"path": null}}"#, false),
        (#"{"state": {"directory": "s"}}"#, true), (#"{"state": {}}"#, false),
        (#"{"state": {"directory": "s", "checkpoint_every": "1m30s", "on_rule_change": "fail"}}"#, true),
        (#"{"state": {"directory": "s", "checkpoint_every": "30s1m"}}"#, false), (#"{"state": {"directory": "s", "checkpoint_every": ""}}"#, false),
        (#"{"state": {"directory": "s", "checkpoint_every": 10}}"#, false), (#"{"state": {"directory": "s", "checkpoint_every": "10"}}"#, false),
        (#"{"state": {"directory": "s", "on_rule_change": "kep"}}"#, false), (#"{"drain": true}"#, true), (#"{"drain": 1}"#, false),
        (#"{"drain": null}"#, false), (#"{"limits": {"workers": 1}}"#, true), (#"{"limits": {"workers": 256}}"#, true),
        (#"{"limits": {"workers": 0}}"#, false), (#"{"limits": {"workers": 257}}"#, false), (#"{"limits": {"workers": 2.0}}"#, true),
        (#"{"limits": {"workers": 2.5}}"#, false), (#"{"limits": {"workers": "2"}}"#, false), (#"{"limits": {"workers": "${TWO}"}}"#, true),
        (#"{"limits": {"memory": "512M", "reorder_memory": 1048576}}"#, true), (#"{"limits": {"memory": "512MB"}}"#, false),
        (#"{"limits": {"memory": "256mib"}}"#, true), (#"{"limits": {"memory": 1}}"#, false), (#"{"limits": {"memory": "1.5G"}}"#, false),
        (#"{"limits": {"memory": 1e300}}"#, false), (#"{"limits": {}}"#, true), (#"{"limits": []}"#, false), (#"{"log": {}}"#, true),
        (#"{"log": {"format": "json", "level": "error", "quiet": true}}"#, true), (#"{"log": {"format": "xml"}}"#, false),
        (#"{"log": {"levle": "info"}}"#, false), ("[]", false), ("1", false),
    ]

    /// What only the program can see: what stands in the environment, what an address is, and what goes together only in parts.
    static let programAlone: Set<String> = [
        #"{"inputs": [{"path": "a", "name": "${HOME}"}]}"#, #"{"alerts": [{"url": "h"}]}"#, #"{"alerts": [{"url": "https://h", "shape": "slack", "batch": 2}]}"#,
    ]

    static let environment = [
        "YES": "true", "TWO": "2", "HOME": "/root", "HOOK": "https://example.com/x", "SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ]

    @Test func theReaderJudgesAsWeDo() throws {
        let session = try Session()
        for (place, (text, _)) in Self.judged.enumerated() { try session.write("\(place).json", text) }
        let outcome = try session.run(
            "for i in $(seq 0 \(Self.judged.count - 1)); do needletail config $i.json > out 2> err; echo $?; done", environment: Self.environment)
        #expect(outcome.lines.count == Self.judged.count)
        for ((text, isGood), status) in zip(Self.judged, outcome.lines) { #expect(status == (isGood ? "0" : "2"), "\(text)") }
    }

    /// An implementation of JSON Schema that is not ours: Debian's python3-jsonschema.
    @Test func aValidatorJudgesAsTheReaderDoes() throws {
        let session = try Session(["judge.py": """
            import json, sys
            from jsonschema import Draft202012Validator
            schema = json.load(open(sys.argv[1]))
            Draft202012Validator.check_schema(schema)
            validator = Draft202012Validator(schema)
            for name in sys.argv[2:]:
                print(validator.is_valid(json.load(open(name))))

            """])
        for (place, (text, _)) in Self.judged.enumerated() { try session.write("\(place).json", text) }
        try session.write("example.json", try ConfigurationTests.example())
        try session.write("empty.json", "{}")
        let schema = Program.repository.appendingPathComponent("docs/needletail.schema.json").path
        let outcome = try session.run(
            "needletail config empty.json > resolved.json && /usr/bin/python3 judge.py '\(schema)' $(seq -f %g.json 0 \(Self.judged.count - 1)) example.json resolved.json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.lines.count == Self.judged.count + 2)
        #expect(outcome.lines.suffix(2) == ["True", "True"])
        for ((text, isGood), verdict) in zip(Self.judged, outcome.lines) where !Self.programAlone.contains(text) {
            #expect(verdict == (isGood ? "True" : "False"), "\(text)")
        }
    }

    // MARK: - The table

    static func tables(_ table: ConfigurationTable) -> [ConfigurationTable] {
        [table] + table.keys.flatMap { key -> [ConfigurationTable] in
            switch key.kind {
            case .section(let inner), .list(of: .section(let inner), _): tables(inner)
            default: []
            }
        }
    }

    @Test func everyKeyIsExplainedAndItsExampleIsInOrder() throws {
        // Examples of secrets name variables.
        for name in ["WEBHOOK_SECRET", "PAGERDUTY_KEY", "TOKEN"] { setenv(name, "x", 1) }
        for table in Self.tables(.run) {
            #expect(Set(table.keys.map(\.name)).count == table.keys.count)
            for key in table.keys {
                #expect(key.help.hasSuffix("."), "\(key.name)")
                var reader = ConfigurationReader(folder: "")
                let json = try PlacedJSON(object: Array("{\"\(key.name)\": \(key.example)}".utf8))
                guard case .object(let members) = json.content else { continue }
                _ = reader.value(members[0].value, key.kind, key, at: key.name)
                #expect(reader.mistakes == [], "\(key.name)")
            }
            for name in table.requires.joined() { #expect(table.keys.contains { $0.name == name }) }
        }
    }

    @Test func aWebhookIsWhatTheFileSays() throws {
        let session = try Session(["t.json": #"{"a": "{rule}"}"#, "key": "R0UT1NG\n", "ca.pem": "-----BEGIN CERTIFICATE-----"])
        let text = #"{"alerts": [{"path": "-"}, {"url": "https://127.0.0.1:9/x", "name": "ops", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "template": "t.json", "headers": {"Authorization": "Bearer b"}, "severity": "high", "rules": ["a*", "b"], "tags": ["t"], "rate": 7, "in_flight": 3, "timeout": "2s", "connect_timeout": "1s", "max_age": "2h", "ca_file": "ca.pem", "allow_private": true}, {"url": "https://h/", "batch": 9, "linger": "1s"}, {"url": "https://events.pagerduty.com/v2/enqueue", "name": "pager", "routing_key_file": "key"}]}"#
        var options = Options()
        options.take(try Configuration(path: session.folder.path + "/n.json", bytes: Array(text.utf8)))
        #expect(options.alerts == ["-"] && options.webhookSpecs.count == 3)
        let webhooks = try options.webhooks()
        #expect(webhooks.count == 3)
        let (ops, route) = (webhooks[0].endpoint, webhooks[0].route)
        #expect(ops.name == "ops" && ops.secrets.count == 2 && ops.headers.map(\.name) == ["Authorization"] && ops.headers[0].value == "Bearer b")
        #expect(ops.inFlightMax == 3 && ops.timeoutMilliseconds == 2000 && ops.connectTimeoutMilliseconds == 1000 && ops.allowsPrivateAddresses)
        #expect(ops.delivery.ageMaxMicroseconds == 7_200_000_000 && ops.delivery.alertsPerSecondMax == 7 && ops.delivery.batchMax == 1)
        #expect(ops.caFile == session.folder.path + "/ca.pem")
        #expect(route.severityMin == "high" && route.rules == ["a*", "b"] && route.tags == ["t"])
        if case .template = ops.shape {} else { Issue.record("\(ops.shape)") }
        #expect(webhooks[1].endpoint.delivery.batchMax == 9 && webhooks[1].endpoint.delivery.lingerMicroseconds == 1_000_000 && webhooks[1].endpoint.shape == .alert)
        #expect(webhooks[1].endpoint.name.hasPrefix("h-"))
        if case .pagerDuty = webhooks[2].endpoint.shape {} else { Issue.record("\(webhooks[2].endpoint.shape)") }
        var said = "\(webhooks) \(options.webhookSpecs)"
        dump(webhooks, to: &said)
        dump(options.webhookSpecs, to: &said)
        dump(options, to: &said)
        for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "Bearer b", "R0UT1NG", "AAECAwQF", "127.0.0.1:9/x"] { #expect(!said.contains(secret), "\(secret)") }
        // Files are looked at before anything runs.
        for (name, text, says) in [
            ("t.json", #"{"a": "{rul}"}"#, "alerts[1].template: \(session.folder.path)/t.json:1:9: an alert has no `rul`"), ("ca.pem", "x", "alerts[1].ca_file: \(session.folder.path)/ca.pem: it holds nothing in PEM"),
        ] {
            let before = try session.read(name)
            try session.write(name, text)
            do throws(UsageError) {
                _ = try options.webhooks()
                Issue.record("\(text) is in order")
            } catch {
                #expect(error.message.contains(says), "\(error.message)")
            }
            try session.write(name, before)
        }
        // What flags say of webhooks replaces all of them.
        options = Options(alerts: ["https://example.com/x"], webhookBatch: 5, webhookLinger: 9_000, given: ["--alerts", "--batch"])
        options.take(try Configuration(path: session.folder.path + "/n.json", bytes: Array(text.utf8)))
        #expect(try options.webhooks().map(\.endpoint.delivery.batchMax) == [5] && options.webhooks().map(\.endpoint.delivery.lingerMicroseconds) == [9_000])
    }

    @Test func flagsAndTheFileLeadToTheSameOptions() throws {
        let text = #"{"state": {"directory": "d", "checkpoint_every": "1s", "on_rule_change": "fail"}, "limits": {"memory": "1G", "reorder_memory": "2G"}, "inputs": [{"path": "p", "journal": true}, {"path": "q"}]}"#
        var options = Options()
        options.take(try Configuration(path: "conf/n.json", bytes: Array(text.utf8)))
        #expect(options.stateDirectory == "conf/d")
        #expect(options.checkpointEvery == 1_000_000)
        #expect(options.failsOnRuleChange)
        #expect(options.memoryBytes == 1 << 30)
        #expect(options.reorderMemoryBytes == 2 << 30)
        let origin = "conf/n.json: inputs:"
        #expect(options.inputs == [InputSpec(stream: nil, spec: "conf/p", journals: true, origin: origin), InputSpec(stream: nil, spec: "conf/q", origin: origin)])
        #expect(options.journals(options.inputs[0]) && !options.journals(options.inputs[1]))
        #expect(options.origin(of: "--state") == "conf/n.json: state:" && options.origin(of: "--late") == "--late")
        // A flag wins, and only where it was given.
        options = Options(checkpointEvery: 5, given: ["--checkpoint-every"])
        options.take(try Configuration(path: "n.json", bytes: Array(text.utf8)))
        #expect(options.checkpointEvery == 5 && options.stateDirectory == "d")
    }

    /// Every beginning of the page's example, and every byte of it left out or replaced: in order, or an error that has a text.
    @Test func noFileTrapsTheReader() throws {
        let bytes = Array(try ConfigurationTests.example().utf8)
        func read(_ changed: [UInt8]) {
            do throws(UsageError) {
                _ = try Configuration(path: "n.json", bytes: changed).resolved(currentFolder: "/", cores: 2)
            } catch {
                #expect(!([error] + error.more).contains { !$0.message.hasPrefix("n.json:") })
            }
        }
        for place in bytes.indices {
            read(Array(bytes[..<place]))
            var changed = bytes
            changed.remove(at: place)
            read(changed)
            for byte in Array("\"{}[],:0-x\n$\\".utf8) + [0x00, 0x80, 0xFF] {
                changed = bytes
                changed[place] = byte
                read(changed)
            }
        }
    }

    // MARK: - Secrets

    static func read(_ text: String, in folder: String = "") throws -> (section: ConfigurationSection, mistakes: [ConfigurationMistake]) {
        var reader = ConfigurationReader(folder: folder)
        let json = try PlacedJSON(object: Array(text.utf8))
        guard case .object(let members) = json.content else { return (ConfigurationSection(), []) }
        let section = reader.section(members, .alerts, at: "alerts[0]", offset: json.offset)
        return (section, reader.mistakes)
    }

    @Test func aSecretStandsInTheFileOrInOneOfItsOwn() throws {
        let session = try Session(["plain": "s3cret", "line": "s3cret\n", "dos": "s3cret\r\n", "inner": "s3\ncret\n\n"])
        let folder = session.folder.path
        let (plain, none) = try Self.read(#"{"url": "https://h/x", "secret": "s3cret"}"#)
        #expect(none == [])
        #expect(plain.text("secret")?.value == "s3cret")
        #expect(Configuration.json(plain, "/").description == #"{"url":"***","secret":"***"}"#)
        for (name, value) in [("plain", "s3cret"), ("line", "s3cret"), ("dos", "s3cret"), ("inner", "s3\ncret\n")] {
            let (section, mistakes) = try Self.read("{\"url\": \"https://h/x\", \"secret_file\": \"\(name)\"}", in: folder)
            #expect(mistakes == [])
            #expect(section.text("secret")?.value == value)
            #expect(Configuration.json(section, "/").description == "{\"url\":\"***\",\"secret_file\":\"\(folder)/\(name)\"}")
        }
    }

    @Test func mistakesNeverShowASecret() throws {
        let session = try Session(["empty": "\n", "nul": "a\0b", "x": "5551234", "long": String(repeating: "x", count: 70_000)])
        try session.write("bytes", Data([0xFF, 0xFE]))
        let folder = session.folder.path
        for (text, says) in [
            (#"{"url": "https://h", "secret": 5551234}"#, "alerts[0].secret is no such value; it must be a text in quotes"),
            (#"{"url": "https://h", "secret": ""}"#, "alerts[0].secret is empty"),
            (#"{"url": "https://h", "secret": "5551234${NOT_SET_HERE}"}"#, "alerts[0].secret: the environment variable NOT_SET_HERE is not set"),
            (#"{"url": "https://h", "secret": "5551234", "secret_file": "x"}"#, "alerts[0].secret is given twice, as itself and as a file"),
            (#"{"url": "https://h", "secret_file": "x", "secret": "5551234"}"#, "alerts[0].secret is given twice, as itself and as a file"),
            (#"{"url": "https://h", "secret_file": "missing"}"#, "alerts[0].secret_file \(folder)/missing: there is no such file"),
            (#"{"url": "https://h", "secret_file": "empty"}"#, "it is empty"), (#"{"url": "https://h", "secret_file": "nul"}"#, "it holds no text"),
            (#"{"url": "https://h", "secret_file": "bytes"}"#, "it holds no text"), (#"{"url": "https://h", "secret_file": "."}"#, "it is a folder"),
            (#"{"url": "https://h", "secret_file": ["5551234"]}"#, "alerts[0].secret_file is a list; it must be a path"),
            (#"{"url": "https://h", "secret_fil": "5551234"}"#, "there is no key `alerts[0].secret_fil`"),
            (#"{"url": "https://h", "path_file": "x"}"#, "there is no key `alerts[0].path_file`"),
            (#"{"secret": "5551234"}"#, "alerts[0] needs `path` or `url`"),
            (#"{"url": "https://h", "path": "5551234"}"#, "alerts[0] has `path` and `url`, and must have only one of them"),
        ] {
            let (_, mistakes) = try Self.read(text, in: folder)
            #expect(mistakes.count == 1 && mistakes[0].message.contains(says), "\(text): \(mistakes)")
            #expect(!mistakes.contains { ($0.message + ($0.hint ?? "")).contains("5551234") }, "\(mistakes)")
        }
        let (_, near) = try Self.read(#"{"url": "https://h", "secret_fil": "x"}"#)
        #expect(near.first?.hint == "did you mean `secret_file`?")
    }

    @Test func theSchemaKnowsBothFormsOfASecret() throws {
        let schema = ConfigurationSchema.document(.alerts)
        for name in ["path", "url", "url_file", "secret", "secret_file"] { #expect(schema["properties"]?[name] != nil, "\(name)") }
        let rules = schema["allOf"]?.description ?? ""
        for rule in [
            #"[{"not":{"required":["url","url_file"]}},{"not":{"required":["secret","secret_file"]}},{"not":{"required":["routing_key","routing_key_file"]}},"#,
            #"{"oneOf":[{"required":["path"]},{"required":["url"]},{"required":["url_file"]}]},{"anyOf":[{"required":["url"]},{"required":["url_file"]},{"not":{"anyOf":[{"required":["name"]},"#,
        ] { #expect(rules.contains(rule), "\(rules)") }
    }
}
