// Steps that silence has made are no consequence of the events: a run that reads the same lines again would not make them at the same
// places, and other events would be late. So they are recorded before anything leaves that may depend on them, and a restart makes those
// behind its checkpoint again: each before the line before which it was made, and none of its own before that. What was read once is there
// at once after a restart, so that no silence comes between those lines. Where all that leaves can be cut back, nothing need be recorded.

internal import Engine

/// Keeps the steps that silence has made since the last checkpoint.
public protocol IdleRecords: AnyObject {
    /// What is there, in the order in which it was made.
    ///
    /// - Throws: ``StoreError`` where it is damaged.
    func recorded() throws(StoreError) -> [IdleAdvance]

    /// How many records were ever made: the number of the next one.
    var end: UInt64 { get }

    /// Records steps, durably.
    func append(_ steps: [IdleAdvance]) throws(StoreError)

    /// A checkpoint holds the records before a number: they may be dropped, soon or later. One that is there still does no harm.
    func forget(before number: UInt64) throws(StoreError)

    /// Keeps these alone, at once.
    func replace(with steps: [IdleAdvance]) throws(StoreError)
}

/// Between the run and its records: of the steps at one line of an input only the last is recorded, once something leaves.
final class IdleRecorder {
    private let records: any IdleRecords
    private let isNeeded: Bool
    private let sources: [any ResumableSource]
    /// Made, and not recorded yet; at most one an input and line.
    private var steps: [IdleAdvance] = []
    /// The checkpoint that is being made holds the records before this one.
    private var held: UInt64 = 0

    /// - Parameter isNeeded: something leaves that cannot be taken back.
    init(_ records: any IdleRecords, sources: [any ResumableSource], isNeeded: Bool) {
        self.records = records
        self.sources = sources
        self.isNeeded = isNeeded
    }

    func note(_ step: IdleAdvance) {
        guard isNeeded else { return }
        if let place = steps.lastIndex(where: { $0.input == step.input }), steps[place].line == step.line {
            steps[place].watermark = max(steps[place].watermark, step.watermark)
        } else {
            steps.append(step)
        }
    }

    /// To be called before anything leaves.
    func record() throws(RunError) {
        guard !steps.isEmpty else { return }
        // The lines before which a step was made must come again.
        for source in sources { do throws(SourceError) { try source.synchronize() } catch { throw .source(error) } }
        do throws(StoreError) { try records.append(steps) } catch { throw .state(error) }
        steps.removeAll(keepingCapacity: true)
    }

    /// The inputs, brought back to a checkpoint, make the steps behind it again.
    func handOut(to readers: [InputReader]) throws(StoreError) {
        let recorded = try records.recorded()
        var kept: [IdleAdvance] = []
        for reader in readers where !reader.isAnother {
            let steps = recorded.filter { $0.input == reader.index && $0.line >= reader.nextLine }
            reader.repeatLater(steps)
            kept += steps
        }
        if kept.count < recorded.count { try records.replace(with: kept) }
    }

    func noteBarrier() { held = records.end }

    func noteCommit() throws(StoreError) { try records.forget(before: held) }
}
