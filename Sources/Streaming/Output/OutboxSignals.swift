internal import Glibc

/// How those who append to an outbox and those who deliver from it hear of one another.
public final class OutboxSignals: @unchecked Sendable {
    // @unchecked: what changes is touched with the mutex held.

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var listeners: [Int: @Sendable () -> Void] = [:]
    private var listenerCount = 0

    public init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // A clock that is set must not lengthen a wait.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Has `body` called, on the thread of whoever appends, when there are new rows. It must not block or call the outbox.
    ///
    /// - Returns: what ``ignoreAppends(_:)`` takes.
    public func onAppend(_ body: @escaping @Sendable () -> Void) -> Int {
        locked {
            listenerCount += 1
            listeners[listenerCount] = body
            return listenerCount
        }
    }

    /// `body` is called no more once this has returned.
    public func ignoreAppends(_ listener: Int) {
        locked { listeners[listener] = nil }
    }

    /// Called by an outbox, with none of its locks held.
    public func appended() {
        locked {
            for listener in listeners.values { listener() }
        }
    }

    /// Called by an outbox, with none of its locks held, when there is room again.
    public func roomMade() {
        locked { _ = pthread_cond_broadcast(condition) }
    }

    /// Waits until `isTrue`, which is asked again after each ``roomMade()``, but no longer than the time given.
    func wait(timeoutMicroseconds: Int64, until isTrue: () -> Bool) -> Bool {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        // A year is as good as for ever.
        let microseconds = min(max(0, timeoutMicroseconds), 31_536_000_000_000) + Int64(until.tv_nsec) / 1000
        until.tv_sec += Int(microseconds / 1_000_000)
        until.tv_nsec = Int(microseconds % 1_000_000) * 1000
        return locked {
            while !isTrue() {
                if pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT { return isTrue() }
            }
            return true
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
