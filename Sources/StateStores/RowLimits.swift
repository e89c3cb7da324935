internal import Streaming

/// The bounds of what a store takes; the same in every store.
enum RowLimits {
    static let keyCountMax = 65_535
    static let valueCountMax = (1 << 30) + 4_096
    static let partsMax = 1_024

    static func checkRow(key: UnsafeRawBufferPointer, valueCount: Int = 0) throws(StoreError) {
        guard let kind = key.first, kind != Anchor.reservedKind, key.count <= keyCountMax else {
            throw .failed("a key must have 1 to \(keyCountMax) bytes, the first of them below \(Anchor.reservedKind)")
        }
        guard valueCount <= valueCountMax else { throw .failed("a row of \(valueCount) bytes is over the limit of \(valueCountMax)") }
    }

    static func checkParts(_ count: Int) throws(StoreError) {
        guard (1...partsMax).contains(count) else { throw .failed("a checkpoint has 1 to \(partsMax) parts, not \(count)") }
    }

    static func checkAnchor(_ anchor: [UInt8]) throws(StoreError) {
        guard anchor.count <= Anchor.countMax else {
            throw .failed("an anchor of \(anchor.count) bytes is over the limit of \(Anchor.countMax)")
        }
    }
}
