internal import Diagnostics
internal import RuleCompiler
internal import RuleLanguage
internal import Testing

/// `needletail explain CODE`: a page a code, and both its examples do what the page says.
@Suite struct PageTests {
    private static func codes(_ text: String) -> [DiagnosticCode] {
        // U+FFFD stands for a byte that is no text.
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars { bytes += scalar == "\u{FFFD}" ? [0xFF] : Array(String(scalar).utf8) }
        var sink = DiagnosticSink()
        _ = RuleSet.load([SourceFile(path: "page.rule", bytes: bytes)], into: &sink)
        return sink.sorted().map(\.code)
    }

    @Test func everyCodeHasOnePage() {
        #expect(ExplanationPage.all.map(\.code.rawValue).sorted() == DiagnosticCode.allCases.map(\.rawValue).sorted())
    }

    // A file of over 16 MiB stands on no page; it has a test of its own.
    @Test(arguments: DiagnosticCode.allCases.filter { $0 != .fileTooLarge }) func bothExamplesHold(_ code: DiagnosticCode) throws {
        let page = try #require(ExplanationPage.page(of: code))
        let wrong = Self.codes(page.wrong)
        #expect(!wrong.isEmpty && wrong.allSatisfy { $0 == page.code }, "\(page.code.rawValue) wrong: \(wrong.map(\.rawValue))")
        let right = Self.codes(page.right)
        #expect(right.isEmpty, "\(page.code.rawValue) right: \(right.map(\.rawValue))")
    }

    @Test func pagesAreReadable() {
        for page in ExplanationPage.all {
            #expect(!page.title.hasSuffix(".") && page.meaning.hasSuffix("."), "\(page.code.rawValue)")
            for line in page.text.split(separator: "\n") { #expect(line.count <= 110, "\(page.code.rawValue): \(line)") }
            #expect(page.text.hasSuffix("\n") && !page.text.hasSuffix("\n\n"))
        }
    }
}
