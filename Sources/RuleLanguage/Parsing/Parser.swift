// The grammar, as the contract of the language has it; `[x]` may be left out, `{x}` may be repeated, words in quotes are keywords.
// Every choice is made with two tokens of look-ahead.
//
//   file        = { declaration }
//   declaration = "rule" NAME "{" { clause } "}"
//               | "event" TYPE "{" { path fieldtype ["?"] [","] } "}"
//               | "stream" [NAME] "{" { property } "}"
//               | "list" NAME ( "=" "[" [expr {"," expr} [","]] "]" | "from" STRING )
//               | "table" NAME "from" STRING "key" NAME
//               | "let" NAME "=" expr
//               | "test" STRING "{" { teststep } "}"
//   property    = "type" (path | STRING) | "time" path [unit] | ("delay" | "ahead" | "idle") DURATION
//   teststep    = TYPE "{" { NAME ":" json [","] } "}" ["after" DURATION] | "wait" DURATION
//               | "expect" NAME ["{" … "}"] ["at" DURATION] | "expect" "nothing"
//
//   clause      = "by" key {"," key} | "where" expr | "let" NAME "=" expr
//               | "match" pattern ["within" DURATION]
//               | "window" ("tumbling" DURATION | "sliding" DURATION "every" DURATION | "session" DURATION) | "having" expr
//               | "after" "match" ("skip" ("past" "last" | "to" ("next" | ("first" | "last") NAME)) | "keep" "all")
//               | "alert" [severity] [STRING] [fields] | "emit" TYPE fields | "on" "timeout" "alert" …
//               | "cancel" "on" event | "cooldown" DURATION ["by" expr {"," expr}]
//               | "limit" INTEGER ("open" ["drop" ("oldest" | "newest")] | "events") | "tags" tag {"," tag} | "disabled"
//   fields      = "{" { NAME ":" expr [","] } "}"
//   key         = [NAME ":"] expr
//
//   pattern     = alt { { guard } connective alt } { guard }
//   alt         = con { "|" con }
//   con         = atom { "&" atom }
//   atom        = [NAME ":"] types [quantifier] [mode] ["where" expr] ["by" key {"," key}] ["until" event]
//               | "(" pattern ["within" DURATION] ")" [quantifier] [mode]
//   types       = TYPE | "(" TYPE "|" TYPE {"|" TYPE} ")"
//   connective  = ( "then" ["any"] | "next" ) ["within" DURATION]
//   guard       = ( "then" | "next" ) "not" ["within" DURATION] event
//   event       = TYPE ["where" expr] ["by" key {"," key}] | "(" event {"|" event} ")"
//   quantifier  = ( "?" | "*" | "+" | "{" n ["," [m]] "}" ) ["?"]
//   mode        = "consecutive" | "combinations"
//
//   expr        = and { "or" and }            and     = not { "and" not }        not = "not" not | comparison
//   comparison  = coalesce [ op coalesce | ["not"] ("in" | "matches" | "like") coalesce | "is" ("missing" | "present") ]
//   coalesce    = sum { "??" sum }            sum     = product { ("+" | "-") product }
//   product     = unary { ("*" | "/" | "%") unary }   unary = "-" unary | postfix
//   postfix     = primary { "." NAME | "[" expr "]" }
//   primary     = literal | NAME | call | "(" expr ")" | "[" [expr {"," expr}] "]"
//   call        = NAME "(" [argument {"," argument}] ")" ["over" window]
//   argument    = expr ["where" expr]
//   window      = DURATION | "previous" DURATION | "last" INTEGER | "tumbling" DURATION | "session" DURATION
//
// A mistake is reported where it is found and thrown as `ParseFailure`, which carries nothing. It is caught at the next place
// where the text can be taken up again: the next field, connective, clause or declaration.

public import Diagnostics

/// What was wrong is reported already.
struct ParseFailure: Error {}

/// Recursive descent over the tokens of one file.
struct Parser {
    /// Deepest nesting of expressions, patterns and values.
    static let depthMax = 200

    let source: SourceFile
    let file: Int32
    let tokens: [Token]
    let comments: [Comment]
    var sink: DiagnosticSink
    /// An index into `tokens`; never beyond the last one, which is `.end`.
    var position = 0
    var depth = 0

    init(source: SourceFile, file: Int32, tokens: [Token], comments: [Comment], sink: DiagnosticSink) {
        precondition(!tokens.isEmpty, "the last token is the end of the file")
        self.source = source
        self.file = file
        self.tokens = tokens
        self.comments = comments
        self.sink = sink
    }

    // MARK: Looking

    var current: Token { tokens[position] }

    func peek(_ distance: Int = 1) -> Token { tokens[min(position + distance, tokens.count - 1)] }

    var isAtEnd: Bool { current.kind == .end }

    func at(_ punctuation: Token.Punctuation, ahead distance: Int = 0) -> Bool {
        peek(distance).kind == .punctuation(punctuation)
    }

    func atWord(_ word: String, ahead distance: Int = 0) -> Bool {
        peek(distance).kind == .word(word)
    }

    func atName(ahead distance: Int = 0) -> Bool {
        switch peek(distance).kind {
        case .word, .quotedName: true
        default: false
        }
    }

    func atDuration(ahead distance: Int = 0) -> Bool {
        switch peek(distance).kind {
        case .duration, .invalid, .integer, .double: true
        default: false
        }
    }

    /// Two signs that touch, as in `&&`.
    func atDoubled(_ punctuation: Token.Punctuation) -> Bool {
        at(punctuation) && at(punctuation, ahead: 1) && peek().span.lower == current.span.upper
    }

    // MARK: Taking

