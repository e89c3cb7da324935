/// Where events come from: a stream of bytes with one JSON object a line.
public protocol Source: AnyObject {
    /// As the user named it, for messages and for `--rejects`.
    var name: String { get }

    /// Reads what is there into the room given and never waits: the number of bytes, 0 at the end, nil where nothing is there yet.
    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int?
}

/// A source that can go on where it was before a restart.
///
/// Positions count the bytes that it has handed out since its first start, restarts included.
public protocol ResumableSource: Source {
    /// What finds the byte at `position` again after a restart, beside the number: which file, and where in it. `position` lies between the
    /// last one given to ``forget(before:)`` and the end of what was read.
    func place(at position: UInt64) -> [UInt8]

    /// Goes on behind the first `position` bytes; `place` is what ``place(at:)`` gave for it. To be called before anything is read.
    ///
    /// - Throws: ``SourceError`` where they are no longer there, or are others.
    func resume(at position: UInt64, place: [UInt8]) throws(SourceError)

    /// A checkpoint holds what came of the bytes before `position`: they are not asked for again.
    func forget(before position: UInt64)

    /// Makes durable what the source itself keeps of the bytes that it has handed out; a checkpoint is committed after that. May be called
    /// from another thread while more is read. By default there is nothing to do.
    func synchronize() throws(SourceError)
}

extension ResumableSource {
    public func synchronize() throws(SourceError) {}
}

/// Waits for several sources at once.
public protocol SourceSelector: AnyObject {
    /// Waits until a source has something to read, or has ended or failed, but no longer than the time given (nil: without end) and
    /// not beyond a request to stop.
    ///
    /// Returns the places in `sources` of those to read now, ascending; none where time is up or a request to stop came. A source
    /// that was named need not have anything: its read then gives nil.
    func wait(for sources: [any Source], timeoutMicroseconds: Int64?) -> [Int]
}

/// For sources that always have something: memory, and whatever blocks.
public final class AlwaysReady: SourceSelector {
    public init() {}

    public func wait(for sources: [any Source], timeoutMicroseconds: Int64?) -> [Int] { Array(sources.indices) }
}

/// An input that can be read no further.
public struct SourceError: Error, Sendable {
    public var message: String

    public init(message: String) {
        self.message = message
    }
}

/// Where lines go: alerts, late events, rejects.
public protocol Sink: AnyObject {
    /// Takes whole lines; they may stay in a buffer until ``flush()``.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError)

    /// Hands over what was written.
    func flush() throws(SinkError)
}

/// A sink that can be brought back to what it held at a checkpoint.
public protocol ResumableSink: Sink {
    /// As the user named it; a restart finds it by that.
    var name: String { get }

    /// Files can be cut back; pipes, terminals and what belongs to somebody else cannot.
    var canBeCut: Bool { get }

    /// Bytes that it holds, those before a restart included.
    var length: UInt64 { get }

    /// The last bytes that it holds, few, by which it is known again.
    var tail: [UInt8] { get }

    /// Makes what was flushed durable. May be called from another thread while more is written.
    func synchronize() throws(SinkError)

    /// Drops what was written behind `length`; ``tail`` was as given there. False where it is another file now, or shorter: then nothing
    /// is dropped, and it is written on from its end.
    func cut(to length: UInt64, tail: [UInt8]) throws(SinkError) -> Bool
}

public enum SinkError: Error, Sendable, Equatable {
    /// The reader of a pipe has gone: the run ends quietly.
    case brokenPipe
    case failed(String)
}
