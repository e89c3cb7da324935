import ReferenceMatcher
import Seeds
import Synchronization
import Testing

/// Random rules and streams, engine against reference; what ever failed comes first.
@Suite struct DifferentialTests {
    struct Share: CustomTestStringConvertible, Sendable {
        var features: RandomFeatures
        var number: UInt64
        var testDescription: String { "\(features) \(number)" }
    }

    /// Two of each, so that both cores have something to do.
    static let shares = [
        Share(features: .core, number: 0), Share(features: .full, number: 0), Share(features: .core, number: 1),
        Share(features: .full, number: 1),
    ]

    static let pairs = Volume.pick(test: 20_000, soak: 500_000)

    private static func draw(_ seed: UInt64, _ features: RandomFeatures) -> (case: RandomCase, verdict: Verdict)? {
        guard let drawn = RandomCase.drawn(seed: seed, features: features, size: 1 + Int(seed % 7), check: { try? checked($0) }) else {
            return nil
        }
        return (drawn.case, Pairing.verdict(of: drawn.case.rule.text, drawn.case.events, seed: seed, program: drawn.program))
    }

    @Test(arguments: shares) func enginesAgree(_ share: Share) {
        var seeds = Volume.seeds(of: share.number * 2 + (share.features == .core ? 10 : 11))
        var agreed = 0, firing = 0, skipped = 0, failed = 0
        while agreed + failed < DifferentialTests.pairs / DifferentialTests.shares.count, failed < 5 {
            let seed = seeds.next()
            guard let drawn = DifferentialTests.draw(seed, share.features) else { continue }
            switch drawn.verdict {
            case .agreed(let alerts):
                agreed += 1
                if alerts > 0 { firing += 1 }
            case .skipped: skipped += 1
            case .failed:
                failed += 1
                Issue.record("\(share.features) seed \(seed):\n\(Pairing.shrunkLine(drawn.case))")
            }
        }
        print("\(share.testDescription): \(agreed) pairs agree, \(firing) of them with alerts; \(skipped) skipped")
        // Rules that never fire would test nothing.
        #expect(failed > 0 || firing > agreed / 5)
    }

    /// `core 123` or `full 123` a line: seeds that failed at some time.
    @Test func seedsThatOnceFailedAgree() throws {
        for line in try Repository.lines("fixtures/differential/seeds.txt") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            let seed = try #require(UInt64(words[1]))
            let drawn = try #require(DifferentialTests.draw(seed, words[0] == "core" ? .core : .full))
            if case .failed = drawn.verdict { Issue.record("\(line):\n\(Pairing.shrunkLine(drawn.case))") }
        }
    }

    /// What failures shrank to: these stay whatever becomes of the generators.
    @Test func casesThatOnceFailedAgree() throws {
        let lines = try Repository.lines("fixtures/differential/cases.jsonl")
        #expect(!lines.isEmpty)
        for line in lines {
            guard case .object(let members) = JSONValue(text: String(line)), case .string(let rule) = members["rule"],
                case .list(let events) = members["events"]
            else {
                Issue.record("no case: \(line)")
                continue
            }
            let texts: [String] = events.compactMap { if case .string(let text) = $0 { text } else { nil } }
            #expect(texts.count == events.count && !texts.isEmpty)
            for seed in 0..<8 as Range<UInt64> {
                let verdict = Pairing.verdict(of: rule, texts.map { RandomEvent(input: 0, time: 0, text: $0) }, seed: seed)
                guard case .agreed = verdict else {
                    Issue.record("\(line)\n\(verdict)")
                    break
                }
            }
        }
    }

    @Test func programsOfSeveralRulesAgree() {
        var seeds = Volume.seeds(of: 20)
        var agreed = 0, failed = 0
        while agreed + failed < DifferentialTests.pairs / 20, failed < 5 {
            let seed = seeds.next()
            guard let drawn = RandomCase.drawnProgram(
                seed: seed, features: seed % 2 == 0 ? .core : .full, size: 1 + Int(seed % 4), rules: 2 + Int(seed % 3), check: { try? checked($0) })
            else { continue }
            switch Pairing.verdict(of: drawn.text, drawn.events, seed: seed, program: drawn.program) {
            case .agreed: agreed += 1
            case .skipped: break
            case .failed(let reason):
                failed += 1
                Issue.record("seed \(seed):\n\(drawn.text)\n\(drawn.events.map { "\($0.input) \($0.text)" }.joined(separator: "\n"))\n\(reason)")
            }
        }
    }
}
