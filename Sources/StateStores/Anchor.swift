internal import CXXHash
internal import Streaming

/// What a checkpoint says of itself: its number, the time up to which rows may be forgotten, and the run's anchor.
///
/// It is kept twice: as the row ``Anchor/key`` among the rows of the checkpoint, so that rows and anchor are one, and in the file
/// `CHECKPOINT`, which guards against a store that has lost its end or was put back. That file, all numbers little-endian:
///
/// | bytes | |
/// | --- | --- |
/// | 8 | `nt-state` |
/// | 4 | version of the folder's format |
/// | 8 | number of the checkpoint; 0 in a new store |
/// | 8 | the time up to which rows may be forgotten, microseconds |
/// | 4 | count of the anchor's bytes |
/// | | the anchor |
/// | 16 | XXH3, 128 bits (the low half first), of all that stands before; the last 16 bytes in every version of the format |
struct Anchor: Equatable, FolderGuard {
    /// Of the folder as a whole: this file, the shape of the row, and the settings of RocksDB that reading depends on.
    static let formatVersion: UInt32 = 1
    static let folderKind = "state folder"
    static let fileName = "CHECKPOINT"
    static let nextFileName = "CHECKPOINT.next"
    static let countMax = 16 << 20

    /// After all keys of a run, whose first byte is below ``reservedKind``.
    static let key: [UInt8] = [reservedKind, UInt8(ascii: "A")]
    static let reservedKind: UInt8 = 0xFF
    static let firstReservedKey = [reservedKind]

    var number: UInt64
    var expired: Int64
    var bytes: [UInt8]

    /// Of a store in which no checkpoint has been committed.
    static let none = Anchor(number: 0, expired: .min, bytes: [])

    private static let magic = Array("nt-state".utf8)
    private static let headCount = 8 + 4 + 8 + 8 + 4
    private static let sumCount = 16
    static let fileCountMax = headCount + countMax + sumCount

    // MARK: The file

    func fileContent(version: UInt32 = Self.formatVersion) -> [UInt8] {
        var content = Self.magic
        append(version, to: &content)
        append(number, to: &content)
        append(expired, to: &content)
        append(UInt32(bytes.count), to: &content)
        content += bytes
        content += Self.sum(of: content[...])
        return content
    }

    init(fileContent content: [UInt8], path: String) throws(StoreError) {
        guard content.count >= Self.magic.count + 4 + Self.sumCount, content.starts(with: Self.magic) else {
            throw .damaged("\(path) is damaged: it does not begin as it should")
        }
        let body = content[..<(content.count - Self.sumCount)]
        guard Self.sum(of: body) == Array(content.suffix(Self.sumCount)) else {
            throw .damaged("\(path) is damaged: its checksum does not fit its content")
        }
        var rest = body.dropFirst(Self.magic.count)
        let version = Self.take(UInt32.self, from: &rest)
        guard version == Self.formatVersion else {
            throw .unknownFormat(
                "\(path) was written by another version of needletail (format \(version ?? 0); this one reads \(Self.formatVersion))")
        }
        guard let number = Self.take(UInt64.self, from: &rest), let expired = Self.take(Int64.self, from: &rest),
            let count = Self.take(UInt32.self, from: &rest), rest.count == Int(count)
        else { throw .damaged("\(path) is damaged: its lengths do not add up") }
        self.init(number: number, expired: expired, bytes: Array(rest))
    }

    // MARK: The row

    func rowValue() -> [UInt8] {
        var value: [UInt8] = []
        append(Self.formatVersion, to: &value)
        append(number, to: &value)
        append(expired, to: &value)
        return value + bytes
    }

    /// Nil where it cannot be the row of a checkpoint.
    init?(rowValue value: [UInt8]) {
        var rest = value[...]
        guard Self.take(UInt32.self, from: &rest) == Self.formatVersion, let number = Self.take(UInt64.self, from: &rest), number > 0,
            let expired = Self.take(Int64.self, from: &rest)
        else { return nil }
        self.init(number: number, expired: expired, bytes: Array(rest))
    }

    init(number: UInt64, expired: Int64, bytes: [UInt8]) {
        self.number = number
        self.expired = expired
        self.bytes = bytes
    }

    /// What the run sees of it.
    var committed: CommittedCheckpoint? { number == 0 ? nil : CommittedCheckpoint(number: number, anchor: bytes) }

    // MARK: Bytes

    private func append<Number: FixedWidthInteger>(_ number: Number, to content: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { content.append(contentsOf: $0) }
    }

    private static func take<Number: FixedWidthInteger>(_: Number.Type, from rest: inout ArraySlice<UInt8>) -> Number? {
        let count = Number.bitWidth / 8
        guard rest.count >= count else { return nil }
        let number = rest.prefix(count).reversed().reduce(Number(0)) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        rest = rest.dropFirst(count)
        return number
    }

    static func sum(of content: ArraySlice<UInt8>) -> [UInt8] {
        let state = nt_hash_state_create()
        defer { nt_hash_state_free(state) }
        content.withUnsafeBytes { nt_hash_update(state, $0.baseAddress, $0.count) }
        let digest = nt_hash_digest(state)
        return [digest.low, digest.high].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (8 * UInt64($0))) } }
    }
}

/// Rows that may be forgotten are not shown either, so that what is read does not depend on what was compacted.
@inline(__always)
func isForgotten(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, expired: Int64) -> Bool {
    guard key.first == StateRowKind.expiring, value.count >= 8 else { return false }
    return Int64(littleEndian: value.loadUnaligned(as: Int64.self)) <= expired
}
