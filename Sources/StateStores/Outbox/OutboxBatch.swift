internal import CRocksDB
internal import Streaming

/// Rows that are written as one.
final class OutboxBatch {
    let handle: OpaquePointer?
    private let folder: String
    private(set) var isEmpty = true

    init(folder: String) {
        handle = nt_batch_create()
        self.folder = folder
    }

    deinit { nt_batch_destroy(handle) }

    func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
        isEmpty = false
        let failure = key.withUnsafeBytes { key in
            value.withUnsafeBytes { nt_batch_put(handle, key.baseAddress, key.count, $0.baseAddress, $0.count) }
        }
        try check(failure, writing: folder)
    }

    func remove(_ key: [UInt8]) throws(StoreError) {
        isEmpty = false
        try check(key.withUnsafeBytes { nt_batch_remove(handle, $0.baseAddress, $0.count) }, writing: folder)
    }

    func remove(from first: [UInt8], to end: [UInt8]) throws(StoreError) {
        isEmpty = false
        let failure = first.withUnsafeBytes { first in
            end.withUnsafeBytes { nt_batch_remove_range(handle, first.baseAddress, first.count, $0.baseAddress, $0.count) }
        }
        try check(failure, writing: folder)
    }
}
