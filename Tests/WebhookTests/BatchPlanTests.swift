import Seeds
import Testing

@testable import Connectors

/// Which alerts go together, by a clock turned by hand.
@Suite struct BatchPlanTests {
    private func plan(
        batchMax: Int, linger: Int64 = 1_000, inFlightMax: Int = 4, random: UInt64 = 0, _ change: (inout DeliverySettings) -> Void = { _ in }
    ) -> DeliveryPlan {
        var settings = DeliverySettings()
        settings.batchMax = batchMax
        settings.lingerMicroseconds = linger
        change(&settings)
        var plan = DeliveryPlan(settings, inFlightMax: inFlightMax) { random }
        // Its first attempt goes well, long before.
        plan.add(.max - 1, lane: lane(255), age: 0, now: -10_000_000)
        #expect(plan.next(now: -5_000_000) == .max - 1 && plan.ended(.max - 1, .delivered, now: -5_000_000) == .delivered)
        return plan
    }

    private func lane(_ key: UInt8) -> DeliveryPlan.LaneKey { .init(rule: "r", key: [key]) }
    private let bad = DeliveryOutcome.failed(reason: "HTTP 500", status: 500, retryAfterMicroseconds: nil)
    private let no = DeliveryOutcome.refused(reason: "HTTP 400", status: 400)

    private func add(_ ordinals: ClosedRange<UInt64>, lanes: UInt64, bytes: Int = 10, now: Int64 = 0, to plan: inout DeliveryPlan) {
        for ordinal in ordinals { plan.add(ordinal, lane: lane(UInt8(ordinal % lanes)), byteCount: bytes, age: 0, now: now) }
    }

