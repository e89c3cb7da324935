internal import Glibc

/// Memory for blobs: a free list a size class, carved from chunks that are given back only at the end.
///
/// The classes are the multiples of 64 bytes up to 512, then four to each power of two: at most a quarter of a blob is room that nobody
/// asked for.
///
/// Under a bound on memory that is not enough: when the sizes of states shift, what the old ones leave serves the new ones no more. Then chunks are
/// all of one size and can be *evacuated*: whoever owns the blobs takes those of a chunk elsewhere (they are relocatable) or lets them go, and the
/// chunk serves any class again. See `Matcher+Cold.swift`.
///
/// - Complexity: O(1) to allocate and to free.
final class BlobAllocator {
    static let classCount = 96
    private static let linearClasses = 8
    /// The first chunk is small, so that a matcher with few keys is; each next is as large as all before it, up to a bound.
    private static let firstChunkSize = 64 << 10
    private static let chunkSizeMax = 4 << 20
    private var chunkBytes = 0

    /// Heads of the free lists; a free block holds the next one's address.
    private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private(set) var chunks: [UnsafeMutableRawPointer] = []
    private var chunkPlace: UnsafeMutableRawPointer
    private var chunkLeft = 0
    /// Bytes of blobs handed out.
    private(set) var bytesInUse = 0

    init() {
        free = .allocate(capacity: BlobAllocator.classCount)
        free.initialize(repeating: nil, count: BlobAllocator.classCount)
        chunkPlace = UnsafeMutableRawPointer(free)
    }

    deinit {
        for chunk in chunks + empty { chunk.deallocate() }
        for block in large { (block - BlobAllocator.largeHead).deallocate() }
        free.deallocate()
    }

    /// The least class that holds so many bytes.
    @inline(__always)
    static func sizeClass(_ bytes: Int) -> Int {
        if bytes <= 512 { return bytes <= 64 ? 0 : (bytes - 1) >> 6 }
        let last = bytes - 1
        let power = Int.bitWidth - 1 - last.leadingZeroBitCount
        return linearClasses + (power - 9) * 4 + (last >> (power - 2)) & 3
    }

    @inline(__always)
    static func size(_ sizeClass: Int) -> Int {
        if sizeClass < linearClasses { return (sizeClass + 1) << 6 }
        let step = sizeClass - linearClasses
        return (step & 3 + 5) << (step >> 2 + 7)
    }

