internal import Engine

/// Brings back what must be there before the first event: cooldowns to the alert stage, deadlines to their shards. The keys themselves come
/// when they are asked for, or by and by; see ``StoredKeys``.
struct Restoring {
    let shards: [Shard]
    let writer: AlertWriter

    /// - Throws: ``StoreError`` where a row is not what was written.
    /// - Complexity: O(cooldowns and deadlines).
    func restore(_ store: any StateStore) throws(StoreError) {
        try store.scan(kind: RowKeys.cooldown) { key, value throws(StoreError) in
            let (cooldown, state) = try RowKeys.cooldown(key, value)
            guard writer.sent.indices.contains(cooldown.rule) else { throw RowKeys.damage("a cooldown") }
            writer.stage.restore(cooldown, state)
            return true
        }
        try store.scan(kind: RowKeys.deadline) { key, value throws(StoreError) in
            let (hash, group) = try RowKeys.hashAndGroup(key)
            let matcher = shards[KeyRouter.shard(of: hash, count: shards.count)].matcher
            guard value.count == 8, matcher.restoreDeadline(Int64(littleEndian: RowKeys.integer(value, at: 0)), hash: hash, group: group)
            else { throw RowKeys.damage("the deadline of a key") }
            return true
        }
    }
}
