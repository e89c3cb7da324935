internal import Decoding
internal import Engine
internal import Events

/// A block of whole lines on its way: read by one worker, decoded and tested by the same, admitted in its turn, matched by the shards.
final class Block: @unchecked Sendable {
    // @unchecked: owned by one worker while it is filled; only read by all once it is admitted.

    let batch: EventBatch
    let routed: RoutedRows
    /// The input's place on the command line.
    var input = 0
    var carved = CarvedBlock(firstLine: 1, lineCount: 0, isFirst: false, endPosition: 0)
    /// Where the block begins in its input.
    var position: UInt64 = 0
    var rejects: [Reject] = []
    var times = BlockTimes()

    init(columnCount: Int, shards: Int) {
        batch = EventBatch(columnCount: columnCount)
        routed = RoutedRows(shards: shards)
    }
}

/// What the watermark asks of a block's times, so that blocks without a late event are admitted as a whole.
struct BlockTimes {
    var least = Int64.max
    var largest = Int64.min
    var last = Int64.min
    /// Whether no event is late by those before it in the block alone.
    var isInOrder = true

    init() {}

    init(_ times: UnsafePointer<Int64>, count: Int, delayMicroseconds: Int64) {
        for row in 0..<count {
            let time = times[row]
            if time < largest && time < largest.subtractingSaturating(delayMicroseconds) { isInOrder = false }
            least = min(least, time)
            largest = max(largest, time)
        }
        if count > 0 { last = times[count - 1] }
    }
}

extension Int64 {
    /// The difference, or the nearest end of the range.
    @inline(__always)
    func subtractingSaturating(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// The sum, or the nearest end of the range.
    @inline(__always)
    func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
