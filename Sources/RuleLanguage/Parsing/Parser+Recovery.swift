internal import Diagnostics

// Where the text can be taken up again after a mistake. Every loop here moves on by a token or stops.

extension Parser {
    /// Words that begin a clause wherever they stand, with what must follow to make sure.
    func isAtClauseStart() -> Bool {
        guard case .word(let word) = current.kind else { return false }
        switch word {
        case "match": return !at(.colon, ahead: 1) && !at(.dot, ahead: 1)
        case "alert": return !at(.colon, ahead: 1) && !at(.dot, ahead: 1)
        case "let": return atName(ahead: 1) && at(.assign, ahead: 2)
        case "emit": return atName(ahead: 1) && current.startsLine
        case "after" where atWord("match", ahead: 1): return true
        case "on" where atWord("timeout", ahead: 1): return true
        case "cancel" where atWord("on", ahead: 1): return true
        case "cooldown" where atDuration(ahead: 1): return true
        case "limit" where atDuration(ahead: 1): return true
        case "after", "on", "cancel", "cooldown", "limit", "tags", "window", "having":
            return current.startsLine && !at(.colon, ahead: 1) && !at(.dot, ahead: 1)
        case "disabled": return current.startsLine && !at(.colon, ahead: 1) && !at(.dot, ahead: 1)
        default: return false
        }
    }

    /// Words that can be nothing but a clause, whatever the grammar expects: what follows them cannot follow a name.
    func isCertainlyClause() -> Bool {
        guard case .word(let word) = current.kind else { return false }
        switch word {
        case "alert":
            switch peek().kind {
            case .word(let next): return Severity(rawValue: next) != nil
            case .string: return true
            case .punctuation(.openBrace): return atName(ahead: 2) && at(.colon, ahead: 3)
            default: return false
            }
        case "let": return atName(ahead: 1) && at(.assign, ahead: 2)
        case "emit": return atName(ahead: 1) && at(.openBrace, ahead: 2) && atName(ahead: 3) && at(.colon, ahead: 4)
        case "after": return atWord("match", ahead: 1)
        case "on": return atWord("timeout", ahead: 1) && atWord("alert", ahead: 2)
        case "cancel": return atWord("on", ahead: 1) && atName(ahead: 2)
        case "cooldown", "within":
            if case .duration = peek().kind { return true } else { return false }
        case "limit": return atWord("open", ahead: 2) || atWord("events", ahead: 2)
        default: return false
        }
    }

    /// A word at the beginning of a line that can only begin a declaration; it tells that the `}` of the one before is missing.
    func isAtDeclarationStart(insideRule: Bool) -> Bool {
        guard case .word(let word) = current.kind, current.startsLine else { return false }
        switch word {
        case "rule": return atName(ahead: 1) && at(.openBrace, ahead: 2)
        case "event": return atName(ahead: 1) && (at(.openBrace, ahead: 2) || at(.dot, ahead: 2) && !insideRule)
        case "stream": return at(.openBrace, ahead: 1) || atName(ahead: 1) && at(.openBrace, ahead: 2)
        case "test": if case .string = peek().kind { return true } else { return false }
        case "list": return atName(ahead: 1) && (at(.assign, ahead: 2) || atWord("from", ahead: 2))
        case "table": return atName(ahead: 1) && atWord("from", ahead: 2)
        case "let": return !insideRule && atName(ahead: 1) && at(.assign, ahead: 2)
        default: return false
        }
    }

    /// Skips to the next clause of the rule, its `}`, or the next declaration. Blocks in between are skipped as a whole.
    mutating func skipToClause() {
        var braces = 0
        while !isAtEnd, !isAtDeclarationStart(insideRule: true) {
            if braces == 0, at(.closeBrace) || isAtClauseStart() { return }
            if at(.openBrace) { braces += 1 }
            if at(.closeBrace) { braces -= 1 }
            advance()
        }
    }

    /// Skips to the next declaration; a `}` that closes nothing is skipped too.
    mutating func skipToDeclaration() {
        var braces = 0
        while !isAtEnd {
            if isAtDeclarationStart(insideRule: braces > 0) { return }
            if at(.openBrace) { braces += 1 }
            if at(.closeBrace) {
                braces -= 1
                if braces <= 0 {
                    advance()
                    return
                }
            }
            advance()
        }
    }

    /// Skips to the next entry of a `{ name: … }` block: a name and a colon that begin a line or follow a comma, or the `}`.
    mutating func skipToEntry() {
        var nesting = 0
        while !isAtEnd, !isAtDeclarationStart(insideRule: true) {
            if nesting == 0 {
                if at(.closeBrace) || isAtClauseStart() && current.startsLine { return }
                let isAfterComma = position > 0 && tokens[position - 1].kind == .punctuation(.comma)
                if atName(), at(.colon, ahead: 1), current.startsLine || isAfterComma { return }
            }
            switch current.kind {
            case .punctuation(.openBrace), .punctuation(.openParenthesis), .punctuation(.openBracket): nesting += 1
            case .punctuation(.closeBrace), .punctuation(.closeParenthesis), .punctuation(.closeBracket): nesting = max(0, nesting - 1)
            default: break
            }
            advance()
        }
    }

    /// Skips to the next connective of the pattern at hand, the parenthesis that ends it, or the next clause.
    mutating func skipToConnective() {
        var parentheses = 0
        while !isAtEnd, !isAtDeclarationStart(insideRule: true) {
            if isAtClauseStart() || at(.closeBrace) { return }
            if parentheses == 0, at(.closeParenthesis) || atWord("then") || atWord("next") { return }
            if at(.openParenthesis) { parentheses += 1 }
            if at(.closeParenthesis) { parentheses -= 1 }
            if at(.openBrace) {
                // The braces of a quantifier; any others belong to a clause.
                guard case .integer = peek().kind else {
                    advance()
                    continue
                }
                while !isAtEnd, !at(.closeBrace), !isAtClauseStart() { advance() }
                if !at(.closeBrace) { return }
            }
            advance()
        }
    }
}
