public import Streaming

/// One request, made at once and shown: how people see whether an endpoint works.
public struct WebhookTrial: Sendable, Equatable {
    /// What was sent, but for headers that hold secrets: these show `…`.
    public var headers: [String]
    /// What was sent, but for a service's key.
    public var body: [UInt8]
    public var isDelivered: Bool
    /// What came of it, such as `HTTP 410: the endpoint is gone`; that it was taken where it went well.
    public var answer: String
    public var microseconds: Int64

    /// Sends the alert and waits for its end, which the endpoint's time-outs bound. Nothing is tried again or noted anywhere.
    ///
    /// - Throws: where there is no memory, or the alert is none.
    public static func send(_ alert: OutboxAlert, to endpoint: WebhookEndpoint, clock: any Clock) throws(WebhookError) -> WebhookTrial {
        guard let request = endpoint.request(of: [alert], timestamp: clock.wallMicroseconds / 1_000_000) else {
            throw WebhookError("The alert cannot be put into the form that \(endpoint.name) takes")
        }
        let client = try HTTPClient(endpoint)
        guard client.start(tag: 0, body: request.body, headers: request.headers) else {
            throw WebhookError("There is no memory for the webhook \(endpoint.name)")
        }
        let begun = clock.monotonicMicroseconds
        while true {
            client.run(waitMilliseconds: 100)
            guard let answer = client.nextAnswer(wallMicroseconds: clock.wallMicroseconds) else { continue }
            var shown = endpoint
            shown.shape = endpoint.shape.masked
            var trial = WebhookTrial(
                headers: ["Content-Type: \(endpoint.shape.contentType(isBatched: endpoint.isBatched))"] + request.headers + endpoint.headers.map { "\($0.name): …" },
                body: shown.request(of: [alert], timestamp: 0)?.body ?? [], isDelivered: false, answer: "", microseconds: clock.monotonicMicroseconds - begun)
            switch answer.outcome {
            case .delivered: (trial.isDelivered, trial.answer) = (true, "it was taken")
            case .refused(let reason, _), .failed(let reason, _, _): trial.answer = reason
            }
            return trial
        }
    }
}
