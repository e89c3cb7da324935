internal import CRocksDB
internal import Glibc
internal import Streaming

extension RocksStore {
    /// How a folder becomes a store: the lock, the guard, the tables, and whether these fit one another.
    enum Opening {
        struct Opened {
            var handle: OpaquePointer
            var folderDescriptor: Int32
            var anchor: Anchor
            var isGuardBehind: Bool
        }

        /// Temporary files of checkpoints end so.
        static let unfinishedEnding = ".writing"

        static func open(_ folder: String, settings: Settings) throws(StoreError) -> Opened {
            if access(folder, F_OK) != 0 { try settings.disk.makeFolder(folder, in: parent(of: folder)) }
            let descriptor = try FolderLock.take(folder)
            do throws(StoreError) {
                let found = try Anchor.read(in: folder)
                let names = Disk.names(in: folder)
                if found == nil {
                    try Anchor.checkIsNew(folder, names: names)
                    try Anchor.none.write(to: folder, disk: settings.disk)
                }
                for name in names where name.hasSuffix(unfinishedEnding) {
                    try settings.disk.remove(folder + "/" + name)
                }
                let floor = found ?? .none
                let hasTables = names.contains { $0.hasSuffix(".sst") }
                let isNew = floor.number == 0 && !hasTables && !names.contains("CURRENT")
                if !isNew && !names.contains("CURRENT") { throw .damaged("\(folder)/CURRENT is missing") }

                var opened = try openFitting(folder, settings: settings, floor: floor, isNew: isNew)
                opened.folderDescriptor = descriptor
                return opened
            } catch {
                if descriptor >= 0 { close(descriptor) }
                throw error
            }
        }

        /// Opens a folder again that this process has locked.
        static func reopen(_ folder: String, settings: Settings) throws(StoreError) -> Opened {
            try openFitting(folder, settings: settings, floor: try Anchor.present(in: folder), isNew: false)
        }

        private static func openFitting(_ folder: String, settings: Settings, floor: Anchor, isNew: Bool) throws(StoreError) -> Opened {
            if floor.number > 0 {
                // Opening to write replaces the list of files and removes what it does not name: not before everything fits.
                let handle = try openTables(folder, settings: settings, isNew: false, isReadOnly: true)
                defer { nt_store_close(handle) }
                try checkFits(try anchor(of: handle, folder: folder), floor: floor, ceiling: floor, folder: folder)
            }
            let handle = try openTables(folder, settings: settings, isNew: isNew, isReadOnly: false)
            do throws(StoreError) {
                let anchor = try anchor(of: handle, folder: folder)
                try checkFits(anchor, floor: floor, ceiling: floor, folder: folder)
                nt_store_set_expired(handle, anchor.expired)
                var isGuardBehind = anchor.number > floor.number
                if isGuardBehind {
                    // A crash came between the rows and their guard. Where it cannot be written, the next checkpoint insists.
                    do throws(StoreError) {
                        try anchor.write(to: folder, disk: settings.disk)
                        isGuardBehind = false
                    } catch {}
                }
                return Opened(handle: handle, folderDescriptor: -1, anchor: anchor, isGuardBehind: isGuardBehind)
            } catch {
                nt_store_close(handle)
                throw error
            }
        }

        /// While another process commits, the guard is read before and after the tables, which must lie between.
        static func openToRead(_ folder: String, settings: Settings) throws(StoreError) -> Opened {
            guard let floor = try Anchor.read(in: folder) else { throw .unknownFormat("\(folder) is not a state folder: it has no \(Anchor.fileName)") }
            if floor.number == 0 && !Disk.names(in: folder).contains("CURRENT") { throw .failed("\(folder) holds no checkpoint yet") }
            let handle = try openTables(folder, settings: settings, isNew: false, isReadOnly: true)
            do throws(StoreError) {
                let anchor = try anchor(of: handle, folder: folder)
                try checkFits(anchor, floor: floor, ceiling: try Anchor.read(in: folder) ?? floor, folder: folder)
                return Opened(handle: handle, folderDescriptor: -1, anchor: anchor, isGuardBehind: false)
            } catch {
                nt_store_close(handle)
                throw error
            }
        }

        // MARK: Steps

        private static func openTables(
            _ folder: String, settings: Settings, isNew: Bool, isReadOnly: Bool
        ) throws(StoreError) -> OpaquePointer {
            try RocksHandle.open(folder, disk: settings.disk) { path in
                nt_store_options(
                    path: path, cache_bytes: max(0, settings.cacheBytes), level0_files: Int32(clamping: settings.level0Files),
                    create: isNew ? 1 : 0, read_only: isReadOnly ? 1 : 0, expiring_kind: StateRowKind.expiring, has_log: 0)
            }
        }

        /// What the last checkpoint says of itself.
        private static func anchor(of handle: OpaquePointer, folder: String) throws(StoreError) -> Anchor {
            var bytes: UnsafePointer<UInt8>?
            var count = 0
            try check(
                Anchor.key.withUnsafeBytes { nt_store_get(handle, $0.baseAddress, $0.count, &bytes, &count) }, reading: folder)
            guard let bytes else { return .none }
            guard let anchor = Anchor(rowValue: Array(UnsafeBufferPointer(start: bytes, count: count))) else {
                throw .damaged("\(DamagedFile.manifest(of: folder)) is damaged: it leads to a checkpoint without an anchor")
            }
            return anchor
        }

        private static func checkFits(_ anchor: Anchor, floor: Anchor, ceiling: Anchor, folder: String) throws(StoreError) {
            let file = folder + "/" + Anchor.fileName
            if anchor.number < floor.number {
                throw .damaged(
                    "\(DamagedFile.manifest(of: folder)) is damaged: it ends with checkpoint \(anchor.number), but there was checkpoint "
                        + "\(floor.number) according to \(file)")
            }
            if anchor.number > ceiling.number, anchor.number - ceiling.number > 1 {
                throw .damaged("\(file) is damaged: it is of checkpoint \(ceiling.number), but the newest is \(anchor.number)")
            }
            if anchor.number == floor.number, anchor != floor {
                throw .damaged("\(file) is damaged: it is not of the checkpoint \(anchor.number) that is here")
            }
        }

        static func parent(of path: String) -> String {
            var path = path[...]
            while path.count > 1, path.last == "/" { path = path.dropLast() }
            guard let slash = path.lastIndex(of: "/") else { return "." }
            return slash == path.startIndex ? "/" : String(path[..<slash])
        }
    }
}
