internal import Glibc
internal import Synchronization

/// SIGINT and SIGTERM end a measurement between two steps, so that its files of several hundred megabytes are removed.
enum Interrupt {
    private static let received = Atomic<Int32>(0)

    static func catchSignals() {
        for signal in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { Interrupt.received.store($0, ordering: .relaxed) }
            // Without SA_RESTART a wait for a child returns, which is then told.
            sigaction(signal, &action, nil)
        }
        // Whoever started this process may have blocked them.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    static var signal: Int32? {
        let signal = received.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    static func check() throws(BenchError) {
        if let signal { throw .interrupted(signal) }
    }
}
