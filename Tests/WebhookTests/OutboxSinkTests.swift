import Foundation
import Testing

@testable import Connectors
import StateStores
import Streaming

/// From the run into the outbox.
@Suite struct OutboxSinkTests {
    private func line(_ number: Int, rule: String = "r", severity: String = "high", tags: String = "") -> String {
        "{\"id\":\"id\(number)\",\"rule\":\"\(rule)\",\"kind\":\"match\",\"severity\":\"\(severity)\",\"at\":\"2026-03-01T10:04:11.250Z\","
            + "\"key\":{\"card\":\"c\(number % 3)\"},\"summary\":\"s\",\"fields\":{},\"tags\":[\(tags)],\"suppressed\":0,\"match\":{}}\n"
    }

    private func write(_ lines: [String], to sink: OutboxSink) throws {
        // In pieces, as buffers fill.
        for piece in lines { try Array(piece.utf8).withUnsafeBytes { try sink.write($0) } }
        try sink.flush()
    }

    @Test func everyAlertGoesToThoseWhoWantIt() throws {
        let outbox = MemoryOutbox()
        let (all, high, tagged) = (try outbox.endpoint(named: "all"), try outbox.endpoint(named: "high"), try outbox.endpoint(named: "tagged"))
        let sink = OutboxSink(
            outbox: outbox,
            destinations: [
                .init(endpoint: all, route: try WebhookRoute()), .init(endpoint: high, route: try WebhookRoute(severityMin: "high")),
                .init(endpoint: tagged, route: try WebhookRoute(tags: ["fraud"])),
            ], clock: ScaledClock(scale: 1), ordinal: 7)
        try write([line(0), line(1, severity: "low"), line(2, severity: "critical", tags: "\"x\",\"fraud\"")], to: sink)
        try write([], to: sink)
        try write([line(3, rule: "other", severity: "info", tags: "\"fraud\"")], to: sink)
        #expect(sink.ordinal == 11 && outbox.nextOrdinal == 11)
        func rows(_ endpoint: Int) throws -> [OutboxAlert] { try outbox.undelivered(of: endpoint, from: 0, countMax: 99, bytesMax: .max) }
        #expect(try rows(all).map(\.ordinal) == [7, 8, 9, 10])
        #expect(try rows(high).map(\.id) == ["id0", "id2"])
        #expect(try rows(tagged).map(\.id) == ["id2", "id3"])
        let first = try #require(rows(all).first)
        #expect(first.rule == "r" && first.severity == "high" && first.key == Array("{\"card\":\"c0\"}".utf8))
        #expect(first.body == Array(line(0).utf8.dropLast()))
        // Again, as after a restart.
        sink.ordinal = 8
        try write([line(1, severity: "low"), line(2, severity: "critical", tags: "\"x\",\"fraud\"")], to: sink)
        #expect(try rows(all).count == 4 && rows(high).count == 2 && rows(tagged).count == 2)
    }

    @Test func theRunWaitsForRoom() throws {
        let outbox = MemoryOutbox(rowsMax: 3)
        let endpoint = try outbox.endpoint(named: "slow")
        let sink = OutboxSink(
            outbox: outbox, destinations: [.init(endpoint: endpoint, route: try WebhookRoute())], clock: ScaledClock(scale: 1))
        Thread.detachNewThread {
            var delivered = 0
            while delivered < 20 {
                usleep(2000)
                guard let rows = try? outbox.undelivered(of: endpoint, from: 0, countMax: 2, bytesMax: .max) else { return }
                try? outbox.markDelivered(rows.map { OutboxReference(ordinal: $0.ordinal, id: $0.id) }, of: endpoint)
                delivered += rows.count
            }
        }
        try write((0..<20).map { line($0) }, to: sink)
        #expect(sink.ordinal == 20 && sink.waits > 0)
    }

    @Test func aRunThatIsStoppedDoesNotWaitForEver() throws {
        let outbox = MemoryOutbox(rowsMax: 2)
        let endpoint = try outbox.endpoint(named: "dead")
        let sink = OutboxSink(
            outbox: outbox, destinations: [.init(endpoint: endpoint, route: try WebhookRoute())], clock: ScaledClock(scale: 1), isStopped: { true })
        #expect(throws: SinkError.failed("The outbox is full (2 alerts), and its endpoints take none")) { try write((0..<5).map { line($0) }, to: sink) }
        #expect(sink.ordinal == 2)
        #expect(throws: SinkError.failed("What goes to a webhook is no alert")) { try write(["{\"id\":1}\n"], to: sink) }
    }

    @Test func aTrialShowsWhatWasSentWithoutSecrets() throws {
        let server = try TestServer { request in request.header("webhook-signature") == nil ? .answer(401) : .answer(202) }
        defer { server.stop() }
        let alert = try #require(OutboxAlert.read(Array(line(1).utf8.dropLast())[...], ordinal: 0, appendedMicroseconds: 0)).alert
        var endpoint = try WebhookEndpoint(name: "ops", url: server.url, allowsPrivateAddresses: true)
        endpoint.shape = .pagerDuty(routingKey: WebhookKey("R0UT1NG"))
        try endpoint.addHeader("Authorization", "Bearer hunter2")
        let refused = try WebhookTrial.send(alert, to: endpoint, clock: SystemClock())
        #expect(!refused.isDelivered && refused.answer == "HTTP 401")
        endpoint.secrets = [try WebhookSecret(SenderTests.secretText)]
        let taken = try WebhookTrial.send(alert, to: endpoint, clock: SystemClock())
        #expect(taken.isDelivered && taken.headers.contains("webhook-id: id1") && taken.headers.contains { $0.hasPrefix("webhook-signature: v1,") })
        #expect(taken.headers.contains("Authorization: …"))
        #expect(!"\(taken)".contains("hunter2") && !String(decoding: taken.body, as: UTF8.self).contains("R0UT1NG"))
    }
}
