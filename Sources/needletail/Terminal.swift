internal import Glibc

/// Standard output and standard error as the user sees them.
enum Terminal {
    static let isErrorATerminal = isatty(STDERR_FILENO) == 1
    static let isOutputATerminal = isatty(STDOUT_FILENO) == 1
    /// Colours only where somebody sees them and has not asked for none (https://no-color.org).
    static let isErrorColoured = isErrorATerminal && !Environment.isSet("NO_COLOR") && !isDumb
    private static let isDumb = getenv("TERM").map { String(cString: $0) } == "dumb"

    /// Takes the places of standard input, output and error where somebody has closed them, so that no file that is opened later gets
    /// their numbers and, say, log lines end up among the alerts. What stands there can be used for nothing: it is open the wrong way round.
    static func occupyClosedDescriptors() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is this one: those below are taken.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes to standard error; there is nobody to tell where that fails.
    static func writeError(_ text: String) {
        _ = writeAll(STDERR_FILENO, text)
    }

    /// Writes to standard output. A reader that has gone is no failure.
    static func writeOutput(_ text: String) throws(OutputFailure) {
        let failure = writeAll(STDOUT_FILENO, text)
        guard failure == 0 || failure == EPIPE else { throw OutputFailure(errorNumber: failure) }
    }

    struct OutputFailure: Error {
        var errorNumber: Int32
    }

    private static func writeAll(_ descriptor: Int32, _ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            var at = 0
            while at < bytes.count {
                let count = write(descriptor, bytes.baseAddress! + at, bytes.count - at)
                if count >= 0 {
                    at += count
                } else if errno == EAGAIN {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&waiting, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}

/// The two clocks that a command line needs: for log lines, and for rates.
enum WallClock {
    /// Microseconds since 1970.
    static func now() -> Int64 { read(CLOCK_REALTIME) }

    /// Microseconds that only ever grow.
    static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
