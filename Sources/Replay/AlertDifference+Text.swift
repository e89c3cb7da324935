// A difference as people read it: which alert, what its one-line face is, and then field by field.

internal import Decoding

extension AlertDifference {
    /// Most fields that are told of one alert, and most characters of a value.
    static let fieldsMax = 12
    static let valueLengthMax = 160

    /// Lines without ends.
    public var lines: [String] {
        switch self {
        case .missing(let number, let expected): return ["expected alert \(number) did not come: \(AlertDifference.face(expected))"]
        case .unexpected(let number, let actual): return ["alert \(number) was not expected: \(AlertDifference.face(actual))"]
        case .differs(let number, _, let actual, let fields):
            var lines = ["alert \(number) differs: \(AlertDifference.face(actual))"]
            for field in fields.prefix(AlertDifference.fieldsMax) {
                lines.append("    \(field.path)")
                lines.append("        expected  \(AlertDifference.short(field.expected))")
                lines.append("        came      \(field.actual.map(AlertDifference.short) ?? "nothing")")
            }
            if fields.count > AlertDifference.fieldsMax { lines.append("    and \(fields.count - AlertDifference.fieldsMax) more fields") }
            return lines
        }
    }

    /// Rule, time and summary: what an analyst knows an alert by. Of an expected alert only what it names.
    static func face(_ alert: JSONValue) -> String {
        var parts: [String] = []
        for name in ["rule", "kind", "at"] {
            if let text = alert[name]?.text, !(name == "kind" && text == "match") { parts.append(text) }
        }
        if let summary = alert["summary"]?.text { parts.append("\"\(summary)\"") }
        return parts.isEmpty ? short(alert) : parts.joined(separator: "  ")
    }

    static func short(_ value: JSONValue) -> String {
        let text = value.description
        return text.count <= valueLengthMax ? text : text.prefix(valueLengthMax) + "…"
    }
}
