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
    /// Of the checkpoint that the run began with: what it lets go was matched, as far as it had been read.
    private let matched: ReleaseBound
    private(set) var counts = AdmissionCounts()

    init(readers: [InputReader], writer: AlertWriter, matched: ReleaseBound = ReleaseBound(watermarks: [.min])) {
        self.matched = matched
        self.readers = readers
        self.writer = writer
    }

    mutating func admit(_ block: Block) {
        let reader = readers[block.input]
        counts.bytes += block.carved.endPosition - block.position
        let mark = reader.markBeforeBlock()
        var largest = Int64.min
        if block.batch.count > 0 || reader.isCatchingUp {
            if !reader.isCatchingUp, reader.admitWhole(block.times) {
                counts.events += UInt64(block.batch.count)
                largest = block.times.largest
            } else {
                largest = admitEach(block, reader)
            }
        }
        reader.noteAdmitted(block, from: mark, largest: largest)
        for reject in block.rejects where reject.line >= reader.seenLine {
            counts.rejects[Int(reject.reason.rawValue)] += 1
            if writer.keepsRejects { writer.rejectLines.append(reject, input: reader.input.source.name, bytes: block.batch.bytes) }
        }
    }

    /// Takes out late events, those too far ahead, and after a restart those that were matched before it. Gives the latest time of the
    /// others.
    private mutating func admitEach(_ block: Block, _ reader: InputReader) -> Int64 {
        let batch = block.batch
        excluded.removeAll(keepingCapacity: true)
        var excludes = false
        var hasAhead = false
        var largest = Int64.min
        for row in 0..<batch.count {
            let time = batch.times[row]
            let line = batch.lines[row]
            reader.repeatAdvances(before: line)
            let before = reader.watermark
            let admission = reader.admit(time)
            let isSeen = line < reader.seenLine
            let isMatched = isSeen && matched.lets(time, arrival: reader.arrival(line: line))
            excluded.append(admission != .admitted || isMatched)
            guard admission != .admitted else {
                largest = max(largest, time)
                if isMatched { excludes = true }
                if !isSeen { counts.events += 1 }
                continue
            }
            excludes = true
            if isSeen { continue }
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
        reader.repeatAdvances(before: block.carved.firstLine + block.carved.lineCount)
        guard excludes else { return largest }
        // Behind those that the decoder found; they leave in the order of lines, whatever a block holds.
        if hasAhead { block.rejects.sort { $0.line < $1.line } }
        let excluded = excluded
        for shard in block.routed.shards.indices { block.routed.shards[shard].removeAll { excluded[Int($0.row)] } }
        return largest
    }
}
