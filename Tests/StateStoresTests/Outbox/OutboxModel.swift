import Testing

@testable import StateStores
import Streaming

/// The obvious outbox.
struct OutboxModel: Equatable {
    struct Endpoint: Equatable {
        var name: String
        var rows: [UInt64: OutboxAlert] = [:]
        var dead: [UInt64: DeadLetter] = [:]
        var marks: [UInt64: String] = [:]
    }

    var endpoints: [Int: Endpoint] = [:]
    var trimmed: UInt64 = 0
    private var nextEndpoint = 1

    init() {}

    mutating func endpoint(named name: String) -> Int {
        if let known = endpoints.first(where: { $0.value.name == name }) { return known.key }
        defer { nextEndpoint += 1 }
        endpoints[nextEndpoint] = Endpoint(name: name)
        return nextEndpoint
    }

    mutating func append(_ entries: [OutboxEntry]) {
        for entry in entries {
            let ordinal = entry.alert.ordinal
            for number in entry.endpoints {
                if endpoints[number]?.marks[ordinal] == entry.alert.id || endpoints[number]?.rows[ordinal]?.id == entry.alert.id { continue }
                endpoints[number]?.rows[ordinal] = entry.alert
                endpoints[number]?.marks[ordinal] = nil
            }
        }
    }

    mutating func markDelivered(_ ordinals: [UInt64], of endpoint: Int) {
        for ordinal in ordinals {
            if let alert = endpoints[endpoint]?.rows.removeValue(forKey: ordinal), ordinal >= trimmed {
                endpoints[endpoint]?.marks[ordinal] = alert.id
            }
        }
    }

    mutating func bury(_ burials: [Burial], of endpoint: Int) {
        for burial in burials {
            guard let alert = endpoints[endpoint]?.rows.removeValue(forKey: burial.ordinal) else { continue }
            endpoints[endpoint]?.dead[burial.ordinal] = DeadLetter(alert: alert, burial: burial)
            if burial.ordinal >= trimmed { endpoints[endpoint]?.marks[burial.ordinal] = alert.id }
        }
    }

    mutating func retry(_ ordinals: [UInt64], of endpoint: Int, nowMicroseconds: Int64) {
        for ordinal in ordinals where endpoints[endpoint]?.rows[ordinal] == nil {
            guard var alert = endpoints[endpoint]?.dead.removeValue(forKey: ordinal)?.alert else { continue }
            alert.appendedMicroseconds = nowMicroseconds
            endpoints[endpoint]?.rows[ordinal] = alert
        }
    }

    mutating func drop(_ ordinals: [UInt64], of endpoint: Int) {
        for ordinal in ordinals { endpoints[endpoint]?.dead[ordinal] = nil }
    }

    mutating func trim(before ordinal: UInt64) {
        let bound = max(trimmed, ordinal)
        trimmed = bound
        endpoints = endpoints.mapValues { endpoint in
            var endpoint = endpoint
            endpoint.marks = endpoint.marks.filter { $0.key >= bound }
            return endpoint
        }
    }

    /// What an outbox holds, as far as it can be seen.
    static func shown(by outbox: any Outbox) throws -> [Int: Endpoint] {
        var shown: [Int: Endpoint] = [:]
        for endpoint in outbox.endpoints {
            var found = Endpoint(name: endpoint.name)
            // In bits, as a sender reads.
            var from: UInt64 = 0
            while true {
                let alerts = try outbox.undelivered(of: endpoint.number, from: from, countMax: 3, bytesMax: 1000)
                guard let last = alerts.last else { break }
                #expect(zip(alerts, alerts.dropFirst()).allSatisfy { $0.ordinal < $1.ordinal } && alerts[0].ordinal >= from)
                for alert in alerts { found.rows[alert.ordinal] = alert }
                from = last.ordinal + 1
            }
            for letter in try outbox.deadLetters(of: endpoint.number, from: 0, countMax: .max) { found.dead[letter.alert.ordinal] = letter }
            found.marks = try (outbox as? RocksOutbox)?.marks(of: endpoint.number) ?? (outbox as? MemoryOutbox)?.marks(of: endpoint.number) ?? [:]
            #expect(endpoint.undelivered == found.rows.count && endpoint.dead == found.dead.count)
            shown[endpoint.number] = found
        }
        return shown
    }
}

/// An alert that follows from its ordinal.
func sampleAlert(_ ordinal: UInt64, rules: String = "", bodyCount: Int? = nil) -> OutboxAlert {
    OutboxAlert(
        ordinal: ordinal, id: "id-\(rules)\(ordinal)", rule: "rule-\(ordinal % 3)", severity: ["", "high", "low"][Int(ordinal % 3)],
        key: Array("key-\(ordinal % 5)".utf8), appendedMicroseconds: Int64(truncatingIfNeeded: ordinal) &* 1000,
        body: Array("{\"id\":\"id-\(rules)\(ordinal)\",\"é\":\"\(String(repeating: "x", count: bodyCount ?? Int(ordinal % 7) * 9))\"}".utf8))
}

extension Outbox {
    /// What stands at an ordinal.
    func id(_ ordinal: UInt64, _ endpoint: Int) throws -> String? {
        try undelivered(of: endpoint, from: ordinal, countMax: 1, bytesMax: 0).first { $0.ordinal == ordinal }?.id
    }

