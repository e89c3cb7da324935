internal import Glibc

/// One piece of work on a thread of its own. Signals go to the other threads, so that a wait there is ended by them.
struct BackgroundThread {
    private final class Work {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let id: pthread_t

    init(_ run: @escaping @Sendable () -> Void) throws(BenchError) {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let work = Unmanaged.passRetained(Work(run))
        var id = pthread_t()
        let failure = pthread_create(
            &id, nil,
            { context in
                Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, work.toOpaque())
        guard failure == 0 else {
            work.release()
            throw .failed("cannot start a thread: \(String(cString: strerror(failure)))")
        }
        self.id = id
    }

    /// Waits for its end; what it wrote can be read then.
    func join() { pthread_join(id, nil) }
}
