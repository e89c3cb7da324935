import StateStores
@testable import Streaming
import Testing

/// Keys that are longer than the key of a row may be: their rows have a digest in their place.
@Suite struct LongKeyTests {
    @Test(arguments: [1, 4_000, 4_091, 4_092, 5_000, 70_000, 900_000]) func goOnAfterARestart(count: Int) throws {
        let loaded = try Loaded(
            checked("rule r { by card match a: charge then b: refund within 1d alert low \"{b.n}\" cooldown 1h by a.card }"))
        let long = String(repeating: "k", count: count)
        var lines: [UInt8] = []
        var ends: [Int] = []
        for (index, type) in ["charge", "charge", "refund", "charge", "refund"].enumerated() {
            for card in ["1", "2"] {
                lines += "{\"type\": \"\(type)\", \"ts\": \(index * 1000), \"card\": \"\(long)\(card)\", \"n\": \(index)}\n".utf8
                ends.append(lines.count)
            }
        }
        func run(_ ends: [Int], memory: Int?) throws -> [UInt8] {
            let store = MemoryStore()
            let sink = CuttableSink()
            for end in ends {
                let pipeline = Pipeline(
                    program: loaded.program,
                    inputs: [Input(source: ResumableMemorySource("input", lines, end: end), format: loaded.format)], alerts: [sink],
                    checkpoints: CheckpointOptions(store: store, fingerprints: loaded.fingerprints, commitsAside: false, memoryBytesMax: memory),
                    options: PipelineOptions(drains: false, seed: 3))
                _ = try pipeline.run(stop: StopFlag())
            }
            return sink.bytes
        }
        let whole = try run([lines.count], memory: nil)
        #expect(whole.count { $0 == UInt8(ascii: "\n") } == 2)
        #expect(try run(ends, memory: nil) == whole)
        #expect(try run(ends, memory: 1) == whole)
    }
}
