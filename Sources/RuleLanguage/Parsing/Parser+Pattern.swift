internal import Diagnostics

extension Parser {
    /// Largest number in a quantifier.
    static let quantifierMax = 65_535

    mutating func parsePattern() throws(ParseFailure) -> PatternSyntax {
        try nested { (parser) throws(ParseFailure) in try parser.parseSequence() }
    }

    private mutating func parseSequence() throws(ParseFailure) -> PatternSyntax {
        let start = current
        let errorsBefore = sink.errorCount
        var pattern = PatternSyntax(elements: [], trailing: [], span: start.span, isBroken: false)
        var guards: [GuardSyntax] = []
        try skipLeadingGuards()
        do {
            pattern.elements.append(PatternElementSyntax(guards: [], connective: nil, node: try parseAlternatives()))
        } catch {
            skipToConnective()
        }
        while true {
            reportMisplacedLimit(after: nil)
            guard atWord("then") || atWord("next") else { break }
            let before = position
            do {
                if atWord("not", ahead: 1) || isAtLimitBeforeNot() {
                    guards.append(try parseGuard())
                } else {
                    let connective = try parseConnective()
                    let node = try parseAlternatives()
                    // The first element was unreadable: this one stands in its place, so that the rest is still looked at.
                    let isFirst = pattern.elements.isEmpty
                    pattern.elements.append(
                        PatternElementSyntax(guards: isFirst ? [] : guards, connective: isFirst ? nil : connective, node: node))
                    guards = []
                }
            } catch {
                if position == before { advance() }
                skipToConnective()
            }
        }
        pattern.trailing = guards
        pattern.span = span(from: start)
        pattern.isBroken = sink.errorCount > errorsBefore
        if pattern.elements.isEmpty { throw ParseFailure() }
        return pattern
    }

    /// `then within 5m not x`: the limit of a guard in the wrong place.
    private func isAtLimitBeforeNot() -> Bool {
        atWord("within", ahead: 1) && atDuration(ahead: 2) && atWord("not", ahead: 3)
    }

    /// A guard needs something before it.
    private mutating func skipLeadingGuards() throws(ParseFailure) {
        while atWord("not") || (atWord("then") || atWord("next")) && atWord("not", ahead: 1) {
            let start = current
            if !atWord("not") { advance() }
            advance()
            sink.report(
                Diagnostic(
                    .guardFirst, "a pattern cannot begin with `not`", at: span(from: start),
                    help: "say first what happens, then what must not follow: `match placed: order then not payment within 15m`"))
            if atWord("within") {
                advance()
                _ = try expectDuration("`within`")
            }
            _ = try parseEvent()
            if atWord("then") || atWord("next"), !atWord("not", ahead: 1) { _ = try parseConnective() }
        }
    }

    /// A `within` behind a step or a guard that another connective follows.
    private mutating func reportMisplacedLimit(after guarded: GuardSyntax?) {
        while atWord("within"), atDuration(ahead: 1), isWordOfPattern(peek(2)) {
            let start = advance()
            let limit = String(decoding: source.bytes[Int(current.span.lower)..<Int(current.span.upper)], as: UTF8.self)
            advance()
            let help =
                if let guarded {
                    "the limit of a `not` stands before its event: `\(guarded.isNext ? "next" : "then") not within \(limit) "
                        + "\(guarded.event.alternatives.first?.type.text ?? "…")`"
                } else {
                    "the limit of a step stands after the word before it: `then within \(limit) …`; that of the whole pattern at its end"
                }
            sink.report(Diagnostic(.misplacedLimit, "a limit does not stand here", at: span(from: start), help: help))
        }
    }

    private func isWordOfPattern(_ token: Token) -> Bool {
        switch token.kind {
        case .word("then"), .word("next"), .punctuation(.bar), .punctuation(.ampersand): true
        default: false
        }
    }

    private mutating func parseGuard() throws(ParseFailure) -> GuardSyntax {
        let start = advance()
        let isNext = start.kind == .word("next")
        var limit: DurationSyntax?
        if let word = acceptWord("within") {
            let duration = try expectDuration("`within`")
            limit = duration
            sink.report(
                Diagnostic(
                    .misplacedLimit, "a limit does not stand here", at: span(from: word),
                    help: "the limit of a `not` stands after `not`: `\(isNext ? "next" : "then") not within … event`"))
        }
        advance()
        if acceptWord("within") != nil { limit = try expectDuration("`within`") }
        let event = try parseEvent()
        let parsed = GuardSyntax(isNext: isNext, limit: limit, event: event, span: span(from: start))
        reportMisplacedLimit(after: parsed)
        return parsed
    }

