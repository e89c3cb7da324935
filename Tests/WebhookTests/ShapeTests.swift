import Foundation
import Seeds
import Testing

@testable import Connectors

/// The forms of a body, and who gets which alert.
@Suite struct ShapeTests {
    private static let text = #"""
        {"id":"9f3c","rule":"card_testing","kind":"match","severity":"high","at":"2026-03-01T10:04:11.250Z","started_at":"2026-03-01T10:04:00.000Z",
         "key":{"card":"c\"1","user.name":"Ünal <a&b>","n":7,"":"","severity":"mine"},"summary":"3 probes on <c1> & \"more\" \ud83d\udea8 😀",
         "fields":{"probes":3,"spent":512.4,"list":["a",{"b":"}"}],"none":null,"ok":true},"tags":["x"],"suppressed":0,
         "match":{"probe":[{"id":1,"s":"],}\\\""}]}}
        """#
    private let alert = OutboxText(id: "9f3c", rule: "card_testing", severity: "high", body: Array(text.utf8))

    private func object(_ shape: WebhookShape, _ alert: OutboxText? = nil) throws -> Any {
        let body = try #require(shape.body(of: alert ?? self.alert))
        return try JSONSerialization.jsonObject(with: Data(body))
    }

    private func same(_ left: Any?, _ right: Any?) -> Bool { (left as? NSObject) == (right as? NSObject) }

    @Test func theAlertStaysAsItIs() throws {
        #expect(WebhookShape.alert.body(of: alert) == alert.body)
    }

    @Test func cloudEvents() throws {
        let event = try #require(object(.cloudEvents) as? [String: Any])
        #expect(event["specversion"] as? String == "1.0" && event["id"] as? String == "9f3c")
        #expect(event["source"] as? String == "/needletail/rules/card_testing" && event["type"] as? String == "needletail.alert.match")
        #expect(event["time"] as? String == "2026-03-01T10:04:11.250Z" && event["datacontenttype"] as? String == "application/json")
        #expect(event["subject"] as? String == "card=c\"1,user.name=Ünal <a&b>,n=7,=,severity=mine")
        #expect(same(event["data"], try JSONSerialization.jsonObject(with: Data(alert.body))))
        // Names of attributes are lower-case letters and digits.
        #expect(event.keys.allSatisfy { $0.allSatisfy { $0.isLowercase } })
        #expect(WebhookShape.cloudEvents.contentType(isBatched: false) == "application/cloudevents+json")
    }

    @Test func slack() throws {
        let message = try #require(object(.slack) as? [String: Any])
        #expect(message["text"] as? String == "*card_testing* (high): 3 probes on &lt;c1&gt; &amp; \"more\" 🚨 😀")
        let attachment = try #require((message["attachments"] as? [[String: Any]])?.first)
        let fields = try #require(attachment["fields"] as? [[String: Any]])
        #expect(fields.map { $0["title"] as? String } == ["card", "user.name", "n", "", "severity", "probes", "spent", "list", "none", "ok"])
        #expect(fields[1]["value"] as? String == "Ünal &lt;a&amp;b&gt;")
        #expect(fields.suffix(5).map { $0["value"] as? String } == ["3", "512.4", #"["a",{"b":"}"}]"#, "unknown", "true"])
    }

    @Test func pagerDuty() throws {
        let event = try #require(object(.pagerDuty(routingKey: WebhookKey("R0UT1NG"))) as? [String: Any])
        #expect(event["routing_key"] as? String == "R0UT1NG" && event["event_action"] as? String == "trigger")
        #expect(event["dedup_key"] as? String == "card_testing/card=c\"1,user.name=Ünal <a&b>,n=7,=,severity=mine")
        let payload = try #require(event["payload"] as? [String: Any])
        #expect(payload["severity"] as? String == "error" && payload["class"] as? String == "card_testing")
        #expect(payload["summary"] as? String == "3 probes on <c1> & \"more\" 🚨 😀" && payload["timestamp"] as? String == "2026-03-01T10:04:11.250Z")
        #expect(same(payload["custom_details"], try JSONSerialization.jsonObject(with: Data(alert.body))))
        #expect(!"\(WebhookShape.pagerDuty(routingKey: WebhookKey("R0UT1NG")))".contains("R0UT1NG"))
    }

    @Test func alertmanager() throws {
        let alerts = try #require(object(.alertmanager) as? [[String: Any]])
        #expect(alerts.count == 1 && alerts[0]["startsAt"] as? String == "2026-03-01T10:04:11.250Z")
        #expect(alerts[0]["labels"] as? [String: String] == [
            "alertname": "card_testing", "severity": "high", "card": "c\"1", "user_name": "Ünal <a&b>", "n": "7", "severity_": "mine",
        ])
        #expect(alerts[0]["annotations"] as? [String: String] == [
            "id": "9f3c", "summary": "3 probes on <c1> & \"more\" 🚨 😀", "probes": "3", "spent": "512.4", "list": #"["a",{"b":"}"}]"#, "none": "unknown",
            "ok": "true",
        ])
    }

    @Test func lists() throws {
        var other = alert
        other.id = "a1"
        func list(_ shape: WebhookShape, _ alerts: [OutboxText]) throws -> [[String: Any]] {
            let body = try #require(shape.list(of: alerts))
            return try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [[String: Any]])
        }
        #expect(try list(.alert, [alert]).count == 1)
        #expect(try list(.alert, [alert, other]).map { $0["rule"] as? String } == ["card_testing", "card_testing"])
        #expect(try list(.cloudEvents, [alert, other]).map { $0["id"] as? String } == ["9f3c", "a1"])
        #expect(WebhookShape.cloudEvents.contentType(isBatched: true) == "application/cloudevents-batch+json")
        #expect(WebhookShape.alert.contentType(isBatched: true) == "application/json")
        let alerts = try list(.alertmanager, [alert, other])
        #expect(alerts.map { ($0["annotations"] as? [String: String])?["id"] } == ["9f3c", "a1"])
        #expect(WebhookShape.alert.list(of: [alert, OutboxText(id: "x", rule: "r", severity: "", body: Array("{".utf8))]) == nil)
        #expect([WebhookShape.slack, .pagerDuty(routingKey: WebhookKey("k"))].allSatisfy { !$0.takesBatches })
        let ids = WebhookEndpoint.requestID(of: ["a", "b"])
        #expect(WebhookEndpoint.requestID(of: ["a"]) == "a" && ids.hasPrefix("batch_") && ids.utf8.count == 38)
        #expect(ids == WebhookEndpoint.requestID(of: ["a", "b"]) && ids != WebhookEndpoint.requestID(of: ["b", "a"]) && ids != WebhookEndpoint.requestID(of: ["a", "b", "c"]))
    }

    /// Texts of any length and kind: what comes out is JSON, and within the services' bounds.
    @Test func whateverStandsInAnAlertEveryShapeIsJSON() throws {
        var random = SeededGenerator(77)
        let pieces = ["a", "é", "東", "😀", "\\\"", "\\\\", "\\n", "\\u0000", "\\ud83d\\ude00", "<", "&", "}", "]", ",", ":", " "]
        for _ in 0..<Volume.pick(test: 300, soak: 5000) {
            func text(_ countMax: Int) -> String {
                let base = (0..<Int.random(in: 0...countMax, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                return base.joined()
            }
            let values = (0..<Int.random(in: 0...4, using: &random)).map { "\"\(text(4))\($0)\":\([ "null", "1.5e3", "[]", "{}", "\"\(text(300))\"" ].randomElement(using: &random) ?? "1")" }
            let json = "{\"id\":\"x\",\"rule\":\"r\",\"kind\":\"window\",\"at\":\"2026-03-01T10:04:11.250Z\",\"key\":{\(values.joined(separator: ","))},"
                + "\"summary\":\"\(text(2500))\",\"fields\":{\(values.joined(separator: " , "))},\"match\":{}}"
            let alert = OutboxText(id: "x", rule: "r", severity: "", body: Array(json.utf8))
            for shape in [WebhookShape.cloudEvents, .slack, .pagerDuty(routingKey: WebhookKey("k")), .alertmanager] {
                let made = try object(shape, alert)
                guard case .pagerDuty = shape, let event = made as? [String: Any] else { continue }
                #expect((event["dedup_key"] as? String ?? "").utf8.count <= 255)
                let summary = (event["payload"] as? [String: Any])?["summary"] as? String ?? ""
                #expect(summary.utf8.count <= 1024 && !summary.isEmpty)
            }
        }
    }

    @Test func whatIsNoAlertIsNotSent() {
        for bad in ["", "{", "[]", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1}x", "{\"a\":\"}", "{1:2}", "{\"a\":1,}", "{\"a\":[1}", "null"] {
            let alert = OutboxText(id: "x", rule: "r", severity: "", body: Array(bad.utf8))
            // Values are not looked into, so that a wrong one within brackets passes.
            if bad == "{\"a\":[1}" { continue }
            #expect(WebhookShape.slack.body(of: alert) == nil, "\(bad)")
        }
    }

    @Test func routes() throws {
        #expect(throws: WebhookError.self) { try WebhookRoute(severityMin: "urgent") }
        let all = try WebhookRoute()
        #expect(all.wants(rule: "a", severity: "", tags: []))
        let high = try WebhookRoute(severityMin: "high")
        #expect(["critical", "high"].allSatisfy { high.wants(rule: "a", severity: $0, tags: []) })
        #expect(!["medium", "low", "info", ""].contains { high.wants(rule: "a", severity: $0, tags: []) })
        let cards = try WebhookRoute(rules: ["card_*", "*_login", "exact", "a*b*c"])
        for rule in ["card_", "card_testing", "bad_login", "_login", "exact", "abc", "axxbyybzzc"] { #expect(cards.wants(rule: rule, severity: "", tags: []), "\(rule)") }
        for rule in ["car", "login", "exactly", "xcard_", "ab", "acb", ""] { #expect(!cards.wants(rule: rule, severity: "", tags: []), "\(rule)") }
        let tagged = try WebhookRoute(tags: ["fraud", "pci"])
        #expect(tagged.wants(rule: "", severity: "", tags: ["x", "pci"]) && !tagged.wants(rule: "", severity: "", tags: ["fraudulent"]))
    }
}
