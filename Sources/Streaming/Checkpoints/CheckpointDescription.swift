public import Engine

/// What the last checkpoint of a store holds, for people.
public struct CheckpointDescription: Sendable {
    public struct Input: Sendable {
        public var name: String
        /// Of the `stream` that it is read as; empty for the one without a name.
        public var stream: String
        /// Where a restart begins to read: bytes from the start of what was ever read.
        public var position: UInt64
        /// The number of the line there, from 1.
        public var line: UInt64
        /// Lines that were read, those still to be matched included.
        public var linesRead: UInt64
        /// Microseconds; nil before the first event.
        public var watermark: Int64?
        public var hasEnded: Bool
    }

    public struct Output: Sendable {
        public var name: String
        public var length: Int64
    }

    public struct Rule: Sendable {
        public var name: String
        public var fingerprint: Fingerprint
        public var keys: UInt64 = 0
        public var threads: UInt64 = 0
    }

    /// The state of one key in one group of rules.
    public struct Key: Sendable {
        /// As alerts have it.
        public var key: String
        public var bytes: Int
        public var threads: [(rule: String, count: Int)]
        /// Microseconds; nil where it never expires by itself, or waits for a deadline.
        public var expiresAt: Int64?
    }

    public var number: UInt64
    /// Microseconds since 1970.
    public var madeAt: Int64
    /// Everything before this time was matched; nil before the first event.
    public var time: Int64?
    public var alerts: UInt64
    public var inputs: [Input]
    /// Files that are cut back at a restart.
    public var outputs: [Output]
    public var rules: [Rule]
    public var keys: UInt64 = 0
    /// Of all states of keys.
    public var bytes: UInt64 = 0
    private let groups: [Anchor.Group]
    /// Of each group its rules, in the order of their ranks.
    private var members: [[Int]]

    /// - Throws: ``StoreError`` where it cannot be read; `failed` where there is no checkpoint.
    public init(of store: any StateStore) throws(StoreError) {
        guard let committed = store.committed else { throw .failed("there is no checkpoint yet") }
        let anchor = try Anchor(committed.anchor)
        number = committed.number
        madeAt = anchor.madeAt
        time = anchor.bound.time == .min ? nil : anchor.bound.time
        alerts = anchor.alerts
        inputs = anchor.inputs.map { input in
            Input(
                name: input.name, stream: input.stream, position: input.position, line: input.line,
                linesRead: max(input.seenLine, input.line) - 1, watermark: input.watermark == .min ? nil : input.watermark,
                hasEnded: input.hasEnded)
        }
        outputs = anchor.sinks.filter { $0.length >= 0 }.map { Output(name: $0.name, length: $0.length) }
        rules = anchor.rules.map { Rule(name: $0.name, fingerprint: $0.fingerprint) }
        groups = anchor.groups
        members = groups.map { _ in [] }
        for (rank, rule) in anchor.rules.enumerated() { members[Int(rule.group)].append(rank) }
    }

    /// Reads the state of every key, and counts it.
    ///
    /// - Parameter body: is given each key.
    /// - Throws: ``StoreError`` where a row is not what was written.
    /// - Complexity: O(rows).
    public mutating func readKeys(of store: any StateStore, _ body: (Key, _ values: [String]) -> Void) throws(StoreError) {
        var description = self
        try store.scan(kind: RowKeys.state) { key, value throws(StoreError) in
            let row = try RowKeys.state(key, value)
            guard description.groups.indices.contains(row.group) else { throw RowKeys.damage("the state of a key") }
            let found: KeyDescription
            do throws(BlobError) {
                found = try KeyDescription(blob: row.blob, names: description.groups[row.group].names)
            } catch {
                throw RowKeys.damage("the state of a key (\(error))")
            }
            var threads: [(rule: String, count: Int)] = []
            for section in found.threads {
                guard description.members[row.group].indices.contains(section.rule) else { throw RowKeys.damage("the state of a key") }
                let rank = description.members[row.group][section.rule]
                description.rules[rank].keys += 1
                description.rules[rank].threads += UInt64(section.count)
                threads.append((rule: description.rules[rank].name, count: section.count))
            }
            description.keys += 1
            description.bytes += UInt64(row.blob.count)
            body(
                Key(key: found.key, bytes: row.blob.count, threads: threads, expiresAt: row.expiresAt == .max ? nil : row.expiresAt),
                found.values)
            return true
        }
        self = description
    }
}
