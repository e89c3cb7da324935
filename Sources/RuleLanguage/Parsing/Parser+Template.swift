internal import Diagnostics
internal import Events

// Templates: `"{count(probe)} probes on {card}, {spend.amount:.2f}"`. The text between braces is an expression of its own, cut and parsed
// as any other; its places are those in the file, through the string's escapes.

extension Parser {
    mutating func parseTemplate(_ token: Token, isRaw: Bool) -> TemplateSyntax {
        let start = Int(token.span.lower)
        var decoded: Lexer.DecodedString
        if isRaw {
            guard case .string(let text, _) = token.kind else { return TemplateSyntax(parts: [], span: token.span) }
            decoded = Lexer.DecodedString()
            decoded.bytes = Array(text.utf8)
            decoded.sources = (0...decoded.bytes.count).map { Int32(min(start + 1 + $0, Int(token.span.upper))) }
        } else {
            var lexer = Lexer(bytes: source.bytes, file: file, sink: DiagnosticSink(diagnosticsMax: 1))
            lexer.position = start
            decoded = lexer.decodeString()
        }
        var template = TemplateSyntax(parts: [], span: token.span)
        var text: [UInt8] = []
        func flush() {
            if !text.isEmpty { template.parts.append(.text(String(decoding: text, as: UTF8.self))) }
            text = []
        }
        let bytes = decoded.bytes
        func place(_ lower: Int, _ upper: Int) -> Span { Span(file: file, lower: decoded.sources[lower], upper: decoded.sources[upper]) }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let isDoubled = index + 1 < bytes.count && bytes[index + 1] == byte
            switch byte {
            case UInt8(ascii: "{") where isDoubled, UInt8(ascii: "}") where isDoubled:
                text.append(byte)
                index += 2
            case UInt8(ascii: "}"):
                sink.report(
                    Diagnostic(
                        .badTemplate, "this `}` closes nothing", at: place(index, index + 1),
                        help: "a brace in the text is written twice: `}}`"))
                index += 1
            case UInt8(ascii: "{"):
                flush()
                guard let end = Self.placeholderEnd(bytes, from: index + 1) else {
                    sink.report(
                        Diagnostic(
                            .badTemplate, "`}` is missing: this `{` does not end", at: place(index, index + 1),
                            help: "a brace in the text is written twice: `{{`"))
                    return template
                }
                parsePlaceholder(bytes, decoded.sources, index + 1, end, into: &template)
                index = end.close + 1
            default:
                text.append(byte)
                index += 1
            }
        }
        flush()
        return template
    }

    /// Where the expression of a placeholder ends, and where its `}` stands. Strings and parentheses are stepped over.
    private static func placeholderEnd(_ bytes: [UInt8], from start: Int) -> (expression: Int, close: Int)? {
        var index = start
        var parentheses = 0
        var colon: Int?
        var quote: UInt8?
        while index < bytes.count {
            let byte = bytes[index]
            if let open = quote {
                if byte == UInt8(ascii: "\\"), open == UInt8(ascii: "\"") { index += 1 }
                if byte == open { quote = nil }
            } else {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): quote = byte
                case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
                case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
                case UInt8(ascii: ":") where parentheses == 0 && colon == nil: colon = index
                case UInt8(ascii: "}"): return (colon ?? index, index)
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    private mutating func parsePlaceholder(
        _ bytes: [UInt8], _ sources: [Int32], _ start: Int, _ end: (expression: Int, close: Int), into template: inout TemplateSyntax
    ) {
        let inner = Array(bytes[start..<end.expression])
        let whole = Span(file: file, lower: sources[start - 1], upper: sources[end.close + 1])
        if inner.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
            sink.report(
                Diagnostic(
                    .badTemplate, "there is nothing between these braces", at: whole, help: "a brace in the text is written twice: `{{`"))
            return
        }
        var lexer = Lexer(bytes: inner, file: file, offsets: Array(sources[start...end.expression]), sink: sink)
        lexer.run()
        var parser = Parser(source: source, file: file, tokens: lexer.tokens, comments: [], sink: lexer.sink)
        var expression: ExpressionSyntax?
        do {
            let parsed = try parser.parseExpression()
            if !parser.isAtEnd { throw parser.unexpected("`}` after the expression") }
            expression = parsed
        } catch {
            expression = nil
        }
        sink = parser.sink
        var format: NumberFormat?
        if end.expression < end.close {
            let text = String(decoding: bytes[end.expression + 1..<end.close], as: UTF8.self)
            format = Self.numberFormat(text)
            if format == nil {
                sink.report(
                    Diagnostic(
                        .badTemplate, "`\(text)` is no format of a number",
                        at: Span(file: file, lower: sources[end.expression], upper: sources[end.close]),
                        help: "formats are `:.2f` (two digits after the point), `:,` and `:,.2f` (thousands in groups)"))
            }
        }
        if let expression { template.parts.append(.expression(expression, format: format)) }
    }

    /// `.Nf`, `,` and `,.Nf`, N up to 15.
    static func numberFormat(_ text: String) -> NumberFormat? {
        var rest = Substring(text)
        let groupsThousands = rest.first == ","
        if groupsThousands { rest.removeFirst() }
        if rest.isEmpty { return groupsThousands ? NumberFormat(fractionDigits: nil, groupsThousands: true) : nil }
        guard rest.first == ".", rest.last == "f", rest.utf8.count >= 3, rest.utf8.count <= 4 else { return nil }
        let digits = rest.dropFirst().dropLast()
        guard digits.utf8.allSatisfy(Lexer.isDigit), let count = Int(digits), count <= 15 else { return nil }
        return NumberFormat(fractionDigits: count, groupsThousands: groupsThousands)
    }
}
