internal import Glibc

/// All state of one key in one group of rules: one relocatable piece of memory in a size class of ``BlobAllocator``, with 32-bit offsets
/// from its start.
///
///     0  format          4  size class       8  used bytes       12 checksum (of a saved blob)
///     16 key hash        24 next deadline    32 expires at       40 armed deadline
///     48 key length      52 section count and capacity, 16 bits each
///     56 section offset  60 epoch of the last change, and whether a checkpoint holds the key
///     64 key bytes, then the arena: sections, thread records, capture nodes, captured events
///
/// The arena only grows; when it is full, what is alive is copied into a new blob (`Blob+Rebuild.swift`). A section holds the threads of
/// one rule and exists only while there are any.
struct Blob {
    let base: UnsafeMutableRawPointer

    static let format: UInt32 = 1
    static let headerSize = 64
    /// Most bytes of one key's state: a thread that would need more is not begun, and counted.
    static let bytesMax = 1 << 30

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) {
        self.base = base
    }

    @inline(__always)
    private func load<T>(_ offset: Int, as type: T.Type) -> T { base.load(fromByteOffset: offset, as: type) }

    var sizeClass: Int {
        @inline(__always) get { Int(load(4, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(newValue), toByteOffset: 4, as: UInt32.self) }
    }

    var used: Int {
        @inline(__always) get { Int(load(8, as: UInt32.self)) }
        @inline(__always) nonmutating set { base.storeBytes(of: UInt32(newValue), toByteOffset: 8, as: UInt32.self) }
    }

    var checksum: UInt32 {
        get { load(12, as: UInt32.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: 12, as: UInt32.self) }
    }

    var hash: UInt64 {
        @inline(__always) get { load(16, as: UInt64.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: 16, as: UInt64.self) }
    }

    /// The earliest time at which a thread completes or is reported without an event; `Int64.max` where there is none.
    var nextDeadline: Int64 {
        @inline(__always) get { load(24, as: Int64.self) }
        @inline(__always) nonmutating set { base.storeBytes(of: newValue, toByteOffset: 24, as: Int64.self) }
    }

    /// From this time on no thread can be alive; an upper bound.
    var expiresAt: Int64 {
        @inline(__always) get { load(32, as: Int64.self) }
        @inline(__always) nonmutating set { base.storeBytes(of: newValue, toByteOffset: 32, as: Int64.self) }
    }

    /// The deadline that the queue of deadlines holds for this key; `Int64.max` where none.
    var armedDeadline: Int64 {
        @inline(__always) get { load(40, as: Int64.self) }
        @inline(__always) nonmutating set { base.storeBytes(of: newValue, toByteOffset: 40, as: Int64.self) }
    }

    var keyLength: Int {
        @inline(__always) get { Int(load(48, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(newValue), toByteOffset: 48, as: UInt32.self) }
    }

    var sectionCount: Int {
        @inline(__always) get { Int(load(52, as: UInt16.self)) }
        @inline(__always) nonmutating set { base.storeBytes(of: UInt16(newValue), toByteOffset: 52, as: UInt16.self) }
    }

    var sectionCapacity: Int {
        @inline(__always) get { Int(load(54, as: UInt16.self)) }
        nonmutating set { base.storeBytes(of: UInt16(newValue), toByteOffset: 54, as: UInt16.self) }
    }

    var sectionOffset: Int {
        @inline(__always) get { Int(load(56, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(newValue), toByteOffset: 56, as: UInt32.self) }
    }

    /// Whether the queue's entry may be of an earlier time than ``armedDeadline``: known is only that there is one up to that time. The upper
    /// bit of the format's word, since nothing looks at that while the state is in memory.
    var isArmedLoosely: Bool {
        get { load(0, as: UInt32.self) >> 31 == 1 }
        nonmutating set { base.storeBytes(of: load(0, as: UInt32.self) & 0x7FFF_FFFF | (newValue ? 1 << 31 : 0), as: UInt32.self) }
    }

    /// When the key last changed, in epochs of checkpoints, 31 bits; 0 where it has not since it came from a checkpoint. See ``ChangeLog``.
    var epoch: UInt32 {
        @inline(__always) get { load(60, as: UInt32.self) & 0x7FFF_FFFF }
        nonmutating set { base.storeBytes(of: load(60, as: UInt32.self) & 0x8000_0000 | newValue, toByteOffset: 60, as: UInt32.self) }
    }

    /// Whether a checkpoint that was written, or is being written, has a row of the key.
    var isStored: Bool {
        get { load(60, as: UInt32.self) >> 31 == 1 }
        nonmutating set {
            base.storeBytes(of: load(60, as: UInt32.self) & 0x7FFF_FFFF | (newValue ? 1 << 31 : 0), toByteOffset: 60, as: UInt32.self)
        }
    }

    @inline(__always)
    var key: UnsafePointer<UInt8> {
        UnsafePointer((base + Blob.headerSize).assumingMemoryBound(to: UInt8.self))
    }

    /// Whether the bytes of a saved blob are of a key.
    static func isOf(_ key: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= headerSize + key.count, bytes.loadUnaligned(fromByteOffset: 48, as: UInt32.self) == UInt32(key.count) else { return false }
        guard let start = bytes.baseAddress, let wanted = key.baseAddress else { return key.isEmpty }
        return memcmp(start + headerSize, wanted, key.count) == 0
    }

    var keyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + Blob.headerSize, count: keyLength) }

    @inline(__always)
    var capacity: Int { BlobAllocator.size(sizeClass) }

    @inline(__always)
    var free: Int { capacity - used }

    @inline(__always)
    var sections: UnsafeMutablePointer<Section> {
        (base + sectionOffset).assumingMemoryBound(to: Section.self)
    }

    /// Takes bytes of the arena; the caller has made sure that they are there.
    @inline(__always)
    func take(_ bytes: Int) -> Int {
        let place = used
        assert(bytes & 7 == 0 && place + bytes <= capacity)
        used = place + bytes
        return place
    }

    /// Of a key of so many bytes: where the arena begins.
    @inline(__always)
    static func arenaStart(keyLength: Int) -> Int {
        (headerSize + keyLength + 7) & ~7
    }
}

