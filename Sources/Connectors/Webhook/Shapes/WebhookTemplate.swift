// A body of the user's own: a JSON document whose texts hold `{expressions}`, as the summary of an alert does. What stands in an alert is
// pasted as it is escaped there, so that whatever the values are the body is JSON of the same form.
//
//   {"title": "{rule}: {summary}", "amount": "{fields.spent:.2f} EUR", "card": "{key.card ?? key.account ?? 'nobody'}", "alert": "{alert}"}
//
//   text        = { character | "{{" | "}}" | "{" expression [":" format] "}" }
//   expression  = operand { "??" operand }
//   operand     = path | "'" text "'" | '"' text '"'
//   path        = name { "." name | "[" digits "]" }        a name is a word, or anything between two `
//
// An expression is the first of its operands that is there and not null. Without one it is unknown: null where the text is nothing but
// the expression, which then keeps the type of its value, and `unknown` within a text.

internal import Events

/// What a webhook sends, made of the members of each alert.
public struct WebhookTemplate: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        /// As JSON escapes it.
        case member([UInt8])
        case element(Int)
    }

    enum Operand: Sendable, Equatable {
        /// Without steps: the alert as a whole.
        case path([Step])
        /// As JSON escapes it, without quotes.
        case text([UInt8])
    }

    struct Format: Sendable, Equatable {
        /// Behind the point; nil: as many as there are.
        var digits: Int?
        var groupsThousands: Bool
    }

    struct Placeholder: Sendable, Equatable {
        var operands: [Operand]
        var format: Format?
    }

    enum Part: Sendable, Equatable {
        case bytes([UInt8])
        /// Between quotes.
        case inText(Placeholder)
        /// In place of a text.
        case value(Placeholder)
    }

    let parts: [Part]

    /// Most bytes of a template.
    public static let bytesMax = 64 << 10
    static let placeholdersMax = 200

    /// - Complexity: the alert's length times the number of expressions.
    func body(of alert: OutboxText, _ members: AlertMembers) -> [UInt8] {
        var body = ByteBuffer(capacity: alert.body.count + 1024)
        for part in parts {
            switch part {
            case .bytes(let bytes): body.append(raw: bytes)
            case .value(let placeholder): body.append(raw: Self.value(of: placeholder, alert, members) ?? Array("null".utf8)[...])
            case .inText(let placeholder):
                Self.append(Self.value(of: placeholder, alert, members), placeholder.format, &body)
            }
        }
        return Array(UnsafeBufferPointer(start: UnsafePointer(body.bytes), count: body.count))
    }

    /// JSON; nil where it is unknown.
    private static func value(of placeholder: Placeholder, _ alert: OutboxText, _ members: AlertMembers) -> ArraySlice<UInt8>? {
        for operand in placeholder.operands {
            switch operand {
            case .text(let text): return ([UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")])[...]
            case .path(let steps):
                guard let value = value(at: steps, alert, members), !value.elementsEqual("null".utf8) else { continue }
                return value
            }
        }
        return nil
    }

    private static func value(at steps: [Step], _ alert: OutboxText, _ members: AlertMembers) -> ArraySlice<UInt8>? {
        guard case .member(let name)? = steps.first else { return alert.body[...] }
        guard var value = members[escaped: name] else { return nil }
        for step in steps.dropFirst() {
            let next: ArraySlice<UInt8>?
            switch step {
            case .member(let name): next = AlertMembers(value)?[escaped: name]
            case .element(let place): next = AlertMembers.elements(value).flatMap { place < $0.count ? $0[place] : nil }
            }
            guard let next else { return nil }
            value = next
        }
        return value
    }

    // MARK: Within a text

    private static func append(_ value: ArraySlice<UInt8>?, _ format: Format?, _ body: inout ByteBuffer) {
        guard let value else { return body.append("unknown") }
        if let text = AlertMembers.text(value) { return body.append(raw: text) }
        if let format, let number = formatted(value, format) { return body.append(raw: number) }
        value.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { body.append(jsonEscaped: base, count: bytes.count) }
        }
    }

    /// Nil where it is no number.
    private static func formatted(_ value: ArraySlice<UInt8>, _ format: Format) -> [UInt8]? {
        guard let first = value.first, first == UInt8(ascii: "-") || (48...57).contains(first),
            let number = Double(String(decoding: value, as: UTF8.self))
        else { return nil }
        var text = format.digits.map { DecimalText.fixed(number, digits: $0) } ?? Array(value)
        if format.groupsThousands { DecimalText.groupThousands(&text) }
        return text
    }
}
