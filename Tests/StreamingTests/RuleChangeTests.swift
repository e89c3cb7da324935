import Engine
import ReferenceMatcher
import RuleCompiler
import RuleLanguage
import Seeds
import StateStores
@testable import Streaming
import Testing

/// Rules that change from one run to the next, on the same state: those that stay the same find every match that they would have found
/// undisturbed, whatever comes and goes beside them.
@Suite struct RuleChangeTests {
    private struct Part {
        var rules: [String]
        /// Bytes of the input that are there.
        var end: Int
        var workers: Int
        var blockBytes: Int
    }

    /// Runs the parts one after another on one state; gives all alerts, and what each restart found. Nil where the state grows so large that to
    /// save it again and again takes all the time.
    private static func run(
        _ whole: CheckedProgram, _ parts: [Part], _ bytes: [UInt8], seed: UInt64
    ) throws -> (alerts: [UInt8], resumptions: [Resumption])? {
        let store = MemoryStore()
        let sink = CuttableSink()
        var resumptions: [Resumption] = []
        for (index, part) in parts.enumerated() {
            var program = whole
            program.rules = whole.rules.filter { part.rules.contains($0.name) }
            let loaded = try Loaded(program)
            let input = Input(
                source: ResumableMemorySource("input", bytes, end: part.end), format: loaded.format,
                delayMicroseconds: loaded.stream.delayMicroseconds, aheadMicroseconds: loaded.stream.aheadMicroseconds)
            let pipeline = Pipeline(
                program: loaded.program, inputs: [input], alerts: [sink], clock: SteadyClock(),
                checkpoints: CheckpointOptions(store: store, everyMicroseconds: 20_000, fingerprints: loaded.fingerprints, commitsAside: false),
                options: PipelineOptions(
                    drains: index == parts.count - 1, blockBytes: part.blockBytes, workers: part.workers, seed: seed &+ UInt64(index)))
            pipeline.onResume = { resumptions.append($0) }
            let stop = StopFlag()
            _ = try pipeline.run(stop: stop) { if $0.stateBytes > 1 << 20 { stop.set() } }
            if stop.isSet { return nil }
        }
        return (sink.bytes, resumptions)
    }

    private static func alerts(of rule: String, in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let mark = Array("\"rule\":\"\(rule)\"".utf8)
        return bytes.split(separator: UInt8(ascii: "\n")).filter { $0.firstRange(of: mark) != nil }
    }

    /// What a random run came to.
    private struct Outcome {
        var alerts = 0
        /// Times that a rule was kept.
        var kept = 0
    }

