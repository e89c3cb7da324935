import Foundation
import Testing

@testable import Connectors
import StateStores
import Streaming

/// The shape `alertmanager` against the program of Debian's `prometheus-alertmanager`.
@Suite struct AlertmanagerTests {
    private static let packages = URL(fileURLWithPath: Files.webhooks).deletingLastPathComponent().deletingLastPathComponent().path + "/.build/packages"

    /// The real one, on a free port of the loopback, alone and with nobody to notify.
    private func start() throws -> (program: OtherProgram, port: Int) {
        let package = Self.packages + "/prometheus-alertmanager/usr"
        let path = package + "/bin/prometheus-alertmanager"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw OtherProgram.Failure(message: "\(path) is missing: `.ci/packages unpacked`, which `make test` begins with, fetches it")
        }
        // Debian's program has its templates where only an installed package puts them. Its copy looks into the folder that it runs in: the
        // place it names is written over by one of the same length.
        var content = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = "/usr/share/prometheus/alertmanager"
        let here = Data(String(repeating: "./", count: place.utf8.count / 2).utf8)
        while let found = content.range(of: Data(place.utf8)) { content.replaceSubrange(found, with: here) }
        let files = [
            "alertmanager": content, "alertmanager.yml": Data("route:\n  receiver: nobody\nreceivers:\n- name: nobody\n".utf8),
            "default.tmpl": try Data(contentsOf: URL(fileURLWithPath: package + "/share/prometheus/alertmanager/default.tmpl")),
            "email.tmpl": try Data(contentsOf: URL(fileURLWithPath: package + "/share/prometheus/alertmanager/email.tmpl")),
        ]
        let program = try OtherProgram(
            "alertmanager",
            {
                [
                    "--config.file=\($0.path)/alertmanager.yml", "--storage.path=\($0.path)/data", "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
                ]
            }, files: files)
        let port = try program.wait(for: "said") { said -> Int? in
            guard let range = said.range(of: "msg=\"Listening on\" address=127.0.0.1:") else { return nil }
            return Int(said[range.upperBound...].prefix { $0.isNumber })
        }
        return (program, port)
    }

    private struct Held: Decodable {
        var labels: [String: String]
        var annotations: [String: String]
        var startsAt: String
    }

    private func held(_ port: Int) throws -> [Held] {
        let answer = try get("/api/v2/alerts", port: port)
        return try JSONDecoder().decode([Held].self, from: answer)
    }

    @Test func theRealOneHoldsWhatWasSent() throws {
        let (program, port) = try start()
        var endpoint = try WebhookEndpoint(name: "alertmanager", url: "http://127.0.0.1:\(port)/api/v2/alerts", allowsPrivateAddresses: true)
        endpoint.shape = .alertmanager
        let outbox = MemoryOutbox()
        let number = try outbox.endpoint(named: "alertmanager")
        let keys = [
            #"{"card":"c1"}"#, #"{"card":"c2","user.name":"Ünal <a&b> \"q\" \\ {{ .x }}"}"#, #"{"n":7.5,"ok":true,"none":null,"empty":""}"#, #"{"":"x","1st":"y","severity":"mine"}"#, "{}",
        ]
        let now = SystemClock().wallMicroseconds
        var at = ""
        for (ordinal, key) in keys.enumerated() {
            var buffer = ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(now / 1_000_000 - 60)))
            buffer.removeLast()
            at = buffer + ".250Z"
            let body = """
                {"id":"9f3c\(ordinal)","rule":"card_testing","kind":"match","severity":"high","at":"\(at)","started_at":"\(at)","key":\(key),"summary":"3 probes on \\"c\\" 🚨 {{ .Labels }}","fields":{"probes":3,"list":["a",{"b":"}"}],"a-b":"x","none":null},"tags":["x"],"suppressed":0,"match":{}}
                """
            let (alert, _) = try #require(OutboxAlert.read(Array(body.utf8)[...], ordinal: UInt64(ordinal), appendedMicroseconds: now))
            #expect(try outbox.append([OutboxEntry(alert: alert, endpoints: [number])]) == 1)
        }
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        sender.start()
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000))
        sender.stop()
        #expect(sender.current.delivered == UInt64(keys.count) && sender.current.givenUp == 0, "\(sender.current) \(program.text("said").suffix(2000))")
        let alerts = try held(port).sorted { ($0.annotations["id"] ?? "") < ($1.annotations["id"] ?? "") }
        #expect(alerts.map { $0.annotations["id"] } == (0..<keys.count).map { "9f3c\($0)" })
        for alert in alerts {
            #expect(alert.labels["alertname"] == "card_testing" && alert.labels["severity"] == "high")
            #expect(alert.annotations["summary"] == "3 probes on \"c\" 🚨 {{ .Labels }}")
            #expect(alert.annotations["probes"] == "3" && alert.annotations["list"] == #"["a",{"b":"}"}]"# && alert.annotations["a_b"] == "x")
            #expect(alert.startsAt == at)
        }
        guard alerts.count == keys.count else { return }
        #expect(alerts[0].labels["card"] == "c1")
        #expect(alerts[1].labels["user_name"] == #"Ünal <a&b> "q" \ {{ .x }}"#)
        #expect(alerts[2].labels["n"] == "7.5" && alerts[2].labels["ok"] == "true" && alerts[2].labels["none"] == "unknown" && alerts[2].labels["empty"] == nil)
        #expect(alerts[3].labels["_"] == "x" && alerts[3].labels["_1st"] == "y" && alerts[3].labels["severity_"] == "mine")
    }

    /// What it refuses is a dead letter, with its status.
    @Test func whatTheRealOneRefusesIsADeadLetter() throws {
        let (program, port) = try start()
        // The alert itself is not what it takes.
        let endpoint = try WebhookEndpoint(name: "alertmanager", url: "http://127.0.0.1:\(port)/api/v2/alerts", allowsPrivateAddresses: true)
        let outbox = MemoryOutbox()
        try SenderTests.fill(outbox, "alertmanager", 0..<3)
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        sender.start()
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000))
        sender.stop()
        let letters = try outbox.deadLetters(of: sender.number, from: 0, countMax: 10)
        #expect(letters.count == 3 && letters.allSatisfy { (400..<500).contains($0.burial.lastStatus ?? 0) }, "\(letters) \(program.text("said").suffix(500))")
        #expect(try held(port).isEmpty)
    }

    /// The body of an answer.
    private func get(_ path: String, port: Int) throws -> Data {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        let request = Array("GET \(path) HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".utf8)
        guard isConnected, write(descriptor, request, request.count) == request.count else { throw OtherProgram.Failure(message: "no connection to \(port)") }
        var answer = Data()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { break }
            answer.append(contentsOf: piece[..<count])
        }
        guard answer.starts(with: Data("HTTP/1.0 200".utf8)) || answer.starts(with: Data("HTTP/1.1 200".utf8)), let end = answer.range(of: Data("\r\n\r\n".utf8)) else {
            throw OtherProgram.Failure(message: String(decoding: answer.prefix(300), as: UTF8.self))
        }
        return answer[end.upperBound...]
    }
}
