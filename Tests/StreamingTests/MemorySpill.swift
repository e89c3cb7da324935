@testable import Streaming

/// A space in memory that can be made to fail.
final class MemorySpill: SpillSpace, @unchecked Sendable {
    // @unchecked: everything that changes is behind the lock.

    enum Fault {
        /// The write of this number finds no room.
        case fullAtWrite(Int)
        case failsAtRead(Int)
        /// In the read of this number a bit is wrong, at this place (in a circle).
        case damagesRead(Int, bit: Int)
        case refusesRun(Int)
    }

    private let lock = Lock()
    private let fault: Fault?
    private let bytesMax: Int
    private var counts = (runs: 0, writes: 0, reads: 0)
    private var live = (runs: 0, bytes: 0, mostRuns: 0)

    init(bytesMax: Int = .max, fault: Fault? = nil) {
        self.bytesMax = bytesMax
        self.fault = fault
    }

    var operations: (runs: Int, writes: Int, reads: Int) { lock.locked { counts } }
    var liveRuns: Int { lock.locked { live.runs } }
    var liveBytes: Int { lock.locked { live.bytes } }
    var mostRuns: Int { lock.locked { live.mostRuns } }

    func makeRun() throws(SpillError) -> any SpillRun {
        try lock.locked { () throws(SpillError) in
            counts.runs += 1
            if case .refusesRun(counts.runs) = fault { throw .failed("no more runs") }
            live.runs += 1
            live.mostRuns = max(live.mostRuns, live.runs)
        }
        return Run(self)
    }

    private final class Run: SpillRun {
        private let space: MemorySpill
        private var bytes: [UInt8] = []

        init(_ space: MemorySpill) { self.space = space }

        deinit {
            space.lock.locked {
                space.live.runs -= 1
                space.live.bytes -= bytes.count
            }
        }

        func append(_ more: UnsafeRawBufferPointer) throws(SpillError) {
            try space.lock.locked { () throws(SpillError) in
                space.counts.writes += 1
                if case .fullAtWrite(space.counts.writes) = space.fault { throw .full("memory: the disk is full") }
                guard space.live.bytes + more.count <= space.bytesMax else { throw .boundReached(bytes: space.bytesMax) }
                space.live.bytes += more.count
                bytes += more
            }
        }

        func read(at offset: UInt64, into room: UnsafeMutableRawBufferPointer) throws(SpillError) {
            try space.lock.locked { () throws(SpillError) in
                space.counts.reads += 1
                if case .failsAtRead(space.counts.reads) = space.fault { throw .failed("memory: an input/output error") }
                room.copyBytes(from: bytes[Int(offset)..<Int(offset) + room.count])
                if case .damagesRead(space.counts.reads, let bit) = space.fault { room[bit / 8 % room.count] ^= 1 << UInt8(bit % 8) }
            }
        }
    }
}
