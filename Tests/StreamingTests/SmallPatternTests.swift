import Events
import ReferenceMatcher
import Seeds
import Testing

/// Every short stream for a fixed list of small patterns. All streams of a pattern run at once, each as a key of its own: that a key's
/// matches do not depend on the others is part of what is compared.
@Suite struct SmallPatternTests {
    @Test(arguments: 0..<10) func everyShortStreamAgrees(_ policy: Int) throws {
        // From 5 on the policies are those before with timeouts.
        let length = Volume.pick(test: policy < 5 ? 5 : 4, soak: 6)
        for pattern in SmallPatterns.core + SmallPatterns.full + SmallPatterns.domination {
            let text = SmallPatterns.rule(pattern, policy: policy).replacing("    match ", with: "    by stream\n    match ")
            let loaded = try Loaded(checked(text))
            for ties in [false, true] {
                let events = SmallPatternTests.events(length: length, ties: ties)
                let mismatch = try compare(
                    program: loaded.checked, events: RandomCase.referenceEvents(events), threadsMax: 1_000_000
                ) { _, _ in
                    try AlertReader.alerts(in: loaded.throughPipeline(Stream(events), Feed()))
                }
                guard let mismatch else { continue }
                let stream = events.filter { event in
                    (mismatch.expected ?? mismatch.got)?.key.first.map { event.text.contains("\"stream\": \($0.plain),") } ?? false
                }
                Issue.record(
                    """
                    \(text)\(stream.map(\.text).joined(separator: "\n"))
                    reference: \(mismatch.expected.map { "\($0)" } ?? "none")
                    engine: \(mismatch.got.map { "\($0)" } ?? "none")
                    """)
            }
        }
    }

    /// In the order of time, so that nothing is late.
    private static func events(length: Int, ties: Bool) -> [RandomEvent] {
        var number = 0
        var events: [RandomEvent] = []
        SmallPatterns.forEveryStream(types: 3, lengthMax: length, ties: ties) { stream in
            number += 1
            for event in stream {
                let text = event.text.replacing("\"type\"", with: "\"stream\": \(number), \"type\"")
                events.append(RandomEvent(input: 0, time: Int(event.time / 1000), text: text))
            }
        }
        return events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }
}

extension Value {
    /// A whole number as it stands in the stream.
    fileprivate var plain: String {
        if case .integer(let number) = self { "\(number)" } else { "\(self)" }
    }
}
