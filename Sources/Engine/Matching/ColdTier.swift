/// Where the state of keys is that are not in memory. Errors are for the one who reads to keep; the run then ends.
public protocol ColdKeys: AnyObject {
    /// The stored row of a key: eight bytes of expiry, then what ``Matcher/importState(group:_:isArmed:)`` takes. Nil where there is none.
    func row(hash: UInt64, group: Int, key: UnsafeRawBufferPointer) -> [UInt8]?

    /// Hands out the rows of all keys of a group that have one hash.
    func rows(hash: UInt64, group: Int, _ body: (_ key: UnsafeRawBufferPointer, _ row: UnsafeRawBufferPointer) -> Void)
}

/// The part of a matcher's keys that is stored and not in memory, and what decides which keys that are.
///
/// A key is in memory, or what the last committed checkpoint has of it is its state. So only *clean* keys leave memory, whose last change
/// a committed checkpoint holds; and a key that was removed is asked for nowhere until a checkpoint without it is committed
/// (``ChangeLog/isRemoved(_:group:_:_:)``). It does not matter whether a row is read before or after a commit that is under way: what that changes is
/// in memory or removed.
///
/// A hand goes round over the keys (the clock algorithm, after Corbató 1968). It passes over those that have been touched since it last came by;
/// an event that meets a key marks it as changed, so the epoch of the change tells.
final class ColdTier {
    let source: any ColdKeys
    let filter: ColdFilter
    /// Most bytes of keyed state in memory; nil: as many as there are.
    let bytesMax: Int?
    var evictions: UInt64 = 0
    var reads: UInt64 = 0
    /// What was stored is not sound.
    var failure: BlobError?
    /// Everything in memory waits for a checkpoint.
    var isStuck = false

    // The hand.
    var group = 0
    var place = 0
    /// Keys that have been touched in this epoch or later are passed over.
    var sparedFrom: UInt32
    private var roundStart: UInt32
    private var evictionsBefore: UInt64 = 0
    private var idleRounds = 0

    // What is to be read from the store: at first all, from there on what became unknown.
    var firstUnread = 0
    var unknown: [Int] = []
    /// The scan at hand: its next partition, the end, and marks of that partition's keys which stay where they are.
    var scanning = 0
    var scanEnd = 0
    var isRestoring = false
    var marks: [UInt64] = []

    init(_ source: any ColdKeys, partitions: Range<Int>, bytesMax: Int?, isEmpty: Bool, epoch: UInt32) {
        self.source = source
        self.bytesMax = bytesMax
        filter = ColdFilter(partitions, isKnown: isEmpty)
        firstUnread = isEmpty ? partitions.count : 0
        sparedFrom = epoch
        roundStart = epoch
    }

    func insert(_ blob: Blob, group: Int) {
        if !filter.insert(blob.hash, group: group) { unknown.append(filter.partition(of: blob.hash)) }
    }

    /// The hand has been all round; false where it has found nothing that may leave, whether touched or not.
    func beginRound(_ epoch: UInt32) -> Bool {
        idleRounds = evictions == evictionsBefore ? idleRounds + 1 : 0
        evictionsBefore = evictions
        sparedFrom = roundStart
        roundStart = epoch
        guard idleRounds >= 3 else { return true }
        idleRounds = 0
        return false
    }

    static let expiryCount = 8
    /// Of the budget; what is read ahead after a restart leaves the rest to what events ask for.
    static let filledSixteenths = 14
    /// Slots that the hand looks at in one go, at most.
    static let looksMax = 4096

    static func expiry(_ row: UnsafeRawBufferPointer) -> Int64 { Int64(littleEndian: row.loadUnaligned(as: Int64.self)) }
}
