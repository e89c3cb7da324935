// Scratch files for events that wait for the watermark. They have no name: each is unlinked as soon as it is there, so that nothing stays
// behind however the process ends.

public import Diagnostics
internal import Glibc
public import Streaming
internal import Synchronization

/// Room for runs in a folder: a file each.
public final class SpillFolder: SpillSpace {
    private let path: String
    private let bytesMax: Int
    private let calls: SpillCalls
    private let used = Atomic<Int>(0)

    static let namePrefix = "needletail-spill-"

    /// Makes the folder where it is not there, and removes what a process left that ended between making a file and unlinking it.
    ///
    /// - Parameter bytesMax: most bytes of all files together.
    /// - Throws: ``FileError`` where it is no folder, or files cannot be made in it.
    public convenience init(_ path: String, bytesMax: Int) throws(FileError) {
        try self.init(path, bytesMax: bytesMax, calls: SpillCalls())
    }

    init(_ path: String, bytesMax: Int, calls: SpillCalls) throws(FileError) {
        self.path = path
        self.bytesMax = bytesMax
        self.calls = calls
        if mkdir(path, 0o700) != 0 && errno != EEXIST { throw FileError(path: path, errorNumber: errno) }
        guard let folder = opendir(path) else { throw FileError(path: path, errorNumber: errno) }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasPrefix(SpillFolder.namePrefix) { unlink("\(path)/\(name)") }
        }
        if access(path, W_OK | X_OK) != 0 { throw FileError(path: path, reason: "files cannot be made in it") }
    }

    /// Bytes of all files that are there.
    public var usedBytes: Int { used.load(ordering: .relaxed) }

    public func makeRun() throws(SpillError) -> any SpillRun {
        let name = "\(path)/\(SpillFolder.namePrefix)\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(errno) }
        unlink(name)
        return SpillFile(descriptor, folder: self)
    }

    /// Takes bytes of the bound, or gives them back.
    fileprivate func reserve(_ count: Int) throws(SpillError) {
        if used.add(count, ordering: .relaxed).newValue > bytesMax {
            giveBack(count)
            throw .boundReached(bytes: bytesMax)
        }
    }

    fileprivate func giveBack(_ count: Int) { used.subtract(count, ordering: .relaxed) }

    fileprivate func failure(_ errorNumber: Int32) -> SpillError {
        let message = "\(path): \(FileError.reason(errorNumber))"
        return errorNumber == ENOSPC || errorNumber == EDQUOT ? .full(message) : .failed(message)
    }

    fileprivate func damage() -> SpillError { .damaged("\(path): events that were put there came back damaged") }

    fileprivate func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        calls.write(descriptor, bytes, offset)
    }

    fileprivate func read(_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer, _ offset: Int) -> Int {
        calls.read(descriptor, room, offset)
    }
}

/// What the system is asked for, so that tests can make it fail: bytes written or read, or -1 with `errno`.
struct SpillCalls: Sendable {
    var write: @Sendable (Int32, UnsafeRawBufferPointer, Int) -> Int = { pwrite($0, $1.baseAddress, $1.count, off_t($2)) }
    var read: @Sendable (Int32, UnsafeMutableRawBufferPointer, Int) -> Int = { pread($0, $1.baseAddress, $1.count, off_t($2)) }
}

private final class SpillFile: SpillRun {
    private let descriptor: Int32
    private let folder: SpillFolder
    private var count = 0

    init(_ descriptor: Int32, folder: SpillFolder) {
        self.descriptor = descriptor
        self.folder = folder
    }

    deinit {
        close(descriptor)
        folder.giveBack(count)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(SpillError) {
        try folder.reserve(bytes.count)
        // What was written in part takes its room too.
        let start = count
        count += bytes.count
        var written = 0
        while written < bytes.count {
            let done = folder.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]), start + written)
            if done > 0 {
                written += done
            } else if done == 0 || errno != EINTR {
                throw folder.failure(done == 0 ? EIO : errno)
            }
        }
    }

    func read(at offset: UInt64, into room: UnsafeMutableRawBufferPointer) throws(SpillError) {
        guard let start = Int(exactly: offset), start <= count, room.count <= count - start else { throw folder.damage() }
        var filled = 0
        while filled < room.count {
            let done = folder.read(descriptor, UnsafeMutableRawBufferPointer(rebasing: room[filled...]), start + filled)
            if done > 0 {
                filled += done
            } else if done == 0 {
                // The file has become shorter than what was written.
                throw folder.damage()
            } else if errno != EINTR {
                throw folder.failure(errno)
            }
        }
    }
}
