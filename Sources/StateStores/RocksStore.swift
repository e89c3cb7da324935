// The store on disk: RocksDB as a set of sorted tables, of which only finished ones are ever taken in.
//
// A checkpoint is a file of ascending rows a part, and one call that takes all of them in: a single record of RocksDB's MANIFEST, so that after
// a crash all rows are there or none. The anchor is a row of the last part. So rows and anchor cannot come apart, and RocksDB's log and memory
// tables stay empty.
//
// What RocksDB alone does not tell is that it has lost its end: it takes a MANIFEST that was cut for one that was being written. Therefore the
// file `CHECKPOINT` says which checkpoint there must be at least:
//
//     rows written, fsynced → CHECKPOINT.next written, fsynced → rows taken in → CHECKPOINT.next renamed to CHECKPOINT, folder fsynced
//
// A store older than `CHECKPOINT`, or newer by more than the one that a crash between the last two steps makes, is damaged. The next file is
// written before the rows are taken in, so that a disk that fills up is met while nothing has happened yet.
//
// Everything else is protected by sums: each record of the MANIFEST, each block of a table, a table's end; the MANIFEST knows each table's size
// and a number that is in the table too. So to open the store proves that the files belong together, and to read a row proves the row. It is
// opened for reading first and compared with `CHECKPOINT`, so that a damaged store stays as it was found.
//
// After a write error it is open whether the last checkpoint got to the disk. The store is then opened again, as after a crash, and shows
// which of the two it was.

internal import CRocksDB
internal import Glibc
public import Streaming

/// Checkpoints in a folder, on RocksDB.
///
/// The folder is locked while the store lives: it is closed, and may be opened again, when the last reference to it is gone (checkpoint writers
/// are references). Reading and writing may go on at the same time on any threads.
///
/// After a commit that threw, ``committed`` says which checkpoint stands: the one before, or, where only its acknowledgement was lost, the
/// one that was being committed. Times up to which rows may be forgotten must not go back from one checkpoint to the next: what was
/// forgotten may otherwise be seen again.
// Safe to share: RocksDB's handle is thread-safe, and what changes here is touched under the locks.
public final class RocksStore: StateStore, @unchecked Sendable {
    /// What tests set apart from the defaults.
    struct Settings {
        var cacheBytes = 32 << 20
        /// So many files of new checkpoints begin a compaction.
        var level0Files = 16
        /// At so many times that number, the next checkpoint waits for the compaction.
        var level0Multiple = 8
        var disk = Disk()
    }

    public let directory: String
    public let isReadOnly: Bool
    let settings: Settings
    private let rocks: RocksHandle

    /// Held while a checkpoint is taken in and while the folder is copied.
    private let commitLock = Lock()
    /// Guards what follows.
    private let lock = Lock()
    private var anchor: Anchor
    private var isWriting = false
    /// `CHECKPOINT` is one behind, since it could not be renamed.
    private var isGuardBehind: Bool
    /// Makes the names of temporary files differ: a file that RocksDB may have linked must not be written to again.
    private var attempts = 0

    /// Opens the store in a folder, which is made where it is missing; a new store has no committed checkpoint.
    ///
    /// All files are looked at, but not all rows are read: see ``verify()``.
    ///
    /// - Parameter cacheBytes: of blocks, indexes and filters kept in memory.
    /// - Throws: `inUse`, `damaged` (the file is named), `unknownFormat`, `full` (to open writes a little), `failed`.
    public convenience init(directory: String, cacheBytes: Int = 32 << 20) throws(StoreError) {
        var settings = Settings()
        settings.cacheBytes = cacheBytes
        try self.init(directory: directory, settings: settings)
    }

    init(directory: String, settings: Settings) throws(StoreError) {
        let opened = try Opening.open(directory, settings: settings)
        self.directory = directory
        self.settings = settings
        isReadOnly = false
        rocks = RocksHandle(opened.handle, folderDescriptor: opened.folderDescriptor, directory: directory, disk: settings.disk)
        anchor = opened.anchor
        isGuardBehind = opened.isGuardBehind
    }

