import Replay
@testable import Streaming
import Testing

/// `idle`: silence moves the watermark, by a clock that is turned by hand.
@Suite struct SilenceTests {
    /// Seconds of the clock, from the start of the run.
    struct Coming {
        var at: Int64
        var input: Int
        /// Nil: the input ends.
        var event: (type: String, seconds: Int64)?
    }

    struct Ran {
        var alerts: [String]
        var late: [String]
        var summary: RunSummary
        var advances: [IdleAdvance]
        var clockSeconds: Int64
        var waits: [Int64]
    }

    static func run(_ text: String, inputs: Int = 1, _ comings: [Coming]) throws -> Ran {
        let rules = try #require(loaded(text))
        let sources = (0..<inputs).map { ScriptedSource("\($0)") }
        let steps = comings.map { coming in
            let piece: ScriptedSource.Piece =
                coming.event.map { .text("{\"type\":\"\($0.type)\",\"ts\":\($0.seconds * 1000),\"k\":\"x\"}\n") } ?? .end
            return ScriptedSelector.Step(at: coming.at * 1_000_000, source: sources[coming.input], piece: piece)
        }
        let stop = StopFlag()
        let clock = HandClock()
        let start = clock.now
        let selector = ScriptedSelector(clock, steps, stop: stop)
        let alerts = MemorySink(), late = MemorySink()
        let pipeline = Pipeline(
            program: rules.program, inputs: sources.map { Input(source: $0, stream: rules.stream) }, alerts: [alerts], late: late,
            selector: selector, clock: clock, options: PipelineOptions(seed: 1))
        var advances: [IdleAdvance] = []
        pipeline.onIdleAdvance = { advances.append($0) }
        let summary = try pipeline.run(stop: stop)
        func lines(_ sink: MemorySink) -> [String] { sink.lines.map { String(decoding: $0, as: UTF8.self) } }
        return Ran(
            alerts: lines(alerts), late: lines(late), summary: summary, advances: advances, clockSeconds: (clock.now - start) / 1_000_000,
            waits: selector.waits)
    }

    static let absence = "rule r { by k match a: a then not b within 30s alert low } stream { delay 5s idle 10s }"

    @Test func anAbsenceFiresInSilence() throws {
        // The last event is at 100 s; the absence is due at 130 s. The watermark is there after 10 + 5 + 30 s of silence.
        let ran = try Self.run(Self.absence, [Coming(at: 0, input: 0, event: ("a", 100))])
        #expect(ran.alerts.count == 1)
        #expect(ran.alerts[0].contains("1970-01-01T00:02:10.000Z"))
        #expect(ran.clockSeconds == 45)
        #expect(ran.advances.last?.watermark == 130_000_000)
        #expect(ran.advances.allSatisfy { $0.input == 0 && $0.line == 2 })
        #expect(ran.waits.count < 10, "it sleeps until something can change: \(ran.waits)")
    }

    @Test func withoutIdleSilenceChangesNothing() throws {
        let ran = try Self.run(
            "rule r { by k match a: a then not b within 30s alert low } stream { delay 5s }", [Coming(at: 0, input: 0, event: ("a", 100))])
        #expect(ran.alerts.isEmpty && ran.advances.isEmpty && ran.clockSeconds == 0)
    }

    @Test func anEventThatSilenceHasPassedIsLate() throws {
        // At 60 s the watermark is at 100 - 5 + 60 - 10 = 145 s.
        let ran = try Self.run(
            Self.absence,
            [
                Coming(at: 0, input: 0, event: ("a", 100)), Coming(at: 60, input: 0, event: ("b", 144)),
                Coming(at: 60, input: 0, event: ("a", 145)),
            ])
        #expect(ran.late.count == 1)
        #expect(ran.late[0].contains("\"watermark\":\"1970-01-01T00:02:25.000Z\""))
        #expect(ran.summary.events == 2)
    }

    @Test func aSilentInputLetsTheOthersGo() throws {
        let rules = "rule r { match a: a alert low } stream { idle 10s }"
        let ran = try Self.run(
            rules, inputs: 2,
            [
                Coming(at: 0, input: 0, event: ("x", 100)), Coming(at: 1, input: 1, event: ("a", 100)),
                Coming(at: 2, input: 1, event: ("a", 120)), Coming(at: 40, input: 1, event: ("a", 158)), Coming(at: 60, input: 1),
            ])
        #expect(ran.alerts.count == 3)
        #expect(ran.late.isEmpty)
        // It went before the end: the watermark of input 0 reached 120 s at 30 s.
        #expect(ran.advances.contains { $0.input == 0 && $0.watermark >= 120_000_000 })
    }

    @Test func anInputThatNeverSpokeDoesNotCountOnceItsTimeIsUp() throws {
        let rules = "rule r { match a: a alert low } stream { idle 10s }"
        for silent in [0, 1] {
            let ran = try Self.run(
                rules, inputs: 2,
                [Coming(at: 0, input: 1 - silent, event: ("a", 100)), Coming(at: 60, input: 1 - silent, event: ("a", 150))])
            #expect(ran.alerts.count == 2, "silent \(silent): \(ran.summary)")
            #expect(ran.clockSeconds >= 60 && ran.clockSeconds < 75)
        }
    }

    @Test func anInputThatSpeaksAfterAllIsLateOnlyForWhatHasGone() throws {
        let rules = "rule r { match a: a alert low } stream { idle 10s }"
        let ran = try Self.run(
            rules, inputs: 2,
            [
                Coming(at: 0, input: 1, event: ("a", 100)), Coming(at: 12, input: 0, event: ("a", 99)),
                Coming(at: 12, input: 0, event: ("a", 103)), Coming(at: 13, input: 1, event: ("a", 104)),
                Coming(at: 14, input: 0, event: ("a", 105)),
            ])
        #expect(ran.late.count == 1)
        #expect(ran.alerts.count >= 3)
    }

    @Test func aFileThatHasEndedIsNotIdleAndTimeStandsBehindIt() throws {
        // Input 0 ends with an absence that is due 30 s later; input 1 never speaks. Time stands just behind the last event.
        let ran = try Self.run(
            Self.absence, inputs: 2,
            [Coming(at: 0, input: 0, event: ("a", 100)), Coming(at: 1, input: 0), Coming(at: 500, input: 1, event: ("c", 200))])
        #expect(ran.alerts.count == 1)
        #expect(ran.advances.map(\.watermark).first == 100_000_001)
    }

    @Test func advancesAreMadeAgainFromTheirRecords() throws {
        let rules = try #require(loaded("rule r { match a: a alert low }"))
        let reader = InputReader(
            Input(source: ScriptedSource("s"), stream: rules.stream), index: 0, columns: [], blockBytes: 1024, drains: true)
        let inputs = InputSet([reader], selector: AlwaysReady(), clock: FrozenClock(), heldBytesMax: 0)
        inputs.apply(IdleAdvance(input: 0, line: 1, watermark: 77))
        inputs.apply(IdleAdvance(input: 0, line: 1, watermark: 70))
        inputs.apply(IdleAdvance(input: 9, line: 1, watermark: 99))
        #expect(reader.watermark == 77)
        #expect(reader.admit(76) == .late)
        #expect(reader.admit(77) == .admitted)
    }
}
