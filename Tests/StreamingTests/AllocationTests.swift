import AllocationCounter
import Decoding
import Streaming
import Testing

/// Memory is asked for while buffers grow and not afterwards: a million events a second leave no time for an allocator.
@Suite struct AllocationTests {
    /// Gives the same block again and again, and notes what the thread has allocated each time.
    final class Repeating: Source {
        let name = "repeating"
        private let block: [UInt8]
        private(set) var allocations: [UInt64] = []
        private let timesMax: Int

        init(block: [UInt8], times: Int) {
            self.block = block
            timesMax = times
            allocations.reserveCapacity(times + 1)
        }

        func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
            allocations.append(allocation_counter_allocations())
            guard allocations.count <= timesMax, block.count <= room.count else { return 0 }
            block.withUnsafeBytes { room.copyMemory(from: $0) }
            return block.count
        }
    }

    static let eventsInBlock = 2_000

    static func allocations(_ rule: String, line: (Int) -> String) throws -> [UInt64] {
        let loaded = try Loaded(checked(rule))
        let block = Array((0..<eventsInBlock).map { line($0) + "\n" }.joined().utf8)
        let source = Repeating(block: block, times: 60)
        let pipeline = Pipeline(
            program: loaded.program, inputs: [Input(source: source, format: loaded.format)], alerts: [MemorySink()],
            options: PipelineOptions(blockBytes: block.count + 1, seed: 1))
        let summary = try pipeline.run(stop: StopFlag())
        #expect(summary.events == UInt64(eventsInBlock * 60))
        #expect(summary.alerts == 0)
        return zip(source.allocations.dropFirst(), source.allocations).map { $0 - $1 }
    }

    @Test func theCounterCounts() {
        let before = allocation_counter_allocations()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 8)
        let aligned = UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 64)
        #expect(allocation_counter_allocations() >= before + 2)
        memory.deallocate()
        aligned.deallocate()
    }

    @Test func eventsThatConcernNoRuleAllocateNothing() throws {
        let perBlock = try AllocationTests.allocations("rule t { by k match a: A where v > 5 then b: B where v > a.v within 1h }") { index in
            "{\"id\": \(index), \"type\": \"\(index % 2 == 0 ? "A" : "X")\", \"ts\": 5000, \"k\": \"key\(index)\", \"v\": \(index % 5)}"
        }
        print("allocations a block of \(AllocationTests.eventsInBlock) events, first to last: \(perBlock)")
        // A block may, an event may not.
        #expect(perBlock.suffix(30).allSatisfy { $0 <= AllocationTests.perBlockMax })
    }

    @Test func eventsThatMeetKeyedStateAllocateNothing() throws {
        let perBlock = try AllocationTests.allocations("rule t { by k match a: A then b: B where v > 5 within 1h }") { index in
            "{\"id\": \(index), \"type\": \"\(index < 100 ? "A" : "B")\", \"ts\": 5000, \"k\": \"key\(index % 100)\", \"v\": \(index % 5)}"
        }
        print("with keyed state: \(perBlock)")
        #expect(perBlock.suffix(10).allSatisfy { $0 <= AllocationTests.perBlockMax })
    }

    static let perBlockMax = 16
}
