import ReferenceMatcher
import RuleCompiler
import StateStores
@testable import Streaming
import Testing

/// A bound on the memory of keyed state: what comes out does not depend on it, and it holds.
@Suite struct BudgetTests {
    private static let rules = """
        stream { delay 100ms }
        rule sequence { by card match a: charge where amount > 60 then any b: charge where amount > a.amount then c: refund within 20s alert medium cooldown 3s }
        rule burst { by card match c: charge{6} within 2s after match skip to next alert low }
        rule silence { by shop match o: order then not paid within 2s alert medium }
        rule slow { by shop match o: order then p: paid within 1s on timeout alert low }
        """

    private static func lines(_ count: Int, cards: Int, seed: UInt64) -> [UInt8] {
        var random = RandomSource(seed: seed)
        var bytes: [UInt8] = []
        var time = 1_000_000
        for id in 1...count {
            time += random.below(6)
            let type = random.pick(["charge", "charge", "charge", "refund", "order", "paid"])
            bytes += ("{\"id\": \(id), \"type\": \"\(type)\", \"ts\": \(time - random.below(90)), \"amount\": \(random.below(101)), "
                + "\"card\": \"c\(random.below(cards))\", \"shop\": \(random.below(cards))}\n").utf8
        }
        return bytes
    }

    private static func run(
        _ loaded: Loaded, _ lines: [UInt8], store: MemoryStore?, budget: Int?, workers: Int, blockBytes: Int = 4 << 10, stopsAfter: Int? = nil,
        sink: MemorySink = MemorySink(), rowsReadAhead: Int = 2048
    ) throws -> (alerts: [UInt8], summary: RunSummary, peak: Int) {
        var options = PipelineOptions(blockBytes: blockBytes, workers: workers, seed: 11)
        options.parallelBytes = 1
        options.rowsReadAhead = rowsReadAhead
        let pipeline = Pipeline(
            program: loaded.program,
            inputs: [Input(source: MemorySource("input 0", lines), format: loaded.format, delayMicroseconds: loaded.stream.delayMicroseconds)],
            alerts: [sink], clock: SteadyClock(),
            checkpoints: store.map { CheckpointOptions(store: $0, everyMicroseconds: 50_000, fingerprints: loaded.fingerprints, memoryBytesMax: budget) },
            options: options)
        var peak = 0
        let stop = StopFlag()
        let summary = try pipeline.run(stop: stop) { summary in
            peak = max(peak, pipeline.memoryBytes)
            if let stopsAfter, summary.events >= stopsAfter { stop.set() }
        }
        return (sink.bytes, summary, peak)
    }

    @Test(arguments: [1, 2, 3, 8]) func alertsDoNotDependOnTheBudget(_ workers: Int) throws {
        let loaded = try Loaded(checked(BudgetTests.rules))
        let lines = BudgetTests.lines(20_000, cards: 900, seed: 3)
        let expected = try BudgetTests.run(loaded, lines, store: nil, budget: nil, workers: 1)
        #expect(expected.summary.alerts > 1_000)
        for budget in [1, 64 << 10, 256 << 10] {
            let found = try BudgetTests.run(loaded, lines, store: MemoryStore(), budget: budget, workers: workers)
            #expect(found.alerts == expected.alerts)
            #expect(found.summary.evictions > 100 && found.summary.coldReads > 100)
            #expect(found.summary.rules == expected.summary.rules)
        }
    }

