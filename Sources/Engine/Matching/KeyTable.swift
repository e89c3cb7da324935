internal import CXXHash
internal import Glibc

/// The keys of one group that have state: open addressing with linear probing over (hash, blob) pairs, at most two thirds full. A key
/// without state has no entry.
///
/// - Complexity: O(1) expected for each call; growing is O(n).
struct KeyTable: ~Copyable {
    struct Slot {
        var hash: UInt64
        var blob: UnsafeMutableRawPointer?
    }

    private static let prefetchedLines = 7
    private static let prefetchProbes = 8

    private(set) var slots: UnsafeMutablePointer<Slot>
    private(set) var capacity: Int
    private(set) var count = 0
    private var mask: Int

    /// The place that is looked at next for a key that has run out of time.
    private(set) var hand = 0
    /// Before this time no key can have run out of time, as far as the hand has found in its last round; and the earliest of this one.
    private(set) var sweepsFrom = Int64.min
    private var earliest = Int64.max
    private static let handDistance = 12

    private static let initialCapacity = 1024

    /// What the table has taken beyond that of an empty one.
    var grownBytes: Int { (capacity - KeyTable.initialCapacity) * MemoryLayout<Slot>.stride }

    init() {
        capacity = KeyTable.initialCapacity
        mask = capacity - 1
        slots = KeyTable.emptySlots(capacity)
    }

    deinit {
        slots.deallocate()
    }

    private static func emptySlots(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
        let memory = LargePages.allocate(capacity * MemoryLayout<Slot>.stride)
        return memory.initializeMemory(as: Slot.self, repeating: Slot(hash: 0, blob: nil), count: capacity)
    }

    @inline(__always)
    func prefetch(_ hash: UInt64) {
        nt_prefetch(slots + Int(truncatingIfNeeded: hash) & mask)
    }

    /// Brings the blob that probably belongs to a hash nearer.
    @inline(__always)
    func prefetchBlob(_ hash: UInt64) {
        var place = Int(truncatingIfNeeded: hash) & mask
        for _ in 0..<KeyTable.prefetchProbes {
            guard let blob = slots[place].blob else { return }
            if slots[place].hash == hash {
                // Header, key and sections, then, as most keys have one or two threads, those and what they have captured.
                for line in 0..<KeyTable.prefetchedLines { nt_prefetch(blob + 64 * line) }
                return
            }
            place = (place + 1) & mask
        }
    }

    /// The place of a key, or the place where it would stand.
    @inline(__always)
    func find(_ hash: UInt64, _ key: UnsafePointer<UInt8>, _ keyLength: Int) -> (place: Int, isFound: Bool) {
        var place = Int(truncatingIfNeeded: hash) & mask
        while let blob = slots[place].blob {
            if slots[place].hash == hash {
                let header = Blob(blob)
                if header.keyLength == keyLength && memcmp(header.key, key, keyLength) == 0 { return (place, true) }
            }
            place = (place + 1) & mask
        }
        return (place, false)
    }

    /// The first place at or after `from` in the probe sequence of a hash that bears that very hash; nil at its end.
    func next(_ hash: UInt64, from: Int?) -> Int? {
        var place = from.map { ($0 + 1) & mask } ?? Int(truncatingIfNeeded: hash) & mask
        while slots[place].blob != nil {
            if slots[place].hash == hash { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Goes on to the next place, and brings a later one's state nearer. `expiry` is when the key that stays there runs out of time,
    /// `new` the earliest time at which a key that comes from now on may.
    @inline(__always)
    mutating func moveHand(past expiry: Int64, new: Int64) {
        earliest = min(earliest, expiry)
        hand = (hand + 1) & mask
        if hand == 0 {
            sweepsFrom = min(earliest, new)
            earliest = .max
        }
        if let blob = slots[(hand + KeyTable.handDistance) & mask].blob { nt_prefetch(blob) }
    }

    @inline(__always)
    func set(_ place: Int, _ blob: UnsafeMutableRawPointer) {
        slots[place].blob = blob
    }

    var isFull: Bool { (count + 1) * 3 > capacity * 2 }

    /// Puts a key at the place that ``find(_:_:_:)`` gave.
    mutating func insert(_ hash: UInt64, _ blob: UnsafeMutableRawPointer, at place: Int) {
        slots[place] = Slot(hash: hash, blob: blob)
        count += 1
    }

    mutating func grow() {
        let old = slots, oldCapacity = capacity
        capacity *= 2
        mask = capacity - 1
        slots = KeyTable.emptySlots(capacity)
        for index in 0..<oldCapacity where old[index].blob != nil {
            var place = Int(truncatingIfNeeded: old[index].hash) & mask
            while slots[place].blob != nil { place = (place + 1) & mask }
            slots[place] = old[index]
        }
        old.deallocate()
    }

    /// Takes the entry out and moves those behind it up, so that no marks of the dead remain.
    mutating func remove(at place: Int) {
        var hole = place
        var next = (place + 1) & mask
        while slots[next].blob != nil {
            let home = Int(truncatingIfNeeded: slots[next].hash) & mask
            // The entry may move where the hole lies between its home and its place.
            if (next - home) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Slot(hash: 0, blob: nil)
        count -= 1
    }
}
