import Foundation
import ReferenceMatcher
import Testing

/// The language's vectors: every case, in order, with its times.
@Suite struct ConformanceTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/conformance")

    @Test(arguments: ["core", "greedy", "policies", "everything"]) func agrees(_ name: String) throws {
        let lines = try String(contentsOf: ConformanceTests.folder.appending(path: name + ".jsonl"), encoding: .utf8).split(separator: "\n")
        #expect(lines.count >= 100)
        for line in lines {
            let vector = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let program = try checked(try #require(vector["rule"] as? String))
            var events: [ReferenceEvent] = []
            for (index, event) in try #require(vector["events"] as? [[String: Any]]).enumerated() {
                let text = String(decoding: try JSONSerialization.data(withJSONObject: event), as: UTF8.self)
                events.append(try #require(ReferenceEvent(text: text, line: index + 1)))
            }
            let got = try referenceAlertLines(program: program, events: events).map { alert in
                "\(alert.at / 1000) " + alert.steps.map { "\($0.name)\($0.events)" }.joined(separator: " ")
            }
            let names = program.rules[0].pattern.steps.map(\.name)
            let wanted = try #require(vector["matches"] as? [[String: Any]]).map { match in
                let steps = match["steps"] as? [String: [Int]] ?? [:]
                let parts = names.compactMap { name in steps[name].map { "\(name)\($0)" } }
                return "\(match["at"] as? Int ?? -1) " + parts.joined(separator: " ")
            }
            #expect(got == wanted, "\(name) \(vector["name"] ?? "")")
        }
    }
}
