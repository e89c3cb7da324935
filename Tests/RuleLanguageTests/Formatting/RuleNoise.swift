internal import ReferenceMatcher
internal import RuleLanguage

/// Writes a rule file's tokens anew with white space and comments that nobody would write, and that mean nothing.
struct RuleNoise {
    var random: RandomSource
    private var commentCount = 0

    init(seed: UInt64) { random = RandomSource(seed: seed) }

    private static let blanks = [" ", "  ", "\t", "\n", "\r\n", "\n\n", "\n\n\n    ", " \n\t \n"]

    private mutating func comment() -> String {
        commentCount += 1
        let text = "c\(commentCount)" + random.pick(["", "", "  ", " \t\r", " \"", " {", " é", " // d"])
        switch random.below(9) {
        case 0: return " // \(text)\n"
        case 1: return " //\(text)\r\n\n"
        case 2: return " /// \(text)\n"
        case 3: return "\n// \(text)\n"
        case 4: return "\n\n\t// \(text)\n\n"
        case 5: return "\n/// \(text)\n"
        case 6: return "\n/// \(text)\n\n  ///\(text)\n\n"
        case 7: return " // \(text)\n // \(text)\n\n\n//\n"
        default: return "\n//// \(text)\n"
        }
    }

    /// - Parameters:
    ///   - comments: chances in a hundred of one between two tokens.
    ///   - blanks: chances in a hundred of other white space than the text has.
    mutating func noised(_ file: SyntaxFile, comments: Int, blanks: Int) -> String {
        var text = random.chance(comments) ? comment() : ""
        var end = 0
        for token in file.tokens {
            let lower = Int(token.span.lower)
            let isTight = lower == end
            if end > 0 {
                if random.chance(comments) {
                    text += comment()
                } else if random.chance(blanks) {
                    text += random.pick(Self.blanks)
                } else if !isTight {
                    text += " "
                }
            }
            text += String(decoding: file.source.bytes[lower..<Int(token.span.upper)], as: UTF8.self)
            end = Int(token.span.upper)
        }
        return text
    }

    /// The same tokens with white space that has no blank lines.
    mutating func spaced(_ file: SyntaxFile) -> String {
        var text = ""
        var end = 0
        for token in file.tokens {
            let lower = Int(token.span.lower)
            if lower != end { text += random.pick([" ", "\n", "\t ", " \n    "]) }
            text += String(decoding: file.source.bytes[lower..<Int(token.span.upper)], as: UTF8.self)
            end = Int(token.span.upper)
        }
        return text
    }
}
