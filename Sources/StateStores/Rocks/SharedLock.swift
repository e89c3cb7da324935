internal import Glibc

/// A lock that many may share, or one may have alone.
// Safe to share: the lock is a heap cell that is only handed to pthread.
final class SharedLock: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>

    init() {
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_rwlock_t())
        pthread_rwlock_init(lock, nil)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    /// May be nested in one thread: who waits to be alone lets others pass.
    func shared<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }

    /// Nil where the others do not let go in time.
    func alone<Result, Failure: Error>(waitingSecondsMax: Int, _ body: () throws(Failure) -> Result) throws(Failure) -> Result? {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        until.tv_sec += waitingSecondsMax
        guard pthread_rwlock_timedwrlock(lock, &until) == 0 else { return nil }
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }
}
