public import Events
internal import Glibc

/// The place of an alert in the order of all alerts; section 8 of the language.
public struct AlertOrder: Sendable, Equatable {
    public var time: Int64
    /// Deadlines stand before events of their time.
    public var isEvent: Bool
    /// Of the event that completed it; of a deadline, of the first event captured.
    public var arrival: UInt64
    public var rule: Int
    public var firstArrival: UInt64
    /// With keys by step one event may begin matches of several keys: section 5's order of their captures, most captures first, then
    /// the places of the events, then the steps. Empty where the rule has one key.
    public var captures: [UInt64]
    /// Among the matches of one rule and key that complete at the same moment.
    public var ordinal: Int

    public init(
        time: Int64, isEvent: Bool, arrival: UInt64, rule: Int, firstArrival: UInt64, captures: [UInt64] = [], ordinal: Int
    ) {
        self.time = time
        self.isEvent = isEvent
        self.arrival = arrival
        self.rule = rule
        self.firstArrival = firstArrival
        self.captures = captures
        self.ordinal = ordinal
    }

    @inline(__always)
    public static func < (left: AlertOrder, right: AlertOrder) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.isEvent != right.isEvent { return !left.isEvent }
        if left.arrival != right.arrival { return left.arrival < right.arrival }
        if left.rule != right.rule { return left.rule < right.rule }
        if left.firstArrival != right.firstArrival { return left.firstArrival < right.firstArrival }
        if left.captures != right.captures { return left.captures.lexicographicallyPrecedes(right.captures) }
        return left.ordinal < right.ordinal
    }
}

/// An alert as the matcher leaves it: JSON in two pieces, between which the alert stage writes how many were suppressed before it.
public struct PendingAlert: Sendable {
    public var order: AlertOrder
    public var isTimeout: Bool
    /// Into the buffer's bytes: the alert up to `"suppressed":`, what follows the number, and the cooldown's key.
    public var start: Int
    public var split: Int
    public var end: Int
    public var keyEnd: Int

    public init(order: AlertOrder, isTimeout: Bool, start: Int, split: Int, end: Int, keyEnd: Int) {
        self.order = order
        self.isTimeout = isTimeout
        self.start = start
        self.split = split
        self.end = end
        self.keyEnd = keyEnd
    }
}

/// Alerts of one step of the watermark, in the order in which they arose.
public final class AlertBuffer {
    public var bytes = ByteBuffer(capacity: 64 * 1024)
    public var pending: [PendingAlert] = []

    public init() {}

    public func removeAll() {
        bytes.removeAll()
        pending.removeAll(keepingCapacity: true)
    }

    /// Appends an alert of another buffer.
    public func append(_ alert: PendingAlert, of other: AlertBuffer) {
        let start = bytes.count
        bytes.append(UnsafePointer(other.bytes.bytes) + alert.start, count: alert.keyEnd - alert.start)
        var moved = alert
        moved.start = start
        moved.split += start - alert.start
        moved.end += start - alert.start
        moved.keyEnd += start - alert.start
        pending.append(moved)
    }

    /// Puts the alerts into the order in which they leave.
    public func sort() {
        guard pending.count > 1 else { return }
        pending.sort { $0.order < $1.order }
    }
}
