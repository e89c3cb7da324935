import ReferenceMatcher
import Seeds
import StateStores
@testable import Streaming
import Testing

/// Inputs that fall silent, a clock that decides how long, alerts that cannot be taken back, and processes that die: what has left once
/// leaves again at the same place, and all of it is what one run would give that silence had struck at the same lines.
@Suite struct IdleSimulationTests {
    /// Lines that have left, each process's in the places that its checkpoint says: a pipe to somebody who remembers.
    final class Remembering: Sink {
        private let world: SimulatedWorld
        private(set) var left: [[UInt8]] = []
        private var place = 0
        private(set) var repeated = 0
        /// A line that left in a place had another one in it before.
        private(set) var contradiction: String?

        init(_ world: SimulatedWorld) { self.world = world }

        func begin(at place: Int) { self.place = place }

        func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError) {
            let lines = bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) }
            let lives = world.operate()
            for line in lives ? lines : Array(lines.prefix(world.random.below(lines.count + 1))) {
                if place < left.count {
                    repeated += 1
                    if left[place] != line, contradiction == nil {
                        contradiction = "\(place): \(String(decoding: left[place], as: UTF8.self)) and \(String(decoding: line, as: UTF8.self))"
                    }
                } else {
                    left.append(line)
                }
                place += 1
            }
            if !lives { throw SimulatedFile.death }
        }

        func flush() throws(SinkError) {
            guard !world.isDead else { throw SimulatedFile.death }
        }
    }

    /// Keeps records as a disk does: what is not durable may be lost.
    final class Records: IdleRecords {
        private let world: SimulatedWorld
        private var steps: [IdleAdvance] = []
        private var first: UInt64 = 0

        init(_ world: SimulatedWorld) { self.world = world }

        func recorded() throws(StoreError) -> [IdleAdvance] {
            guard world.operate() else { throw SimulatedStore.death }
            return steps
        }

        var end: UInt64 { first + UInt64(steps.count) }

        func append(_ more: [IdleAdvance]) throws(StoreError) {
            let lives = world.operate()
            let kept = lives ? more : Array(more.prefix(world.random.below(more.count + 1)))
            steps += kept
            world.lastingSteps += kept
            if !lives { throw SimulatedStore.death }
        }

        func forget(before number: UInt64) throws(StoreError) {
            guard world.random.chance(50), number > first else { return }
            guard world.operate() else { throw SimulatedStore.death }
            steps.removeFirst(Int(number - first))
            first = number
        }

        func replace(with steps: [IdleAdvance]) throws(StoreError) {
            guard world.operate() else { throw SimulatedStore.death }
            first = end
            self.steps = steps
        }
    }

    /// Steps that are known beforehand.
    final class Given: IdleRecords {
        private let steps: [IdleAdvance]

        init(_ steps: [IdleAdvance]) { self.steps = steps }

        var end: UInt64 { 0 }
        func recorded() -> [IdleAdvance] { steps }
        func append(_ steps: [IdleAdvance]) {}
        func forget(before number: UInt64) {}
        func replace(with steps: [IdleAdvance]) {}
    }

    /// Sources fall silent at random, but for what was read before; while all of them are, time goes on.
    final class Silence: SourceSelector {
        private let world: SimulatedWorld
        private var until: [Int64]

        init(_ world: SimulatedWorld, sources: Int) {
            self.world = world
            until = [Int64](repeating: 0, count: sources)
        }

        func wait(for sources: [any Source], timeoutMicroseconds: Int64?) -> [Int] {
            // Whoever reads now learns of the death.
            guard world.operate() else { return Array(sources.indices) }
            let places = sources.map { source in Int(source.name.split(separator: " ")[1]) ?? 0 }
            for (index, place) in places.enumerated() where (sources[index] as? SimulatedSource)?.isBehind == true { until[place] = 0 }
            for (index, place) in places.enumerated()
            where (sources[index] as? SimulatedSource)?.isBehind != true && until[place] <= world.microseconds && world.random.chance(15) {
                until[place] = world.microseconds + Int64(world.random.below(60_000))
            }
            let ready = { [world, until] in places.indices.filter { until[places[$0]] <= world.microseconds } }
            if !ready().isEmpty || timeoutMicroseconds == 0 { return ready() }
            let next = places.map { until[$0] }.min() ?? 0
            world.microseconds = max(world.microseconds + 1, min(next, timeoutMicroseconds.map { world.microseconds + $0 } ?? next))
            return ready()
        }
    }

    struct Case {
        var schedule: SimulationTests.Schedule
        var idleMicroseconds: [Int64?]
    }

    static func inputs(_ case_: Case, _ source: (String, [UInt8]) -> any Source) -> [Input] {
        case_.schedule.stream.inputs.enumerated().map { index, bytes in
            Input(
                source: source("input \(index)", bytes), format: case_.schedule.loaded.format,
                delayMicroseconds: case_.schedule.loaded.stream.delayMicroseconds,
                aheadMicroseconds: case_.schedule.loaded.stream.aheadMicroseconds, idleMicroseconds: case_.idleMicroseconds[index])
        }
    }

    static func process(_ world: SimulatedWorld, _ case_: Case, _ sink: Remembering, _ records: Records) throws(RunError) {
        var random = RandomSource(seed: world.random.next())
        var options = PipelineOptions(blockBytes: random.pick([1, 50, 500, 5_000]), workers: random.pick([1, 2, 3]), seed: random.next())
        options.parallelBytes = random.pick([1, 300])
        do throws(StoreError) {
            sink.begin(at: Int(try world.store.committed.map { committed throws(StoreError) in try Streaming.Anchor(committed.anchor).alerts } ?? 0))
        } catch {
            throw .state(error)
        }
        let pipeline = Pipeline(
            program: case_.schedule.loaded.program, inputs: inputs(case_) { SimulatedSource($0, $1, world) }, alerts: [sink],
            selector: Silence(world, sources: case_.idleMicroseconds.count), clock: SimulatedClock(world),
            checkpoints: CheckpointOptions(
                store: SimulatedStore(world), everyMicroseconds: case_.schedule.checkpointEveryMicroseconds,
                fingerprints: case_.schedule.loaded.fingerprints, commitsAside: false, idleRecords: records),
            scheduler: { SimulatedScheduler(world, count: $0, body: $1) }, options: options)
        pipeline.onIdleAdvance = { world.steps.append($0) }
        _ = try pipeline.run(stop: StopFlag())
    }

    /// Runs with deaths to its end.
    static func disturbed(_ seed: UInt64, _ case_: Case, operations: Int) throws -> (world: SimulatedWorld, sink: Remembering, deaths: Int) {
        let world = SimulatedWorld(seed: seed)
        let sink = Remembering(world)
        let records = Records(world)
        var deaths = 0, most = operations
        while true {
            world.restart(dyingAfter: world.random.chance(90) ? world.random.below(most) : nil)
            most += operations / 4 + 1
            do throws(RunError) {
                try process(world, case_, sink, records)
                return (world, sink, deaths)
            } catch {
                guard world.isDead else { throw error }
                deaths += 1
            }
        }
    }

    /// What one run gives in which silence strikes where it did.
    static func undisturbed(_ case_: Case, _ steps: [IdleAdvance]) throws -> [[UInt8]] {
        let sink = MemorySink()
        let pipeline = Pipeline(
            program: case_.schedule.loaded.program, inputs: inputs(case_) { MemorySource($0, $1) }, alerts: [sink],
            checkpoints: CheckpointOptions(
                store: MemoryStore(), everyMicroseconds: .max, fingerprints: case_.schedule.loaded.fingerprints, commitsAside: false,
                idleRecords: Given(steps)),
            options: PipelineOptions(blockBytes: 500, seed: 0))
        _ = try pipeline.run(stop: StopFlag())
        return sink.bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    @Test func whatLeftInSilenceLeavesAgainAndNothingElse() throws {
        var seeds = Volume.seeds(of: 71)
        var deaths = 0, steps = 0, alerts = 0, repeated = 0, changed = 0, runs = 0
        while runs < Volume.pick(test: 600, soak: 6_000) {
            let seed = seeds.next()
            var random = RandomSource(seed: seed)
            guard let schedule = SimulationTests.schedule(seed), try SimulationTests.undisturbed(schedule) != nil else { continue }
            let idle = schedule.stream.inputs.map { _ in random.pick([nil, 0, 500, 2_000, 20_000]).map { Int64($0) } }
            let case_ = Case(schedule: schedule, idleMicroseconds: idle)
            let counted = SimulatedWorld(seed: seed)
            try IdleSimulationTests.process(counted, case_, Remembering(counted), Records(counted))
            let (world, sink, died) = try IdleSimulationTests.disturbed(seed, case_, operations: counted.operations)
            let all = world.lastingSteps + world.steps
            let expected = try IdleSimulationTests.undisturbed(case_, all)
            runs += 1
            deaths += died
            steps += all.count
            alerts += expected.count
            repeated += sink.repeated
            if try IdleSimulationTests.undisturbed(case_, []) != expected { changed += 1 }
            guard sink.contradiction == nil, sink.left == expected else {
                let text = { (lines: [[UInt8]]) in lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") }
                Issue.record(
                    """
                    seed \(seed), \(died) deaths, idle \(idle), \(sink.contradiction ?? "")
                    \(schedule.rules)\(text(schedule.stream.inputs))
                    steps \(all.map { "\($0.input) \($0.line) \($0.watermark)" })
                    expected:
                    \(text(expected))
                    left:
                    \(text(sink.left))
                    """)
                return
            }
        }
        print("\(runs) schedules with \(deaths) deaths, \(steps) steps of silence, \(alerts) alerts, \(repeated) of them again, \(changed) changed by silence")
        #expect(deaths > runs && steps > runs && alerts > runs / 4 && repeated > runs / 4 && changed > runs / 50, "Nothing happened.")
    }
}