    @discardableResult
    mutating func advance() -> Token {
        let token = current
        if position < tokens.count - 1 { position += 1 }
        return token
    }

    mutating func accept(_ punctuation: Token.Punctuation) -> Token? {
        at(punctuation) ? advance() : nil
    }

    mutating func acceptWord(_ word: String) -> Token? {
        atWord(word) ? advance() : nil
    }

    @discardableResult
    mutating func expect(_ punctuation: Token.Punctuation, _ purpose: String) throws(ParseFailure) -> Token {
        if let token = accept(punctuation) { return token }
        throw unexpected("`\(punctuation.rawValue)` \(purpose)")
    }

    @discardableResult
    mutating func expectWord(_ word: String, _ purpose: String) throws(ParseFailure) -> Token {
        if let token = acceptWord(word) { return token }
        throw unexpected("`\(word)` \(purpose)")
    }

    static let reservedWords: Set<String> = ["and", "or", "not", "in", "is", "like", "matches", "true", "false"]

    /// A name that is no reserved word.
    mutating func expectName(_ what: String) throws(ParseFailure) -> Name {
        switch current.kind {
        case .word(let word):
            if Self.reservedWords.contains(word) {
                sink.report(
                    Diagnostic(
                        .reservedWord, "`\(word)` is a word of the language and cannot be \(what)", at: current.span,
                        help: "a name that is a word of the language stands in backquotes",
                        fix: .init(span: current.span, replacement: "`\(word)`")))
            }
            return Name(text: word, span: advance().span, isQuoted: false)
        case .quotedName(let name):
            return Name(text: name, span: advance().span, isQuoted: true)
        default:
            throw unexpected(what)
        }
    }

    mutating func expectDuration(_ what: String) throws(ParseFailure) -> DurationSyntax {
        switch current.kind {
        case .duration(let microseconds):
            return DurationSyntax(microseconds: microseconds, span: advance().span)
        case .invalid:
            return DurationSyntax(microseconds: 1, span: advance().span)
        case .integer(let value):
            let span = advance().span
            sink.report(
                Diagnostic(.badDuration, "\(what) needs a unit of time", at: span, help: "for example `\(value)s` or `\(value)m`"))
            return DurationSyntax(microseconds: 1, span: span)
        default:
            throw unexpected("a duration like `10m` for \(what)")
        }
    }

    mutating func expectString(_ what: String) throws(ParseFailure) -> StringSyntax {
        if case .string(let text, let isRaw) = current.kind { return StringSyntax(text: text, isRaw: isRaw, span: advance().span) }
        throw unexpected(what)
    }

    /// Reports that something else was expected here.
    mutating func unexpected(_ expected: String, help: String? = nil) -> ParseFailure {
        // A literal that the lexer has reported is not worth a second message.
        if current.kind != .invalid {
            let found = isAtEnd ? "the file ends here" : "found \(Self.describe(current))"
            var span = current.span
            if isAtEnd, position > 0 { span = tokens[position - 1].span }
            let hint = help == nil ? hint(expecting: expected) : (help: help, fix: nil)
            sink.report(Diagnostic(.unexpectedToken, "expected \(expected), but \(found)", at: span, help: hint.help, fix: hint.fix))
        }
        return ParseFailure()
    }

    static func describe(_ token: Token) -> String {
        switch token.kind {
        case .word(let word): "`\(word)`"
        case .quotedName(let name): "`` `\(name)` ``"
        case .integer(let value): "the number `\(value)`"
        case .double(let value): "the number `\(value)`"
        case .duration: "a duration"
        case .string: "a string"
        case .punctuation(let sign): "`\(sign.rawValue)`"
        case .invalid: "something unreadable"
        case .end: "the end of the file"
        }
    }

    func span(from start: Token) -> Span { span(from: start.span) }

    /// From a place up to the last token taken.
    func span(from start: Span) -> Span {
        let end = position > 0 ? tokens[position - 1].span.upper : start.upper
        return Span(file: file, lower: start.lower, upper: max(start.upper, end))
    }

    // MARK: Bounds

    /// Runs a part of the grammar one level deeper.
    mutating func nested<Result>(
        _ body: (inout Parser) throws(ParseFailure) -> Result
    ) throws(ParseFailure) -> Result {
        guard depth < Self.depthMax else { throw tooDeep(at: current.span) }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    mutating func tooDeep(at span: Span) -> ParseFailure {
        sink.report(
            Diagnostic(
                .nestedTooDeep, "this is nested more than \(Self.depthMax) deep", at: span,
                help: "split it: a `let` gives a part of an expression a name"))
        return ParseFailure()
    }
}

/// Reads one rule file. Mistakes go into `sink`; what could be read is in the result.
///
/// - Parameter index: the file's place among those of the run; spans carry it.
/// - Complexity: O(n) in the bytes of the file.
public func parse(file source: SourceFile, index: Int32, into sink: inout DiagnosticSink) -> SyntaxFile {
    guard source.bytes.count <= Lexer.fileBytesMax else {
        sink.report(
            Diagnostic(
                .fileTooLarge, "a rule file has at most 16 MiB", at: Span(file: index, lower: 0, upper: 0),
                help: "split it into several files"))
        return SyntaxFile(source: source, index: index, declarations: [], tokens: [], comments: [])
    }
    var lexer = Lexer(bytes: source.bytes, file: index, sink: sink)
    lexer.run()
    var parser = Parser(source: source, file: index, tokens: lexer.tokens, comments: lexer.comments, sink: lexer.sink)
    let declarations = parser.parseFile()
    sink = parser.sink
    return SyntaxFile(source: source, index: index, declarations: declarations, tokens: lexer.tokens, comments: lexer.comments)
}
