// The outbox on disk: a RocksDB of its own, whose log is synced with every write.
//
// A change is one batch: rows, marks, and the status that counts them (OutboxRow.swift, OutboxStatus.swift), written as one record of the
// log. Most alerts are delivered before the memory table is full; they are never written a second time. Marks are forgotten by one range
// removal a checkpoint.
//
// RocksDB alone takes a log or a MANIFEST that lost its end for one that was being written. So the file `OUTBOX` says how many batches
// there must be at least, as of the last checkpoint or the last time that the outbox was closed; the status row says how many there are.
// Behind that the log itself is proved as far as it can be: see CRocksDB/Log.h. What such damage after the last checkpoint can take away is
// alerts that the run makes again, and marks, without which an alert is sent a second time under the same id.
//
// After a write error it is open whether the batch got to the disk. The outbox is then opened again, as after a crash, and finds out.

internal import CRocksDB
internal import Glibc
public import Streaming

/// Alerts on their way, in a folder, on RocksDB.
///
/// The folder is locked while the outbox lives: it is closed, and may be opened again, when the last reference to it is gone.
///
/// - Complexity: appending and marking take time for what is given alone, however much is in it; one fsync a call.
// Safe to share: RocksDB's handle is thread-safe, and what changes here is touched under the locks.
public final class RocksOutbox: Outbox, @unchecked Sendable {
    /// What tests set apart from the defaults.
    struct Settings {
        var rowsMax = OutboxLimits.rowsMax
        var deadMax = OutboxLimits.deadMax
        var disk = Disk()
    }

    public let directory: String
    public let isReadOnly: Bool
    public let signals = OutboxSignals()
    let settings: Settings
    private let rocks: RocksHandle

    /// Held by who writes: one batch at a time, which the proof of the log depends on.
    private let writeLock = Lock()
    /// Guards what follows.
    private let lock = Lock()
    private var status: OutboxStatus
    /// So many batches are said to be there by `OUTBOX`.
    private var guardBatch: UInt64
    private var rewinds = 0

    /// Opens the outbox in a folder, which is made where it is missing.
    ///
    /// - Parameter rowsMax: so many alerts may be on their way, for all endpoints together.
    /// - Throws: `inUse`, `damaged` (the file is named), `unknownFormat`, `full` (to open writes a little), `failed`.
    public convenience init(directory: String, rowsMax: Int = 1_000_000) throws(StoreError) {
        var settings = Settings()
        settings.rowsMax = rowsMax
        try self.init(directory: directory, settings: settings)
    }

    init(directory: String, settings: Settings) throws(StoreError) {
        let opened = try Opening.open(directory, settings: settings)
        self.directory = directory
        self.settings = settings
        isReadOnly = false
        rocks = RocksHandle(opened.handle, folderDescriptor: opened.folderDescriptor, directory: directory, disk: settings.disk)
        status = opened.status
        guardBatch = opened.guardBatch
    }

    /// Opens an outbox to read it only, also one that another process is writing to; what is seen is what was there at this moment.
    public init(reading directory: String) throws(StoreError) {
        let opened = try Opening.openToRead(directory, settings: Settings())
        self.directory = directory
        settings = Settings()
        isReadOnly = true
        rocks = RocksHandle(opened.handle, folderDescriptor: -1, directory: directory, disk: settings.disk)
        status = opened.status
        guardBatch = opened.guardBatch
    }

    deinit {
        // Where this fails, the next opening proves less: nothing is lost by it.
        if !isReadOnly, rocks.isSure { try? catchUpGuard() }
    }

    // MARK: What there is

    public var rowsMax: Int { settings.rowsMax }
    public var undeliveredCount: Int { lock.locked { status.undelivered } }
    /// For an alert that goes to every endpoint.
    public var hasRoom: Bool { lock.locked { status.undelivered == 0 || status.undelivered + max(1, status.counts.count) <= rowsMax } }
    public var nextOrdinal: UInt64 { lock.locked { status.next } }
    public var rewindCount: Int { lock.locked { rewinds } }

