import ReferenceMatcher
import StateStores
@testable import Streaming

/// What a process has around it, driven by one seed: a clock, a disk, inputs, and a scheduler. It may end at any operation; what the disk
/// keeps of that is the disk's choice, within what was made durable.
final class SimulatedWorld {
    var random: RandomSource
    /// Operations that are left until the process dies; nil where it lives on.
    var operationsLeft: Int?
    private(set) var isDead = false
    private(set) var operations = 0
    /// What the disk holds. Checkpoints are whole by the store's own promise.
    let store = MemoryStore()
    var files: [SimulatedFile] = []
    var microseconds: Int64 = 0
    var commits = 0
    /// How far each source was ever read.
    var readMost: [String: Int] = [:]
    /// Steps of silence that this process has made, and how many of them the checkpoint at hand holds.
    var steps: [IdleAdvance] = []
    private var stepsAtBarrier = 0
    /// Those that no later process can undo: recorded, or held by a checkpoint.
    var lastingSteps: [IdleAdvance] = []
    var evictions: UInt64 = 0
    var coldReads: UInt64 = 0

    init(seed: UInt64) {
        random = RandomSource(seed: seed)
    }

    /// One operation outside the process; false where the process has died, and nothing happens any more.
    func operate() -> Bool {
        guard !isDead else { return false }
        operations += 1
        microseconds += Int64(random.below(2_000))
        if let left = operationsLeft {
            if left == 0 {
                isDead = true
                return false
            }
            operationsLeft = left - 1
        }
        return true
    }

    func noteBarrier() { stepsAtBarrier = steps.count }

    func noteCommit() {
        commits += 1
        lastingSteps += steps.prefix(stepsAtBarrier)
    }

    /// The next process finds what the disk has kept.
    func restart(dyingAfter operations: Int?) {
        steps = []
        for file in files { file.crash(&random) }
        isDead = false
        operationsLeft = operations
    }
}

/// A file of alerts, or of lines beside them.
final class SimulatedFile: ResumableSink {
    private let world: SimulatedWorld
    private(set) var bytes: [UInt8] = []
    private var durable = 0

    init(_ world: SimulatedWorld) {
        self.world = world
        name = "file \(world.files.count)"
        world.files.append(self)
    }

    static let death = SinkError.failed("the process has died")

    func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError) {
        guard world.operate() else {
            // A part of it may have come to the disk.
            if bytes.count > 0 { torn = Array(bytes.prefix(world.random.below(bytes.count + 1))) }
            throw SimulatedFile.death
        }
        self.bytes += bytes
    }

    private var torn: [UInt8] = []

    func flush() throws(SinkError) {
        guard !world.isDead else { throw SimulatedFile.death }
    }

    let name: String
    var canBeCut: Bool { true }
    var length: UInt64 { UInt64(bytes.count) }
    var tail: [UInt8] { bytes.suffix(20) }

    func synchronize() throws(SinkError) {
        guard world.operate() else { throw SimulatedFile.death }
        durable = bytes.count
    }

    func cut(to length: UInt64, tail: [UInt8]) throws(SinkError) -> Bool {
        guard world.operate() else { throw SimulatedFile.death }
        guard length <= bytes.count, bytes[..<Int(length)].suffix(20) == tail[...] else {
            throw .failed("the file is not that of the checkpoint")
        }
        bytes.removeLast(bytes.count - Int(length))
        durable = min(durable, bytes.count)
        return true
    }

    /// What was not made durable may be there, or a part of it.
    func crash(_ random: inout RandomSource) {
        bytes += torn
        torn = []
        bytes.removeLast(random.below(bytes.count - durable + 1))
    }
}

/// Lines that come in pieces, and at times not yet.
final class SimulatedSource: ResumableSource {
    let name: String
    private let world: SimulatedWorld
    private let bytes: [UInt8]
    private var position = 0

    init(_ name: String, _ bytes: [UInt8], _ world: SimulatedWorld) {
        self.name = name
        self.bytes = bytes
        self.world = world
    }

