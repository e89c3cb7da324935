internal import Streaming

/// The bounds of what an outbox takes; the same in every outbox.
enum OutboxLimits {
    static let rowsMax = 1_000_000
    static let deadMax = 1_000_000
    static let endpointsMax = 1_000
    static let nameCountMax = 4_096
    /// Of the `id`, the rule and the severity.
    static let textCountMax = 65_535
    /// What is over it waits for the next batch.
    static let batchBytesMax = 64 << 20

    static func check(_ entry: OutboxEntry, after last: UInt64?, endpoints: [Int: some Any]) throws(StoreError) {
        let alert = entry.alert
        guard alert.ordinal < UInt64.max, last.map({ $0 < alert.ordinal }) ?? true else {
            throw .failed("alerts are appended in the order of their ordinals")
        }
        guard Set(entry.endpoints).count == entry.endpoints.count, entry.endpoints.allSatisfy({ endpoints[$0] != nil }) else {
            throw .failed("alert \(alert.ordinal) goes to an endpoint that is not known, or twice to one")
        }
        guard [alert.id, alert.rule, alert.severity].allSatisfy({ $0.utf8.count <= textCountMax }), alert.key.count <= RowLimits.valueCountMax,
            alert.byteCount <= RowLimits.valueCountMax
        else { throw .failed("alert \(alert.ordinal) of \(alert.byteCount) bytes is over the limit of \(RowLimits.valueCountMax)") }
    }
}