    public var endpoints: [OutboxEndpoint] {
        let status = lock.locked { self.status }
        return status.counts.sorted { $0.key < $1.key }.map { number, counts in
            OutboxEndpoint(number: number, name: status.names[number] ?? "", undelivered: counts.undelivered, dead: counts.dead)
        }
    }

    // MARK: Endpoints

    public func endpoint(named name: String) throws(StoreError) -> Int {
        guard !name.isEmpty, name.utf8.count <= OutboxLimits.nameCountMax else {
            throw .failed("an endpoint's name has 1 to \(OutboxLimits.nameCountMax) bytes")
        }
        return try write { _, batch, status throws(StoreError) in
            if let known = status.names.first(where: { $0.value == name }) { return known.key }
            guard status.counts.count < OutboxLimits.endpointsMax, status.nextEndpoint < Int(UInt32.max) else {
                throw .failed("\(self.directory) has \(status.counts.count) endpoints, and no room for another")
            }
            let number = status.nextEndpoint
            status.nextEndpoint += 1
            status.counts[number] = OutboxStatus.Counts()
            status.names[number] = name
            try batch.put(OutboxKey.bytes(OutboxKey.endpoint, number), Array(name.utf8))
            return number
        }
    }

    public func remove(endpoint: Int) throws(StoreError) {
        try write { _, batch, status throws(StoreError) in
            guard status.counts[endpoint] != nil else { return }
            for kind in [OutboxKey.row, OutboxKey.mark, OutboxKey.dead] {
                try batch.remove(from: OutboxKey.bytes(kind, endpoint), to: OutboxKey.bytes(kind, endpoint + 1))
            }
            try batch.remove(OutboxKey.bytes(OutboxKey.endpoint, endpoint))
            status.counts[endpoint] = nil
            status.names[endpoint] = nil
        }
        signals.roomMade()
    }

    // MARK: Appending

    public func append(_ entries: [OutboxEntry]) throws(StoreError) -> Int {
        var taken = 0
        var added = 0
        var isBefore = false
        try write { handle, batch, status throws(StoreError) in
            var bytes = 0
            var last: UInt64?
            let known = status.next
            for entry in entries {
                let alert = entry.alert
                try OutboxLimits.check(entry, after: last, endpoints: status.counts)
                last = alert.ordinal
                let wanting = alert.ordinal < known ? try self.wanting(entry, handle) : entry.endpoints.map { ($0, false) }
                let new = wanting.reduce(0) { $0 + ($1.1 ? 0 : 1) }
                if new > 0 {
                    let undelivered = status.undelivered
                    guard undelivered + new <= self.rowsMax || undelivered == 0 else { break }
                    guard bytes == 0 || bytes + alert.byteCount * wanting.count <= OutboxLimits.batchBytesMax else { break }
                }
                if !wanting.isEmpty {
                    let value = alert.rowValue()
                    if alert.ordinal < known { isBefore = true }
                    for (endpoint, isReplaced) in wanting {
                        try batch.put(OutboxKey.bytes(OutboxKey.row, endpoint, alert.ordinal), value)
                        if isReplaced { continue }
                        if alert.ordinal < known { try batch.remove(OutboxKey.bytes(OutboxKey.mark, endpoint, alert.ordinal)) }
                        status.counts[endpoint]?.undelivered += 1
                        added += 1
                    }
                    bytes += alert.byteCount * wanting.count
                }
                status.next = max(status.next, alert.ordinal + 1)
                taken += 1
            }
        }
        if isBefore { noteRewind() } else if added > 0 { signals.appended() }
        return taken
    }

