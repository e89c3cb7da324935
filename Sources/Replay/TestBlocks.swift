// The `test` blocks of rule files, each from its text to a verdict.
//
// A block runs the rules of its own file alone, disabled ones too: a rule that is switched off for a while keeps its tests. What it
// expects becomes expected alerts, which are compared as those of a fixture are.

internal import Decoding
public import Diagnostics
internal import Engine
internal import Events
internal import RuleCompiler
internal import RuleLanguage
internal import Streaming

/// How one block went.
public struct TestBlockResult: Sendable {
    /// The rule file, as the user named it.
    public var path: String
    /// Of its title, from 1.
    public var line: Int
    /// Its title in quotes, escaped as a JSON string, so that it takes one line.
    public var title: String
    /// How many alerts came.
    public var alertCount: Int
    /// Why it failed, in lines without ends; empty where it passed.
    public var failure: [String]

    public var hasPassed: Bool { failure.isEmpty }
}

/// The blocks of the rule files that form one program.
public struct TestBlocks: Sendable {
    private let files: [SourceFile]
    private let lines: [LineTable]
    private let checked: CheckedProgram

    /// Checks and compiles the files as one program. Nil where there is any error; `sink` then says which.
    public static func load(_ files: [SourceFile], into sink: inout DiagnosticSink) -> TestBlocks? {
        RuleSet.load(files, into: &sink).map { TestBlocks(files: files, lines: files.map { LineTable($0.bytes) }, checked: $0.checked) }
    }

    private init(files: [SourceFile], lines: [LineTable], checked: CheckedProgram) {
        self.files = files
        self.lines = lines
        self.checked = checked
    }

    public var count: Int { checked.tests.count }

    /// Runs every block, in the order of files and text, and tells how each went.
    public func run(_ report: (TestBlockResult) -> Void) {
        var program: (file: Int32, result: Result<Program, CompileFailure>)?
        for test in checked.tests {
            if program?.file != test.file { program = (test.file, compiled(file: test.file)) }
            guard let program else { continue }
            var result = TestBlockResult(
                path: path(test.span), line: line(test.span), title: TestBlocks.quoted(test.name), alertCount: 0, failure: [])
            switch program.result {
            case .success(let program): run(test, program, &result)
            case .failure(let failure):
                let rule = rules(file: test.file)[failure.rule].name
                result.failure = ["rule `\(rule)` cannot be run: \(failure.reason.message)"]
            }
            report(result)
        }
    }

    // MARK: - Running

    private func rules(file: Int32) -> [CheckedRule] {
        (checked.rules + checked.disabledRules).filter { $0.span.file == file }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private func compiled(file: Int32) -> Result<Program, CompileFailure> {
        do throws(CompileFailure) {
            return .success(try compile(CheckedProgram(streams: [], rules: rules(file: file), eventTypes: checked.eventTypes)))
        } catch {
            return .failure(error)
        }
    }

    private func run(_ test: CheckedTest, _ program: Program, _ result: inout TestBlockResult) {
        var events: [UInt8] = []
        for event in test.events { events += Array(event.json.utf8) + [0x0A] }
        let replayed: ReplayResult
        do throws(RunError) {
            replayed = try replay(
                program: program, stream: test.stream, events: events, drains: false, endMicroseconds: test.endMicroseconds)
        } catch {
            result.failure = [error.message]
            return
        }
        result.alertCount = replayed.alerts.count
        let actual = replayed.alerts.compactMap { JSONValue(object: $0) }
        let differences = compareAlerts(expected: test.expectations.map(TestBlocks.alert), actual: actual)
        // An event that is refused was not looked at, whatever the alerts.
        guard !differences.isEmpty || !replayed.rejects.isEmpty else { return }
        var lines = differences.prefix(Fixture.differencesMax).flatMap { self.lines($0, test) }
        if differences.count > Fixture.differencesMax { lines.append("and \(differences.count - Fixture.differencesMax) more differences") }
        let expected = test.expectations.count
        lines.append("\(expected) \(expected == 1 ? "alert was" : "alerts were") expected, \(actual.count) came")
        for line in replayed.rejects.prefix(3) { lines.append("not an event: \(String(decoding: line.prefix(300), as: UTF8.self))") }
        result.failure = lines
    }

    /// An expectation as the alert that it names.
    private static func alert(_ expectation: CheckedTest.Expectation) -> JSONValue {
        var members: [JSONValue.Member] = [.init(name: "rule", value: .string(expectation.rule))]
        if let at = expectation.atMicroseconds {
            var buffer = ByteBuffer()
            buffer.append(time: at)
            members.append(.init(name: "at", value: .string(buffer.string)))
        }
        members.append(.init(name: "fields", value: JSONValue(object: Array(expectation.fields.utf8)) ?? .object([])))
        return .object(members)
    }

    // MARK: - Text

    private func lines(_ difference: AlertDifference, _ test: CheckedTest) -> [String] {
        switch difference {
        case .missing(let number, _):
            let expectation = test.expectations[number - 1]
            var lines = ["\(place(expectation.span)): did not come: \(TestBlocks.face(expectation))"]
            if let at = expectation.atMicroseconds, at > test.endMicroseconds {
                lines.append("    the test ends at \(TestBlocks.duration(test.endMicroseconds)); `wait` lets time pass")
            }
            return lines
        case .unexpected(_, let actual): return ["not expected: \(TestBlocks.face(actual))"]
        case .differs(let number, _, let actual, let fields):
            var lines = ["\(place(test.expectations[number - 1].span)): came otherwise: \(TestBlocks.face(actual))"]
            for field in fields.prefix(AlertDifference.fieldsMax) {
                let isField = field.path.hasPrefix("fields.")
                lines.append("    \(isField ? String(field.path.dropFirst("fields.".count)) : field.path)")
                lines.append("        expected  \(TestBlocks.short(field.expected, isTime: !isField))")
                lines.append("        came      \(field.actual.map { TestBlocks.short($0, isTime: !isField) } ?? "nothing")")
            }
            if fields.count > AlertDifference.fieldsMax { lines.append("    and \(fields.count - AlertDifference.fieldsMax) more fields") }
            return lines
        }
    }

    /// `card_testing {"probes":3} at 1m10s`
    private static func face(_ expectation: CheckedTest.Expectation) -> String {
        var text = expectation.rule
        if expectation.fields != "{}" { text += " " + expectation.fields }
        if let at = expectation.atMicroseconds { text += " at " + duration(at) }
        return text
    }

    /// Rule, time since the test began, and summary: `card_testing at 1m10s "3 probes on c1"`.
    private static func face(_ alert: JSONValue) -> String {
        var text = alert["rule"]?.text ?? ""
        if let kind = alert["kind"]?.text, kind != "match" { text += " (\(kind))" }
        if let at = alert["at"] { text += " at " + short(at, isTime: true) }
        if let summary = alert["summary"]?.text { text += " " + quoted(summary) }
        return text
    }

    private static func short(_ value: JSONValue, isTime: Bool) -> String {
        if isTime, let text = value.text, let at = Timestamp.microseconds(rfc3339: text) { return duration(at) }
        return AlertDifference.short(value)
    }

    private static func duration(_ microseconds: Int64) -> String {
        var buffer = ByteBuffer()
        buffer.append(duration: microseconds)
        return buffer.string
    }

    private static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        buffer.append(jsonString: text)
        return buffer.string
    }

    private func path(_ span: Span) -> String { files[Int(span.file)].path }
    private func line(_ span: Span) -> Int { lines[Int(span.file)].position(of: Int(span.lower)).line }
    private func place(_ span: Span) -> String { "\(path(span)):\(line(span))" }
}
