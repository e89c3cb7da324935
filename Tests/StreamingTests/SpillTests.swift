import Decoding
@testable import Engine
import Events
import ReferenceMatcher
import Seeds
@testable import Streaming
import Testing

/// Where rows that wait stand, in memory or outside, changes nothing of what comes out.
@Suite struct SpillTests {
    // MARK: - The buffer alone

    private static func limits(_ random: inout RandomSource) -> SpillLimits {
        SpillLimits(
            chunkRows: random.pick([1, 2, 7, 64, 512]), chunkBytes: random.pick([1, 100, 5_000, 128 * 1024]), runsMax: 2 + random.below(5),
            sliceRows: random.pick([1, 10, 1_000, 16 * 1024]), sliceBytes: random.pick([1, 200_000, 4 << 20]))
    }

    private static func name(_ line: UInt64) -> String { "näme \(line)" + String(repeating: "x", count: Int(line % 300)) }

    @Test func anyOrderComesBackSorted() throws {
        var random = Volume.seeds(of: 51)
        var spills = 0
        for _ in 0..<Volume.pick(test: 150, soak: 3_000) {
            let limits = SpillTests.limits(&random)
            let space = MemorySpill()
            var reorder = ReorderBuffer(columnCount: 1, space: space, limits: limits)
            var held: [RowMoment] = []
            var lines: [UInt64] = [1, 1, 1]
            var low: Int64 = 0
            func release(_ bound: ReleaseBound) throws {
                var due = held.filter { bound.lets($0.time, arrival: $0.arrival) }.sorted()[...]
                var released: [RoutedRow] = []
                var hasMore = true
                while hasMore {
                    released.removeAll()
                    hasMore = try reorder.releaseSlice(upTo: bound, into: &released)
                    for row in released {
                        #expect(due.popFirst() == RowMoment(time: row.time, arrival: row.arrival))
                        let line = row.arrival & 0xFFFF_FFFF
                        #expect((0..<Int(row.maskCount)).allSatisfy { reorder.masks(row)[$0].bits == row.arrival + UInt64($0) })
                        #expect(row.keyLength == line % 4 && (0..<Int(row.keyLength)).allSatisfy { reorder.key(row)[$0] == UInt8($0 + 1) })
                        let view = reorder.view(row.holder)
                        #expect(ReorderBufferTests.text(view, Int(row.row)) == SpillTests.name(line))
                        let raw = EventRow(view: view, row: Int(row.row), time: row.time, arrival: row.arrival, type: 0)
                        let text = String(decoding: UnsafeBufferPointer(start: raw.rawBytes, count: raw.rawLength), as: UTF8.self)
                        #expect(text == "{\"ts\":\(row.time / 1000),\"name\":\"\(SpillTests.name(line))\"}")
                        reorder.finish(row)
                    }
                }
                #expect(due.isEmpty)
                held.removeAll { bound.lets($0.time, arrival: $0.arrival) }
                #expect(reorder.heldRows == held.count)
                #expect(reorder.firstTime == held.map(\.time).min())
            }
            for _ in 0..<(1 + random.below(12)) {
                let input = random.below(3)
                let times = (0..<(1 + random.below(400))).map { _ in low + Int64(random.below(500)) }
                let first = lines[input]
                lines[input] += UInt64(times.count)
                let batch = ReorderBufferTests.batch(times, firstLine: first) { SpillTests.name(first + UInt64($0)) }
                var masks: [RuleMask] = []
                var rows = times.indices.map { place in
                    let arrival = UInt64(input) << 48 | (first + UInt64(place))
                    let count = Int(arrival % 3)
                    defer { masks += (0..<count).map { RuleMask(rule: 0, bits: arrival + UInt64($0)) } }
                    return RoutedRow(
                        time: times[place] * 1000, arrival: arrival, hash: 0, key: 0, keyLength: UInt32((first + UInt64(place)) % 4),
                        row: UInt32(place), firstMask: UInt32(masks.count), group: 0, maskCount: UInt16(count), type: 0)
                }
                masks.append(RuleMask(rule: 0, bits: 0))
                rows.sort { $0 < $1 }
                held += rows.map { RowMoment(time: $0.time, arrival: $0.arrival) }
                ReorderBufferTests.hold(rows, of: batch, masks: masks, in: &reorder)
                if random.chance(60) {
                    try reorder.spill()
                    spills += 1
                    #expect(reorder.spillableBytes == 0 && reorder.heldRows == held.count)
                    #expect(space.liveRuns <= limits.runsMax)
                    #expect(reorder.heldBytes(ofInput: input) > 0)
                }
                if random.chance(50) {
                    low += Int64(random.below(300))
                    try release(ReleaseBound(watermarks: (0..<3).map { _ in (low + Int64(random.below(2))) * 1000 }))
                }
            }
            try release(ReleaseBound(watermarks: [.max]))
            #expect(reorder.heldRows == 0 && !reorder.isSpilled)
            #expect(space.liveRuns == 0 && space.liveBytes == 0)
            #expect(reorder.spilledByInput.allSatisfy { $0 == 0 })
            #expect(reorder.loadedBytes == 0)
        }
        #expect(spills > 100)
    }

