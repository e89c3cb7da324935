// Standard input, files and pipes, read through a descriptor. Whoever reads several waits for them with `PollSelector`; a read itself
// never waits.

public import Diagnostics
public import Streaming
internal import CPipes
internal import Glibc

/// An input behind a file descriptor.
public final class FileDescriptorSource: ResumableSource, WaitingSource {
    public let name: String
    private let descriptor: Int32
    private let isOwned: Bool
    /// Regular files never keep us waiting, and poll says nothing about them.
    private let waits: Bool
    private let isPipe: Bool
    private var isKnownReady = false
    /// Bytes handed out since the very first start.
    private var position: UInt64 = 0
    /// Of a regular file, what was read of it.
    private var printMaker: FilePrintMaker?
    /// Of a regular file, where reading began at the very first start: standard input need not be at its own start.
    private var startOffset: Int64 = 0

    private init(name: String, descriptor: Int32, isOwned: Bool) {
        self.name = name
        self.descriptor = descriptor
        self.isOwned = isOwned
        var status = stat()
        waits = fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG
        isPipe = status.st_mode & S_IFMT == S_IFIFO
        guard !waits else { return }
        startOffset = Int64(max(0, lseek(descriptor, 0, SEEK_CUR)))
        let inode = UInt64(status.st_ino)
        printMaker = FilePrintMaker(descriptor, inode: inode, upTo: startOffset) ?? FilePrintMaker(inode: inode)
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Reads from a descriptor that belongs to somebody else, such as standard input.
    ///
    /// - Throws: ``FileError`` where the descriptor is closed or is a folder.
    public static func borrowing(_ descriptor: Int32, name: String) throws(FileError) -> FileDescriptorSource {
        try refuseFolder(descriptor, name: name)
        if fcntl(descriptor, F_GETFL) & O_ACCMODE == O_WRONLY { throw FileError(path: name, errorNumber: EBADF) }
        return FileDescriptorSource(name: name, descriptor: descriptor, isOwned: false)
    }

    /// Opens a file or named pipe.
    ///
    /// - Parameter name: how messages call it; by default the path.
    /// - Throws: ``FileError`` where it is not there, may not be read, or is a folder.
    public static func opening(_ path: String, name: String? = nil) throws(FileError) -> FileDescriptorSource {
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
        return FileDescriptorSource(name: name, descriptor: descriptor, isOwned: true)
    }

    private static func refuseFolder(_ descriptor: Int32, name: String) throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(path: name, errorNumber: errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw FileError(path: name, reason: "it is a folder; name a file in it") }
    }

    /// Which file it is, so that nobody writes into what is read.
    public var identity: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// This input with its compression undone, if it has any: by its first bytes, or where its path ends in `.gz` or `.zst`.
    public func decompressed(path: String) -> any Source {
        if let compression = Compression.named(by: path) { return DecompressingSource(self, compression: compression) }
        guard !waits else { return DecompressingSource(self, compression: nil) }
        // Of a file the first bytes can be seen without reading them; a plain one needs no detour.
        var start = [UInt8](repeating: 0, count: 4)
        let count = pread(descriptor, &start, start.count, off_t(startOffset))
        let guess = start.withUnsafeBytes { Compression.guess(UnsafeRawBufferPointer(rebasing: $0[..<max(0, count)])) }
        guard case .compressed(let compression) = guess else { return self }
        return DecompressingSource(self, compression: compression)
    }

    var readiness: SourceReadiness { waits ? .descriptor(descriptor) : .ready }

    func noteReadiness() { isKnownReady = true }

