internal import Decoding
public import Engine
internal import Events
internal import Synchronization

/// A request to stop, set from a signal or another thread.
public final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    public init() {}

    public var isSet: Bool { flag.load(ordering: .acquiring) }

    public func set() {
        flag.store(true, ordering: .releasing)
    }
}

public struct PipelineOptions: Sendable {
    /// At the end of the input, let time run out: fire every deadline.
    public var drains: Bool
    /// Where the end does not drain: time passes up to here, microseconds, and what is due by then is fired. Nil: the last event is the
    /// end.
    public var endMicroseconds: Int64?
    /// Most memory of events that wait for the watermark; a run that needs more ends and names `delay`.
    public var reorderBytesMax: Int
    /// Most memory of events of one input that is ahead of others; beyond it that input is not read until the others have caught up.
    public var aheadBytesMax: Int
    public var blockBytes: Int
    /// Of the hash of keys.
    public var seed: UInt64

    public init(
        drains: Bool = true, endMicroseconds: Int64? = nil, reorderBytesMax: Int = 1 << 30, aheadBytesMax: Int = 64 << 20,
        blockBytes: Int = 256 * 1024, seed: UInt64
    ) {
        self.drains = drains
        self.endMicroseconds = endMicroseconds
        self.reorderBytesMax = reorderBytesMax
        self.aheadBytesMax = aheadBytesMax
        self.blockBytes = blockBytes
        self.seed = seed
    }
}

/// Why a run cannot go on.
public enum RunError: Error, Sendable {
    case source(SourceError)
    case sink(String)
    /// The reader of the alerts has gone: not a failure.
    case brokenPipe
    case reorderBufferFull(bytes: Int)
}

/// The way of an event: read, decode, test, order, match, alert. One thread; blocks go through one after another, and each leaves its
/// alerts behind before the next is read.
public final class Pipeline {
    private let program: Program
    private let options: PipelineOptions
    private let inputs: InputSet
    private let alertSinks: [any Sink]
    private let lateSink: (any Sink)?
    private let rejectSink: (any Sink)?
    private let matcher: Matcher
    private let tester: EventTester
    private var stage: AlertStage
    private var reorder: ReorderBuffer
    private let batch: EventBatch
    private let typeColumn: Int
    private var rejects: [Reject] = []
    private var excluded: [Bool] = []
    private var run: [PendingRow] = []
    private var released: [PendingRow] = []
    /// Of the keys of released rows, as far as they are asked for ahead.
    private var hashes: [UInt64] = []
    private var output = ByteBuffer(capacity: 64 * 1024)
    private var lateLines = SideLines()
    private var rejectLines = SideLines()
    /// What has been done so far.
    public private(set) var summary: RunSummary

    /// Alerts leave in pieces of about this many bytes, so that a long drain does not hold them all.
    private static let alertBytesMax = 1 << 20
    /// How many rows ahead a key's state is asked for; the slot that leads to it, twice as many.
    private static let prefetchDistance = 8

    /// - Parameters:
    ///   - selector: waits for the inputs; by default all of them always have something.
    ///   - clock: what the silence of inputs with `idle` is measured by; by default it stands still.
    public init(
        program: Program, inputs: [Input], alerts: [any Sink], late: (any Sink)? = nil, rejects: (any Sink)? = nil,
        selector: any SourceSelector = AlwaysReady(), clock: any Clock = FrozenClock(), options: PipelineOptions
    ) {
        self.program = program
        self.options = options
        let readers = inputs.enumerated().map { index, input in
            InputReader(input, index: index, columns: program.columns, blockBytes: options.blockBytes, drains: options.drains)
        }
        // Many inputs that are all ahead of one still leave half of the room to that one.
        let share = options.reorderBytesMax / 2 / max(1, inputs.count)
        self.inputs = InputSet(readers, selector: selector, clock: clock, heldBytesMax: min(options.aheadBytesMax, share))
        alertSinks = alerts
        lateSink = late
        rejectSink = rejects
        matcher = Matcher(program: program, seed: options.seed)
        tester = EventTester(program: program)
        stage = AlertStage(program)
        typeColumn = program.columns.count
        reorder = ReorderBuffer(columnCount: typeColumn + 1)
        batch = EventBatch(columnCount: typeColumn + 1)
        summary = RunSummary(rules: program.rules.map(\.name))
    }

    /// Is told of each step of a watermark that silence makes, before it is made: what must be known to come to the same alerts again.
    public var onIdleAdvance: ((IdleAdvance) -> Void)? {
        get { inputs.onIdleAdvance }
        set { inputs.onIdleAdvance = newValue }
    }