    /// Rows that leave in slices need the memory of a slice, and not of all that waited.
    @Test func aLongDrainNeedsLittleMemory() throws {
        let limits = SpillLimits(chunkRows: 64, chunkBytes: 8 * 1024, runsMax: 4, sliceRows: 1_000, sliceBytes: 100_000)
        let space = MemorySpill()
        var reorder = ReorderBuffer(columnCount: 1, space: space, limits: limits)
        for round in 0..<40 {
            let times = (0..<500).map { Int64(($0 * 7919 + round) % 20_000) }
            let batch = ReorderBufferTests.batch(times, firstLine: UInt64(round * 500 + 1)) { "\($0)" }
            var rows = times.indices.map { place in
                RoutedRow(
                    time: times[place] * 1000, arrival: UInt64(round * 500 + place), hash: 0, key: 0, keyLength: 3, row: UInt32(place),
                    firstMask: 0, group: 0, maskCount: 0, type: 0)
            }
            rows.sort { $0 < $1 }
            ReorderBufferTests.hold(rows, of: batch, masks: [RuleMask(rule: 0, bits: 0)], in: &reorder)
            try reorder.spill()
            #expect(reorder.heldBytes == 0)
        }
        #expect(reorder.spilledRows == 20_000 && reorder.spilledBytes > UInt64(space.liveBytes) && space.mostRuns <= 5)
        var released: [RoutedRow] = []
        var count = 0
        var hasMore = true
        while hasMore {
            released.removeAll()
            hasMore = try reorder.releaseSlice(upTo: ReleaseBound(watermarks: [.max]), into: &released)
            count += released.count
            #expect(reorder.heldBytes < 250_000)
            for row in released { reorder.finish(row) }
        }
        #expect(count == 20_000 && reorder.heldBytes == 0)
    }

    // MARK: - A whole run

    private static let rules = """
        rule pair { by k match a: A then b: B within 40ms alert low "{k}" { a: a.id, b: b.id, t: a.t } }
        rule absent { by u match a: A then not B within 15ms alert medium "{u}" { a: a.id } }
        rule loop { match x: A{2,3} next y: C alert high { first: first(x.id), y: y.id } cooldown 20ms }
        stream { delay 60ms }
        """