    public func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard let base = room.baseAddress, room.count > 0 else { return 0 }
        let count = try once { Glibc.read(descriptor, base, room.count) }
        guard let count else { return nil }
        position += UInt64(count)
        if count > 0 { printMaker?.add(UnsafeRawBufferPointer(start: base, count: count)) }
        return count
    }

    /// Asks the system once there is something; nil where nothing is.
    private func once(_ call: () -> Int) throws(SourceError) -> Int? {
        while true {
            // The descriptor may be shared with other programs, so that it is not ours to make it non-blocking.
            if waits && !isKnownReady && !isReadable() { return nil }
            isKnownReady = false
            let count = call()
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw SourceError(message: "\(name): \(FileError.reason(errno))")
            }
        }
    }

    // MARK: Of a pipe

    /// This input, where it is a pipe.
    var pipe: FileDescriptorSource? { isPipe ? self : nil }

    /// The first bytes, at most 4096, which stay in the pipe; nil where there is nothing now, none at its end.
    func peek(_ countMax: Int) throws(SourceError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: countMax)
        guard let count = try once({ nt_pipe_peek(descriptor, &bytes, countMax) }) else { return nil }
        return Array(bytes.prefix(count))
    }

    /// Moves bytes into a file; at every moment each of them is in the pipe or in the file, whatever happens to this process.
    ///
    /// - Returns: how many; nil where there is nothing now, 0 at the end.
    /// - Throws: the number of the system's error, which may be the file's.
    func move(to file: Int32, at offset: Int, countMax: Int) throws(SystemError) -> Int? {
        var number: Int32 = 0
        do throws(SourceError) {
            let count = try once {
                let count = nt_pipe_move(descriptor, file, Int64(offset), countMax)
                if count < 0 { number = errno }
                return count
            }
            position += UInt64(count ?? 0)
            return count
        } catch {
            throw SystemError(number: number)
        }
    }

    struct SystemError: Error {
        var number: Int32
    }

    private func isReadable() -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) > 0
    }
}

/// Going on after a restart: a file is found again, a pipe goes on with what comes.
extension FileDescriptorSource {
    /// Whether it can be read again from before a restart. What came of a pipe, a socket or a terminal is gone; see ``JournaledSource``.
    public var canGoBack: Bool { !waits }

    public func place(at position: UInt64) -> [UInt8] {
        guard let print = printMaker?.print else { return [] }
        // The position lies so far behind what was read.
        let back = self.position.subtractingReportingOverflow(position).partialValue
        let offset = print.length.subtractingReportingOverflow(back).partialValue
        return FilePlace(.plain, [FilePlace.Piece(print: print, offset: offset)]).encoded
    }

    public func resume(at position: UInt64, place: [UInt8]) throws(SourceError) {
        guard canGoBack else {
            try FilePlace.expectNone(place, name: name)
            self.position = position
            return
        }
        if position == 0 && place.isEmpty { return }
        let piece = try FilePlace(place, of: .plain, name: name).pieces[0]
        try seek(to: piece)
        self.position = position
    }

    public func forget(before position: UInt64) {}

    /// The place of compressed data: where it begins, and what was read of it.
    func compressedPlace() -> [UInt8] {
        guard let print = printMaker?.print else { return [] }
        return FilePlace(.compressed, [FilePlace.Piece(print: print, offset: UInt64(startOffset))]).encoded
    }

    /// Goes to where compressed data begins.
    func resumeCompressed(_ place: [UInt8]) throws(SourceError) {
        let piece = try FilePlace(place, of: .compressed, name: name).pieces[0]
        try seek(to: piece)
        startOffset = Int64(clamping: piece.offset)
    }

    private func seek(to piece: FilePlace.Piece) throws(SourceError) {
        let inode = identity?.inode ?? 0
        if let misfit = piece.print.misfit(descriptor) { throw misfit.error(piece.print, isSameFile: inode == piece.print.inode, name: name) }
        guard let start = off_t(exactly: piece.offset), lseek(descriptor, start, SEEK_SET) == start,
            let maker = FilePrintMaker(descriptor, inode: inode, upTo: Int64(start))
        else { throw SourceError(message: "\(name): \(FileError.reason(errno))") }
        printMaker = maker
    }
}

/// A file as the system knows it, whatever path leads to it. Only regular files have one: devices and pipes may be used twice.
public struct FileIdentity: Hashable, Sendable {
    private var device: UInt
    private var number: UInt

    var inode: UInt64 { UInt64(number) }

    public init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    init?(_ status: stat) {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
    }
}