    /// Opens a store to read it only, also one that another process is writing to; what is seen is the last checkpoint at this moment.
    public init(reading directory: String, cacheBytes: Int = 8 << 20) throws(StoreError) {
        var settings = Settings()
        settings.cacheBytes = cacheBytes
        let opened = try Opening.openToRead(directory, settings: settings)
        self.directory = directory
        self.settings = settings
        isReadOnly = true
        rocks = RocksHandle(opened.handle, folderDescriptor: -1, directory: directory, disk: settings.disk)
        anchor = opened.anchor
        isGuardBehind = false
    }

    /// Runs with RocksDB's handle, which stays for that long.
    func withHandle<Result>(_ body: (OpaquePointer) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try rocks.use(body)
    }

    // MARK: Reading

    public var committed: CommittedCheckpoint? { lock.locked { anchor.committed } }

    var expired: Int64 { lock.locked { anchor.expired } }

    public func value(of key: UnsafeRawBufferPointer) throws(StoreError) -> [UInt8]? {
        guard let kind = key.first, kind != Anchor.reservedKind else { return nil }
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try withHandle { handle throws(StoreError) in
            try check(nt_store_get(handle, key.baseAddress, key.count, &bytes, &count), reading: directory)
        }
        guard let bytes else { return nil }
        let value = UnsafeRawBufferPointer(start: bytes, count: count)
        return isForgotten(key: key, value: value, expired: expired) ? nil : Array(value)
    }

    public func scan(
        from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer?,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try withHandle { handle throws(StoreError) in try scan(handle, from: first, to: end, body) }
    }

    private func scan(
        _ handle: OpaquePointer, from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer?,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        // Taken before the rows are, so that nothing is hidden which their checkpoint shows.
        let expired = expired
        // Keys of the reserved kind are ours.
        let isPast = end.map { $0.first == Anchor.reservedKind } ?? true
        try Anchor.firstReservedKey.withBytes { last throws(StoreError) in
            try RocksHandle.scan(handle, from: first, to: isPast ? last : end ?? last, folder: directory) { key, value throws(StoreError) in
                if isForgotten(key: key, value: value, expired: expired) { return true }
                return try body(key, value)
            }
        }
    }

    /// Reads every file in full and compares all checksums.
    ///
    /// A scan finds damage in what it reads; this finds it in what is no longer in use too.
    ///
    /// - Throws: `damaged`, which names the file; `failed`.
    public func verify() throws(StoreError) {
        try withHandle { handle throws(StoreError) in try check(nt_store_verify(handle), reading: directory) }
        _ = try Anchor.read(in: directory)
    }

    // MARK: Writing

    public func begin(parts: Int) throws(StoreError) -> any CheckpointWriter {
        guard !isReadOnly else { throw .failed("\(directory) is open for reading only") }
        try RowLimits.checkParts(parts)
        let attempt = lock.locked { () -> Int? in
            guard !isWriting else { return nil }
            isWriting = true
            attempts += 1
            return attempts
        }
        guard let attempt else { throw .failed("a checkpoint of \(directory) is being written already") }
        do throws(StoreError) {
            if try rocks.needsReopening() { try reopen() }
            try catchUpGuard()
            // Without this bound a disk too slow to compact would end with more files than can be opened.
            let files = try withHandle { handle throws(StoreError) in nt_store_level0_count(handle) }
            if files >= UInt64(settings.level0Files * settings.level0Multiple) { try compact() }
        } catch {
            release()
            throw error
        }
        return RocksCheckpoint(store: self, attempt: attempt, parts: parts)
    }

