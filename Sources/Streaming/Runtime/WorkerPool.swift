// The threads of a run. They work in *supersteps*: all of them do what is to do, and none goes on before all are done. What belongs to
// one superstep needs no locks against the next.

internal import Glibc
internal import Synchronization

/// Who does the workers' parts of a superstep.
public protocol Scheduler: AnyObject {
    /// Does every worker's part once.
    func run()

    /// There are no more supersteps.
    func end()
}

/// Threads that do one superstep after another, together with the one that calls.
///
/// A thread that is done waits a moment with open eyes and then sleeps: waking one through the kernel costs 15 µs.
final class WorkerPool: Scheduler, @unchecked Sendable {
    // @unchecked: what is shared is atomic, or written before the threads begin a superstep and read within it.

    let count: Int
    private let body: (Int) -> Void
    private let superstep = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let hasEnded = Atomic<Bool>(false)
    private let sleep = Lock()
    private var threads: [pthread_t] = []

    private static let glances = 20_000

    /// - Parameter body: what a worker does in a superstep, by its number; 0 is the thread that calls ``run()``.
    init(count: Int, body: @escaping (Int) -> Void) {
        self.count = count
        self.body = body
    }

    /// Does one superstep.
    func run() {
        if threads.isEmpty && count > 1 { start() }
        unfinished.store(count - 1, ordering: .releasing)
        // Under the lock, so that nobody falls asleep over it.
        sleep.lock()
        superstep.add(1, ordering: .acquiringAndReleasing)
        sleep.wakeAll()
        sleep.unlock()
        body(0)
        waitUntil { self.unfinished.load(ordering: .acquiring) == 0 }
    }

    /// Ends the threads; to be called before the pool is let go.
    func end() {
        guard !threads.isEmpty else { return }
        sleep.lock()
        hasEnded.store(true, ordering: .releasing)
        sleep.wakeAll()
        sleep.unlock()
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }

    private func start() {
        for worker in 1..<count {
            let entry = Unmanaged.passRetained(WorkerEntry(pool: self, worker: worker))
            var thread = pthread_t()
            let status = pthread_create(&thread, nil, { argument in
                guard let argument else { return nil }
                let entry = Unmanaged<WorkerEntry>.fromOpaque(argument).takeRetainedValue()
                entry.pool.work(entry.worker)
                return nil
            }, entry.toOpaque())
            guard status == 0 else { fatalError("The system gives no more threads: \(status)") }
            threads.append(thread)
        }
    }

    private func work(_ worker: Int) {
        var done = 0
        while true {
            waitUntil { self.superstep.load(ordering: .acquiring) > done || self.hasEnded.load(ordering: .acquiring) }
            if hasEnded.load(ordering: .acquiring) { return }
            done += 1
            body(worker)
            if unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                sleep.lock()
                sleep.wakeAll()
                sleep.unlock()
            }
        }
    }

    @inline(__always)
    private func waitUntil(_ isSo: () -> Bool) {
        for _ in 0..<WorkerPool.glances where isSo() { return }
        sleep.lock()
        while !isSo() { sleep.wait() }
        sleep.unlock()
    }
}

private final class WorkerEntry {
    let pool: WorkerPool
    let worker: Int

    init(pool: WorkerPool, worker: Int) {
        self.pool = pool
        self.worker = worker
    }
}
