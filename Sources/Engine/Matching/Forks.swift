internal import Glibc

/// Threads that the event at hand brought forth and that are not in the blob yet. An entry is 16 bytes of header and the thread's record.
///
///     0 the capture before   4 step   8 flags   12 the new capture's node, once it is written
struct Forks: ~Copyable {
    private(set) var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0
    private(set) var stride = 64

    static let headerSize = 16
    /// The captures are a match.
    static let isMatch: UInt32 = 1
    /// The thread goes on: it has open targets, and no policy has dropped it.
    static let isKept: UInt32 = 2

    init() {
        capacity = 64 * 256
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        memory.deallocate()
    }

    @inline(__always)
    mutating func begin(recordSize: Int) {
        count = 0
        stride = Forks.headerSize + recordSize
    }

    @inline(__always)
    func entry(_ index: Int) -> UnsafeMutableRawPointer { memory + index &* stride }

    @inline(__always)
    func record(_ index: Int) -> UnsafeMutableRawPointer { entry(index) + Forks.headerSize }

    @inline(__always)
    func parent(_ index: Int) -> UInt32 { entry(index).load(as: UInt32.self) }

    @inline(__always)
    func step(_ index: Int) -> Int { Int(entry(index).load(fromByteOffset: 4, as: UInt32.self)) }

    @inline(__always)
    func flags(_ index: Int) -> UInt32 { entry(index).load(fromByteOffset: 8, as: UInt32.self) }

    @inline(__always)
    func setFlags(_ index: Int, _ flags: UInt32) { entry(index).storeBytes(of: flags, toByteOffset: 8, as: UInt32.self) }

    /// Appends a copy of a record.
    @inline(__always)
    mutating func append(_ record: UnsafeRawPointer, parent: UInt32, step: Int, flags: UInt32) {
        if (count + 1) * stride > capacity { grow() }
        let place = entry(count)
        place.storeBytes(of: parent, as: UInt32.self)
        place.storeBytes(of: UInt32(step), toByteOffset: 4, as: UInt32.self)
        place.storeBytes(of: flags, toByteOffset: 8, as: UInt32.self)
        place.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
        memcpy(place + Forks.headerSize, record, stride - Forks.headerSize)
        count += 1
    }

    private mutating func grow() {
        let larger = capacity * 2
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        memcpy(moved, memory, count * stride)
        memory.deallocate()
        memory = moved
        capacity = larger
    }

    /// How many of the latest entries ``hasTwin`` looks at: twins are born next to each other, and one that is missed costs time alone.
    private static let twinDistanceMax = 32

    /// Whether the newest entry is the same thread as one before it: the same captures, targets and registers.
    func hasTwin(of record: UnsafeRawPointer, parent: UInt32, step: Int) -> Bool {
        var index = count - 1
        let last = max(0, count - Forks.twinDistanceMax)
        while index >= last {
            if self.parent(index) == parent && self.step(index) == step
                && memcmp(self.record(index), record, stride - Forks.headerSize) == 0
            {
                return true
            }
            index -= 1
        }
        return false
    }
}
