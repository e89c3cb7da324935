// `test` blocks to `CheckedTest`s.
//
// A test runs the rules of its own file, so it may expect alerts of these alone. Fields and rules are looked up in the text and not in
// what was checked of it, so that a mistake in a rule does not make its tests look wrong as well.

internal import Diagnostics
internal import Events

extension ProgramChecker {
    mutating func checkTests() -> [CheckedTest] {
        let hasTests = files.contains { $0.declarations.contains { if case .test = $0.kind { true } else { false } } }
        guard hasTests else { return [] }
        let names = TestNames(files, declaredTypes: eventTypes.keys)
        var tests: [CheckedTest] = []
        for (index, file) in files.enumerated() {
            for declaration in file.declarations {
                guard case .test(let test) = declaration.kind else { continue }
                tests.append(check(test, file: index, names, isBroken: declaration.isBroken))
            }
        }
        return tests
    }

    /// The stream that a file's tests are read as: the one that it declares, the one without a name first; else the program's unnamed.
    private func testStream(file: Int) -> StreamDefinition {
        let own = zip(streams, streamFiles).filter { $0.1 == file }.map(\.0)
        var stream = own.first { $0.name == nil } ?? own.first ?? streams.first { $0.name == nil } ?? StreamDefinition()
        stream.delayMicroseconds = 0
        stream.aheadMicroseconds = nil
        stream.idleMicroseconds = nil
        return stream
    }

    private mutating func check(_ test: TestSyntax, file: Int, _ names: TestNames, isBroken: Bool) -> CheckedTest {
        var checked = CheckedTest(
            name: test.title.text, span: test.title.span, stream: testStream(file: file), events: [], expectations: [], endMicroseconds: 0)
        var nothing: Span?
        var other: Span?
        var isTooLong = false
        for step in test.steps {
            switch step {
            case .event(let type, let fields, let after):
                if let after { pass(after, &checked.endMicroseconds, &isTooLong) }
                checkNames(fields, of: "event")
                checkType(type, checked.stream, file: file, names)
                if let json = line(type, fields, checked) {
                    checked.events.append(
                        .init(type: type.text, timeMicroseconds: checked.endMicroseconds, json: json, span: type.span))
                }
            case .wait(let duration): pass(duration, &checked.endMicroseconds, &isTooLong)
            case .expect(let rule, let fields, let at):
                checkNames(fields, of: "alert")
                checkRule(rule, fields, file: file, names)
                checked.expectations.append(
                    .init(rule: rule.text, fields: TestSyntax.text(fields), atMicroseconds: at?.microseconds, span: rule.span))
                other = other ?? rule.span
            case .expectNothing(let span):
                if let first = nothing { reportNothing(span, beside: first) }
                nothing = nothing ?? span
            }
        }
        if let nothing, let other { reportNothing(nothing, beside: other) }
        if nothing == nil, other == nil, !isBroken {
            report(
                Diagnostic(
                    .testWithoutExpectation, "this test does not say what must come out", at: test.title.span,
                    help: "write `expect RULE { field: value }` for each alert, or `expect nothing`"))
        }
        return checked
    }

    private mutating func reportNothing(_ span: Span, beside other: Span) {
        report(
            Diagnostic(
                .nothingAmongOthers, "`expect nothing` stands alone", at: span, notes: [.init(span: other, label: "this is expected too")],
                help: "`expect` lists all alerts that must come: what is not listed must not come anyway"))
    }

    /// Moves a test's time on. Events have times before the year 2201, and so have tests.
    private mutating func pass(_ duration: DurationSyntax, _ now: inout Int64, _ isTooLong: inout Bool) {
        let (sum, overflow) = now.addingReportingOverflow(duration.microseconds)
        if !overflow, Timestamp.isInRange(sum) {
            now = sum
            return
        }
        if !isTooLong {
            report(
                Diagnostic(
                    .testTooLong, "the test goes on beyond the year 2200, where no event can be", at: duration.span,
                    help: "it begins in 1970; use shorter times"))
        }
        isTooLong = true
    }

    // MARK: Events

    /// The line of an event; nil where its own fields leave no room for type and time, which is then reported.
    private mutating func line(_ type: TypeName, _ fields: [TestSyntax.Member], _ test: CheckedTest) -> String? {
        var format = test.stream.timeFormat
        // A stream that takes both forms takes the one that the event is declared with.
        if format == .automatic, eventTypes[type.text]?.fields[test.stream.time]?.type == .number { format = .milliseconds }
        let time = TestSyntax.time(test.endMicroseconds, format)
        guard var members = setting(test.stream.time, to: time, in: fields, of: type, isTime: true) else { return nil }
        if case .field(let path) = test.stream.type {
            guard let all = setting(path, to: .string(type.text), in: members, of: type, isTime: false) else { return nil }
            members = all
        }
        return TestSyntax.text(members)
    }

