// SIGINT and SIGTERM ask the run to stop; a second one does not wait for it.
//
// A handler may do next to nothing: it sets flags and writes one byte into a pipe. Sources wait for that pipe beside their own
// descriptor, so a request that comes just before they begin to wait is not missed: the byte stays there.

internal import Glibc
internal import Streaming
internal import Synchronization

enum StopSignals {
    /// Set once a signal has come.
    static let flag = StopFlag()
    private static let first = Atomic<Int32>(0)
    private static let wakeEnd = Atomic<Int32>(-1)

    /// The signal that came first, if any.
    static var received: Int32? {
        let number = first.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// Listens from now on. The descriptor given becomes readable with the first signal; nil where the system has no pipe left.
    static func listen() -> Int32? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        // Where standard input is closed, the pipe would stand in its place and be read for it.
        for index in ends.indices where ends[index] <= STDERR_FILENO {
            let moved = fcntl(ends[index], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
            close(ends[index])
            ends[index] = moved
        }
        guard ends.allSatisfy({ $0 >= 0 }) else { return nil }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wakeEnd.store(ends[1], ordering: .releasing)
        // Touched here, so that the handler finds all of it made.
        _ = flag.isSet
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in StopSignals.handle(number) }
            sigemptyset(&action.sa_mask)
            // No SA_RESTART: a read that waits ends with EINTR.
            sigaction(number, &action, nil)
        }
        // Whoever started us may have blocked them.
        var listened = sigset_t()
        sigemptyset(&listened)
        for number in [SIGINT, SIGTERM] { sigaddset(&listened, number) }
        sigprocmask(SIG_UNBLOCK, &listened, nil)
        return ends[0]
    }

    private static func handle(_ number: Int32) {
        let before = errno
        let (isFirst, _) = first.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing)
        guard isFirst else { _exit(ExitStatus.signal(number)) }
        flag.set()
        var byte: UInt8 = 1
        _ = write(wakeEnd.load(ordering: .acquiring), &byte, 1)
        errno = before
    }

    // MARK: - Requests

    /// Set by SIGHUP: the rules are to be read again.
    static let reload = StopFlag()
    /// Set by SIGUSR1: a savepoint is asked for, or something is to be done with dead letters.
    static let savepoint = StopFlag()
    /// Set by either.
    static let request = StopFlag()

    /// Listens for SIGHUP and SIGUSR1, which without this end the process.
    static func listenForRequests() {
        _ = (reload.isSet, savepoint.isSet, request.isSet)
        var listened = sigset_t()
        sigemptyset(&listened)
        for number in [SIGHUP, SIGUSR1] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in StopSignals.handleRequest(number) }
            sigemptyset(&action.sa_mask)
            sigaction(number, &action, nil)
            sigaddset(&listened, number)
        }
        sigprocmask(SIG_UNBLOCK, &listened, nil)
    }

    private static func handleRequest(_ number: Int32) {
        let before = errno
        // The byte first: whoever sees the flag takes the byte away.
        var byte: UInt8 = 1
        _ = write(wakeEnd.load(ordering: .acquiring), &byte, 1)
        (number == SIGHUP ? reload : savepoint).set()
        request.set()
        errno = before
    }

    /// Takes away what woke us, unless it was a request to stop.
    static func settleRequests(_ descriptor: Int32?) {
        guard let descriptor, !flag.isSet else { return }
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(descriptor, &bytes, bytes.count) > 0 {}
        // A request to stop may have come in between, and its byte have gone with the others.
        var byte: UInt8 = 1
        if flag.isSet { _ = write(wakeEnd.load(ordering: .acquiring), &byte, 1) }
    }

    /// Writing into a pipe that nobody reads gives an error instead of ending us.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}
