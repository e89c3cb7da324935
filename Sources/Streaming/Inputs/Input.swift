public import Decoding
internal import Events

/// An input as the run is given it.
public struct Input {
    public var source: any Source
    /// Of the `stream` that it is read as; empty for the one without a name.
    public var stream: String
    public var format: EventFormat
    /// How far out of order its events may come, microseconds.
    public var delayMicroseconds: Int64
    /// An event more than that beyond the watermark is a reject; nil is off.
    public var aheadMicroseconds: Int64?
    /// After so long a silence its watermark moves on with the clock; nil is off.
    public var idleMicroseconds: Int64?

    public init(
        source: any Source, stream: String = "", format: EventFormat, delayMicroseconds: Int64 = 0, aheadMicroseconds: Int64? = nil,
        idleMicroseconds: Int64? = nil
    ) {
        self.source = source
        self.stream = stream
        self.format = format
        self.delayMicroseconds = delayMicroseconds
        self.aheadMicroseconds = aheadMicroseconds
        self.idleMicroseconds = idleMicroseconds
    }
}

/// A step of an input's watermark that its silence made, and no event. Together with the events, these decide what comes out.
public struct IdleAdvance: Sendable, Equatable {
    /// The input's place on the command line.
    public var input: Int
    /// The first line that was read after it.
    public var line: UInt64
    public var watermark: Int64

    public init(input: Int, line: UInt64, watermark: Int64) {
        self.input = input
        self.line = line
        self.watermark = watermark
    }
}

/// An input while it is read: its blocks and its watermark.
final class InputReader: @unchecked Sendable {
    // @unchecked: read by one worker at a time, under the lock of the blocks; all else belongs to the thread that admits blocks, between
    // supersteps.

    let input: Input
    /// The place on the command line.
    let index: Int
    /// The column that is the event's own time, or -1.
    let timeColumn: Int
    private var carver: LineCarver
    /// The largest event time less the delay, or what silence made of it; `Int64.min` before the first event.
    private(set) var watermark = Int64.min
    /// The watermark as events and silence made it, which the end does not move.
    private(set) var reachedTime = Int64.min
    private(set) var hasEnded = false
    /// The time of the last event that was admitted.
    private(set) var lastTime: Int64?
    /// The largest time of an event that was admitted.
    private(set) var largestTime: Int64?
    private let drains: Bool

    // For checkpoints: where admitted lines end, what must be read again, and what is read again just now.
    // Nil where no checkpoints are made: nothing would ever take the marks away.
    private var marks: ReadMarks?
    private var admitted = ReadMarks.Mark()
    /// Lines before this one were read before the restart.
    private(set) var seenLine: UInt64 = 0
    private var advancesToRepeat: ArraySlice<IdleAdvance> = []
    /// It is not the input of the checkpoint that stood in its place: steps at that one's lines are none of its own.
    private(set) var isAnother = false

    // What `InputSet` knows of its silence.
    /// By the clock: no byte has come since.
    var quietSince: Int64 = 0
    /// Something was there to read when it was last asked, whether or not it was read.
    var hasBytes = true
    /// It has been silent for so long, and without any event, that it does not count.
    var isAbsent = false

    /// - Parameters:
    ///   - drains: whether the end of the input is the end of time; otherwise its watermark stays as the last event left it.
    ///   - columns: what the program reads.
    init(_ input: Input, index: Int, columns: [FieldPath], blockBytes: Int, drains: Bool) {
        self.input = input
        self.index = index
        self.drains = drains
        timeColumn = columns.firstIndex(of: input.format.timePath) ?? -1
        carver = LineCarver(blockBytes: blockBytes)
    }

    /// The number of the first line that was not admitted yet.
    var nextLine: UInt64 { admitted.line }

    /// An event's place in the order of arrival.
    @inline(__always)
    func arrival(line: UInt64) -> UInt64 { UInt64(index) << 48 | line }

    /// Why a block was not filled; what was read stays with the carver.
    private enum Interruption: Error {
        case nothingYet
        case failure(SourceError)
    }

    enum ReadResult {
        case block, end, nothingYet
    }

    /// Reads the next block's lines.
    func read(into block: Block) throws(SourceError) -> ReadResult {
        let source = input.source
        do throws(Interruption) {
            let position = carver.position
            let carved = try carver.fill(block.batch) { room throws(Interruption) in
                let count: Int?
                do throws(SourceError) {
                    count = try source.read(into: room)
                } catch {
                    throw .failure(error)
                }
                guard let count else { throw .nothingYet }
                return count
            }
            guard let carved else { return .end }
            block.input = index
            block.position = position
            block.carved = carved
            return .block
        } catch {
            guard case .failure(let failure) = error else { return .nothingYet }
            throw failure
        }
    }

