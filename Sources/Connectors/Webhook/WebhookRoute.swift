/// Which alerts an endpoint wants. What is not asked for is not judged by.
public struct WebhookRoute: Sendable, Equatable {
    /// From the least on.
    public static let severities = ["info", "low", "medium", "high", "critical"]

    /// Alerts of a lower severity are not for it.
    public var severityMin: String?
    /// Names of rules; a `*` in one stands for anything. Empty: all.
    public var rules: [String]
    /// One of them must be among the alert's. Empty: none needed.
    public var tags: [String]

    /// - Throws: where there is no such severity.
    public init(severityMin: String? = nil, rules: [String] = [], tags: [String] = []) throws(WebhookError) {
        if let severityMin, !Self.severities.contains(severityMin) {
            throw WebhookError("There is no severity \(severityMin). Severities are \(Self.severities.joined(separator: ", "))")
        }
        self.severityMin = severityMin
        self.rules = rules
        self.tags = tags
    }

    public func wants(rule: String, severity: String, tags alertTags: [String]) -> Bool {
        if let severityMin {
            let (least, own) = (Self.severities.firstIndex(of: severityMin) ?? 0, Self.severities.firstIndex(of: severity) ?? 0)
            if own < least { return false }
        }
        if !rules.isEmpty, !rules.contains(where: { Self.matches(Array($0.utf8), Array(rule.utf8)) }) { return false }
        return tags.isEmpty || tags.contains(where: alertTags.contains)
    }

    /// Goes back to the last `*` where the rest does not fit.
    ///
    /// - Complexity: the product of both lengths at worst.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (place, at) = (0, 0)
        var star: (place: Int, at: Int)?
        while at < name.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, at)
                place += 1
            } else if place < pattern.count, pattern[place] == name[at] {
                place += 1
                at += 1
            } else if let last = star {
                star = (last.place, last.at + 1)
                (place, at) = (last.place + 1, last.at + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
