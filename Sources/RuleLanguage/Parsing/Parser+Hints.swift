internal import Diagnostics

// What people write who know another language, and how it is written here.

extension Parser {
    /// Words of the language that people write in capitals.
    private static let lowerCaseWords: Set<String> = reservedWords.union(clauseWords).union(["then", "next", "within", "until", "any"])

    /// The way out where something unexpected stands here.
    func hint(expecting expected: String) -> (help: String?, fix: Diagnostic.Fix?) {
        let previous: Token? = position > 0 ? tokens[position - 1] : nil
        let touchesPrevious = previous.map { $0.span.upper == current.span.lower } ?? false
        let touchesNext = current.span.upper == peek().span.lower
        switch current.kind {
        case .punctuation(.minus):
            if at(.greater, ahead: 1), touchesNext {
                return ("one event after another is written `a then b`", .init(span: join(current.span, peek().span), replacement: "then"))
            }
            if touchesPrevious, touchesNext, case .word(let first)? = previous?.kind, case .word(let second) = peek().kind, let previous {
                let name = "`\(first)-\(second)`"
                return ("a name with `-` stands in backquotes", .init(span: join(previous.span, peek().span), replacement: name))
            }
        case .punctuation(.comma):
            if case .integer(let first)? = previous?.kind, case .integer = peek().kind, touchesPrevious, touchesNext {
                return ("thousands are written `\(first)_000`, or without a sign between; a list stands between `[` and `]`", nil)
            }
            if expected.hasPrefix("`)`") { return ("a list stands between `[` and `]`", nil) }
        case .word(let word):
            let lower = word.lowercased()
            if lower != word, Self.lowerCaseWords.contains(lower) {
                return ("words of the language are written small", .init(span: current.span, replacement: lower))
            }
            switch word {
            case "between": return ("write two comparisons: `1 <= x and x <= 5`", nil)
            case _ where Self.isConnector(word) && expected.hasPrefix("a clause"):
                return ("a condition stands right behind its step, before `within`", nil)
            case "null" where expected.hasPrefix("`missing`"):
                return ("write `is missing`; missing and null are one thing", .init(span: current.span, replacement: "missing"))
            case "followed", "followedBy", "followed_by": return ("one event after another is written `a then b`", nil)
            default: return (nil, nil)
            }
        default: break
        }
        return (nil, nil)
    }

    private static func isConnector(_ word: String) -> Bool { word == "and" || word == "or" }

    private func join(_ first: Span, _ second: Span) -> Span { Span(file: file, lower: first.lower, upper: second.upper) }
}