    /// Nothing more comes; whether that is the end of time too, the run has said.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        reachedTime = watermark
        if drains { watermark = .max }
    }

    /// Admits a block as a whole; false, and nothing has changed, where an event of it may be late or too far ahead.
    func admitWhole(_ times: BlockTimes) -> Bool {
        guard times.isInOrder, times.least >= watermark else { return false }
        if let ahead = input.aheadMicroseconds {
            guard watermark != .min, times.largest <= watermark.addingSaturating(ahead) else { return false }
        }
        lastTime = times.last
        largestTime = max(largestTime ?? times.largest, times.largest)
        watermark = max(watermark, times.largest.subtractingSaturating(input.delayMicroseconds))
        return true
    }

    /// Whether an event is late or too far ahead, by the watermark as it stood before it; then the watermark moves on.
    enum Admission {
        case admitted, late, ahead
    }

    @inline(__always)
    func admit(_ time: Int64) -> Admission {
        if time < watermark { return .late }
        if let ahead = input.aheadMicroseconds, watermark != .min {
            let (limit, overflow) = watermark.addingReportingOverflow(ahead)
            if !overflow && time > limit { return .ahead }
        }
        lastTime = time
        largestTime = max(largestTime ?? time, time)
        let (mark, underflow) = time.subtractingReportingOverflow(input.delayMicroseconds)
        watermark = max(watermark, underflow ? .min : mark)
        return .admitted
    }

    /// Moves the watermark on, never back, and never to the end of time.
    func advance(to time: Int64) {
        guard !hasEnded else { return }
        watermark = max(watermark, min(time, .max - 1))
    }
}

/// What a checkpoint must know of an input, and what an input does of it after a restart.
extension InputReader {
    /// Where a block begins; to be called before its events are admitted.
    func markBeforeBlock() -> ReadMarks.Mark {
        ReadMarks.Mark(position: admitted.position, line: admitted.line, watermark: watermark, lastTime: lastTime, largestTime: largestTime)
    }

    /// A block has been admitted, of whose events `largest` is the latest that was.
    func noteAdmitted(_ block: Block, from mark: ReadMarks.Mark, largest: Int64) {
        if block.batch.count > 0 { marks?.add(mark, largestTime: largest) }
        admitted.position = block.carved.endPosition
        admitted.line = block.carved.firstLine + block.carved.lineCount
    }

    func note(_ advance: IdleAdvance) {
        marks?.add(advance)
    }

    /// From now on it is known where each block began; to be called before anything is read.
    func keepMarks() {
        marks = ReadMarks()
    }

    /// The watermark of an input that is at its end, should it go on one day: what lies before the time that was reached without it is late.
    private func goingOnFrom(_ reached: Int64) -> Int64 {
        reachedTime >= reached ? reachedTime : reached.addingSaturating(1)
    }

    /// What goes into the anchor of a checkpoint in which everything that `bound` lets go is matched; `reached` is how far time has come.
    func anchor(_ bound: ReleaseBound, reached: Int64) -> Anchor.Input {
        let now = ReadMarks.Mark(
            position: admitted.position, line: admitted.line, watermark: watermark, lastTime: lastTime, largestTime: largestTime)
        guard let mark = marks?.rewind(bound, input: index, end: now), let advances = marks?.advances else {
            preconditionFailure("Marks are kept before the first checkpoint.")
        }
        let place = (input.source as? any ResumableSource)?.place(at: mark.position) ?? []
        return Anchor.Input(
            name: input.source.name, stream: input.stream, position: mark.position, place: place, line: mark.line,
            watermark: mark.watermark == .max ? goingOnFrom(reached) : mark.watermark, lastTime: mark.lastTime, largestTime: mark.largestTime,
            seenLine: admitted.line, hasEnded: hasEnded && mark == now, advances: advances)
    }

    /// Begins with time where others have brought it.
    func begin(watermark: Int64) {
        isAnother = true
        self.watermark = watermark
    }

    /// Goes on where a checkpoint was; the source has been brought to that place.
    func resume(_ anchor: Anchor.Input, blockBytes: Int) {
        carver = LineCarver(position: anchor.position, nextLine: anchor.line, blockBytes: blockBytes)
        admitted = ReadMarks.Mark(position: anchor.position, line: anchor.line)
        watermark = anchor.watermark
        lastTime = anchor.lastTime
        largestTime = anchor.largestTime
        seenLine = anchor.seenLine
        advancesToRepeat = anchor.advances[...]
        for advance in anchor.advances { marks?.add(advance) }
    }

    /// Steps that were recorded, and are behind the checkpoint, are made again too.
    func repeatLater(_ steps: [IdleAdvance]) {
        guard !steps.isEmpty else { return }
        let all = (advancesToRepeat + steps).sorted { ($0.line, $0.watermark) < ($1.line, $1.watermark) }
        advancesToRepeat = all[...]
        marks?.replaceAdvances(all)
    }

    /// Repeats the steps of silence that came before a line.
    @inline(__always)
    func repeatAdvances(before line: UInt64) {
        while let advance = advancesToRepeat.first, advance.line <= line {
            self.advance(to: advance.watermark)
            advancesToRepeat.removeFirst()
        }
    }

    /// Whether lines that were read before the restart are still to come, or steps of silence behind them.
    var isCatchingUp: Bool { admitted.line < seenLine || !advancesToRepeat.isEmpty }
}