    /// Runs until the input ends or a request to stop comes; `progress` is called after each block.
    ///
    /// - Throws: ``RunError``; what was read before has been matched, and its alerts have left.
    public func run(stop: StopFlag, progress: (RunSummary) -> Void = { _ in }) throws(RunError) -> RunSummary {
        input: while !stop.isSet {
            switch inputs.next(until: nextMoment, heldBytes: { reorder.heldBytes(ofInput: $0) }) {
            case .end: break input
            case .nothing: continue
            case .advanced: break
            case .read(let input): if try read(input) == .nothingYet { continue }
            }
            try release()
            updateSummary()
            progress(summary)
        }
        summary.isStopped = stop.isSet
        if !summary.isStopped && options.drains { try drain() }
        if !summary.isStopped, !options.drains, let end = options.endMicroseconds {
            try fireDeadlines(upTo: end)
            try sendAlerts()
        }
        try flushSides()
        updateSummary()
        return summary
    }

    /// How far time must come for a held event or a deadline to go.
    private var nextMoment: Int64? {
        let held = reorder.firstTime.map { $0 + 1 }
        guard let deadline = matcher.nextDeadline else { return held }
        return min(held ?? deadline, deadline)
    }

    private func read(_ input: InputReader) throws(RunError) -> InputReader.ReadResult {
        rejects.removeAll(keepingCapacity: true)
        let result: InputReader.ReadResult
        do throws(SourceError) {
            result = try input.read(into: batch, rejects: &rejects)
        } catch {
            throw .source(error)
        }
        guard result == .block else { return result }
        summary.bytes += UInt64(batch.byteCount)
        admit(input)
        note(rejects, of: input)
        test(input)
        return .block
    }

    /// Takes out late events, and those too far ahead; moves the watermark.
    private func admit(_ input: InputReader) {
        let count = batch.count
        if excluded.count < count { excluded = [Bool](repeating: false, count: max(count, excluded.count * 2)) }
        for row in 0..<count {
            let time = batch.times[row]
            let before = input.watermark
            switch input.admit(time) {
            case .admitted:
                excluded[row] = false
                summary.events += 1
            case .late:
                excluded[row] = true
                summary.late += 1
                guard lateSink != nil else { continue }
                lateLines.append(
                    late: time, watermark: before, input: input.input.source.name, line: batch.lines[row],
                    raw: batch.bytes + Int(batch.rawOffsets[row]), length: Int(batch.rawLengths[row]))
            case .ahead:
                excluded[row] = true
                rejects.append(
                    Reject(
                        line: batch.lines[row], reason: .timeTooFarAhead, rawOffset: Int(batch.rawOffsets[row]),
                        rawLength: Int(batch.rawLengths[row])))
            }
        }
    }

    private func note(_ rejects: [Reject], of input: InputReader) {
        for reject in rejects {
            summary.rejects[Int(reject.reason.rawValue)] += 1
            if rejectSink != nil { rejectLines.append(reject, input: input.input.source.name, bytes: batch.bytes) }
        }
    }

    /// Tests the batch, and brings the rows that concern any rule into the order of matching.
    private func test(_ input: InputReader) {
        let view = BatchView(batch)
        excluded.withUnsafeBufferPointer { excluded in
            tester.test(
                view, count: batch.count, typeColumn: typeColumn, timeColumn: input.timeColumn,
                excluded: excluded.baseAddress)
        }
        run.removeAll(keepingCapacity: true)
        var isSorted = true
        for tested in tester.rows {
            let row = Int(tested.row)
            let pending = PendingRow(
                time: batch.times[row], arrival: input.arrival(line: batch.lines[row]), batch: ReorderBuffer.current, row: tested.row,
                firstMask: tested.firstMask, maskCount: UInt16(tested.maskCount), type: tested.type)
            if let last = run.last, pending < last { isSorted = false }
            run.append(pending)
        }
        if !isSorted { run.sort { $0 < $1 } }
    }

    /// Matches what the watermark lets go, of the rows held back and of the batch just read; holds the rest.
    private func release() throws(RunError) {
        let bound = inputs.bound
        // All inputs have ended: what is left goes together with the deadlines that lie between.
        if bound.time == .max { return }
        released.removeAll(keepingCapacity: true)
        if reorder.heldRows > 0 { reorder.release(upTo: bound, into: &released) }
        let split = run.firstIndex { !bound.lets($0.time, arrival: $0.arrival) } ?? run.count
        mergeReleased(run[..<split])
        try match()
        if let first = run.first { reorder.hold(run[split...], of: batch, input: Int(first.arrival >> 48), masks: tester.masks) }
        run.removeAll(keepingCapacity: true)
        guard reorder.heldBytes <= options.reorderBytesMax else { throw .reorderBufferFull(bytes: reorder.heldBytes) }
        try fireDeadlines(upTo: bound.time)
        matcher.watermark = bound.time
        try sendAlerts()
        try flushSides()
    }

    private func mergeReleased(_ rows: ArraySlice<PendingRow>) {
        guard !rows.isEmpty else { return }
        if released.last.map({ $0 < rows[rows.startIndex] }) ?? true {
            released += rows
            return
        }
        let held = released
        released.removeAll(keepingCapacity: true)
        var i = 0, j = rows.startIndex
        while i < held.count && j < rows.endIndex {
            if rows[j] < held[i] {
                released.append(rows[j])
                j += 1
            } else {
                released.append(held[i])
                i += 1
            }
        }
        released += held[i...]
        released += rows[j...]
    }

