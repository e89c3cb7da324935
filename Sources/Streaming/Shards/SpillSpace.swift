/// Room outside memory for events that wait for the watermark. Nothing in it outlives the run: a restart reads those events again.
///
/// Runs are made by several threads at once.
public protocol SpillSpace: AnyObject, Sendable {
    /// Makes an empty run. Its room is free again when nobody refers to it any more.
    func makeRun() throws(SpillError) -> any SpillRun
}

/// Bytes that are written one behind another and read back in pieces; used by one thread at a time.
public protocol SpillRun: AnyObject {
    /// Writes all of the bytes behind what is there.
    func append(_ bytes: UnsafeRawBufferPointer) throws(SpillError)

    /// Fills the room with the bytes from `offset` on, all of which were written before.
    func read(at offset: UInt64, into room: UnsafeMutableRawBufferPointer) throws(SpillError)
}

/// Why events that wait cannot be kept outside memory, or not be had back.
public enum SpillError: Error, Sendable, Equatable {
    /// The space has taken the most that it may.
    case boundReached(bytes: Int)
    /// The disk is full; the text names the folder.
    case full(String)
    /// What was read is not what was written.
    case damaged(String)
    case failed(String)
}

/// How rows are laid out in a space.
struct SpillLimits: Sendable {
    /// Rows of a chunk.
    var chunkRows = 512
    /// Bytes of the lines of a chunk, more only where a single line is longer.
    var chunkBytes = 128 * 1024
    /// Runs of a shard, at least 2: how many chunks it has in memory, and how many files are open. At the bound the smaller half of them is
    /// merged into one, so that a row is written again once each time that what waits has grown to so many times as much.
    var runsMax = 32
    /// A shard takes back so many rows at a time.
    var sliceRows = 16 * 1024
    /// A shard takes back so many bytes of chunks at a time, more or less one.
    var sliceBytes = 4 << 20
}

/// The place of a row in the order of matching.
struct RowMoment: Comparable {
    var time: Int64
    var arrival: UInt64

    static let last = RowMoment(time: .max, arrival: .max)

    @inline(__always)
    static func < (left: RowMoment, right: RowMoment) -> Bool {
        left.time != right.time ? left.time < right.time : left.arrival < right.arrival
    }
}
