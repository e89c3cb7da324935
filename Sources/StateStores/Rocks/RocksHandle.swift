internal import CRocksDB
internal import Glibc
internal import Streaming

/// RocksDB's handle of an open folder, and the folder's lock. Many use it at a time; alone is who opens the folder again after an error.
// Safe to share: the handle is thread-safe, and it is exchanged under the lock.
final class RocksHandle: @unchecked Sendable {
    private let directory: String
    /// RocksDB writes through it until it is closed.
    private let disk: Disk
    /// Held by whoever uses the handle, alone by who exchanges it.
    private let usage = SharedLock()
    private var handle: OpaquePointer?
    /// Holds the lock of the folder; -1 where there is none.
    private let folderDescriptor: Int32
    private let lock = Lock()
    /// A write failed, and the folder has not been opened again since.
    private var isUnsure = false

    private static let waitingSecondsMax = 10

    init(_ handle: OpaquePointer, folderDescriptor: Int32, directory: String, disk: Disk) {
        self.handle = handle
        self.disk = disk
        self.folderDescriptor = folderDescriptor
        self.directory = directory
    }

    deinit {
        if let handle { nt_store_close(handle) }
        if folderDescriptor >= 0 { close(folderDescriptor) }
    }

    /// Opens RocksDB in a folder.
    static func open(_ folder: String, disk: Disk, _ options: (UnsafePointer<CChar>) -> nt_store_options) throws(StoreError) -> OpaquePointer {
        var handle: OpaquePointer?
        let failure = folder.withCString { path in
            var options = options(path)
            return nt_store_open(disk.handle, &options, &handle)
        }
        try check(failure, reading: folder)
        guard let handle else { throw .failed("\(folder) cannot be opened") }
        return handle
    }

    /// Runs with the handle, which stays for that long.
    func use<Result>(_ body: (OpaquePointer) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try usage.shared { () throws(StoreError) in
            guard let handle else { throw .failed("\(directory) could not be opened again after an error") }
            return try body(handle)
        }
    }

    /// Whether it is known what stands on the disk.
    var isSure: Bool { lock.locked { !isUnsure } }

    func needsReopening() throws(StoreError) -> Bool {
        guard isSure else { return true }
        return try use { handle throws(StoreError) in nt_store_has_error(handle) } != 0
    }

    /// Opens the folder again after an error, which shows what stands. On a disk that is still full it is opened for reading, so that what was
    /// written is seen, and the error is thrown.
    func reopen(
        _ open: () throws(StoreError) -> OpaquePointer, orToRead openToRead: () throws(StoreError) -> OpaquePointer
    ) throws(StoreError) {
        lock.locked { isUnsure = true }
        let isDone: Void? = try usage.alone(waitingSecondsMax: Self.waitingSecondsMax) { () throws(StoreError) in
            if let handle { nt_store_close(handle) }
            handle = nil
            do throws(StoreError) {
                handle = try open()
                lock.locked { isUnsure = false }
            } catch {
                handle = try? openToRead()
                throw error
            }
        }
        guard isDone != nil else {
            throw .failed("\(directory) cannot be opened again after an error: it has been read for more than \(Self.waitingSecondsMax) seconds")
        }
    }

    /// Hands out the rows from a key on, ascending, before the key `end`, until `body` gives false.
    static func scan(
        _ handle: OpaquePointer, from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer, folder: String,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        var cursor: OpaquePointer?
        try check(nt_cursor_create(handle, first.baseAddress, first.count, end.baseAddress, end.count, &cursor), reading: folder)
        defer { nt_cursor_destroy(cursor) }
        var (key, value): (UnsafePointer<UInt8>?, UnsafePointer<UInt8>?)
        var (keyCount, valueCount) = (0, 0)
        while true {
            try check(nt_cursor_next(cursor, &key, &keyCount, &value, &valueCount), reading: folder)
            guard let key else { return }
            let isMore = try body(
                UnsafeRawBufferPointer(start: key, count: keyCount), UnsafeRawBufferPointer(start: value, count: valueCount))
            guard isMore else { return }
        }
    }
}

extension [UInt8] {
    /// As `withUnsafeBytes`, for what throws only errors of stores.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try withUnsafeBufferPointer { buffer throws(StoreError) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
