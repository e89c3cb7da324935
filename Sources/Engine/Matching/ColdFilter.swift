internal import Glibc

/// Which keys are stored and not in memory: says "no" for certain, and "maybe" otherwise.
///
/// The hashes of a shard are cut into partitions, of which each is a cuckoo filter (Fan, Andersen, Kaminsky and Mitzenmacher 2014): buckets of
/// four 16-bit fingerprints, and two buckets for each key, the second found from the first and the fingerprint alone. The two add up to a
/// number that the fingerprint gives, modulo the count of buckets, so that a filter can have any number of them. It is wrong about one
/// key in 8 000 that is not there.
///
/// A fingerprint cannot be moved to a larger filter, since the hash it comes from is gone. A partition that is full is therefore *unknown*:
/// it answers "maybe" to everything, until its rows have been read from the store again. That costs 0.5 µs a row, and a filter made so has
/// room for half as many keys again; what went from the store meanwhile, because its time had run out, is gone from the filter too.
/// After a restart every partition is unknown.
///
/// - Complexity: O(1) for each question and change; 2 to 3.3 bytes a key.
final class ColdFilter {
    private struct Partition {
        var slots: UnsafeMutablePointer<UInt16>?
        var buckets: UInt32 = 0
        var count: UInt32 = 0
        var isKnown = false
    }

    private static let bucketSize = 4
    private static let leastBuckets = 8
    private static let kicksMax = 128
    /// Of sixteen.
    private static let fullSixteenths = 15
    /// How often a larger one is tried where the keys do not go into one.
    private static let attemptsMax = 8

    /// Bits of the hash that name a partition: sixteen partitions to each range that is stored.
    static let partitionBits = 12

    private let partitions: UnsafeMutablePointer<Partition>
    let partitionCount: Int
    /// The first of all partitions that is here.
    let first: Int
    /// Fingerprints.
    private(set) var count = 0
    private(set) var bytes = 0

    /// Of partitions `range` of all; each is empty and known, or unknown.
    init(_ range: Range<Int>, isKnown: Bool) {
        first = range.lowerBound
        partitionCount = range.count
        partitions = .allocate(capacity: max(1, range.count))
        partitions.initialize(repeating: Partition(isKnown: isKnown), count: max(1, range.count))
    }

    deinit {
        for index in 0..<partitionCount { partitions[index].slots?.deallocate() }
        partitions.deallocate()
    }

