import Foundation
import Seeds
import Testing

@testable import Connectors
import StateStores
import Streaming

/// A server that misbehaves at random, with time that runs two hundred times as fast: no alert is lost, one is repeated only after a fault
/// that leaves open whether it was taken, and the dead letters are those that the server refused.
@Suite struct MisbehaviourTests {
    private static let scale: Int64 = 200
    /// Keys; of two rules, so that as many again are alerts whose order counts.
    private static let lanes: UInt64 = 5
    private static let timeoutMilliseconds = 500

    private enum End: Equatable {
        case taken
        case refused(Int)
        /// Fails for ever, and is given up.
        case never
    }

    /// The server's side of a run.
    private final class World: @unchecked Sendable {
        let lock = Lock()
        var random: SeededGenerator
        let clock: ScaledClock
        var ends: [UInt64: End] = [:]
        var faultsLeft: [UInt64: Int] = [:]
        var resetsLeft: Int
        /// How often each was taken, and how often after which it was open whether the sender knows.
        var taken: [UInt64: Int] = [:]
        var ambiguous: [UInt64: Int] = [:]
        var firstTaken: [UInt64] = []
        var wrong: [String] = []
        var history: [UInt64: [String]] = [:]
        /// By the request's id.
        var bodies: [String: [UInt8]] = [:]
        /// The id of the request with which each was first taken.
        var takenWith: [UInt64: String] = [:]
        let secret: WebhookSecret
        /// 1: each request is an alert; otherwise a list.
        let batchMax: Int

        init(_ salt: UInt64, count: UInt64, batchMax: Int, clock: ScaledClock, secret: WebhookSecret) {
            self.batchMax = batchMax
            random = SeededGenerator(salt)
            self.clock = clock
            self.secret = secret
            resetsLeft = Int.random(in: 0...5, using: &random)
            let hasNever = Int.random(in: 0..<8, using: &random) == 0
            for ordinal in 0..<count {
                faultsLeft[ordinal] = Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1...3, using: &random) : 0
                switch Int.random(in: 0..<12, using: &random) {
                case 0: ends[ordinal] = .refused([301, 302, 308, 400, 401, 403, 404, 410, 413, 422].randomElement(using: &random) ?? 410)
                case 1 where hasNever: ends[ordinal] = .never
                default: ends[ordinal] = .taken
                }
            }
        }

        func resets() -> Bool {
            lock.locked {
                guard resetsLeft > 0, Int.random(in: 0..<6, using: &random) == 0 else { return false }
                resetsLeft -= 1
                return true
            }
        }

        func reply(_ request: TestRequest) -> TestReply {
            let ordinals = ordinals(of: request)
            let reply = decide(request, ordinals)
            lock.locked {
                for ordinal in ordinals {
                    let time = clock.monotonicMicroseconds / MisbehaviourTests.scale / 1000
                    history[ordinal, default: []].append("\(time) ms in \(request.header("webhook-id") ?? ""): \(reply)")
                }
            }
            return reply
        }

        /// The alerts of a request, in its order.
        private func ordinals(of request: TestRequest) -> [UInt64] {
            let json = try? JSONSerialization.jsonObject(with: Data(request.body))
            let alerts = batchMax == 1 ? [json as? [String: Any] ?? [:]] : json as? [[String: Any]] ?? []
            return alerts.map { UInt64(($0["id"] as? String ?? "").dropFirst(2)) ?? .max }
        }

