internal import Diagnostics

/// Walks the syntax tree and the tokens side by side and lays the file out. The tree says where lines may break; the tokens are what is
/// written, one after another, so that none is lost whatever the tree leaves out.
struct LayoutBuilder {
    /// Names longer than this do not move the column of their neighbours.
    static let alignedColumnsMax = 32
    /// Patterns longer than this are broken at their connectives.
    static let patternColumnsMax: Int32 = 80
    /// Events of tests are rows of a table, and may be longer than other lines.
    static let rowColumnsMax: Int32 = 140

    let file: SyntaxFile
    private(set) var operations: [LayoutOperation] = []
    private var position = 0
    private var nextComment = 0
    /// Comments that stand before the token at hand and are not yet written, and whether a blank line stands before each.
    private var waiting: [(comment: Comment, hasBlank: Bool)] = []
    /// Where the last token or comment ends that was looked at.
    private var lastEnd: Int32 = 0
    private var hasTrailingComment = false

    init(_ file: SyntaxFile) {
        self.file = file
    }

    // MARK: Tokens

    var token: Token { file.tokens[position] }

    var isAtEnd: Bool { position >= file.tokens.count - 1 }

    func at(_ punctuation: Token.Punctuation) -> Bool { token.kind == .punctuation(punctuation) }

    enum Spelling {
        case asWritten
        /// A name: backquotes go where the name is an ordinary word that is no word of the language.
        case name
        /// A name where every word is one: backquotes go where it has the signs of a word.
        case anyWord
    }

    /// Every word that means something somewhere. A name that is one of them keeps its backquotes.
    static let words: Set<String> = Parser.reservedWords.union(Parser.clauseWords).union(Parser.declarationWords).union([
        "then", "next", "any", "within", "until", "consecutive", "combinations", "over", "previous", "last", "first", "tumbling", "sliding",
        "session", "every", "skip", "past", "to", "keep", "all", "timeout", "drop", "oldest", "newest", "open", "events", "missing",
        "present", "null", "from", "key", "type", "time", "delay", "ahead", "idle", "seconds", "milliseconds", "microseconds",
        "nanoseconds", "rfc3339", "wait", "expect", "nothing", "at", "info", "low", "medium", "high", "critical",
    ])

    private static func isWord(_ name: String) -> Bool {
        guard let first = name.utf8.first, Lexer.startsWord(first) else { return false }
        return name.utf8.allSatisfy(Lexer.continuesWord)
    }

    /// Writes the token at hand, the comments before it, and the one behind it on its line.
    mutating func take(_ spelling: Spelling = .asWritten) {
        guard !isAtEnd else { return }
        writeComments()
        let span = token.span
        var text = (lower: span.lower, upper: span.upper)
        if case .quotedName(let name) = token.kind, Self.isWord(name),
            spelling == .anyWord || spelling == .name && !Self.words.contains(name)
        {
            text = (span.lower + 1, span.upper - 1)
        }
        operations.append(.text(text.lower, text.upper))
        passToken()
    }

    /// Writes a name in backquotes whether it needs them or not.
    mutating func takeQuoted() {
        guard case .word = token.kind else { return take() }
        writeComments()
        operations += [.sign(UInt8(ascii: "`")), .text(token.span.lower, token.span.upper), .sign(UInt8(ascii: "`"))]
        passToken()
    }

    private mutating func passToken() {
        lastEnd = token.span.upper
        position += 1
        hasTrailingComment = false
        takeTrailingComment()
    }

    /// Steps over a comma that is not written.
    mutating func dropComma() {
        guard at(.comma) else { return }
        gatherComments()
        lastEnd = token.span.upper
        position += 1
        if waiting.isEmpty, !hasTrailingComment { takeTrailingComment() }
    }

    /// A blank and the token.
    mutating func takeSpaced(_ spelling: Spelling = .asWritten) {
        operations.append(.space)
        take(spelling)
    }

    /// All tokens up to a place, with blanks between.
    mutating func takeWords(upTo upper: Int32) {
        take()
        while !isAtEnd, token.span.lower < upper { takeSpaced(.name) }
    }

    /// A name and what follows it after dots and in brackets, with nothing between.
    mutating func takePath(upTo upper: Int32) {
        take(.name)
        while !isAtEnd, token.span.lower < upper { take(.anyWord) }
    }

    mutating func add(_ operation: LayoutOperation) { operations.append(operation) }

    mutating func begin(columnsMax: Int32 = Int32(LayoutPrinter.columnsMax), isForced: Bool = false) {
        operations.append(.begin(columnsMax: columnsMax, isForced: isForced))
    }

    // MARK: Comments

    private func hasBlankLine(before lower: Int32) -> Bool {
        guard lastEnd < lower else { return false }
        var newLines = 0
        for byte in file.source.bytes[Int(lastEnd)..<Int(lower)] where byte == 0x0A { newLines += 1 }
        return newLines > 1
    }

