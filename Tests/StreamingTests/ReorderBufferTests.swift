import Decoding
@testable import Engine
import Events
import ReferenceMatcher
import Seeds
@testable import Streaming
import Testing

/// Rows that wait for the watermark come back in order, whole, and each once.
@Suite struct ReorderBufferTests {
    /// A block of one column of text, decoded.
    static func batch(_ times: [Int64], firstLine: UInt64, text: (Int) -> String) -> EventBatch {
        let bytes = Array(times.indices.map { "{\"ts\":\(times[$0]),\"name\":\"\(text($0))\"}\n" }.joined().utf8)
        let batch = EventBatch(columnCount: 1)
        batch.reserveBytes(bytes.count)
        bytes.withUnsafeBufferPointer { batch.bytes.update(from: $0.baseAddress!, count: bytes.count) }
        batch.byteCount = bytes.count
        var rejects: [Reject] = []
        BlockDecoder(columns: [FieldPath(name: "name")], format: EventFormat())
            .decode(batch, firstLine: firstLine, isFirstBlock: firstLine == 1, rejects: &rejects)
        #expect(batch.count == times.count)
        return batch
    }

    static func hold(_ rows: [RoutedRow], of batch: EventBatch, masks: [RuleMask], in reorder: inout ReorderBuffer) {
        let key: [UInt8] = [1, 2, 3]
        masks.withUnsafeBufferPointer { masks in
            key.withUnsafeBufferPointer { key in
                reorder.hold(rows[...]) { _ in RowPlace(batch: batch, keys: key.baseAddress!, masks: masks.baseAddress!) }
            }
        }
    }

    @Test func anyOrderComesBackSorted() {
        var random = Volume.seeds(of: 50)
        for _ in 0..<Volume.pick(test: 100, soak: 2_000) {
            var reorder = ReorderBuffer(columnCount: 1)
            var released: [RoutedRow] = []
            var held: [(time: Int64, line: UInt64)] = []
            var line: UInt64 = 1
            var low: Int64 = 0
            func release(below time: Int64) {
                released.removeAll()
                reorder.release(upTo: ReleaseBound(watermarks: [time * 1000]), into: &released)
                let due = held.filter { $0.time <= time * 1000 }.sorted { ($0.time, $0.line) < ($1.time, $1.line) }
                #expect(released.map(\.time) == due.map(\.time))
                #expect(released.map(\.arrival) == due.map(\.line))
                for row in released {
                    let text = "name \(row.arrival)" + String(repeating: "x", count: Int(row.arrival % 300))
                    #expect(reorder.masks(row)[0].bits == row.arrival)
                    #expect(reorder.key(row)[2] == 3)
                    #expect(ReorderBufferTests.text(reorder.view(row.holder), Int(row.row)) == text)
                    reorder.finish(row)
                }
                held.removeAll { $0.time <= time * 1000 }
                #expect(reorder.heldRows == held.count)
            }
            for _ in 0..<(1 + random.below(8)) {
                let times = (0..<(1 + random.below(400))).map { _ in low + Int64(random.below(500)) }
                let first = line
                let batch = ReorderBufferTests.batch(times, firstLine: first) { place in
                    "name \(first + UInt64(place))" + String(repeating: "x", count: Int((first + UInt64(place)) % 300))
                }
                line += UInt64(times.count)
                let masks = times.indices.map { RuleMask(rule: 0, bits: first + UInt64($0)) }
                var rows = times.indices.map { place in
                    RoutedRow(
                        time: times[place] * 1000, arrival: first + UInt64(place), hash: 0, key: 0, keyLength: 3, row: UInt32(place),
                        firstMask: UInt32(place), group: 0, maskCount: 1, type: 0)
                }
                rows.sort { $0 < $1 }
                held += rows.map { ($0.time, $0.arrival) }
                ReorderBufferTests.hold(rows, of: batch, masks: masks, in: &reorder)
                if random.chance(60) {
                    low += Int64(random.below(400))
                    release(below: low)
                }
            }
            release(below: 1 << 40)
            #expect(reorder.heldRows == 0)
        }
    }

    static func text(_ view: BatchView, _ row: Int) -> String {
        let value = view.strings + Int(view.payloads[row] & 0xFFFF_FFFF)
        return String(decoding: UnsafeBufferPointer(start: value, count: Int(view.payloads[row] >> 32)), as: UTF8.self)
    }

    @Test func memoryIsUsedAgain() {
        var reorder = ReorderBuffer(columnCount: 1)
        var released: [RoutedRow] = []
        var most = 0
        for round in 0..<200 {
            let times = (0..<500).map { Int64(round * 500 + $0) }
            let batch = ReorderBufferTests.batch(times, firstLine: UInt64(round * 500 + 1)) { "\($0)" }
            let rows = times.indices.map { place in
                RoutedRow(
                    time: times[place] * 1000, arrival: UInt64(round * 500 + place), hash: 0, key: 0, keyLength: 3, row: UInt32(place),
                        firstMask: 0, group: 0, maskCount: 0, type: 0)
            }
            ReorderBufferTests.hold(rows, of: batch, masks: [RuleMask(rule: 0, bits: 0)], in: &reorder)
            released.removeAll()
            reorder.release(upTo: ReleaseBound(watermarks: [Int64(round * 500) * 1000]), into: &released)
            for row in released { reorder.finish(row) }
            if round == 20 { most = reorder.heldBytes }
            if round > 20 { #expect(reorder.heldBytes <= most * 2) }
        }
    }

    @Test func boundsOfSeveralInputs() {
        let bound = ReleaseBound(watermarks: [20, 10, 10, 30])
        #expect(bound == ReleaseBound(watermarks: [20, 10, 10, 30]))
        // The first of the slowest inputs may still come with more at that very time; those before it are beyond.
        #expect(bound.lets(9, arrival: 3 << 48))
        #expect(bound.lets(10, arrival: 0 << 48))
        #expect(bound.lets(10, arrival: 1 << 48))
        #expect(!bound.lets(10, arrival: 2 << 48))
        #expect(!bound.lets(11, arrival: 0))
    }

    /// Events that a long delay holds back need memory; the run ends before it needs more than it may, and says how much it was.
    @Test func aFullBufferEndsTheRun() throws {
        let loaded = try Loaded(checked("stream { delay 1d }\nrule t { match a: A }"))
        let lines = (1...20_000).map { "{\"id\": \($0), \"type\": \"A\", \"ts\": \(1000 + $0)}\n" }.joined()
        let limit = 1 << 20
        let pipeline = Pipeline(
            program: loaded.program,
            inputs: [Input(source: MemorySource("one", Array(lines.utf8)), format: loaded.format, delayMicroseconds: 86_400_000_000)],
            alerts: [MemorySink()], options: PipelineOptions(reorderBytesMax: limit, blockBytes: 4096, seed: 1))
        #expect {
            _ = try pipeline.run(stop: StopFlag())
        } throws: { error in
            guard let error = error as? RunError, case .reorderBufferFull(let bytes) = error else { return false }
            return bytes > limit && bytes < 2 * limit
        }
    }
}
