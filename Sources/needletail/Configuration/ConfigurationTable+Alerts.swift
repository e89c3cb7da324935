internal import Connectors

/// The bounds of what a webhook may be told, for flags and the configuration file alike.
enum WebhookBounds {
    static let batch = 1...DeliverySettings.batchBounds.upperBound
    /// Durations are microseconds.
    static let linger: ClosedRange<Int64> = 1_000...60_000_000
    static let lingerDefault: Int64 = 200_000
    static let rate = 1...1_000_000
    static let inFlight = 1...1_000
    static let timeout: ClosedRange<Int64> = 100_000...600_000_000
    static let timeoutDefault: Int64 = 30_000_000
    static let connectTimeout: ClosedRange<Int64> = 100_000...120_000_000
    static let connectTimeoutDefault: Int64 = 10_000_000
    static let age: ClosedRange<Int64> = 60_000_000...(30 * 86_400_000_000)
    static let ageDefault: Int64 = 86_400_000_000
    static let headersMax = 32
    static let routesMax = 256
}

/// An element of `alerts`: a file, or a webhook with all that belongs to it.
extension ConfigurationTable {
    static let alerts = ConfigurationTable(
        keys: [
            ConfigurationKey(
                name: "path", kind: .path(standard: "standard output"), example: #""alerts.ndjson""#,
                help: "`-` is standard output, anything else a file.", addressKey: "url"),
            ConfigurationKey(
                name: "url", kind: .text, example: #""https://example.org/alerts""#,
                help: "A webhook: alerts are sent there by HTTP POST.", isSecret: true),
        ]
            + webhook.map { key in
                var key = key
                key.beside = "url"
                return key
            },
        requires: [["path", "url"]])

    private static let webhook = [
        ConfigurationKey(
            name: "name", kind: .name(of: "a webhook"), defaultText: "its host and some digits", example: #""ops""#,
            help: "What the webhook is called in messages, in the outbox and in commands. Each has its own. Keep it when the address changes: what waits for it is kept under this name."),
        ConfigurationKey(
            name: "secret", kind: .text, defaultText: "unsigned", example: #""${WEBHOOK_SECRET}""#,
            help: "What requests are signed with (Standard Webhooks 1.0): `whsec_…`, several with spaces between.", isSecret: true),
        ConfigurationKey(
            name: "shape", kind: .choice(WebhookSpec.Shape.allCases.map(\.rawValue)),
            defaultText: "`template` where that key is given, `pagerduty` where `routing_key` is, otherwise `alert`", example: #""slack""#,
            help: "The form of what is sent: the alert itself, or the same in the words of a service."),
        ConfigurationKey(
            name: "template", kind: .path(standard: nil), example: #""hook.json""#,
            help: "A JSON document with `{expressions}` in its texts: what is sent for each alert."),
        ConfigurationKey(
            name: "routing_key", kind: .text, example: #""${PAGERDUTY_KEY}""#, help: "The integration key of PagerDuty (Events API v2).", isSecret: true),
        ConfigurationKey(
            name: "headers", kind: .secretTexts(atMost: WebhookBounds.headersMax), example: #"{"Authorization": "Bearer ${TOKEN}"}"#,
            help: "More headers of each request. Their values are shown nowhere."),
        ConfigurationKey(
            name: "severity", kind: .choice(WebhookRoute.severities), defaultText: "any", example: #""high""#,
            help: "The least severity that this webhook wants."),
        ConfigurationKey(
            name: "rules", kind: .list(of: .text, atMost: WebhookBounds.routesMax), defaultText: "all", example: #"["card_*", "refund"]"#,
            help: "The rules whose alerts this webhook wants; `*` stands for anything."),
        ConfigurationKey(
            name: "tags", kind: .list(of: .text, atMost: WebhookBounds.routesMax), defaultText: "any", example: #"["fraud"]"#,
            help: "An alert must have one of these tags."),
        ConfigurationKey(
            name: "rate", kind: .count(WebhookBounds.rate), defaultText: "no bound", example: "50",
            help: "Most alerts a second. What is over it waits; nothing is dropped."),
        ConfigurationKey(
            name: "batch", kind: .count(WebhookBounds.batch), fallback: .count(1), example: "100",
            help: "Most alerts in one request. From 2 on what is sent is a list; the shapes alert, cloudevents and alertmanager have one."),
        ConfigurationKey(
            name: "linger", kind: .duration(WebhookBounds.linger), fallback: .duration(WebhookBounds.lingerDefault), example: #""200ms""#,
            help: "How long an alert waits for others of its batch."),
        ConfigurationKey(
            name: "in_flight", kind: .count(WebhookBounds.inFlight), fallback: .count(32), example: "8", help: "Most requests under way at a time."),
        ConfigurationKey(
            name: "timeout", kind: .duration(WebhookBounds.timeout), fallback: .duration(WebhookBounds.timeoutDefault), example: #""30s""#,
            help: "How long a request may take."),
        ConfigurationKey(
            name: "connect_timeout", kind: .duration(WebhookBounds.connectTimeout), fallback: .duration(WebhookBounds.connectTimeoutDefault),
            example: #""10s""#, help: "How long it may take to connect."),
        ConfigurationKey(
            name: "max_age", kind: .duration(WebhookBounds.age), fallback: .duration(WebhookBounds.ageDefault), example: #""6h""#,
            help: "How long delivery of an alert is tried before it becomes a dead letter."),
        ConfigurationKey(
            name: "ca_file", kind: .path(standard: nil), defaultText: "the system's", example: #""ca.pem""#,
            help: "The certificates that are trusted, PEM."),
        ConfigurationKey(
            name: "certificate_file", kind: .path(standard: nil), example: #""client.pem""#,
            help: "The certificate that this program shows, PEM, for endpoints that ask for one."),
        ConfigurationKey(
            name: "key_file", kind: .path(standard: nil), defaultText: "in `certificate_file`", example: #""client.key""#,
            help: "The key of that certificate, PEM."),
        ConfigurationKey(
            name: "allow_private", kind: .boolean, fallback: .boolean(false), example: "true",
            help: "Let this webhook go to loopback and private addresses, and to these without TLS. Link-local and metadata addresses are always refused."),
    ]
}