    private mutating func setting(
        _ path: FieldPath, to value: TestSyntax.JSON, in fields: [TestSyntax.Member], of type: TypeName, isTime: Bool
    ) -> [TestSyntax.Member]? {
        do throws(TestSyntax.Obstacle) {
            return try TestSyntax.setting(path, to: value, in: fields, span: type.span)
        } catch {
            let help =
                isTime ? "the test sets it: leave it out here, and write `after 5s` behind the event to move time on"
                : "the test sets it from the word before the fields: leave it out here"
            report(
                Diagnostic(
                    .testFieldTaken,
                    error.span == nil
                        ? "a test cannot write `\(path)`, where the stream reads the \(isTime ? "time" : "type")"
                        : "`\(path)` is the event's \(isTime ? "time" : "type")",
                    at: error.span ?? type.span, help: error.span == nil ? nil : help))
            return nil
        }
    }

    private mutating func checkNames(_ members: [TestSyntax.Member], of what: String) {
        var seen: [String: Name] = [:]
        for member in members {
            if let first = seen[member.name.text] {
                report(
                    Diagnostic(
                        .duplicateName, "the \(what) has two fields named `\(member.name.text)`", at: member.name.span,
                        notes: [.init(span: first.span, label: "first written here")], help: "keep one of them"))
            } else {
                seen[member.name.text] = member.name
            }
            checkNames(in: member.value)
        }
    }

    private mutating func checkNames(in value: TestSyntax.JSON) {
        switch value {
        case .object(let members): checkNames(members, of: "object")
        case .array(let elements): for element in elements { checkNames(in: element) }
        default: break
        }
    }

    private mutating func checkType(_ type: TypeName, _ stream: StreamDefinition, file: Int, _ names: TestNames) {
        if type.isAny {
            report(
                Diagnostic(
                    .unknownTestEvent, "`event` is the word for any type, and an event has one of its own", at: type.span,
                    help: "write the type of the event: `charge { … }`"))
            return
        }
        if case .constant(let only) = stream.type {
            guard type.text != only else { return }
            report(
                Diagnostic(
                    .unknownTestEvent, "the stream has events of type `\(only)` only", at: type.span,
                    help: "its declaration says `type \"\(only)\"`", fix: names.fix(type.span, only)))
            return
        }
        // Where no types are declared, any type may come. Where this file declares some, a test may have those and what rules name;
        // where only other files do, what looks like a slip.
        guard !names.types.isEmpty, !eventTypes.isEmpty, !names.types.contains(type.text) else { return }
        let nearest = NearestName.find(type.text, among: names.types.sorted())
        guard nearest != nil || names.filesWithTypes.contains(file) else { return }
        report(
            Diagnostic(
                .unknownTestEvent, "no type `\(type.text)` is declared, and no rule names it", at: type.span,
                label: nearest.map { "did you mean `\($0)`?" } ?? "",
                help: nearest == nil ? "declare it where the other types are: `event \(type.text) { … }`" : nil,
                fix: nearest.flatMap { names.fix(type.span, $0) }))
    }

    // MARK: Expectations

    private mutating func checkRule(_ name: Name, _ fields: [TestSyntax.Member], file: Int, _ names: TestNames) {
        guard let rule = names.rules[file][name.text] else {
            let own = names.rules[file].keys.sorted()
            if let elsewhere = names.rules.lazy.compactMap({ $0[name.text] }).first {
                report(
                    Diagnostic(
                        .unknownTestRule, "the rule `\(name.text)` is not of this file", at: name.span,
                        notes: [.init(span: elsewhere.name.span, label: "it stands here")],
                        help: "a test runs the rules of its own file: write it beside the rule"))
                return
            }
            if names.filesWithBrokenRules.contains(file) { return }
            let nearest = NearestName.find(name.text, among: own)
            report(
                Diagnostic(
                    .unknownTestRule, "no rule of this file is named `\(name.text)`", at: name.span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: nearest != nil ? nil : own.isEmpty ? "this file has no rule" : "rules of this file: \(TestNames.listed(own))",
                    fix: nearest.flatMap { names.fix(name.span, $0) }))
            return
        }
        guard let known = rule.fields else { return }
        for field in fields where !known.contains(field.name.text) {
            let nearest = NearestName.find(field.name.text, among: known)
            report(
                Diagnostic(
                    .fieldNotInAlert, "alerts of `\(name.text)` have no field `\(field.name.text)`", at: field.name.span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: nearest != nil
                        ? nil
                        : known.isEmpty ? "they have no fields: `alert high \"…\" { name: … }`" : "they have \(TestNames.listed(known))",
                    fix: nearest.flatMap { names.fix(field.name.span, $0) }))
        }
    }
}
