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

    /// Whether one request can hold several alerts.
    public var takesBatches: Bool {
        switch self {
        case .alert, .cloudEvents, .alertmanager: true
        case .slack, .pagerDuty, .template: false
        }
    }

    /// - Parameter isBatched: whether several alerts may be in a request; then what is sent is a list, also of one.
    func contentType(isBatched: Bool) -> String {
        guard case .cloudEvents = self else { return "application/json" }
        return isBatched ? "application/cloudevents-batch+json" : "application/cloudevents+json"
    }

    /// Nil where the alert's bytes are no alert.
    func body(of alert: OutboxText) -> [UInt8]? {
        if case .alert = self { return alert.body }
        var body = ByteBuffer(capacity: alert.body.count + 1024)
        if case .alertmanager = self { return list(of: [alert]) }
        guard append(alert, to: &body) else { return nil }
        return Array(UnsafeBufferPointer(start: UnsafePointer(body.bytes), count: body.count))
    }

    /// Nil where one of the alerts is none.
    func list(of alerts: [OutboxText]) -> [UInt8]? {
        var body = ByteBuffer(capacity: alerts.reduce(2) { $0 + $1.body.count + 512 })
        for (place, alert) in alerts.enumerated() {
            body.append(place == 0 ? "[" as StaticString : ",")
            guard append(alert, to: &body) else { return nil }
        }
        body.append("]")
        return Array(UnsafeBufferPointer(start: UnsafePointer(body.bytes), count: body.count))
    }

    /// False where it is none.
    private func append(_ alert: OutboxText, to body: inout ByteBuffer) -> Bool {
        guard let members = AlertMembers(alert.body[...]) else { return false }
        switch self {
        case .alert: body.append(raw: alert.body)
        case .cloudEvents: Self.appendCloudEvent(alert, members, &body)
        case .slack: Self.appendSlackMessage(alert, members, &body)
        case .pagerDuty(let key): Self.appendPagerDutyEvent(alert, members, key, &body)
        case .alertmanager: Self.appendAlertmanagerAlert(alert, members, &body)
        case .template(let template): body.append(raw: template.body(of: alert, members))
        }
        return true
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
