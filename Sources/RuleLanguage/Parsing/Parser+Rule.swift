internal import Diagnostics
internal import Events

extension Parser {
    static let clauseWords = [
        "by", "where", "let", "match", "window", "having", "after", "alert", "emit", "on", "cancel", "cooldown", "limit", "tags",
        "disabled",
    ]

    /// Everything after `rule`.
    mutating func parseRule() throws(ParseFailure) -> RuleSyntax {
        let name = try expectName("the name of a rule")
        let open = try expect(.openBrace, "before the clauses of the rule")
        var clauses: [ClauseSyntax] = []
        while accept(.closeBrace) == nil {
            if isAtEnd || isAtDeclarationStart(insideRule: true) {
                reportUnclosed(open, "the rule `\(name.text)`")
                break
            }
            let before = position
            let errorsBefore = sink.errorCount
            let start = current
            var keyword = ""
            do {
                let kind = try parseClause(&keyword)
                clauses.append(clause(kind, keyword, start, isBroken: sink.errorCount > errorsBefore))
            } catch {
                if !keyword.isEmpty { clauses.append(clause(.broken, keyword, start, isBroken: true)) }
                skipToClause()
            }
            if position == before, !isAtEnd { advance() }
        }
        return RuleSyntax(name: name, clauses: clauses)
    }

    private func clause(_ kind: ClauseSyntax.Kind, _ keyword: String, _ start: Token, isBroken: Bool) -> ClauseSyntax {
        let words = keyword.utf8.contains(0x20) ? Int32(keyword.utf8.count) : start.span.upper - start.span.lower
        // Two-word keywords are shown from the first word to the second, whatever stands between.
        var keywordSpan = start.span
        if words != start.span.upper - start.span.lower { keywordSpan.upper = max(keywordSpan.upper, secondWordEnd(start)) }
        return ClauseSyntax(kind: kind, keyword: keyword, keywordSpan: keywordSpan, span: span(from: start), isBroken: isBroken)
    }

    private func secondWordEnd(_ start: Token) -> Int32 {
        var low = 0
        var high = tokens.count
        while low < high {
            let middle = (low + high) / 2
            if tokens[middle].span.lower <= start.span.lower { low = middle + 1 } else { high = middle }
        }
        return low < tokens.count ? tokens[low].span.upper : start.span.upper
    }

    private mutating func parseClause(_ keyword: inout String) throws(ParseFailure) -> ClauseSyntax.Kind {
        guard case .word(let word) = current.kind else { throw unexpected("a clause of the rule, or `}`") }
        guard Self.clauseWords.contains(word) else {
            if word == "within" { return try parseStrayLimit() }
            // What other languages write here is told as that, and not as a mistyped clause.
            let expected = "a clause of the rule, or `}`"
            if hint(expecting: expected).help != nil || Self.reservedWords.contains(word) { throw unexpected(expected) }
            let nearest = NearestName.find(word, among: Self.clauseWords)
            let fix = word.utf8.count < 3 ? nil : nearest.map { Diagnostic.Fix(span: current.span, replacement: $0) }
            // It counts as the clause that was meant, so that this one is not said to be missing.
            keyword = nearest ?? ""
            sink.report(
                Diagnostic(
                    .unknownClause, "`\(word)` begins no clause of a rule", at: current.span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: nearest == nil
                        ? "a rule has the clauses `by where let match after alert on cancel cooldown limit tags disabled`" : nil, fix: fix))
            advance()
            throw ParseFailure()
        }
        keyword = word
        advance()
        switch word {
        case "by": return .by(try parseKeys())
        case "where": return .filter(try parseExpression())
        case "let": return try parseLet()
        case "match": return try parseMatch()
        case "window": return .window(try parseWindow())
        case "having": return .having(try parseExpression())
        case "after":
            keyword = "after match"
            try expectWord("match", "after `after`")
            return .afterMatch(try parseAfterMatch())
        case "alert": return .alert(try parseAlert())
        case "emit":
            let type = try parseTypeName("the type of the event")
            return .emit(type: type, fields: try parseFields())
        case "on":
            keyword = "on timeout"
            try expectWord("timeout", "after `on`")
            try expectWord("alert", "after `on timeout`")
            return .onTimeout(try parseAlert())
        case "cancel":
            keyword = "cancel on"
            try expectWord("on", "after `cancel`")
            return .cancel(try parseEvent())
        case "cooldown":
            let duration = try expectDuration("`cooldown`")
            var by: [ExpressionSyntax] = []
            if acceptWord("by") != nil {
                repeat { by.append(try parseExpression()) } while accept(.comma) != nil
            }
            return .cooldown(duration, by: by)
        case "limit": return try parseLimit()
        case "tags":
            var tags: [Name] = []
            repeat { tags.append(try parseTag()) } while accept(.comma) != nil
            return .tags(tags)
        default: return .disabled
        }
    }

    /// A `within` that stands where no pattern ends.
    private mutating func parseStrayLimit() throws(ParseFailure) -> ClauseSyntax.Kind {
        let start = advance()
        _ = try expectDuration("`within`")
        sink.report(
            Diagnostic(
                .misplacedLimit, "a `within` cannot stand here", at: span(from: start),
                help: "the limit of the whole pattern stands once, right after the pattern: `match a then b within 10m`"))
        throw ParseFailure()
    }

    private mutating func parseLet() throws(ParseFailure) -> ClauseSyntax.Kind {
        let name = try expectName("the name of a `let`")
        try expect(.assign, "after the name of a `let`")
        do {
            return .binding(name: name, value: try parseExpression())
        } catch {
            skipToClause()
            return .binding(name: name, value: nil)
        }
    }