    @inline(__always)
    func partition(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> (64 - UInt64(ColdFilter.partitionBits))) - first }

    /// The lowest hash of a partition.
    func start(of partition: Int) -> UInt64 { UInt64(first + partition) << (64 - UInt64(ColdFilter.partitionBits)) }

    func isKnown(_ partition: Int) -> Bool { partitions[partition].isKnown }

    /// What a key of a group is known by here; the same key may stand in several groups.
    @inline(__always)
    static func mark(_ hash: UInt64, group: Int) -> UInt64 {
        var mixed = hash ^ UInt64(truncatingIfNeeded: group &+ 1) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return mixed ^ mixed >> 33
    }

    @inline(__always)
    private static func place(_ mark: UInt64, _ buckets: UInt32) -> (fingerprint: UInt16, bucket: UInt32) {
        let fingerprint = UInt16(truncatingIfNeeded: mark)
        return (fingerprint == 0 ? 1 : fingerprint, UInt32(truncatingIfNeeded: ((mark >> 32) &* UInt64(buckets)) >> 32))
    }

    /// The other bucket of a fingerprint that stands in one.
    @inline(__always)
    private static func other(_ bucket: UInt32, _ fingerprint: UInt16, _ buckets: UInt32) -> UInt32 {
        let sum = UInt32(truncatingIfNeeded: (UInt64(UInt32(fingerprint) &* 0x9E37_79B1) &* UInt64(buckets)) >> 32)
        return sum >= bucket ? sum - bucket : sum &+ buckets &- bucket
    }

    /// False where the key is certainly not stored, or is in memory.
    func mayHold(_ hash: UInt64, group: Int) -> Bool {
        let partition = partitions[partition(of: hash)]
        guard partition.isKnown else { return true }
        guard let slots = partition.slots else { return false }
        let (fingerprint, bucket) = ColdFilter.place(ColdFilter.mark(hash, group: group), partition.buckets)
        return ColdFilter.find(fingerprint, in: bucket, slots) != nil
            || ColdFilter.find(fingerprint, in: ColdFilter.other(bucket, fingerprint, partition.buckets), slots) != nil
    }

    @inline(__always)
    private static func find(_ fingerprint: UInt16, in bucket: UInt32, _ slots: UnsafeMutablePointer<UInt16>) -> Int? {
        let start = Int(bucket) * bucketSize
        for slot in start..<start + bucketSize where slots[slot] == fingerprint { return slot }
        return nil
    }

    /// Notes a key that leaves memory; false where its partition has become unknown by that, since it is full.
    func insert(_ hash: UInt64, group: Int) -> Bool {
        let index = partition(of: hash)
        guard partitions[index].isKnown else { return true }
        if partitions[index].slots == nil { take(ColdFilter.leastBuckets, for: index) }
        let room = Int(partitions[index].buckets) * ColdFilter.bucketSize / 16 * ColdFilter.fullSixteenths
        guard Int(partitions[index].count) < room, put(ColdFilter.mark(hash, group: group), into: index) else {
            forget(index)
            return false
        }
        return true
    }

    /// Forgets a key that was inserted, or found when its partition was rebuilt, and comes back into memory.
    func remove(_ hash: UInt64, group: Int) {
        let index = partition(of: hash)
        guard partitions[index].isKnown, let slots = partitions[index].slots else { return }
        let (fingerprint, bucket) = ColdFilter.place(ColdFilter.mark(hash, group: group), partitions[index].buckets)
        let slot = ColdFilter.find(fingerprint, in: bucket, slots)
            ?? ColdFilter.find(fingerprint, in: ColdFilter.other(bucket, fingerprint, partitions[index].buckets), slots)
        guard let slot else { return }
        slots[slot] = 0
        partitions[index].count -= 1
        count -= 1
    }

    /// Makes a partition anew of all keys that are stored and not in memory; false where they do not go in: it then stays unknown.
    func rebuild(_ index: Int, marks: [UInt64]) -> Bool {
        forget(index)
        partitions[index].isKnown = true
        guard !marks.isEmpty else { return true }
        var buckets = max(ColdFilter.leastBuckets, marks.count * 3 / 2 * 16 / (ColdFilter.fullSixteenths * ColdFilter.bucketSize) + 1)
        for _ in 0..<ColdFilter.attemptsMax {
            take(buckets, for: index)
            if marks.allSatisfy({ put($0, into: index) }) { return true }
            forget(index)
            partitions[index].isKnown = true
            buckets += buckets / 2
        }
        partitions[index].isKnown = false
        return false
    }

    private func take(_ buckets: Int, for index: Int) {
        let slots = UnsafeMutablePointer<UInt16>.allocate(capacity: buckets * ColdFilter.bucketSize)
        slots.initialize(repeating: 0, count: buckets * ColdFilter.bucketSize)
        partitions[index].slots = slots
        partitions[index].buckets = UInt32(buckets)
        bytes += buckets * ColdFilter.bucketSize * MemoryLayout<UInt16>.stride
    }

    private func forget(_ index: Int) {
        bytes -= Int(partitions[index].buckets) * ColdFilter.bucketSize * MemoryLayout<UInt16>.stride
        count -= Int(partitions[index].count)
        partitions[index].slots?.deallocate()
        partitions[index] = Partition()
    }

    private func put(_ mark: UInt64, into index: Int) -> Bool {
        guard let slots = partitions[index].slots else { return false }
        let buckets = partitions[index].buckets
        var (fingerprint, bucket) = ColdFilter.place(mark, buckets)
        if ColdFilter.find(0, in: bucket, slots) == nil { bucket = ColdFilter.other(bucket, fingerprint, buckets) }
        for kick in 0..<ColdFilter.kicksMax {
            if let slot = ColdFilter.find(0, in: bucket, slots) {
                slots[slot] = fingerprint
                partitions[index].count += 1
                count += 1
                return true
            }
            // Another fingerprint makes room, and goes to its other bucket.
            let victim = Int(bucket) * ColdFilter.bucketSize + (kick + Int(fingerprint)) & (ColdFilter.bucketSize - 1)
            swap(&fingerprint, &slots[victim])
            bucket = ColdFilter.other(bucket, fingerprint, buckets)
        }
        // Whoever is homeless now makes the whole unknown.
        return false
    }
}