    private func match() throws(RunError) {
        let view = BatchView(batch)
        let count = released.count
        hashes.removeAll(keepingCapacity: true)
        for index in 0..<count {
            while hashes.count < min(count, index + 2 * Pipeline.prefetchDistance) { prefetchSlot(released[hashes.count], view) }
            if index + Pipeline.prefetchDistance < count { prefetchState(index + Pipeline.prefetchDistance) }
            let pending = released[index]
            let row = eventRow(pending, view)
            withMasks(pending) { matcher.process(row, masks: $0, count: Int(pending.maskCount)) }
            reorder.finish(pending)
            if matcher.alerts.bytes.count > Pipeline.alertBytesMax, index + 1 < count, released[index + 1].time > pending.time {
                // Alerts of deadlines up to the next event stand among those that leave now.
                matcher.fireDeadlines(upTo: pending.time)
                try sendAlerts()
            }
        }
    }

    @inline(__always)
    private func eventRow(_ pending: PendingRow, _ view: BatchView) -> EventRow {
        EventRow(
            view: pending.batch < 0 ? view : reorder.view(pending.batch), row: Int(pending.row), time: pending.time,
            arrival: pending.arrival, type: Int(pending.type))
    }

    @inline(__always)
    private func prefetchSlot(_ pending: PendingRow, _ view: BatchView) {
        let row = eventRow(pending, view)
        withMasks(pending) { hashes.append(matcher.prefetchSlot(row, masks: $0, count: Int(pending.maskCount))) }
    }

    @inline(__always)
    private func prefetchState(_ index: Int) {
        guard hashes[index] != 0 else { return }
        withMasks(released[index]) { matcher.prefetchState(hashes[index], masks: $0) }
    }

    @inline(__always)
    private func withMasks(_ pending: PendingRow, _ body: (UnsafePointer<RuleMask>) -> Void) {
        if pending.batch < 0 {
            tester.masks.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped + Int(pending.firstMask)) }
        } else {
            reorder.withMasks(pending, body)
        }
    }

    private func fireDeadlines(upTo time: Int64) throws(RunError) {
        while let next = matcher.nextDeadline, next <= time {
            matcher.fireDeadlines(upTo: next)
            if matcher.alerts.bytes.count > Pipeline.alertBytesMax { try sendAlerts() }
        }
    }

    /// The input has ended: what is held goes, and every deadline comes.
    private func drain() throws(RunError) {
        released.removeAll(keepingCapacity: true)
        reorder.release(upTo: ReleaseBound(watermarks: [.max]), into: &released)
        try match()
        try fireDeadlines(upTo: .max - 1)
        try sendAlerts()
    }

    // MARK: - Out

    private func sendAlerts() throws(RunError) {
        let buffer = matcher.alerts
        guard !buffer.pending.isEmpty else { return }
        buffer.sort()
        output.removeAll()
        let bytes = UnsafePointer(buffer.bytes.bytes)
        for alert in buffer.pending {
            let key = UnsafeRawBufferPointer(start: bytes + alert.end, count: alert.keyEnd - alert.end)
            guard let suppressed = stage.admit(alert, key: key) else {
                summary.rules[alert.order.rule].suppressed += 1
                continue
            }
            output.append(bytes + alert.start, count: alert.split - alert.start)
            output.append(integer: suppressed)
            output.append(bytes + alert.split, count: alert.end - alert.split)
            output.append("\n")
            summary.alerts += 1
            summary.rules[alert.order.rule].alerts += 1
        }
        buffer.removeAll()
        for sink in alertSinks { try send(output, to: sink) }
    }

    private func flushSides() throws(RunError) {
        if let lateSink, lateLines.buffer.count > 0 {
            try send(lateLines.buffer, to: lateSink)
            lateLines.removeAll()
        }
        if let rejectSink, rejectLines.buffer.count > 0 {
            try send(rejectLines.buffer, to: rejectSink)
            rejectLines.removeAll()
        }
    }

    private func send(_ buffer: borrowing ByteBuffer, to sink: any Sink) throws(RunError) {
        guard buffer.count > 0 else { return }
        do throws(SinkError) {
            try sink.write(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count))
            try sink.flush()
        } catch {
            switch error {
            case .brokenPipe: throw .brokenPipe
            case .failed(let message): throw .sink(message)
            }
        }
    }

    private func updateSummary() {
        let watermark = inputs.bound.time
        if watermark != .max && watermark != .min { summary.watermark = watermark }
        summary.keys = matcher.keyCount
        summary.stateBytes = matcher.stateBytes
        summary.heldEvents = reorder.heldRows
        summary.brokenFields = tester.brokenFields
        summary.lines = summary.events + summary.late + summary.rejected
        let counters = matcher.counters
        for index in counters.indices {
            summary.rules[index].counters = counters[index]
            summary.rules[index].counters += tester.counters[index]
        }
    }
}
