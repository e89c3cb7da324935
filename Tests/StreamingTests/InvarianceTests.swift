import Events
import ReferenceMatcher
import Seeds
import Testing

/// What comes out depends on the rules and the lines alone: not on the number of workers, nor on the sizes of blocks and reads, nor on the
/// seed of the hash.
@Suite struct InvarianceTests {
    private static let smallCases = Volume.pick(test: 240, soak: 12_000)
    private static let largeCases = Volume.pick(test: 16, soak: 800)

    /// Two of each, so that both cores have something to do.
    @Test(arguments: [0, 1] as [UInt64]) func smallStreamsComeOutTheSame(_ share: UInt64) {
        compare(cases: InvarianceTests.smallCases / 2, of: .small, feeds: 4, test: 60 + share)
    }

    @Test(arguments: [0, 1] as [UInt64]) func largeStreamsComeOutTheSame(_ share: UInt64) {
        compare(cases: InvarianceTests.largeCases / 2, of: .large, feeds: 6, test: 62 + share)
    }

    private func compare(cases: Int, of size: InvarianceCase.Size, feeds: Int, test: UInt64) {
        var seeds = Volume.seeds(of: test)
        var done = 0, firing = 0, late = 0, rejecting = 0, failed = 0
        /// Runs that give nothing out would test nothing: where the first ones do not, there are more.
        var isTelling: Bool { firing > done / 5 && late > done / 20 && rejecting > done / 10 }
        while done < cases || (!isTelling && done < 4 * cases), failed < 3 {
            let seed = seeds.next()
            guard let drawn = InvarianceCase.drawn(seed: seed, size: size) else { continue }
            var random = RandomSource(seed: seed)
            let expected = drawn.outcome()
            done += 1
            if expected.alertCount > 0 { firing += 1 }
            if expected.late.contains(where: { !$0.isEmpty }) { late += 1 }
            if expected.rejects.contains(where: { !$0.isEmpty }) { rejecting += 1 }
            for _ in 0..<feeds {
                let feed = Feed(ofInvariance: &random, size: size)
                guard let difference = drawn.outcome(feed).difference(from: expected) else { continue }
                failed += 1
                let lines = size == .small ? drawn.stream.inputs.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n\n") : ""
                Issue.record("\(size) seed \(seed), \(drawn.ending): \(feed)\n\(difference)\n\(drawn.text)\n\(lines)")
                break
            }
        }
        print("\(size) streams: \(done) cases, \(firing) with alerts, \(late) with late events, \(rejecting) with rejects")
        #expect(failed > 0 || isTelling)
    }

    // MARK: - Every way of one stream

    /// Loops that keep much, so that alerts are more than a shard holds at once; absences, timeouts and cooldowns, whose order and counts
    /// need all shards to have come as far.
    private static let rules = """
        stream { delay 300ms  ahead 10s }
        rule burst { by card match c: charge{30,60} within 1m after match skip to next alert low }
        rule sequence { by card match a: charge where amount > 90 then any b: charge where amount > a.amount then c: refund within 20s alert medium cooldown 3s }
        rule silence { by shop match o: order then not paid within 2s alert medium }
        rule slow { by shop match o: order then p: paid within 1s on timeout alert low }
        rule everywhere { match r: refund where amount > 80 then any s: order where amount > 80 within 1s alert low }
        """

    /// 2 500 events in disorder, with late events, lines that are none and one that is too long.
    private static func lines() -> [UInt8] {
        var random = RandomSource(seed: 7)
        var bytes: [UInt8] = []
        let padding = String(repeating: "p", count: 60)
        var time = 1_000_000
        for id in 1...2_500 {
            time += random.below(12)
            var at = time - random.below(280)
            if random.chance(2) { at -= 300 + random.below(1000) }
            if random.chance(1) { at += 60_000 }
            let type = random.pick(["charge", "charge", "charge", "charge", "refund", "order", "order", "paid"])
            let members = "\"id\": \(id), \"type\": \"\(type)\", \"ts\": \(at), \"amount\": \(random.below(101))"
            let keys = "\"card\": \"c\(random.below(20))\", \"shop\": \(random.below(300))"
            bytes += "{\(members), \(keys), \"text\": \"\(padding.prefix(random.below(60)))\"}\n".utf8
            if random.chance(1) { bytes += random.pick(["\n", "nothing\n", "{\"type\": \"charge\"}\n", "{\"ts\": 1e99}\n"]).utf8 }
            if id == 1_200 { bytes += "{\"ts\": 1, \"x\": \"\(String(repeating: "y", count: (1 << 20) + 10))\"}\n".utf8 }
        }
        return bytes
    }

    @Test(arguments: [1, 2, 3, 8]) func everyWayGivesTheSameBytes(_ workers: Int) throws {
        let loaded = try Loaded(checked(InvarianceTests.rules))
        var stream = Stream(lines: [])
        stream.inputs = [InvarianceTests.lines()]
        let drawn = InvarianceCase(text: InvarianceTests.rules, loaded: loaded, stream: stream, ending: .drains)
        let expected = drawn.outcome()
        let summary = try #require(expected.summary)
        #expect(expected.alerts.count > 1 << 20 && summary.late > 20 && summary.rejected > 20)
        #expect(summary.rules.allSatisfy { $0.alerts > 0 } && summary.rules.contains { $0.suppressed > 0 })
        for blockBytes in [300, 1 << 10, 16 << 10, 64 << 10, 256 << 10, 8 << 20] {
            for pieces in [[1], [77, 4_000, 1, 20_000], [16 << 20]] {
                // Bytes that come one by one make blocks of one line, whatever a block may hold.
                if pieces == [1] && blockBytes != 1 << 10 { continue }
                var feed = Feed(pieces: pieces, blockBytes: blockBytes, workers: workers)
                feed.parallelBytes = blockBytes < 64 << 10 ? 1 : 32 << 10
                feed.seed = UInt64(blockBytes + pieces.count)
                if let difference = drawn.outcome(feed).difference(from: expected) { Issue.record("\(feed)\n\(difference)") }
            }
        }
    }

    /// Several inputs, one far ahead of the others.
    @Test(arguments: [1, 2, 3, 8]) func severalInputsGiveTheSameBytes(_ workers: Int) throws {
        let loaded = try Loaded(checked(InvarianceTests.rules))
        let lines = InvarianceTests.lines().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var stream = Stream(lines: [])
        stream.inputs = [[], [], []]
        for (place, line) in lines.enumerated() { stream.inputs[place < 600 ? 0 : place % 3] += line + [UInt8(ascii: "\n")] }
        let drawn = InvarianceCase(text: InvarianceTests.rules, loaded: loaded, stream: stream, ending: .lastEvent)
        let expected = drawn.outcome()
        #expect(expected.alertCount > 100)
        for blockBytes in [1 << 10, 64 << 10, 8 << 20] {
            for pieces in [[1], [77, 4_000, 0, 1, 20_000], [16 << 20]] {
                if pieces == [1] && blockBytes != 1 << 10 { continue }
                for aheadBytesMax in blockBytes == 1 << 10 ? [1] : [1, 64 << 20] {
                    var feed = Feed(pieces: pieces, blockBytes: blockBytes, workers: workers)
                    feed.parallelBytes = 1
                    feed.aheadBytesMax = aheadBytesMax
                    if let difference = drawn.outcome(feed).difference(from: expected) { Issue.record("\(feed)\n\(difference)") }
                }
            }
        }
    }
}
