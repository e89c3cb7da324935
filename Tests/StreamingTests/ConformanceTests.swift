import Foundation
import Seeds
import Testing

/// The language's vectors through bytes, blocks, the matcher and alerts: every case, in order, with its times.
@Suite struct ConformanceTests {
    @Test(arguments: [("core", 220), ("greedy", 120), ("policies", 120), ("everything", 200)])
    func agrees(_ name: String, count: Int) throws {
        let lines = try Repository.lines("fixtures/conformance/\(name).jsonl")
        #expect(lines.count == count)
        var seeds = Volume.seeds(of: 1)
        for line in lines {
            let vector = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let loaded = try Loaded(checked(try #require(vector["rule"] as? String)))
            let events = try #require(ConformanceTests.texts(ofEventsIn: line))
            let output = try loaded.throughPipeline(Stream(lines: events), Feed(from: &seeds))
            let got = try AlertReader.alerts(in: output).map { alert in
                "\(Double(alert.at) / 1000) " + alert.steps.map { "\($0.name)\($0.events)" }.joined(separator: " ")
            }
            let names = loaded.checked.rules[0].pattern.steps.map(\.name)
            let wanted = try #require(vector["matches"] as? [[String: Any]]).map { match in
                let steps = match["steps"] as? [String: [Int]] ?? [:]
                let parts = names.compactMap { name in steps[name].map { "\(name)\($0)" } }
                return "\(match["at"] as? Double ?? -1) " + parts.joined(separator: " ")
            }
            #expect(got == wanted, "\(name) \(vector["name"] ?? "")")
        }
    }

    /// The events as they stand in the line: the alert must carry their very bytes.
    static func texts(ofEventsIn line: Substring) -> [String]? {
        guard let start = line.range(of: "\"events\": [")?.upperBound, let end = line.range(of: "], \"matches\"")?.lowerBound else {
            return nil
        }
        var texts: [String] = []
        var depth = 0
        var text = ""
        for character in line[start..<end] {
            if character == "{" { depth += 1 }
            if depth > 0 { text.append(character) }
            if character == "}" {
                depth -= 1
                if depth == 0 {
                    texts.append(text)
                    text = ""
                }
            }
        }
        return texts
    }
}