    private static func stream(_ random: inout RandomSource, inputs: Int, events: Int) -> Stream {
        var events = (0..<events).map { index in
            let time = index / 2 + random.below(50)
            let text = #"{"type":"\#(random.pick(["A", "B", "C"]))","ts":\#(time),"k":"k\#(random.below(20))","u":\#(random.below(9)),"#
                + #""id":\#(index),"t":"\"é\#(String(repeating: "y", count: random.below(60)))"}"#
            return RandomEvent(input: random.below(inputs), time: 0, text: text)
        }
        // Every input is there.
        for input in 0..<inputs { events.append(RandomEvent(input: input, time: 0, text: #"{"type":"A","ts":\#(events.count / 2)}"#)) }
        return Stream(events)
    }

    private static func run(
        _ loaded: Loaded, _ stream: Stream, _ feed: Feed, reorderBytesMax: Int = 1 << 30, aheadBytesMax: Int = 64 << 20,
        spill: MemorySpill? = nil, limits: SpillLimits = SpillLimits(), sink: MemorySink = MemorySink(), delay: Int64? = nil
    ) throws(RunError) -> (bytes: [UInt8], summary: RunSummary) {
        let inputs = stream.inputs.enumerated().map { index, bytes in
            Input(
                source: MemorySource("input \(index)", bytes, pieces: feed.pieces), format: loaded.format,
                delayMicroseconds: delay ?? loaded.stream.delayMicroseconds)
        }
        var options = PipelineOptions(
            reorderBytesMax: reorderBytesMax, aheadBytesMax: aheadBytesMax, blockBytes: feed.blockBytes, workers: feed.workers, seed: feed.seed)
        options.spillLimits = limits
        options.parallelBytes = feed.seed % 2 == 0 ? 1 : 32 * 1024
        let pipeline = Pipeline(program: loaded.program, inputs: inputs, alerts: [sink], spill: spill, options: options)
        let summary = try pipeline.run(stop: StopFlag())
        return (sink.bytes, summary)
    }

    @Test(arguments: [1, 2, 3, 8]) func boundsChangeNothing(workers: Int) throws {
        var random = Volume.seeds(of: 520 + UInt64(workers))
        let loaded = try Loaded(checked(SpillTests.rules))
        var spilled: UInt64 = 0
        for _ in 0..<Volume.pick(test: 15, soak: 300) {
            let stream = SpillTests.stream(&random, inputs: 1 + random.below(3), events: 100 + random.below(1_500))
            let delay: Int64? = random.chance(33) ? 10_000_000 : nil
            let (expected, plain) = try SpillTests.run(loaded, stream, Feed(), delay: delay)
            #expect(!expected.isEmpty && plain.spilledEvents == 0)
            var feed = Feed(from: &random)
            feed.pieces = [256 * 1024]
            feed.blockBytes = random.pick([200, 4096, 64 * 1024])
            feed.workers = workers
            let space = MemorySpill()
            let (bytes, summary) = try SpillTests.run(
                loaded, stream, feed, reorderBytesMax: random.pick([1, 1 << 19, 1 << 20]), aheadBytesMax: random.pick([1, 1 << 20]), spill: space,
                limits: SpillTests.limits(&random), delay: delay)
            #expect(bytes == expected)
            #expect(summary.alerts == plain.alerts && summary.events == plain.events && summary.late == plain.late && summary.heldEvents == 0)
            #expect(space.liveRuns == 0 && space.liveBytes == 0)
            spilled += summary.spilledEvents
        }
        #expect(spilled > 0)
    }

    /// Large enough for several runs, merges and slices as they are outside of tests.
    @Test(arguments: [1, 2]) func aLargeRunUnderASmallBound(workers: Int) throws {
        var random = Volume.seeds(of: 53)
        let loaded = try Loaded(checked(SpillTests.rules))
        let stream = SpillTests.stream(&random, inputs: 2, events: 60_000)
        let (expected, _) = try SpillTests.run(loaded, stream, Feed(), delay: 100_000_000)
        let space = MemorySpill()
        let (bytes, summary) = try SpillTests.run(
            loaded, stream, Feed(blockBytes: 16 * 1024, workers: workers), reorderBytesMax: 2 << 20, spill: space, delay: 100_000_000)
        #expect(bytes == expected)
        #expect(summary.spilledEvents > 60_000 && summary.spilledBytes > 1 << 20)
        #expect(space.liveRuns == 0)
    }

    // MARK: - A space that fails


    @Test(arguments: [1, 3]) func aSpaceThatFailsEndsTheRun(workers: Int) throws {
        var random = Volume.seeds(of: 54)
        let loaded = try Loaded(checked(SpillTests.rules))
        let stream = SpillTests.stream(&random, inputs: 2, events: 1_500)
        let limits = SpillLimits(chunkRows: 50, chunkBytes: 10_000, runsMax: 4, sliceRows: 100, sliceBytes: 1 << 20)
        // Blocks so small that all goes on one thread: each run does the same, up to where it fails.
        let feed = Feed(blockBytes: 2_000, workers: workers, seed: 1)
        let whole = MemorySpill()
        let (expected, _) = try SpillTests.run(loaded, stream, feed, reorderBytesMax: 1, spill: whole, limits: limits)
        let operations = whole.operations
        #expect(operations.runs > 10 && operations.writes > 20 && operations.reads > 20)

        func fails(_ space: MemorySpill, _ feed: Feed, _ isExpected: (SpillError) -> Bool) {
            let sink = MemorySink()
            do throws(RunError) {
                _ = try SpillTests.run(loaded, stream, feed, reorderBytesMax: 1, spill: space, limits: limits, sink: sink)
                Issue.record("the run did not end")
            } catch {
                guard case .spill(let failure) = error, isExpected(failure) else {
                    Issue.record("the run ended with \(error)")
                    return
                }
            }
            #expect(expected.starts(with: sink.bytes))
            #expect(space.liveRuns == 0)
        }
        for _ in 0..<Volume.pick(test: 10, soak: 300) {
            let (runs, writes, reads) = (1 + random.below(operations.runs), 1 + random.below(operations.writes), 1 + random.below(operations.reads))
            fails(MemorySpill(fault: .refusesRun(runs)), feed) { $0 == .failed("no more runs") }
            fails(MemorySpill(fault: .fullAtWrite(writes)), feed) { $0 == .full("memory: the disk is full") }
            fails(MemorySpill(fault: .failsAtRead(reads)), feed) { $0 == .failed("memory: an input/output error") }
            fails(MemorySpill(fault: .damagesRead(reads, bit: Int(random.next() >> 32))), feed) {
                $0 == .damaged("events that were put on disk came back damaged")
            }
        }
        fails(MemorySpill(bytesMax: 5_000), feed) { $0 == .boundReached(bytes: 5_000) }
        // The same with all workers at once: the first of each always comes.
        let together = Feed(blockBytes: 2_000, workers: workers, seed: 2)
        fails(MemorySpill(fault: .refusesRun(1)), together) { $0 == .failed("no more runs") }
        fails(MemorySpill(fault: .fullAtWrite(1)), together) { $0 == .full("memory: the disk is full") }
        fails(MemorySpill(fault: .failsAtRead(1)), together) { $0 == .failed("memory: an input/output error") }
    }
}
