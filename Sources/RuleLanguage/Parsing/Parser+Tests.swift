internal import Diagnostics
internal import Events

// `test` blocks.

extension Parser {
    mutating func parseTest() throws(ParseFailure) -> TestSyntax {
        let title = try expectString("the title of the test, a string")
        let open = try expect(.openBrace, "before the events of a test")
        var steps: [TestSyntax.Step] = []
        while accept(.closeBrace) == nil {
            if isAtEnd || isAtDeclarationStart(insideRule: true) {
                reportUnclosed(open, "this test")
                break
            }
            let before = position
            do {
                steps.append(try parseTestStep())
            } catch {
                var braces = 0
                while !isAtEnd, braces > 0 || !at(.closeBrace) && (position == before || !current.startsLine) {
                    if at(.openBrace) { braces += 1 }
                    if at(.closeBrace) { braces -= 1 }
                    advance()
                }
            }
        }
        return TestSyntax(title: title, steps: steps)
    }

    private mutating func parseTestStep() throws(ParseFailure) -> TestSyntax.Step {
        let isEventOfThatName = at(.openBrace, ahead: 1) || at(.dot, ahead: 1)
        if atWord("wait"), !isEventOfThatName {
            advance()
            return .wait(try expectDuration("`wait`"))
        }
        if atWord("expect"), !isEventOfThatName {
            let start = advance()
            if atWord("nothing"), !at(.openBrace, ahead: 1) {
                advance()
                return .expectNothing(span(from: start))
            }
            let rule = try expectName("the name of a rule, or `nothing`")
            let fields = at(.openBrace) ? try parseMembers() : []
            let at = acceptWord("at") == nil ? nil : try expectDuration("`at`")
            return .expect(rule: rule, fields: fields, at: at)
        }
        let type = try parseTypeName("an event, `wait` or `expect`")
        let fields = try parseMembers()
        let after = acceptWord("after") == nil ? nil : try expectDuration("`after`")
        return .event(type: type, fields: fields, after: after)
    }

    /// `{ name: json … }`; names bare or quoted, commas or not.
    private mutating func parseMembers() throws(ParseFailure) -> [TestSyntax.Member] {
        try nested { (parser) throws(ParseFailure) in
            try parser.expect(.openBrace, "before the fields")
            var members: [TestSyntax.Member] = []
            while parser.accept(.closeBrace) == nil {
                let start = parser.current
                let name: Name
                if case .string(let text, _) = parser.current.kind {
                    name = Name(text: text, span: parser.advance().span, isQuoted: true)
                } else if let plain = parser.acceptAnyName() {
                    name = plain
                } else {
                    throw parser.unexpected("the name of a field, or `}`")
                }
                try parser.expect(.colon, "after the name of a field")
                let value = try parser.parseJSON()
                members.append(.init(name: name, value: value, span: parser.span(from: start)))
                _ = parser.accept(.comma)
            }
            return members
        }
    }

    private mutating func parseJSON() throws(ParseFailure) -> TestSyntax.JSON {
        switch current.kind {
        case .word("null"):
            advance()
            return .null
        case .word("true"), .word("false"):
            return .boolean(advance().kind == .word("true"))
        case .string(let text, _):
            advance()
            return .string(text)
        case .integer(let value):
            advance()
            return .number(.integer(value))
        case .double(let value):
            advance()
            return .number(.double(value))
        case .invalid:
            advance()
            return .null
        case .punctuation(.minus):
            advance()
            switch current.kind {
            case .integer(let value):
                guard value <= Int128(1) << 63 else { throw unexpected("a number that is not below −2⁶³") }
                advance()
                return .number(.integer(-value))
            case .double(let value):
                advance()
                return .number(.double(-value))
            default:
                throw unexpected("a number after `-`")
            }
        case .punctuation(.openBracket):
            return try nested { (parser) throws(ParseFailure) in
                parser.advance()
                var elements: [TestSyntax.JSON] = []
                while parser.accept(.closeBracket) == nil {
                    elements.append(try parser.parseJSON())
                    _ = parser.accept(.comma)
                }
                return .array(elements)
            }
        case .punctuation(.openBrace):
            return .object(try parseMembers())
        default:
            throw unexpected("a JSON value")
        }
    }
}