    @inline(__always)
    func allocate(_ sizeClass: Int) -> UnsafeMutableRawPointer {
        bytesInUse += BlobAllocator.size(sizeClass)
        if isCompacting { return allocateCompacting(sizeClass) }
        if let block = free[sizeClass] {
            free[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
            return block
        }
        return carve(BlobAllocator.size(sizeClass))
    }

    private func carve(_ size: Int) -> UnsafeMutableRawPointer {
        if size > chunkLeft {
            // What is left of the old chunk serves the smaller classes.
            while chunkLeft >= 64 {
                var fitting = BlobAllocator.sizeClass(chunkLeft)
                if BlobAllocator.size(fitting) > chunkLeft { fitting -= 1 }
                push(chunkPlace, fitting)
                chunkPlace += BlobAllocator.size(fitting)
                chunkLeft -= BlobAllocator.size(fitting)
            }
            let wanted = min(max(BlobAllocator.firstChunkSize, chunkBytes), BlobAllocator.chunkSizeMax)
            let bytes = max(wanted, (size + 4095) & ~4095)
            let chunk = LargePages.allocate(bytes)
            chunkBytes += bytes
            chunks.append(chunk)
            chunkPlace = chunk
            chunkLeft = bytes
        }
        let block = chunkPlace
        chunkPlace += size
        chunkLeft -= size
        return block
    }

    @inline(__always)
    private func push(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        block.storeBytes(of: free[sizeClass], as: UnsafeMutableRawPointer?.self)
        free[sizeClass] = block
    }

    @inline(__always)
    func deallocate(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        bytesInUse -= BlobAllocator.size(sizeClass)
        if isCompacting { return deallocateCompacting(block, sizeClass) }
        push(block, sizeClass)
    }

    // MARK: - Under a bound

    /// Whether chunks can be evacuated; to be decided before the first allocation.
    private(set) var isCompacting = false
    private(set) var chunkSize = 0
    /// Chunks without blobs.
    private var empty: [UnsafeMutableRawPointer] = []
    /// Blobs that are large beside a chunk; each has its place among them in front of it.
    private(set) var large: [UnsafeMutableRawPointer] = []
    private var largeBytes = 0

    private static let largeHead = 64
    private static let emptyMax = 2
    /// A fraction of a chunk: from there on a blob has memory of its own.
    private static let largeFraction = 8

    // A free block: 0 (no format of a blob), its class, the next and the one before.
    private static let next = 8
    private static let previous = 16

    /// Makes the chunks such that some tens of them are the bound.
    func compact(within bytesMax: Int) {
        precondition(chunks.isEmpty, "Blobs of both kinds do not stand together.")
        isCompacting = true
        chunkSize = 64 << 10
        while chunkSize < LargePages.size && chunkSize * 64 <= bytesMax { chunkSize *= 2 }
    }

    /// Bytes taken from the system, but for chunks that are empty.
    var bytesHeld: Int { isCompacting ? chunks.count * chunkSize + largeBytes : chunkBytes }

    private func isLarge(_ sizeClass: Int) -> Bool { BlobAllocator.size(sizeClass) > chunkSize / BlobAllocator.largeFraction }

    private func allocateCompacting(_ sizeClass: Int) -> UnsafeMutableRawPointer {
        let size = BlobAllocator.size(sizeClass)
        if let block = free[sizeClass] {
            unlink(block, sizeClass)
            return block
        }
        if isLarge(sizeClass) {
            let block = UnsafeMutableRawPointer.allocate(byteCount: BlobAllocator.largeHead + size, alignment: 64) + BlobAllocator.largeHead
            (block - BlobAllocator.largeHead).storeBytes(of: large.count, as: Int.self)
            large.append(block)
            largeBytes += size
            return block
        }
        if size > chunkLeft {
            closeChunk()
            let chunk = empty.popLast() ?? LargePages.allocate(chunkSize)
            chunks.append(chunk)
            chunkPlace = chunk
            chunkLeft = chunkSize
        }
        let block = chunkPlace
        chunkPlace += size
        chunkLeft -= size
        return block
    }

    /// What is left of the chunk becomes free blocks, so that it is blocks from its beginning to its end.
    func closeChunk() {
        while chunkLeft >= 64 {
            var fitting = BlobAllocator.sizeClass(min(chunkLeft, chunkSize / BlobAllocator.largeFraction))
            if BlobAllocator.size(fitting) > chunkLeft { fitting -= 1 }
            link(chunkPlace, fitting)
            chunkPlace += BlobAllocator.size(fitting)
            chunkLeft -= BlobAllocator.size(fitting)
        }
    }

    private func deallocateCompacting(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        guard isLarge(sizeClass) else { return link(block, sizeClass) }
        let place = (block - BlobAllocator.largeHead).load(as: Int.self)
        let last = large.removeLast()
        if last != block {
            large[place] = last
            (last - BlobAllocator.largeHead).storeBytes(of: place, as: Int.self)
        }
        largeBytes -= BlobAllocator.size(sizeClass)
        (block - BlobAllocator.largeHead).deallocate()
    }

    private func link(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        let first = free[sizeClass]
        block.storeBytes(of: 0, as: UInt32.self)
        block.storeBytes(of: UInt32(sizeClass), toByteOffset: 4, as: UInt32.self)
        block.storeBytes(of: first, toByteOffset: BlobAllocator.next, as: UnsafeMutableRawPointer?.self)
        block.storeBytes(of: nil, toByteOffset: BlobAllocator.previous, as: UnsafeMutableRawPointer?.self)
        first?.storeBytes(of: block, toByteOffset: BlobAllocator.previous, as: UnsafeMutableRawPointer?.self)
        free[sizeClass] = block
    }

    private func unlink(_ block: UnsafeMutableRawPointer, _ sizeClass: Int) {
        let next = block.load(fromByteOffset: BlobAllocator.next, as: UnsafeMutableRawPointer?.self)
        let previous = block.load(fromByteOffset: BlobAllocator.previous, as: UnsafeMutableRawPointer?.self)
        next?.storeBytes(of: previous, toByteOffset: BlobAllocator.previous, as: UnsafeMutableRawPointer?.self)
        if let previous {
            previous.storeBytes(of: next, toByteOffset: BlobAllocator.next, as: UnsafeMutableRawPointer?.self)
        } else {
            free[sizeClass] = next
        }
    }

    /// Hands out the blobs of a chunk, in their order.
    @inline(__always)
    func forEachBlob(of chunk: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        var block = chunks[chunk]
        let end = block + chunkSize
        while block < end {
            // The chunk that blocks are carved from ends earlier.
            if chunkLeft > 0 && block == chunkPlace { break }
            let size = BlobAllocator.size(Int(block.load(fromByteOffset: 4, as: UInt32.self)))
            if block.load(as: UInt32.self) != 0 { body(block) }
            block += size
        }
    }

    /// Whether blocks are being carved from a chunk: that cannot be evacuated.
    func isOpen(_ chunk: Int) -> Bool { chunkLeft > 0 && chunkPlace >= chunks[chunk] && chunkPlace < chunks[chunk] + chunkSize }

    /// Takes the free blocks of a chunk out of use; its blobs are then to be taken elsewhere or given up.
    func beginEvacuation(of chunk: Int) {
        var block = chunks[chunk]
        let end = block + chunkSize
        while block < end {
            let sizeClass = Int(block.load(fromByteOffset: 4, as: UInt32.self))
            if block.load(as: UInt32.self) == 0 { unlink(block, sizeClass) }
            block += BlobAllocator.size(sizeClass)
        }
    }

    /// A blob of a chunk that is being evacuated is there no more.
    func giveUp(_ sizeClass: Int) { bytesInUse -= BlobAllocator.size(sizeClass) }

    /// There are no blobs in the chunk any more. Another one takes its number.
    func endEvacuation(of chunk: Int) {
        let memory = chunks[chunk]
        let last = chunks.removeLast()
        if last != memory { chunks[chunk] = last }
        if empty.count < BlobAllocator.emptyMax { empty.append(memory) } else { memory.deallocate() }
    }
}