    private mutating func parseConnective() throws(ParseFailure) -> ConnectiveSyntax {
        let start = advance()
        var kind = start.kind == .word("next") ? Connective.next : .then
        if kind == .then, atWord("any"), !at(.colon, ahead: 1) {
            advance()
            kind = .thenAny
        }
        var limit: DurationSyntax?
        if atWord("within"), atDuration(ahead: 1) {
            advance()
            limit = try expectDuration("`within`")
        }
        return ConnectiveSyntax(kind: kind, limit: limit, span: span(from: start))
    }

    private mutating func parseAlternatives() throws(ParseFailure) -> PatternNodeSyntax {
        let start = current
        var members = [try parseConjunction()]
        while at(.bar) {
            advance()
            members.append(try parseConjunction())
            reportMisplacedLimit(after: nil)
        }
        return members.count == 1 ? members[0] : .anyOf(members, span(from: start))
    }

    private mutating func parseConjunction() throws(ParseFailure) -> PatternNodeSyntax {
        let start = current
        var members = [try parseAtom()]
        while at(.ampersand) {
            advance()
            members.append(try parseAtom())
        }
        return members.count == 1 ? members[0] : .allOf(members, span(from: start))
    }

    private mutating func parseAtom() throws(ParseFailure) -> PatternNodeSyntax {
        let start = current
        if at(.openParenthesis) { return try parseGroup() }
        if isCertainlyClause() || isConnectiveAgain { throw unexpected("an event type") }
        var label: Name?
        if atName(), at(.colon, ahead: 1) {
            label = try expectName("a label")
            advance()
        }
        var types: [TypeName] = []
        if let label, at(.openParenthesis) {
            if !isAtTypes {
                sink.report(
                    Diagnostic(
                        .groupSuffix, "a group has no label of its own", at: label.span,
                        help: "after a label stands one type, or several as in `x: (a | b)`; labels of a group stand on the steps inside"))
                return try parseGroup()
            }
            advance()
            repeat { types.append(try parseTypeName()) } while accept(.bar) != nil
            try expect(.closeParenthesis, "after the types")
        } else {
            types.append(try parseTypeName())
        }
        return .step(try parseStepSuffix(label: label, types: types, from: start))
    }

    /// `then then b`: the second word is no type, for a name follows that cannot follow one.
    private var isConnectiveAgain: Bool {
        guard atWord("then") || atWord("next") else { return false }
        guard case .word(let word) = peek().kind else { return at(.openParenthesis, ahead: 1) }
        let suffixes: Set<String> = ["where", "by", "until", "consecutive", "combinations", "within", "then", "next"]
        return !suffixes.contains(word) && !Self.clauseWords.contains(word)
    }

    /// At `( TYPE { "|" TYPE } )`.
    private var isAtTypes: Bool {
        var index = position + 1
        func isName(_ token: Token) -> Bool {
            switch token.kind {
            case .word, .quotedName: true
            default: false
            }
        }
        while index + 1 < tokens.count, isName(tokens[index]) {
            switch tokens[index + 1].kind {
            case .punctuation(.closeParenthesis): return true
            case .punctuation(.bar), .punctuation(.dot): index += 2
            default: return false
            }
        }
        return false
    }

    /// Everything behind the types of a step.
    private mutating func parseStepSuffix(label: Name?, types: [TypeName], from start: Token) throws(ParseFailure) -> StepSyntax {
        var step = StepSyntax(
            label: label, types: types, quantifier: try parseQuantifier(), mode: parseMode(), condition: nil, key: [], keySpan: nil,
            until: nil,
            span: start.span)
        if acceptWord("where") != nil { step.condition = try parseExpression() }
        if let word = acceptWord("by") {
            step.key = try parseKeys()
            step.keySpan = span(from: word)
        }
        if acceptWord("until") != nil { step.until = try parseEvent() }
        step.span = span(from: start)
        return step
    }

    private mutating func parseGroup() throws(ParseFailure) -> PatternNodeSyntax {
        let start = advance()
        let pattern = try parsePattern()
        var limit: DurationSyntax?
        if acceptWord("within") != nil { limit = try expectDuration("`within`") }
        try expect(.closeParenthesis, "at the end of the group")
        if limit == nil, let types = Self.bareTypes(pattern) {
            return .step(try parseStepSuffix(label: nil, types: types, from: start))
        }
        var group = GroupSyntax(
            pattern: pattern, limit: limit, quantifier: try parseQuantifier(), mode: parseMode(), span: start.span)
        group.span = span(from: start)
        if atWord("where") || atWord("by") || atWord("until") {
            let word = current
            let name = Self.describe(word)
            advance()
            sink.report(
                Diagnostic(
                    .groupSuffix, "a group has no \(name) of its own", at: word.span,
                    help: "put it on the steps inside the parentheses"))
            if word.kind == .word("until") {
                _ = try parseEvent()
            } else if word.kind == .word("by") {
                _ = try parseKeys()
            } else {
                _ = try parseExpression()
            }
        }
        return .group(group)
    }