/// The threads of one rule in a blob.
struct Section {
    /// The rule's place in its group.
    var rule: UInt32
    var count: UInt32
    var capacity: UInt32
    /// Of the first thread record.
    var offset: UInt32
    /// Different first events; never less than there are. Of a counted loop: the records before the queue's first.
    var starts: UInt32
    var padding: UInt32 = 0
}

/// A thread's record: what it has captured, what it has open, and its registers.
///
///     0 target set   4 last capture   8 open edges   16 first time   24 first arrival   32 captures   36 flags   40 last time
///     48 registers
enum ThreadRecord {
    static let fixedSize = 48
    static let set = 0
    static let lastNode = 4
    static let open = 8
    static let firstTime = 16
    static let firstArrival = 24
    static let captures = 32
    static let flags = 36
    static let lastTime = 40

    /// No event has passed since the last capture.
    static let isFresh: UInt32 = 1
    /// A match has been reported that began at the thread's first event; kept where the rule reports timeouts.
    static let hasMatched: UInt32 = 2
}

/// One capture: 16 bytes, linked from the last to the first, shared by all threads with the same beginning.
///
///     0 the capture before (0: none)   4 event   8 step   12 mark of the rebuild
enum CaptureNode {
    static let size = 16

    @inline(__always)
    static func previous(_ node: UnsafeRawPointer) -> UInt32 { node.load(as: UInt32.self) }

    @inline(__always)
    static func event(_ node: UnsafeRawPointer) -> UInt32 { node.load(fromByteOffset: 4, as: UInt32.self) }

    @inline(__always)
    static func step(_ node: UnsafeRawPointer) -> Int { Int(node.load(fromByteOffset: 8, as: UInt32.self)) }

    @inline(__always)
    static func write(previous: UInt32, event: UInt32, step: Int, to node: UnsafeMutableRawPointer) {
        node.storeBytes(of: previous, as: UInt32.self)
        node.storeBytes(of: event, toByteOffset: 4, as: UInt32.self)
        node.storeBytes(of: UInt32(step), toByteOffset: 8, as: UInt32.self)
        node.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
    }
}
