import Foundation
import Testing

@testable import Connectors

/// Signatures of Standard Webhooks 1.0, against those of the package `standardwebhooks` of PyPI; `fixtures/webhooks/make-signatures.py`
/// wrote them down.
@Suite struct SignatureTests {
    private struct Vector: Decodable {
        var secret: String
        var id: String
        var timestamp: Int64
        var body: String
        var signature: String
    }

    @Test func agreesWithAnotherImplementation() throws {
        let data = try Data(contentsOf: URL(filePath: Files.webhooks + "/signatures.json"))
        let vectors = try JSONDecoder().decode([Vector].self, from: data)
        #expect(vectors.count == 24)
        for vector in vectors {
            let secret = try WebhookSecret(vector.secret)
            #expect(secret.signature(id: vector.id, timestamp: vector.timestamp, body: Array(vector.body.utf8)) == vector.signature)
        }
    }

    @Test func secretsAreCheckedAndNotShown() throws {
        let good = "whsec_" + Base64.encode(Array(0..<32))
        #expect(try WebhookSecret("  \(good)\n") == WebhookSecret(good))
        for bad in ["", "whsec_", good.replacingOccurrences(of: "whsec_", with: ""), "whsec_!!!!", "whsec_" + Base64.encode(Array(0..<23)),
            "whsec_" + Base64.encode(Array(0..<65)), "whsec_AA=A" + Base64.encode(Array(0..<30)), "whsec_ä" + Base64.encode(Array(0..<30))] {
            do {
                _ = try WebhookSecret(bad)
                Issue.record("\(bad) was taken")
            } catch {
                #expect(bad.isEmpty || bad == "whsec_" || !error.message.contains(bad))
            }
        }
        let secret = try WebhookSecret(good)
        var shown = "\(secret) \(String(reflecting: secret)) \([secret]) \(Optional(secret) as Any)"
        dump(secret, to: &shown)
        #expect(!shown.contains(good.dropFirst(10).prefix(8)))
        #expect(!shown.contains("31") && shown.contains("whsec_…"))
    }

    @Test func base64GoesBothWays() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
            #expect(Base64.decode(Array(Base64.encode(bytes).utf8)) == bytes)
            #expect(Base64.decode(Array(Base64.encode(bytes).utf8.filter { $0 != 61 })) == bytes)
        }
        for bad in ["A", "====", "A===", "AB=C", "AB CD", "ABC\n", "AAAA====", "=AAA"] { #expect(Base64.decode(Array(bad.utf8)) == nil, "\(bad)") }
    }
}
