import Testing

@testable import StateStores
import Streaming

typealias Bytes = [UInt8]
typealias Rows = [Bytes: Bytes]

/// What a checkpoint does to the rows; nil removes.
typealias Changes = [Bytes: Bytes?]

/// The obvious store: what a checkpoint must leave.
struct Model: Equatable {
    var number: UInt64 = 0
    var anchor: Bytes = []
    var rows: Rows = [:]

    mutating func commit(_ changes: Changes, anchor: Bytes, expired: Int64 = .min) {
        number += 1
        self.anchor = anchor
        for (key, value) in changes { rows[key] = value }
        rows = rows.filter { key, value in
            key.first != StateRowKind.expiring || value.count < 8
                || value.prefix(8).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) } > expired
        }
    }

    init() {}

    /// What a store shows, read from its first row to its last.
    init(of store: any StateStore) throws(StoreError) {
        let committed = store.committed
        number = committed?.number ?? 0
        anchor = committed?.anchor ?? []
        var last: Bytes?
        var found: Rows = [:]
        try store.rows(from: [], to: nil) { key, value in
            if let last { #expect(last.lexicographicallyPrecedes(key), "keys must ascend") }
            last = key
            found[key] = value
            return true
        }
        rows = found
    }
}

extension StateStore {
    func rows(from first: Bytes, to end: Bytes?, _ body: (Bytes, Bytes) throws(StoreError) -> Bool) throws(StoreError) {
        // Copies that stay valid, since typed errors do not pass through `withUnsafeBytes`.
        let from = UnsafeMutableRawBufferPointer.allocate(byteCount: first.count, alignment: 1)
        defer { from.deallocate() }
        from.copyBytes(from: first)
        let to = UnsafeMutableRawBufferPointer.allocate(byteCount: end?.count ?? 0, alignment: 1)
        defer { to.deallocate() }
        if let end { to.copyBytes(from: end) }
        try scan(from: UnsafeRawBufferPointer(from), to: end == nil ? nil : UnsafeRawBufferPointer(to)) {
            key, value throws(StoreError) in try body(Bytes(key), Bytes(value))
        }
    }

    func value(_ key: Bytes) throws -> Bytes? { try key.withUnsafeBytes { try value(of: $0) } }

    /// Writes and commits a checkpoint, its rows dealt out to the parts by the sum of their keys' bytes.
    func commit(_ changes: Changes, anchor: Bytes, expired: Int64 = .min, parts: Int = 1) throws {
        let writer = try begin(parts: parts)
        for (key, value) in changes.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let part = key.reduce(0) { $0 + Int($1) } % parts
            if let value { try writer.put(part, key, value) } else { try writer.remove(part, key) }
        }
        for part in 0..<parts { try writer.finish(part: part) }
        try writer.commit(anchor: anchor, expired: expired)
    }
}

extension CheckpointWriter {
    func put(_ part: Int, _ key: Bytes, _ value: Bytes) throws {
        try key.withUnsafeBytes { key in try value.withUnsafeBytes { try put(part: part, key: key, value: $0) } }
    }

    func remove(_ part: Int, _ key: Bytes) throws { try key.withUnsafeBytes { try remove(part: part, key: $0) } }
}

/// A row that expires at a time.
func expiringRow(_ time: Int64, _ rest: Bytes = []) -> Bytes { withUnsafeBytes(of: time.littleEndian) { Bytes($0) } + rest }

/// A small run of checkpoints that meets everything at once: new rows, changed and removed ones, rows that expire, several parts.
enum SmallRun {
    static let count = 6
    static let parts = 2

    static func changes(_ number: Int) -> Changes {
        var changes: Changes = [:]
        for key in 0..<8 where (key + number) % 3 != 0 {
            let isGone = (key + number) % 5 == 0
            changes[Array("Srow-\(key)".utf8)] = isGone ? .some(nil) : Array("value \(key) of checkpoint \(number)".utf8)
        }
        changes[Array("Kcooldown-\(number)".utf8)] = expiringRow(Int64(number) * 10, [1, 2, 3])
        changes[Array("Dnew-\(number)".utf8)] = Bytes()
        return changes
    }

    static func anchor(_ number: Int) -> Bytes { Array("where the run stood at \(number)".utf8) }
    static func expired(_ number: Int) -> Int64 { Int64(number) * 10 - 15 }

    /// What each checkpoint leaves; the first is the empty store.
    static let states: [Model] = {
        var states = [Model()]
        for number in 1...count {
            var next = states[number - 1]
            next.commit(changes(number), anchor: anchor(number), expired: expired(number))
            states.append(next)
        }
        return states
    }()

    static func commit(_ number: Int, to store: any StateStore) throws {
        try store.commit(changes(number), anchor: anchor(number), expired: expired(number), parts: parts)
    }

    /// A store of few files in level 0, so that it compacts within the run.
    static func open(_ folder: String, watcher: (any DiskWatcher)? = nil) throws(StoreError) -> RocksStore {
        var settings = RocksStore.Settings()
        settings.cacheBytes = 1 << 20
        settings.level0Files = 4
        settings.disk = Disk(watcher: watcher)
        return try RocksStore(directory: folder, settings: settings)
    }
}
