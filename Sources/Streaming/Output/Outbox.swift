// What stands between the run and the endpoints that alerts are delivered to. The run appends each alert before anybody sends it; a sender
// reads what is not delivered, and notes what was. So the run waits for no endpoint, and what a process had not delivered when it died is
// delivered by the next one.
//
// A row is an alert on its way to one endpoint. Its place is the alert's *ordinal*: how many alerts left before it since the state began.
// After a restart the run goes back to its last checkpoint and makes some alerts again, with the same ordinals; a delivered alert therefore
// leaves a *mark* until a checkpoint has passed it, and `append` skips what has a row or a mark of the same alert.
//
// An alert that an endpoint refuses for good becomes a *dead letter*: it stays until somebody has it retried or dropped.

/// An alert as it is delivered.
public struct OutboxAlert: Sendable, Equatable {
    /// The alerts that left before it since the state began.
    public var ordinal: UInt64
    /// The alert's own `id`, which is the same in every run.
    public var id: String
    public var rule: String
    /// Empty where the rule has none.
    public var severity: String
    /// Alerts of one rule and key are delivered in order.
    public var key: [UInt8]
    /// Wall clock, microseconds since 1970, when it was first appended.
    public var appendedMicroseconds: Int64
    /// What is sent, the same for every attempt.
    public var body: [UInt8]

    public init(
        ordinal: UInt64, id: String, rule: String, severity: String, key: [UInt8], appendedMicroseconds: Int64, body: [UInt8]
    ) {
        self.ordinal = ordinal
        self.id = id
        self.rule = rule
        self.severity = severity
        self.key = key
        self.appendedMicroseconds = appendedMicroseconds
        self.body = body
    }
}

/// An alert and the endpoints that it goes to.
public struct OutboxEntry: Sendable, Equatable {
    public var alert: OutboxAlert
    /// Numbers of ``Outbox/endpoint(named:)``, none twice; none at all where no endpoint wants it.
    public var endpoints: [Int]

    public init(alert: OutboxAlert, endpoints: [Int]) {
        self.alert = alert
        self.endpoints = endpoints
    }
}

public struct OutboxEndpoint: Sendable, Equatable {
    public var number: Int
    public var name: String
    /// Alerts on their way to it.
    public var undelivered: Int
    /// Alerts that it refused for good.
    public var dead: Int

    public init(number: Int, name: String, undelivered: Int = 0, dead: Int = 0) {
        self.number = number
        self.name = name
        self.undelivered = undelivered
        self.dead = dead
    }
}

/// A row, and which alert it is thought to hold.
public struct OutboxReference: Sendable, Hashable {
    public var ordinal: UInt64
    public var id: String

    public init(ordinal: UInt64, id: String) {
        self.ordinal = ordinal
        self.id = id
    }
}

/// Why an alert is given up.
public struct Burial: Sendable, Equatable {
    public var ordinal: UInt64
    /// The alert's.
    public var id: String
    /// For people; holds no secret.
    public var reason: String
    /// Since the process started.
    public var attempts: Int
    /// The last status of HTTP; nil where there was no answer.
    public var lastStatus: Int?
    /// Wall clock, microseconds since 1970.
    public var buriedMicroseconds: Int64

    public init(ordinal: UInt64, id: String, reason: String, attempts: Int, lastStatus: Int?, buriedMicroseconds: Int64) {
        self.ordinal = ordinal
        self.id = id
        self.reason = reason
        self.attempts = attempts
        self.lastStatus = lastStatus
        self.buriedMicroseconds = buriedMicroseconds
    }
}

public struct DeadLetter: Sendable, Equatable {
    public var alert: OutboxAlert
    public var burial: Burial

    public init(alert: OutboxAlert, burial: Burial) {
        self.alert = alert
        self.burial = burial
    }
}

/// Where alerts wait for their delivery. Every function may be called from any thread.
public protocol Outbox: AnyObject, Sendable {
    /// Tells senders of new rows, and the run of room.
    var signals: OutboxSignals { get }

    /// So many rows may be undelivered, those of all endpoints together.
    var rowsMax: Int { get }

    /// Whether ``append(_:)`` would take an alert now.
    var hasRoom: Bool { get }

    /// Rows on their way, those of all endpoints together.
    var undeliveredCount: Int { get }

    /// One more than the largest ordinal that was appended.
    var nextOrdinal: UInt64 { get }

    /// All that were ever asked for and not removed, ascending by number.
    var endpoints: [OutboxEndpoint] { get }

    /// The number of the endpoint with a name, which is given to it when it is first asked for and stays.
    func endpoint(named name: String) throws(StoreError) -> Int

    /// Forgets an endpoint, its rows and its dead letters.
    func remove(endpoint: Int) throws(StoreError)

    /// Appends alerts, which ascend by ordinal. They are durable when it returns, as far as the outbox keeps anything at all.
    ///
    /// What has a row or a mark of the same alert already is skipped. Where a row or a mark is of another alert, which happens when rules
    /// were changed before a restart, the new alert takes its place.
    ///
    /// - Returns: how many were taken, from the first on; fewer than given where the room ends, or where they are much for one write. 0
    ///   means that there is no room now: see ``waitForRoom(timeoutMicroseconds:)``.
    func append(_ entries: [OutboxEntry]) throws(StoreError) -> Int

    /// The rows of an endpoint from an ordinal on, ascending: at most `countMax`, and no more bodies than fill `bytesMax`, but at least
    /// one.
    func undelivered(of endpoint: Int, from ordinal: UInt64, countMax: Int, bytesMax: Int) throws(StoreError) -> [OutboxAlert]

    /// Turns rows into marks. Where there is no row, or one of another alert, nothing happens.
    func markDelivered(_ alerts: [OutboxReference], of endpoint: Int) throws(StoreError)

    /// Turns rows into dead letters. Where there is no row, or one of another alert, nothing happens.
    ///
    /// - Returns: how many were taken, from the first on: fewer than given where there may be no more dead letters. The rows of the others
    ///   stay; nothing is ever dropped to make room.
    func bury(_ burials: [Burial], of endpoint: Int) throws(StoreError) -> Int

    /// Dead letters from an ordinal on, ascending.
    func deadLetters(of endpoint: Int, from ordinal: UInt64, countMax: Int) throws(StoreError) -> [DeadLetter]

    /// Makes dead letters rows again, to be delivered with the time now as when they were appended, and tells the senders.
    ///
    /// - Returns: how many of them there were.
    func retry(_ ordinals: [UInt64], of endpoint: Int, nowMicroseconds: Int64) throws(StoreError) -> Int

    /// Forgets dead letters.
    ///
    /// - Returns: how many of them there were.
    func drop(_ ordinals: [UInt64], of endpoint: Int) throws(StoreError) -> Int

    /// How often rows may have come to stand before others since the outbox was opened, because dead letters are retried or alerts have
    /// taken the place of others: after that a sender looks again at what it has passed.
    var rewindCount: Int { get }

    /// Forgets the marks below an ordinal. Called when a checkpoint that so many alerts had left at is committed.
    func trim(before ordinal: UInt64) throws(StoreError)
}

extension Outbox {
    /// Waits until there is room, but no longer than the time given.
    ///
    /// - Returns: whether there is room.
    public func waitForRoom(timeoutMicroseconds: Int64) -> Bool {
        signals.wait(timeoutMicroseconds: timeoutMicroseconds) { hasRoom }
    }
}

extension Outbox {
    public var undeliveredCount: Int { endpoints.reduce(0) { $0 + $1.undelivered } }
}
