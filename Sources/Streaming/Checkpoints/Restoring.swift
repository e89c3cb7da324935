internal import Engine

/// Brings back what a checkpoint holds: keys to their shards, cooldowns to the alert stage.
struct Restoring {
    let shards: [Shard]
    let writer: AlertWriter

    /// - Throws: ``StoreError`` where a row is not what was written.
    /// - Complexity: O(rows).
    func restore(_ store: any StateStore) throws(StoreError) {
        try scan(store, kind: RowKeys.cooldown) { key, value throws(StoreError) in
            guard key.count >= RowKeys.cooldownHeader, value.count == 16 else { throw Restoring.damage("a cooldown") }
            let rule = Int(UInt32(bigEndian: RowKeys.integer(key, at: 1)))
            guard writer.sent.indices.contains(rule) else { throw Restoring.damage("a cooldown of a rule that is not there") }
            writer.stage.restore(
                AlertStage.Key(rule: rule, isTimeout: key[5] == 1, value: Array(key[RowKeys.cooldownHeader...])),
                AlertStage.State(
                    until: Int64(littleEndian: RowKeys.integer(value, at: 0)), suppressed: UInt64(littleEndian: RowKeys.integer(value, at: 8))))
            return true
        }
        try scan(store, kind: RowKeys.state) { key, value throws(StoreError) in
            guard key.count >= RowKeys.stateHeader, value.count >= 8 else { throw Restoring.damage("the state of a key") }
            let hash = UInt64(bigEndian: RowKeys.integer(key, at: 1))
            let group = Int(UInt32(bigEndian: RowKeys.integer(key, at: 9)))
            do throws(BlobError) {
                try shards[KeyRouter.shard(of: hash, count: shards.count)].matcher.importState(
                    group: group, UnsafeRawBufferPointer(rebasing: value[8...]))
            } catch {
                throw Restoring.damage("the state of a key (\(error))")
            }
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

    private static func damage(_ what: String) -> StoreError {
        .damaged("\(what) in the checkpoint is not what was written")
    }
}
