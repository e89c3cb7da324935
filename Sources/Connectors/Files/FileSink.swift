// Alerts, late events and rejects on their way into a file, a pipe or standard output.

public import Diagnostics
public import Streaming
internal import Events
internal import Glibc

/// Writes lines through a file descriptor. What is small waits in a buffer until ``flush()``.
public final class FileSink: Sink {
    /// As the user named it.
    public let name: String
    private let descriptor: Int32
    private let isOwned: Bool
    private var isOpen = true
    private var buffer = ByteBuffer(capacity: 64 * 1024)

    private static let bufferBytesMax = 64 * 1024

    private init(name: String, descriptor: Int32, isOwned: Bool) {
        self.name = name
        self.descriptor = descriptor
        self.isOwned = isOwned
    }

    deinit {
        if isOwned && isOpen { Glibc.close(descriptor) }
    }

    /// Writes to a descriptor that belongs to somebody else, such as standard output. Only there does a reader that has gone end the run
    /// quietly; a named pipe that breaks is a failure.
    public static func borrowing(_ descriptor: Int32, name: String) -> FileSink {
        FileSink(name: name, descriptor: descriptor, isOwned: false)
    }

    /// Opens a file for writing and makes it where it is not there. Its old content stays until ``clear()``.
    ///
    /// - Throws: ``FileError`` where its folder is not there, it may not be written, or it is a folder.
    public static func opening(_ path: String, name: String? = nil) throws(FileError) -> FileSink {
        let name = name ?? path
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path: name, errorNumber: errno) }
        return FileSink(name: name, descriptor: descriptor, isOwned: true)
    }

    public var identity: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Drops what a file held before; nothing for pipes and devices.
    public func clear() throws(FileError) {
        guard identity != nil else { return }
        guard ftruncate(descriptor, 0) == 0 else { throw FileError(path: name, errorNumber: errno) }
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError) {
        if buffer.count + bytes.count > FileSink.bufferBytesMax { try flush() }
        if bytes.count >= FileSink.bufferBytesMax {
            try writeAll(bytes)
        } else {
            buffer.append(bytes)
        }
    }

    public func flush() throws(SinkError) {
        guard buffer.count > 0 else { return }
        // What could not be written is dropped with the run; it must not be tried once more when the sink is closed.
        defer { buffer.removeAll() }
        try writeAll(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    /// Flushes and closes; some file systems say only then that the disk is full.
    public func close() throws(SinkError) {
        guard isOpen else { return }
        isOpen = false
        do throws(SinkError) {
            try flush()
        } catch {
            if isOwned { _ = Glibc.close(descriptor) }
            throw error
        }
        if isOwned, Glibc.close(descriptor) != 0 { throw .failed("\(name): \(FileError.reason(errno))") }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SinkError) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.write(descriptor, base, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: waitForRoom()
            case EPIPE where !isOwned: throw .brokenPipe
            case EPIPE: throw .failed("\(name): whoever reads this pipe has gone")
            default: throw .failed("\(name): \(FileError.reason(errno))")
            }
        }
    }

    /// Somebody may have made the descriptor non-blocking, as terminals shared with other programs are at times.
    private func waitForRoom() {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waiting, 1, -1)
    }
}
