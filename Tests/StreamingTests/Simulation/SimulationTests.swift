import ReferenceMatcher
import Seeds
@testable import Streaming
import Testing

/// A process that dies again and again, at any operation, and goes on from its last checkpoint: in the end its files hold the same bytes
/// as those of a run with one worker that nothing has disturbed.
@Suite struct SimulationTests {
    /// What a seed runs.
    struct Schedule {
        var rules: String
        var stream: Stream
        var loaded: Loaded
        var checkpointEveryMicroseconds: Int64
    }

    struct Outcome: Equatable {
        var alerts: [UInt8]
        var late: [UInt8]
        var rejects: [UInt8]
    }

    static func process(_ world: SimulatedWorld, _ schedule: Schedule, _ files: [SimulatedFile]) throws(RunError) -> RunSummary {
        var random = RandomSource(seed: world.random.next())
        let loaded = schedule.loaded
        let inputs = schedule.stream.inputs.enumerated().map { index, bytes in
            Input(
                source: SimulatedSource("input \(index)", bytes, world), format: loaded.format,
                delayMicroseconds: loaded.stream.delayMicroseconds, aheadMicroseconds: loaded.stream.aheadMicroseconds)
        }
        var options = PipelineOptions(
            blockBytes: random.pick([1, 50, 500, 5_000]), workers: random.pick([1, 2, 3, 8]), seed: random.next())
        options.parallelBytes = random.pick([1, 300])
        options.rowsReadAhead = random.pick([0, 1, 4, 2048])
        let memoryBytesMax = random.pick([nil, nil, 1, 16 << 10, 64 << 10])
        let pipeline = Pipeline(
            program: loaded.program, inputs: inputs, alerts: [files[0]], late: files[1], rejects: files[2], clock: SimulatedClock(world),
            checkpoints: CheckpointOptions(
                store: SimulatedStore(world), everyMicroseconds: schedule.checkpointEveryMicroseconds,
                fingerprints: loaded.fingerprints, commitsAside: false, memoryBytesMax: memoryBytesMax),
            scheduler: { SimulatedScheduler(world, count: $0, body: $1) }, options: options)
        defer {
            world.evictions += pipeline.summary.evictions
            world.coldReads += pipeline.summary.coldReads
        }
        return try pipeline.run(stop: StopFlag())
    }

    /// Runs a schedule with deaths until it comes to its end.
    static func disturbed(_ seed: UInt64, _ schedule: Schedule, operations: Int) throws -> (outcome: Outcome, deaths: Int, world: SimulatedWorld) {
        let world = SimulatedWorld(seed: seed)
        let files = (0..<3).map { _ in SimulatedFile(world) }
        var deaths = 0
        var most = operations
        while true {
            // Deaths become rarer, so that every schedule comes to an end.
            world.restart(dyingAfter: world.random.chance(90) ? world.random.below(most) : nil)
            most += operations / 4 + 1
            do throws(RunError) {
                _ = try process(world, schedule, files)
                return (Outcome(alerts: files[0].bytes, late: files[1].bytes, rejects: files[2].bytes), deaths, world)
            } catch {
                guard world.isDead else { throw error }
                deaths += 1
            }
        }
    }

    /// Nil where the state grows so large that to save it again and again takes all the time.
    static func undisturbed(_ schedule: Schedule) throws -> Outcome? {
        let sinks = (0..<3).map { _ in MemorySink() }
        let inputs = schedule.stream.inputs.enumerated().map { index, bytes in
            Input(
                source: MemorySource("input \(index)", bytes), format: schedule.loaded.format,
                delayMicroseconds: schedule.loaded.stream.delayMicroseconds, aheadMicroseconds: schedule.loaded.stream.aheadMicroseconds)
        }
        let pipeline = Pipeline(
            program: schedule.loaded.program, inputs: inputs, alerts: [sinks[0]], late: sinks[1], rejects: sinks[2],
            options: PipelineOptions(blockBytes: 500, seed: 0))
        var stateBytes = 0
        let stop = StopFlag()
        _ = try pipeline.run(stop: stop) {
            stateBytes = max(stateBytes, $0.stateBytes)
            // To let time run out for so much would take longer than all else.
            if stateBytes > 1 << 20 { stop.set() }
        }
        return stateBytes > 1 << 20 ? nil : Outcome(alerts: sinks[0].bytes, late: sinks[1].bytes, rejects: sinks[2].bytes)
    }

