internal import Engine

/// Brings back what a checkpoint holds: keys to their shards, cooldowns to the alert stage.
struct Restoring {
    let shards: [Shard]
    let writer: AlertWriter

    /// - Throws: ``StoreError`` where a row is not what was written.
    /// - Complexity: O(rows).
    func restore(_ store: any StateStore) throws(StoreError) {
        try store.scan(kind: RowKeys.cooldown) { key, value throws(StoreError) in
            let cooldown = try RowKeys.cooldown(key)
            guard value.count == 16, writer.sent.indices.contains(cooldown.rule) else { throw Restoring.damage("a cooldown") }
            writer.stage.restore(
                cooldown,
                AlertStage.State(
                    until: Int64(littleEndian: RowKeys.integer(value, at: 0)), suppressed: UInt64(littleEndian: RowKeys.integer(value, at: 8))))
            return true
        }
        try store.scan(kind: RowKeys.state) { key, value throws(StoreError) in
            let row = try RowKeys.state(key, value)
            do throws(BlobError) {
                try shards[KeyRouter.shard(of: row.hash, count: shards.count)].matcher.importState(group: row.group, row.blob)
            } catch {
                throw Restoring.damage("the state of a key (\(error))")
            }
            return true
        }
    }

    static func damage(_ what: String) -> StoreError {
        .damaged("\(what) in the checkpoint is not what was written")
    }
}