    func deliver(_ ordinals: [UInt64], of endpoint: Int) throws {
        try markDelivered(ordinals.map { OutboxReference(ordinal: $0, id: try id($0, endpoint) ?? "") }, of: endpoint)
    }

    func bury(_ ordinals: [UInt64], of endpoint: Int) throws -> Int {
        var ids: [UInt64: String] = [:]
        for ordinal in ordinals { ids[ordinal] = try id(ordinal, endpoint) }
        return try bury(SmallOutboxRun.burials(ordinals) { ids[$0] }, of: endpoint)
    }
}

/// A small life of an outbox that meets everything at once.
enum SmallOutboxRun {
    enum Step {
        case endpoint(String)
        case append(ClosedRange<UInt64>, rules: String = "")
        case deliver([UInt64], Int)
        case bury([UInt64], Int)
        case retry([UInt64], Int)
        case drop([UInt64], Int)
        case trim(UInt64)
        case remove(Int)
    }

    static let steps: [Step] = [
        .endpoint("https://a.example/hook"), .endpoint("second"), .append(0...5), .deliver([0, 2], 1), .append(6...9),
        .bury([1, 3], 1), .deliver([0, 1, 2], 2), .append(4...12), .trim(5), .retry([1], 1),
        .deliver([1, 4, 5, 6], 1), .append(13...14), .drop([3], 1), .append(12...15, rules: "new-"), .trim(14),
        .endpoint("third"), .append(16...20), .deliver([16, 17], 3), .remove(2), .bury([20], 3), .append(21...24), .trim(19),
    ]

    /// Where the process ends and another one goes on.
    static let ends: Set<Int> = [6, 11, 15, 19]

    static func entries(_ range: ClosedRange<UInt64>, rules: String, endpoints: [Int]) -> [OutboxEntry] {
        range.map { ordinal in
            OutboxEntry(alert: sampleAlert(ordinal, rules: rules), endpoints: endpoints.filter { $0 == 1 || (ordinal + UInt64($0)) % 3 != 0 })
        }
    }

    /// With the ids of what is there now.
    static func burials(_ ordinals: [UInt64], id: (UInt64) -> String?) -> [Burial] {
        ordinals.map {
            Burial(
                ordinal: $0, id: id($0) ?? "", reason: "it said no", attempts: 3, lastStatus: $0 % 2 == 0 ? 410 : nil, buriedMicroseconds: 77)
        }
    }

    static func run(_ step: Step, on outbox: any Outbox) throws {
        switch step {
        case .endpoint(let name): _ = try outbox.endpoint(named: name)
        case .append(let range, let rules):
            let entries = entries(range, rules: rules, endpoints: outbox.endpoints.map(\.number))
            #expect(try outbox.append(entries) == entries.count)
        case .deliver(let ordinals, let endpoint): try outbox.deliver(ordinals, of: endpoint)
        case .bury(let ordinals, let endpoint): #expect(try outbox.bury(ordinals, of: endpoint) == ordinals.count)
        case .retry(let ordinals, let endpoint): _ = try outbox.retry(ordinals, of: endpoint, nowMicroseconds: 99)
        case .drop(let ordinals, let endpoint): _ = try outbox.drop(ordinals, of: endpoint)
        case .trim(let ordinal): try outbox.trim(before: ordinal)
        case .remove(let endpoint): try outbox.remove(endpoint: endpoint)
        }
    }

    static func run(_ step: Step, on model: inout OutboxModel) {
        switch step {
        case .endpoint(let name): _ = model.endpoint(named: name)
        case .append(let range, let rules): model.append(entries(range, rules: rules, endpoints: model.endpoints.keys.sorted()))
        case .deliver(let ordinals, let endpoint): model.markDelivered(ordinals, of: endpoint)
        case .bury(let ordinals, let endpoint):
            let rows = model.endpoints[endpoint]?.rows ?? [:]
            model.bury(burials(ordinals) { rows[$0]?.id }, of: endpoint)
        case .retry(let ordinals, let endpoint): model.retry(ordinals, of: endpoint, nowMicroseconds: 99)
        case .drop(let ordinals, let endpoint): model.drop(ordinals, of: endpoint)
        case .trim(let ordinal): model.trim(before: ordinal)
        case .remove(let endpoint): model.endpoints[endpoint] = nil
        }
    }

    /// What each step leaves; the first is the empty outbox.
    static let states: [[Int: OutboxModel.Endpoint]] = {
        var model = OutboxModel()
        return [[:]] + steps.map { step in
            run(step, on: &model)
            return model.endpoints
        }
    }()

    static func open(_ folder: String, watcher: (any DiskWatcher)? = nil) throws(StoreError) -> RocksOutbox {
        var settings = RocksOutbox.Settings()
        settings.disk = Disk(watcher: watcher)
        return try RocksOutbox(directory: folder, settings: settings)
    }

    /// An outbox after all steps, in several lives.
    static func fill(_ path: String) throws {
        var outbox: RocksOutbox?
        for (place, step) in steps.enumerated() {
            if ends.contains(place) { outbox = nil }
            let open = try outbox ?? Self.open(path)
            outbox = open
            try run(step, on: open)
        }
    }
}
