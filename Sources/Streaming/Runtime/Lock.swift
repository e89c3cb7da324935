internal import Glibc

/// A mutual exclusion lock with a condition to wait for. `Synchronization.Mutex` gives false reports under the thread sanitizer.
package final class Lock: @unchecked Sendable {
    // @unchecked: the system's own lock, which any thread may use.

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    @inline(__always)
    func lock() { pthread_mutex_lock(mutex) }

    /// Looks again and again for a moment before it sleeps: for what is held for some microseconds, since to fall asleep and be woken costs
    /// several times as many.
    func lockSoon() {
        for _ in 0..<Lock.glances where pthread_mutex_trylock(mutex) == 0 { return }
        lock()
    }

    private static let glances = 2_000

    @inline(__always)
    func unlock() { pthread_mutex_unlock(mutex) }

    package func locked<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Waits, with the lock held, until somebody wakes the waiting; may return without.
    func wait() { pthread_cond_wait(condition, mutex) }

    func wakeAll() { pthread_cond_broadcast(condition) }
}
