internal import Diagnostics
internal import Foundation
internal import ReferenceMatcher
internal import RuleLanguage
internal import Seeds
internal import Testing

/// The canonical text; an issue and nothing where there is none.
func formatted(_ text: String, _ name: String = "") -> String? {
    var sink = DiagnosticSink()
    let file = source(text)
    guard case .text(let bytes) = format(file: file, into: &sink) else {
        Issue.record("\(name) cannot be formatted: \(TextRenderer(files: [file]).render(sink))\n\(text)")
        return nil
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func syntax(_ text: String) -> (file: SyntaxFile, hasErrors: Bool) {
    var sink = DiagnosticSink()
    let file = parse(file: source(text), index: 0, into: &sink)
    return (file, sink.hasErrors)
}

private func comments(_ file: SyntaxFile) -> [String] {
    file.comments.map { String(decoding: file.source.bytes[Int($0.span.lower)..<Int($0.span.upper)], as: UTF8.self) }.sorted()
}

/// Same tree, all comments there, and formatting once more changes nothing. False where an issue is recorded.
@discardableResult
private func holds(_ text: String, _ name: String) -> Bool {
    guard let once = formatted(text, name), let twice = formatted(once, name) else { return false }
    let before = syntax(text)
    let after = syntax(once)
    var failures: [String] = []
    if once != twice { failures.append("formatting again changes it:\n\(twice)") }
    if treeText(before.file) != treeText(after.file) { failures.append("the tree is another") }
    if comments(before.file) != comments(after.file) { failures.append("comments are missing") }
    if once.contains(" \n") || once.contains("\n\n\n") { failures.append("white space is left") }
    if !once.isEmpty, !once.hasSuffix("\n") || once.hasSuffix("\n\n") || once.hasPrefix("\n") {
        failures.append("it begins or ends with blank lines")
    }
    if failures.isEmpty { return true }
    Issue.record("\(name): \(failures.joined(separator: "; "))\n---- from\n\(text)\n---- to\n\(once)")
    return false
}

@Suite struct FormattingTests {
    private static let seed = Volume.baseSeed

    private static func shippedRules() throws -> [(name: String, text: String)] {
        let folder = Fixtures.folder.deletingLastPathComponent().appendingPathComponent("rules")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".rule") }.sorted().map {
            ($0, try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8))
        }
    }

    @Test func shippedRulesHaveTheLayout() throws {
        let rules = try Self.shippedRules()
        #expect(rules.count >= 12)
        for (name, text) in rules {
            holds(text, name)
            #expect(formatted(text) == text, "\(name)")
        }
    }

    @Test func conformanceRulesKeepTheirMeaning() throws {
        for (name, text) in try Fixtures.conformanceRules() { holds(text, name) }
    }

    @Test func samplesKeepTheirMeaning() {
        for text in [SampleProgram.runnable, SampleProgram.parsedOnly] { holds(text, "sample") }
    }

    /// Every production of the grammar, with comments between any two tokens.
    @Test func commentsMayStandAnywhere() throws {
        var noise = RuleNoise(seed: Self.seed)
        let texts = [SampleProgram.runnable, SampleProgram.parsedOnly] + (try Self.shippedRules().map(\.text))
        let files = texts.map { syntax($0).file }
        for round in 0..<400 {
            let file = files[round % files.count]
            let text = noise.noised(file, comments: [2, 10, 30, 60][round % 4], blanks: [0, 20, 60][round % 3])
            guard holds(text, "seed \(String(Self.seed, radix: 16)), round \(round)") else { return }
        }
    }

    @Test(arguments: 0..<4) func randomRulesKeepTheirMeaning(part: Int) {
        let count = 2_500
        let seed = Self.seed &+ UInt64(part * count)
        var rules = RandomRules(seed: seed, features: part == 0 ? .core : .full, size: 6)
        var noise = RuleNoise(seed: seed)
        for round in 0..<count {
            let plain = rules.next().text
            let parsed = syntax(plain)
            #expect(!parsed.hasErrors, "\(plain)")
            let text = noise.noised(parsed.file, comments: [0, 3, 10, 40][round % 4], blanks: [0, 10, 50][round % 3])
            guard holds(text, "seed \(String(seed, radix: 16)), round \(round)") else { return }
        }
    }

    /// White space but for blank lines has no say.
    @Test func theLayoutDependsOnTheTokensAlone() {
        var rules = RandomRules(seed: Self.seed, features: .full, size: 8)
        var noise = RuleNoise(seed: Self.seed)
        for round in 0..<1_000 {
            let text = rules.next().text
            let other = noise.spaced(syntax(text).file)
            guard formatted(text) == formatted(other) else {
                Issue.record("round \(round): \(text)\n\(other)")
                return
            }
        }
    }

    @Test func linesStayWithinTheirWidth() {
        var rules = RandomRules(seed: Self.seed &+ 77, features: .full, size: 10)
        for _ in 0..<1_000 {
            let text = formatted(rules.next().text) ?? ""
            for line in text.split(separator: "\n") where line.count > 110 { Issue.record("\(line.count) columns: \(line)\n\(text)") }
        }
    }

    @Test func aFileWithMistakesIsNotFormatted() {
        var sink = DiagnosticSink()
        guard case .mistakes = format(file: source("rule r {\n    match a thn b\n}"), into: &sink) else {
            Issue.record("a file with a mistake was formatted")
            return
        }
        #expect(sink.errorCount > 0)
    }

    @Test func aFileMayHoldAlmostNothing() {
        #expect(formatted("") == "")
        #expect(formatted(" \n\t\n") == "")
        #expect(formatted("\n\n  // only this  \r\n\n\n/// and this") == "// only this\n\n/// and this\n")
        #expect(formatted("\u{FEFF}let a = 1") == "let a = 1\n")
        #expect(formatted("rule r { }") == "rule r {}\n")
    }

    @Test func mistakesOfMeaningDoNotMatter() {
        #expect(formatted("rule r{match a where count(nobody.x)>1}") == "rule r {\n    match a where count(nobody.x) > 1\n}\n")
    }

    @Test func deepAndLongTextsAreFormatted() {
        let deep = 190
        let parentheses = String(repeating: "(", count: deep) + "x" + String(repeating: ")", count: deep)
        holds("rule r { match a where " + parentheses + " }", "parentheses")
        holds("rule r { match a where " + String(repeating: "not ", count: deep) + "x }", "not")
        holds("rule r { match a where x" + String(repeating: " + xxxxxxxxxx", count: deep) + " > 1 }", "sum")
        holds("rule r { match " + String(repeating: "(", count: deep) + "a" + String(repeating: ")", count: deep) + " }", "groups")
        holds("rule r { match a where x" + String(repeating: ".x", count: 100_000) + " == 1 }", "path")
        holds("list l = [" + String(repeating: "1,", count: 100_000) + "]", "list")
        holds("rule r { match " + String(repeating: "a then ", count: 10_000) + "a }", "steps")
    }

    /// `fixtures/formatting/NAME.before` becomes `NAME.after`. With NEEDLETAIL_UPDATE set the expected files are written.
    @Test func fixturesComeOutAsExpected() throws {
        let folder = Fixtures.folder.appendingPathComponent("formatting")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".before") }.sorted()
        #expect(names.count == 5)
        for name in names {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            holds(text, name)
            let file = folder.appendingPathComponent(name.replacing(".before", with: ".after"))
            if ProcessInfo.processInfo.environment["NEEDLETAIL_UPDATE"] != nil {
                try formatted(text)?.write(to: file, atomically: true, encoding: .utf8)
            }
            #expect(formatted(text) == (try String(contentsOf: file, encoding: .utf8)), "\(name)")
        }
    }
}
