internal import Engine

/// The keys of a checkpoint's rows: a kind, and behind it what makes the order of bytes the order of hash, group and key.
enum RowKeys {
    /// State of a key: `K`, hash and group big-endian, the key's bytes. The value is the expiry, then the blob.
    static let state = StateRowKind.expiring
    /// A cooldown: `C`, rule big-endian, 1 for timeouts, the key's bytes. The value is when it ends, and how many it has suppressed.
    static let cooldown = UInt8(ascii: "C")

    static let stateHeader = 13
    static let cooldownHeader = 6

    static func appendState(_ row: borrowing StateRow, to bytes: inout [UInt8]) {
        bytes.append(state)
        withUnsafeBytes(of: row.hash.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt32(row.group).bigEndian) { bytes += $0 }
        bytes += row.key
    }

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
