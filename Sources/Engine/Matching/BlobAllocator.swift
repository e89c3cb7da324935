internal import Glibc

/// Memory for blobs: a free list a size class, carved from chunks that are given back only at the end.
///
/// The classes are the multiples of 64 bytes up to 512, then four to each power of two: at most a quarter of a blob is room that nobody
/// asked for.
///
/// - Complexity: O(1) to allocate and to free.
final class BlobAllocator {
    static let classCount = 96
    private static let linearClasses = 8
    /// The first chunk is small, so that a matcher with few keys is; each next is as large as all before it, up to a bound.
    private static let firstChunkSize = 64 << 10
    private static let chunkSizeMax = 4 << 20
    /// Bytes of all chunks.
    private(set) var chunkBytes = 0

    /// Heads of the free lists; a free block holds the next one's address.
    private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var chunks: [UnsafeMutableRawPointer] = []
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
        for chunk in chunks { chunk.deallocate() }
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
        push(block, sizeClass)
    }
}
