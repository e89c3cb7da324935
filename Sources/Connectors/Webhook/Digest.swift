internal import COpenSSL

/// The beginning of a SHA-256.
enum Digest {
    /// Hexadecimal digits, two for each of the `count` bytes.
    static func text(of bytes: [UInt8], count: Int) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = nt_sha256(bytes, bytes.count, &digest)
        return digest.prefix(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
