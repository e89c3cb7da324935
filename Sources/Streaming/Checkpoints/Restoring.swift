internal import Engine

/// Brings back what must be there before the first event: cooldowns to the alert stage, deadlines to their shards. The keys themselves come
/// when they are asked for, or by and by; see ``StoredKeys``.
struct Restoring {
    let shards: [Shard]
    let writer: AlertWriter

    /// - Throws: ``StoreError`` where a row is not what was written.
    /// - Complexity: O(cooldowns and deadlines).
    func restore(_ store: any StateStore) throws(StoreError) {
        try scan(store, kind: RowKeys.cooldown) { key, value throws(StoreError) in
            guard key.count >= RowKeys.cooldownHeader, value.count == 16 else { throw RowKeys.damage("a cooldown") }
            let rule = Int(UInt32(bigEndian: RowKeys.integer(key, at: 1)))
            guard writer.sent.indices.contains(rule) else { throw RowKeys.damage("a cooldown of a rule that is not there") }
            writer.stage.restore(
                AlertStage.Key(rule: rule, isTimeout: key[5] == 1, value: Array(key[RowKeys.cooldownHeader...])),
                AlertStage.State(
                    until: Int64(littleEndian: RowKeys.integer(value, at: 0)), suppressed: UInt64(littleEndian: RowKeys.integer(value, at: 8))))
            return true
        }
        try scan(store, kind: RowKeys.deadline) { key, value throws(StoreError) in
            let (hash, group) = try RowKeys.hashAndGroup(key)
            let matcher = shards[KeyRouter.shard(of: hash, count: shards.count)].matcher
            guard value.count == 8, matcher.restoreDeadline(Int64(littleEndian: RowKeys.integer(value, at: 0)), hash: hash, group: group)
            else { throw RowKeys.damage("the deadline of a key") }
            return true
        }
    }

    private func scan(
        _ store: any StateStore, kind: UInt8,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let bounds: [UInt8] = [kind, kind + 1]
        let result: Result<Void, StoreError> = bounds.withUnsafeBytes { bounds in
            do throws(StoreError) {
                return .success(
                    try store.scan(
                        from: UnsafeRawBufferPointer(rebasing: bounds[..<1]), to: UnsafeRawBufferPointer(rebasing: bounds[1...]), body))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
