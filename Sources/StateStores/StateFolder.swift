internal import Glibc
public import Streaming

/// The folder of `--state`: everything that a run leaves for the next one.
///
///     FORMAT               what this folder is, and its version
///     LOCK                 held by the process that runs, with its number
///     store/               checkpoints (``RocksStore``)
///     journal/N/           what was read from input N, where it is a pipe
///     idle.log             steps of time that silence made
///     outbox/              alerts on their way to webhooks
///     sent                 how many alerts have left (``SentCount``)
///     spill/               events that wait, while a run needs the room
///     savepoint.request    what `needletail savepoint` asks of the process that runs
///     savepoint.answer     what that has answered
///     deliveries.request   the same of `needletail deliveries`
///     deliveries.answer
///
/// A savepoint is such a folder too, without what belongs to one process.
public final class StateFolder {
    public let path: String
    public let store: RocksStore
    private let lock: Int32

    private static let formatPrefix = "needletail state "
    static let formatText = formatPrefix + "1\n"
    private static let formatName = "FORMAT"
    private static let lockName = "LOCK"

    /// Opens a folder for a run, and makes it where it is not there.
    ///
    /// - Throws: ``StoreError``: `inUse` where another process has it, `unknownFormat` where it is something else, `damaged`, `full`, `failed`.
    public init(_ path: String, cacheBytes: Int = 32 << 20) throws(StoreError) {
        self.path = path
        let isNew = try StateFolder.makeFolder(path)
        if !isNew { try StateFolder.checkFormat(path) }
        lock = try StateFolder.takeLock(path)
        do throws(StoreError) {
            if isNew || access(path + "/" + StateFolder.formatName, F_OK) != 0 { try StateFolder.writeFormat(path) }
            store = try RocksStore(directory: path + "/store", cacheBytes: cacheBytes)
        } catch {
            close(lock)
            throw error
        }
    }

    deinit { close(lock) }

    public func journalPath(_ input: Int) -> String { "\(path)/journal/\(input)" }
    public var journalsPath: String { path + "/journal" }
    public var idleLogPath: String { path + "/idle.log" }
    public var outboxPath: String { path + "/outbox" }
    public var sentCountPath: String { path + "/sent" }
    public var spillPath: String { path + "/spill" }

    /// Makes the folder that journals lie in.
    public func makeJournals() throws(StoreError) {
        guard mkdir(journalsPath, 0o755) == 0 || errno == EEXIST else {
            throw .failed("\(journalsPath) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    /// Opens a folder's checkpoints to look at them, also while a run goes on.
    public static func reading(_ path: String) throws(StoreError) -> RocksStore {
        guard access(path, F_OK) == 0 else { throw .failed("there is no state folder \(path)") }
        try checkFormat(path)
        return try RocksStore(reading: path + "/store")
    }

    /// Where a folder keeps alerts on their way to webhooks; nil where it has none.
    ///
    /// - Throws: where this is no state folder.
    public static func outboxPath(of path: String) throws(StoreError) -> String? {
        guard access(path, F_OK) == 0 else { throw .failed("there is no state folder \(path)") }
        try checkFormat(path)
        let outbox = path + "/outbox"
        return access(outbox + "/" + OutboxGuard.fileName, F_OK) == 0 ? outbox : nil
    }

    /// The process that runs with this folder; nil where none does.
    public static func owner(of path: String) -> Int32? {
        let descriptor = open(path + "/" + lockName, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
        return number(in: descriptor)
    }

    // MARK: - Steps

    /// True where it was made now, or is empty.
    private static func makeFolder(_ path: String) throws(StoreError) -> Bool {
        if mkdir(path, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw .failed("\(path) cannot be made: \(String(cString: strerror(errno)))") }
        let names = Disk.names(in: path)
        if names.isEmpty {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw .failed("\(path) is no folder") }
            return true
        }
        // What a crash leaves that comes before the first line is written.
        return names.allSatisfy { [lockName, formatName + ".new", "lost+found"].contains($0) }
    }

    static func checkFormat(_ path: String) throws(StoreError) {
        guard let content = try Disk.content(of: path + "/" + formatName, countMax: 4096) else {
            let other = Disk.names(in: path).first { $0 != lockName } ?? ""
            throw .unknownFormat("\(path) is no state folder: it holds \(other) and no \(formatName). Give an empty or a new folder")
        }
        let text = String(decoding: content, as: UTF8.self)
        guard text == formatText else {
            let version = text.dropFirst(formatPrefix.count).dropLast()
            if text.hasPrefix(formatPrefix), text.hasSuffix("\n"), !version.isEmpty, version.allSatisfy({ ("0"..."9").contains($0) }) {
                throw .unknownFormat(
                    "\(path) was made by another version: \(path)/\(formatName) says \(text.dropLast()), and this one reads \(formatText.dropLast())")
            }
            throw .damaged("\(path)/\(formatName) is not what was written")
        }
    }

    static func writeFormat(_ path: String) throws(StoreError) {
        let disk = Disk()
        let next = path + "/" + formatName + ".new"
        try disk.write(Array(formatText.utf8), to: next)
        try disk.rename(next, to: path + "/" + formatName, in: path)
    }

    private static func takeLock(_ path: String) throws(StoreError) -> Int32 {
        let file = path + "/" + lockName
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .failed("\(file) cannot be opened: \(String(cString: strerror(errno)))") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            // A file system without such locks leaves it to the store's.
            guard errno == EWOULDBLOCK else { break }
            let owner = number(in: descriptor).map { " (process \($0))" } ?? ""
            close(descriptor)
            throw .inUse("another run\(owner) uses the state folder \(path); stop it, or give another folder")
        }
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        return descriptor
    }

    private static func number(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        return Int32(String(decoding: bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
