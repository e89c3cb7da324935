/// What time it is outside the events. Only `idle` asks: all else goes by the events' own times.
public protocol Clock: AnyObject {
    /// Microseconds since 1970.
    var wallMicroseconds: Int64 { get }

    /// Microseconds from some moment on, which only ever grow: silence is measured by these, so that a clock that is set does no harm.
    var monotonicMicroseconds: Int64 { get }
}

/// A clock that stands still: for runs in which no input has `idle`.
public final class FrozenClock: Clock {
    public var wallMicroseconds: Int64 { 0 }
    public var monotonicMicroseconds: Int64 { 0 }

    public init() {}
}
