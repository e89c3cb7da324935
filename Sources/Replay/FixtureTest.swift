// One fixture from its files to a verdict.

internal import Connectors
internal import Decoding
internal import Diagnostics
internal import RuleCompiler
public import Streaming

public enum FixtureOutcome: Sendable, Equatable {
    case passed(alerts: Int)
    /// The expected alerts were written anew.
    case updated(alerts: Int)
    /// Why, in lines without ends.
    case failed([String])
}

extension Fixture {
    /// Most differences that are told of one fixture.
    static let differencesMax = 20

    /// Runs the rules over the events, with time running out at the end, and compares, or writes what came as what is expected.
    ///
    /// - Throws: nothing: whatever is wrong with the files is a failure of the fixture.
    public func test(updates: Bool = false, isColoured: Bool = false) -> FixtureOutcome {
        if let problem { return .failed([problem]) }
        do throws(FileError) {
            return try outcome(updates: updates, isColoured: isColoured)
        } catch {
            return .failed([error.message])
        }
    }

    private func outcome(updates: Bool, isColoured: Bool) throws(FileError) -> FixtureOutcome {
        let files = try SourceFile.readRules(rules)
        guard !files.isEmpty else { return .failed(["no *.rule file in \(rules.joined(separator: ", "))"]) }
        var sink = DiagnosticSink()
        guard let ruleSet = RuleSet.load(files, into: &sink) else {
            return .failed(["its rules have errors:"] + Fixture.lines(TextRenderer(files: files, isColoured: isColoured).render(sink)))
        }
        let events = try readEventFile(eventsPath, bytesMax: Fixture.bytesMax)
        let result: ReplayResult
        do throws(RunError) {
            result = try ruleSet.replay(events: events)
        } catch {
            return .failed([error.message])
        }
        if updates {
            var bytes: [UInt8] = []
            for alert in result.alerts { bytes += alert + [0x0A] }
            try writeFile(alertsPath, bytes)
            return .updated(alerts: result.alerts.count)
        }
        return try comparison(with: result)
    }

    private func comparison(with result: ReplayResult) throws(FileError) -> FixtureOutcome {
        var expected: [JSONValue] = []
        let bytes = try readFile(alertsPath, bytesMax: Fixture.bytesMax)
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let blanks: Set<UInt8> = [0x20, 0x09, 0x0D]
            if line.allSatisfy(blanks.contains) { continue }
            guard let value = JSONValue(object: Array(line)) else {
                return .failed(["\(alertsPath):\(index + 1): this line is no JSON object"])
            }
            expected.append(value)
        }
        var actual: [JSONValue] = []
        for line in result.alerts {
            guard let value = JSONValue(object: line) else {
                return .failed(["an alert that came is no JSON object: \(String(decoding: line, as: UTF8.self))"])
            }
            actual.append(value)
        }
        let differences = compareAlerts(expected: expected, actual: actual)
        guard !differences.isEmpty else { return .passed(alerts: actual.count) }
        var lines = differences.prefix(Fixture.differencesMax).flatMap(\.lines)
        if differences.count > Fixture.differencesMax { lines.append("and \(differences.count - Fixture.differencesMax) more differences") }
        lines.append("\(expected.count) alerts were expected, \(actual.count) came")
        // What was not matched at all is the likeliest reason for a missing alert.
        for line in result.rejects.prefix(3) { lines.append("not an event: \(String(decoding: line.prefix(300), as: UTF8.self))") }
        for line in result.late.prefix(3) { lines.append("late, and so not matched: \(String(decoding: line.prefix(300), as: UTF8.self))") }
        return .failed(lines)
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

extension RunError {
    /// What to tell the user.
    public var message: String {
        switch self {
        case .source(let error): error.message
        case .sink(let message): message
        case .brokenPipe: "whoever reads the alerts has gone"
        case .reorderBufferFull(let bytes):
            "\(bytes >> 20) MiB of events wait for the watermark, which is the most; a smaller `delay` in the stream lets them go sooner"
        case .otherRun(let message): message
        case .state(let error): error.message
        }
    }
}

extension StoreError {
    /// What to tell the user.
    public var message: String {
        switch self {
        case .full(let text), .damaged(let text), .inUse(let text), .unknownFormat(let text), .failed(let text): text
        }
    }
}