    /// The endpoints that have neither a row nor a mark of this very alert; true where the row of another alert is in its place.
    private func wanting(_ entry: OutboxEntry, _ handle: OpaquePointer) throws(StoreError) -> [(Int, Bool)] {
        var wanting: [(Int, Bool)] = []
        for endpoint in entry.endpoints {
            let mark = try get(handle, OutboxKey.bytes(OutboxKey.mark, endpoint, entry.alert.ordinal)) { String(decoding: $0, as: UTF8.self) }
            if mark == entry.alert.id { continue }
            let row = try get(handle, OutboxKey.bytes(OutboxKey.row, endpoint, entry.alert.ordinal)) { OutboxAlert.id(inRowValue: $0) }
            if row != nil, row == entry.alert.id { continue }
            wanting.append((endpoint, row != nil))
        }
        return wanting
    }

    // MARK: Delivering

    public func undelivered(
        of endpoint: Int, from ordinal: UInt64, countMax: Int, bytesMax: Int
    ) throws(StoreError) -> [OutboxAlert] {
        var alerts: [OutboxAlert] = []
        var bytes = 0
        guard countMax > 0 else { return [] }
        try scan(OutboxKey.row, endpoint, from: ordinal) { ordinal, value throws(StoreError) in
            guard alerts.isEmpty || bytes + value.count <= bytesMax else { return false }
            guard let alert = OutboxAlert(ordinal: ordinal, rowValue: value) else { throw self.damaged(ordinal) }
            alerts.append(alert)
            bytes += value.count
            return alerts.count < countMax
        }
        return alerts
    }

    public func markDelivered(_ alerts: [OutboxReference], of endpoint: Int) throws(StoreError) {
        var isOther = false
        try write { handle, batch, status throws(StoreError) in
            for alert in Set(alerts) {
                let key = OutboxKey.bytes(OutboxKey.row, endpoint, alert.ordinal)
                guard let id = try self.get(handle, key, { OutboxAlert.id(inRowValue: $0) ?? "" }) else { continue }
                guard id == alert.id else {
                    isOther = true
                    continue
                }
                try batch.remove(key)
                try self.mark(alert.ordinal, id, endpoint, batch, status)
                status.counts[endpoint]?.undelivered -= 1
            }
        }
        if isOther { noteRewind() }
        signals.roomMade()
    }

    /// A checkpoint that has passed the alert needs no mark any more.
    func mark(_ ordinal: UInt64, _ id: String, _ endpoint: Int, _ batch: OutboxBatch, _ status: OutboxStatus) throws(StoreError) {
        guard ordinal >= status.trimmed else { return }
        try batch.put(OutboxKey.bytes(OutboxKey.mark, endpoint, ordinal), Array(id.utf8))
    }

    public func trim(before ordinal: UInt64) throws(StoreError) {
        try write { _, batch, status throws(StoreError) in
            guard ordinal > status.trimmed else { return }
            for endpoint in status.counts.keys {
                try batch.remove(
                    from: OutboxKey.bytes(OutboxKey.mark, endpoint, status.trimmed), to: OutboxKey.bytes(OutboxKey.mark, endpoint, ordinal))
            }
            status.trimmed = ordinal
        }
        try writeLock.locked { () throws(StoreError) in try catchUpGuard() }
    }

    /// The marks that are kept, by ordinal.
    func marks(of endpoint: Int) throws(StoreError) -> [UInt64: String] {
        var marks: [UInt64: String] = [:]
        try scan(OutboxKey.mark, endpoint, from: 0) { ordinal, value throws(StoreError) in
            marks[ordinal] = String(decoding: value, as: UTF8.self)
            return true
        }
        return marks
    }

    func noteRewind() {
        lock.locked { rewinds += 1 }
        signals.appended()
    }

    // MARK: Reading

