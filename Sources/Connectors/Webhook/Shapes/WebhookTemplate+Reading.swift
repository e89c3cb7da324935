// A template is read once, and everything that is wrong with it is told at once, with its line and column in the file.

internal import Decoding
internal import Diagnostics
internal import Events

/// What is wrong with a template.
public struct WebhookTemplateFault: Error, Sendable, Equatable {
    public struct Mistake: Sendable, Equatable {
        /// From 1.
        public var line: Int
        /// In characters, from 1.
        public var column: Int
        /// One sentence without a full stop.
        public var message: String
        public var hint: String?
    }

    /// In the order of the file; at least one.
    public var mistakes: [Mistake]
}

extension WebhookTemplate {
    /// The names that an expression may begin with: the members of an alert, and the alert as a whole.
    public static let names = [
        "id", "rule", "kind", "severity", "at", "started_at", "key", "summary", "fields", "tags", "suppressed", "omitted", "match", "alert",
    ]

    /// - Parameter bytes: a JSON object or list.
    /// - Throws: all that is wrong.
    public init(_ bytes: [UInt8]) throws(WebhookTemplateFault) {
        var reader = TemplateReader(bytes)
        reader.read()
        guard reader.mistakes.isEmpty else { throw WebhookTemplateFault(mistakes: reader.mistakes) }
        parts = reader.parts
    }
}

private struct TemplateReader {
    private let bytes: [UInt8]
    private let lines: LineTable
    private(set) var mistakes: [WebhookTemplateFault.Mistake] = []
    private(set) var parts: [WebhookTemplate.Part] = []
    private var pending: [UInt8] = []
    private var placeholderCount = 0

