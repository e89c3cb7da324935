internal import Events

extension WebhookShape {
    // MARK: CloudEvents 1.0, JSON format, structured mode

    static func appendCloudEvent(_ alert: OutboxText, _ members: AlertMembers, _ body: inout ByteBuffer) {
        body.append("{\"specversion\":\"1.0\",\"id\":")
        body.append(jsonString: alert.id)
        body.append(",\"source\":")
        // A URI reference; names of rules are identifiers.
        body.append(jsonString: "/needletail/rules/\(alert.rule)")
        body.append(",\"type\":\"needletail.alert.")
        body.append(raw: members.text("kind") ?? Array("match".utf8)[...])
        body.append("\"")
        if let at = members["at"] {
            body.append(",\"time\":")
            body.append(raw: at)
        }
        if let subject = keyText(members) {
            body.append(",\"subject\":")
            body.append(quoted: subject)
        }
        body.append(",\"datacontenttype\":\"application/json\",\"data\":")
        body.append(raw: alert.body)
        body.append("}")
    }

    // MARK: Slack

    private static let slackFieldsMax = 20
    private static let slackTextMax = 3_000

    static func appendSlackMessage(_ alert: OutboxText, _ members: AlertMembers, _ body: inout ByteBuffer) {
        let summary = members.text("summary") ?? []
        body.append("{\"text\":\"*")
        body.append(raw: slackText(escaped(alert.rule)))
        body.append("*")
        if !alert.severity.isEmpty {
            body.append(" (")
            body.append(raw: slackText(escaped(alert.severity)))
            body.append(")")
        }
        body.append(": ")
        body.append(raw: slackText(cut(summary, to: slackTextMax)))
        body.append("\",\"attachments\":[{\"color\":\"")
        body.append(text: color(alert.severity))
        body.append("\",\"fallback\":\"")
        body.append(raw: slackText(cut(summary, to: slackTextMax)))
        body.append("\",\"fields\":[")
        let named = pairs(members["key"]) + pairs(members["fields"])
        for (place, pair) in named.prefix(slackFieldsMax).enumerated() {
            if place > 0 { body.append(",") }
            body.append("{\"title\":\"")
            body.append(raw: slackText(pair.name))
            body.append("\",\"value\":\"")
            body.append(raw: slackText(cut(pair.text, to: 500)))
            body.append("\",\"short\":true}")
        }
        body.append("]")
        if let at = members["at"] {
            body.append(",\"footer\":")
            body.append(raw: at)
        }
        body.append("}]}")
    }

    private static func color(_ severity: String) -> String {
        switch severity {
        case "critical": "#a30200"
        case "high": "#d9480f"
        case "medium": "#daa038"
        case "low": "#2eb886"
        default: "#8d8d8d"
        }
    }

    /// Slack takes three characters for its own.
    private static func slackText(_ escaped: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        for byte in escaped {
            switch byte {
            case UInt8(ascii: "&"): text += "&amp;".utf8
            case UInt8(ascii: "<"): text += "&lt;".utf8
            case UInt8(ascii: ">"): text += "&gt;".utf8
            default: text.append(byte)
            }
        }
        return text
    }

    // MARK: PagerDuty, Events API v2

    private static let pagerDutySummaryMax = 1_000
    private static let dedupKeyMax = 255

    static func appendPagerDutyEvent(_ alert: OutboxText, _ members: AlertMembers, _ key: WebhookKey, _ body: inout ByteBuffer) {
        body.append("{\"routing_key\":")
        body.append(jsonString: key.text)
        body.append(",\"event_action\":\"trigger\",\"dedup_key\":\"")
        // Of one rule and key; what is too long is told apart by its digest.
        var dedup = escaped(alert.rule)
        if let key = keyText(members) { dedup += Array("/".utf8) + key }
        if dedup.count > dedupKeyMax { dedup = Array(cut(dedup[...], to: dedupKeyMax - 17)) + Array("#\(Digest.text(of: dedup, count: 8))".utf8) }
        body.append(raw: dedup)
        body.append("\",\"payload\":{\"summary\":\"")
        let summary = members.text("summary") ?? []
        body.append(raw: summary.isEmpty ? escaped(alert.rule)[...] : cut(summary, to: pagerDutySummaryMax))
        body.append("\",\"source\":\"needletail\",\"severity\":\"")
        body.append(text: pagerDutySeverity(alert.severity))
        body.append("\",\"class\":")
        body.append(jsonString: alert.rule)
        if let at = members["at"] {
            body.append(",\"timestamp\":")
            body.append(raw: at)
        }
        body.append(",\"custom_details\":")
        body.append(raw: alert.body)
        body.append("}}")
    }

