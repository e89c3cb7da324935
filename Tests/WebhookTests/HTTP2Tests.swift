import Foundation
import Testing

@testable import Connectors
import StateStores
import Streaming

/// Delivery to a server that speaks HTTP/2 alone (fixtures/webhooks/http2-server.py).
@Suite struct HTTP2Tests {
    private struct Taken: Decodable {
        var connection: Int
        var stream: Int
        var `protocol`: String
        /// So many streams were open on the connection at a time, up to then.
        var most: Int
        var method: String
        var path: String
        var id: String
        var signature: String?
        var body: String
    }

    private func deliver(_ count: UInt64, _ mode: String) throws -> (taken: [Taken], status: WebhookStatus) {
        let tls = Files.webhooks + "/tls/"
        let server = try OtherProgram("/usr/bin/python3", { [Files.webhooks + "/http2-server.py", $0.path, tls + "server.pem", tls + "server.key", mode] })
        let port = try server.wait(for: "port") { Int($0) }
        var endpoint = try WebhookEndpoint(
            name: "ops", url: "https://localhost:\(port)/hook", secrets: [WebhookSecret(SenderTests.secretText)], allowsPrivateAddresses: true)
        endpoint.caFile = tls + "trusted.pem"
        let outbox = MemoryOutbox()
        try SenderTests.fill(outbox, "ops", 0..<count, lanes: count)
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: SystemClock())
        sender.start()
        #expect(sender.waitUntilDelivered(timeoutMicroseconds: 30_000_000), "\(sender.current) \(server.text("said").suffix(2000))")
        sender.stop()
        let taken = try server.text("got").split(separator: "\n").map { try JSONDecoder().decode(Taken.self, from: Data($0.utf8)) }
        for one in taken {
            #expect(one.protocol == "h2" && one.method == "POST" && one.path == "/hook" && one.signature?.hasPrefix("v1,") == true)
            #expect(Array(one.body.utf8) == sampleAlert(UInt64(one.id.dropFirst(2)) ?? 0).body)
        }
        #expect(Set(taken.map(\.id)).count == Int(count) && outbox.endpoints.allSatisfy { $0.dead == 0 })
        return (taken, sender.current)
    }

    @Test func manyStreamsShareOneConnection() throws {
        let (taken, status) = try deliver(400, "calm")
        #expect(taken.count == 400 && status.attempts == 400)
        #expect(Set(taken.map(\.connection)).count == 1)
        #expect(Set(taken.map(\.stream)).count == 400)
        #expect((taken.map(\.most).max() ?? 0) > 8)
    }

    /// What a connection's end leaves open is sent again, on another.
    @Test(arguments: ["goaway", "close"]) func whatWasUnderWayAtAnEndIsSentAgain(_ mode: String) throws {
        let (taken, status) = try deliver(200, mode)
        #expect(Set(taken.map(\.connection)).count >= 4)
        #expect(status.givenUp == 0 && taken.count >= 200, "\(status)")
        // After a GOAWAY libcurl knows what nobody has looked at, and sends it again by itself: that is no attempt of ours.
        if mode == "close" { #expect(status.attempts > 200, "\(status)") }
    }

    @Test func streamsThatAreRefusedAreSentAgain() throws {
        let (taken, status) = try deliver(150, "refuse")
        #expect(taken.count == 150 && status.givenUp == 0)
    }
}
