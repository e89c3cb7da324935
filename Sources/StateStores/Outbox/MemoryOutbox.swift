public import Streaming

/// Alerts on their way in memory: for runs without a state folder, whose deliveries are best effort, and for tests.
///
/// - Complexity: appending takes amortised constant time an alert, marking logarithmic time.
// Safe to share: every property that changes is touched under the lock.
public final class MemoryOutbox: Outbox, @unchecked Sendable {
    /// An endpoint's rows, ascending by ordinal; nil is what is delivered.
    private struct Rows {
        var alerts: [OutboxAlert?] = []
        var ordinals: [UInt64] = []
        /// Everything before is nil.
        var head = 0
        var count = 0
        var dead: [UInt64: DeadLetter] = [:]
        var marks: [UInt64: String] = [:]

        func place(of ordinal: UInt64) -> Int {
            var (low, high) = (head, ordinals.count)
            while low < high {
                let middle = (low + high) / 2
                if ordinals[middle] < ordinal { low = middle + 1 } else { high = middle }
            }
            return low
        }

        subscript(_ ordinal: UInt64) -> OutboxAlert? {
            let place = place(of: ordinal)
            return place < ordinals.count && ordinals[place] == ordinal ? alerts[place] : nil
        }

        mutating func put(_ alert: OutboxAlert) {
            let place = place(of: alert.ordinal)
            if place < ordinals.count, ordinals[place] == alert.ordinal {
                if alerts[place] == nil { count += 1 }
                alerts[place] = alert
            } else {
                alerts.insert(alert, at: place)
                ordinals.insert(alert.ordinal, at: place)
                count += 1
            }
        }

        mutating func remove(_ ordinal: UInt64) {
            let place = place(of: ordinal)
            guard place < ordinals.count, ordinals[place] == ordinal, alerts[place] != nil else { return }
            alerts[place] = nil
            count -= 1
            while head < alerts.count, alerts[head] == nil { head += 1 }
            if head > 64, head > alerts.count / 2 {
                alerts.removeFirst(head)
                ordinals.removeFirst(head)
                head = 0
            }
        }
    }

    public let signals = OutboxSignals()
    public let rowsMax: Int
    private let bytesMax: Int
    private let deadMax: Int
    private let keepsMarks: Bool
    private let lock = Lock()
    private var rows: [Int: Rows] = [:]
    private var names: [Int: String] = [:]
    private var next: UInt64 = 0
    private var trimmed: UInt64 = 0
    private var bytes = 0
    private var nextEndpoint = 1
    private var rewinds = 0

    /// - Parameters:
    ///   - bytesMax: nothing is taken while so many bytes of alerts are on their way or dead letters, unless nothing is on its way.
    ///   - keepsMarks: for runs that go back to a checkpoint and find this outbox again, as tests do. Without it no marks are kept.
    public init(rowsMax: Int = 1_000_000, bytesMax: Int = 256 << 20, deadMax: Int = 1_000_000, keepsMarks: Bool = false) {
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
        self.deadMax = deadMax
        self.keepsMarks = keepsMarks
    }

    public var nextOrdinal: UInt64 { lock.locked { next } }
    public var rewindCount: Int { lock.locked { rewinds } }
    /// For an alert that goes to every endpoint.
    public var hasRoom: Bool { lock.locked { hasRoom(for: max(1, rows.count)) } }

    public var endpoints: [OutboxEndpoint] {
        lock.locked {
            rows.sorted { $0.key < $1.key }.map { number, rows in
                OutboxEndpoint(number: number, name: names[number] ?? "", undelivered: rows.count, dead: rows.dead.count)
            }
        }
    }

    private func hasRoom(for new: Int) -> Bool {
        let count = rows.values.reduce(0) { $0 + $1.count }
        return count == 0 || (count + new <= rowsMax && bytes < bytesMax)
    }

    public func endpoint(named name: String) throws(StoreError) -> Int {
        guard !name.isEmpty, name.utf8.count <= OutboxLimits.nameCountMax else {
            throw .failed("an endpoint's name has 1 to \(OutboxLimits.nameCountMax) bytes")
        }
        return try lock.locked { () throws(StoreError) in
            if let known = names.first(where: { $0.value == name }) { return known.key }
            guard rows.count < OutboxLimits.endpointsMax else { throw .failed("there are \(rows.count) endpoints, and no room for another") }
            defer { nextEndpoint += 1 }
            rows[nextEndpoint] = Rows()
            names[nextEndpoint] = name
            return nextEndpoint
        }
    }

    public func remove(endpoint: Int) throws(StoreError) {
        lock.locked {
            if let rows = rows[endpoint] {
                bytes -= rows.alerts.reduce(0) { $0 + ($1?.byteCount ?? 0) } + rows.dead.values.reduce(0) { $0 + $1.alert.byteCount }
            }
            rows[endpoint] = nil
            names[endpoint] = nil
        }
        signals.roomMade()
    }

