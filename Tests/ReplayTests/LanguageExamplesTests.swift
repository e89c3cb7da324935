import Decoding
import Diagnostics
import Foundation
import Replay
import RuleCompiler
import Testing

/// An example of docs/LANGUAGE.md: a block marked `rule`, with what its mark and the blocks behind it say.
struct LanguageExample: Sendable, CustomTestStringConvertible {
    /// Of its first line in the page.
    var line: Int
    var rules: String
    /// `error=E0310`: refused with this code.
    var errorCode: String?
    /// `run`: events and alerts follow.
    var isRun = false
    var events: String?
    var alerts: String?

    var testDescription: String { "line \(line)" }

    static func all(_ page: String) -> [LanguageExample] {
        var examples: [LanguageExample] = []
        var block: (mark: [Substring], line: Int, text: String)?
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard line.hasPrefix("```") else {
                if block != nil { block!.text += line + "\n" }
                continue
            }
            guard let closed = block else {
                block = (line.dropFirst(3).split(separator: " "), index + 2, "")
                continue
            }
            block = nil
            switch closed.mark.first {
            case "rule":
                var example = LanguageExample(line: closed.line, rules: closed.text)
                for word in closed.mark.dropFirst() {
                    if word == "run" { example.isRun = true }
                    if word.hasPrefix("error=") { example.errorCode = String(word.dropFirst("error=".count)) }
                }
                examples.append(example)
            case "events": examples[examples.count - 1].events = closed.text
            case "alerts": examples[examples.count - 1].alerts = closed.text
            default: break
            }
        }
        return examples
    }
}

@Suite struct LanguageExamplesTests {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let examples: [LanguageExample] =
        (try? String(contentsOf: repository.appendingPathComponent("docs/LANGUAGE.md"), encoding: .utf8)).map(LanguageExample.all) ?? []

    @Test func thePageHasExamplesOfEveryKind() {
        #expect(Self.examples.count >= 25)
        #expect(Self.examples.filter(\.isRun).count >= 15)
        #expect(Self.examples.filter { $0.errorCode != nil }.count >= 4)
        for example in Self.examples where example.isRun {
            #expect(example.events != nil && example.alerts != nil, "line \(example.line): `run` is followed by events and alerts")
        }
    }

    @Test(arguments: examples) func theExampleIsTrue(_ example: LanguageExample) throws {
        let files = [SourceFile(path: "LANGUAGE.md", bytes: Array(example.rules.utf8))]
        var sink = DiagnosticSink()
        let rules = RuleSet.load(files, into: &sink)
        let rendered = TextRenderer(files: files).render(sink)
        if let code = example.errorCode {
            #expect(rules == nil, "line \(example.line) is refused")
            #expect(sink.sorted().map(\.code.rawValue) == [code], "line \(example.line): \(rendered)")
            return
        }
        let loaded = try #require(rules, "line \(example.line): \(rendered)")
        #expect(sink.diagnostics.isEmpty, "line \(example.line): \(rendered)")
        guard let events = example.events, let alerts = example.alerts else { return }
        let result = try loaded.replay(events: Array(events.utf8))
        #expect(result.rejects.isEmpty)
        let expected = try alerts.split(separator: "\n").map { try #require(JSONValue(object: Array($0.utf8))) }
        let actual = try result.alerts.map { try #require(JSONValue(object: $0)) }
        let differences = compareAlerts(expected: expected, actual: actual).flatMap(\.lines).joined(separator: "\n")
        #expect(differences == "", "line \(example.line)")
    }
}