    private static func pagerDutySeverity(_ severity: String) -> String {
        switch severity {
        case "critical": "critical"
        case "high": "error"
        case "medium": "warning"
        default: "info"
        }
    }

    // MARK: Alertmanager, API v2

    static func appendAlertmanagerAlert(_ alert: OutboxText, _ members: AlertMembers, _ body: inout ByteBuffer) {
        body.append("{\"labels\":{\"alertname\":")
        body.append(jsonString: alert.rule)
        if !alert.severity.isEmpty {
            body.append(",\"severity\":")
            body.append(jsonString: alert.severity)
        }
        var taken: Set<[UInt8]> = [Array("alertname".utf8), Array("severity".utf8)]
        for pair in pairs(members["key"]) {
            // An empty label is none to it.
            guard !pair.text.isEmpty else { continue }
            body.append(",")
            body.append(quoted: labelName(pair.name, &taken))
            body.append(":")
            body.append(quoted: pair.text)
        }
        body.append("},\"annotations\":{\"id\":")
        body.append(jsonString: alert.id)
        if let summary = members["summary"] {
            body.append(",\"summary\":")
            body.append(raw: summary)
        }
        taken = [Array("id".utf8), Array("summary".utf8)]
        for pair in pairs(members["fields"]) where !pair.text.isEmpty {
            body.append(",")
            body.append(quoted: labelName(pair.name, &taken))
            body.append(":")
            body.append(quoted: pair.text)
        }
        body.append("}")
        if let at = members["at"] {
            body.append(",\"startsAt\":")
            body.append(raw: at)
        }
        body.append("}")
    }

    /// Letters, digits and `_`, not a digit first; another name that would be the same gets a `_` more.
    private static func labelName(_ name: ArraySlice<UInt8>, _ taken: inout Set<[UInt8]>) -> [UInt8] {
        let isLetter: (UInt8) -> Bool = { ($0 >= 65 && $0 <= 90) || ($0 >= 97 && $0 <= 122) || $0 == 95 }
        var label = name.map { isLetter($0) || ($0 >= 48 && $0 <= 57) ? $0 : 95 }
        if !(label.first.map(isLetter) ?? false) { label.insert(95, at: 0) }
        while !taken.insert(label).inserted { label.append(95) }
        return label
    }

    // MARK: Pieces

    /// The members of an object with their values as text: strings as they are, others as their JSON, in which quotes are escaped. Null is
    /// `unknown`.
    private static func pairs(_ object: ArraySlice<UInt8>?) -> [(name: ArraySlice<UInt8>, text: ArraySlice<UInt8>)] {
        guard let object, let members = AlertMembers(object) else { return [] }
        return members.members.map { ($0.name, text($0.value)) }
    }

    private static func text(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if let text = AlertMembers.text(value) { return text }
        if value.elementsEqual("null".utf8) { return Array("unknown".utf8)[...] }
        return escaped(value)[...]
    }

    /// `card=c1,country=NG`; nil where the rule has no key.
    private static func keyText(_ members: AlertMembers) -> [UInt8]? {
        let texts = pairs(members["key"]).map { Array($0.name) + [UInt8(ascii: "=")] + Array($0.text) }
        return texts.isEmpty ? nil : Array(texts.joined(separator: ",".utf8))
    }

    private static func escaped(_ text: String) -> [UInt8] { escaped(Array(text.utf8)[...]) }

    private static func escaped(_ text: ArraySlice<UInt8>) -> [UInt8] { JSONText.escaped(Array(text)) }

    /// The beginning of what stands in a JSON string, so that neither an escape nor a character is cut.
    private static func cut(_ escaped: ArraySlice<UInt8>, to countMax: Int) -> ArraySlice<UInt8> {
        guard escaped.count > countMax else { return escaped }
        var place = escaped.startIndex
        let end = escaped.startIndex + countMax
        while true {
            var count = 1
            switch escaped[place] {
            case UInt8(ascii: "\\"):
                count = place + 1 < escaped.endIndex && escaped[place + 1] == UInt8(ascii: "u") ? 6 : 2
                // A character beyond 16 bits is two escapes.
                if count == 6, place + 3 < escaped.endIndex, (escaped[place + 2] | 32) == UInt8(ascii: "d"), "89abAB".utf8.contains(escaped[place + 3]) {
                    count = 12
                }
            case 0xC0...0xDF: count = 2
            case 0xE0...0xEF: count = 3
            case 0xF0...0xFF: count = 4
            default: break
            }
            guard place + count <= end else { return escaped[..<place] }
            place += count
        }
    }
}
