@testable import Engine
import ReferenceMatcher
import Seeds
import Testing

/// The filter of keys that are stored and not in memory: it never says "no" of one of them.
@Suite struct ColdFilterTests {
    private static let all = 0..<1 << ColdFilter.partitionBits

    @Test func whatIsInIsFound() {
        var random = Volume.seeds(of: 90)
        let filter = ColdFilter(ColdFilterTests.all, isKnown: true)
        var held: [Key] = []
        var awaited: [Int] = []
        var becameUnknown = 0, rebuilt = 0
        for _ in 0..<200_000 {
            if random.chance(40), !held.isEmpty {
                let place = random.below(held.count)
                held.swapAt(place, held.count - 1)
                let key = held.removeLast()
                filter.remove(key.hash, group: key.group)
            } else {
                // Few partitions, so that they fill up.
                let key = Key(hash: random.next() >> 7, group: random.below(3))
                held.append(key)
                let partition = filter.partition(of: key.hash)
                if filter.insert(key.hash, group: key.group) { awaited.append(partition) }
                guard !awaited.isEmpty, random.chance(2) else { continue }
                let next = awaited.remove(at: random.below(awaited.count))
                rebuilt += 1
                if !filter.isKnown(next) { becameUnknown += 1 }
                let marks = held.filter { filter.partition(of: $0.hash) == next }.map { ColdFilter.mark($0.hash, group: $0.group) }
                let isDone = filter.rebuild(next, marks: marks)
                #expect(isDone)
            }
        }
        #expect(held.allSatisfy { filter.mayHold($0.hash, group: $0.group) })
        #expect(becameUnknown > 10 && rebuilt > 2 * becameUnknown)
        for partition in awaited {
            let isDone = filter.rebuild(
                partition, marks: held.filter { filter.partition(of: $0.hash) == partition }.map { ColdFilter.mark($0.hash, group: $0.group) })
            #expect(isDone)
        }
        #expect(filter.count == held.count)
        for key in held { filter.remove(key.hash, group: key.group) }
        #expect(filter.count == 0)
        #expect(!held.contains { filter.mayHold($0.hash, group: $0.group) }, "Nothing is left of what was removed.")
    }

    private struct Key {
        var hash: UInt64
        var group: Int
    }

    @Test func fewOthersAreFound() {
        var random = Volume.seeds(of: 91)
        let filter = ColdFilter(ColdFilterTests.all, isKnown: true)
        let keys = (0..<1_000_000).map { _ in random.next() }
        let byPartition = Dictionary(grouping: keys) { filter.partition(of: $0) }
        for (partition, hashes) in byPartition {
            let isDone = filter.rebuild(partition, marks: hashes.map { ColdFilter.mark($0, group: 0) })
            #expect(isDone)
        }
        #expect(keys.allSatisfy { filter.mayHold($0, group: 0) })
        #expect(filter.bytes <= 4 * keys.count)
        let found = (0..<1_000_000).count { _ in filter.mayHold(random.next(), group: 0) }
        print("ColdFilter: \(Double(filter.bytes) / Double(keys.count)) bytes a key, \(found) of a million others may be in it")
        #expect(found < 300)
        // Of the same hash in another group too.
        #expect(keys.count { filter.mayHold($0, group: 1) } < 300)
    }

    @Test func anUnknownPartitionHoldsAnything() {
        let filter = ColdFilter(16..<32, isKnown: false)
        let hash: UInt64 = 17 << 52
        #expect(filter.mayHold(hash, group: 0))
        #expect(!filter.insert(hash, group: 0))
        #expect(filter.rebuild(1, marks: []))
        #expect(!filter.mayHold(hash, group: 0) && filter.mayHold(18 << 52, group: 0))
    }

    /// More of one hash than two buckets hold.
    @Test func whatDoesNotGoInStaysUnknown() {
        let filter = ColdFilter(ColdFilterTests.all, isKnown: true)
        #expect(!filter.rebuild(0, marks: [UInt64](repeating: 5, count: 9)))
        #expect(!filter.isKnown(0) && filter.mayHold(1, group: 0))
        #expect(filter.rebuild(0, marks: [UInt64](repeating: 5, count: 8)))
    }
}
