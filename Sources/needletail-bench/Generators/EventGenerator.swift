internal import Events

/// Makes the lines of a file of events, one after another. The same numbers at its start give the same bytes.
protocol EventGenerator {
    /// Appends the next event with its line end.
    mutating func append(to line: inout ByteBuffer)
}

/// What the events of a workload are about.
enum EventKind: Equatable, Sendable {
    /// ``TransactionGenerator``.
    case transactions
    /// ``OrderGenerator``.
    case orders
    /// ``SessionGenerator``.
    case sessions
    /// ``MarkGenerator``.
    case marks
}

/// How much there is to read.
struct Size: Equatable, Sendable {
    var events: Int
    /// Different cards, or orders that are open at one time.
    var keys: Int

    /// A file of more events would not fit most disks.
    static let eventsMax = 1_000_000_000
    static let keysMax = 1_000_000_000
}
