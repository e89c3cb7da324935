import Seeds
import Testing

@testable import Connectors

/// When what is sent, by a clock turned by hand.
@Suite struct DeliveryPlanTests {
    private static let second: Int64 = 1_000_000

    private func plan(inFlightMax: Int = 4, random: UInt64 = .max, _ change: (inout DeliverySettings) -> Void = { _ in }) -> DeliveryPlan {
        var settings = DeliverySettings()
        change(&settings)
        return answered(DeliveryPlan(settings, inFlightMax: inFlightMax) { random })
    }

    /// A plan whose first attempt went well.
    private func answered(_ plan: DeliveryPlan) -> DeliveryPlan {
        var plan = plan
        plan.add(.max - 1, lane: lane(255), age: 0, now: 0)
        #expect(plan.next(now: 0) == .max - 1 && plan.ended(.max - 1, .delivered, now: 0) == .delivered)
        return plan
    }

    @Test func theFirstAttemptIsAlone() {
        var plan = DeliveryPlan(DeliverySettings(), inFlightMax: 4) { 0 }
        #expect(plan.wantsMore(now: 0) && !plan.isEndpointDown)
        for ordinal in 0..<4 { plan.add(UInt64(ordinal), lane: lane(UInt8(ordinal)), age: 0, now: 0) }
        #expect(plan.nextTime(now: 7) == 7)
        #expect(plan.next(now: 7) == 0 && plan.next(now: 7) == nil)
        #expect(plan.ended(0, bad, now: 8) == .waiting && plan.isEndpointDown)
        #expect(plan.next(now: 8) == 1 && plan.next(now: 8) == nil)
        #expect(plan.ended(1, .delivered, now: 9) == .delivered && !plan.isEndpointDown)
        #expect([plan.next(now: 9), plan.next(now: 9), plan.next(now: 9)] == [0, 2, 3])
    }

    private func lane(_ key: UInt8) -> DeliveryPlan.LaneKey { .init(rule: "r", key: [key]) }

    private let bad = DeliveryOutcome.failed(reason: "HTTP 500", status: 500, retryAfterMicroseconds: nil)

    @Test func alertsOfOneKeyGoOneAfterAnother() {
        var plan = plan()
        for ordinal in 0..<6 { plan.add(UInt64(ordinal), lane: lane(UInt8(ordinal % 2)), age: 0, now: 0) }
        #expect(plan.next(now: 0) == 0)
        #expect(plan.next(now: 0) == 1)
        #expect(plan.next(now: 0) == nil)
        #expect(plan.ended(1, .delivered, now: 5) == .delivered)
        #expect(plan.next(now: 5) == 3)
        #expect(plan.ended(0, .refused(reason: "HTTP 404", status: 404), now: 6) == .givenUp(reason: "HTTP 404", attempts: 1, status: 404))
        #expect(plan.next(now: 6) == 2)
        #expect(plan.ended(3, .delivered, now: 7) == .delivered)
        #expect(plan.next(now: 7) == 5)
        #expect(plan.ended(5, .delivered, now: 8) == .delivered)
        #expect(plan.ended(2, .delivered, now: 8) == .delivered)
        #expect(plan.next(now: 8) == 4)
        #expect(plan.ended(4, .delivered, now: 9) == .delivered)
        #expect(plan.count == 0 && plan.next(now: 9) == nil && plan.nextTime(now: 9) == nil)
    }

    @Test func noMoreAreUnderWayThanMayBe() {
        var plan = plan(inFlightMax: 3)
        for ordinal in 0..<9 { plan.add(UInt64(ordinal), lane: lane(UInt8(ordinal)), age: 0, now: 0) }
        #expect([0, 0, 0, 0].map { plan.next(now: $0) } == [0, 1, 2, nil])
        #expect(!plan.wantsMore(now: 0))
        _ = plan.ended(1, .delivered, now: 1)
        #expect(plan.next(now: 1) == 3)
    }