    /// Stopped and gone on with again and again, with another budget and another number of workers each time.
    @Test func restartsChangeNothing() throws {
        let loaded = try Loaded(checked(BudgetTests.rules))
        let lines = BudgetTests.lines(20_000, cards: 600, seed: 4)
        let expected = try BudgetTests.run(loaded, lines, store: nil, budget: nil, workers: 1)
        let store = MemoryStore(), sink = CuttableSink()
        var random = RandomSource(seed: 5)
        var restarts = 0
        while true {
            var options = PipelineOptions(blockBytes: 2 << 10, workers: random.pick([1, 2, 3]), seed: 11)
            options.parallelBytes = random.pick([1, 32 << 10])
            options.rowsReadAhead = random.pick([0, 1, 10, 2048])
            let budget = random.pick([nil, 1, 64 << 10])
            let pipeline = Pipeline(
                program: loaded.program,
                inputs: [Input(
                    source: ResumableMemorySource("input 0", lines), format: loaded.format,
                    delayMicroseconds: loaded.stream.delayMicroseconds)],
                alerts: [sink], clock: SteadyClock(),
                checkpoints: CheckpointOptions(store: store, everyMicroseconds: 50_000, fingerprints: loaded.fingerprints, memoryBytesMax: budget), options: options)
            let stop = StopFlag()
            let last = 500 + random.below(2_000)
            let summary = try pipeline.run(stop: stop) { if Int($0.events) > last { stop.set() } }
            guard summary.isStopped else { break }
            restarts += 1
        }
        #expect(restarts > 5)
        #expect(sink.bytes == expected.alerts)
    }

    /// Read alone or ahead, a state that is not what was written ends the run.
    @Test(arguments: [0, 2048]) func damageEndsTheRun(_ rowsReadAhead: Int) throws {
        let loaded = try Loaded(checked(BudgetTests.rules))
        let prints = try fingerprints(of: loaded.checked)
        let lines = BudgetTests.lines(4_000, cards: 200, seed: 6)
        let store = MemoryStore(), sink = CuttableSink()
        func run(_ store: any StateStore, stopsAfter: UInt64) throws {
            var options = PipelineOptions(blockBytes: 2 << 10, workers: 2, seed: 11)
            options.rowsReadAhead = rowsReadAhead
            let source = ResumableMemorySource("input 0", lines)
            let pipeline = Pipeline(
                program: loaded.program,
                inputs: [Input(source: source, format: loaded.format, delayMicroseconds: loaded.stream.delayMicroseconds)], alerts: [sink],
                checkpoints: CheckpointOptions(store: store, everyMicroseconds: 1, fingerprints: prints), options: options)
            let stop = StopFlag()
            _ = try pipeline.run(stop: stop) { if $0.events > stopsAfter { stop.set() } }
        }
        try run(store, stopsAfter: 2_000)
        do {
            try run(DamagedStore(store), stopsAfter: .max)
            Issue.record("The damage was not seen.")
        } catch RunError.state(.damaged(let text)) {
            #expect(text.contains("the state of a key"))
        }
    }

    /// Nearly all of it dirty all the time: the run waits for checkpoints.
    @Test func theBoundHolds() throws {
        let loaded = try Loaded(checked("rule r { by card match a: charge then b: refund within 1d alert low }"))
        var lines: [UInt8] = []
        for id in 1...60_000 { lines += "{\"id\": \(id), \"type\": \"charge\", \"ts\": \(1_000_000 + id), \"card\": \(id * 7919 % 60_000)}\n".utf8 }
        let budget = 4 << 20
        let found = try BudgetTests.run(loaded, lines, store: MemoryStore(), budget: budget, workers: 2)
        #expect(found.summary.keys >= 60_000 && found.summary.keys < 61_000 && found.summary.residentKeys < 20_000)
        #expect(found.peak > budget * 3 / 4 && found.peak <= budget * 5 / 4, "\(found.peak) bytes at most, of \(budget)")
    }
}

/// Gives every state with one bit of it changed.
private final class DamagedStore: StateStore {
    private let store: MemoryStore

    init(_ store: MemoryStore) { self.store = store }

    var committed: CommittedCheckpoint? { store.committed }
    func begin(parts: Int) throws(StoreError) -> any CheckpointWriter { try store.begin(parts: parts) }

    func value(of key: UnsafeRawBufferPointer) throws(StoreError) -> [UInt8]? {
        guard var value = try store.value(of: key) else { return nil }
        if key.first == StateRowKind.expiring { value[value.count - 1] ^= 4 }
        return value
    }

    func scan(
        from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer?,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try store.scan(from: first, to: end) { key, value throws(StoreError) in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: value.count, alignment: 8)
            defer { copy.deallocate() }
            copy.copyMemory(from: value)
            if key.first == StateRowKind.expiring { copy[copy.count - 1] ^= 4 }
            return try body(key, UnsafeRawBufferPointer(copy))
        }
    }
}
