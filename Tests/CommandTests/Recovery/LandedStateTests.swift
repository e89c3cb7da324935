import Foundation
import Testing

/// State folders that earlier versions left, kept as bytes: a run goes on with them for ever, and what comes out is what an undisturbed run
/// gives. Each folder of `fixtures/states` has a state after the first `lines.txt` lines of `events.ndjson`, once read from a file and once
/// through a pipe.
@Suite struct LandedStateTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "fixtures/states")

    private static var versions: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    }

    @Test func thereIsOneForThisVersion() { #expect(LandedStateTests.versions.contains("v1")) }

    @Test(arguments: LandedStateTests.versions, ["file", "pipe"])
    func goesOn(version: String, input: String) throws {
        let session = try Session()
        let source = LandedStateTests.folder.appending(path: version)
        for name in ["rules", "events.ndjson", "expected.ndjson", input] {
            try FileManager.default.copyItem(at: source.appending(path: name), to: session.folder.appending(path: name))
        }
        // There they have another ending, so that nobody takes them for shipped rules.
        let rules = session.folder.appending(path: "rules")
        for name in try FileManager.default.contentsOfDirectory(atPath: rules.path) where name.hasSuffix(".kept") {
            try FileManager.default.moveItem(at: rules.appending(path: name), to: rules.appending(path: name.dropLast(4) + "rule"))
        }
        // Git keeps no empty folders, and a checkout may not hold the files of a run that was.
        try FileManager.default.copyItem(
            at: source.appending(path: "alerts-part.ndjson"), to: session.folder.appending(path: input == "file" ? "alerts.ndjson" : "alerts-pipe.ndjson"))
        let lines = try String(contentsOf: source.appending(path: "lines.txt"), encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let shown = try session.run("needletail state \(input)")
        #expect(shown.status == 0 && shown.output.contains("rule"), "\(shown.errors)")
        let command =
            input == "file"
            ? "needletail run rules --input events.ndjson --alerts alerts.ndjson --late late.ndjson --state file --drain && cat alerts.ndjson"
            : "tail -n +$((\(lines) + 1)) events.ndjson | needletail run rules --alerts alerts-pipe.ndjson --state pipe --drain && cat alerts-pipe.ndjson"
        let outcome = try session.run(command)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("going on from checkpoint"))
        #expect(outcome.output == (try session.read("expected.ndjson")))
    }
}
