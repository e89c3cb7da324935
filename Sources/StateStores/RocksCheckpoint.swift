internal import CRocksDB
internal import Streaming

/// A checkpoint that is being written to a ``RocksStore``: a table a part, made durable at the commit.
final class RocksCheckpoint: CheckpointWriter {
    /// A cell of its own for each part, so that threads do not meet.
    private final class Part {
        let path: String
        /// Made with the first row, since there is no table without rows.
        var handle: OpaquePointer?
        var isFinished = false

        init(path: String) { self.path = path }
    }

    private let store: RocksStore
    private let parts: [Part]
    private var isOver = false

    init(store: RocksStore, attempt: Int, parts: Int) {
        self.store = store
        self.parts = (0..<parts).map {
            Part(path: store.path("part-\(attempt)-\($0)" + RocksStore.Opening.unfinishedEnding))
        }
    }

    deinit { end() }

    func put(part: Int, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(StoreError) {
        try RowLimits.checkRow(key: key, valueCount: value.count)
        let part = try open(part)
        try check(nt_part_put(part.handle, key.baseAddress, key.count, value.baseAddress, value.count), writing: part.path)
    }

    func remove(part: Int, key: UnsafeRawBufferPointer) throws(StoreError) {
        try RowLimits.checkRow(key: key)
        let part = try open(part)
        try check(nt_part_remove(part.handle, key.baseAddress, key.count), writing: part.path)
    }

    func finish(part: Int) throws(StoreError) {
        // The fsync is left to the commit, which runs where nobody waits for it.
        parts[part].isFinished = true
    }

    func commit(anchor: [UInt8], expired: Int64) throws(StoreError) {
        try RowLimits.checkAnchor(anchor)
        guard !isOver, parts.allSatisfy(\.isFinished), let last = parts.last else {
            throw .failed("a checkpoint is committed once, when its parts are finished")
        }
        defer { end() }
        let next = Anchor(number: store.nextNumber, expired: expired, bytes: anchor)
        // After all keys of the run, so that it can follow the last part's rows.
        try create(last)
        let value = next.rowValue()
        let failure = Anchor.key.withUnsafeBytes { key in
            value.withUnsafeBytes { nt_part_put(last.handle, key.baseAddress, key.count, $0.baseAddress, $0.count) }
        }
        try check(failure, writing: last.path)
        let written = parts.filter { $0.handle != nil }
        for part in written { try check(nt_part_finish(part.handle), writing: part.path) }
        try store.commit(next, files: written.map(\.path))
    }

    private func open(_ index: Int) throws(StoreError) -> Part {
        let part = parts[index]
        guard !part.isFinished, !isOver else { throw .failed("the part of the checkpoint is finished") }
        try create(part)
        return part
    }

    private func create(_ part: Part) throws(StoreError) {
        guard part.handle == nil else { return }
        try store.withHandle { handle throws(StoreError) in
            try check(nt_part_create(handle, part.path, &part.handle), writing: part.path)
        }
    }

    /// Lets go of the files; those that were not taken in are removed, or else at the next opening.
    private func end() {
        guard !isOver else { return }
        isOver = true
        for part in parts where part.handle != nil {
            nt_part_destroy(part.handle)
            part.handle = nil
            try? store.settings.disk.remove(part.path)
        }
        store.release()
    }
}