    private mutating func gatherComments() {
        while nextComment < file.comments.count, file.comments[nextComment].span.lower < token.span.lower {
            let comment = file.comments[nextComment]
            waiting.append((comment, hasBlankLine(before: comment.span.lower)))
            lastEnd = comment.span.upper
            nextComment += 1
        }
    }

    private mutating func takeTrailingComment() {
        guard nextComment < file.comments.count, !file.comments[nextComment].startsLine else { return }
        let span = file.comments[nextComment].span
        guard span.lower < token.span.lower else { return }
        operations.append(.trailingComment(span.lower, span.upper))
        lastEnd = span.upper
        nextComment += 1
        hasTrailingComment = true
    }

    /// Writes the comments that stand before the token at hand, without blank lines.
    mutating func writeComments() {
        gatherComments()
        for (comment, _) in waiting { operations.append(.comment(comment.span.lower, comment.span.upper)) }
        waiting = []
    }

    /// Begins an entry of a block on a new line, with the comments before it, and blank lines where the file has them.
    ///
    /// - Parameters:
    ///   - isFirst: no blank line stands before it.
    ///   - needsBlank: one blank line stands somewhere before it, also where the file has none.
    ///   - isDocumented: no blank line stands between the last comment and it.
    /// - Returns: whether nothing stands between it and the entry before.
    @discardableResult
    mutating func beginEntry(isFirst: Bool, needsBlank: Bool = false, isDocumented: Bool = false) -> Bool {
        gatherComments()
        var blanks = waiting.map(\.hasBlank)
        blanks.append(hasBlankLine(before: token.span.lower) && !(isDocumented && !waiting.isEmpty))
        if isFirst { blanks[0] = false }
        if needsBlank, !blanks.contains(true) { blanks[0] = true }
        operations.append(.hardLine)
        for (place, entry) in waiting.enumerated() {
            if blanks[place] { operations.append(.blank) }
            operations.append(.comment(entry.comment.span.lower, entry.comment.span.upper))
        }
        if blanks[blanks.count - 1] { operations.append(.blank) }
        let isAdjacent = waiting.isEmpty && !blanks[0]
        waiting = []
        return isAdjacent
    }

    /// The comments at the end of a block, and its `}`. Ends the `nest` of the block.
    mutating func closeBlock(isEmpty: Bool) {
        gatherComments()
        let hasComments = !waiting.isEmpty
        if hasComments { writeLastComments(isFirst: isEmpty) }
        operations.append(.unnest)
        if !isEmpty || hasComments { operations.append(.hardLine) }
        take()
    }

    /// The comments behind the last entry of a block or file.
    mutating func writeLastComments(isFirst: Bool) {
        gatherComments()
        guard !waiting.isEmpty else { return }
        operations.append(.hardLine)
        for (place, entry) in waiting.enumerated() {
            if entry.hasBlank, !isFirst || place > 0 { operations.append(.blank) }
            operations.append(.comment(entry.comment.span.lower, entry.comment.span.upper))
        }
        waiting = []
    }

    // MARK: Columns

    /// A row of a table: where its padding stands, and how wide what comes before is.
    struct Row {
        var padding: Int
        var width: Int
        /// Nothing stands between it and the row before.
        var isAdjacent: Bool
    }

    /// How wide the operations from a place on are on one line.
    func width(from start: Int) -> Int {
        var width = 0
        for operation in operations[start...] {
            switch operation {
            case .text(let lower, let upper):
                for byte in file.source.bytes[Int(lower)..<Int(upper)] where byte & 0xC0 != 0x80 { width += 1 }
            case .sign, .space, .line, .fill, .flatComma: width += 1
            default: break
            }
        }
        return width
    }

    /// Whether what was written since a place has a comment before its end, or does not fit on a line.
    func isBroken(from start: Int, columnsMax: Int32) -> Bool {
        var hasComment = false
        for operation in operations[start...] {
            switch operation {
            case .comment, .trailingComment: hasComment = true
            case .text where hasComment: return true
            default: break
            }
        }
        return 4 + width(from: start) > Int(columnsMax)
    }

    /// A row whose first cell is what was written since `start`; its padding goes here.
    mutating func row(from start: Int, isAdjacent: Bool) -> Row {
        let row = Row(padding: operations.count, width: width(from: start), isAdjacent: isAdjacent)
        operations.append(.pad(0))
        return row
    }

    /// Pads the rows so that their second cells stand in one column, run by run of adjacent rows.
    ///
    /// - Parameters:
    ///   - columnsMax: wider rows do not take part.
    ///   - spreadMax: nor do those that are so much wider than the narrowest of their run.
    mutating func align(_ rows: [Row], columnsMax: Int = alignedColumnsMax, spreadMax: Int = alignedColumnsMax) {
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, rows[end].isAdjacent { end += 1 }
            let widths = rows[start..<end].map(\.width).filter { $0 <= columnsMax }
            let narrowest = widths.min() ?? 0
            if let widest = widths.filter({ $0 - narrowest <= spreadMax }).max() {
                for row in rows[start..<end] where row.width < widest { operations[row.padding] = .pad(Int32(widest - row.width)) }
            }
            start = end
        }
    }
}
