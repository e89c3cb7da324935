/// The mark of captures that a loop no longer keeps: a node in the chain, right behind the last of them, with how many each step has
/// lost and a digest of everything before it.
///
///     0 the capture before   4 how many steps   8 `mark`   12 mark of the rebuild   16 digest, 16 bytes   32 (step, count) pairs
enum OmittedCaptures {
    static let mark: UInt32 = .max
    static let headerSize = 32

    struct Count {
        var step: UInt32
        var count: UInt32
    }

    @inline(__always)
    static func isMark(_ node: UnsafeRawPointer) -> Bool { node.load(fromByteOffset: 8, as: UInt32.self) == mark }

    static func pairCount(_ node: UnsafeRawPointer) -> Int { Int(node.load(fromByteOffset: 4, as: UInt32.self)) }

    static func size(pairs: Int) -> Int { headerSize + pairs * 8 }

    static func digest(_ node: UnsafeRawPointer) -> CaptureDigest {
        CaptureDigest(low: node.load(fromByteOffset: 16, as: UInt64.self), high: node.load(fromByteOffset: 24, as: UInt64.self))
    }

    static func count(_ node: UnsafeRawPointer, _ index: Int) -> Count {
        node.load(fromByteOffset: headerSize + index * 8, as: Count.self)
    }

    static func write(previous: UInt32, counts: [Count], digest: CaptureDigest, to node: UnsafeMutableRawPointer) {
        node.storeBytes(of: previous, as: UInt32.self)
        node.storeBytes(of: UInt32(counts.count), toByteOffset: 4, as: UInt32.self)
        node.storeBytes(of: mark, toByteOffset: 8, as: UInt32.self)
        node.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
        node.storeBytes(of: digest.low, toByteOffset: 16, as: UInt64.self)
        node.storeBytes(of: digest.high, toByteOffset: 24, as: UInt64.self)
        for (index, count) in counts.enumerated() { node.storeBytes(of: count, toByteOffset: headerSize + index * 8, as: Count.self) }
    }
}

/// A hash over captures in their order: each one's step name and bytes on top of the digest before it, so that the digest of the
/// captures that are gone can be carried on.
struct CaptureDigest: Equatable {
    var low: UInt64 = 0
    var high: UInt64 = 0
}

/// Which captures of a loop an alert shows: the first and the last half of those that the rule keeps.
struct LoopWindow {
    let max: Int

    /// The first half is the larger where the number is odd.
    var first: Int { max - max / 2 }
    var last: Int { max / 2 }

    /// Whether capture `ordinal`, from 1, of so many is shown.
    @inline(__always)
    func keeps(_ ordinal: Int, of total: Int) -> Bool {
        total <= max || ordinal <= first || ordinal > total - last
    }
}