    static func schedule(_ seed: UInt64) -> Schedule? {
        var random = RandomSource(seed: seed)
        let drawn = RandomCase.drawnProgram(
            seed: random.next(), features: random.pick([.core, .full]), size: 2 + random.below(5), rules: 1 + random.below(3)
        ) { try? checked($0) }
        guard let drawn, let loaded = try? Loaded(drawn.program) else { return nil }
        var events = drawn.events
        // Lines that are no events are rejected, once.
        for _ in 0..<random.below(4) where !events.isEmpty {
            events.insert(RandomEvent(input: random.pick(events).input, time: 0, text: "{\"broken\": "), at: random.below(events.count))
        }
        return Schedule(
            rules: drawn.text, stream: Stream(events), loaded: loaded,
            checkpointEveryMicroseconds: Int64(random.pick([1, 5_000, 30_000])))
    }

    @Test func whateverDiesNothingIsLostOrSaidTwice() throws {
        var seeds = Volume.seeds(of: 70)
        var deaths = 0, commits = 0, alerts = 0, runs = 0
        var evictions: UInt64 = 0, coldReads: UInt64 = 0
        while runs < Volume.pick(test: 2_000, soak: 10_000) {
            let seed = seeds.next()
            guard let schedule = SimulationTests.schedule(seed), let expected = try SimulationTests.undisturbed(schedule) else { continue }
            let counted = SimulatedWorld(seed: seed)
            let files = (0..<3).map { _ in SimulatedFile(counted) }
            _ = try SimulationTests.process(counted, schedule, files)
            let (outcome, died, world) = try SimulationTests.disturbed(seed, schedule, operations: counted.operations)
            deaths += died
            commits += world.commits
            evictions += world.evictions
            coldReads += world.coldReads
            alerts += expected.alerts.count { $0 == UInt8(ascii: "\n") }
            runs += 1
            let isSame = outcome.alerts == expected.alerts
                && SimulationTests.sorted(outcome.late) == SimulationTests.sorted(expected.late)
                && SimulationTests.sorted(outcome.rejects) == SimulationTests.sorted(expected.rejects)
            if !isSame {
                let text = { (bytes: [UInt8]) in String(decoding: bytes, as: UTF8.self) }
                Issue.record(
                    """
                    seed \(seed), \(died) deaths
                    \(schedule.rules)\(schedule.stream.inputs.map(text).joined(separator: "--\n"))
                    expected:
                    \(text(expected.alerts))\(text(expected.late))\(text(expected.rejects))
                    found:
                    \(text(outcome.alerts))\(text(outcome.late))\(text(outcome.rejects))
                    """)
                return
            }
        }
        print("\(runs) schedules with \(deaths) deaths, \(commits) checkpoints, \(alerts) alerts, \(evictions) keys put out of memory, \(coldReads) read: all as if undisturbed")
        #expect(
            deaths > runs && commits > runs && alerts > runs / 4 && evictions > runs / 2 && coldReads > runs,
            "Schedules in which nothing happens try nothing.")
    }

    /// Which of several inputs was read first decides the order of these lines, and nothing else.
    private static func sorted(_ lines: [UInt8]) -> [[UInt8]] {
        lines.split(separator: UInt8(ascii: "\n")).map(Array.init).sorted { $0.lexicographicallyPrecedes($1) }
    }
}
