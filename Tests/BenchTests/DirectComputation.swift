import Foundation

@testable import needletail_bench

/// How many alerts a workload must give, worked out from the meaning of its one rule with a few lines for each: no automaton, and nothing
/// of the engine.
struct DirectComputation {
    struct Event {
        var type: String
        var time: Int
        /// What the field that the rule goes by holds.
        var key: String
        var amount: Double
        var country: String
    }

    /// The events by key, each key's in order of time and, at one time, of arrival.
    private let streams: [[Event]]

    /// - Parameter key: the field that makes the streams.
    init(path: String, key: String) throws {
        let wanted = ["type", "ts", "amount", "country", key].map { Array($0.utf8) }
        var byKey: [String: [Event]] = [:]
        for line in [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))).split(separator: UInt8(ascii: "\n")) {
            // No value of these files holds a quote, a comma or a colon.
            var values = [String](repeating: "", count: wanted.count)
            for member in line.dropFirst().dropLast().split(separator: UInt8(ascii: ",")) {
                guard let colon = member.firstIndex(of: UInt8(ascii: ":")) else { continue }
                let name = member[..<colon].dropFirst().dropLast()
                guard let place = wanted.firstIndex(where: { $0.elementsEqual(name) }) else { continue }
                values[place] = String(decoding: member[(colon + 1)...].filter { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
            }
            let event = Event(type: values[0], time: Int(values[1])!, key: values[4], amount: Double(values[2])!, country: values[3])
            byKey[event.key, default: []].append(event)
        }
        streams = byKey.values.map { stream in
            stream.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        }
    }

    private static let minute = 60_000

    /// The field that a workload's rule goes by.
    static func key(of workload: String) -> String {
        switch workload {
        case "absence": "order"
        case "count": "merchant"
        default: "card"
        }
    }

    /// nil where nothing simple tells.
    func alerts(of workload: String) -> Int? {
        switch workload {
        case "seq": total(sequences)
        case "not": total(unconfirmed)
        case "iter": total(jumps)
        case "count": total { stream in stream.count { $0.type == "charge" } / 50 }
        case "absence": total(unpaid)
        case "latency", "keys-10k", "keys-100k", "keys-1m", "keys-10m": total(sessions)
        default: nil
        }
    }

    private func total(_ count: ([Event]) -> Int) -> Int { streams.reduce(0) { $0 + count($1) } }

    /// A big charge fires with the last three small ones before it, if these begin less than ten minutes ago and no alert used them.
    private func sequences(_ stream: [Event]) -> Int {
        var alerts = 0
        var small: [Int] = []
        for event in stream where event.type == "charge" {
            if event.amount < 2 { small.append(event.time) }
            guard event.amount > 300, small.count >= 3, event.time - small[small.count - 3] < 10 * Self.minute else { continue }
            alerts += 1
            small = []
        }
        return alerts
    }

    private func unconfirmed(_ stream: [Event]) -> Int {
        var alerts = 0
        var changed: Int?
        for event in stream {
            switch event.type {
            case "password_change": changed = event.time
            case "otp_ok": changed = nil
            case "charge" where event.amount > 200:
                guard let time = changed, event.time - time < 10 * Self.minute else { break }
                alerts += 1
                changed = nil
            default: break
            }
        }
        return alerts
    }

    private func jumps(_ stream: [Event]) -> Int {
        var alerts = 0
        var before: [Event] = []
        for event in stream where event.type == "charge" {
            before.removeAll { event.time - $0.time >= 2 * Self.minute }
            if before.contains(where: { event.amount > 5 * $0.amount && event.country != $0.country }) {
                alerts += 1
                before = []
            } else {
                before.append(event)
            }
        }
        return alerts
    }

    /// Of one order: it fires unless a payment comes behind it in time.
    private func unpaid(_ stream: [Event]) -> Int {
        guard let placed = stream.firstIndex(where: { $0.type == "order_placed" }) else { return 0 }
        let end = stream[placed].time + 15 * Self.minute
        return stream[placed...].contains { $0.type == "payment" && $0.time < end } ? 0 : 1
    }

    /// The first charge above 990 after a login and before the logout; the files are shorter than the rule's limit.
    private func sessions(_ stream: [Event]) -> Int {
        var alerts = 0
        var isOpen = false
        for event in stream {
            switch event.type {
            case "login": isOpen = true
            case "logout": isOpen = false
            case "charge" where event.amount > 990 && isOpen:
                alerts += 1
                isOpen = false
            default: break
            }
        }
        return alerts
    }
}
