internal import Streaming

extension WebhookEndpoint {
    struct Request {
        var headers: [String]
        var body: [UInt8]
    }

    /// What is sent of alerts, of which there is one where the endpoint takes no batches. Nil where one of them is none.
    ///
    /// - Parameter timestamp: seconds since 1970, the attempt's.
    func request(of alerts: [OutboxAlert], timestamp: Int64) -> Request? {
        let texts = alerts.map { OutboxText(id: $0.id, rule: $0.rule, severity: $0.severity, body: $0.body) }
        guard let first = texts.first, isBatched || texts.count == 1 else { return nil }
        guard let body = isBatched ? shape.list(of: texts) : shape.body(of: first) else { return nil }
        let id = Self.requestID(of: texts.map(\.id))
        var headers = ["webhook-id: \(id)", "webhook-timestamp: \(timestamp)"]
        if !secrets.isEmpty {
            let signatures = secrets.map { $0.signature(id: id, timestamp: timestamp, body: body) }
            headers.append("webhook-signature: " + signatures.joined(separator: " "))
        }
        return Request(headers: headers, body: body)
    }

    /// One alert's own; of several, what follows from theirs.
    static func requestID(of ids: [String]) -> String {
        ids.count == 1 ? ids[0] : "batch_" + Digest.text(of: Array(ids.joined(separator: "\n").utf8), count: 16)
    }
}
