internal import Diagnostics
internal import Replay

extension Command {
    static let test = Command(
        name: "test", operands: "[PATH…]", summary: "replay logs and compare the alerts that come with those expected; run the tests of rule files",
        details: [
            "Runs every fixture in and below the folders given (by default fixtures/ and rules/). A fixture is a folder with events.ndjson and alerts.ndjson: the alerts that must come out, in order. It is run with the rule files that its rules.txt lists, one path a line, relative to the folder; without one, with all of rules/ in the nearest folder above.",
            "Expected alerts name only the fields that matter: an object matches where every field it has is equal, a list element by element. Of a fixture that fails the difference is shown, alert by alert. The exit status is 1 where any has failed.",
            "Then runs the `test` blocks of the rule files given or found in the folders. These files together form one program, so that a block may use the lists, constants and the stream of another file; rule files that lie in the folder of a fixture are a program of their own.",
        ],
        example: "needletail test\nneedletail test rules/card_testing.rule", flags: [.update]
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
        let programs: [[SourceFile]]
        do throws(FileError) {
            fixtures = try Fixture.find(paths)
            programs = try ruleFiles(beside: fixtures)
        } catch {
            throw UsageError(error.message)
        }
        guard !fixtures.isEmpty || !programs.isEmpty else {
            throw UsageError(
                "there is no fixture in \(paths.joined(separator: ", ")), and no rule file",
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
                Needletail.print("FAILED  \(fixture.folder)\n" + TestRun.indented(lines))
            }
        }
        var hasBlocks = false
        for files in programs {
            var sink = DiagnosticSink()
            guard let blocks = TestBlocks.load(files, into: &sink) else {
                failed += 1
                let text = TextRenderer(files: files).render(sink).split(separator: "\n", omittingEmptySubsequences: false)
                Needletail.print("FAILED  the rules have errors:\n" + TestRun.indented(text.map(String.init)))
                continue
            }
            if blocks.count > 0 { hasBlocks = true }
            blocks.run { result in
                if result.hasPassed {
                    passed += 1
                    Needletail.print(
                        "ok      \(result.path) \(result.title)  (\(NumberText.counted(UInt64(result.alertCount), "alert")))\n")
                } else {
                    failed += 1
                    Needletail.print("FAILED  \(result.path):\(result.line) \(result.title)\n" + TestRun.indented(result.failure))
                }
            }
        }
        guard !fixtures.isEmpty || hasBlocks || failed > 0 else {
            throw UsageError(
                "there is no fixture in \(paths.joined(separator: ", ")), and no `test` block",
                hint: "a test stands beside the rules: test \"nobody paid\" { order_placed { order: \"o1\" } wait 1h expect unpaid }")
        }
        Needletail.print("\(passed) passed, \(failed) failed\n")
        return failed == 0 ? ExitStatus.done : ExitStatus.found
    }

    private static func indented(_ lines: [String]) -> String {
        lines.map { $0.isEmpty ? "\n" : "    \($0)\n" }.joined()
    }

    /// The rule files of the paths, program by program: those of each fixture's folder, and all others.
    private func ruleFiles(beside fixtures: [Fixture]) throws(FileError) -> [[SourceFile]] {
        var programs: [String: [SourceFile]] = [:]
        var owners: [String] = []
        for file in try SourceFile.readRules(paths) {
            let owner = fixtures.first { file.path.hasPrefix($0.folder + "/") }?.folder ?? ""
            if programs[owner] == nil { owners.append(owner) }
            programs[owner, default: []].append(file)
        }
        return owners.compactMap { programs[$0] }
    }
}
