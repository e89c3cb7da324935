internal import Diagnostics
internal import Replay
internal import RuleLanguage

extension Command {
    static let test = Command(
        name: "test", operands: "[PATH…]", summary: "replay logs and compare the alerts that come with those expected",
        details: [
            "Runs every fixture in and below the folders given (by default fixtures/ and rules/). A fixture is a folder with events.ndjson and alerts.ndjson: the alerts that must come out, in order. It is run with the rule files that its rules.txt lists, one path a line, relative to the folder; without one, with all of rules/ in the nearest folder above.",
            "Expected alerts name only the fields that matter: an object matches where every field it has is equal, a list element by element. Of a fixture that fails the difference is shown, alert by alert. The exit status is 1 where any has failed.",
        ],
        example: "needletail test fixtures/card_testing", flags: [.update]
    ) { (options) throws(UsageError) in
        let paths = try TestRun.paths(options.operands)
        return try TestRun(paths: paths, updates: options.updates).run()
    }
}

/// One call of `needletail test`.
struct TestRun {
    let paths: [String]
    let updates: Bool

    static func paths(_ operands: [String]) throws(UsageError) -> [String] {
        guard operands.isEmpty else { return operands }
        let paths = ["fixtures", "rules"].filter { FileSearch.isThere($0, .folder) }
        guard !paths.isEmpty else {
            throw UsageError("there is neither fixtures/ nor rules/ here", hint: "name a folder: needletail test PATH…")
        }
        return paths
    }

    func run() throws(UsageError) -> Int32 {
        let fixtures: [Fixture]
        let blocks: [(path: String, count: Int)]
        do throws(FileError) {
            fixtures = try Fixture.find(paths)
            blocks = try testBlocks()
        } catch {
            throw UsageError(error.message)
        }
        for (path, count) in blocks {
            Terminal.writeError(
                "needletail: warning: \(path): \(NumberText.counted(UInt64(count), "`test` block")) not run; they are not in this version of Needletail\n")
        }
        guard !fixtures.isEmpty else {
            throw UsageError(
                "there is no fixture in \(paths.joined(separator: ", "))",
                hint: "a fixture is a folder with \(Fixture.eventsName) and \(Fixture.alertsName)")
        }
        var passed = 0
        var failed = 0
        for fixture in fixtures {
            switch fixture.test(updates: updates, isColoured: false) {
            case .passed(let alerts):
                passed += 1
                Needletail.print("ok      \(fixture.folder)  (\(NumberText.counted(UInt64(alerts), "alert")))\n")
            case .updated(let alerts):
                passed += 1
                Needletail.print("written \(fixture.alertsPath)  (\(NumberText.counted(UInt64(alerts), "alert")))\n")
            case .failed(let lines):
                failed += 1
                Needletail.print("FAILED  \(fixture.folder)\n" + lines.map { $0.isEmpty ? "\n" : "    \($0)\n" }.joined())
            }
        }
        Needletail.print("\(passed) passed, \(failed) failed\n")
        return failed == 0 ? ExitStatus.done : ExitStatus.found
    }

    /// Rule files with `test` blocks, so that nobody takes their silence for success.
    private func testBlocks() throws(FileError) -> [(path: String, count: Int)] {
        var found: [(path: String, count: Int)] = []
        for file in try SourceFile.readRules(paths) {
            var sink = DiagnosticSink()
            let syntax = parse(file: file, index: 0, into: &sink)
            let count = syntax.declarations.count { if case .test = $0.kind { true } else { false } }
            if count > 0 { found.append((file.path, count)) }
        }
        return found
    }
}
