import Foundation
import Testing

/// Secrets of every place where there may be one, in runs and commands that go well and badly: they are in nothing that is said, written or
/// shown of the process.
@Suite struct SecretTests {
    /// What is planted, by what it is. Each is long and of its own, so that what is found is no accident.
    private struct Plants {
        private(set) var words: [String: String] = [:]

        mutating func word(_ what: String) -> String {
            let word = "PLANT\(words.count)x" + UUID().uuidString.replacingOccurrences(of: "-", with: "")
            words[what] = word
            return word
        }

        mutating func add(_ what: String, _ word: String) { words[what] = word }

        /// A signing secret: neither its text nor its bytes may be seen.
        mutating func signing(_ what: String) -> String {
            let key = word(what + ", its bytes").prefix(36)
            words[what + ", its bytes"] = String(key)
            let text = Data(key.utf8).base64EncodedString()
            words[what] = text
            return "whsec_" + text
        }
    }

    private var plants = Plants()
    private let session: Session
    private let receiver: Receiver
    private var environment: [String: String] = [:]
    /// What holds secrets on purpose.
    private static let sources: Set<String> = ["good.json", "bad.json", "broken.json", "literal.json", "client.key", "routing.key", "signing.key", "address"]

    init() throws {
        session = try Session(["r.rule": pairRule, "e": (0..<40).map { "{\"type\":\"a\",\"ts\":\($0),\"k\":\($0)}\n{\"type\":\"b\",\"ts\":\($0),\"k\":\($0)}\n" }.joined()])
        receiver = try Receiver(beside: session)
        try plantVariables()
        try plantFiles()
    }

    private mutating func plantVariables() throws {
        let place = receiver.url
        environment = [
            "SIGN": plants.signing("signing secret") + " " + plants.signing("second signing secret"),
            "HOOK": "\(place)/\(plants.word("path"))?\(plants.word("query name"))=\(plants.word("query value"))#\(plants.word("fragment"))",
            "CONFIG_HOOK": "\(place)/\(plants.word("path of the configuration"))", "TOKEN": plants.word("bearer token"), "ROUTING": plants.word("routing key"),
            "UNUSED_SECRET": plants.word("variable that nobody names"),
            "NOT_BASE64": "whsec_\(plants.word("secret that is no base64"))!", "TOO_SHORT": "whsec_\(plants.word("secret that is short").prefix(12))",
            "NO_PREFIX": plants.word("secret without its prefix"), "USER": "https://\(plants.word("user")):\(plants.word("password"))@example.com/",
            "FTP": "ftp://example.com/\(plants.word("path of another scheme"))", "KAFKA": "kafka://example.com/\(plants.word("path of a broker"))",
            "SPACE": "https://exa mple.com/\(plants.word("path of no address"))", "PLAIN": "http://example.com/\(plants.word("path without TLS"))",
            "METADATA": "https://169.254.169.254/\(plants.word("path of a metadata service"))", "PRIVATE": "https://10.0.0.1/\(plants.word("path of a private address"))",
            "NOWHERE": "https://nowhere.invalid/\(plants.word("path of a name that is none"))", "TLS": place.replacingOccurrences(of: "http:", with: "https:") + "/" + plants.word("path where nobody speaks TLS"),
            "HEADER_LINES": "\(plants.word("header of two lines"))\nX: y",
        ]
        environment["SWIFT_BACKTRACE"] = "enable=no"
    }