    /// Takes in the files of a checkpoint, all rows of which are durable.
    func commit(_ next: Anchor, files: [String]) throws(StoreError) {
        try commitLock.locked { () throws(StoreError) in
            let nextPath = path(Anchor.nextFileName)
            try settings.disk.write(next.fileContent(), to: nextPath)

            do throws(StoreError) {
                try withHandle { handle throws(StoreError) in
                    // Until the new checkpoint stands, only what both allow to forget is forgotten.
                    nt_store_set_expired(handle, min(expired, next.expired))
                    try check(withCStrings(files) { nt_store_ingest(handle, $0.baseAddress, $0.count) }, writing: directory)
                    nt_store_set_expired(handle, next.expired)
                }
                lock.locked { anchor = next }
            } catch {
                // It may stand all the same; opening again tells. Where even that fails, the error met first is the one to tell.
                do throws(StoreError) { try reopen() } catch { throw error }
                guard lock.locked({ anchor }) == next else { throw error }
            }

            // The checkpoint stands. If its guard cannot be put in place now, that is made up for before the next one begins.
            do throws(StoreError) {
                try settings.disk.rename(nextPath, to: path(Anchor.fileName), in: directory)
            } catch {
                lock.locked { isGuardBehind = true }
            }
        }
    }

    /// Opens the store again after an error, and finds which checkpoint stands.
    private func reopen() throws(StoreError) {
        try rocks.reopen { () throws(StoreError) in
            let opened = try Opening.reopen(directory, settings: settings)
            lock.locked { (anchor, isGuardBehind) = (opened.anchor, opened.isGuardBehind) }
            return opened.handle
        } orToRead: { () throws(StoreError) in
            let opened = try Opening.openToRead(directory, settings: settings)
            lock.locked { anchor = opened.anchor }
            return opened.handle
        }
    }

    /// Brings `CHECKPOINT` up to the store.
    private func catchUpGuard() throws(StoreError) {
        let (isBehind, anchor) = lock.locked { (isGuardBehind, self.anchor) }
        guard isBehind else { return }
        try anchor.write(to: directory, disk: settings.disk)
        lock.locked { isGuardBehind = false }
    }

    func release() { lock.locked { isWriting = false } }

    /// The number of the checkpoint that is being written.
    var nextNumber: UInt64 { lock.locked { anchor.number + 1 } }

    func path(_ name: String) -> String { directory + "/" + name }

    /// Merges all files into the lowest level. RocksDB does it by itself, bit by bit; this is for tests and measurements.
    func compact() throws(StoreError) {
        try withHandle { handle throws(StoreError) in try check(nt_store_compact(handle), writing: directory) }
    }

    // MARK: Copies

    /// Makes a copy of the last committed checkpoint as a store of its own, in a folder that must not exist.
    ///
    /// On the same file system the tables, which never change, are linked: that takes no room and little time. The copy appears under its
    /// name when it is complete.
    ///
    /// - Throws: `full`, or `failed`; the store itself is as before.
    public func copy(to target: String) throws(StoreError) {
        guard !isReadOnly else { throw .failed("\(directory) is open for reading only") }
        guard access(target, F_OK) != 0 else { throw .failed("\(target) exists already") }
        try commitLock.locked { () throws(StoreError) in
            let unfinished = target + ".writing"
            // What a copy left that did not get to its end.
            for leftover in [unfinished, unfinished + ".tmp"] {
                for name in Disk.names(in: leftover) { unlink(leftover + "/" + name) }
                rmdir(leftover)
            }
            try withHandle { handle throws(StoreError) in try check(nt_store_copy(handle, unfinished), writing: target) }
            let anchor = lock.locked { self.anchor }
            try anchor.write(to: unfinished, disk: settings.disk)
            try settings.disk.rename(unfinished, to: target, in: Opening.parent(of: target))
        }
    }
}

/// Hands out the strings as C strings for a call.
private func withCStrings<Result>(_ strings: [String], _ body: (UnsafeMutableBufferPointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    var copies = strings.map { UnsafePointer(strdup($0)) }
    defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
    return copies.withUnsafeMutableBufferPointer { body($0) }
}
