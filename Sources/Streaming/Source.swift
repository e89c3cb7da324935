/// Where events come from: a stream of bytes with one JSON object a line.
public protocol Source: AnyObject {
    /// As the user named it, for messages and for `--rejects`.
    var name: String { get }

    /// Reads what is there into the room given, and waits only where nothing is: the number of bytes, 0 at the end, nil where a request
    /// to stop came instead.
    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int?
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

public enum SinkError: Error, Sendable, Equatable {
    /// The reader of a pipe has gone: the run ends quietly.
    case brokenPipe
    case failed(String)
}