    private static let mistakesMax = 100
    private static let quote = UInt8(ascii: "\"")

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        lines = LineTable(bytes)
    }

    private mutating func say(_ offset: Int, _ message: String, hint: String? = nil) {
        guard mistakes.count < Self.mistakesMax else { return }
        let (line, column) = lines.position(of: offset)
        mistakes.append(.init(line: line, column: column, message: message, hint: hint))
    }

    mutating func read() {
        guard bytes.count <= WebhookTemplate.bytesMax else { return say(0, "the template is longer than \(WebhookTemplate.bytesMax >> 10) KiB") }
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        let first = bytes.first { !blanks.contains($0) }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            let isEmpty = bytes.allSatisfy(blanks.contains)
            return say(
                0, isEmpty ? "the template is empty" : "the template must be an object in braces or a list in brackets",
                hint: #"for example: {"text": "{rule}: {summary}"}"#)
        }
        // What reads JSON asks for an object; so it gets one with the document in it.
        let before = Array(#"{"":"#.utf8)
        do throws(JSONFault) {
            _ = try PlacedJSON(object: before + bytes + [UInt8(ascii: "}")])
        } catch {
            let offset = min(max(0, (error.offset ?? before.count) - before.count), bytes.count)
            return say(offset, "this is not valid JSON", hint: "look for a comma, a quote or a brace that is missing or too many before this")
        }
        var depth = 0
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            switch byte {
            case Self.quote:
                readString(&place)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            // After the document, within the object around it.
            case _ where depth == 0 && !blanks.contains(byte): return say(place, "something follows the document")
            default: break
            }
            if !blanks.contains(byte) { pending.append(byte) }
            place += 1
        }
        flush()
    }

    private mutating func flush() {
        if !pending.isEmpty { parts.append(.bytes(pending)) }
        pending = []
    }

    // MARK: Strings

    /// A string of JSON without its escapes, and where each byte stands in the file; one place more for its end.
    private struct Decoded {
        var bytes: [UInt8] = []
        var places: [Int] = []
    }

    private mutating func readString(_ place: inout Int) {
        let decoded = decode(&place)
        let next = bytes[place...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        var pieces: [WebhookTemplate.Part] = []
        var text: [UInt8] = []
        var at = 0
        let isName = next == UInt8(ascii: ":")
        func escaped(_ text: [UInt8]) -> [UInt8] { JSONText.escaped(text) }
        while at < decoded.bytes.count {
            let byte = decoded.bytes[at]
            let isDoubled = at + 1 < decoded.bytes.count && decoded.bytes[at + 1] == byte
            switch byte {
            case UInt8(ascii: "{") where isDoubled, UInt8(ascii: "}") where isDoubled:
                text.append(byte)
                at += 2
            case UInt8(ascii: "}"):
                say(decoded.places[at], "this `}` closes nothing", hint: "a brace in the text is written twice: `}}`")
                at += 1
            case UInt8(ascii: "{"):
                guard let end = Self.end(of: decoded.bytes, from: at + 1) else {
                    return say(decoded.places[at], "`}` is missing: this `{` does not end", hint: "a brace in the text is written twice: `{{`")
                }
                if isName {
                    say(decoded.places[at], "names of members hold no expressions", hint: "a brace in a name is written twice: `{{`")
                } else if let placeholder = readPlaceholder(decoded, at + 1, end) {
                    if !text.isEmpty { pieces.append(.bytes(escaped(text))) }
                    text = []
                    pieces.append(.inText(placeholder))
                }
                at = end.close + 1
            default:
                text.append(byte)
                at += 1
            }
        }
        if pieces.count == 1, text.isEmpty, case .inText(let placeholder)? = pieces.first, placeholder.format == nil {
            flush()
            parts.append(.value(placeholder))
            return
        }
        if !text.isEmpty { pieces.append(.bytes(escaped(text))) }
        pending.append(Self.quote)
        for piece in pieces {
            if case .bytes(let bytes) = piece {
                pending += bytes
            } else {
                flush()
                parts.append(piece)
            }
        }
        pending.append(Self.quote)
    }

    /// The JSON is known to be valid.
    private func decode(_ place: inout Int) -> Decoded {
        var decoded = Decoded()
        func add(_ bytes: some Sequence<UInt8>, _ place: Int) {
            for byte in bytes {
                decoded.bytes.append(byte)
                decoded.places.append(place)
            }
        }
        place += 1
        while place < bytes.count, bytes[place] != Self.quote {
            guard bytes[place] == UInt8(ascii: "\\"), place + 1 < bytes.count else {
                add([bytes[place]], place)
                place += 1
                continue
            }
            let begin = place
            place += 2
            switch bytes[begin + 1] {
            case UInt8(ascii: "b"): add([0x08], begin)
            case UInt8(ascii: "f"): add([0x0C], begin)
            case UInt8(ascii: "n"): add([0x0A], begin)
            case UInt8(ascii: "r"): add([0x0D], begin)
            case UInt8(ascii: "t"): add([0x09], begin)
            case UInt8(ascii: "u"):
                var units = [unit(at: place)]
                place += 4
                if (0xD800...0xDBFF).contains(units[0]), place + 5 < bytes.count, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") {
                    units.append(unit(at: place + 2))
                    place += 6
                }
                add(String(decoding: units, as: UTF16.self).utf8, begin)
            default: add([bytes[begin + 1]], begin)
            }
        }
        decoded.places.append(place)
        place += 1
        return decoded
    }

    private func unit(at place: Int) -> UInt16 {
        guard place + 4 <= bytes.count else { return 0xFFFD }
        return UInt16(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16) ?? 0xFFFD
    }

    /// Where the expression ends, and where its `}` stands. What is quoted is stepped over.
    private static func end(of bytes: [UInt8], from start: Int) -> (expression: Int, close: Int)? {
        var colon: Int?
        var open: UInt8?
        for place in start..<bytes.count {
            let byte = bytes[place]
            if let quote = open {
                if byte == quote { open = nil }
                continue
            }
            switch byte {
            case Self.quote, UInt8(ascii: "'"), UInt8(ascii: "`"): open = byte
            case UInt8(ascii: ":") where colon == nil: colon = place
            case UInt8(ascii: "}"): return (colon ?? place, place)
            default: break
            }
        }
        return nil
    }

    // MARK: Expressions

    private mutating func readPlaceholder(_ decoded: Decoded, _ start: Int, _ end: (expression: Int, close: Int)) -> WebhookTemplate.Placeholder? {
        placeholderCount += 1
        if placeholderCount == WebhookTemplate.placeholdersMax + 1 {
            say(decoded.places[start - 1], "the template has more than \(WebhookTemplate.placeholdersMax) expressions")
        }
        var scanner = ExpressionScanner(bytes: Array(decoded.bytes[start..<end.expression]))
        var format: WebhookTemplate.Format?
        if end.expression < end.close {
            let text = String(decoding: decoded.bytes[(end.expression + 1)..<end.close], as: UTF8.self)
            format = Self.format(text)
            if format == nil {
                say(
                    decoded.places[end.expression], "`\(text.prefix(20))` is no format of a number",
                    hint: "formats are `:.2f` (two digits after the point), `:,` and `:,.2f` (thousands in groups)")
            }
        }
        do throws(ExpressionScanner.Failure) {
            return WebhookTemplate.Placeholder(operands: try scanner.operands(), format: format)
        } catch {
            say(decoded.places[start + error.place], error.message, hint: error.hint)
            return nil
        }
    }

    /// `.Nf`, `,` and `,.Nf`, N up to 15.
    private static func format(_ text: String) -> WebhookTemplate.Format? {
        var rest = Substring(text)
        let groups = rest.first == ","
        if groups { rest.removeFirst() }
        if rest.isEmpty { return groups ? .init(digits: nil, groupsThousands: true) : nil }
        guard rest.first == ".", rest.last == "f", (3...4).contains(rest.utf8.count), let count = Int(rest.dropFirst().dropLast()), (0...15).contains(count) else {
            return nil
        }
        return .init(digits: count, groupsThousands: groups)
    }
}

