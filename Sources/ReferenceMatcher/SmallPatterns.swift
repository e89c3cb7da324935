/// Small patterns over the types A, B and C, each to be run over all short streams: what random cases meet by luck, these meet surely.
public enum SmallPatterns {
    /// Those that use only the core of the language.
    public static let core = [
        "a: A", "a: A then b: B", "a: A then any b: B", "a: A next b: B", "a: A then a2: A",
        "a: A then any e: event then b: B",
        "a: A+ then b: B", "a: A+? then b: B", "a: A* then b: B", "a: A*? next b: B", "a: A{2} then b: B", "a: A{2,} next b: B",
        "a: A{1,2}? then any b: B", "a: A+ consecutive then b: B", "a: A+? combinations then any b: B", "a: A then b: B+",
        "a: A then b: B?", "a: A then b: B??", "a: A next b: B? then c: C", "a: A next b: B?? next c: C", "a: A{2,3} combinations",
        "a: A then not B then c: C", "a: A next not B then c: C", "a: A then not B then b: B", "a: A then not C then any b: B+ then a2: A",
        "a: A+ then not C then b: B", "a: A then not C then b: B? then a2: A", "a: A then not B within 25ms",
        "a: A+ then not B within 25ms",
        "(a: A then b: B){2}", "(a: A next b: B)+ then c: C", "(a: A then b: B)+? combinations then any c: C", "(a: A then b: B?){2,3}",
        "(a: A then b: B)+ consecutive", "a: A then b: event within 20ms", "a: A+ then any b: B+? then c: C within 35ms",
        "a: A* consecutive next b: B*? then c: C",
    ]

    /// Those that use the rest.
    public static let full = [
        "a: A then within 15ms b: B", "a: A+ then within 15ms b: B{2,}", "a: A then within 25ms b: B* then c: C",
        "a: A then not within 15ms B then c: C", "a: A next not within 5ms B then c: C", "a: A then not within 15ms B",
        "a: A then not within 15ms B then not within 25ms C", "(a: A{2} within 15ms) then b: B", "(a: A then b: B within 25ms){2}",
        "a: A+ until C then b: B", "a: A* until B then c: C", "a: A{2,}? until C then any b: B", "a: A | b: B", "a: A then (b: B | c: C)",
        "a: A & b: B", "(a: A & b: B & c: C)", "(a: A & b: B+) then c: C", "a: A next (b: B & c: C)", "(a: A | b: B){2} then c: C",
        "(a: (A | B))+ then c: C", "a: A then (b: B then not within 15ms C) then a2: A",
        "a: A then b: B+ until C then a2: A", "a: A | e: event then b: B",
        // Limits that events meet exactly.
        "a: A then within 20ms b: B", "a: A then not within 20ms B then c: C", "a: A then not within 20ms B", "(a: A{2} within 20ms)",
    ]

    /// Where two threads wait for the same step and the one that comes first dies first: whoever keeps only the first loses matches.
    public static let domination = [
        "a: A then any ((b: B next c: C) | e: C) then within 15ms d: A", "a: A then any b: B then within 15ms c: C",
        "a: A then any (b: B | c: C) then within 15ms d: A", "a: A then any b: B{1,2}? then any within 15ms c: C",
        "a: A then any b: B then not within 15ms A then c: C", "a: A then any b: B then not within 15ms C",
        "a: A then any (b: B then c: C within 25ms)", "a: A then any b: B then any c: C? then any within 15ms d: A",
        "a: A+? combinations then within 15ms b: B", "a: A{1,3}? then b: B then within 15ms c: C",
    ]

    static let policies = ["keep all", "skip past last", "skip to next", "skip to first a", "skip to last a"]

    /// The rule file of a pattern under one of the five policies (0 to 4), or, from 5, with `on timeout` under the first ones.
    public static func rule(_ pattern: String, policy: Int) -> String {
        let index = policy % policies.count
        // A pattern without the label has nothing to skip to.
        let clause = index > 2 && !pattern.contains("a: ") ? "keep all" : policies[index]
        let timeout = policy >= policies.count ? "\n    on timeout alert low" : ""
        return "rule t {\n    match \(pattern)\n    after match \(clause)\n    alert medium\(timeout)\n}\n"
    }

    /// Every stream of up to so many events of so many types, 10 ms apart, or with the second and third at the same time.
    ///
    /// There are (types^(length + 1) - 1) / (types - 1) of each kind: 364 for three types and a length of 5.
    public static func forEveryStream(types: Int, lengthMax: Int, ties: Bool, _ body: ([ReferenceEvent]) throws -> Void) rethrows {
        let names = Array(["A", "B", "C", "D"].prefix(types))
        for length in 0...lengthMax {
            var count = 1
            for _ in 0..<length { count *= names.count }
            for number in 0..<count {
                var rest = number
                var events: [ReferenceEvent] = []
                var time = 1000
                for index in 0..<length {
                    let text = "{\"id\": \(index + 1), \"type\": \"\(names[rest % names.count])\", \"ts\": \(time)}"
                    rest /= names.count
                    if let event = ReferenceEvent(text: text, line: index + 1) { events.append(event) }
                    if !(ties && index == 1) { time += 10 }
                }
                try body(events)
            }
        }
    }
}
