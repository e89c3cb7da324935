import Foundation
import Seeds

/// A process that takes alerts by HTTP (fixtures/webhooks/receiver.py), in a folder of its own.
final class Receiver {
    /// What it has taken.
    struct Taken {
        var id: String
        /// Empty where there was none.
        var signature: String
        var body: String
    }

    let folder: URL
    let address: String
    private(set) var port = 0
    private var child: Child?
    private var starts = 0
    private let seed: UInt64

    var url: String { "http://\(address):\(port)/hook" }

    /// Starts it.
    ///
    /// - Parameter seed: of its moods, and of its address on the loopback, at which it stays through restarts.
    init(beside session: Session, seed: UInt64 = 1, mood: String = "calm") throws {
        self.seed = seed
        folder = session.folder.deletingLastPathComponent().appendingPathComponent("receiver-" + session.folder.lastPathComponent)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var chance = SeededGenerator(seed: seed ^ UInt64.random(in: 0 ... .max))
        address = "127.\(10 + chance.below(200)).\(chance.below(250)).\(1 + chance.below(250))"
        try setMood(mood)
        try start()
    }

    deinit {
        child?.killNow()
        try? FileManager.default.removeItem(at: folder)
    }

    func setMood(_ mood: String) throws { try Data(mood.utf8).write(to: folder.appendingPathComponent("mood"), options: .atomic) }

    func start() throws {
        let file = folder.appendingPathComponent("port")
        try? FileManager.default.removeItem(at: file)
        starts += 1
        child = try Child(
            [Program.repository.appendingPathComponent("fixtures/webhooks/receiver.py").path, folder.path, address, "\(port)", "\(seed &+ UInt64(starts))"],
            program: "/usr/bin/python3", in: folder)
        for _ in 0..<3000 {
            if let text = try? String(contentsOf: file, encoding: .utf8), let number = Int(text) {
                port = number
                return
            }
            usleep(10_000)
        }
        throw RecoveryError(message: "the receiver does not start: \((try? String(contentsOf: folder.appendingPathComponent("errors"), encoding: .utf8)) ?? "")")
    }

    /// As `kill -9` ends it: connections break, and others are refused.
    func stop() {
        child?.killNow()
        child = nil
    }

    func restart() throws {
        stop()
        try start()
    }

    /// In the order in which they came.
    func taken() throws -> [Taken] {
        let file = folder.appendingPathComponent("got")
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard words.count == 3 else { throw RecoveryError(message: "the receiver has written half a line: \(line)") }
            return Taken(id: words[0], signature: words[1] == "-" ? "" : words[1], body: words[2])
        }
    }

    /// Waits until it has taken so many different alerts.
    func wait(for count: Int, milliseconds: Int = 30_000) throws -> Bool {
        let end = Date().addingTimeInterval(Double(milliseconds) / 1000)
        while true {
            if Set(try taken().map(\.id)).count >= count { return true }
            if Date() > end { return false }
            usleep(20_000)
        }
    }
}

/// Alerts of one rule in an order that every key has for itself.
struct DeliveryWorkload {
    var seed: UInt64
    var pairs = 400
    var keys = 25
    var others = 5_000

    var events: String {
        var chance = SeededGenerator(seed: seed)
        var lines: [String] = []
        let between = others / max(1, pairs)
        for pair in 0..<pairs {
            let key = chance.below(keys)
            for other in 0..<between { lines.append("{\"type\":\"n\",\"ts\":\(lines.count),\"k\":\(other)}") }
            lines.append("{\"type\":\"a\",\"ts\":\(lines.count),\"k\":\(key),\"id\":\(pair)}")
            lines.append("{\"type\":\"b\",\"ts\":\(lines.count),\"k\":\(key),\"text\":\"\(String(repeating: "ä\\u0001", count: chance.below(40)))\"}")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Fails where what came is not what an undisturbed run writes: every alert at least once, the same bytes each time, and in order for
    /// each key.
    static func difference(_ taken: [Receiver.Taken], from alerts: String) throws -> String? {
        func object(_ line: String) throws -> (id: String, key: String) {
            guard let object = try parsed(line).first, let id = object["id"] as? String else { throw RecoveryError(message: "no alert: \(line)") }
            return (id, "\(object["key"] ?? "")")
        }
        var bodies: [String: String] = [:]
        var order: [String: [String]] = [:]
        for line in alerts.split(separator: "\n").map(String.init) {
            let (id, key) = try object(line)
            bodies[id] = line
            order[key, default: []].append(id)
        }
        var seen: Set<String> = []
        var came: [String: [String]] = [:]
        for one in taken {
            guard let body = bodies[one.id] else { return "an alert came that there is not: \(one.body)" }
            guard body == one.body else { return "an alert came with other bytes: \(one.body) instead of \(body)" }
            if seen.insert(one.id).inserted { came[try object(one.body).key, default: []].append(one.id) }
        }
        guard seen.count == bodies.count else { return "\(bodies.count - seen.count) of \(bodies.count) alerts did not come" }
        return came == order ? nil : "the order is another"
    }
}
