import Foundation
import Replay
import Testing

/// A folder that is gone when the test is.
final class Folder {
    let url: URL
    var path: String { url.path }

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ text: String) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func read(_ name: String) throws -> String { try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8) }
}

@Suite struct FixtureTests {
    private static let rule = "rule r { by k match a: a then b: b alert low \"{k}\" }\n"
    private static let events = """
        {"type":"a","ts":1000,"k":"x","id":1}
        {"type":"b","ts":2000,"k":"x","id":2}

        """

    private func folder(_ files: [String: String]) throws -> Folder {
        let folder = try Folder()
        for (name, text) in files { try folder.write(name, text) }
        return folder
    }

    @Test func rulesStandInTheNearestFolderAbove() throws {
        let folder = try folder([
            "rules/r.rule": Self.rule, "fixtures/deep/one/events.ndjson": Self.events,
            "fixtures/deep/one/alerts.ndjson": #"{"rule":"r","match":{"a":[{"id":1}]}}"#,
        ])
        let fixtures = try Fixture.find([folder.path + "/fixtures"])
        #expect(fixtures == [Fixture(folder: folder.path + "/fixtures/deep/one", rules: [folder.path + "/rules"])])
        #expect(fixtures.map { $0.test() } == [.passed(alerts: 1)])
    }

    @Test func rulesTxtNamesFilesRelativeToTheFixture() throws {
        let folder = try folder([
            "rules/broken.rule": "rule", "mine/r.rule": Self.rule, "f/events.ndjson": Self.events, "f/alerts.ndjson": "{\"rule\":\"r\"}\n",
            "f/rules.txt": "# only this one\n\n  ../mine/r.rule\r\n",
        ])
        let fixture = try #require(try Fixture.find([folder.path]).first)
        #expect(fixture.rules == [folder.path + "/mine/r.rule"])
        #expect(fixture.test() == .passed(alerts: 1))
    }

    @Test func aFixtureWithoutRulesFails() throws {
        let folder = try folder(["f/events.ndjson": "", "f/alerts.ndjson": "", "g/events.ndjson": "", "g/alerts.ndjson": "", "g/rules.txt": "#\n"])
        for fixture in try Fixture.find([folder.path]) {
            guard case .failed = fixture.test() else {
                Issue.record("\(fixture.folder) has no rules")
                continue
            }
        }
    }

    @Test func rulesWithErrorsAreShown() throws {
        let folder = try folder(["rules/r.rule": "rule r { match }", "f/events.ndjson": "", "f/alerts.ndjson": ""])
        guard case .failed(let lines)? = try Fixture.find([folder.path]).first?.test() else {
            Issue.record("a fixture whose rules have errors fails")
            return
        }
        #expect(lines.contains { $0.contains("error[E") })
    }

    @Test func updateWritesWhatCame() throws {
        let folder = try folder(["rules/r.rule": Self.rule, "f/events.ndjson": Self.events, "f/alerts.ndjson": "{\"rule\":\"other\"}\n"])
        let fixture = try #require(try Fixture.find([folder.path]).first)
        guard case .failed(let lines) = fixture.test() else {
            Issue.record("other alerts are expected")
            return
        }
        #expect(lines.contains { $0.hasPrefix("expected alert 1 did not come") })
        #expect(lines.contains { $0.hasPrefix("alert 1 was not expected: r  1970-01-01T00:00:02.000Z  \"x\"") })
        #expect(fixture.test(updates: true) == .updated(alerts: 1))
        #expect(fixture.test() == .passed(alerts: 1))
        #expect(try folder.read("f/alerts.ndjson").contains("\"summary\":\"x\""))
    }

    @Test func badExpectationsAreNamedByLine() throws {
        let folder = try folder(["rules/r.rule": Self.rule, "f/events.ndjson": Self.events, "f/alerts.ndjson": "{\"rule\":\"r\"}\nnonsense\n"])
        #expect(try Fixture.find([folder.path]).first?.test() == .failed([folder.path + "/f/alerts.ndjson:2: this line is no JSON object"]))
    }

    @Test func whatWasNoEventIsSaid() throws {
        let folder = try folder(["rules/r.rule": Self.rule, "f/events.ndjson": "nonsense\n", "f/alerts.ndjson": "{\"rule\":\"r\"}\n"])
        guard case .failed(let lines)? = try Fixture.find([folder.path]).first?.test() else {
            Issue.record("the alert cannot come")
            return
        }
        #expect(lines.contains { $0.hasPrefix("not an event: ") && $0.contains("nonsense") })
    }

    @Test func aDamagedCompressedLogIsAFailureThatSaysSo() throws {
        let folder = try folder(["rules/r.rule": Self.rule, "f/events.ndjson.gz": "", "f/alerts.ndjson": ""])
        guard case .failed(let lines)? = try Fixture.find([folder.path]).first?.test() else {
            Issue.record("an empty file is no gzip data")
            return
        }
        #expect(lines == [folder.path + "/f/events.ndjson.gz: the gzip data ends in the middle; the file is cut off"])
    }

    @Test func linksToFoldersAreNotFollowed() throws {
        let folder = try folder(["f/events.ndjson": "", "f/alerts.ndjson": ""])
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/f/loop", withDestinationPath: folder.path)
        #expect(try Fixture.find([folder.path]).map(\.folder) == [folder.path + "/f"])
    }
}
