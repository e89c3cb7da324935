import ReferenceMatcher
import RuleLanguage
import Testing

/// A rule, a stream in short hand, and the alerts that must come out, in short hand.
struct Scenario: CustomTestStringConvertible, Sendable {
    var about: String
    /// The clauses of the rule.
    var rule: String
    /// `A@0 B@10,v=3`: type, milliseconds, fields in JSON. Events have the ids 1, 2, 3 … in this order, which is that of arrival; `/1`
    /// at the end is the second input.
    var events: String
    /// `20 a[1,2] b[3]`: milliseconds and captures; `timeout 10 a[1]`; `20 a[1] +2` where two alerts were held back before.
    var alerts: [String]
    var end = EndOfInput.drained
    var declarations = ""

    init(
        _ about: String, _ rule: String, on events: String, gives alerts: [String], end: EndOfInput = .drained, declarations: String = ""
    ) {
        self.about = about
        self.rule = rule
        self.events = events
        self.alerts = alerts
        self.end = end
        self.declarations = declarations
    }

    var testDescription: String { about }

    var text: String { "\(declarations)\nrule t {\n\(rule)\n}\n" }

    var stream: [ReferenceEvent] {
        var lines: [Int: Int] = [:]
        return events.split(separator: " ").enumerated().compactMap { index, word in
            var word = word
            var input = 0
            if let slash = word.lastIndex(of: "/"), let number = Int(word[word.index(after: slash)...]) {
                input = number
                word = word[..<slash]
            }
            lines[input, default: 0] += 1
            let parts = word.split(separator: ",")
            let head = parts[0].split(separator: "@")
            var json = "{\"id\":\(index + 1),\"type\":\"\(head[0])\",\"ts\":\(head[1])"
            for part in parts.dropFirst() {
                let field = part.split(separator: "=")
                json += ",\"\(field[0])\":\(field[1])"
            }
            return ReferenceEvent(text: json + "}", input: input, line: lines[input]!)
        }
    }

    func check() throws {
        let program = try checked(text)
        let got = try referenceAlertLines(program: program, events: stream, end: end).map(Scenario.short)
        #expect(got == alerts, "\(text)\n\(events)")
    }

    static func short(_ alert: ReferenceAlert) -> String {
        var parts = [String(alert.at / 1000)]
        if alert.kind == .timeout { parts.insert("timeout", at: 0) }
        parts += alert.steps.map { "\($0.name)[\($0.events.map(String.init).joined(separator: ","))]" }
        if alert.suppressed > 0 { parts.append("+\(alert.suppressed)") }
        return parts.joined(separator: " ")
    }
}
