import Events
import Testing

@testable import Engine

@Suite struct RegexTests {
    private func outcome(_ pattern: String, _ text: String) -> (result: Scalar, limits: UInt64, time: Duration) {
        let bench = EvaluatorBench(
            patterns: [pattern], code: [Instruction(.constant, b: 0), Instruction(.matches, b: 0)], constants: [.string(Array(text.utf8))])
        let clock = ContinuousClock()
        var result = Scalar.unknown
        let time = clock.measure { result = bench.evaluator.evaluate(CodeRange(start: 0, count: 2)) }
        return (result, bench.evaluator.regexLimitHits, time)
    }

    @Test func findsAnywhere() {
        let cases: [(String, String, Bool)] = [
            ("b+", "aabbcc", true), ("^b", "ab", false), (#"^(curl|python)/\d"#, "curl/7.1", true),
            ("^.$", "é", true), ("^..$", "😀", false),
            ("", "", true), ("", "x", true), ("a", "", false), ("(?i)ÄB", "äb", true), (#"\p{Lu}"#, "aÉ", true), ("a$", "a\n", true),
            (#"(?<n>a)\k<n>"#, "baab", true), ("a(?=b)", "acab", true),
        ]
        for (pattern, text, isFound) in cases {
            let (result, limits, _) = outcome(pattern, text)
            #expect(result.isTrue == isFound && !result.isUnknown && limits == 0, "\(pattern) on \(text)")
        }
    }

    @Test func unknownAndOtherTypes() {
        let code = [Instruction(.constant, b: 0), Instruction(.matches, b: 0), Instruction(.constant, b: 1), Instruction(.matches, b: 0)]
        let bench = EvaluatorBench(patterns: ["a"], code: code, constants: [.unknown, .integer(1)])
        #expect(bench.evaluator.evaluate(CodeRange(start: 0, count: 2)).isUnknown)
        #expect(bench.evaluator.typeMismatches == 0)
        #expect(bench.evaluator.evaluate(CodeRange(start: 2, count: 2)).isUnknown)
        #expect(bench.evaluator.typeMismatches == 1)
        #expect(bench.evaluator.regexLimitHits == 0)
    }

    @Test func hostilePatternsAreGivenUp() {
        let text = String(repeating: "a", count: 32 * 1024 - 1) + "!"
        for pattern in ["(a+)+$", "(a|aa)+$", "(?:a|a)*$", "(a*)*$", "(*NO_JIT)(a+)+$"] {
            let (result, limits, time) = outcome(pattern, text)
            #expect(result.isUnknown && limits == 1 && time < .milliseconds(200), "\(pattern): \(time)")
        }
        // The square of the length, without a way back: the bound on the text holds the time.
        let blanks = String(repeating: " ", count: 32 * 1024 - 1) + "!"
        for pattern in [#"\s+$"#, #"(*NO_JIT)\s+$"#, #"(?:.*,)*;"#] {
            let (_, _, time) = outcome(pattern, blanks)
            #expect(time < .seconds(2), "\(pattern): \(time)")
        }
    }

    @Test func longTextsAreGivenUp() {
        #expect(outcome("a", String(repeating: "b", count: 32 * 1024 - 1) + "a").result.isTrue)
        let (result, limits, _) = outcome("a", String(repeating: "b", count: 32 * 1024) + "a")
        #expect(result.isUnknown && limits == 1)
        #expect(outcome("(*NO_JIT)a", String(repeating: "b", count: 2048 - 1) + "a").result.isTrue)
        #expect(outcome("(*NO_JIT)a", String(repeating: "b", count: 2048) + "a").limits == 1)
    }

    @Test func mistakesHaveAPlaceAndWords() {
        #expect(Regex.check("^(a|b)+$") == nil)
        #expect(Regex.check("") == nil)
        #expect(Regex.check("a(b") == Regex.Problem(offset: 3, message: "missing closing parenthesis"))
        #expect(Regex.check("*")?.offset == 0)
        #expect(Regex.check("[z-a]") != nil)
        #expect(Regex.check(#"a\C"#) != nil)
        #expect(Regex.check(#"é\"#)?.offset == 3)
        #expect(Regex.check("((ab){1000}){1000}") != nil)
        #expect(Regex.check(String(repeating: "a", count: 16 * 1024)) == nil)
        #expect(Regex.check(String(repeating: "a", count: 16 * 1024 + 1)) != nil)
        #expect(Regex.check(String(repeating: "(", count: 1000) + String(repeating: ")", count: 1000)) != nil)
        // A program that holds one anyway knows nothing by it.
        #expect(outcome("a(b", "ab").result.isUnknown)
    }

    @Test func like() {
        var generator = SystemRandomNumberGenerator()
        let letters: [Unicode.Scalar] = ["a", "b", "é", "€", "😀"]
        let signs = letters + ["*", "?", "*", "?"]
        for _ in 0..<200_000 {
            let text = (0..<Int.random(in: 0...7, using: &generator)).map { _ in letters.randomElement(using: &generator)! }
            let pattern = (0..<Int.random(in: 0...6, using: &generator)).map { _ in signs.randomElement(using: &generator)! }
            let textBytes = text.flatMap { Array(String(Character($0)).utf8) }
            let patternBytes = pattern.flatMap { Array(String(Character($0)).utf8) }
            let result = wildcardMatches(textBytes + [0], textBytes.count, patternBytes + [0], patternBytes.count)
            #expect(result == isLike(text[...], pattern[...]), "\(text) like \(pattern)")
            if result != isLike(text[...], pattern[...]) { return }
        }
    }

    private func isLike(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" { return isLike(text, pattern.dropFirst()) || (!text.isEmpty && isLike(text.dropFirst(), pattern)) }
        guard let letter = text.first else { return false }
        return (first == "?" || first == letter) && isLike(text.dropFirst(), pattern.dropFirst())
    }
}
