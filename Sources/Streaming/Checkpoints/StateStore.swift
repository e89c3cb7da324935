/// Where checkpoints are kept: rows of bytes by key, of which only whole checkpoints are ever seen.
///
/// A checkpoint holds the rows that have changed since the one before, and an *anchor*: the bytes that say where the run stood (the inputs'
/// positions, the sinks' lengths, the alerts' count). Rows ascend by their keys as unsigned bytes. What is read is the last committed
/// checkpoint, also while the next one is being written.
public protocol StateStore: AnyObject {
    /// The last committed checkpoint; nil in a new store.
    var committed: CommittedCheckpoint? { get }

    /// Begins the checkpoint after the last. Its rows come in `parts` that may be written by different threads, one thread a part at a
    /// time; the keys of different parts do not overlap.
    ///
    /// Only one checkpoint is written at a time.
    func begin(parts: Int) throws(StoreError) -> any CheckpointWriter

    /// The value of a key; nil where it has none. May be called from any thread, also while a checkpoint is written.
    func value(of key: UnsafeRawBufferPointer) throws(StoreError) -> [UInt8]?

    /// Hands out the rows from `first` up to, but not with, `end` (nil: to the last), ascending, until `body` gives false. The bytes are
    /// valid for the call. May be called from any thread; sees the checkpoint that was the last when it began.
    func scan(
        from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer?,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> Bool) throws(StoreError)
}

public struct CommittedCheckpoint: Sendable, Equatable {
    /// From 1, without gaps.
    public var number: UInt64
    public var anchor: [UInt8]

    public init(number: UInt64, anchor: [UInt8]) {
        self.number = number
        self.anchor = anchor
    }
}

/// A checkpoint that is being written. Dropped without a commit it leaves the store as it was.
public protocol CheckpointWriter: AnyObject {
    /// Rows of a part ascend by key, and no key comes twice.
    func put(part: Int, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(StoreError)

    /// Removes a key's row; it need not exist.
    func remove(part: Int, key: UnsafeRawBufferPointer) throws(StoreError)

    /// A part is complete. What was written need not be durable before the commit.
    func finish(part: Int) throws(StoreError)

    /// Makes all parts and the anchor durable, as one: after a crash either all of it is there or nothing. Called once all parts are
    /// finished.
    ///
    /// - Parameter expired: rows of kind ``StateRowKind/expiring`` whose expiry lies at or before this time may be forgotten.
    func commit(anchor: [UInt8], expired: Int64) throws(StoreError)
}

public enum StateRowKind {
    /// The first byte of keys whose rows begin with their expiry: eight bytes, a little-endian `Int64` in microseconds.
    public static let expiring = UInt8(ascii: "K")
}

/// Why a store cannot be read or written.
public enum StoreError: Error, Sendable, Equatable {
    /// The disk is full. What was committed before stands, and the next checkpoint may be tried.
    case full(String)
    /// What is there cannot be what was written; the text names the file.
    case damaged(String)
    /// Another process has it open.
    case inUse(String)
    /// It was written by a later version, or by something else.
    case unknownFormat(String)
    case failed(String)
}