    /// What `body` makes of a key's value; nil where it has none.
    func get<Result>(
        _ handle: OpaquePointer, _ key: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result?
    ) throws(StoreError) -> Result? {
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try check(key.withUnsafeBytes { nt_store_get(handle, $0.baseAddress, $0.count, &bytes, &count) }, reading: directory)
        guard let bytes else { return nil }
        return body(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// Rows of a kind, ascending, until `body` gives false.
    func scan(
        _ kind: UInt8, _ endpoint: Int, from ordinal: UInt64,
        _ body: (UInt64, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let (first, end) = (OutboxKey.bytes(kind, endpoint, ordinal), OutboxKey.bytes(kind, endpoint + 1))
        try withHandle { handle throws(StoreError) in
            try Opening.scan(handle, from: first, to: end, folder: directory) { key, value throws(StoreError) in
                guard let ordinal = OutboxKey.ordinal(of: key) else { throw .damaged("\(self.directory) is damaged: it holds a key that is none") }
                return try body(ordinal, value)
            }
        }
    }

    func damaged(_ ordinal: UInt64) -> StoreError { .damaged("\(directory) is damaged: the row of alert \(ordinal) cannot be read") }

    /// Reads every file in full and compares all checksums.
    ///
    /// - Throws: `damaged`, which names the file; `failed`.
    public func verify() throws(StoreError) {
        try withHandle { handle throws(StoreError) in try check(nt_store_verify(handle), reading: directory) }
        _ = try OutboxGuard.read(in: directory)
    }

    /// Merges all files into the lowest level. RocksDB does it by itself, bit by bit; this is for tests.
    func compact() throws(StoreError) {
        try withHandle { handle throws(StoreError) in try check(nt_store_compact(handle), writing: directory) }
    }

    /// Runs with RocksDB's handle, which stays for that long.
    func withHandle<Result>(_ body: (OpaquePointer) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try rocks.use(body)
    }

    // MARK: Writing

    /// Makes a batch and writes it; what `body` does to the status holds once it stands.
    func write<Result>(
        _ body: (OpaquePointer, OutboxBatch, inout OutboxStatus) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard !isReadOnly else { throw .failed("\(directory) is open for reading only") }
        return try writeLock.locked { () throws(StoreError) in
            if try rocks.needsReopening() { try reopen() }
            var next = lock.locked { status }
            let batch = OutboxBatch(folder: directory)
            let result = try withHandle { handle throws(StoreError) in try body(handle, batch, &next) }
            guard !batch.isEmpty else {
                // That an ordinal went to nobody need not be durable: it comes again, and goes to nobody again.
                lock.locked { status = next }
                return result
            }
            next.batch += 1
            try batch.put(OutboxKey.status, next.rowValue())
            do throws(StoreError) {
                try withHandle { handle throws(StoreError) in try check(nt_store_write(handle, batch.handle), writing: directory) }
                lock.locked { status = next }
            } catch {
                // It may stand all the same; opening again tells. Where even that fails, the error met first is the one to tell.
                do throws(StoreError) { try reopen() } catch { throw error }
                guard lock.locked({ status.batch }) == next.batch else { throw error }
            }
            return result
        }
    }

    /// Opens the outbox again after an error, and finds what stands.
    private func reopen() throws(StoreError) {
        try rocks.reopen { () throws(StoreError) in
            let opened = try Opening.reopen(directory, settings: settings)
            lock.locked { (status, guardBatch) = (opened.status, opened.guardBatch) }
            return opened.handle
        } orToRead: { () throws(StoreError) in
            let opened = try Opening.openToRead(directory, settings: settings)
            lock.locked { status = opened.status }
            return opened.handle
        }
    }

    /// Brings `OUTBOX` up to what stands.
    private func catchUpGuard() throws(StoreError) {
        let (batch, guardBatch, identity) = lock.locked { (status.batch, self.guardBatch, status.identity) }
        guard batch > guardBatch else { return }
        try OutboxGuard(identity: identity, batch: batch).write(to: directory, disk: settings.disk)
        lock.locked { self.guardBatch = batch }
    }
}
