internal import Engine

/// Where workers claim blocks: each reads its own, one after another under a lock, and decodes it without one.
///
/// A round of blocks is bounded; the next begins once the last is admitted. What is not there yet is not waited for.
final class BlockQueue: @unchecked Sendable {
    // @unchecked: `claim` works under the lock; all else is called between supersteps.

    private let lock = Lock()
    private let columnCount: Int
    private let shards: Int
    private let roundBytes: Int
    private var free: [Block] = []
    /// The inputs of this round that still have something.
    private var readable: [InputReader] = []
    private var claimedBytes = 0
    private var blocksMax = 0
    private(set) var ended: [InputReader] = []
    private(set) var failure: SourceError?
    /// In the order in which they were read.
    private(set) var blocks: [Block] = []

    private static let roundBlocksMax = 128

    init(columnCount: Int, shards: Int, roundBytes: Int) {
        self.columnCount = columnCount
        self.shards = shards
        self.roundBytes = roundBytes
    }

    /// Lets a round of these inputs be claimed, or go on.
    ///
    /// - Parameter blocks: most of them.
    func open(_ inputs: [InputReader], blocks: Int) {
        readable = failure == nil ? inputs : []
        blocksMax = min(blocks, BlockQueue.roundBlocksMax)
    }

    func close() { readable = [] }

    /// Reads the next block; nil once the round is full or nothing more is there.
    func claim() -> Block? {
        lock.lockSoon()
        defer { lock.unlock() }
        while claimedBytes < roundBytes, blocks.count < blocksMax, let reader = readable.first {
            let block = free.popLast() ?? Block(columnCount: columnCount, shards: shards)
            do throws(SourceError) {
                switch try reader.read(into: block) {
                case .block:
                    claimedBytes += block.batch.byteCount
                    blocks.append(block)
                    // The inputs take turns.
                    if readable.count > 1 { readable.append(readable.removeFirst()) }
                    return block
                case .end: ended.append(reader)
                case .nothingYet: break
                }
            } catch {
                failure = error
                readable = []
            }
            free.append(block)
            if !readable.isEmpty { readable.removeFirst() }
        }
        return nil
    }

    /// Hands over what was read, and which inputs have ended.
    func takeRound() -> (blocks: [Block], ended: [InputReader]) {
        defer {
            blocks = []
            ended = []
            claimedBytes = 0
        }
        return (blocks, ended)
    }

    func giveBack(_ blocks: [Block]) { free += blocks }
}
