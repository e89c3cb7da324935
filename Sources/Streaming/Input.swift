public import Decoding
internal import Events

/// An input as the run is given it.
public struct Input {
    public var source: any Source
    public var format: EventFormat
    /// How far out of order its events may come, microseconds.
    public var delayMicroseconds: Int64
    /// An event more than that beyond the watermark is a reject; nil is off.
    public var aheadMicroseconds: Int64?

    public init(source: any Source, format: EventFormat, delayMicroseconds: Int64 = 0, aheadMicroseconds: Int64? = nil) {
        self.source = source
        self.format = format
        self.delayMicroseconds = delayMicroseconds
        self.aheadMicroseconds = aheadMicroseconds
    }
}

/// An input while it is read: its blocks, its decoder and its watermark.
final class InputReader {
    let input: Input
    /// The place on the command line.
    let index: Int
    private var carver: LineCarver
    private let decoder: BlockDecoder
    /// The largest event time less the delay; `Int64.min` before the first event.
    private(set) var watermark = Int64.min
    private(set) var hasEnded = false
    private let drains: Bool

    /// - Parameters:
    ///   - drains: whether the end of the input is the end of time; otherwise its watermark stays as the last event left it.
    ///   - columns: what the program reads; the type stands in a column behind them.
    init(_ input: Input, index: Int, columns: [FieldPath], blockBytes: Int, drains: Bool) {
        self.input = input
        self.index = index
        self.drains = drains
        carver = LineCarver(blockBytes: blockBytes)
        decoder = BlockDecoder(columns: columns + [FieldPath(name: "")], format: input.format, typeColumn: columns.count)
    }

    /// An event's place in the order of arrival.
    @inline(__always)
    func arrival(line: UInt64) -> UInt64 { UInt64(index) << 48 | line }

    /// Why a block was not filled; what was read stays with the carver.
    private enum Interruption: Error {
        case stopRequest
        case failure(SourceError)
    }

    enum ReadResult {
        case block, end, interrupted
    }

    /// Reads and decodes the next block into the batch.
    func read(into batch: EventBatch, rejects: inout [Reject]) throws(SourceError) -> ReadResult {
        let source = input.source
        do throws(Interruption) {
            let block = try carver.fill(batch) { room throws(Interruption) in
                let count: Int?
                do throws(SourceError) {
                    count = try source.read(into: room)
                } catch {
                    throw .failure(error)
                }
                guard let count else { throw .stopRequest }
                return count
            }
            guard let block else {
                hasEnded = true
                if drains { watermark = .max }
                return .end
            }
            decoder.decode(
                batch, firstLine: block.firstLine, isFirstBlock: block.isFirst, cutLines: block.cutLines, rejects: &rejects)
            return .block
        } catch {
            guard case .failure(let failure) = error else { return .interrupted }
            throw failure
        }
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
        let (mark, underflow) = time.subtractingReportingOverflow(input.delayMicroseconds)
        watermark = max(watermark, underflow ? .min : mark)
        return .admitted
    }
}
