public import Streaming
internal import Events

/// Alerts on their way into an outbox: each line becomes a row for every endpoint that wants it. Where the outbox has no room, the run
/// waits here.
///
/// What has left by it cannot be called back, so it is no sink that a restart cuts: alerts that are made again are known by their ordinals.
public final class OutboxSink: Sink {
    /// An endpoint, by its number in the outbox, and what it wants.
    public struct Destination: Sendable {
        public var endpoint: Int
        public var route: WebhookRoute

        public init(endpoint: Int, route: WebhookRoute) {
            self.endpoint = endpoint
            self.route = route
        }
    }

    private let outbox: any Outbox
    private let destinations: [Destination]
    private let clock: any Clock
    private let isStopped: @Sendable () -> Bool
    private var pending: [UInt8] = []

    /// The ordinal of the next alert: how many left before it since the state began. Set where a run goes on, before the first alert.
    public var ordinal: UInt64

    /// How often the run has waited for room.
    public private(set) var waits = 0

    private static let waitMicroseconds: Int64 = 100_000

    /// - Parameter isStopped: whether to give up waiting for room; the alerts that are left are made again after a restart.
    public init(
        outbox: any Outbox, destinations: [Destination], clock: any Clock, ordinal: UInt64 = 0,
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) {
        self.outbox = outbox
        self.destinations = destinations
        self.clock = clock
        self.ordinal = ordinal
        self.isStopped = isStopped
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(SinkError) {
        pending.append(contentsOf: bytes)
    }

    /// Appends what was written; it is durable afterwards, as far as the outbox keeps anything.
    ///
    /// - Throws: `failed` where the outbox cannot be written, a line is no alert, or the run is stopped while there is no room.
    public func flush() throws(SinkError) {
        guard !pending.isEmpty else { return }
        let now = clock.wallMicroseconds
        var entries: [OutboxEntry] = []
        for line in pending.split(separator: UInt8(ascii: "\n")) {
            let next = ordinal.addingReportingOverflow(UInt64(entries.count))
            guard !next.overflow, let (alert, tags) = OutboxAlert.read(line, ordinal: next.partialValue, appendedMicroseconds: now) else {
                throw .failed("What goes to a webhook is no alert")
            }
            let wanting = destinations.filter { $0.route.wants(rule: alert.rule, severity: alert.severity, tags: tags) }
            entries.append(OutboxEntry(alert: alert, endpoints: wanting.map(\.endpoint)))
        }
        pending.removeAll(keepingCapacity: true)
        var rest = entries[...]
        while !rest.isEmpty {
            let taken: Int
            do throws(StoreError) { taken = try outbox.append(Array(rest)) } catch { throw .failed(Self.text(of: error)) }
            ordinal += UInt64(taken)
            rest = rest.dropFirst(taken)
            guard taken == 0 else { continue }
            waits += 1
            while !outbox.waitForRoom(timeoutMicroseconds: Self.waitMicroseconds) {
                if isStopped() { throw .failed("The outbox is full (\(outbox.rowsMax) alerts), and its endpoints take none") }
            }
        }
    }

    private static func text(of error: StoreError) -> String {
        switch error {
        case .full(let text), .damaged(let text), .inUse(let text), .unknownFormat(let text), .failed(let text): text
        }
    }
}

extension OutboxAlert {
    /// An alert as it leaves the run, one line of JSON, and its tags as they stand there. Nil where it is none.
    public static func read(_ line: ArraySlice<UInt8>, ordinal: UInt64, appendedMicroseconds: Int64) -> (alert: OutboxAlert, tags: [String])? {
        guard let members = AlertMembers(line), let id = members.text("id"), let rule = members.text("rule") else { return nil }
        func text(_ bytes: ArraySlice<UInt8>?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
        let alert = OutboxAlert(
            ordinal: ordinal, id: text(id), rule: text(rule), severity: text(members.text("severity")), key: Array(members["key"] ?? []),
            appendedMicroseconds: appendedMicroseconds, body: Array(line))
        return (alert, (members["tags"].flatMap(AlertMembers.texts) ?? []).map { text($0) })
    }
}