    @Test func aFullBatchGoesAtOnceAndTheRestWhenItHasWaited() {
        var plan = plan(batchMax: 3)
        add(1...7, lanes: 100, to: &plan)
        #expect(plan.next(now: 0) == 1 && plan.alerts(of: 1) == [1, 2, 3])
        #expect(plan.next(now: 0) == 4 && plan.alerts(of: 4) == [4, 5, 6])
        #expect(plan.next(now: 999) == nil && plan.nextTime(now: 0) == 1_000)
        plan.add(8, lane: lane(50), age: 0, now: 900)
        #expect(plan.next(now: 1_000) == 7 && plan.alerts(of: 7) == [7, 8])
        #expect(plan.nextTime(now: 1_000) == nil)
        for tag: UInt64 in [1, 4, 7] { #expect(plan.ended(tag, .delivered, now: 1_001) == .delivered) }
        #expect(plan.count == 0)
    }

    @Test func theFirstBatchIsFilledToo() {
        var settings = DeliverySettings()
        settings.batchMax = 3
        var plan = DeliveryPlan(settings, inFlightMax: 4) { 0 }
        for ordinal: UInt64 in 1...3 {
            #expect(plan.wantsMore(now: 0))
            add(ordinal...ordinal, lanes: 100, to: &plan)
        }
        #expect(!plan.wantsMore(now: 0) && plan.next(now: 0) == 1 && plan.alerts(of: 1) == [1, 2, 3])
        add(4...9, lanes: 100, to: &plan)
        // It is alone, and so is the next one, as long as none is answered.
        #expect(plan.next(now: 0) == nil && plan.ended(1, bad, now: 0) == .waiting && !plan.wantsMore(now: 0))
        #expect(plan.next(now: 0) == 4 && plan.next(now: 0) == nil && plan.ended(4, .delivered, now: 0) == .delivered)
        #expect([plan.next(now: 0), plan.next(now: 0)] == [1, 7])
    }

    @Test func whereNoMoreComeNobodyWaits() {
        var plan = plan(batchMax: 3)
        add(1...2, lanes: 100, to: &plan)
        #expect(plan.next(now: 0) == nil)
        plan.lingers = false
        #expect(plan.nextTime(now: 0) == 0 && plan.next(now: 0) == 1 && plan.alerts(of: 1) == [1, 2])
    }

    @Test func alertsOfOneKeyStandTogetherInOrderAndTheOthersWait() {
        var plan = plan(batchMax: 3)
        add(1...5, lanes: 1, to: &plan)
        #expect(plan.next(now: 0) == 1 && plan.alerts(of: 1) == [1, 2, 3])
        // The same key is under way.
        #expect(plan.next(now: 9_000) == nil && plan.nextTime(now: 9_000) == nil)
        plan.add(6, lane: lane(7), age: 0, now: 9_000)
        #expect(plan.next(now: 9_500) == nil && plan.next(now: 10_000) == 6)
        #expect(plan.ended(1, .delivered, now: 10_001) == .delivered)
        // They have waited long enough.
        #expect(plan.next(now: 10_001) == 4 && plan.alerts(of: 4) == [4, 5])
    }

    @Test func bytesBoundABatchAndALargeAlertGoesAlone() {
        var plan = plan(batchMax: 10) { $0.batchBytesMax = 100 }
        add(1...5, lanes: 100, bytes: 40, to: &plan)
        plan.add(6, lane: lane(6), byteCount: 5_000, age: 0, now: 0)
        plan.add(7, lane: lane(7), byteCount: 1, age: 0, now: 0)
        var sent: [[UInt64]] = []
        while let tag = plan.next(now: 0) { sent.append(plan.alerts(of: tag)) }
        while let tag = plan.next(now: 1_000) { sent.append(plan.alerts(of: tag)) }
        #expect(sent == [[1, 2], [3, 4], [5], [6]])
        #expect(plan.ended(1, .delivered, now: 1_001) == .delivered)
        #expect(plan.next(now: 1_001) == 7)
    }

    @Test func everyAttemptIsOfTheSameAlerts() {
        var plan = plan(batchMax: 3)
        add(1...3, lanes: 2, to: &plan)
        #expect(plan.next(now: 0) == 1)
        for now in 1...6 {
            add(UInt64(now * 10)...UInt64(now * 10), lanes: 2, now: Int64(now), to: &plan)
            #expect(plan.ended(1, bad, now: Int64(now)) == .waiting)
            #expect(plan.next(now: Int64(now)) == 1 && plan.alerts(of: 1) == [1, 2, 3])
        }
        #expect(plan.ended(1, .delivered, now: 7) == .delivered)
        #expect(plan.next(now: 7) == 10 && plan.alerts(of: 10) == [10, 20, 30])
    }

    @Test func aBatchThatIsRefusedIsTakenApart() {
        var plan = plan(batchMax: 4)
        add(1...4, lanes: 2, to: &plan)
        #expect(plan.next(now: 0) == 1)
        add(5...8, lanes: 2, now: 1, to: &plan)
        #expect(plan.ended(1, no, now: 1) == .takenApart)
        // One by one, and of each key one at a time.
        #expect(plan.next(now: 1) == 1 && plan.alerts(of: 1) == [1])
        #expect(plan.next(now: 1) == 2 && plan.alerts(of: 2) == [2])
        #expect(plan.next(now: 1) == nil)
        #expect(plan.ended(2, no, now: 2) == .givenUp(reason: "HTTP 400", attempts: 2, status: 400))
        #expect(plan.next(now: 2) == 4 && plan.alerts(of: 4) == [4])
        #expect(plan.ended(1, .delivered, now: 3) == .delivered)
        #expect(plan.next(now: 3) == 3 && plan.ended(4, bad, now: 3) == .waiting)
        #expect(plan.next(now: 3) == 4 && plan.ended(4, .delivered, now: 4) == .delivered && plan.ended(3, .delivered, now: 4) == .delivered)
        // What follows goes together again.
        #expect(plan.next(now: 4) == 5 && plan.alerts(of: 5) == [5, 6, 7, 8])
    }

    /// One of them may be what the endpoint cannot take; and the young have time.
    @Test func aBatchWhoseTimeRunsOutIsTakenApart() {
        let age = DeliverySettings().ageMaxMicroseconds
        var plan = plan(batchMax: 3) { $0.circuitFailures = 100 }
        plan.add(1, lane: lane(1), age: age * 2, now: 0)
        plan.add(2, lane: lane(2), age: age * 2, now: 0)
        plan.add(3, lane: lane(3), age: 0, now: 0)
        for attempt in 1...4 {
            #expect(plan.next(now: 0) == 1)
            #expect(plan.ended(1, bad, now: 0) == (attempt < 4 ? .waiting : .takenApart))
        }
        #expect([plan.next(now: 1), plan.next(now: 1), plan.next(now: 1)] == [1, 2, 3])
        #expect(plan.ended(1, bad, now: 1) == .givenUp(reason: "given up after 24 h: HTTP 500", attempts: 5, status: 500))
        #expect(plan.ended(2, .delivered, now: 1) == .delivered && plan.ended(3, bad, now: 1) == .waiting)
    }

    /// It has the attempts of an alert that was never in a batch.
    @Test func aRefusalOfTheBatchIsNoFailureOfItsAlerts() {
        var plan = plan(batchMax: 2) { $0.circuitFailures = 100 }
        for ordinal: UInt64 in 1...2 { plan.add(ordinal, lane: lane(UInt8(ordinal)), age: DeliverySettings().ageMaxMicroseconds * 2, now: 0) }
        #expect(plan.next(now: 0) == 1 && plan.ended(1, no, now: 0) == .takenApart)
        for _ in 1...3 { #expect(plan.next(now: 0) == 1 && plan.ended(1, bad, now: 0) == .waiting) }
        #expect(plan.next(now: 0) == 1)
        #expect(plan.ended(1, bad, now: 0) == .givenUp(reason: "given up after 24 h: HTTP 500", attempts: 5, status: 500))
    }

    @Test func aBatchThatCannotBeSentAsItIsGoesOneByOne() {
        var plan = plan(batchMax: 3)
        add(1...3, lanes: 100, to: &plan)
        #expect(plan.next(now: 0) == 1)
        plan.discard(1)
        #expect(plan.next(now: 0) == 1)
        plan.discard(1)
        #expect([plan.next(now: 0), plan.next(now: 0), plan.next(now: 0)] == [2, 3, nil])
        for tag: UInt64 in [2, 3] { #expect(plan.ended(tag, .delivered, now: 0) == .delivered) }
        #expect(plan.count == 0 && plan.inFlightCount == 0)
    }

    /// No second has more alerts than two seconds' worth of them, and over time it is the rate.
    @Test func theRateCountsAlerts() {
        for (rate, batchMax) in [(10, 4), (3, 100), (100, 7), (1, 5)] {
            var plan = plan(batchMax: batchMax, inFlightMax: 10_000) { $0.alertsPerSecondMax = rate }
            let begin: Int64 = 7_000_000_000
            let count = UInt64(rate * 6)
            for ordinal in 1...count { plan.add(ordinal, lane: .init(rule: "\(ordinal)", key: []), age: 0, now: begin) }
            var now = begin
            var sent: [(time: Int64, count: Int)] = []
            while sent.reduce(0, { $0 + $1.count }) < count {
                if let tag = plan.next(now: now) {
                    sent.append((now, plan.alerts(of: tag).count))
                    continue
                }
                guard let time = plan.nextTime(now: now), time > now else {
                    Issue.record("\(rate) a second: nothing will be sent")
                    return
                }
                now = time
            }
            #expect(sent.allSatisfy { $0.count <= min(rate, batchMax) })
            for (place, first) in sent.enumerated() {
                var total = 0
                for next in sent[place...] {
                    total += next.count
                    // What a second allows beforehand, and what the time since then brings.
                    #expect(Double(total) <= Double(rate) * (1 + Double(next.time - first.time + 2) / 1e6) + 1e-6, "\(rate) a second by \(batchMax)")
                }
            }
            let seconds = Double(now - begin) / 1e6
            #expect(seconds <= 5.1 && seconds >= 4.9, "\(rate) a second by \(batchMax): \(seconds) s")
        }
    }

    /// Endpoints of every temper: each alert ends once, in its key's order, and only what is bad is given up.
    @Test func everyAlertEndsWhateverTheEndpointDoes() {
        for round in 0..<Volume.pick(test: 300, soak: 5000) {
            var random = SeededGenerator(4000 + UInt64(round))
            var settings = DeliverySettings()
            settings.batchMax = Int.random(in: 2...9, using: &random)
            settings.lingerMicroseconds = Int64.random(in: 0...3_000_000, using: &random)
            settings.batchBytesMax = Int.random(in: 50...600, using: &random)
            settings.circuitFailures = Int.random(in: 1...6, using: &random)
            settings.waitingMax = Int.random(in: 1...40, using: &random)
            if Bool.random(using: &random) { settings.alertsPerSecondMax = Int.random(in: 1...20, using: &random) }
            let inFlightMax = Int.random(in: 1...4, using: &random)
            var plan = DeliveryPlan(settings, inFlightMax: inFlightMax, random: SeededGenerator.shared(UInt64(round)))
            let (lanes, count) = (UInt64.random(in: 1...9, using: &random), UInt64.random(in: 1...80, using: &random))
            let (failing, refusing) = (Int.random(in: 0...60, using: &random), UInt64.random(in: 2...12, using: &random))
            func isBad(_ ordinal: UInt64) -> Bool { (ordinal &* 7) % refusing == 1 }
            var now: Int64 = 0
            var nextOrdinal: UInt64 = 0
            var underWay: [(tag: UInt64, alerts: [UInt64], end: Int64)] = []
            var tried: [UInt64: [UInt64]] = [:]
            var sizes: [UInt64: Int] = [:]
            var ended: [UInt64] = []
            while ended.count < count {
                // They come over time.
                while nextOrdinal < count, plan.wantsMore(now: now), Int.random(in: 0..<4, using: &random) > 0 {
                    let size = Int.random(in: 1...200, using: &random)
                    sizes[nextOrdinal] = size
                    plan.add(nextOrdinal, lane: .init(rule: "", key: [UInt8(nextOrdinal % lanes)]), byteCount: size, age: 0, now: now)
                    nextOrdinal += 1
                }
                while let tag = plan.next(now: now) {
                    let alerts = plan.alerts(of: tag)
                    #expect(alerts.first == tag && alerts.count <= settings.batchMax && alerts == alerts.sorted())
                    #expect(alerts.count == 1 || alerts.reduce(0) { $0 + (sizes[$1] ?? 0) } <= settings.batchBytesMax)
                    for ordinal in alerts {
                        #expect(!ended.contains(ordinal) && !underWay.contains { $0.alerts.contains { $0 % lanes == ordinal % lanes } })
                        #expect(!ended.contains { $0 % lanes == ordinal % lanes && $0 > ordinal })
                        // Whoever comes before it in its key has ended, or goes with it.
                        #expect((0..<ordinal).allSatisfy { $0 % lanes != ordinal % lanes || ended.contains($0) || alerts.contains($0) })
                    }
                    // The same as at the attempt before, but for one that is alone now.
                    if let before = tried[tag] { #expect(before == alerts || alerts == [tag]) }
                    tried[tag] = alerts
                    underWay.append((tag, alerts, now + Int64.random(in: 0...3, using: &random) * 500_000))
                }
                #expect(underWay.count <= inFlightMax && plan.inFlightCount == underWay.count)
                guard let first = underWay.indices.min(by: { underWay[$0].end < underWay[$1].end }),
                    plan.nextTime(now: now).map({ $0 >= underWay[first].end }) ?? true
                else {
                    guard let time = plan.nextTime(now: now) else {
                        guard nextOrdinal < count, plan.wantsMore(now: now) else {
                            Issue.record("round \(round): nothing is under way and nothing will be")
                            return
                        }
                        continue
                    }
                    #expect(time > now, "round \(round): it says that something is to do, and it is not")
                    now = max(now + 1, time)
                    continue
                }
                let request = underWay.remove(at: first)
                now = max(now, request.end)
                let isRefused = request.alerts.contains(where: isBad)
                let outcome = Int.random(in: 0..<100, using: &random) < failing ? bad : isRefused ? no : .delivered
                switch plan.ended(request.tag, outcome, now: now) {
                case .waiting: #expect(outcome == bad)
                case .takenApart: #expect(outcome == no && request.alerts.count > 1)
                case .delivered:
                    #expect(outcome == .delivered)
                    ended += request.alerts
                case .givenUp:
                    #expect(outcome == no && request.alerts.count == 1 && isBad(request.tag))
                    ended += request.alerts
                }
            }
            #expect(plan.count == 0 && plan.waitingCount == 0 && Set(ended).count == ended.count)
        }
    }
}