    /// The types of `(a | b)`, which is one step of several types; nil where the group is anything else.
    private static func bareTypes(_ pattern: PatternSyntax) -> [TypeName]? {
        guard pattern.elements.count == 1, pattern.trailing.isEmpty, !pattern.isBroken,
            case .anyOf(let members, _) = pattern.elements[0].node
        else { return nil }
        var types: [TypeName] = []
        for member in members {
            guard case .step(let step) = member, step.label == nil, step.types.count == 1, step.quantifier == nil, step.mode == nil,
                step.condition == nil, step.keySpan == nil, step.until == nil
            else { return nil }
            types.append(step.types[0])
        }
        return types
    }

    private mutating func parseQuantifier() throws(ParseFailure) -> QuantifierSyntax? {
        let start = current
        var bounds: (min: Int, max: Int?)
        var isReluctant = false
        var isCounted = false
        switch current.kind {
        case .punctuation(.question): bounds = (0, 1)
        case .punctuation(.coalesce): (bounds, isReluctant) = ((0, 1), true)
        case .punctuation(.star): bounds = (0, nil)
        case .punctuation(.plus): bounds = (1, nil)
        case .punctuation(.openBrace):
            bounds = try parseCounts()
            isCounted = true
        default: return nil
        }
        advance()
        if !isReluctant, accept(.question) != nil { isReluctant = true }
        let quantifier = Quantifier(min: bounds.min, max: bounds.max, isReluctant: isReluctant)
        return QuantifierSyntax(quantifier: quantifier, span: span(from: start), isCounted: isCounted)
    }

    /// `{n}`, `{n,}`, `{n,m}` up to the closing brace, which is left.
    private mutating func parseCounts() throws(ParseFailure) -> (min: Int, max: Int?) {
        let open = advance()
        if at(.comma) {
            throw unexpected("the least number before `,`", help: "to allow any number up to three, write `{0,3}`")
        }
        let least = try parseCount()
        var most: Int? = least
        if accept(.comma) != nil { most = at(.closeBrace) ? nil : try parseCount() }
        guard at(.closeBrace) else { throw unexpected("`}` at the end of the quantifier") }
        let place = Span(file: file, lower: open.span.lower, upper: current.span.upper)
        if let most, most == 0 {
            sink.report(
                Diagnostic(
                    .badQuantifier, "this repeats nothing", at: place, help: "leave the step out, or write `?` for one that may be missing")
            )
            return (1, 1)
        }
        if let most, most < least {
            sink.report(
                Diagnostic(
                    .badQuantifier, "the least number is larger than the most", at: place,
                    fix: .init(span: place, replacement: "{\(most),\(least)}")))
            return (most, least)
        }
        return (least, most)
    }

    private mutating func parseCount() throws(ParseFailure) -> Int {
        guard case .integer(let value) = current.kind else { throw unexpected("a whole number in the quantifier") }
        let place = advance().span
        guard let count = Int(exactly: value), count <= Self.quantifierMax else {
            sink.report(Diagnostic(.badQuantifier, "a quantifier counts up to \(Self.quantifierMax)", at: place))
            return Self.quantifierMax
        }
        return count
    }

    private mutating func parseMode() -> ModeSyntax? {
        if let word = acceptWord("consecutive") { return ModeSyntax(mode: .consecutive, span: word.span) }
        if let word = acceptWord("combinations") { return ModeSyntax(mode: .combinations, span: word.span) }
        return nil
    }

    /// `TYPE ["where" …] ["by" …]`, or several in parentheses.
    mutating func parseEvent() throws(ParseFailure) -> EventSyntax {
        let start = current
        guard accept(.openParenthesis) != nil else {
            let type = try parseTypeName()
            var alternative = EventSyntax.Alternative(type: type, condition: nil, key: [], keySpan: nil, span: start.span)
            if acceptWord("where") != nil { alternative.condition = try parseExpression() }
            if let word = acceptWord("by") {
                alternative.key = try parseKeys()
                alternative.keySpan = span(from: word)
            }
            alternative.span = span(from: start)
            return EventSyntax(alternatives: [alternative], span: alternative.span)
        }
        return try nested { (parser) throws(ParseFailure) in
            var alternatives = try parser.parseEvent().alternatives
            while parser.accept(.bar) != nil { alternatives += try parser.parseEvent().alternatives }
            try parser.expect(.closeParenthesis, "after the events")
            return EventSyntax(alternatives: alternatives, span: parser.span(from: start))
        }
    }
}