    private mutating func plantFiles() throws {
        let key = try String(contentsOf: Program.repository.appendingPathComponent("fixtures/webhooks/tls/client.key"), encoding: .utf8)
        for (number, line) in key.split(separator: "\n").dropFirst().dropLast().enumerated() where line.count > 20 { plants.add("client key, line \(number)", String(line)) }
        try session.write("client.key", key)
        let certificate = try String(contentsOf: Program.repository.appendingPathComponent("fixtures/webhooks/tls/client.pem"), encoding: .utf8)
        try session.write("client.pem", certificate)
        try session.write("routing.key", plants.word("routing key in a file") + "\n")
        try session.write("signing.key", plants.signing("signing secret in a file") + "\n")
        try session.write("address", "\(receiver.url)/\(plants.word("path in a file"))\n")
        let rest = "\"allow_private\": true"
        try session.write(
            "good.json",
            """
            {"rules": ["r.rule"], "inputs": [{"path": "e"}], "alerts": [
              {"url": "${CONFIG_HOOK}", "name": "ops", "secret": "${SIGN}", "headers": {"Authorization": "Bearer ${TOKEN}", "X-Key": "\(plants.word("header in the configuration"))"}, "certificate_file": "client.pem", "key_file": "client.key", \(rest)},
              {"url_file": "address", "name": "file", "secret_file": "signing.key", \(rest)},
              {"url": "${CONFIG_HOOK}/pager", "name": "pager", "routing_key": "${ROUTING}", \(rest)},
              {"url": "${CONFIG_HOOK}/pager2", "name": "pager2", "routing_key_file": "routing.key", \(rest)}]}
            """)
        try session.write(
            "literal.json",
            """
            {"rules": ["r.rule"], "alerts": [{"url": "\(receiver.url)/\(plants.word("path in the configuration"))", "name": "ops", "secret": "\(plants.signing("signing secret in the configuration"))", "routing_key": "\(plants.word("routing key in the configuration"))", "shape": "pagerduty", \(rest)}]}
            """)
        try session.write(
            "bad.json",
            """
            {"rules": ["r.rule"], "alerts": [
              {"url": "${USER}"}, {"url": "${FTP}"}, {"url": "${SPACE}"}, {"url": "${PLAIN}"}, {"url": "${METADATA}"}, {"url": "${PRIVATE}"},
              {"url": "${CONFIG_HOOK}", "secret": "${NOT_BASE64}", \(rest)}, {"url": "${CONFIG_HOOK}", "secret": "${TOO_SHORT}", "rate": 0, \(rest)},
              {"url": "${CONFIG_HOOK}", "secret": "${NO_PREFIX}", "shape": "slack", "routing_key": "${ROUTING}", \(rest)},
              {"url": "${HOOK}", "headers": {"Content-Length": "${TOKEN}", "X": "${HEADER_LINES}"}, \(rest)},
              {"url": "${CONFIG_HOOK}", "secret_file": "routing.key", "key_file": "client.key", \(rest)},
              {"url": "\(plants.word("address that is a word"))"}, {"url": "${CONFIG_HOOK}", "secert": "\(plants.word("value of a key that is none"))"}]}
            """)
        try session.write(
            "broken.json",
            "{\"alerts\": [{\"url\": \"https://example.com/\(plants.word("path before a mistake of JSON"))\" \"secret\": \"\(plants.signing("signing secret after a mistake of JSON"))\"}]}")
    }

    // MARK: - What is done

    private static let good = "--alerts '${HOOK}' --webhook-allow-private --webhook-secret-env SIGN"

