internal import Decoding
internal import Events

/// Counts of what was read, as far as it is known where blocks are admitted.
struct AdmissionCounts {
    var events: UInt64 = 0
    var bytes: UInt64 = 0
    var late: UInt64 = 0
    /// By ``RejectReason/rawValue``.
    var rejects = [UInt64](repeating: 0, count: Int(RejectReason.allCases.map(\.rawValue).max() ?? 0) + 1)
}

/// Where blocks pass one after another, in the order in which they were read: each event is judged by the watermark of its input as it
/// stood before it. Nearly all blocks hold no late event and are admitted as a whole.
struct Admission {
    private let readers: [InputReader]
    private let writer: AlertWriter
    private var excluded: [Bool] = []
    private(set) var counts = AdmissionCounts()

    init(readers: [InputReader], writer: AlertWriter) {
        self.readers = readers
        self.writer = writer
    }

    mutating func admit(_ block: Block) {
        let reader = readers[block.input]
        counts.bytes += UInt64(block.batch.byteCount)
        if block.batch.count > 0 {
            if reader.admitWhole(block.times) {
                counts.events += UInt64(block.batch.count)
            } else {
                admitEach(block, reader)
            }
        }
        for reject in block.rejects {
            counts.rejects[Int(reject.reason.rawValue)] += 1
            if writer.keepsRejects { writer.rejectLines.append(reject, input: reader.input.source.name, bytes: block.batch.bytes) }
        }
    }

    /// Takes out late events, and those too far ahead.
    private mutating func admitEach(_ block: Block, _ reader: InputReader) {
        let batch = block.batch
        excluded.removeAll(keepingCapacity: true)
        var excludes = false
        var hasAhead = false
        for row in 0..<batch.count {
            let time = batch.times[row]
            let before = reader.watermark
            let admission = reader.admit(time)
            excluded.append(admission != .admitted)
            guard admission != .admitted else {
                counts.events += 1
                continue
            }
            excludes = true
            if admission == .ahead {
                hasAhead = true
                block.rejects.append(
                    Reject(
                        line: batch.lines[row], reason: .timeTooFarAhead, rawOffset: Int(batch.rawOffsets[row]),
                        rawLength: Int(batch.rawLengths[row])))
                continue
            }
            counts.late += 1
            if writer.keepsLate {
                writer.lateLines.append(
                    late: time, watermark: before, input: reader.input.source.name, line: batch.lines[row],
                    raw: batch.bytes + Int(batch.rawOffsets[row]), length: Int(batch.rawLengths[row]))
            }
        }
        guard excludes else { return }
        // Behind those that the decoder found; they leave in the order of lines, whatever a block holds.
        if hasAhead { block.rejects.sort { $0.line < $1.line } }
        let excluded = excluded
        for shard in block.routed.shards.indices { block.routed.shards[shard].removeAll { excluded[Int($0.row)] } }
    }
}
