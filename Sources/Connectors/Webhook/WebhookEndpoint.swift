internal import CCurl

/// Where alerts are delivered to, and how. Shown, it is its name: an address may hold a secret in its path.
public struct WebhookEndpoint: Sendable, CustomStringConvertible, CustomReflectable {
    /// Under this name the outbox keeps its alerts. Without one of its own, the host and a digest of the address.
    public let name: String
    let url: String
    /// `https://host:port`, to be shown.
    public let origin: String
    public var secrets: [WebhookSecret]
    /// More headers of each request, such as an `Authorization`.
    public private(set) var headers: [(name: String, value: String)] = []
    /// PEM file of the certificates that are trusted; nil: the system's.
    public var caFile: String?
    /// PEM files of the client's certificate and its key.
    public var certificateFile: String?
    public var keyFile: String?
    public var shape = WebhookShape.alert
    /// Whether loopback and private networks may be connected to.
    public let allowsPrivateAddresses: Bool
    /// Requests under way at a time.
    public var inFlightMax = 32
    public var connectTimeoutMilliseconds = 10_000
    /// For a request as a whole.
    public var timeoutMilliseconds = 30_000
    /// So much of an answer is read.
    public var answerBytesMax = 64 << 10
    public var delivery = DeliverySettings()

    /// Whether what is sent is a list of alerts.
    var isBatched: Bool { delivery.batchMax > 1 && shape.takesBatches }

    static let secretsMax = 16
    static let inFlightBounds = 1...1_000

    /// - Throws: what is wrong with the address, without showing more of it than its host.
    public init(
        name: String? = nil, url: String, secrets: [WebhookSecret] = [], allowsPrivateAddresses: Bool = false
    ) throws(WebhookError) {
        let parts = nt_http_parse(url)
        guard parts.is_valid != 0, !url.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else {
            throw WebhookError("The webhook's address is no URL. It looks like https://example.com/hook")
        }
        guard parts.is_https != 0 || parts.is_http != 0 else { throw WebhookError("A webhook's address begins with https://") }
        guard parts.has_user == 0 else {
            throw WebhookError("The webhook's address must hold no user and password. Give an Authorization header instead")
        }
        let host = withUnsafeBytes(of: parts.host) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard parts.is_https != 0 || allowsPrivateAddresses else {
            throw WebhookError("The webhook at \(host) is not encrypted. Use https://; only private addresses, where allowed, may do without")
        }
        guard secrets.count <= Self.secretsMax else { throw WebhookError("A webhook has at most \(Self.secretsMax) secrets") }
        let policy = AddressPolicy(allowsPrivate: allowsPrivateAddresses)
        if let address = NumericAddress.bytes(of: host), !policy.allows(address) {
            throw WebhookError(
                AddressPolicy.verdict(of: address) == .privateOnly
                    ? "The webhook's address \(host) is private. Allow private addresses for it if that is meant"
                    : "The webhook's address \(host) is never allowed")
        }
        self.url = url
        self.secrets = secrets
        self.allowsPrivateAddresses = allowsPrivateAddresses
        let scheme = parts.is_https != 0 ? "https" : "http"
        let isUsual = parts.port == (parts.is_https != 0 ? 443 : 80)
        origin = "\(scheme)://\(host)" + (isUsual ? "" : ":\(parts.port)")
        self.name = name ?? "\(host)-\(Digest.text(of: Array(url.utf8), count: 6))"
    }

    /// - Throws: where it could be mistaken for something else.
    public mutating func addHeader(_ name: String, _ value: String) throws(WebhookError) {
        let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        guard !name.isEmpty, name.utf8.count <= 256, name.utf8.allSatisfy(token.contains) else {
            throw WebhookError("A header's name has letters, digits and -")
        }
        let lower = name.lowercased()
        let own = ["content-length", "content-type", "host", "transfer-encoding", "connection", "expect", "user-agent"]
        guard !lower.hasPrefix("webhook-"), !own.contains(lower) else { throw WebhookError("The header \(name) is set by needletail itself") }
        guard value.utf8.count <= 8192, value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) else {
            throw WebhookError("The value of the header \(name) must be one line of at most 8192 bytes")
        }
        headers.append((name, value))
    }

    public var description: String { "\(name) (\(origin))" }
    public var customMirror: Mirror { Mirror(self, children: ["name": name, "origin": origin]) }
}