        private func decide(_ request: TestRequest, _ ordinals: [UInt64]) -> TestReply {
            lock.locked {
                let ends = ordinals.compactMap { self.ends[$0] }
                guard let id = request.header("webhook-id"), !ends.isEmpty, ends.count == ordinals.count, ends.count <= batchMax else {
                    wrong.append("an unknown request: \(request.head)")
                    return .answer(400)
                }
                if id != WebhookEndpoint.requestID(of: ordinals.map { "id\($0)" }) { wrong.append("\(id) of \(ordinals)") }
                let time = Int64(request.header("webhook-timestamp") ?? "") ?? 0
                if request.header("webhook-signature") != secret.signature(id: id, timestamp: time, body: request.body) { wrong.append("\(id): its signature") }
                if bodies[id, default: request.body] != request.body { wrong.append("\(id): other bytes") }
                bodies[id] = request.body
                for (place, ordinal) in ordinals.enumerated() {
                    let before = firstTaken.first { $0 > ordinal && ($0 - ordinal) % (2 * MisbehaviourTests.lanes) == 0 && !ordinals.contains($0) }
                    let within = ordinals[..<place].first { $0 > ordinal && ($0 - ordinal) % (2 * MisbehaviourTests.lanes) == 0 }
                    if let other = before ?? within { wrong.append("id\(ordinal) comes after \(other)") }
                }
                // One that is refused takes the others with it, which then come by themselves.
                for case .refused(let status) in ends {
                    return .answer(status, headers: ["Location: http://169.254.169.254/latest/meta-data"], body: "no")
                }
                if ordinals.contains(where: { faultsLeft[$0, default: 0] > 0 }) || ends.contains(.never) {
                    for ordinal in ordinals { faultsLeft[ordinal, default: 0] -= 1 }
                    return fault(ordinals, id)
                }
                take(ordinals, id)
                // On a busy machine the request may come so late that the sender does not wait for the answer.
                let age = (clock.wallMicroseconds - time * 1_000_000) / MisbehaviourTests.scale / 1000
                if age > MisbehaviourTests.timeoutMilliseconds / 2 { doubt(ordinals) }
                switch Int.random(in: 0..<14, using: &random) {
                case 0:
                    // On a busy machine it may take too long.
                    doubt(ordinals)
                    return .drip(200)
                case 1: return .huge(300_000)
                case 2: return .answer(200, body: String(repeating: "x", count: 3000), delayMilliseconds: 20)
                case 3: return .answer(204)
                case 4: return .neverEnds
                default: return .answer(200, body: "ok")
                }
            }
        }

        private func doubt(_ ordinals: [UInt64]) { for ordinal in ordinals { ambiguous[ordinal, default: 0] += 1 } }

        private func take(_ ordinals: [UInt64], _ id: String) {
            for ordinal in ordinals {
                if taken[ordinal] == nil { firstTaken.append(ordinal) }
                taken[ordinal, default: 0] += 1
                if taken[ordinal, default: 0] > 1 + ambiguous[ordinal, default: 0] { wrong.append("id\(ordinal) was sent again without need: \(history[ordinal] ?? [])") }
                if takenWith[ordinal, default: id] != id { wrong.append("id\(ordinal) was sent again in another request: \(history[ordinal] ?? [])") }
                takenWith[ordinal] = id
            }
        }