/// The operands of an expression.
private struct ExpressionScanner {
    struct Failure: Error {
        var place: Int
        var message: String
        var hint: String?
    }

    let bytes: [UInt8]
    private var place = 0

    private static let stepsMax = 32

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipBlanks() { while let byte = current, byte == 0x20 || byte == 0x09 { place += 1 } }

    mutating func operands() throws(Failure) -> [WebhookTemplate.Operand] {
        skipBlanks()
        guard current != nil else {
            throw Failure(place: 0, message: "there is nothing between these braces", hint: "a brace in the text is written twice: `{{`")
        }
        var operands = [try operand()]
        skipBlanks()
        while current != nil {
            guard bytes[place...].starts(with: "??".utf8) else {
                throw Failure(
                    place: place, message: "an expression of a template is a name such as `rule` or `key.card`, and this is more",
                    hint: "compute it in a field of the rule's alert, and name that: `fields.NAME`. `a ?? b` is b where a is unknown")
            }
            place += 2
            skipBlanks()
            operands.append(try operand())
            skipBlanks()
        }
        return operands
    }

    private mutating func operand() throws(Failure) -> WebhookTemplate.Operand {
        let begin = place
        if let quote = current, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") { return .text(JSONText.escaped(try quoted(quote))) }
        let first = try name(after: "")
        let firstText = String(decoding: first, as: UTF8.self)
        guard WebhookTemplate.names.contains(firstText) else {
            throw Failure(place: begin, message: "an alert has no `\(firstText.prefix(60))`", hint: Self.hint(firstText))
        }
        var steps: [WebhookTemplate.Step] = firstText == "alert" ? [] : [.member(JSONText.escaped(first))]
        while let byte = current {
            if byte == UInt8(ascii: ".") {
                place += 1
                let next = try name(after: ".")
                let nextText = String(decoding: next, as: UTF8.self)
                if steps.isEmpty, !WebhookTemplate.names.dropLast().contains(nextText) {
                    throw Failure(place: begin, message: "an alert has no `\(nextText.prefix(60))`", hint: Self.hint(nextText))
                }
                steps.append(.member(JSONText.escaped(next)))
            } else if byte == UInt8(ascii: "["), !steps.isEmpty {
                steps.append(.element(try index()))
            } else {
                break
            }
            guard steps.count <= Self.stepsMax else { throw Failure(place: begin, message: "this path has more than \(Self.stepsMax) steps") }
        }
        let scalars = ["id", "rule", "kind", "severity", "at", "started_at", "summary", "suppressed"]
        if steps.count > 1, scalars.contains(firstText) {
            throw Failure(
                place: begin, message: "`\(firstText)` of an alert has no parts",
                hint: "write `{\(firstText)}`; parts have `key`, `fields`, `tags` and `match`")
        }
        return .path(steps)
    }

    private static func hint(_ name: String) -> String {
        if let nearest = NearestName.find(name, among: WebhookTemplate.names) { return "did you mean `\(nearest)`?" }
        return "parts of the key are `key.NAME`, fields `fields.NAME`; an alert has \(WebhookTemplate.names.map { "`\($0)`" }.joined(separator: ", "))"
    }

    /// A word, or anything between two backquotes.
    private mutating func name(after before: String) throws(Failure) -> [UInt8] {
        if current == UInt8(ascii: "`") { return try quoted(UInt8(ascii: "`")) }
        let begin = place
        while let byte = current, (byte | 32 >= 97 && byte | 32 <= 122) || byte == 95 || byte >= 128 || (place > begin && (48...57).contains(byte)) { place += 1 }
        guard place > begin else {
            throw Failure(
                place: begin, message: before.isEmpty ? "here must stand a name, such as `rule` or `key.card`" : "here must stand a name",
                hint: "other names are written in backquotes: key.`my card`")
        }
        return Array(bytes[begin..<place])
    }

    private mutating func quoted(_ quote: UInt8) throws(Failure) -> [UInt8] {
        let begin = place
        place += 1
        while let byte = current, byte != quote { place += 1 }
        guard current == quote else { throw Failure(place: begin, message: "this quote does not end") }
        place += 1
        return Array(bytes[(begin + 1)..<(place - 1)])
    }

    private mutating func index() throws(Failure) -> Int {
        let begin = place
        place += 1
        let digits = place
        while let byte = current, (48...57).contains(byte) { place += 1 }
        guard let index = Int(String(decoding: bytes[digits..<place], as: UTF8.self)), current == UInt8(ascii: "]") else {
            throw Failure(place: begin, message: "between brackets must stand a whole number, 0 for the first")
        }
        place += 1
        return index
    }
}
