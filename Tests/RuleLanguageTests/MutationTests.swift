internal import Diagnostics
internal import Foundation
internal import RuleCompiler
internal import RuleLanguage
internal import Seeds
internal import Testing

@Suite struct MutationTests {
    private static let pieces: [String] = [
        "(", ")", "{", "}", "[", "]", ",", ":", ".", "?", "??", "*", "+", "-", "/", "%", "|", "&", "=", "==", "!=", "!", "<", ">=", "\"",
        "'", "`", "\\",
        "\n", " ", "//", "///", "then", "next", "not", "within", "where", "by", "until", "any", "match", "alert", "rule", "let", "over",
        "5m", "1h30m",
        "7", "0.5", "1e999", "9999999999999999999999", "count(", "first(", "\"{x}\"", "\"{x:.2f}\"", "é", "event", "list", "in",
        "is missing", "matches",
    ]

    private static func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = Int.random(in: 0...result.count, using: &random)
            let end = min(result.count, at + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: result.removeSubrange(at..<end)
            case 1: result.insert(UInt8.random(in: 0...255, using: &random), at: at)
            case 2: result.insert(contentsOf: Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8), at: at)
            case 3: result.replaceSubrange(at..<end, with: Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8))
            case 4:
                let piece = Array(result[at..<end])
                result.insert(contentsOf: piece, at: Int.random(in: 0...result.count, using: &random))
            default: result.removeSubrange(at...)
            }
            if result.isEmpty { result = bytes }
        }
        return result
    }

    @Test func noMutationCrashesOrHangs() throws {
        var texts = [SampleProgram.runnable, SampleProgram.parsedOnly].map { Array($0.utf8) }
        texts += try Fixtures.conformanceRules().prefix(200).map { Array($0.text.utf8) }
        texts += try Fixtures.shippedRules()
        let seed = Volume.baseSeed
        var random = SeededGenerator(seed: seed)
        var brokenCount = 0
        let rounds = Volume.pick(test: 100_000, soak: 1_000_000)
        for round in 0..<rounds {
            let text = texts[round % 4 < 2 ? round % 2 : Int.random(in: 0..<texts.count, using: &random)]
            let file = SourceFile(path: "m.rule", bytes: Self.mutate(text, &random))
            var sink = DiagnosticSink()
            // All the way to what the engine runs.
            let program = RuleSet.load([file], into: &sink)
            #expect((program == nil) == sink.hasErrors, "seed \(seed), round \(round)")
            for diagnostic in sink.diagnostics {
                let range = 0...Int32(file.bytes.count)
                guard range.contains(diagnostic.span.lower), range.contains(diagnostic.span.upper),
                    diagnostic.span.lower <= diagnostic.span.upper
                else {
                    Issue.record("round \(round): \(diagnostic)")
                    return
                }
            }
            if sink.hasErrors { brokenCount += 1 }
            if round % 20 == 0 { #expect(TextRenderer(files: [file]).render(sink).utf8.count < 200_000) }
        }
        #expect(brokenCount > 5_000)
    }

    @Test func deepAndLongTextsAreErrorsAndNotCrashes() {
        let deep = 100_000
        for text in [
            "rule r { match a where " + String(repeating: "(", count: deep) + "x",
            "rule r { match a where " + String(repeating: "not ", count: deep) + "x }",
            "rule r { match a where " + String(repeating: "-", count: deep) + "x > 1 }",
            "rule r { match a where x" + String(repeating: " + x", count: deep) + " > 1 }",
            "rule r { match a where " + String(repeating: "abs(", count: deep) + "x }",
            "rule r { match a where " + String(repeating: "[", count: deep) + "x }",
            "rule r { match a where x" + String(repeating: "[x", count: deep) + "}",
            "rule r { match " + String(repeating: "(", count: deep) + "a }",
            "rule r { match a then not " + String(repeating: "(", count: deep) + "a }",
            "test \"x\" { a { x: " + String(repeating: "[", count: deep),
            "test \"x\" { a { x: " + String(repeating: "{ x: ", count: deep),
            "rule r { match " + String(repeating: "a then ", count: deep) + "a }",
            String(repeating: "rule r {", count: 20_000),
            String(repeating: "}", count: deep),
        ] {
            #expect(!codes(text).isEmpty)
        }
        // Long, but no deeper than it looks.
        #expect(codes("rule r { match a where x" + String(repeating: ".x", count: deep) + " == 1 }").isEmpty)
        #expect(codes("list l = [" + String(repeating: "1,", count: deep) + "]\nrule r { match a where x in l }").isEmpty)
    }

    @Test func letsThatNameEachOtherAreBounded() {
        var text = ""
        for index in 0..<500 { text += "let x\(index) = x\(index + 1) + 1\n" }
        #expect(codes(text + "let x500 = 1").contains("E0411"))
        text = ""
        for index in 0..<70 {
            text += "let y\(index) = " + String(repeating: "(1 + ", count: 90) + "y\(index + 1)" + String(repeating: ")", count: 90) + "\n"
        }
        #expect(codes(text + "let y70 = 1").contains("E0411"))
    }

    @Test func aFileHasABound() {
        let file = SourceFile(path: "large.rule", bytes: [UInt8](repeating: 0x20, count: (16 << 20) + 1))
        let result = check(files: [file])
        #expect(result.program == nil)
        #expect(result.diagnostics.map(\.code) == [.fileTooLarge])
        #expect(check(files: [SourceFile(path: "full.rule", bytes: [UInt8](repeating: 0x20, count: 16 << 20))]).program != nil)
    }
}