    /// The random number chosen so that the wait is the longest that may be, and the shortest.
    @Test func waitsGrowToTheirBound() {
        for isLongest in [true, false] {
            let settings = DeliverySettings()
            let bounds = (0..<14).map { min(settings.backoffMaxMicroseconds, settings.backoffMicroseconds << Int64($0)) }
            let turn = Turn()
            var plan = answered(DeliveryPlan(settings, inFlightMax: 2) { isLongest ? UInt64(bounds[min(turn.value, 13)]) : 0 })
            plan.add(1, lane: lane(1), age: 0, now: 0)
            // Another that is always answered, so that the circuit stays closed.
            var now: Int64 = 0
            for attempt in 0..<14 {
                turn.value = attempt
                #expect(plan.next(now: now) == 1)
                #expect(plan.ended(1, bad, now: now) == .waiting)
                plan.add(UInt64(100 + attempt), lane: lane(2), age: 0, now: now)
                #expect(plan.next(now: now) == (isLongest ? UInt64(100 + attempt) : 1) || !isLongest)
                if isLongest {
                    _ = plan.ended(UInt64(100 + attempt), .delivered, now: now)
                    #expect(plan.nextTime(now: now) == now + bounds[attempt])
                    #expect(plan.next(now: now + bounds[attempt] - 1) == nil)
                    now += bounds[attempt]
                } else { break }
            }
        }
    }

    private final class Turn: @unchecked Sendable { var value = 0 }

