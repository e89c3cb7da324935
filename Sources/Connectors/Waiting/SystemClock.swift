public import Streaming
internal import Glibc

/// The machine's clocks.
public final class SystemClock: Clock {
    public init() {}

    public var wallMicroseconds: Int64 { SystemClock.microseconds(CLOCK_REALTIME) }
    public var monotonicMicroseconds: Int64 { SystemClock.microseconds(CLOCK_MONOTONIC) }

    static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
