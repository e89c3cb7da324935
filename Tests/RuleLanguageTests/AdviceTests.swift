internal import Diagnostics
internal import Foundation
internal import RuleCompiler
@testable internal import RuleLanguage
internal import Testing

/// Advice (W10) where it is due is held by the fixtures; here is where it is not.
@Suite struct AdviceTests {
    @Test(arguments: [
        // Limits of every kind.
        "rule r { match a{3,} then b within 5m }", "rule r { match (a{3,} then b within 5m) then c }", "rule r { match a{3,} until b then c }",
        "rule r { match a{3,} then b cancel on c }", "rule r { match a then not b then within 5m c }", "rule r { match a then not within 5m b then c }",
        // The number is exact, or somebody waits for more.
        "rule r { match a{3} within 5m }", "rule r { match a{3,} within 5m after match keep all }", "rule r { match a+ then not b within 5m alert low } // ",
        // Conditions that can hold.
        "rule r { match a where v > 3 and v < 5 }", "rule r { match a where v >= 3 and v <= 3 }", "rule r { match a where v != 3 and v > 2 }",
        "rule r { match a where k == \"x\" or k == \"y\" }", "rule r { match a where not (v > 3 and v < 5) }",
        "rule r { match a where v > w and w > u }", "rule r { match a where v is missing or v < 3 }", "rule r { match a where k in [\"x\", \"y\"] and k != \"x\" }",
        "let strict = true\nrule r { match a where strict and v > 1 }",
        // The type is not all that the guard asks for.
        "rule r { match a then not b where v > 5 then b where v < 3 within 5m }", "rule r { match a then not b within 5m }",
        // Every label is in the alert's `match`; nothing is forgotten where the alert names none.
        "rule r { match one: a then two: b within 5m }", "rule r { match one: a then two: a within 5m alert low \"{two.v}\" }",
        "rule r { by x match one: a then b where x == one.x within 5m alert low \"{one.v}\" }",
        "rule r { match one: a then b where x == one.x then c within 5m }",
        "event a { v number? }\nrule r { match a where v is present and v != 3 }", "event a { v number? }\nrule r { match a where (v ?? 0) < 3 }",
        "event a { v number? }\nrule r { match a where v > 3 }",
        "rule r { match a{2} until b then not b then c within 5m }", "rule r { match a{2} consecutive then not b then c within 5m }",
        "rule r { match stage1 then stage2 then stage1 within 5m }", "rule r { match cat then cut within 5m }",
        "rule r { match a then b within 5m cancel on c }", "rule r { match a then b where v > 3 within 5m cancel on b where v < 2 }",
        "rule r { match a next b within 5m }", "rule r { where type in [\"a\", \"b\"] match a next b within 5m }\nrule s { match c }",
        "rule r { match event next event where v > 1 within 5m }\nrule s { match c }",
        "rule r { match a where name like \"50*\" }",
    ])
    func nothingIsSaidOf(_ text: String) {
        let said = advice(text).filter { code in !text.hasSuffix("// ") || code != "W1013" }
        #expect(said.isEmpty, "\(rendered(text))")
    }

    @Test func whatExcludesEachOtherIsSeen() {
        for condition in [
            "v > 5 and v < 3", "v > 5 and v <= 5", "v == 1 and v == 2", "v == 1 and v != 1", "v < 3 and not (v < 4)", "v in [1, 2] and v > 2",
            "v > w and v < w", "v > w and w > v", "v is missing and v > 1", "v == 1 and (v == 2 or v == 3)", "v == \"a\" and v > 3",
            "ok and not ok", "v != v", "(v < 1 or v > 9) and v == 5", "type == \"b\"", "k like \"x*\" and k is missing",
        ] {
            #expect(advice("rule r { match a where \(condition) }") == ["W1004"], "\(condition)")
        }
    }

    @Test func combinationsAreCounted() {
        func count(_ min: Int, _ max: Int?) -> UInt64? {
            RuleAdvice.combinations(of: 20, Quantifier(min: min, max: max, isReluctant: false))
        }
        #expect(count(1, nil) == 1_048_575)
        #expect(count(3, 3) == 1_140)
        #expect(count(2, 3) == 1_330)
        #expect(RuleAdvice.combinations(of: 200, Quantifier(min: 100, max: nil, isReluctant: false)) == nil)
    }

