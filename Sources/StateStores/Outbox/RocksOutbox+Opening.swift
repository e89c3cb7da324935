internal import CRocksDB
internal import Glibc
internal import Streaming

extension RocksOutbox {
    /// How a folder becomes an outbox: the lock, the guard, the rows, and whether these fit one another.
    enum Opening {
        struct Opened {
            var handle: OpaquePointer
            var folderDescriptor: Int32
            var status: OutboxStatus
            var guardBatch: UInt64
        }

        static func open(_ folder: String, settings: Settings) throws(StoreError) -> Opened {
            if access(folder, F_OK) != 0 { try settings.disk.makeFolder(folder, in: RocksStore.Opening.parent(of: folder)) }
            let descriptor = try FolderLock.take(folder)
            do throws(StoreError) {
                let found = try OutboxGuard.read(in: folder)
                let names = Disk.names(in: folder)
                if found == nil { try OutboxGuard.checkIsNew(folder, names: names) }
                let floor = found ?? OutboxGuard(identity: .random(in: 1 ... .max), batch: 0)
                if found == nil { try floor.write(to: folder, disk: settings.disk) }
                let isNew = floor.batch == 0 && !names.contains { $0 == "CURRENT" || $0.hasSuffix(".sst") || $0.hasSuffix(".log") }
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
            try openFitting(folder, settings: settings, floor: try OutboxGuard.present(in: folder), isNew: false)
        }

        private static func openFitting(
            _ folder: String, settings: Settings, floor: OutboxGuard, isNew: Bool
        ) throws(StoreError) -> Opened {
            if floor.batch > 0 {
                // Opening to write replaces files and removes what is not in use: not before everything fits.
                let handle = try openRows(folder, settings: settings, isNew: false, isReadOnly: true)
                defer { nt_store_close(handle) }
                try checkFits(try status(of: handle, floor: floor, folder: folder), floor: floor, folder: folder)
            }
            let handle = try openRows(folder, settings: settings, isNew: isNew, isReadOnly: false)
            do throws(StoreError) {
                let status = try status(of: handle, floor: floor, folder: folder)
                try checkFits(status, floor: floor, folder: folder)
                var guardBatch = floor.batch
                if status.batch > floor.batch {
                    // The process before had no time to write it. Where it cannot be written, the next checkpoint tries again.
                    do throws(StoreError) {
                        try OutboxGuard(identity: status.identity, batch: status.batch).write(to: folder, disk: settings.disk)
                        guardBatch = status.batch
                    } catch {}
                }
                return Opened(handle: handle, folderDescriptor: -1, status: status, guardBatch: guardBatch)
            } catch {
                nt_store_close(handle)
                throw error
            }
        }

        /// Another process may be writing: then files can go between two looks at the folder, and it is looked at again.
        static func openToRead(_ folder: String, settings: Settings) throws(StoreError) -> Opened {
            let attemptsMax = 5
            for attempt in 1... {
                do throws(StoreError) {
                    return try lookAt(folder, settings: settings)
                } catch {
                    guard case .damaged = error, attempt < attemptsMax else { throw error }
                    usleep(20_000)
                }
            }
            throw .failed("\(folder) cannot be read")
        }

        private static func lookAt(_ folder: String, settings: Settings) throws(StoreError) -> Opened {
            guard let floor = try OutboxGuard.read(in: folder) else { throw .unknownFormat("\(folder) is no outbox: it has no \(OutboxGuard.fileName)") }
            if floor.batch == 0 && !Disk.names(in: folder).contains("CURRENT") { throw .failed("\(folder) holds no alert yet") }
            let handle = try openRows(folder, settings: settings, isNew: false, isReadOnly: true)
            do throws(StoreError) {
                let status = try status(of: handle, floor: floor, folder: folder)
                try checkFits(status, floor: floor, folder: folder)
                return Opened(handle: handle, folderDescriptor: -1, status: status, guardBatch: floor.batch)
            } catch {
                nt_store_close(handle)
                throw error
            }
        }

        // MARK: Steps

        private static func openRows(_ folder: String, settings: Settings, isNew: Bool, isReadOnly: Bool) throws(StoreError) -> OpaquePointer {
            try RocksHandle.open(folder, disk: settings.disk) { path in
                // No kind of rows expires: 0 is the first byte of no key.
                nt_store_options(
                    path: path, cache_bytes: 4 << 20, level0_files: 4, create: isNew ? 1 : 0, read_only: isReadOnly ? 1 : 0,
                    expiring_kind: 0, has_log: 1)
            }
        }

        /// What the outbox says of itself, and the names of its endpoints.
        private static func status(of handle: OpaquePointer, floor: OutboxGuard, folder: String) throws(StoreError) -> OutboxStatus {
            var bytes: UnsafePointer<UInt8>?
            var count = 0
            try check(
                OutboxKey.status.withUnsafeBytes { nt_store_get(handle, $0.baseAddress, $0.count, &bytes, &count) }, reading: folder)
            guard let bytes else { return OutboxStatus(identity: floor.identity) }
            guard var status = OutboxStatus(rowValue: UnsafeRawBufferPointer(start: bytes, count: count)) else {
                throw .damaged("\(DamagedFile.manifest(of: folder)) is damaged: it leads to an outbox without a status")
            }
            let (first, end): ([UInt8], [UInt8]) = ([OutboxKey.endpoint], [OutboxKey.endpoint + 1])
            var names: [Int: String] = [:]
            try scan(handle, from: first, to: end, folder: folder) { key, value throws(StoreError) in
                guard let number = OutboxKey.endpoint(of: key) else { throw .damaged("\(folder) is damaged: it holds a key that is none") }
                names[number] = String(decoding: value, as: UTF8.self)
                return true
            }
            guard names.keys.sorted() == status.counts.keys.sorted() else {
                throw .damaged("\(DamagedFile.manifest(of: folder)) is damaged: the endpoints and their counts do not fit")
            }
            status.names = names
            return status
        }

        private static func checkFits(_ status: OutboxStatus, floor: OutboxGuard, folder: String) throws(StoreError) {
            let file = folder + "/" + OutboxGuard.fileName
            if status.identity != floor.identity { throw .damaged("\(file) is damaged: it is of another outbox than the rows beside it") }
            if status.batch < floor.batch {
                throw .damaged(
                    "\(DamagedFile.manifest(of: folder)) or a log beside it is damaged: they end with change \(status.batch), but there were "
                        + "\(floor.batch) according to \(file)")
            }
        }

        /// Hands out rows, ascending, until `body` gives false.
        static func scan(
            _ handle: OpaquePointer, from first: [UInt8], to end: [UInt8], folder: String,
            _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
        ) throws(StoreError) {
            try first.withBytes { first throws(StoreError) in
                try end.withBytes { end throws(StoreError) in try RocksHandle.scan(handle, from: first, to: end, folder: folder, body) }
            }
        }
    }
}
