internal import Glibc

/// Memory for blobs in size classes of 64·2ᵏ bytes: a free list a class, carved from chunks that are given back only at the end.
///
/// - Complexity: O(1) to allocate and to free.
final class BlobAllocator {
    static let classCount = 26
    private static let chunkSize = 1 << 20

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
        bytes <= 64 ? 0 : Int.bitWidth - (bytes - 1).leadingZeroBitCount - 6
    }

    @inline(__always)
    static func size(_ sizeClass: Int) -> Int { 64 << sizeClass }

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
                let fitting = Int.bitWidth - 1 - chunkLeft.leadingZeroBitCount - 6
                push(chunkPlace, fitting)
                chunkPlace += BlobAllocator.size(fitting)
                chunkLeft -= BlobAllocator.size(fitting)
            }
            let bytes = max(BlobAllocator.chunkSize, size)
            let chunk = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
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