        /// Some faults come after the alerts were taken.
        private func fault(_ ordinals: [UInt64], _ id: String) -> TestReply {
            let isOpen = ordinals.allSatisfy { ends[$0] == .taken } && Int.random(in: 0..<3, using: &random) == 0
            if isOpen {
                take(ordinals, id)
                doubt(ordinals)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: return .hang(milliseconds: MisbehaviourTests.timeoutMilliseconds * 2)
                case 1: return .garbage
                default: return .reset
                }
            }
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = TimeZone(identifier: "GMT")
            formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
            let date = formatter.string(from: Date(timeIntervalSince1970: Double(clock.wallMicroseconds) / 1e6 + 3))
            switch Int.random(in: 0..<9, using: &random) {
            case 0: return .answer(429, headers: ["Retry-After: 2"])
            case 1: return .answer(429, headers: ["retry-after: \(date)"])
            case 2: return .answer(503, headers: ["Retry-After: nonsense"])
            case 3: return .answer([408, 425, 429].randomElement(using: &random) ?? 408)
            case 4: return .reset
            case 5: return .garbage
            case 6: return .hang(milliseconds: MisbehaviourTests.timeoutMilliseconds * 2)
            case 7: return .drip(502)
            default: return .answer([500, 501, 502, 503, 504, 599].randomElement(using: &random) ?? 500)
            }
        }
    }

    /// What went wrong in a run; empty where nothing did.
    private static func run(_ round: Int) throws -> [String] {
        var random = SeededGenerator(7000 + UInt64(round))
        let clock = ScaledClock(scale: scale)
        let count = UInt64.random(in: 5...40, using: &random)
        let secret = try WebhookSecret(SenderTests.secretText)
        // A third of the runs send batches.
        let batchMax = round % 3 == 2 ? Int.random(in: 2...12, using: &random) : 1
        let world = World(8000 + UInt64(round), count: count, batchMax: batchMax, clock: clock, secret: secret)
        let server = try TestServer(number: round, resetsBeforeReading: { world.resets() }) { world.reply($0) }
        defer { server.stop() }
        var endpoint = try WebhookEndpoint(name: "ops", url: server.url, secrets: [secret], allowsPrivateAddresses: true)
        endpoint.timeoutMilliseconds = timeoutMilliseconds
        endpoint.inFlightMax = Int.random(in: 1...8, using: &random)
        // An hour, in which an alert that fails three times is long delivered; where some never are, ten minutes of the machine's seconds.
        let hasNever = world.ends.values.contains(.never)
        endpoint.delivery.ageMaxMicroseconds = hasNever ? 1_500_000_000 : 3_600_000_000
        endpoint.delivery.circuitFailures = Int.random(in: 2...10, using: &random)
        endpoint.delivery.batchMax = batchMax
        endpoint.delivery.lingerMicroseconds = Int64.random(in: 1_000...4_000_000, using: &random)
        let outbox = MemoryOutbox()
        let sender = try WebhookSender(endpoint, outbox: outbox, clock: clock, random: SeededGenerator.shared(UInt64(round)), tuning: .init(timeScale: scale))
        sender.start()
        let number = sender.number
        var next: UInt64 = 0
        while next < count {
            let end = min(count, next + UInt64.random(in: 1...12, using: &random))
            let entries = (next..<end).map { OutboxEntry(alert: sampleAlert($0, lanes: lanes, at: clock.wallMicroseconds), endpoints: [number]) }
            _ = try outbox.append(entries)
            next = end
            if Int.random(in: 0..<6, using: &random) == 0 {
                server.pause()
                usleep(UInt32.random(in: 0...30_000, using: &random))
                try server.resume()
            }
        }
        let isDone = sender.waitUntilDelivered(timeoutMicroseconds: scale * 60_000_000)
        sender.stop()

        return try world.lock.locked {
            var wrong = world.wrong
            if !isDone { wrong.append("not done: \(sender.current)") }
            let dead = Dictionary(uniqueKeysWithValues: try outbox.deadLetters(of: number, from: 0, countMax: .max).map { ($0.alert.ordinal, $0.burial) })
            for ordinal in 0..<count {
                switch world.ends[ordinal] {
                case .refused(let status)?: if dead[ordinal]?.lastStatus != status { wrong.append("id\(ordinal), refused with \(status): \(dead[ordinal] as Any)") }
                case .never?: if !(dead[ordinal]?.reason.hasPrefix("given up after") ?? false) { wrong.append("id\(ordinal), never taken: \(dead[ordinal] as Any)") }
                default:
                    if dead[ordinal] != nil { wrong.append("id\(ordinal) is dead: \(dead[ordinal] as Any)") }
                    if world.taken[ordinal] == nil { wrong.append("id\(ordinal) is lost") }
                }
            }
            return wrong
        }
    }

    @Test func nothingIsLostAndNothingRepeatedWithoutNeed() async {
        let rounds = Volume.pick(test: 100, soak: 1000)
        // Runs wait most of the time.
        await withTaskGroup(of: (Int, [String]).self) { group in
            var begun = 0
            func begin() {
                let round = begun
                begun += 1
                group.addTask {
                    await withCheckedContinuation { done in
                        Thread.detachNewThread {
                            do { done.resume(returning: (round, try Self.run(round))) } catch { done.resume(returning: (round, ["\(error)"])) }
                        }
                    }
                }
            }
            while begun < min(24, rounds) { begin() }
            for await (round, wrong) in group {
                #expect(wrong.isEmpty, "round \(round), seed \(String(Volume.baseSeed, radix: 16)): \(wrong.prefix(4))")
                if begun < rounds { begin() }
            }
        }
    }
}
