// Alerts, late events and rejects on their way into a file, a pipe or standard output.

public import Diagnostics
public import Streaming
internal import Events
internal import Glibc

/// Writes lines through a file descriptor. What is small waits in a buffer until ``flush()``.
public final class FileSink: ResumableSink {
    /// As the user named it.
    public let name: String
    private let descriptor: Int32
    private let isOwned: Bool
    private let isRegular: Bool
    private let isReadable: Bool
    private var isOpen = true
    /// Whether the name of a file that this process has made is durable.
    private var isNameDurable: Bool
    private let path: String
    /// Of a regular file.
    public private(set) var length: UInt64 = 0
    public private(set) var tail: [UInt8] = []
    private var buffer = ByteBuffer(capacity: 64 * 1024)

    private static let bufferBytesMax = 64 * 1024

    /// So many bytes are enough to know a file of alerts again: times and ids are among them.
    private static let tailBytes = 128

    private init(name: String, path: String, descriptor: Int32, isOwned: Bool, isReadable: Bool) {
        self.isReadable = isReadable
        self.name = name
        self.path = path
        self.descriptor = descriptor
        self.isOwned = isOwned
        isRegular = FileIdentity(descriptor: descriptor) != nil
        isNameDurable = !isOwned
    }

    deinit {
        if isOwned && isOpen { Glibc.close(descriptor) }
    }

    /// Writes to a descriptor that belongs to somebody else, such as standard output. Only there does a reader that has gone end the run
    /// quietly; a named pipe that breaks is a failure.
    public static func borrowing(_ descriptor: Int32, name: String) -> FileSink {
        FileSink(name: name, path: "", descriptor: descriptor, isOwned: false, isReadable: false)
    }

    /// Opens a file for writing and makes it where it is not there. Its old content stays until ``clear()`` or ``cut(to:tail:)``.
    ///
    /// - Throws: ``FileError`` where its folder is not there, it may not be written, or it is a folder.
    public static func opening(_ path: String, name: String? = nil) throws(FileError) -> FileSink {
        let name = name ?? path
        // A file is also read, to know it again after a restart; opening a pipe so would wake its reader for nothing.
        var status = stat()
        let isPlain = stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
        var descriptor = isPlain ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) : -1
        let isReadable = descriptor >= 0
        if !isReadable { descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw FileError(path: name, errorNumber: errno) }
        return FileSink(name: name, path: path, descriptor: descriptor, isOwned: true, isReadable: isReadable)
    }

    public var identity: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Drops what a file held before; nothing for pipes and devices.
    public func clear() throws(FileError) {
        guard identity != nil else { return }
        guard ftruncate(descriptor, 0) == 0 else { throw FileError(path: name, errorNumber: errno) }
        (length, tail) = (0, [])
    }

    public var canBeCut: Bool { isOwned && isRegular && isReadable }

    public func cut(to length: UInt64, tail: [UInt8]) throws(SinkError) -> Bool {
        guard let size = size(), size >= length, try content(before: length, count: tail.count) == tail else {
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else { throw failure() }
            self.length = UInt64(end)
            self.tail = try content(before: self.length, count: FileSink.tailBytes)
            // What follows begins a line of its own.
            if let last = self.tail.last, last != UInt8(ascii: "\n") {
                let lineEnd: [UInt8] = [UInt8(ascii: "\n")]
                let result: Result<Void, SinkError> = lineEnd.withUnsafeBytes { bytes in
                    do throws(SinkError) { return .success(try writeAll(bytes)) } catch { return .failure(error) }
                }
                try result.get()
            }
            return false
        }
        guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, off_t(length), SEEK_SET) >= 0 else { throw failure() }
        (self.length, self.tail) = (length, tail)
        return true
    }

    private func size() -> UInt64? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_size) : nil
    }

    private func content(before end: UInt64, count: Int) throws(SinkError) -> [UInt8] {
        let count = min(count, Int(clamping: end))
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(end) - off_t(count)) }
        guard got >= 0 else { throw failure() }
        return Array(bytes[..<got])
    }

    private func failure() -> SinkError { .failed("\(name): \(FileError.reason(errno))") }

    public func synchronize() throws(SinkError) {
        guard isRegular else { return }
        if fdatasync(descriptor) != 0 { throw failure() }
        guard !isNameDurable else { return }
        let folder = open(FileSink.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            Glibc.close(folder)
        }
        isNameDurable = true
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
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
                if isRegular { note(UnsafeRawBufferPointer(rebasing: rest[..<count])) }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: waitForRoom()
            case EPIPE where !isOwned: throw .brokenPipe
            case EPIPE: throw .failed("\(name): whoever reads this pipe has gone")
            default: throw failure()
            }
        }
    }

    private func note(_ written: UnsafeRawBufferPointer) {
        length += UInt64(written.count)
        if written.count < FileSink.tailBytes {
            tail.removeFirst(max(0, tail.count + written.count - FileSink.tailBytes))
        } else {
            tail.removeAll(keepingCapacity: true)
        }
        // By its bounds: the `suffix` of sequences would go through all of it.
        tail += written[max(0, written.count - FileSink.tailBytes)...]
    }

    /// Somebody may have made the descriptor non-blocking, as terminals shared with other programs are at times.
    private func waitForRoom() {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waiting, 1, -1)
    }
}
