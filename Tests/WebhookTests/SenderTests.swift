import Foundation
import Seeds
import Testing

@testable import Connectors
import StateStores
import Streaming

/// The sender with an outbox and a server, as they run.
@Suite struct SenderTests {
    static let secretText = "whsec_" + Base64.encode(Array(40..<72))

    /// Requests that a server has read, by alert.
    final class Log: @unchecked Sendable {
        private let lock = Lock()
        private var requests: [TestRequest] = []

        func note(_ request: TestRequest) { lock.locked { requests.append(request) } }
        var all: [TestRequest] { lock.locked { requests } }
        var ids: [String] { all.map { $0.header("webhook-id") ?? "" } }
    }

    static func fill(_ outbox: any Outbox, _ name: String, _ range: Range<UInt64>, lanes: UInt64 = 4, at time: Int64 = SystemClock().wallMicroseconds) throws {
        let endpoint = try outbox.endpoint(named: name)
        let entries = range.map { OutboxEntry(alert: sampleAlert($0, lanes: lanes, at: time), endpoints: [endpoint]) }
        #expect(try outbox.append(entries) == entries.count)
    }

    @Test func deliversSignedAndInOrder() throws {
        let log = Log()
        let server = try TestServer { request in
            log.note(request)
            return .answer(200)
        }
        defer { server.stop() }
        let secrets = try [WebhookSecret(Self.secretText), WebhookSecret("whsec_" + Base64.encode(Array(1..<25)))]
        var endpoint = try WebhookEndpoint(name: "ops", url: server.url, secrets: secrets, allowsPrivateAddresses: true)
        try endpoint.addHeader("Authorization", "Bearer token")
        let outbox = MemoryOutbox()
        try Self.fill(outbox, "ops", 0..<300)
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        sender.start()
        // Some come while it runs.
        try Self.fill(outbox, "ops", 300..<500)
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000))
        sender.stop()
        #expect(sender.current.delivered == 500 && sender.current.attempts == 500 && sender.current.lastFailure == nil)
        #expect(Set(log.ids).count == 500 && log.ids.count == 500)
        for lane in 0..<4 {
            let ordinals = log.ids.compactMap { Int($0.dropFirst(2)) }.filter { $0 % 4 == lane }
            #expect(ordinals == ordinals.sorted())
        }
        let now = SystemClock().wallMicroseconds / 1_000_000
        for request in log.all {
            let id = try #require(request.header("webhook-id"))
            let time = try #require(Int64(request.header("webhook-timestamp") ?? ""))
            #expect(abs(now - time) < 60)
            #expect(request.body == sampleAlert(UInt64(id.dropFirst(2)) ?? 0).body)
            #expect(request.header("webhook-signature") == secrets.map { $0.signature(id: id, timestamp: time, body: request.body) }.joined(separator: " "))
            #expect(request.header("content-type") == "application/json" && request.header("authorization") == "Bearer token")
            #expect(request.header("expect") == nil && request.head.hasPrefix("POST /hook HTTP/1.1"))
        }
        // Connections are kept.
        #expect(server.connectionCount <= endpoint.inFlightMax)
    }

    @Test func aRestartGoesOnWhereItWas() throws {
        let folder = NSTemporaryDirectory() + "needletail-webhook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = Log()
        let server = try TestServer { request in
            log.note(request)
            return .answer(200, delayMilliseconds: 1)
        }
        defer { server.stop() }
        let endpoint = try WebhookEndpoint(name: "ops", url: server.url, allowsPrivateAddresses: true)
        for part in 0..<5 {
            let outbox = try RocksOutbox(directory: folder)
            try Self.fill(outbox, "ops", UInt64(part) * 100..<UInt64(part + 1) * 100, lanes: 16)
            let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
            sender.start()
            if part < 4 { usleep(20_000) } else { #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000)) }
            sender.stop()
        }
        #expect(log.ids.count == 500 && Set(log.ids).count == 500)
    }

    /// Batches with some that the endpoint cannot take: these alone are dead.
    @Test func batchesAreSignedAndTheBadOnesAloneAreDead() throws {
        let log = Log()
        let server = try TestServer { request in
            log.note(request)
            let ids = (try? JSONSerialization.jsonObject(with: Data(request.body)) as? [[String: Any]])?.compactMap { $0["id"] as? String } ?? []
            return ids.contains { $0.hasSuffix("7") } ? .answer(422) : .answer(200)
        }
        defer { server.stop() }
        let secret = try WebhookSecret(Self.secretText)
        var endpoint = try WebhookEndpoint(name: "ops", url: server.url, secrets: [secret], allowsPrivateAddresses: true)
        endpoint.delivery.batchMax = 25
        endpoint.delivery.lingerMicroseconds = 50_000
        let outbox = MemoryOutbox()
        try Self.fill(outbox, "ops", 0..<503, lanes: 9)
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        sender.start()
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000))
        sender.stop()
        let bad = (0..<503).filter { $0 % 10 == 7 }
        #expect(sender.current.delivered == UInt64(503 - bad.count) && sender.current.givenUp == UInt64(bad.count))
        let letters = try outbox.deadLetters(of: sender.number, from: 0, countMax: 1000)
        #expect(letters.map { Int($0.alert.ordinal) } == bad && letters.allSatisfy { $0.burial.lastStatus == 422 && $0.burial.attempts <= 2 })
        var several = 0
        for request in log.all {
            let id = try #require(request.header("webhook-id"))
            let time = try #require(Int64(request.header("webhook-timestamp") ?? ""))
            #expect(request.header("webhook-signature") == secret.signature(id: id, timestamp: time, body: request.body))
            let alerts = try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [[String: Any]])
            let ids = alerts.compactMap { $0["id"] as? String }
            #expect(id == WebhookEndpoint.requestID(of: ids) && ids.count <= 25)
            several += ids.count > 1 ? 1 : 0
        }
        #expect(several >= 20)
    }

    @Test func anEndpointThatIsDownIsWaitedFor() throws {
        let log = Log()
        let server = try TestServer(number: 20_000) { request in
            log.note(request)
            return .answer(204)
        }
        defer { server.stop() }
        server.pause()
        let endpoint = try WebhookEndpoint(name: "ops", url: server.url, allowsPrivateAddresses: true)
        let outbox = MemoryOutbox()
        let clock = ScaledClock(scale: 100)
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: clock, random: SeededGenerator.shared(5), tuning: .init(timeScale: 100))
        sender.start()
        try Self.fill(outbox, "ops", 0..<200, lanes: 50, at: clock.wallMicroseconds)
        #expect(!sender.waitUntilDelivered(timeoutMicroseconds: 100 * 300_000))
        let down = sender.current
        #expect(down.isEndpointDown && down.delivered == 0 && down.lastFailure != nil)
        // While it is down it is asked now and then, not with every alert.
        #expect(down.attempts >= 3 && down.attempts < 200)
        try server.resume()
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 100 * 20_000_000))
        sender.stop()
        #expect(!sender.current.isEndpointDown && sender.current.givenUp == 0)
        #expect(Set(log.ids).count == 200)
    }

    @Test func deadLettersAreTriedAgainWhenAsked() throws {
        let isOpen = Log()
        let server = try TestServer { request in
            isOpen.all.isEmpty ? .answer(410) : .answer(200)
        }
        defer { server.stop() }
        let endpoint = try WebhookEndpoint(name: "ops", url: server.url, allowsPrivateAddresses: true)
        let outbox = MemoryOutbox()
        try Self.fill(outbox, "ops", 0..<20)
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        sender.start()
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000))
        let letters = try outbox.deadLetters(of: sender.number, from: 0, countMax: 100)
        #expect(letters.map(\.alert.ordinal) == Array(0..<20))
        #expect(letters.allSatisfy { $0.burial.lastStatus == 410 && $0.burial.attempts == 1 && $0.burial.reason == "HTTP 410: the endpoint is gone" })
        isOpen.note(TestRequest(head: "", body: []))
        #expect(try outbox.retry(Array(3..<9), of: sender.number, nowMicroseconds: SystemClock().wallMicroseconds) == 6)
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 20_000_000))
        sender.stop()
        #expect(sender.current.delivered == 6 && outbox.endpoints.map(\.dead) == [14])
    }

    /// Secrets of every place, in a run where everything fails, are in nothing that it leaves or says.
    @Test func secretsAreShownNowhere() throws {
        let folder = NSTemporaryDirectory() + "needletail-webhook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let replies: [TestReply] = [.answer(500), .answer(301, headers: ["Location: /x"]), .garbage, .reset, .answer(404)]
        let turn = Log()
        let server = try TestServer { request in
            turn.note(request)
            return replies[turn.all.count % replies.count]
        }
        defer { server.stop() }
        let key = Array(UInt8(90)..<122)
        let planted = (0..<20).map { "planted-\($0)-\(String(UInt64(0xFEED_0000_0000) + UInt64($0), radix: 16))" }
        let url = server.url + "/" + planted[0] + "?token=" + planted[1] + "&" + planted[2] + "=x"
        let secret = "whsec_" + Base64.encode(key)
        var endpoint = try WebhookEndpoint(url: url, secrets: [WebhookSecret(secret)], allowsPrivateAddresses: true)
        for place in 3..<20 { try endpoint.addHeader("X-Secret-\(place)", planted[place]) }
        endpoint.delivery.ageMaxMicroseconds = 20_000_000
        var said = ""
        do {
            let outbox = try RocksOutbox(directory: folder)
            let clock = ScaledClock(scale: 100)
            try Self.fill(outbox, endpoint.name, 0..<40, lanes: 40, at: clock.wallMicroseconds)
            let sender = try WebhookSender(endpoint, outbox: outbox, clock: clock, random: SeededGenerator.shared(6), tuning: .init(timeScale: 100))
            sender.start()
            while !sender.waitUntilDelivered(timeoutMicroseconds: 1_000_000) { said += "\(sender.current)\n" }
            sender.stop()
            dump(sender.current, to: &said)
            dump(endpoint, to: &said)
            said += "\(endpoint) \(outbox.endpoints) \(try outbox.deadLetters(of: sender.number, from: 0, countMax: 100))"
            #expect(said.contains("HTTP 404"))
        }
        for word in planted { #expect(turn.all.allSatisfy { $0.head.contains(word) }) }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).map { try Data(contentsOf: URL(filePath: folder + "/" + $0)) }
        for word in planted + [secret, String(secret.dropFirst(6)), String(decoding: key, as: UTF8.self)] {
            #expect(!said.contains(word))
            for file in files { #expect(file.range(of: Data(word.utf8)) == nil) }
        }
    }

    /// What goes through in a second, for the eye; the bound leaves room for a busy machine.
    @Test func figure() throws {
        let folder = FileManager.default.currentDirectoryPath + "/.build/needletail-webhook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try TestServer { _ in .answer(204) }
        defer { server.stop() }
        var endpoint = try WebhookEndpoint(name: "ops", url: server.url, secrets: [WebhookSecret(Self.secretText)], allowsPrivateAddresses: true)
        let outbox = try RocksOutbox(directory: folder)
        let count: UInt64 = 10_000
        let appended = try ContinuousClock().measure {
            for part in 0..<count / 100 { try Self.fill(outbox, "ops", part * 100..<(part + 1) * 100, lanes: 1000) }
        }
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        let delivered = ContinuousClock().measure {
            sender.start()
            #expect(sender.waitUntilDelivered(timeoutMicroseconds: 60_000_000))
        }
        sender.stop()
        func rate(_ time: Duration) -> Int { Int(Double(count) / (Double(time.components.attoseconds) / 1e18 + Double(time.components.seconds))) }
        print("webhook: \(rate(appended)) alerts/s appended by the hundred, \(rate(delivered)) alerts/s delivered")
        #expect(rate(delivered) > 500)
        endpoint.delivery.batchMax = 100
        for part in 0..<count / 100 { try Self.fill(outbox, "ops", count + part * 100..<count + (part + 1) * 100, lanes: 1000) }
        let other = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        let batched = ContinuousClock().measure {
            other.start()
            #expect(other.waitUntilDelivered(timeoutMicroseconds: 60_000_000))
        }
        other.stop()
        print("webhook: \(rate(batched)) alerts/s delivered by the hundred, in \(other.current.attempts) requests")
        #expect(rate(batched) > 500 && other.current.attempts < count / 10)
    }
}
