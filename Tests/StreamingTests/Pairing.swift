import Engine
import ReferenceMatcher
import RuleCompiler
import RuleLanguage

/// What came of a rule and a stream.
enum Verdict {
    case agreed(alerts: Int)
    /// The engine has too little room for the rule's conditions, or the reference has too much in hand.
    case skipped
    /// What differs, in words.
    case failed(String)
}

/// The engine against the reference, on one rule file and one stream: bytes to alerts with pieces and blocks of random sizes, and the
/// matcher alone with its state saved and loaded between events, each under another seed of the hash.
struct Pairing {
    static func verdict(of text: String, _ events: [RandomEvent], seed: UInt64, program: CheckedProgram? = nil) -> Verdict {
        guard let program = try? program ?? checked(text), let loaded = try? Loaded(program) else { return .skipped }
        return verdict(of: loaded, events, seed: seed)
    }

    static func verdict(of loaded: Loaded, _ events: [RandomEvent], seed: UInt64) -> Verdict {
        var random = RandomSource(seed: seed ^ 0x2545_F491_4F6C_DD1D)
        let stream = Stream(events)
        do {
            let feed = Feed(from: &random)
            var output: [UInt8] = []
            let mismatch = try compare(
                program: loaded.checked, events: RandomCase.referenceEvents(events, loaded.stream), threadsMax: 1_000
            ) { _, _ in
                output = try loaded.throughPipeline(stream, feed)
                return try AlertReader.alerts(in: output)
            }
            if let mismatch { return .failed("\(feed)\n\(mismatch)") }
            let percent = random.pick([100, 30, 5])
            let restored = try loaded.savingAndLoading(stream, percent: percent, random: &random)
            guard restored == output else {
                return .failed("saved and loaded after \(percent) % of the events:\n\(lines(restored))undisturbed:\n\(lines(output))")
            }
            return .agreed(alerts: output.count { $0 == UInt8(ascii: "\n") })
        } catch is ReferenceOverflow {
            return .skipped
        } catch {
            return .failed("\(error)")
        }
    }

    private static func lines(_ output: [UInt8]) -> String { String(decoding: output, as: UTF8.self) }

    /// The failing case made small, as a line like those of the conformance vectors.
    static func shrunkLine(_ failing: RandomCase) -> String {
        let small = failing.shrunk(triesMax: 3_000) { candidate in
            if case .failed = verdict(of: candidate.rule.text, candidate.events, seed: candidate.seed) { true } else { false }
        }
        let program = try? checked(small.rule.text)
        let stream = program?.streams.first { $0.name == nil } ?? StreamDefinition()
        let alerts = program.flatMap { try? referenceAlertLines(program: $0, events: small.referenceEvents(stream)) }
        var reason = ""
        if case .failed(let text) = verdict(of: small.rule.text, small.events, seed: small.seed) { reason = text }
        return small.conformanceLine(matches: alerts) + "\n\(small.rule.text)\(small.events.map(\.text).joined(separator: "\n"))\n" + reason
    }
}
