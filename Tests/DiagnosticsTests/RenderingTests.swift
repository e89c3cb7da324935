internal import Diagnostics
internal import Testing

@Suite struct RenderingTests {
    private func file(_ text: String, path: String = "a.rule") -> SourceFile { SourceFile(path: path, bytes: Array(text.utf8)) }

    private func span(_ lower: Int32, _ upper: Int32, file: Int32 = 0) -> Span { Span(file: file, lower: lower, upper: upper) }

    private func carets(_ text: String, _ lower: Int32, _ upper: Int32) -> [String] {
        let rendered = TextRenderer(files: [file(text)]).render(Diagnostic(.wrongType, "m", at: span(lower, upper)))
        return rendered.split(separator: "\n").suffix(2).map(String.init)
    }

    @Test func tabsAndWideCharactersKeepCaretsInPlace() {
        #expect(carets("\tabc", 1, 4) == ["1 |     abc", "  |     ^^^"])
        #expect(carets("é x", 3, 4) == ["1 | é x", "  |   ^"])
        #expect(carets("日本 x", 7, 8) == ["1 | 日本 x", "  |      ^"])
        #expect(carets("e\u{301} x", 4, 5) == ["1 | e\u{301} x", "  |   ^"])
    }

    @Test func whatSteersATerminalIsNotShown() {
        let text = TextRenderer(files: [file("a \u{1B}[31m b", path: "x\u{1B}.rule")]).render(
            Diagnostic(.wrongType, "`\u{1B}`", at: span(0, 1), help: "\u{202E}"))
        #expect(!text.utf8.contains(0x1B))
        #expect(!text.unicodeScalars.contains("\u{202E}"))
    }

    @Test func veryLongLinesAreCut() {
        let text = String(repeating: "x", count: 100_000)
        for lower in [Int32(0), 5, 50_000, 99_990] {
            let lines = carets(text, lower, lower + 10)
            #expect(lines[0].count <= TextRenderer.columnsMax + 5)
            let start = lines[1].firstIndex(of: "^")!
            #expect(lines[1][start...] == "^^^^^^^^^^")
            let column = lines[1].distance(from: lines[1].startIndex, to: start)
            #expect(Array(lines[0])[column] == "x")
        }
        #expect(carets(text, 0, 100_000)[1].count <= TextRenderer.columnsMax + 5)
    }

    @Test func spansOverLinesEndWithTheirFirst() {
        #expect(carets("abc\ndef", 1, 6) == ["1 | abc", "  |  ^^"])
        #expect(carets("abc\r\ndef", 1, 8) == ["1 | abc", "  |  ^^"])
        #expect(carets("abc", 3, 3) == ["1 | abc", "  |    ^"])
    }

    @Test func secondPlacesInOtherFiles() {
        let files = [file("rule a", path: "one.rule"), file("\n\nrule a", path: "two.rule")]
        let diagnostic = Diagnostic(
            .duplicateDeclaration, "two", at: span(7, 8, file: 1), label: "here",
            notes: [.init(span: span(5, 6), label: "first defined here")], help: "h",
            fix: .init(span: span(7, 8, file: 1), replacement: "b"))
        #expect(
            TextRenderer(files: files).render(diagnostic) == """
                error[E0301]: two
                 --> two.rule:3:6
                  |
                3 | rule a
                  |      ^ here
                 ::: one.rule:1:6
                  |
                1 | rule a
                  |      - first defined here
                  = help: h
                  = fix: replace `a` by `b`

                """)
        #expect(
            JSONRenderer(files: files).render(diagnostic)
                == "{\"code\":\"E0301\",\"severity\":\"error\",\"message\":\"two\",\"file\":\"two.rule\",\"line\":3,\"column\":6,\"end_line\":3,\"end_column\":7,"
                + "\"label\":\"here\",\"notes\":[{\"file\":\"one.rule\",\"line\":1,\"column\":6,\"end_line\":1,\"end_column\":7,\"label\":\"first defined here\"}],"
                + "\"help\":\"h\",\"fix\":{\"file\":\"two.rule\",\"line\":3,\"column\":6,\"end_line\":3,\"end_column\":7,\"replacement\":\"b\"}}"
        )
    }

    @Test func coloursAreOptional() {
        let diagnostic = Diagnostic(.modeWithoutLoop, "m", at: span(0, 1))
        #expect(TextRenderer(files: [file("a")], isColoured: true).render(diagnostic).contains("\u{1B}[1;33mwarning[W0501]\u{1B}[0m"))
        #expect(!TextRenderer(files: [file("a")]).render(diagnostic).contains("\u{1B}"))
    }

    @Test func aSinkHasABound() {
        var sink = DiagnosticSink(diagnosticsMax: 3)
        sink.report(Diagnostic(.modeWithoutLoop, "w", at: span(0, 0)))
        for _ in 0..<5 { sink.report(Diagnostic(.wrongType, "e", at: span(0, 0))) }
        #expect(sink.diagnostics.map(\.severity) == [.error, .error, .error])
        #expect(sink.errorCount == 5)
        #expect(sink.omittedCount == 3)
        #expect(TextRenderer(files: [file("a")]).render(sink).hasSuffix("3 more messages are not shown.\n"))
    }

    @Test func codesAreUniqueAndWellFormed() {
        let codes = DiagnosticCode.allCases.map(\.rawValue)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { $0.utf8.count == 5 && ($0.first == "E" || $0.first == "W") })
    }
}
