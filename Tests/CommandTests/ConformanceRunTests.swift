import Foundation
import Testing

/// The conformance cases as a program is run: hundreds of rules at once, one a case, their events interleaved by time.
@Suite struct ConformanceRunTests {
    struct Match: Equatable, CustomStringConvertible {
        var at: Int
        var steps: [String: [Int]]
        var description: String { "\(at) \(steps.sorted { $0.key < $1.key }.map { "\($0.key)\($0.value)" }.joined(separator: " "))" }
    }

    struct Case {
        var name: String
        var rule: String
        var events: [[String: Any]]
        var matches: [Match]
    }

    static func cases() throws -> [Case] {
        var cases: [Case] = []
        for file in ["core", "everything", "greedy", "policies"] {
            let url = Program.repository.appendingPathComponent("fixtures/conformance/\(file).jsonl")
            for object in try parsed(String(contentsOf: url, encoding: .utf8)) {
                let matches = try #require(object["matches"] as? [[String: Any]])
                cases.append(
                    Case(
                        name: "\(file) \(try #require(object["name"] as? String))", rule: try #require(object["rule"] as? String),
                        events: try #require(object["events"] as? [[String: Any]]),
                        matches: try matches.map {
                            Match(at: try #require($0["at"] as? Int), steps: try #require($0["steps"] as? [String: [Int]]))
                        }))
            }
        }
        return cases
    }

    /// Cases that stand far apart in the files stand together in a run, so that no run is made of one kind.
    static let runCount = 3

    @Test(arguments: 0..<runCount) func hundredsOfRulesInOneRunAgree(_ run: Int) throws {
        let cases = try Self.cases().enumerated().filter { $0.offset % Self.runCount == run }.map(\.element)
        #expect(cases.count == 220)
        var rules = ""
        var events: [(time: Int, text: Data)] = []
        for (index, vector) in cases.enumerated() {
            let name = ruleName(index)
            let head = "rule t {\n    by k\n"
            try #require(vector.rule.hasPrefix(head))
            rules += "rule \(name) {\n    by k\n    where case == \"\(name)\"\n" + vector.rule.dropFirst(head.count)
            for var event in vector.events {
                event["case"] = name
                events.append((try #require(event["ts"] as? Int), try JSONSerialization.data(withJSONObject: event, options: .sortedKeys)))
            }
        }
        let ordered = events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element.text)
        let session = try Session(["all.rule": rules])
        try session.write("e.ndjson", Data(ordered.joined(separator: Data("\n".utf8))))
        let outcome = try session.run("needletail run all.rule --quiet --input e.ndjson")
        #expect(outcome.status == 0, "\(outcome.errors)")

        var found: [String: [Match]] = [:]
        var lastTime = 0
        for alert in try outcome.objects() {
            let time = try milliseconds(try #require(alert["at"] as? String))
            #expect(time >= lastTime, "alerts come in the order of time")
            lastTime = time
            let steps = try #require(alert["match"] as? [String: [[String: Any]]])
            found[try #require(alert["rule"] as? String), default: []].append(
                Match(at: time, steps: try steps.mapValues { try $0.map { try #require($0["id"] as? Int) } }.filter { !$0.value.isEmpty }))
        }
        for (index, vector) in cases.enumerated() {
            #expect(found[ruleName(index)] ?? [] == vector.matches, "\(vector.name): \(vector.rule)")
        }
        // Another way to read them, the same bytes.
        #expect(try session.run("cat e.ndjson | needletail run all.rule --quiet --workers 7").output == outcome.output)
    }

    private func ruleName(_ index: Int) -> String {
        let digits = String(index)
        return "t" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    private func milliseconds(_ text: String) throws -> Int {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return Int((try #require(formatter.date(from: text)).timeIntervalSince1970 * 1000).rounded())
    }
}
