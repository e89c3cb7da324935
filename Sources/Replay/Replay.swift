// Rules over events in memory: what `needletail test` is made of. Fixture folders use it, and so may whatever else has events and wants
// to see alerts.

public import Engine
public import RuleCompiler
public import RuleLanguage
public import Streaming
internal import Decoding

/// What came out of a replay.
public struct ReplayResult: Sendable {
    /// The alerts, each a line of JSON without its end, in the order in which they left.
    public var alerts: [[UInt8]]
    /// Lines that are no events and late events, as `--rejects` and `--late` write them.
    public var rejects: [[UInt8]]
    public var late: [[UInt8]]
    public var summary: RunSummary
}

/// Runs a program over the lines of one input.
///
/// - Parameters:
///   - stream: how the lines are read.
///   - drains: whether time runs out at the end: absences, timeouts.
///   - endMicroseconds: where it does not, the time that passes at the end; nil: that of the last event.
///   - blockBytes: how much is read at once; the result does not depend on it.
/// - Throws: ``RunError`` where more events wait for the watermark than memory allows.
public func replay(
    program: Program, stream: StreamDefinition = StreamDefinition(), events: [UInt8], drains: Bool = true, endMicroseconds: Int64? = nil,
    blockBytes: Int = 256 * 1024
) throws(RunError) -> ReplayResult {
    let alerts = MemorySink()
    let rejects = MemorySink()
    let late = MemorySink()
    let pipeline = Pipeline(
        program: program, inputs: [Input(source: MemorySource(events, name: "events"), stream: stream)], alerts: [alerts], late: late,
        rejects: rejects,
        options: PipelineOptions(
            drains: drains, endMicroseconds: endMicroseconds, blockBytes: blockBytes, seed: UInt64.random(in: .min ... .max)))
    let summary = try pipeline.run(stop: StopFlag())
    return ReplayResult(alerts: alerts.lines, rejects: rejects.lines, late: late.lines, summary: summary)
}

extension RuleSet {
    /// Runs the rules over the lines of one input; see ``Replay/replay(program:stream:events:drains:endMicroseconds:blockBytes:)``.
    public func replay(events: [UInt8], drains: Bool = true, blockBytes: Int = 256 * 1024) throws(RunError) -> ReplayResult {
        try Replay.replay(program: program, stream: stream, events: events, drains: drains, blockBytes: blockBytes)
    }
}

extension Input {
    /// An input that is read as a `stream` of the rules says.
    public init(source: any Source, stream: StreamDefinition) {
        let type: EventFormat.TypeSource =
            switch stream.type {
            case .field(let path): .field(path)
            case .constant(let text): .constant(text)
            }
        let time: EventFormat.TimeFormat =
            switch stream.timeFormat {
            case .automatic: .automatic
            case .seconds: .seconds
            case .milliseconds: .milliseconds
            case .microseconds: .microseconds
            case .nanoseconds: .nanoseconds
            case .rfc3339: .rfc3339
            }
        self.init(
            source: source, stream: stream.name ?? "", format: EventFormat(type: type, timePath: stream.time, timeFormat: time),
            delayMicroseconds: stream.delayMicroseconds, aheadMicroseconds: stream.aheadMicroseconds,
            idleMicroseconds: stream.idleMicroseconds)
    }
}
