public import Streaming

/// Checkpoints in memory: for tests, and for runs whose state need not outlive them.
///
/// The rows are one sorted array; a commit merges what has changed into a new one, and a scan goes on in the array that it began with.
///
/// - Complexity: a commit takes time linear in all rows, a lookup logarithmic.
// Safe to share: every property that changes is touched under the lock.
public final class MemoryStore: StateStore, @unchecked Sendable {
    struct Row {
        var key: [UInt8]
        var value: [UInt8]
    }

    private let lock = Lock()
    private var anchor = Anchor.none
    private var rows: [Row] = []
    private var isWriting = false

    public init() {}

    public var committed: CommittedCheckpoint? { lock.locked { anchor.committed } }

    public func begin(parts: Int) throws(StoreError) -> any CheckpointWriter {
        try RowLimits.checkParts(parts)
        let isFree = lock.locked { () -> Bool in
            defer { isWriting = true }
            return !isWriting
        }
        guard isFree else { throw .failed("a checkpoint is being written already") }
        return MemoryCheckpoint(store: self, parts: parts)
    }

    public func value(of key: UnsafeRawBufferPointer) throws(StoreError) -> [UInt8]? {
        let (rows, expired) = lock.locked { (self.rows, anchor.expired) }
        let place = Self.firstPlace(in: rows, from: key)
        guard place < rows.count, Self.compare(rows[place].key, key) == 0 else { return nil }
        return Self.isForgotten(rows[place], expired: expired) ? nil : rows[place].value
    }

    public func scan(
        from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer?,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let rows = lock.locked { self.rows }
        for row in rows[Self.firstPlace(in: rows, from: first)...] {
            if let end, Self.compare(row.key, end) >= 0 { return }
            guard try Self.hand(row, to: body) else { return }
        }
    }

    /// Typed throws do not pass through the standard library's closures, so the error is carried out by hand.
    private static func hand(
        _ row: Row, to body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) -> Bool {
        let result: Result<Bool, StoreError> = row.key.withUnsafeBytes { key in
            row.value.withUnsafeBytes { value in
                do throws(StoreError) { return .success(try body(key, value)) } catch { return .failure(error) }
            }
        }
        return try result.get()
    }

    /// Takes in the changes, which ascend (nil removes); rows that have expired go.
    fileprivate func commit(_ changes: [(key: [UInt8], value: [UInt8]?)], anchor bytes: [UInt8], expired: Int64) {
        lock.locked {
            var merged: [Row] = []
            merged.reserveCapacity(rows.count + changes.count)
            var old = rows[...]
            for change in changes {
                while let row = old.first, change.key.withUnsafeBytes({ Self.compare(row.key, $0) }) < 0 {
                    merged.append(row)
                    old.removeFirst()
                }
                if let row = old.first, row.key == change.key { old.removeFirst() }
                if let value = change.value { merged.append(Row(key: change.key, value: value)) }
            }
            merged += old
            rows = merged.filter { !Self.isForgotten($0, expired: expired) }
            anchor = Anchor(number: anchor.number + 1, expired: expired, bytes: bytes)
        }
    }

    fileprivate func release() { lock.locked { isWriting = false } }

    private static func isForgotten(_ row: Row, expired: Int64) -> Bool {
        row.key.withUnsafeBytes { key in row.value.withUnsafeBytes { StateStores.isForgotten(key: key, value: $0, expired: expired) } }
    }

    private static func firstPlace(in rows: [Row], from key: UnsafeRawBufferPointer) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if compare(rows[middle].key, key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    static func compare(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Int {
        left.withUnsafeBytes { left in
            for place in 0..<min(left.count, right.count) where left[place] != right[place] {
                return left[place] < right[place] ? -1 : 1
            }
            return left.count - right.count
        }
    }
}

private final class MemoryCheckpoint: CheckpointWriter {
    /// A cell of its own for each part, so that threads do not meet.
    private final class Part {
        var changes: [(key: [UInt8], value: [UInt8]?)] = []
        var isFinished = false
    }

    private let store: MemoryStore
    private let parts: [Part]
    private var isCommitted = false

    init(store: MemoryStore, parts: Int) {
        self.store = store
        self.parts = (0..<parts).map { _ in Part() }
    }

    deinit { if !isCommitted { store.release() } }

    func put(part: Int, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(StoreError) {
        try append(part: part, key: key, value: Array(value))
    }

    func remove(part: Int, key: UnsafeRawBufferPointer) throws(StoreError) {
        try append(part: part, key: key, value: nil)
    }

    private func append(part: Int, key: UnsafeRawBufferPointer, value: [UInt8]?) throws(StoreError) {
        try RowLimits.checkRow(key: key, valueCount: value?.count ?? 0)
        let part = parts[part]
        guard !part.isFinished, !isCommitted else { throw .failed("the part of the checkpoint is finished") }
        if let last = part.changes.last, MemoryStore.compare(last.key, key) >= 0 {
            throw .failed("keys of a checkpoint's part must ascend")
        }
        part.changes.append((Array(key), value))
    }

    func finish(part: Int) throws(StoreError) { parts[part].isFinished = true }

    func commit(anchor: [UInt8], expired: Int64) throws(StoreError) {
        try RowLimits.checkAnchor(anchor)
        guard !isCommitted, parts.allSatisfy(\.isFinished) else { throw .failed("a checkpoint is committed once, when its parts are finished") }
        let changes = parts.flatMap(\.changes).sorted { left, right in right.key.withUnsafeBytes { MemoryStore.compare(left.key, $0) } < 0 }
        for (left, right) in zip(changes, changes.dropFirst()) where left.key == right.key {
            throw .failed("two parts of a checkpoint have a key in common")
        }
        store.commit(changes, anchor: anchor, expired: expired)
        isCommitted = true
        store.release()
    }
}
