internal import Diagnostics
internal import Events
internal import RuleLanguage
internal import Testing

/// Declarations and clauses.
@Suite struct ProgramTests {
    @Test func theSampleOfEveryProductionChecks() throws {
        let result = check(files: [source(SampleProgram.runnable)])
        #expect(codes(SampleProgram.runnable).isEmpty, "\(rendered(SampleProgram.runnable))")
        let program = try #require(result.program)
        // `everything` is disabled.
        #expect(program.rules.map(\.name) == ["tree"])
        #expect(program.eventTypes.map(\.name) == ["charge", "wire"])
        #expect(
            program.streams == [
                StreamDefinition(
                    type: .field(FieldPath(name: "kind")), time: FieldPath(name: "at"), timeFormat: .rfc3339, delayMicroseconds: 5_000_000,
                    aheadMicroseconds: 5_400_000_000, idleMicroseconds: 250_000),
                StreamDefinition(name: "other", type: .constant("request"), timeFormat: .milliseconds),
            ])
    }

    @Test func whatIsOnlyParsedIsSaidPlainly() {
        let found = codes(SampleProgram.parsedOnly)
        #expect(!found.isEmpty)
        #expect(found.allSatisfy { $0 == "E0601" }, "\(rendered(SampleProgram.parsedOnly))")
    }

    @Test func theTreeHoldsEveryComment() {
        var sink = DiagnosticSink()
        let file = parse(file: source("// a\nrule r { // b\n match a // c\n /// d\n //// e\n}\n// f"), index: 0, into: &sink)
        #expect(file.comments.count == 6)
        #expect(file.comments.map(\.isDocumentation) == [false, false, false, true, false, false])
        #expect(file.comments.map(\.startsLine) == [true, false, false, true, true, true])
    }

    @Test func aDescriptionIsTheLinesRightBefore() throws {
        let text = "/// not this\n\n/// one\n///  two\nrule a { match x }\n/// lost\n// between\nrule b { match x } rule c { match x }"
        let program = try #require(check(files: [source(text)]).program)
        #expect(program.rules.map(\.documentation) == ["one\n two", "", ""])
    }

    @Test func clausesFillTheRule() throws {
        func rule(_ text: String) throws -> CheckedRule {
            try #require(
                check(files: [source("rule r { match p: a then b \(text) }")]).program?.rules.first,
                "\(rendered("rule r { match p: a then b \(text) }"))")
        }
        #expect(try rule("").afterMatch == .skipPastLast)
        #expect(try rule("after match skip past last").afterMatch == .skipPastLast)
        #expect(try rule("after match skip to next").afterMatch == .skipToNext)
        #expect(try rule("after match skip to first p").afterMatch == .skipToFirst(0))
        #expect(try rule("after match skip to last p").afterMatch == .skipToLast(0))
        #expect(try rule("after match keep all").afterMatch == .keepAll)
        #expect(try rule("limit 5 open drop newest limit 7 events").openLimit == OpenLimit(max: 5, dropsNewest: true))
        #expect(try rule("limit 5 open drop oldest").openLimit == OpenLimit(max: 5, dropsNewest: false))
        #expect(try rule("limit 7 events").loopEventsMax == 7)
        #expect(try rule("tags a, b.c, \"d-e\", a").tags == ["a", "b.c", "d-e"])
        #expect(try rule("cooldown 1h").cooldown?.durationMicroseconds == 3_600_000_000)
        #expect(try rule("alert info").alert?.severity == .info)
        #expect(try rule("alert").alert?.severity == .medium)
    }

    @Test func rulesStandInTheOrderOfTheirNames() throws {
        let files = [
            source("rule b { match x } rule A { match x }", path: "1"), source("rule `é` { match x } rule a { match x }", path: "2"),
        ]
        #expect(check(files: files).program?.rules.map(\.name) == ["A", "a", "b", "é"])
    }

    @Test func namesAreOneSpaceOverAllFiles() throws {
        let files = [source("rule r { match x where v > n }", path: "1"), source("let n = 5\nrule r { match x }", path: "2")]
        let result = check(files: files)
        #expect(result.program == nil)
        let diagnostic = try #require(result.diagnostics.first)
        #expect(result.diagnostics.count == 1)
        #expect(diagnostic.span.file == 1)
        #expect(diagnostic.notes.map(\.span.file) == [0])
    }

    @Test func mistakesDoNotHideOneAnother() {
        let text = """
            rule one { by card match a then then b alert hgh "x" tags }
            rule two {
                where x >
                let y = )
                match a{0} then not then b
                alert low "{" { n: 1 +, m: q.. }
                cooldown soon
            }
            evnt charge { }
            rule three { match a where v = 1 }
            """
        #expect(codes(text).count >= 10, "\(rendered(text))")
    }

    @Test func emptyFilesAreFine() {
        #expect(codes("").isEmpty)
        #expect(codes("\u{FEFF}// only a comment").isEmpty)
        #expect(check(files: []).program?.rules.isEmpty == true)
    }
}
