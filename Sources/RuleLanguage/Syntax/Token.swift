public import Diagnostics

/// A piece of a rule file that means something by itself.
public struct Token: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// Keywords too: they are words only where the grammar expects them.
        case word(String)
        /// `` `user-agent` ``, without the backquotes.
        case quotedName(String)
        case integer(Int128)
        case double(Double)
        /// Microseconds.
        case duration(Int64)
        /// Decoded.
        case string(String, isRaw: Bool)
        case punctuation(Punctuation)
        /// A literal that is already reported; it stands where a literal may stand.
        case invalid
        /// The end of the file.
        case end
    }

    public enum Punctuation: String, Sendable, CaseIterable {
        case openBrace = "{"
        case closeBrace = "}"
        case openParenthesis = "("
        case closeParenthesis = ")"
        case openBracket = "["
        case closeBracket = "]"
        case comma = ","
        case colon = ":"
        case dot = "."
        case question = "?"
        case coalesce = "??"
        case star = "*"
        case plus = "+"
        case minus = "-"
        case slash = "/"
        case percent = "%"
        case bar = "|"
        case ampersand = "&"
        case assign = "="
        case equal = "=="
        case notEqual = "!="
        case exclamation = "!"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    public var kind: Kind
    public var span: Span
    /// The first token on its line.
    public var startsLine: Bool

    public init(kind: Kind, span: Span, startsLine: Bool) {
        self.kind = kind
        self.span = span
        self.startsLine = startsLine
    }
}

/// A comment, kept so that a formatter loses none.
public struct Comment: Sendable, Equatable {
    /// From the slashes to the end of the line, white space at the end not included.
    public var span: Span
    /// `///`: the description of the declaration after it.
    public var isDocumentation: Bool
    /// Nothing but white space stands before it on its line.
    public var startsLine: Bool

    public init(span: Span, isDocumentation: Bool, startsLine: Bool) {
        self.span = span
        self.isDocumentation = isDocumentation
        self.startsLine = startsLine
    }
}
