internal import Engine

/// The keys of a checkpoint's rows: a kind, and behind it what makes the order of bytes the order of hash, group and key.
enum RowKeys {
    /// State of a key: `K`, hash and group big-endian, the key's bytes. The value is the expiry, then the blob.
    static let state = StateRowKind.expiring
    /// A cooldown: `C`, rule big-endian, 1 for timeouts, the key's bytes. The value is when it ends, and how many it has suppressed.
    static let cooldown = UInt8(ascii: "C")

    /// When something of a key is due without an event: `D`, then as for its state; only of keys that have such a time. The value is that time.
    static let deadline = UInt8(ascii: "D")

    static let stateHeader = 13
    static let cooldownHeader = 6

    /// The row of a kind of a key.
    static func append(_ kind: UInt8, hash: UInt64, group: Int, key: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        appendHash(kind, hash, to: &bytes)
        withUnsafeBytes(of: UInt32(group).bigEndian) { bytes += $0 }
        bytes += key
    }

    /// What the rows of a hash begin with.
    static func appendHash(_ kind: UInt8, _ hash: UInt64, to bytes: inout [UInt8]) {
        bytes.append(kind)
        withUnsafeBytes(of: hash.bigEndian) { bytes += $0 }
    }

    /// - Throws: ``StoreError`` where the key of a row is too short.
    static func hashAndGroup(_ key: UnsafeRawBufferPointer) throws(StoreError) -> (hash: UInt64, group: Int) {
        guard key.count >= stateHeader else { throw damage("the state of a key") }
        return (UInt64(bigEndian: integer(key, at: 1)), Int(UInt32(bigEndian: integer(key, at: 9))))
    }

    static func damage(_ what: String) -> StoreError { .damaged("\(what) in the checkpoint is not what was written") }

    static func cooldownKey(rule: Int, isTimeout: Bool, value: [UInt8]) -> [UInt8] {
        var bytes = [cooldown]
        withUnsafeBytes(of: UInt32(rule).bigEndian) { bytes += $0 }
        bytes.append(isTimeout ? 1 : 0)
        return bytes + value
    }

    static func integer<Number: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Number {
        bytes.loadUnaligned(fromByteOffset: place, as: Number.self)
    }
}
