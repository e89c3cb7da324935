internal import Streaming

/// What `needletail deliveries list` says. The outbox knows names of webhooks, and no address or secret.
struct DeliveriesReport {
    struct Endpoint {
        var counts: OutboxEndpoint
        /// When the first of the alerts that wait was appended; nil where none waits.
        var oldestWaiting: Int64?
        /// The oldest dead letters.
        var letters: [DeadLetter]
    }

    let path: String
    let owner: Int32?
    var endpoints: [Endpoint] = []

    init(path: String, owner: Int32?) {
        self.path = path
        self.owner = owner
    }

    // MARK: - Text

    func text() -> String {
        var lines = ["\(path): \(NumberText.counted(UInt64(endpoints.count), "webhook"))" + (owner.map { "; process \($0) delivers to them" } ?? "")]
        if endpoints.isEmpty { lines[0] = "\(path): no alerts went to webhooks" }
        for endpoint in endpoints {
            let counts = endpoint.counts
            var line = "  webhook    \(counts.name): \(NumberText.counted(UInt64(counts.undelivered), "alert")) waiting"
            if let time = endpoint.oldestWaiting { line += " since \(NumberText.time(time))" }
            lines.append(line + ", \(NumberText.counted(UInt64(counts.dead), "dead letter"))")
            for letter in endpoint.letters { lines += text(letter) }
            let left = counts.dead - endpoint.letters.count
            if left > 0 { lines.append("    and \(NumberText.grouped(UInt64(left))) more; --limit N shows more") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func text(_ letter: DeadLetter) -> [String] {
        let (alert, burial) = (letter.alert, letter.burial)
        let severity = alert.severity.isEmpty ? "" : " \(Self.plain(alert.severity))"
        let key = alert.key.isEmpty ? "" : " \(Self.plain(String(decoding: alert.key, as: UTF8.self)))"
        let tries = NumberText.counted(UInt64(max(0, burial.attempts)), "attempt")
        return [
            "    \(alert.ordinal) \(Self.plain(alert.rule))\(severity)\(key), id \(Self.plain(alert.id))",
            "      \(Self.plain(burial.reason)), after \(tries), last status \(burial.lastStatus.map(String.init) ?? "none"), at \(NumberText.time(burial.buriedMicroseconds))",
        ]
    }

    /// What comes from outside must not move the cursor of a terminal.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
    }

    // MARK: - JSON

    func json() -> String {
        let all = endpoints.map { endpoint in
            Self.object([
                ("endpoint", NumberText.quoted(endpoint.counts.name)), ("waiting", "\(endpoint.counts.undelivered)"),
                ("waiting_since", endpoint.oldestWaiting.map(Self.time) ?? "null"), ("dead", "\(endpoint.counts.dead)"),
                ("dead_letters", Self.list(endpoint.letters.map(Self.json))),
            ])
        }
        return Self.object([("state", NumberText.quoted(path)), ("process", owner.map { "\($0)" } ?? "null"), ("endpoints", Self.list(all))]) + "\n"
    }

    private static func json(_ letter: DeadLetter) -> String {
        let (alert, burial) = (letter.alert, letter.burial)
        return object([
            ("number", "\(alert.ordinal)"), ("id", NumberText.quoted(alert.id)), ("rule", NumberText.quoted(alert.rule)),
            ("severity", alert.severity.isEmpty ? "null" : NumberText.quoted(alert.severity)),
            // The key is JSON itself, as it stands in the alert.
            ("key", alert.key.isEmpty ? "null" : String(decoding: alert.key, as: UTF8.self)), ("reason", NumberText.quoted(burial.reason)),
            ("attempts", "\(burial.attempts)"), ("last_status", burial.lastStatus.map { "\($0)" } ?? "null"),
            ("refused_at", time(burial.buriedMicroseconds)),
        ])
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { NumberText.quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    private static func time(_ microseconds: Int64) -> String { NumberText.quoted(NumberText.time(microseconds)) }
}
