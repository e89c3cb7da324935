import Foundation
import Replay
import RuleCompiler
import Seeds
@testable import Streaming
import Testing

/// Several inputs that come in any order give the same alerts.
@Suite struct InterleavingTests {
    static let rules = """
        rule pair { by k match a: a then b: b within 40ms alert low "{k}" { a: a.id, b: b.id } }
        rule absent { by k match a: a then not b within 15ms alert medium "{k}" { a: a.id } }
        rule loop { match x: a{2,3} next y: c alert high { first: first(x.id), y: y.id } cooldown 20ms }
        stream first { delay 5ms }
        stream second { delay 20ms  idle 1h }
        stream third { type "c" }
        """

    /// Lines of one input; times go up, with disorder within and at times beyond the delay.
    static func lines(_ dice: inout SeededGenerator, _ input: Int, _ delay: Int) -> [String] {
        var time = dice.below(50)
        return (0..<dice.below(60)).map { index in
            time += dice.below(8)
            let shown = max(0, time - dice.below(delay + 2))
            if dice.below(20) == 0 { return "no event" }
            return #"{"type":"\#(["a", "b", "c"][dice.below(3)])","ts":\#(shown),"k":"\#(dice.below(3))","id":\#(input * 1000 + index)}"#
        }
    }

    static func run(_ rules: RuleSet, _ inputs: [[String]], _ selector: any SourceSelector, pieces: inout SeededGenerator, ahead: Int) throws -> (String, RunSummary) {
        let sink = MemorySink()
        var ends: [Input] = []
        for (index, lines) in inputs.enumerated() {
            var rest = Substring(lines.map { $0 + "\n" }.joined())
            var cut: [ScriptedSource.Piece] = []
            while !rest.isEmpty {
                let piece = rest.prefix(1 + pieces.below(120))
                cut.append(.text(String(piece)))
                rest = rest.dropFirst(piece.count)
            }
            let stream = rules.stream(named: ["first", "second", "third"][index])!
            ends.append(Input(source: ScriptedSource("\(index)", cut + [.end]), stream: stream))
        }
        let pipeline = Pipeline(
            program: rules.program, inputs: ends, alerts: [sink], selector: selector,
            options: PipelineOptions(aheadBytesMax: ahead, blockBytes: 64 + pieces.below(400), seed: pieces.next()))
        let summary = try pipeline.run(stop: StopFlag())
        return (sink.text, summary)
    }

    @Test func alertsDoNotDependOnWhichInputIsReadFirst() throws {
        let rules = try #require(loaded(Self.rules))
        var alerts: UInt64 = 0
        for case_ in 0..<(Volume.isSoak ? 5000 : 300) {
            var dice = SeededGenerator(seed: Volume.baseSeed &+ UInt64(case_))
            let inputs = [5, 20, 0].enumerated().map { Self.lines(&dice, $0.offset, $0.element) }
            let (expected, summary) = try Self.run(rules, inputs, AlwaysReady(), pieces: &dice, ahead: 64 << 20)
            alerts += summary.alerts
            for _ in 0..<4 {
                // With no room for an input that is ahead, only those that hold time back are read.
                let ahead = dice.below(2) == 0 ? 0 : 64 << 20
                let (text, other) = try Self.run(rules, inputs, RandomSelector(dice.next()), pieces: &dice, ahead: ahead)
                #expect(text == expected, "case \(case_)")
                #expect(other.late == summary.late && other.events == summary.events && other.rejected == summary.rejected, "case \(case_)")
            }
        }
        #expect(alerts > 1000)
    }

    @Test func anInputThatIsAheadIsPausedAndTheOneThatHoldsTimeBackIsRead() throws {
        let rules = try #require(loaded("rule any { match a: a alert low { id: a.id } }"))
        // Input 0 stands at time 0 and gives nothing more until input 1 could have given everything.
        let slow = ScriptedSource("slow", [.text("{\"type\":\"x\",\"ts\":0}\n")])
        let fast = ScriptedSource("fast")
        let row = "{\"type\":\"a\",\"ts\":1000,\"id\":1,\"pad\":\"" + String(repeating: "x", count: 2000) + "\"}\n"
        for _ in 0..<4000 { fast.pieces.append(.text(row)) }
        fast.pieces.append(.end)
        let stop = StopFlag()
        let clock = HandClock()
        let selector = ScriptedSelector(clock, [], stop: stop)
        let pipeline = Pipeline(
            program: rules.program, inputs: [slow, fast].map { Input(source: $0, stream: rules.stream) }, alerts: [MemorySink()],
            selector: selector, clock: clock, options: PipelineOptions(aheadBytesMax: 1 << 20, seed: 1))
        var summary = try pipeline.run(stop: stop)
        #expect(summary.isStopped)
        let held = summary.heldEvents
        #expect(held > 100 && held < 1500, "\(held)")
        #expect(fast.pieces.count == 4001 - held)
        // Once the slow one has ended, all goes.
        slow.pieces.append(.end)
        summary = try pipeline.run(stop: StopFlag())
        #expect(summary.alerts == 4000)
    }

    @Test func aHalfLineOfOneInputDoesNotKeepTheOthersWaiting() throws {
        let rules = try #require(loaded("rule any { match a: a alert low { id: a.id } } stream { idle 1s }"))
        let half = ScriptedSource("half", [.text("{\"type\":\"a\",\"ts\":1")])
        let whole = ScriptedSource("whole")
        let stop = StopFlag()
        let clock = HandClock()
        let sink = MemorySink()
        let steps = (1...3).map { ScriptedSelector.Step(at: Int64($0) * 10_000_000, source: whole, piece: .text("{\"type\":\"a\",\"ts\":\($0)0000,\"id\":\($0)}\n")) }
        let pipeline = Pipeline(
            program: rules.program, inputs: [half, whole].map { Input(source: $0, stream: rules.stream) }, alerts: [sink],
            selector: ScriptedSelector(clock, steps, stop: stop), clock: clock, options: PipelineOptions(seed: 1))
        let summary = try pipeline.run(stop: stop)
        #expect(summary.alerts == 3)
    }

    @Test func everyTimeFormatIsRead() throws {
        let forms = [
            ("seconds", "1772359451.25"), ("milliseconds", "1772359451250"), ("microseconds", "1772359451250000"),
            ("nanoseconds", "1772359451250000999"), ("rfc3339", "\"2026-03-01T11:04:11.250+01:00\""), ("", "1772359451250"),
        ]
        for (format, value) in forms {
            let rules = try #require(loaded("rule r { match a: a alert low } stream s { time at \(format) }"))
            let sink = MemorySink()
            let source = ScriptedSource("s", [.text("{\"type\":\"a\",\"at\":\(value)}\n"), .end])
            let pipeline = Pipeline(
                program: rules.program, inputs: [Input(source: source, stream: rules.stream(named: "s")!)], alerts: [sink],
                options: PipelineOptions(seed: 1))
            _ = try pipeline.run(stop: StopFlag())
            #expect(sink.text.contains("2026-03-01T10:04:11.250Z"), "\(format): \(sink.text)")
        }
    }
}
