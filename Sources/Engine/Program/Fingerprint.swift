internal import CXXHash

/// What tells one compiled rule from another, as far as their states go together: XXH3 with 128 bits over an encoding that does not change
/// from one version to the next.
public struct Fingerprint: Hashable, Sendable {
    public var low: UInt64
    public var high: UInt64

    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    public init(of bytes: [UInt8]) {
        let digest = nt_hash128_of(bytes, bytes.count)
        self.init(low: digest.low, high: digest.high)
    }
}