    @Test func theyAreFoundNowhere() throws {
        #expect(plants.words.count >= 30)
        var said: [(String, String)] = []
        func run(_ line: String) throws {
            let outcome = try session.run(line, environment: environment)
            said.append((line, outcome.output + outcome.errors))
        }
        let log = ["error", "warning", "info", "debug"].flatMap { level in ["text", "json"].map { "--log-level \(level) --log-format \($0)" } }
        for (number, flags) in log.enumerated() {
            try receiver.setMood(["calm", "410", "wild", "301"][number % 4])
            try run("needletail run r.rule --input e \(Self.good) --state state \(flags)")
            try run("timeout -s TERM 1 needletail run --config good.json --state state2 \(flags)")
        }
        // Nothing answers, or not as it should.
        receiver.stop()
        for flags in log.suffix(2) {
            try run("timeout -s TERM 1 needletail run r.rule --input e \(Self.good) --state state3 \(flags)")
            try run("timeout -s TERM 1 needletail run r.rule --input e --alerts '${NOWHERE}' --alerts '${TLS}' --webhook-allow-private --webhook-secret-env SIGN \(flags)")
            try run("timeout -s KILL 0.5 needletail run r.rule --input e \(Self.good) --state state4 \(flags)")
        }
        try receiver.start()
        for name in ["USER", "FTP", "KAFKA", "SPACE", "PLAIN", "METADATA", "PRIVATE"] {
            try run("needletail run r.rule --input e --alerts '${\(name)}' --webhook-secret-env SIGN --log-level debug")
            try run("needletail run r.rule --input e --alerts \"$\(name)\" --log-level debug --log-format json")
            try run("needletail webhook test '${\(name)}' --webhook-secret-env SIGN")
            try run("needletail webhook test \"$\(name)\"")
        }
        try run("needletail run r.rule --input e --alerts \"$HOOK\" --alerts \"$HOOK\"")
        try run("needletail run r.rule --input e --alerts \"$HOOK\\${OPEN\"")
        try run("needletail webhook test \"${HOOK#http://}\"")
        for name in ["NOT_BASE64", "TOO_SHORT", "NO_PREFIX"] {
            try run("needletail run r.rule --input e --alerts '${HOOK}' --webhook-allow-private --webhook-secret-env \(name) --log-level debug")
            try run("needletail webhook test '${HOOK}' --webhook-allow-private --webhook-secret-env \(name)")
        }
        for file in ["good", "literal", "bad", "broken"] {
            try run("needletail config \(file).json")
            try run("timeout -s TERM 2 needletail run --config \(file).json --input e --state state-\(file) --log-level debug")
            for name in ["ops", "file", "pager", "pager2", "none"] { try run("needletail webhook test \(name) --config \(file).json") }
        }
        for state in ["state", "state2", "state3", "state4", "state-good"] {
            for command in ["state", "deliveries list", "deliveries list --format json", "deliveries retry --all", "deliveries drop --all", "deliveries drop --endpoint x --forget"] {
                let words = command.split(separator: " ", maxSplits: command.hasPrefix("state") ? 0 : 1)
                let line = words.count == 1 ? "needletail \(command) \(state)" : "needletail deliveries \(words[1].split(separator: " ")[0]) \(state) \(words[1].split(separator: " ").dropFirst().joined(separator: " "))"
                try run(line)
            }
        }
        try run("needletail webhook test '${HOOK}' --webhook-allow-private --webhook-secret-env SIGN")
        try receiver.setMood("410")
        try run("needletail webhook test '${HOOK}' --webhook-allow-private --webhook-secret-env SIGN --webhook-shape slack")
        said.append(("what is seen of a process", try seen()))
        // They were used, though.
        let taken = try receiver.taken()
        #expect(taken.contains { $0.signature.hasPrefix("v1,") && $0.signature.contains(";v1,") } && taken.contains { $0.body.contains(plants.words["routing key"] ?? "-") })
        try look(said)
    }

    /// The process as others see it, while it runs, is asked things and is killed.
    private func seen() throws -> String {
        try receiver.setMood("503")
        var seen = ""
        for flags in [["r.rule", "--input", "e", "--alerts", "${HOOK}", "--webhook-allow-private", "--webhook-secret-env", "SIGN"], ["--config", "good.json"]] {
            let child = try Child(["run"] + flags + ["--follow", "--state", "seen\(flags.count)", "--log-level", "debug"], in: session.folder, environment: environment)
            for pass in 0..<20 {
                for file in ["cmdline", "comm", "status", "stat", "maps"] {
                    seen += (try? String(decoding: Data(contentsOf: URL(fileURLWithPath: "/proc/\(child.pid)/\(file)")), as: UTF8.self)) ?? ""
                }
                for thread in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/task")) ?? [] {
                    seen += (try? String(contentsOfFile: "/proc/\(child.pid)/task/\(thread)/comm", encoding: .utf8)) ?? ""
                }
                if pass == 5 { child.signal(SIGHUP) }
                if pass == 10 { seen += try session.run("needletail deliveries retry seen\(flags.count) --all; needletail savepoint seen\(flags.count) sp\(flags.count)", environment: environment).errors }
                usleep(20_000)
            }
            #expect(seen.contains("needletail"))
            child.killNow()
        }
        return seen
    }

    // MARK: - Where is looked

    private func look(_ said: [(String, String)]) throws {
        var found: [String] = []
        for (line, text) in said {
            for (what, word) in plants.words where text.contains(word) { found.append("\(what): said by \(line)") }
        }
        var (files, bytes) = (0, 0)
        let all = try #require(FileManager.default.enumerator(atPath: session.folder.path))
        for case let name as String in all where !Self.sources.contains(name) {
            guard let content = FileManager.default.contents(atPath: session.folder.path + "/" + name) else { continue }
            files += 1
            bytes += content.count
            for (what, word) in plants.words where content.range(of: Data(word.utf8)) != nil || name.contains(word) { found.append("\(what): in \(name)") }
        }
        print("secrets: \(plants.words.count) planted, looked for in what \(said.count) commands said and in \(files) files of \(bytes >> 10) KiB")
        #expect(said.count > 80 && files > 30)
        #expect(found.isEmpty, "\(found.sorted().prefix(20).joined(separator: "\n"))")
    }
}
