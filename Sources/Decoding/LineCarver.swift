// Bytes as they come to blocks of whole lines.
//
// A block is what one read gives, up to its last line end; the rest begins the next block. A reader of a live pipe therefore never
// waits for a full block. Bytes are read straight into the batch; only the rest behind the last line end is copied.

internal import CSimdjson
public import Events
internal import Glibc

/// A line that was too long to be kept: its first bytes stand in the block, followed by a line end.
public struct CutLine: Sendable, Equatable {
    /// Where it begins in the block.
    public var offset: Int
    /// Its bytes in the input, without the line end.
    public var length: UInt64

    public init(offset: Int, length: UInt64) {
        self.offset = offset
        self.length = length
    }
}

/// What ``LineCarver/fill(_:read:)`` has put into a batch.
public struct CarvedBlock: Sendable, Equatable {
    /// The number of its first line in the input, from 1.
    public var firstLine: UInt64
    public var lineCount: UInt64
    /// Whether it begins the input.
    public var isFirst: Bool
    /// Bytes of the input up to the end of this block.
    public var endPosition: UInt64
    /// Lines of it that are over 1 MiB and were cut, by ascending offset.
    public var cutLines: [CutLine]

    public init(firstLine: UInt64, lineCount: UInt64, isFirst: Bool, endPosition: UInt64, cutLines: [CutLine] = []) {
        self.firstLine = firstLine
        self.lineCount = lineCount
        self.isFirst = isFirst
        self.endPosition = endPosition
        self.cutLines = cutLines
    }
}

/// Carves one input into blocks of whole lines. Holds at most one incomplete line of 1 MiB.
public struct LineCarver: Sendable {
    /// What a block is filled to where the input gives as much at once.
    public static let blockBytes = 256 * 1024
    /// How much is kept of a line that is over 1 MiB.
    public static let cutLineBytes = 1024

    /// Bytes of the input that were handed out in blocks.
    public private(set) var position: UInt64
    /// The number of the next block's first line.
    public private(set) var nextLine: UInt64

    private let blockBytes: Int
    private let readBytesMin: Int
    /// An incomplete line; where it is being cut, its first bytes.
    private var tail: [UInt8] = []
    /// The bytes so far of the line that is being cut, or 0.
    private var cutLength: UInt64 = 0
    private var hasEnded = false

    /// - Parameters:
    ///   - position: where in the input to go on, at the beginning of a line.
    ///   - nextLine: that line's number.
    ///   - blockBytes: what a block is filled to.
    public init(position: UInt64 = 0, nextLine: UInt64 = 1, blockBytes: Int = LineCarver.blockBytes) {
        precondition(blockBytes > 0, "A block holds something.")
        self.position = position
        self.nextLine = nextLine
        self.blockBytes = blockBytes
        readBytesMin = min(blockBytes, 64 * 1024)
    }

    /// Fills `batch.bytes` with the next block of whole lines, or gives nil at the end of the input.
    ///
    /// `read` puts bytes into the room that it is given and returns their number, 0 at the end. It is called until a line end has
    /// come, and not again after that. Where it throws, nothing is lost: the next call goes on from there. The input's last line
    /// needs no end.
    /// - Complexity: O(bytes read).
    public mutating func fill<Failure: Error>(
        _ batch: EventBatch, read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> CarvedBlock? {
        var used = tail.count
        batch.byteCount = 0
        batch.reserveBytes(used + blockBytes)
        tail.withUnsafeBufferPointer { kept in
            if let base = kept.baseAddress { batch.bytes.update(from: base, count: kept.count) }
        }
        var cut: [CutLine] = []
        while !hasEnded {
            batch.byteCount = used
            let room = max(blockBytes - used, readBytesMin)
            batch.reserveBytes(used + room)
            let count: Int
            do {
                count = try read(UnsafeMutableRawBufferPointer(start: batch.bytes + used, count: room))
            } catch {
                keepTail(batch, from: 0, to: used)
                batch.byteCount = 0
                throw error
            }
            precondition(count >= 0 && count <= room, "A read gives at most what it has room for.")
            if count == 0 {
                hasEnded = true
                break
            }
            if cutLength > 0 {
                guard let end = LineCarver.firstLineEnd(batch.bytes + used, count) else {
                    cutLength += UInt64(count)
                    continue
                }
                cut.append(CutLine(offset: 0, length: cutLength + UInt64(end)))
                cutLength = 0
                let rest = count - end
                memmove(batch.bytes + used, batch.bytes + used + end, rest)
                used += rest
                // The line end that stands at `used - rest` now is one to cut the block at.
                return block(batch, used: used, cutLines: cut)
            }
            let before = used
            used += count
            if LineCarver.lastLineEnd(batch.bytes + before, count) != nil { return block(batch, used: used, cutLines: cut) }
            // One byte more than a line may have, for the '\r' of its end.
            if used > BlockDecoder.lineBytesMax + 1 {
                cutLength = UInt64(used)
                used = min(used, LineCarver.cutLineBytes)
            }
        }
        tail.removeAll(keepingCapacity: true)
        guard used > 0 else {
            batch.byteCount = 0
            return nil
        }
        // The input's last line, which has no end.
        if cutLength > 0 {
            cut.append(CutLine(offset: 0, length: cutLength))
            cutLength = 0
        }
        return finish(batch, count: used, lineCount: 1, cutLines: cut)
    }

    /// Hands out the bytes up to the last line end and keeps the rest.
    private mutating func block(_ batch: EventBatch, used: Int, cutLines: [CutLine]) -> CarvedBlock {
        let end = LineCarver.lastLineEnd(batch.bytes, used)! + 1
        keepTail(batch, from: end, to: used)
        return finish(batch, count: end, lineCount: UInt64(nt_count_newlines(batch.bytes, end)), cutLines: cutLines)
    }

    private mutating func finish(_ batch: EventBatch, count: Int, lineCount: UInt64, cutLines: [CutLine]) -> CarvedBlock {
        batch.byteCount = count
        let firstLine = nextLine
        let isFirst = position == 0
        position += UInt64(count)
        // Of a cut line the block has the first bytes alone.
        for line in cutLines { position += line.length - UInt64(LineCarver.cutLineBytes) }
        nextLine += lineCount
        return CarvedBlock(firstLine: firstLine, lineCount: lineCount, isFirst: isFirst, endPosition: position, cutLines: cutLines)
    }

    private mutating func keepTail(_ batch: EventBatch, from start: Int, to end: Int) {
        tail.removeAll(keepingCapacity: true)
        tail.append(contentsOf: UnsafeBufferPointer(start: batch.bytes + start, count: end - start))
    }

    private static func firstLineEnd(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int? {
        memchr(bytes, 0x0A, count).map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes) }
    }

    private static func lastLineEnd(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int? {
        let place = nt_last_newline(bytes, count)
        return place < 0 ? nil : place
    }
}
