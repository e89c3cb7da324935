internal import Glibc
public import Streaming

/// How many alerts have left a run, in a file of eight bytes: after a crash it tells how many of them come again through an output that
/// cannot be cut back. It need not survive the machine, only the process, and is never trusted with more than a message.
public final class SentCount {
    private let descriptor: Int32
    /// As an earlier run left it; 0 where there was none.
    public let before: UInt64

    /// - Throws: ``StoreError`` where the file cannot be made.
    public init(_ path: String) throws(StoreError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .failed("\(path) cannot be opened: \(String(cString: strerror(errno)))") }
        var number: UInt64 = 0
        before = pread(descriptor, &number, 8, 0) == 8 ? UInt64(littleEndian: number) : 0
    }

    deinit { close(descriptor) }

    public func set(_ count: UInt64) {
        // What comes again has left already.
        var number = max(before, count).littleEndian
        _ = pwrite(descriptor, &number, 8, 0)
    }
}
