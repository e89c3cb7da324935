import Foundation
import Testing

/// `needletail webhook test`.
@Suite struct WebhookCommandTests {
    private let session: Session
    private let receiver: Receiver
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    init() throws {
        session = try Session()
        receiver = try Receiver(beside: session)
    }

    private func test(_ more: String = "") throws -> Outcome {
        try session.run(
            "needletail webhook test '${HOOK}' --webhook-allow-private --webhook-secret-env SECRET \(more)",
            environment: ["HOOK": receiver.url + "/hidden?token=hidden", "SECRET": Self.secret])
    }

    @Test func showsTheRequestAndTheAnswer() throws {
        let outcome = try test()
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
        let taken = try #require(try receiver.taken().first)
        #expect(try receiver.taken().count == 1)
        #expect(outcome.output.hasPrefix("POST http://\(receiver.address):\(receiver.port)/… (\(receiver.address)-"), "\(outcome.output)")
        for line in ["Content-Type: application/json", "webhook-id: \(taken.id)", "webhook-signature: \(taken.signature)", taken.body] {
            #expect(outcome.lines.contains(line), "\(line)")
        }
        #expect(outcome.output.contains("\nwebhook-timestamp: 1") && outcome.output.contains(" ms: it was taken\n"))
        let alert = try #require(try parsed(taken.body).first)
        #expect(alert["rule"] as? String == "webhook_test" && alert["id"] as? String == taken.id && alert["severity"] as? String == "info")
        #expect(!outcome.output.contains("hidden") && !outcome.output.contains(Self.secret.dropFirst(6)))
        // Each is another alert.
        #expect(try test().status == 0)
        #expect(Set(try receiver.taken().map(\.id)).count == 2)
    }

    @Test(arguments: [("410", "HTTP 410: the endpoint is gone"), ("503", "HTTP 503"), ("301", "HTTP 301: it redirects, which is not followed")])
    func aRefusalIsStatus3(_ status: String, _ answer: String) throws {
        try receiver.setMood(status)
        let outcome = try test()
        #expect(outcome.status == 3 && outcome.output.contains(" ms: \(answer)\n"), "\(outcome.output)")
        #expect(outcome.errors.contains("has not taken the alert: \(answer)"), "\(outcome.errors)")
        #expect(!(outcome.output + outcome.errors).contains("hidden"))
        #expect(try receiver.taken().isEmpty)
    }

    @Test func nobodyIsThere() throws {
        receiver.stop()
        let outcome = try test()
        #expect(outcome.status == 3 && outcome.errors.contains("has not taken the alert: "), "\(outcome.errors)")
    }

    @Test func aWebhookIsCalledByItsName() throws {
        try session.write("key", "routing-hidden\n")
        try session.write(
            "needletail.json",
            """
            {"alerts": [{"url": "${HOOK}", "name": "ops", "allow_private": true, "secret": "${SECRET}", "headers": {"Authorization": "Bearer ${TOKEN}"}},
                        {"url": "${HOOK}", "name": "pager", "allow_private": true, "routing_key_file": "key"}]}
            """)
        let environment = ["HOOK": receiver.url + "/hidden", "SECRET": Self.secret, "TOKEN": "hidden"]
        let outcome = try session.run("needletail webhook test ops", environment: environment)
        #expect(outcome.status == 0 && outcome.output.contains("(ops)") && outcome.output.contains("\nAuthorization: …\n"), "\(outcome.errors)")
        #expect(try receiver.taken().first?.signature.hasPrefix("v1,") == true)
        let pager = try session.run("needletail webhook test pager --config needletail.json", environment: environment)
        #expect(pager.status == 0 && pager.output.contains("\"routing_key\":\"…\""), "\(pager.errors)")
        #expect(try receiver.taken().last?.body.contains("routing-hidden") == true)
        let other = try session.run("needletail webhook test opps", environment: environment)
        #expect(other.status == 2 && other.errors.contains("needletail.json has no webhook called opps") && other.errors.contains("did you mean `ops`?"), "\(other.errors)")
        let flag = try session.run("needletail webhook test ops --webhook-allow-private", environment: environment)
        #expect(flag.status == 2 && flag.errors.contains("--webhook-allow-private is for an address"), "\(flag.errors)")
        for outcome in [outcome, pager, other, flag] { #expect(!(outcome.output + outcome.errors).contains("hidden")) }
    }

    @Test(arguments: [
        ("needletail webhook", "does `test` with one name or address"), ("needletail webhook tset https://example.com", "does `test` with one name or address"),
        ("needletail webhook test", "does `test` with one name or address"), ("needletail webhook test ftp://example.com/hidden", "begins with https://"),
        ("needletail webhook test http://example.com/hidden", "is not encrypted"), ("needletail webhook test https://127.0.0.1/hidden", "is private"),
        ("needletail webhook test https://169.254.169.254/hidden --webhook-allow-private", "never allowed"),
        ("needletail webhook test '${NONE}'", "NONE is not set"),
        ("needletail webhook test ops", "there is no needletail.json here"), ("needletail webhook test kafka://host/hidden", "begins with https://, not kafka://…"), ("needletail webhook test https://example.com/hidden --webhook-secret-env NONE", "NONE"),
    ])
    func wrongUsageIsStatus2(_ line: String, _ says: String) throws {
        let outcome = try session.run(line)
        #expect(outcome.status == 2 && outcome.errors.contains(says) && outcome.output == "", "\(outcome.errors)")
        #expect(!outcome.errors.contains("hidden"))
    }
}
