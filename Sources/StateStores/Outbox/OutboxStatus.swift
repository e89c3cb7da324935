internal import Streaming

/// What an outbox knows of itself: written with every batch of rows, as a row among them, so that both are one.
///
/// | bytes | |
/// | --- | --- |
/// | 4 | version of the format |
/// | 8 | a number drawn when the outbox was made, so that files of another one are known |
/// | 8 | how many batches were written |
/// | 8 | one more than the largest ordinal appended |
/// | 8 | marks below this ordinal are forgotten |
/// | 4 | the number that the next new endpoint gets |
/// | 4 | count of endpoints; of each: number in 4 bytes, rows on their way in 8, dead letters in 8 |
struct OutboxStatus: Equatable {
    struct Counts: Equatable {
        var undelivered = 0
        var dead = 0
    }

    static let formatVersion: UInt32 = 1

    var identity: UInt64
    var batch: UInt64 = 0
    var next: UInt64 = 0
    var trimmed: UInt64 = 0
    var nextEndpoint = 1
    var counts: [Int: Counts] = [:]
    /// Kept in rows of their own, since they do not change.
    var names: [Int: String] = [:]

    init(identity: UInt64) { self.identity = identity }

    var undelivered: Int { counts.values.reduce(0) { $0 + $1.undelivered } }
    var dead: Int { counts.values.reduce(0) { $0 + $1.dead } }

    func rowValue() -> [UInt8] {
        var row = RowWriter()
        row.put(Self.formatVersion)
        row.put(identity)
        row.put(batch)
        row.put(next)
        row.put(trimmed)
        row.put(UInt32(clamping: nextEndpoint))
        row.put(UInt32(clamping: counts.count))
        for (number, counts) in counts.sorted(by: { $0.key < $1.key }) {
            row.put(UInt32(clamping: number))
            row.put(UInt64(clamping: counts.undelivered))
            row.put(UInt64(clamping: counts.dead))
        }
        return row.bytes
    }

    /// Without the names. Nil where it cannot be a status.
    init?(rowValue value: UnsafeRawBufferPointer) {
        var row = RowReader(value)
        guard row.take(UInt32.self) == Self.formatVersion, let identity = row.take(UInt64.self), let batch = row.take(UInt64.self), batch > 0,
            let next = row.take(UInt64.self), let trimmed = row.take(UInt64.self), let nextEndpoint = row.take(UInt32.self),
            let count = row.take(UInt32.self)
        else { return nil }
        self.init(identity: identity)
        (self.batch, self.next, self.trimmed, self.nextEndpoint) = (batch, next, trimmed, Int(nextEndpoint))
        for _ in 0..<count {
            guard let number = row.take(UInt32.self), let undelivered = row.take(UInt64.self), let dead = row.take(UInt64.self) else { return nil }
            counts[Int(number)] = Counts(undelivered: Int(clamping: undelivered), dead: Int(clamping: dead))
        }
        guard row.isAtEnd, counts.count == Int(count) else { return nil }
    }
}

/// The file `OUTBOX`, which says how many batches there must be at least: RocksDB takes a log that was cut for one that was being written.
/// It is written when an outbox is made, trimmed and closed.
///
/// | bytes | |
/// | --- | --- |
/// | 8 | `nt-outbx` |
/// | 4 | version of the format |
/// | 8 | the number drawn when the outbox was made |
/// | 8 | batches |
/// | 16 | XXH3, 128 bits (the low half first), of all that stands before |
struct OutboxGuard: Equatable, FolderGuard {
    static let formatVersion = OutboxStatus.formatVersion
    static let folderKind = "outbox"
    static let fileName = "OUTBOX"
    static let nextFileName = "OUTBOX.next"
    static let fileCountMax = 4096

    var identity: UInt64
    var batch: UInt64

    private static let magic = Array("nt-outbx".utf8)
    private static let sumCount = 16

    func fileContent(version: UInt32 = Self.formatVersion) -> [UInt8] {
        var content = RowWriter()
        content.putRest(Self.magic)
        content.put(version)
        content.put(identity)
        content.put(batch)
        content.putRest(Anchor.sum(of: content.bytes[...]))
        return content.bytes
    }

    init(identity: UInt64, batch: UInt64) {
        self.identity = identity
        self.batch = batch
    }

    init(fileContent content: [UInt8], path: String) throws(StoreError) {
        guard content.count >= Self.magic.count + 4 + Self.sumCount, content.starts(with: Self.magic) else {
            throw .damaged("\(path) is damaged: it does not begin as it should")
        }
        let body = content[..<(content.count - Self.sumCount)]
        guard Anchor.sum(of: body) == Array(content.suffix(Self.sumCount)) else {
            throw .damaged("\(path) is damaged: its checksum does not fit its content")
        }
        let (version, identity, batch, isWhole) = body.withUnsafeBytes { bytes in
            var row = RowReader(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Self.magic.count)))
            let found = (row.take(UInt32.self), row.take(UInt64.self), row.take(UInt64.self))
            return (found.0, found.1, found.2, row.isAtEnd)
        }
        guard version == OutboxStatus.formatVersion else {
            throw .unknownFormat(
                "\(path) was written by another version of needletail (format \(version ?? 0); this one reads \(OutboxStatus.formatVersion))")
        }
        guard let identity, let batch, isWhole else { throw .damaged("\(path) is damaged: its lengths do not add up") }
        self.init(identity: identity, batch: batch)
    }
}
