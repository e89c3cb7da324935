internal import CRocksDB
internal import Glibc
internal import Streaming

/// What a store asks of the file system, as a watcher sees it.
enum DiskOperation: Int32, CaseIterable {
    case create = 1
    case append
    case sync
    case rename
    case link
    case remove
    case makeFolder
    case syncFolder
    case truncate
    case read
}

/// Sees every operation of a store on the file system, and can make it fail. Calls come from several threads, but never overlap.
protocol DiskWatcher: AnyObject {
    /// - Returns: 0 to go on, or the error number that the operation fails with; added to ``Disk/torn``, half of it is done first.
    func before(_ operation: DiskOperation, path: String, other: String) -> Int32

    /// It went well.
    func after(_ operation: DiskOperation, path: String, other: String)
}

/// The file system below a store: the machine's own, under the eyes of a watcher where there is one.
// Safe to share: the handle is thread-safe by itself.
final class Disk: @unchecked Sendable {
    static let torn: Int32 = 0x10000

    let handle: OpaquePointer
    private let watcher: (any DiskWatcher)?

    init(watcher: (any DiskWatcher)? = nil) {
        self.watcher = watcher
        guard let watcher else {
            handle = nt_disk_create(nil, nil)
            return
        }
        handle = nt_disk_create(
            { context, operation, isAfter, path, other in
                guard let context, let path, let other, let operation = DiskOperation(rawValue: operation) else { return 0 }
                let cell = Unmanaged<WatcherCell>.fromOpaque(context).takeUnretainedValue()
                let (from, to) = (String(cString: path), String(cString: other))
                if isAfter == 0 { return cell.watcher.before(operation, path: from, other: to) }
                cell.watcher.after(operation, path: from, other: to)
                return 0
            }, Unmanaged.passRetained(WatcherCell(watcher)).toOpaque())
    }

    deinit { nt_disk_destroy(handle) }

    /// Writes a file anew; its content is durable afterwards, its name is not yet.
    func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
        try check(bytes.withUnsafeBytes { nt_disk_write(handle, path, $0.baseAddress, $0.count) }, writing: path)
    }

    /// Renames within a folder, durably.
    func rename(_ from: String, to: String, in folder: String) throws(StoreError) {
        try check(nt_disk_rename(handle, from, to, folder), writing: to)
    }

    func remove(_ path: String) throws(StoreError) {
        try check(nt_disk_remove(handle, path), writing: path)
    }

    /// Makes a folder where there is none; its name is durable afterwards.
    func makeFolder(_ path: String, in parent: String) throws(StoreError) {
        try check(nt_disk_make_folder(handle, path), writing: path)
        try check(nt_disk_sync_folder(handle, parent), writing: parent)
    }

    /// The names in a folder, ascending; empty where there is no such folder.
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix(while: { $0 != 0 }), as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// All of a file; nil where there is none.
    static func content(of path: String, countMax: Int) throws(StoreError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw .failed("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw .failed("\(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            content.append(contentsOf: piece[..<count])
            guard content.count <= countMax else { throw .damaged("\(path) is damaged: it is longer than it can be") }
        }
    }
}

/// Keeps the watcher for the C side. It lives as long as the program: only tests watch a disk, and files that RocksDB closes late may still call.
private final class WatcherCell {
    let watcher: any DiskWatcher

    init(_ watcher: any DiskWatcher) { self.watcher = watcher }
}