    public func append(_ entries: [OutboxEntry]) throws(StoreError) -> Int {
        var (taken, added) = (0, 0)
        try lock.locked { () throws(StoreError) in
            var last: UInt64?
            for entry in entries {
                try OutboxLimits.check(entry, after: last, endpoints: rows)
                last = entry.alert.ordinal
            }
            for entry in entries {
                let alert = entry.alert
                let wanting = entry.endpoints.filter { rows[$0]?.marks[alert.ordinal] != alert.id && rows[$0]?[alert.ordinal]?.id != alert.id }
                let new = wanting.reduce(0) { $0 + (rows[$1]?[alert.ordinal] == nil ? 1 : 0) }
                guard new == 0 || hasRoom(for: new) else { break }
                if !wanting.isEmpty, alert.ordinal < next { rewinds += 1 }
                for endpoint in wanting {
                    bytes += alert.byteCount - (rows[endpoint]?[alert.ordinal]?.byteCount ?? 0)
                    rows[endpoint]?.put(alert)
                    rows[endpoint]?.marks[alert.ordinal] = nil
                }
                added += new
                next = max(next, alert.ordinal + 1)
                taken += 1
            }
        }
        if added > 0 { signals.appended() }
        return taken
    }

    public func undelivered(
        of endpoint: Int, from ordinal: UInt64, countMax: Int, bytesMax: Int
    ) throws(StoreError) -> [OutboxAlert] {
        lock.locked {
            guard let rows = rows[endpoint] else { return [] }
            var found: [OutboxAlert] = []
            var bytes = 0
            for case let alert? in rows.alerts[rows.place(of: ordinal)...] {
                guard found.count < countMax, found.isEmpty || bytes + alert.byteCount <= bytesMax else { break }
                found.append(alert)
                bytes += alert.byteCount
            }
            return found
        }
    }

    public func markDelivered(_ alerts: [OutboxReference], of endpoint: Int) throws(StoreError) {
        lock.locked {
            for reference in alerts {
                guard let alert = rows[endpoint]?[reference.ordinal] else { continue }
                guard alert.id == reference.id else {
                    rewinds += 1
                    continue
                }
                bytes -= alert.byteCount
                rows[endpoint]?.remove(reference.ordinal)
                mark(alert, endpoint)
            }
        }
        signals.roomMade()
    }

    private func mark(_ alert: OutboxAlert, _ endpoint: Int) {
        if keepsMarks, alert.ordinal >= trimmed { rows[endpoint]?.marks[alert.ordinal] = alert.id }
    }

    public func bury(_ burials: [Burial], of endpoint: Int) throws(StoreError) -> Int {
        defer { signals.roomMade() }
        return lock.locked {
            for (place, burial) in burials.enumerated() {
                guard let alert = rows[endpoint]?[burial.ordinal] else { continue }
                guard alert.id == burial.id else {
                    rewinds += 1
                    continue
                }
                guard rows.values.reduce(0, { $0 + $1.dead.count }) < deadMax else { return place }
                rows[endpoint]?.remove(burial.ordinal)
                rows[endpoint]?.dead[burial.ordinal] = DeadLetter(alert: alert, burial: burial)
                mark(alert, endpoint)
            }
            return burials.count
        }
    }

    public func deadLetters(of endpoint: Int, from ordinal: UInt64, countMax: Int) throws(StoreError) -> [DeadLetter] {
        lock.locked {
            let found = (rows[endpoint]?.dead ?? [:]).values.filter { $0.alert.ordinal >= ordinal }
            return Array(found.sorted { $0.alert.ordinal < $1.alert.ordinal }.prefix(max(0, countMax)))
        }
    }

    /// The marks that are kept, by ordinal.
    func marks(of endpoint: Int) -> [UInt64: String] { lock.locked { rows[endpoint]?.marks ?? [:] } }

    public func retry(_ ordinals: [UInt64], of endpoint: Int, nowMicroseconds: Int64) throws(StoreError) -> Int {
        let count = lock.locked {
            var count = 0
            for ordinal in ordinals {
                guard var alert = rows[endpoint]?.dead[ordinal]?.alert, rows[endpoint]?[ordinal] == nil else { continue }
                rows[endpoint]?.dead[ordinal] = nil
                alert.appendedMicroseconds = nowMicroseconds
                rows[endpoint]?.put(alert)
                count += 1
            }
            if count > 0 { rewinds += 1 }
            return count
        }
        if count > 0 { signals.appended() }
        return count
    }

    public func drop(_ ordinals: [UInt64], of endpoint: Int) throws(StoreError) -> Int {
        lock.locked {
            var count = 0
            for ordinal in ordinals {
                guard let letter = rows[endpoint]?.dead.removeValue(forKey: ordinal) else { continue }
                bytes -= letter.alert.byteCount
                count += 1
            }
            return count
        }
    }

    public func trim(before ordinal: UInt64) throws(StoreError) {
        lock.locked {
            trimmed = max(trimmed, ordinal)
            guard keepsMarks else { return }
            for endpoint in rows.keys {
                for mark in (rows[endpoint]?.marks ?? [:]).keys where mark < trimmed { rows[endpoint]?.marks[mark] = nil }
            }
        }
    }
}