    /// A random program and stream, cut into three parts with other rules beside one that stays. Nil where the seed draws none, or where the
    /// rule that stays did not go on as if nothing had changed, which is recorded.
    private static func outcome(_ seed: UInt64) throws -> Outcome? {
        var random = RandomSource(seed: seed)
        let drawn = RandomCase.drawnProgram(
            seed: random.next(), features: random.pick([.core, .full]), size: 2 + random.below(5), rules: 3
        ) { try? checked($0) }
        guard let drawn, drawn.program.rules.count > 1, (try? Loaded(drawn.program)) != nil else { return nil }
        var bytes: [UInt8] = []
        for event in drawn.events where event.input == 0 { bytes += Array(event.text.utf8) + [UInt8(ascii: "\n")] }
        let names = drawn.program.rules.map(\.name)
        let stays = random.pick(names)
        var ends = (0..<2).map { _ in random.below(bytes.count + 1) }.sorted()
        ends.append(bytes.count)
        // A line that is cut off at the end of a part would be read as a whole one.
        for place in ends.indices { while ends[place] > 0, bytes[ends[place] - 1] != UInt8(ascii: "\n") { ends[place] -= 1 } }
        let parts = ends.map { end in
            Part(
                rules: names.filter { $0 == stays || random.chance(50) }, end: end, workers: random.pick([1, 2, 3]),
                blockBytes: random.pick([1, 50, 500]))
        }
        let whole = Part(rules: names, end: bytes.count, workers: 1, blockBytes: 500)
        guard let all = try run(drawn.program, [whole], bytes, seed: seed) else { return nil }
        let expected = alerts(of: stays, in: all.alerts)
        do {
            guard let found = try run(drawn.program, parts, bytes, seed: seed) else { return nil }
            if alerts(of: stays, in: found.alerts) == expected {
                for resumption in found.resumptions { #expect(resumption.keptRules.contains(stays) && resumption.changedRules.isEmpty) }
                return Outcome(alerts: expected.count, kept: found.resumptions.reduce(0) { $0 + $1.keptRules.count })
            }
            Issue.record("seed \(seed): \(stays) of\n\(drawn.text)\nparts \(parts)")
        } catch {
            Issue.record("seed \(seed): \(error)\n\(drawn.text)\nparts \(parts)")
        }
        return nil
    }

    @Test func whatStaysTheSameGoesOn() throws {
        var seeds = Volume.seeds(of: 93)
        var runs = 0, total = Outcome()
        for _ in 0..<Volume.pick(test: 400, soak: 10_000) {
            guard let outcome = try RuleChangeTests.outcome(seeds.next()) else { continue }
            runs += 1
            total.alerts += outcome.alerts
            total.kept += outcome.kept
        }
        print("\(runs) runs, \(total.kept) times a rule was kept, \(total.alerts) alerts of rules that stayed: all as if nothing had changed")
        #expect(runs > 300 && total.alerts > 300)
    }

    /// A key that went and came back between two checkpoints left the deadline of its first life in the store.
    @Test(arguments: [15_962_268_102_896_795_391] as [UInt64])
    func seedsThatOnceFailed(seed: UInt64) throws {
        #expect(try RuleChangeTests.outcome(seed) != nil)
    }

    // MARK: - What counts as the same

    private static let base = """
        let big = 300
        rule watched { by card match a: charge where amount > 10 then b: charge where amount > big within 10m alert high "{a.shop} then {b.amount}" }
        """

    private static func fingerprint(_ text: String, of rule: String = "watched") throws -> Fingerprint {
        let loaded = try Loaded(checked(text))
        let place = try #require(loaded.program.rules.firstIndex { $0.name == rule })
        return loaded.fingerprints[place]
    }

    @Test(arguments: [
        ("words", "\"{a.shop} then {b.amount}\"", "\"first {b.amount}, then {a.shop}!\""),
        ("severity", "alert high", "alert low"),
        ("a value by another name", "let big = 300", "let small = 10\nlet big = 250 + 50"),
        ("another rule before it", "let big", "rule another { by shop match x: order where total > 5 then y: refund within 1h alert low \"{x.id}\" }\nlet big"),
        ("comments and layout", "rule watched {", "// what it is for\nrule watched {\n"),
    ])
    func keepsTheState(what: String, old: String, new: String) throws {
        let changed = RuleChangeTests.base.replacing(old, with: new)
        #expect(changed != RuleChangeTests.base)
        #expect(try RuleChangeTests.fingerprint(changed) == RuleChangeTests.fingerprint(RuleChangeTests.base), "\(what)")
    }

    @Test(arguments: [
        ("a condition", "amount > 10", "amount > 11"), ("a constant", "let big = 300", "let big = 301"), ("the time", "within 10m", "within 11m"),
        ("the key", "by card", "by shop"), ("the steps", "then b:", "then not refund then b:"),
        ("what is remembered", "{a.shop}", "{a.country}"), ("the stream", "let big", "stream { delay 5s }\nlet big"),
        ("the policy", "within 10m", "within 10m after match skip to next"), ("contiguity", "then b:", "next b:"),
        ("a declared type", "let big", "event charge { card string amount number shop string }\nlet big"),
    ])
    func beginsAfresh(what: String, old: String, new: String) throws {
        let changed = RuleChangeTests.base.replacing(old, with: new)
        #expect(changed != RuleChangeTests.base)
        #expect(try RuleChangeTests.fingerprint(changed) != RuleChangeTests.fingerprint(RuleChangeTests.base), "\(what)")
    }

    @Test func aChangeCanBeRefused() throws {
        let store = MemoryStore()
        func run(_ text: String, fails: Bool) throws(RunError) -> Resumption? {
            guard let loaded = try? Loaded(checked(text)) else { return nil }
            let line = Array("{\"type\": \"charge\", \"ts\": 1, \"card\": \"c\", \"amount\": 400, \"shop\": \"s\"}\n".utf8)
            let pipeline = Pipeline(
                program: loaded.program, inputs: [Input(source: ResumableMemorySource("input", line), format: loaded.format)],
                alerts: [CuttableSink()],
                checkpoints: CheckpointOptions(store: store, fingerprints: loaded.fingerprints, failsOnRuleChange: fails),
                options: PipelineOptions(drains: false, seed: 1))
            var resumption: Resumption?
            pipeline.onResume = { resumption = $0 }
            _ = try pipeline.run(stop: StopFlag())
            return resumption
        }
        #expect(try run(RuleChangeTests.base, fails: true) == nil)
        let changed = RuleChangeTests.base.replacing("amount > 10", with: "amount > 11")
        let committed = store.committed
        do throws(RunError) {
            _ = try run(changed, fails: true)
            Issue.record("the change was not refused")
        } catch {
            guard case .otherRun(let message) = error else { throw error }
            #expect(message == "rules are not those of the state (changed: watched)")
        }
        #expect(store.committed == committed, "A refused run leaves the state as it was.")
        #expect(try run(changed, fails: false)?.changedRules == ["watched"])
        #expect(try run("rule other { match a: x alert low \"x\" }", fails: false)?.removedRules == ["watched"])
    }
}
