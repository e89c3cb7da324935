internal import Diagnostics
internal import Events

extension Parser {
    mutating func parseExpression() throws(ParseFailure) -> ExpressionSyntax {
        try nested { (parser) throws(ParseFailure) in try parser.parseOr() }
    }

    private mutating func make(
        _ kind: ExpressionSyntax.Kind, from start: Span, over children: [ExpressionSyntax] = []
    ) throws(ParseFailure) -> ExpressionSyntax {
        let depth = 1 + (children.map(\.depth).max() ?? 0)
        let place = span(from: start)
        guard depth <= Self.depthMax else { throw tooDeep(at: place) }
        return ExpressionSyntax(kind: kind, span: place, depth: depth)
    }

    /// An operator of another language: reported, and read as the one that was meant.
    private mutating func reportForeign(_ written: String, _ meant: String, at span: Span, help: String? = nil) {
        sink.report(
            Diagnostic(
                .foreignOperator, "`\(written)` is written `\(meant)` here", at: span, help: help,
                fix: .init(span: span, replacement: meant)))
    }

    private mutating func acceptConnector(_ word: String, doubled: Token.Punctuation) -> Bool {
        if acceptWord(word) != nil { return true }
        guard atDoubled(doubled) else { return false }
        let start = advance()
        advance()
        reportForeign(doubled.rawValue + doubled.rawValue, word, at: span(from: start))
        return true
    }

