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
        (#"{"alerts": [{"path": "-"}]}"#, true), (#"{"alerts": [{"url": "https://h"}]}"#, false), (#"{"alerts": []}"#, false),
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

    /// What only the program can see: what stands in the environment.
    static let programAlone: Set<String> = [#"{"inputs": [{"path": "a", "name": "${HOME}"}]}"#]

    static let environment = ["YES": "true", "TWO": "2", "HOME": "/root"]

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
        for table in Self.tables(.run) {
            #expect(Set(table.keys.map(\.name)).count == table.keys.count)
            for key in table.visibleKeys {
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

    /// The keys of a webhook as they will be: a secret by itself or in a file.
    static let hook = ConfigurationTable(
        keys: ConfigurationTable.alerts.keys.map { key in
            var key = key
            key.isMissing = false
            return key
        }, requires: [["path", "url"]])

    static func read(_ text: String, in folder: String = "") throws -> (section: ConfigurationSection, mistakes: [ConfigurationMistake]) {
        var reader = ConfigurationReader(folder: folder)
        let json = try PlacedJSON(object: Array(text.utf8))
        guard case .object(let members) = json.content else { return (ConfigurationSection(), []) }
        let section = reader.section(members, hook, at: "alerts[0]", offset: json.offset)
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
        let schema = ConfigurationSchema.document(Self.hook)
        for name in ["path", "url", "url_file", "secret", "secret_file"] { #expect(schema["properties"]?[name] != nil, "\(name)") }
        #expect(
            schema["allOf"]?.description
                == #"[{"not":{"required":["url","url_file"]}},{"not":{"required":["secret","secret_file"]}},{"oneOf":[{"required":["path"]},{"required":["url"]},{"required":["url_file"]}]}]"#)
    }
}
