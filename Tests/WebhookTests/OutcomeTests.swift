import Foundation
import TLSServer
import Testing

@testable import Connectors
import Streaming

/// What an attempt amounts to.
@Suite struct OutcomeTests {
    private static let noon: Int64 = 1_767_268_800_000_000  // 2026-01-01T12:00:00Z

    private func outcome(_ status: Int, _ retryAfter: String = "") -> DeliveryOutcome {
        DeliveryOutcome(status: status, retryAfter: retryAfter, wallMicroseconds: Self.noon)
    }

    @Test func everyStatusHasItsKind() {
        for status in 0..<1000 {
            switch outcome(status) {
            case .delivered: #expect((200...299).contains(status))
            case .refused(let reason, let noted):
                #expect((300...499).contains(status) && ![408, 425, 429].contains(status) && noted == status && reason.contains("\(status)"))
            case .failed(let reason, let noted, let wait):
                #expect(status < 200 || status >= 500 || [408, 425, 429].contains(status))
                #expect(noted == status && wait == nil && reason == "HTTP \(status)")
            }
        }
    }

    @Test func retryAfterComesInTwoForms() {
        func wait(_ text: String) -> Int64? {
            guard case .failed(_, _, let wait) = outcome(503, text) else { return nil }
            return wait
        }
        #expect(wait("0") == 0)
        #expect(wait("120") == 120_000_000)
        #expect(wait(" 7") == 7_000_000)
        #expect(wait("99999999999999999999999") == .max)
        #expect(wait("9223372036855") == .max)
        #expect(wait("Thu, 01 Jan 2026 12:00:30 GMT") == 30_000_000)
        #expect(wait("Thursday, 01-Jan-26 12:01:00 GMT") == 60_000_000)
        #expect(wait("Thu Jan  1 13:00:00 2026") == 3_600_000_000)
        #expect(wait("Wed, 31 Dec 2025 12:00:00 GMT") == 0)
        for bad in ["", "soon", "-5", "1.5", "12 s", "Thu, 99 Foo 2026"] { #expect(wait(bad) == nil, "\(bad)") }
        #expect(outcome(429, "3") == .failed(reason: "HTTP 429", status: 429, retryAfterMicroseconds: 3_000_000))
    }

    @Test func answersAreReadToABound() throws {
        let cases: [(TestReply, String)] = [
            (.answer(200, body: "fine"), "delivered"), (.answer(204), "delivered"), (.drip(202), "delivered"), (.drip(503), "HTTP 503"),
            // What counts is the head; the rest is not waited for.
            (.huge(100 << 20), "delivered"), (.neverEnds, "delivered"),
            (.answer(301, headers: ["Location: http://169.254.169.254/latest"]), "redirects"), (.answer(307, headers: ["Location: /x"]), "redirects"),
            (.answer(410), "gone"), (.garbage, "failed"), (.reset, "failed"), (.hang(milliseconds: 600), "Timeout"), (.hugeHead, "failed"),
            (.continues, "failed"),
        ]
        for (reply, wanted) in cases {
            let server = try TestServer { _ in reply }
            defer { server.stop() }
            var endpoint = try WebhookEndpoint(url: server.url, allowsPrivateAddresses: true)
            endpoint.timeoutMilliseconds = 400
            let begun = ContinuousClock.now
            let outcome = try AddressTests.outcome(of: endpoint)
            #expect("\(outcome)".contains(wanted), "\(reply): \(outcome)")
            #expect(ContinuousClock.now - begun < .seconds(5))
        }
    }

    @Test func namesThatDoNotResolveAndPortsThatRefuseAreTriedAgain() throws {
        let server = try TestServer { _ in .answer(200) }
        server.stop()
        let refused = try AddressTests.outcome(of: WebhookEndpoint(url: server.url, allowsPrivateAddresses: true))
        guard case .failed(_, nil, nil) = refused else {
            Issue.record("\(refused)")
            return
        }
        var unknown = try WebhookEndpoint(url: "https://needletail.invalid/hook")
        unknown.connectTimeoutMilliseconds = 3_000
        let outcome = try AddressTests.outcome(of: unknown)
        guard case .failed(let reason, nil, nil) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains("resolve") || reason.contains("Timeout"), "\(reason)")
    }

    @Test func certificatesAreVerified() throws {
        let tls = Files.webhooks + "/tls/"
        func outcome(
            _ certificate: String, isOld: Bool = false, asksClient: Bool = false, host: String = "localhost",
            _ change: (inout WebhookEndpoint) -> Void = { _ in }
        ) throws -> DeliveryOutcome {
            let context = nt_tls_server_create(
                tls + certificate + ".pem", tls + certificate + ".key", asksClient ? tls + "trusted.pem" : nil, isOld ? 1 : 0)
            let server = try TestServer(tls: #require(context)) { _ in .answer(200) }
            defer { server.stop() }
            var endpoint = try WebhookEndpoint(url: "https://\(host):\(server.port)/hook", allowsPrivateAddresses: true)
            endpoint.caFile = tls + "trusted.pem"
            endpoint.timeoutMilliseconds = 5_000
            change(&endpoint)
            return try AddressTests.outcome(of: endpoint)
        }
        func fails(_ outcome: DeliveryOutcome, _ word: String) -> Bool {
            guard case .failed(let reason, nil, nil) = outcome else { return false }
            return reason.contains(word)
        }
        #expect(try outcome("server") == .delivered)
        #expect(try outcome("server", host: "127.0.0.1") == .delivered)
        #expect(fails(try outcome("expired"), "expired"))
        #expect(fails(try outcome("elsewhere"), "subject name"))
        #expect(fails(try outcome("unknown"), "certificate"))
        #expect(fails(try outcome("server") { $0.caFile = nil }, "certificate"))
        #expect(fails(try outcome("server", isOld: true), "SSL"))
        #expect(try outcome("server") { $0.caFile = "/nowhere.pem" } != .delivered)
        // The client shows its certificate where it has one.
        #expect(try outcome("server", asksClient: true) != .delivered)
        #expect(
            try outcome("server", asksClient: true) {
                $0.certificateFile = tls + "client.pem"
                $0.keyFile = tls + "client.key"
            } == .delivered)
    }
}
