/// How long and how often delivery is tried, how fast, and how much at a time.
public struct DeliverySettings: Sendable, Equatable {
    public var backoffMicroseconds: Int64 = 500_000
    /// The bound of the wait of one request.
    public var backoffMaxMicroseconds: Int64 = 300_000_000
    /// An alert that is older, and fails again, is given up.
    public var ageMaxMicroseconds: Int64 = 86_400_000_000
    /// But so many times it is tried.
    public var attemptsMin = 4
    /// So many failures in a row open the circuit.
    public var circuitFailures = 10
    /// The bound of the wait between two attempts while it is open.
    public var circuitMaxMicroseconds: Int64 = 30_000_000
    /// At most so many alerts are sent a second, in bursts of no more than a second's; nil: no bound. What is over it waits.
    public var alertsPerSecondMax: Int?
    /// Most alerts in one request, within ``batchBounds``.
    public var batchMax = 1
    /// How long an alert waits for others of its batch.
    public var lingerMicroseconds: Int64 = 200_000
    /// So many bytes of alerts are in one request; a larger alert goes alone.
    public var batchBytesMax = 1 << 20
    /// So many requests may wait for their next attempt; then no new ones are begun.
    public var waitingMax = 100_000

    public static let batchBounds = 1...1_000

    public init() {}
}
