internal import Engine

/// The keys of one shard that are in the store: single ones where an event or a deadline asks for them, and all of them bit by bit after a
/// restart, so that the first event need not wait.
///
/// An error ends the run: what was matched after it does not leave.
final class StoredKeys: ColdKeys {
    private let store: any StateStore
    private var keyBytes: [UInt8] = []
    private(set) var failure: StoreError?

    /// Rows that are read ahead in one go.
    let rowsAhead: Int

    init(_ store: any StateStore, rowsAhead: Int) {
        self.store = store
        self.rowsAhead = rowsAhead
    }

    func row(hash: UInt64, group: Int, key: UnsafeRawBufferPointer) -> [UInt8]? {
        guard failure == nil else { return nil }
        keyBytes.removeAll(keepingCapacity: true)
        RowKeys.append(RowKeys.state, hash: hash, group: group, key: key, to: &keyBytes)
        let result: Result<[UInt8]?, StoreError> = keyBytes.withUnsafeBytes { bytes in
            do throws(StoreError) { return .success(try store.value(of: bytes)) } catch { return .failure(error) }
        }
        switch result {
        case .success(let row): return row
        case .failure(let error):
            failure = error
            return nil
        }
    }

    func rows(hash: UInt64, group: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
        guard failure == nil else { return }
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        keyBytes.removeAll(keepingCapacity: true)
        RowKeys.append(RowKeys.state, hash: hash, group: group, key: empty, to: &keyBytes)
        // Behind the last key of that hash and group.
        let start = keyBytes.count
        RowKeys.append(RowKeys.state, hash: hash, group: group + 1, key: empty, to: &keyBytes)
        scan(keyBytes[..<start], to: keyBytes[start...]) { key, row throws(StoreError) in
            body(try RowKeys.key(ofState: key, row), row)
            return true
        }
    }

    /// Reads the next rows that the matcher has not seen since the restart, or that its filter has lost.
    func readAhead(_ matcher: Matcher) {
        guard failure == nil, let range = matcher.beginReading() else { return }
        var bounds: [UInt8] = []
        RowKeys.appendHash(RowKeys.state, range.first, to: &bounds)
        let split = bounds.count
        if let end = range.end { RowKeys.appendHash(RowKeys.state, end, to: &bounds) } else { bounds.append(RowKeys.state + 1) }
        var count = 0
        var stoppedBefore: UInt64?
        scan(bounds[..<split], to: bounds[split...]) { key, row throws(StoreError) in
            let (hash, group) = try RowKeys.hashAndGroup(key)
            if count >= rowsAhead && matcher.beginsPartition(hash) {
                stoppedBefore = hash
                return false
            }
            count += 1
            let whole = try RowKeys.key(ofState: key, row)
            do throws(BlobError) {
                try matcher.offer(hash: hash, group: group, key: whole, row: row)
            } catch {
                throw RowKeys.damage("the state of a key (\(error))")
            }
            return true
        }
        // What was not read to its end is unknown as before.
        guard failure == nil else { return }
        matcher.endReading(isToTheEnd: stoppedBefore == nil, before: stoppedBefore ?? 0)
    }

    private func scan(
        _ first: ArraySlice<UInt8>, to end: ArraySlice<UInt8>,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) {
        let result: Result<Void, StoreError> = first.withUnsafeBytes { first in
            end.withUnsafeBytes { end in
                do throws(StoreError) { return .success(try store.scan(from: first, to: end, body)) } catch { return .failure(error) }
            }
        }
        if case .failure(let error) = result { failure = error }
    }
}
