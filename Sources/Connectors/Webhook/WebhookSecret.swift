internal import COpenSSL

/// A secret of Standard Webhooks 1.0, which alerts are signed with. Nothing shows it.
public struct WebhookSecret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let key: [UInt8]

    static let prefix = "whsec_"
    static let keyCounts = 24...64

    /// - Parameter text: `whsec_` and 24 to 64 bytes in base64; white space around it is passed over.
    /// - Throws: what is wrong with it, without the text.
    public init(_ text: String) throws(WebhookError) {
        let bytes = Array(text.utf8)
        let isSpace: (UInt8) -> Bool = { $0 == 32 || (9...13).contains($0) }
        let trimmed = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        guard trimmed.starts(with: Self.prefix.utf8) else {
            throw WebhookError("The webhook secret must begin with \(Self.prefix). Is it the secret of Standard Webhooks?")
        }
        guard let key = Base64.decode(Array(trimmed.dropFirst(Self.prefix.utf8.count))) else {
            throw WebhookError("What follows \(Self.prefix) in the webhook secret must be base64.")
        }
        guard Self.keyCounts.contains(key.count) else {
            throw WebhookError(
                "The webhook secret has \(key.count) bytes; it must have \(Self.keyCounts.lowerBound) to \(Self.keyCounts.upperBound).")
        }
        self.key = key
    }

    public var description: String { Self.prefix + "…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`.
    func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        let head = Array("\(id).\(timestamp).".utf8)
        var digest = [UInt8](repeating: 0, count: 32)
        let isSigned = key.withUnsafeBufferPointer { key in
            head.withUnsafeBufferPointer { head in
                body.withUnsafeBufferPointer { body in
                    var pieces = [head.baseAddress, body.baseAddress]
                    var counts = [head.count, body.count]
                    return nt_hmac_sha256(key.baseAddress, key.count, &pieces, &counts, 2, &digest)
                }
            }
        }
        precondition(isSigned == 1, "OpenSSL has no HMAC-SHA256")
        return "v1," + Base64.encode(digest)
    }
}

enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String {
        var room = [CChar](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = nt_base64_encode(bytes, bytes.count, &room)
        return String(decoding: room[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func decode(_ text: [UInt8]) -> [UInt8]? {
        // Some write it without the padding.
        let padded = text + [UInt8](repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4)
        var room = [UInt8](repeating: 0, count: padded.count / 4 * 3 + 4)
        let count = padded.withUnsafeBytes { nt_base64_decode($0.bindMemory(to: CChar.self).baseAddress, padded.count, &room) }
        return count < 0 ? nil : Array(room[..<Int(count)])
    }
}

/// Why a webhook cannot be used as it is configured; for people, without secrets.
public struct WebhookError: Error, Sendable, Equatable {
    public var message: String

    public init(_ message: String) { self.message = message }
}
