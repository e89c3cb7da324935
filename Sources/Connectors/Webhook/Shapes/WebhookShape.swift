// What an endpoint is sent: the alert as it is, or the same in the words of a service. A shape is made of the alert's bytes alone, at each
// attempt anew; so the outbox keeps the alert, and a service's key, which some shapes hold, is in no state.

internal import Events

/// The form of a webhook's body.
public enum WebhookShape: Sendable, Equatable {
    /// The alert itself, as in section 8 of the language.
    case alert
    /// CloudEvents 1.0, structured: the alert is its `data`.
    case cloudEvents
    /// An incoming webhook of Slack, or of what understands the same.
    case slack
    /// Events API v2 of PagerDuty; repeats of one rule and key are one incident.
    case pagerDuty(routingKey: WebhookKey)
    /// The API v2 of Prometheus Alertmanager, `/api/v2/alerts`.
    case alertmanager
    /// What the user's own document makes of the alert.
    case template(WebhookTemplate)

    /// With `…` in the place of a service's key.
    var masked: WebhookShape {
        if case .pagerDuty = self { return .pagerDuty(routingKey: WebhookKey("…")) }
        return self
    }

    var contentType: String {
        self == .cloudEvents ? "application/cloudevents+json" : "application/json"
    }

    /// Nil where the alert's bytes are no alert.
    func body(of alert: OutboxText) -> [UInt8]? {
        if self == .alert { return alert.body }
        guard let members = AlertMembers(alert.body[...]) else { return nil }
        var body = ByteBuffer(capacity: alert.body.count + 1024)
        switch self {
        case .alert: break
        case .cloudEvents: Self.appendCloudEvent(alert, members, &body)
        case .slack: Self.appendSlackMessage(alert, members, &body)
        case .pagerDuty(let key): Self.appendPagerDutyEvent(alert, members, key, &body)
        case .alertmanager: Self.appendAlertmanagerAlerts(alert, members, &body)
        case .template(let template): return template.body(of: alert, members)
        }
        return Array(UnsafeBufferPointer(start: UnsafePointer(body.bytes), count: body.count))
    }
}

/// What a shape needs of an alert.
struct OutboxText {
    var id: String
    var rule: String
    var severity: String
    var body: [UInt8]
}

/// A service's key. Nothing shows it.
public struct WebhookKey: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    public init(_ text: String) { self.text = text }

    public var description: String { "…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ByteBuffer {
    mutating func append(raw bytes: some Collection<UInt8>) {
        for byte in bytes { append(byte) }
    }

    /// A string of JSON whose inside is escaped already.
    mutating func append(quoted bytes: some Collection<UInt8>) {
        append("\"")
        append(raw: bytes)
        append("\"")
    }
}