    static let death = SourceError(message: "the process has died")

    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard world.operate() else { throw SimulatedSource.death }
        if world.random.chance(15) { return nil }
        let piece = world.random.pick([1, 40, 400, 4_000])
        let count = min(room.count, 1 + world.random.below(piece), bytes.count - position)
        bytes.withUnsafeBytes { all in
            if count > 0 { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[position..<position + count])) }
        }
        position += count
        world.readMost[name] = max(world.readMost[name] ?? 0, position)
        return count
    }

    /// An earlier process has read what comes next.
    var isBehind: Bool { position < world.readMost[name] ?? 0 }

    func place(at position: UInt64) -> [UInt8] { Array("at \(position)".utf8) }

    func resume(at position: UInt64, place: [UInt8]) throws(SourceError) {
        guard world.operate() else { throw SimulatedSource.death }
        guard place == self.place(at: position) else { throw SourceError(message: "the place is of another position") }
        guard position <= bytes.count else { throw SourceError(message: "the input is shorter than the checkpoint says") }
        self.position = Int(position)
    }

    func forget(before position: UInt64) {}
}

/// The store of the process: its rows and commits are operations, and a commit that the process dies in may have come to the disk.
final class SimulatedStore: StateStore {
    private let world: SimulatedWorld

    init(_ world: SimulatedWorld) {
        self.world = world
    }

    static let death = StoreError.failed("the process has died")

    var committed: CommittedCheckpoint? { world.store.committed }

    func begin(parts: Int) throws(StoreError) -> any CheckpointWriter {
        guard world.operate() else { throw SimulatedStore.death }
        world.noteBarrier()
        return Writer(world, try world.store.begin(parts: parts))
    }

    func value(of key: UnsafeRawBufferPointer) throws(StoreError) -> [UInt8]? {
        guard world.operate() else { throw SimulatedStore.death }
        return try world.store.value(of: key)
    }

    func scan(
        from first: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer?,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        guard world.operate() else { throw SimulatedStore.death }
        try world.store.scan(from: first, to: end, body)
    }

    private final class Writer: CheckpointWriter {
        private let world: SimulatedWorld
        private let writer: any CheckpointWriter

        init(_ world: SimulatedWorld, _ writer: any CheckpointWriter) {
            self.world = world
            self.writer = writer
        }

        private func operate() throws(StoreError) {
            guard world.operate() else { throw SimulatedStore.death }
        }

        func put(part: Int, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(StoreError) {
            try operate()
            try writer.put(part: part, key: key, value: value)
        }

        func remove(part: Int, key: UnsafeRawBufferPointer) throws(StoreError) {
            try operate()
            try writer.remove(part: part, key: key)
        }

        func finish(part: Int) throws(StoreError) {
            try operate()
            try writer.finish(part: part)
        }

        func commit(anchor: [UInt8], expired: Int64) throws(StoreError) {
            let lives = world.operate()
            guard lives || world.random.chance(50) else { throw SimulatedStore.death }
            try writer.commit(anchor: anchor, expired: expired)
            world.noteCommit()
            if !lives { throw SimulatedStore.death }
        }
    }
}

/// A clock that goes on with every operation.
final class SimulatedClock: Clock {
    private let world: SimulatedWorld

    init(_ world: SimulatedWorld) {
        self.world = world
    }

    var wallMicroseconds: Int64 { world.microseconds }
    var monotonicMicroseconds: Int64 { world.microseconds }
}

/// Does the workers' parts one after another, in an order of the seed's.
final class SimulatedScheduler: Scheduler {
    private let world: SimulatedWorld
    private let count: Int
    private let body: (Int) -> Void

    init(_ world: SimulatedWorld, count: Int, body: @escaping (Int) -> Void) {
        self.world = world
        self.count = count
        self.body = body
    }

    func run() {
        var rest = Array(0..<count)
        while !rest.isEmpty { body(rest.remove(at: world.random.below(rest.count))) }
    }

    func end() {}
}