    private mutating func parseOr() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        let first = try parseAnd()
        var members = [first]
        while acceptConnector("or", doubled: .bar) { members.append(try parseAnd()) }
        return members.count == 1 ? first : try make(.or(members), from: start, over: members)
    }

    private mutating func parseAnd() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        let first = try parseNot()
        var members = [first]
        while acceptConnector("and", doubled: .ampersand) { members.append(try parseNot()) }
        return members.count == 1 ? first : try make(.and(members), from: start, over: members)
    }

    private mutating func parseNot() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        let isForeign = at(.exclamation)
        guard isForeign || atWord("not") else { return try parseComparison() }
        advance()
        if isForeign { reportForeign("!", "not ", at: start) }
        return try nested { (parser) throws(ParseFailure) in
            let operand = try parser.parseNot()
            return try parser.make(.not(operand), from: start, over: [operand])
        }
    }

    /// The comparison operator here, and how many tokens it takes.
    private mutating func acceptComparison() -> Expression.Comparison? {
        guard case .punctuation(let sign) = current.kind else { return nil }
        if sign == .assign {
            reportForeign("=", "==", at: advance().span, help: "`==` compares; `=` gives a `let` its value")
            return .equal
        }
        if sign == .less, at(.greater, ahead: 1), peek().span.lower == current.span.upper {
            let start = advance()
            advance()
            reportForeign("<>", "!=", at: span(from: start))
            return .notEqual
        }
        guard let comparison = Expression.Comparison(rawValue: sign.rawValue) else { return nil }
        advance()
        return comparison
    }

    private mutating func parseComparison() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        let left = try parseCoalesce()
        var result = left
        if let comparison = acceptComparison() {
            let right = try parseCoalesce()
            result = try make(.compare(comparison, left, right), from: start, over: [left, right])
        } else if acceptWord("is") != nil {
            let isNegated: Bool
            if acceptWord("missing") != nil {
                isNegated = false
            } else if acceptWord("present") != nil {
                isNegated = true
            } else {
                let isNull = atWord("null")
                throw unexpected("`missing` or `present` after `is`", help: isNull ? nil : "to compare with a value, write `==`")
            }
            result = try make(.isMissing(left, isNegated: isNegated), from: start, over: [left])
        } else {
            let isNegated = atWord("not") && (atWord("in", ahead: 1) || atWord("matches", ahead: 1) || atWord("like", ahead: 1))
            if isNegated { advance() }
            if acceptWord("in") != nil {
                let right = try parseCoalesce()
                result = try make(.membership(left, right, isNegated: isNegated), from: start, over: [left, right])
            } else if acceptWord("matches") != nil {
                let right = try parseCoalesce()
                result = try make(.matches(left, right, isNegated: isNegated), from: start, over: [left, right])
            } else if acceptWord("like") != nil {
                let right = try parseCoalesce()
                result = try make(.like(left, right, isNegated: isNegated), from: start, over: [left, right])
            } else {
                return left
            }
        }
        let here = current.span
        if acceptComparison() != nil {
            sink.report(
                Diagnostic(
                    .chainedComparison, "comparisons cannot be chained", at: here, help: "join two of them: `1 < x and x < 5`"))
            _ = try parseCoalesce()
        }
        return result
    }

    private mutating func parseCoalesce() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        var left = try parseSum()
        while accept(.coalesce) != nil {
            let right = try parseSum()
            left = try make(.coalesce(left, right), from: start, over: [left, right])
        }
        return left
    }

    private mutating func parseSum() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        var left = try parseProduct()
        while at(.plus) || at(.minus) {
            let operation: Expression.Arithmetic = advance().kind == .punctuation(.plus) ? .add : .subtract
            let right = try parseProduct()
            left = try make(.arithmetic(operation, left, right), from: start, over: [left, right])
        }
        return left
    }

    private mutating func parseProduct() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        var left = try parseUnary()
        while at(.star) || at(.slash) || at(.percent) {
            let sign = advance().kind
            let operation: Expression.Arithmetic =
                sign == .punctuation(.star) ? .multiply : sign == .punctuation(.slash) ? .divide : .remainder
            let right = try parseUnary()
            left = try make(.arithmetic(operation, left, right), from: start, over: [left, right])
        }
        return left
    }

    private mutating func parseUnary() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        guard accept(.minus) != nil else { return try parsePostfix() }
        return try nested { (parser) throws(ParseFailure) in
            let operand = try parser.parseUnary()
            return try parser.make(.negate(operand), from: start, over: [operand])
        }
    }

    private mutating func parsePostfix() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        let base = try parsePrimary()
        var accesses: [AccessSyntax] = []
        var indices: [ExpressionSyntax] = []
        while true {
            if at(.dot) {
                advance()
                guard let name = acceptAnyName() else { throw unexpected("a name after `.`") }
                accesses.append(.field(name))
            } else if at(.openBracket) {
                let open = advance()
                let index = try parseExpression()
                try expect(.closeBracket, "after the place in a list")
                accesses.append(.index(index, span(from: open)))
                indices.append(index)
            } else {
                break
            }
        }
        if accesses.isEmpty { return base }
        if case .path(let name, _) = base.kind { return try make(.path(name, accesses), from: start, over: indices) }
        return try make(.access(base, accesses), from: start, over: [base] + indices)
    }

    private mutating func parsePrimary() throws(ParseFailure) -> ExpressionSyntax {
        let start = current.span
        switch current.kind {
        case .integer(let value):
            advance()
            return try make(.literal(.integer(value)), from: start)
        case .double(let value):
            advance()
            return try make(.literal(.double(value)), from: start)
        case .duration(let microseconds):
            advance()
            return try make(.literal(.duration(microseconds)), from: start)
        case .string(let text, _):
            advance()
            return try make(.literal(.string(text)), from: start)
        case .invalid:
            advance()
            return try make(.broken, from: start)
        case .word("true"), .word("false"):
            return try make(.literal(.boolean(advance().kind == .word("true"))), from: start)
        case .word(let word) where Self.reservedWords.contains(word):
            throw unexpected("a value")
        case .word where isCertainlyClause():
            throw unexpected("a value")
        case .word, .quotedName:
            guard let name = acceptAnyName() else { throw unexpected("a value") }
            if !name.isQuoted, at(.openParenthesis) { return try parseCall(name) }
            return try make(.path(name, []), from: start)
        case .punctuation(.openParenthesis):
            advance()
            let inner = try parseExpression()
            try expect(.closeParenthesis, "after the expression")
            return try make(.parenthesised(inner), from: start, over: [inner])
        case .punctuation(.openBracket):
            let entries = try parseListEntries(advance())
            return try make(.list(entries), from: start, over: entries)
        default:
            throw unexpected("a value")
        }
    }

    /// The entries of a list and its `]`; the `[` is taken.
    mutating func parseListEntries(_ open: Token) throws(ParseFailure) -> [ExpressionSyntax] {
        var entries: [ExpressionSyntax] = []
        while accept(.closeBracket) == nil {
            entries.append(try parseExpression())
            if accept(.comma) == nil {
                try expect(.closeBracket, "or `,` after an entry of the list")
                break
            }
        }
        return entries
    }

    private mutating func parseCall(_ name: Name) throws(ParseFailure) -> ExpressionSyntax {
        advance()
        var arguments: [CallSyntax.Argument] = []
        var children: [ExpressionSyntax] = []
        while accept(.closeParenthesis) == nil {
            let value = try parseExpression()
            children.append(value)
            var condition: ExpressionSyntax?
            if acceptWord("where") != nil {
                let parsed = try parseExpression()
                children.append(parsed)
                condition = parsed
            }
            arguments.append(.init(value: value, condition: condition))
            if accept(.comma) == nil {
                try expect(.closeParenthesis, "or `,` after an argument of `\(name.text)`")
                break
            }
        }
        var window: AggregateWindowSyntax?
        if atWord("over"), !at(.colon, ahead: 1) {
            let start = advance()
            let shape: AggregateWindowSyntax.Shape
            if acceptWord("previous") != nil {
                shape = .previous(try expectDuration("`over previous`"))
            } else if acceptWord("last") != nil {
                guard case .integer(let value) = current.kind, let count = Int(exactly: value), count > 0 else {
                    throw unexpected("a number of events after `over last`")
                }
                advance()
                shape = .last(count)
            } else if acceptWord("tumbling") != nil {
                shape = .tumbling(try expectDuration("`over tumbling`"))
            } else if acceptWord("session") != nil {
                shape = .session(try expectDuration("`over session`"))
            } else {
                shape = .sliding(try expectDuration("`over`"))
            }
            window = AggregateWindowSyntax(shape: shape, span: span(from: start))
        }
        return try make(.call(CallSyntax(name: name, arguments: arguments, window: window)), from: name.span, over: children)
    }
}