    /// `[NAME ":"] expr {"," …}`
    mutating func parseKeys() throws(ParseFailure) -> [KeySyntax] {
        var keys: [KeySyntax] = []
        repeat {
            var name: Name?
            if atName(), at(.colon, ahead: 1) {
                name = try expectName("the name of a part of the key")
                advance()
            }
            keys.append(KeySyntax(name: name, value: try parseExpression()))
        } while accept(.comma) != nil
        return keys
    }

    private mutating func parseMatch() throws(ParseFailure) -> ClauseSyntax.Kind {
        let pattern = try parsePattern()
        var within: DurationSyntax?
        if acceptWord("within") != nil { within = try expectDuration("`within`") }
        return .match(pattern, within: within)
    }

    private mutating func parseWindow() throws(ParseFailure) -> WindowRuleSyntax {
        if acceptWord("tumbling") != nil { return WindowRuleSyntax(shape: .tumbling(try expectDuration("`window tumbling`"))) }
        if acceptWord("session") != nil { return WindowRuleSyntax(shape: .session(try expectDuration("`window session`"))) }
        if acceptWord("sliding") != nil {
            let size = try expectDuration("`window sliding`")
            try expectWord("every", "after the length of a sliding window")
            return WindowRuleSyntax(shape: .sliding(size, every: try expectDuration("`every`")))
        }
        throw unexpected("`tumbling`, `sliding` or `session` after `window`")
    }

    private mutating func parseAfterMatch() throws(ParseFailure) -> AfterMatchSyntax {
        if acceptWord("keep") != nil {
            try expectWord("all", "after `keep`")
            return .keepAll
        }
        guard acceptWord("skip") != nil else { throw unexpected("`skip` or `keep all` after `after match`") }
        if acceptWord("past") != nil {
            try expectWord("last", "after `skip past`")
            return .skipPastLast
        }
        guard acceptWord("to") != nil else { throw unexpected("`past last` or `to` after `skip`") }
        if acceptWord("next") != nil { return .skipToNext }
        if acceptWord("first") != nil { return .skipToFirst(try expectName("a label")) }
        if acceptWord("last") != nil { return .skipToLast(try expectName("a label")) }
        throw unexpected("`next`, `first` or `last` after `skip to`")
    }

    private mutating func parseAlert() throws(ParseFailure) -> AlertSyntax {
        var alert = AlertSyntax(severity: nil, template: nil, fields: [])
        if case .word(let word) = current.kind, !isAtAlertEnd(word) {
            alert.severity = Severity(rawValue: word)
            if alert.severity == nil {
                let names = Severity.allCases.map(\.rawValue)
                let nearest = NearestName.find(word, among: names)
                sink.report(
                    Diagnostic(
                        .unknownSeverity, "`\(word)` is no severity", at: current.span,
                        label: nearest.map { "did you mean `\($0)`?" } ?? "",
                        help: "a severity is `info`, `low`, `medium`, `high` or `critical`",
                        fix: nearest.map { .init(span: current.span, replacement: $0) }))
            }
            advance()
        }
        if case .string(_, let isRaw) = current.kind {
            alert.template = parseTemplate(advance(), isRaw: isRaw)
        }
        if at(.openBrace) { alert.fields = try parseFields() }
        return alert
    }

    /// Whether a word after `alert` is the next clause and not a severity.
    private func isAtAlertEnd(_ word: String) -> Bool {
        Severity(rawValue: word) == nil && Self.clauseWords.contains(word)
    }

    /// `{ name: expr … }`
    private mutating func parseFields() throws(ParseFailure) -> [FieldSyntax] {
        let open = try expect(.openBrace, "before the fields")
        var fields: [FieldSyntax] = []
        while accept(.closeBrace) == nil {
            if isAtEnd || isAtDeclarationStart(insideRule: true) {
                reportUnclosed(open, "this block")
                break
            }
            if isAtClauseStart(), current.startsLine {
                reportUnclosed(open, "this block")
                break
            }
            let before = position
            do {
                let name = try expectName("the name of a field, or `}`")
                try expect(.colon, "after the name of a field")
                fields.append(FieldSyntax(name: name, value: try parseExpression()))
                _ = accept(.comma)
            } catch {
                if position == before, !at(.closeBrace) { advance() }
                skipToEntry()
            }
        }
        return fields
    }

    private mutating func parseLimit() throws(ParseFailure) -> ClauseSyntax.Kind {
        let count = current.span
        guard case .integer(let value) = current.kind else { throw unexpected("a whole number after `limit`") }
        advance()
        guard let number = Int(exactly: value), number > 0, number <= Int(Int32.max) else {
            sink.report(Diagnostic(.badLimit, "a limit is a whole number from 1 to \(Int32.max)", at: count))
            throw ParseFailure()
        }
        if acceptWord("events") != nil { return .limitEvents(number, count: count) }
        guard acceptWord("open") != nil else { throw unexpected("`open` or `events` after the number of a limit") }
        guard acceptWord("drop") != nil else { return .limitOpen(number, dropsNewest: false, count: count) }
        if acceptWord("oldest") != nil { return .limitOpen(number, dropsNewest: false, count: count) }
        if acceptWord("newest") != nil { return .limitOpen(number, dropsNewest: true, count: count) }
        throw unexpected("`oldest` or `newest` after `drop`")
    }

    private mutating func parseTag() throws(ParseFailure) -> Name {
        let start = current
        if case .string(let text, _) = current.kind { return Name(text: text, span: advance().span, isQuoted: true) }
        var name = try expectName("a tag")
        while at(.dot), atName(ahead: 1) {
            advance()
            if let part = acceptAnyName() { name.text += "." + part.text }
        }
        name.span = span(from: start)
        return name
    }
}
