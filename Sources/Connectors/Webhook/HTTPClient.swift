internal import CCurl

/// POST requests to one endpoint, several at a time. Used by one thread, but for ``wake()``.
final class HTTPClient {
    struct Answer {
        var tag: UInt64
        var outcome: DeliveryOutcome
    }

    private let handle: OpaquePointer
    /// For the callback of libcurl, which sees it by its address.
    private let policy: PolicyCell
    private let fixedHeaders: [String]

    /// Lives as long as the client.
    private final class PolicyCell {
        let policy: AddressPolicy
        init(_ policy: AddressPolicy) { self.policy = policy }
    }

    init(_ endpoint: WebhookEndpoint) throws(WebhookError) {
        let cell = PolicyCell(AddressPolicy(allowsPrivate: endpoint.allowsPrivateAddresses))
        policy = cell
        // What libcurl would add by itself: `Expect` costs a round trip, and an answer that is thrown away has no preferred type.
        fixedHeaders = ["Content-Type: \(endpoint.shape.contentType(isBatched: endpoint.isBatched))", "Expect:", "Accept:"] + endpoint.headers.map { "\($0.name): \($0.value)" }
        var settings = nt_http_settings()
        settings.connections_max = endpoint.inFlightMax
        settings.connect_timeout_ms = endpoint.connectTimeoutMilliseconds
        settings.timeout_ms = endpoint.timeoutMilliseconds
        settings.answer_bytes_max = endpoint.answerBytesMax
        settings.context = Unmanaged.passUnretained(cell).toOpaque()
        settings.allows = { context, address, count in
            guard let context, let address else { return 0 }
            let cell = Unmanaged<PolicyCell>.fromOpaque(context).takeUnretainedValue()
            return cell.policy.allows(Array(UnsafeBufferPointer(start: address, count: count))) ? 1 : 0
        }
        // The C side copies them.
        let handle = Self.withTexts([endpoint.url, endpoint.caFile, endpoint.certificateFile, endpoint.keyFile, "needletail"]) { texts in
            settings.url = texts[0]
            settings.ca_file = texts[1]
            settings.certificate_file = texts[2]
            settings.key_file = texts[3]
            settings.user_agent = texts[4]
            return nt_http_create(&settings)
        }
        guard let handle else { throw WebhookError("There is no memory for the webhook \(endpoint.name)") }
        self.handle = handle
    }

    deinit { nt_http_destroy(handle) }

    /// False where there is no memory.
    func start(tag: UInt64, body: [UInt8], headers: [String]) -> Bool {
        Self.withTexts(fixedHeaders + headers) { texts in
            body.withUnsafeBytes { nt_http_start(handle, tag, $0.baseAddress, $0.count, texts, texts.count) } != 0
        }
    }

    /// Waits until something happens, but no longer than the time given, and does what can be done.
    func run(waitMilliseconds: Int32) {
        // What libcurl could report here is a fault of ours, or no memory: requests then end by their timeouts.
        _ = nt_http_run(handle, waitMilliseconds)
    }

    /// Ends a wait; from any thread.
    func wake() { nt_http_wake(handle) }

    /// The next request that has ended.
    func nextAnswer(wallMicroseconds: Int64) -> Answer? {
        var answer = nt_http_answer()
        guard nt_http_next(handle, &answer) != 0 else { return nil }
        let outcome: DeliveryOutcome
        switch Int(answer.kind) {
        case Int(NT_HTTP_ANSWERED):
            let retryAfter = Self.text(&answer.retry_after)
            outcome = DeliveryOutcome(status: answer.status, retryAfter: retryAfter, wallMicroseconds: wallMicroseconds)
        case Int(NT_HTTP_FORBIDDEN):
            outcome = .failed(reason: "its name leads to an address that is not allowed", status: nil, retryAfterMicroseconds: nil)
        default: outcome = .failed(reason: Self.text(&answer.text), status: nil, retryAfterMicroseconds: nil)
        }
        return Answer(tag: answer.tag, outcome: outcome)
    }

    private static func text<Room>(_ room: inout Room) -> String {
        withUnsafeBytes(of: &room) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Hands out the texts as C strings for a call; nil stays nil.
    private static func withTexts<Result>(_ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
        let copies = texts.map { text -> UnsafeMutablePointer<CChar>? in
            guard let text else { return nil }
            let bytes = Array(text.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            return copy
        }
        defer { for copy in copies { copy?.deallocate() } }
        return body(copies.map { UnsafePointer($0) })
    }
}
