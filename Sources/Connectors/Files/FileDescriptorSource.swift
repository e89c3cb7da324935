// Standard input, files and pipes, read through a descriptor.
//
// A read must end when somebody asks the run to stop, without a moment in which the request could be missed. So whatever may keep us
// waiting is waited for with poll(2), beside a second descriptor that becomes readable with the request and stays so.

public import Diagnostics
public import Streaming
internal import Glibc

/// An input behind a file descriptor.
public final class FileDescriptorSource: Source {
    public let name: String
    private let descriptor: Int32
    private let isOwned: Bool
    private let stopDescriptor: Int32?
    /// Regular files never keep us waiting, and poll says nothing about them.
    private let waits: Bool

    private init(name: String, descriptor: Int32, isOwned: Bool, stopDescriptor: Int32?) {
        self.name = name
        self.descriptor = descriptor
        self.isOwned = isOwned
        self.stopDescriptor = stopDescriptor
        var status = stat()
        waits = fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Reads from a descriptor that belongs to somebody else, such as standard input.
    ///
    /// - Parameter stopDescriptor: becomes readable, and stays so, when reading shall end.
    /// - Throws: ``FileError`` where the descriptor is closed or is a folder.
    public static func borrowing(
        _ descriptor: Int32, name: String, stopDescriptor: Int32? = nil
    ) throws(FileError) -> FileDescriptorSource {
        try refuseFolder(descriptor, name: name)
        if fcntl(descriptor, F_GETFL) & O_ACCMODE == O_WRONLY { throw FileError(path: name, errorNumber: EBADF) }
        return FileDescriptorSource(name: name, descriptor: descriptor, isOwned: false, stopDescriptor: stopDescriptor)
    }

    /// Opens a file or named pipe.
    ///
    /// - Parameter name: how messages call it; by default the path.
    /// - Throws: ``FileError`` where it is not there, may not be read, or is a folder.
    public static func opening(
        _ path: String, name: String? = nil, stopDescriptor: Int32? = nil
    ) throws(FileError) -> FileDescriptorSource {
        let name = name ?? path
        // Without O_NONBLOCK, opening a named pipe would wait for a writer, deaf to a request to stop. The wait happens in poll instead.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: name, errorNumber: errno) }
        do throws(FileError) {
            try refuseFolder(descriptor, name: name)
        } catch {
            close(descriptor)
            throw error
        }
        return FileDescriptorSource(name: name, descriptor: descriptor, isOwned: true, stopDescriptor: stopDescriptor)
    }

    private static func refuseFolder(_ descriptor: Int32, name: String) throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(path: name, errorNumber: errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw FileError(path: name, reason: "it is a folder; name a file in it") }
    }

    /// Which file it is, so that nobody writes into what is read.
    public var identity: FileIdentity? { FileIdentity(descriptor: descriptor) }

    public func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard let base = room.baseAddress, room.count > 0 else { return 0 }
        while true {
            if waits && isStopRequestedWhileWaiting() { return nil }
            let count = Glibc.read(descriptor, base, room.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR, EAGAIN: continue
            default: throw SourceError(message: "\(name): \(FileError.reason(errno))")
            }
        }
    }

    /// Waits until there is something to read, or its end, or an error that the read will meet, or a request to stop.
    private func isStopRequestedWhileWaiting() -> Bool {
        // A negative descriptor is one that poll leaves out.
        var waiting = [
            pollfd(fd: stopDescriptor ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&waiting, nfds_t(waiting.count), -1) < 0 {
            // Anything but a signal (no memory) is left to the read.
            guard errno == EINTR else { return false }
        }
        return waiting[0].revents != 0
    }
}

/// A file as the system knows it, whatever path leads to it. Only regular files have one: devices and pipes may be used twice.
public struct FileIdentity: Hashable, Sendable {
    private var device: UInt
    private var number: UInt

    public init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
    }
}