    @Test func adviceWaitsForMistakesToBeMended() {
        #expect(advice("rule r { match a{3,} then b }\nrule s { match a then }").isEmpty)
    }

    @Test func manyAlternativesAreNotTriedForEver() {
        let parts = (0..<200).map { "(a\($0) == 1 or b\($0) == 2 or c\($0) == 3)" }.joined(separator: " and ")
        #expect(advice("rule r { match a where \(parts) and v > 5 }").isEmpty)
    }

    @Test func rulesAndExamplesOfThePagesDrawNone() throws {
        let files = try Fixtures.shippedRules().enumerated().map { SourceFile(path: "\($0.offset).rule", bytes: $0.element) }
        var sink = DiagnosticSink()
        _ = RuleSet.load(files, into: &sink)
        #expect(sink.diagnostics.isEmpty, "\(TextRenderer(files: files).render(sink))")
        // What the page of the language marks as wrong is wrong there; no other example draws a warning.
        let page = try String(contentsOf: Fixtures.folder.deletingLastPathComponent().appendingPathComponent("docs/LANGUAGE.md"), encoding: .utf8)
        var exampleCount = 0
        for piece in page.components(separatedBy: "\n```rule").dropFirst() {
            guard let newline = piece.firstIndex(of: "\n"), let end = piece.range(of: "\n```") else { continue }
            let mark = piece[..<newline]
            guard mark.isEmpty || mark == " run" else { continue }
            let text = String(piece[newline..<end.lowerBound])
            #expect(advice(text).isEmpty, "\(rendered(text))")
            exampleCount += 1
        }
        #expect(exampleCount > 10)
    }

    @Test func patternsAndZonesAreJudgedByWhomIsAsked() {
        let file = source("rule r { match a where p matches \"\\\\x(\" and hour(time(), \"Mars\") < 3 }")
        let engine = EngineChecks(pattern: { $0.hasSuffix("(") ? ($0.utf8.count - 1, "open") : nil }, isZone: { $0 != "Mars" })
        var sink = DiagnosticSink()
        #expect(check(files: [file], into: &sink, engine: engine) == nil)
        #expect(sink.sorted().map(\.code) == [.badRegularExpression, .unknownZone])
        let place = sink.sorted()[0].span
        #expect(String(decoding: file.bytes[Int(place.lower)..<Int(place.upper)], as: UTF8.self) == "(")
        #expect(check(files: [file]).diagnostics.isEmpty)
    }

    @Test func aLongPatternIsNone() {
        let text = "rule r { match a where p matches '\(String(repeating: "x", count: 16 * 1024 + 1))' }"
        var sink = DiagnosticSink()
        #expect(RuleSet.load([source(text)], into: &sink) == nil)
        #expect(sink.diagnostics.map(\.code) == [.badRegularExpression])
    }

    @Test func everyRuleThatIsTooMuchIsTold() {
        let much = "match (a{1,3}? & b{1,3}? & c{1,3}? & d{1,3}? & e{1,3}? & f{1,3}? & g{1,3}? & h{1,3}?){2}"
        var sink = DiagnosticSink()
        #expect(RuleSet.load([source("rule r { \(much) }\nrule s { match a }\nrule t { \(much) }")], into: &sink) == nil)
        #expect(sink.diagnostics.filter { $0.severity == .error }.map(\.code) == [.patternTooComplex, .patternTooComplex])
    }

    /// A thread's record has its bound too: the rule is told, and nothing traps.
    @Test func aRuleWithTooManyAggregatesIsTold() {
        func rule(_ count: Int) -> String {
            let fields = (0..<count).map { "f\($0): sum(c.v\($0))" }.joined(separator: " ")
            return "rule r { match c: charge{3} within 1h alert low { \(fields) } }"
        }
        var sink = DiagnosticSink()
        #expect(RuleSet.load([source(rule(1000))], into: &sink) != nil)
        #expect(RuleSet.load([source(rule(2000))], into: &sink) == nil)
        #expect(sink.diagnostics.filter { $0.severity == .error }.map(\.code) == [.patternTooComplex])
    }
}