    @Test func aCircuitOpensAndOneAttemptClosesIt() {
        var plan = plan(inFlightMax: 8, random: UInt64(500_000)) { $0.circuitFailures = 3 }
        for ordinal in 0..<8 { plan.add(UInt64(ordinal), lane: lane(UInt8(ordinal)), age: 0, now: 0) }
        for _ in 0..<5 { _ = plan.next(now: 0) }
        for ordinal in 0..<3 { #expect(plan.ended(UInt64(ordinal), bad, now: 1) == .waiting) }
        #expect(plan.circuit == .open(until: 500_001))
        // What was under way goes on, and its failure changes nothing.
        #expect(plan.ended(3, bad, now: 2) == .waiting)
        #expect(plan.next(now: 500_000) == nil && !plan.wantsMore(now: 500_000))
        #expect(plan.nextTime(now: 2) == 500_001)
        let probe = plan.next(now: 500_001)
        #expect(probe == 5 && plan.next(now: 500_001) == nil)
        #expect(plan.ended(5, bad, now: 500_002) == .waiting)
        #expect(plan.circuit != .closed && plan.next(now: 500_003) == nil)
        // An answer, be it a refusal, shows that somebody is there.
        #expect(plan.ended(4, .refused(reason: "HTTP 400", status: 400), now: 500_004) != .waiting)
        #expect(plan.circuit == .closed)
        var sent: Set<UInt64> = []
        while let ordinal = plan.next(now: 500_005) { sent.insert(ordinal) }
        #expect(sent == [0, 1, 2, 3, 5, 6, 7])
    }

    @Test func retryAfterHoldsBackTheEndpoint() {
        var plan = plan(random: 0)
        for ordinal in 0..<3 { plan.add(UInt64(ordinal), lane: lane(UInt8(ordinal)), age: 0, now: 0) }
        #expect(plan.next(now: 0) == 0)
        let wait = 7 * Self.second
        #expect(plan.ended(0, .failed(reason: "HTTP 429", status: 429, retryAfterMicroseconds: wait), now: 10) == .waiting)
        #expect(plan.next(now: wait + 9) == nil && plan.nextTime(now: 11) == wait + 10)
        #expect(plan.next(now: wait + 10) != nil && plan.next(now: wait + 10) != nil && plan.next(now: wait + 10) != nil)
        // For ever is as long as an alert may grow old.
        var other = self.plan(random: 0)
        other.add(1, lane: lane(1), age: 0, now: 0)
        _ = other.next(now: 0)
        #expect(other.ended(1, .failed(reason: "HTTP 503", status: 503, retryAfterMicroseconds: .max), now: 0) == .waiting)
        #expect(other.nextTime(now: 0) == DeliverySettings().ageMaxMicroseconds)
    }

    @Test func anAlertThatIsTooOldIsGivenUpAfterItsLastAttempt() {
        let age = DeliverySettings().ageMaxMicroseconds
        var plan = plan(random: 400_000_000) { $0.attemptsMin = 1 }
        plan.add(1, lane: lane(1), age: age - 1000, now: 50)
        plan.add(2, lane: lane(2), age: age * 3, now: 50)
        #expect(plan.next(now: 50) == 1 && plan.next(now: 50) == 2)
        #expect(plan.ended(1, .failed(reason: "HTTP 503", status: 503, retryAfterMicroseconds: 900), now: 60) == .waiting)
        // Old as it is, it was tried.
        #expect(plan.ended(2, bad, now: 60) == .givenUp(reason: "given up after 24 h: HTTP 500", attempts: 1, status: 500))
        #expect(plan.next(now: 1_049) == nil && plan.next(now: 1_050) == 1)
        let noAnswer = DeliveryOutcome.failed(reason: "no answer", status: nil, retryAfterMicroseconds: nil)
        #expect(plan.ended(1, noAnswer, now: 1_051) == .givenUp(reason: "given up after 24 h: no answer", attempts: 2, status: 503))
        #expect(plan.count == 0)
        // A clock that was set back makes nobody young.
        plan.add(3, lane: lane(1), age: -99, now: 2_000)
        #expect(plan.next(now: 2_000) == 3)
        #expect(plan.ended(3, bad, now: 2_000 + age) != .waiting)
    }

    /// It grew old behind another one, or while nothing ran: it has its attempts all the same.
    @Test func anOldAlertIsNotGivenUpAtOnce() {
        let age = DeliverySettings().ageMaxMicroseconds
        var plan = plan(random: 0)
        plan.add(1, lane: lane(1), age: age * 2, now: 0)
        for now in 0..<3 {
            #expect(plan.next(now: Int64(now)) == 1)
            #expect(plan.ended(1, bad, now: Int64(now)) == .waiting)
        }
        #expect(plan.next(now: 3) == 1)
        #expect(plan.ended(1, bad, now: 3) == .givenUp(reason: "given up after 24 h: HTTP 500", attempts: 4, status: 500))
    }

    @Test func anAlertIsTakenInOnceAndADeadLetterComesBeforeWhatIsYounger() {
        var plan = plan()
        for ordinal in [5, 7, 9, 7, 5] { plan.add(UInt64(ordinal), lane: lane(1), age: 0, now: 0) }
        #expect(plan.count == 3)
        #expect(plan.next(now: 0) == 5)
        plan.add(6, lane: lane(1), age: 0, now: 0)
        plan.add(2, lane: lane(1), age: 0, now: 0)
        var order: [UInt64] = [5]
        while let last = order.last, plan.ended(last, .delivered, now: 0) == .delivered, let next = plan.next(now: 0) { order.append(next) }
        #expect(order == [5, 2, 6, 7, 9])
    }

    @Test func whatCannotBeSentMakesRoom() {
        var plan = plan(inFlightMax: 1) { $0.circuitFailures = 1 }
        for ordinal in 0..<3 { plan.add(UInt64(ordinal), lane: lane(UInt8(ordinal)), age: 0, now: 0) }
        #expect(plan.next(now: 0) == 0)
        _ = plan.ended(0, bad, now: 0)
        let probe = plan.next(now: 600_000)
        #expect(probe == 1)
        plan.discard(1)
        #expect(plan.next(now: 600_000) == 2)
        #expect(plan.ended(2, .delivered, now: 600_000) == .delivered)
        #expect(plan.next(now: 600_000) == 0 && plan.count == 1)
    }

    @Test func whatIsOverTheRateWaits() {
        for rate in [1, 3, 100, 5_000] {
            var plan = plan(inFlightMax: 1_000_000) { $0.alertsPerSecondMax = rate }
            // Long after the first attempt.
            let begin: Int64 = 5_000_000_000
            let count = rate * 3
            for ordinal in 0..<count { plan.add(UInt64(ordinal), lane: .init(rule: "\(ordinal)", key: []), age: 0, now: begin) }
            var now = begin
            var times: [Int64] = []
            while times.count < count {
                if plan.next(now: now) != nil {
                    times.append(now)
                } else {
                    guard let time = plan.nextTime(now: now), time > now else {
                        Issue.record("nothing will be sent after \(times.count) of \(count)")
                        return
                    }
                    now = time
                }
            }
            // A second's at once, and then evenly.
            #expect(times.prefix(rate).allSatisfy { $0 == begin })
            for place in 0..<count where place >= rate {
                let even = begin + Int64(place - rate + 1) * Self.second / Int64(rate)
                #expect((even...even + 1).contains(times[place]), "\(rate) a second, the \(place)th: \(times[place] - even)")
            }
        }
    }

    /// Endpoints of every temper, against what must always hold.
    @Test func everyAlertEndsWhateverTheEndpointDoes() {
        for round in 0..<Volume.pick(test: 300, soak: 5000) {
            var random = SeededGenerator(1000 + UInt64(round))
            var settings = DeliverySettings()
            settings.ageMaxMicroseconds = Int64.random(in: 20...4000, using: &random) * Self.second
            settings.circuitFailures = Int.random(in: 1...6, using: &random)
            settings.waitingMax = Int.random(in: 1...40, using: &random)
            let inFlightMax = Int.random(in: 1...6, using: &random)
            var plan = DeliveryPlan(settings, inFlightMax: inFlightMax, random: SeededGenerator.shared(UInt64(round)))
            let (lanes, count) = (UInt64.random(in: 1...9, using: &random), UInt64.random(in: 1...60, using: &random))
            let (failing, refusing) = (Int.random(in: 0...100, using: &random), Int.random(in: 0...20, using: &random))
            var now: Int64 = 0
            var nextOrdinal: UInt64 = 0
            var underWay: [(ordinal: UInt64, end: Int64)] = []
            var born: [UInt64: Int64] = [:]
            var ended: [UInt64] = []
            var failuresInRow = 0
            while ended.count < count {
                while nextOrdinal < count, plan.wantsMore(now: now) {
                    born[nextOrdinal] = now
                    plan.add(nextOrdinal, lane: .init(rule: "", key: [UInt8(nextOrdinal % lanes)]), age: 0, now: now)
                    nextOrdinal += 1
                }
                while let ordinal = plan.next(now: now) {
                    #expect(!ended.contains(ordinal) && !underWay.contains { $0.ordinal % lanes == ordinal % lanes })
                    #expect(!ended.contains { $0 % lanes == ordinal % lanes && $0 > ordinal })
                    if failuresInRow >= settings.circuitFailures { #expect(!plan.wantsMore(now: now)) }
                    underWay.append((ordinal, now + Int64.random(in: 0...3, using: &random) * Self.second / 2))
                }
                #expect(underWay.count <= inFlightMax && plan.inFlightCount == underWay.count)
                guard let first = underWay.indices.min(by: { underWay[$0].end < underWay[$1].end }),
                    plan.nextTime(now: now).map({ $0 >= underWay[first].end }) ?? true
                else {
                    guard let time = plan.nextTime(now: now) else {
                        Issue.record("round \(round): nothing is under way and nothing will be")
                        return
                    }
                    #expect(time > now, "round \(round): it says that something is to do, and it is not")
                    now = max(now + 1, time)
                    continue
                }
                let (ordinal, end) = underWay.remove(at: first)
                now = max(now, end)
                let dice = Int.random(in: 0..<100, using: &random)
                let outcome: DeliveryOutcome = dice < failing
                    ? .failed(
                        reason: "x", status: nil, retryAfterMicroseconds: Int.random(in: 0..<9, using: &random) == 0 ? 5 * Self.second : nil)
                    : dice % 20 < refusing % 20 ? .refused(reason: "no", status: 400) : .delivered
                if case .failed = outcome { failuresInRow += 1 } else { failuresInRow = 0 }
                switch plan.ended(ordinal, outcome, now: now) {
                case .waiting: #expect(dice < failing)
                case .takenApart: Issue.record("round \(round): there are no batches")
                case .delivered:
                    #expect(outcome == .delivered)
                    ended.append(ordinal)
                case .givenUp:
                    #expect(outcome == .refused(reason: "no", status: 400) || now - (born[ordinal] ?? 0) >= settings.ageMaxMicroseconds)
                    ended.append(ordinal)
                }
            }
            #expect(plan.count == 0 && plan.waitingCount == 0 && Set(ended).count == ended.count)
        }
    }
}
