internal import Diagnostics

/// Cuts the bytes of a rule file into tokens and comments. It never fails: what it cannot read it reports and steps over.
///
/// - Complexity: O(n) in the bytes.
struct Lexer {
    /// Longest rule file.
    static let fileBytesMax = 16 << 20

    let bytes: [UInt8]
    let file: Int32
    /// Where byte i of `bytes` stands in the file, where they are the decoded text of a string; nil: at i.
    let offsets: [Int32]?
    var position = 0
    var sink: DiagnosticSink
    var tokens: [Token] = []
    var comments: [Comment] = []
    private var lineHasToken = false

    init(bytes: [UInt8], file: Int32, offsets: [Int32]? = nil, sink: DiagnosticSink) {
        self.bytes = bytes
        self.file = file
        self.offsets = offsets
        self.sink = sink
    }

    func span(_ lower: Int, _ upper: Int) -> Span {
        guard let offsets else { return Span(file: file, lower: Int32(lower), upper: Int32(upper)) }
        return Span(file: file, lower: offsets[lower], upper: offsets[upper])
    }

    func byte(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

    func text(_ lower: Int, _ upper: Int) -> String { String(decoding: bytes[lower..<upper], as: UTF8.self) }

    mutating func add(_ kind: Token.Kind, from start: Int) {
        tokens.append(Token(kind: kind, span: span(start, position), startsLine: !lineHasToken))
        lineHasToken = true
    }

    mutating func run() {
        if offsets == nil {
            checkUTF8()
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        }
        while position < bytes.count { scanOne() }
        add(.end, from: position)
    }

    private mutating func scanOne() {
        let start = position
        let first = bytes[start]
        switch first {
        case 0x0A:
            position += 1
            lineHasToken = false
        case 0x20, 0x09, 0x0D, 0x0C:
            position += 1
        case UInt8(ascii: "/") where byte(start + 1) == UInt8(ascii: "/"):
            scanComment()
        case UInt8(ascii: "\""):
            scanString()
        case UInt8(ascii: "'"):
            scanRawString()
        case UInt8(ascii: "`"):
            scanQuotedName()
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            scanNumber()
        case _ where Self.startsWord(first):
            scanWord()
        default:
            scanPunctuation()
        }
    }

    static func startsWord(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
    }

    static func continuesWord(_ byte: UInt8) -> Bool {
        startsWord(byte) || isDigit(byte)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private mutating func scanComment() {
        let start = position
        while let next = byte(position), next != 0x0A { position += 1 }
        var end = position
        while end > start, [0x20, 0x09, 0x0C, 0x0D].contains(bytes[end - 1]) { end -= 1 }
        let isDocumentation = byte(start + 2) == UInt8(ascii: "/") && byte(start + 3) != UInt8(ascii: "/")
        comments.append(Comment(span: span(start, end), isDocumentation: isDocumentation, startsLine: !lineHasToken))
    }

    private mutating func scanPunctuation() {
        let start = position
        if let second = byte(start + 1), let both = Token.Punctuation(rawValue: text(start, start + 1) + String(UnicodeScalar(second))) {
            position += 2
            return add(.punctuation(both), from: start)
        }
        if bytes[start] < 0x80, let one = Token.Punctuation(rawValue: String(UnicodeScalar(bytes[start]))) {
            position += 1
            return add(.punctuation(one), from: start)
        }
        if bytes[start] >= 0x80 { return scanWord() }
        position += 1
        let isPrintable = bytes[start] >= 0x20 && bytes[start] != 0x7F
        sink.report(
            Diagnostic(
                .unexpectedCharacter,
                isPrintable ? "`\(text(start, position))` cannot stand here" : "a control character cannot stand here",
                at: span(start, position), help: bytes[start] == UInt8(ascii: "#") ? "comments begin with `//`" : nil))
        lineHasToken = true
    }

    /// A word. One with signs beyond ASCII is reported as a whole, and taken as the name that it would be in backquotes.
    private mutating func scanWord() {
        let start = position
        var isPlain = true
        while let next = byte(position), next >= 0x80 || Self.continuesWord(next) {
            if next >= 0x80 { isPlain = false }
            position += 1
        }
        let word = text(start, position)
        if isPlain { return add(.word(word), from: start) }
        let place = span(start, position)
        // Broken UTF-8 is reported as such.
        if !word.unicodeScalars.contains("\u{FFFD}") {
            let isName = word.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || $0 == "_" || $0.properties.numericType != nil }
            sink.report(
                Diagnostic(
                    .unexpectedCharacter, "`\(word.prefix(40))` cannot stand here", at: place,
                    help: isName
                        ? "a name with other signs than a to z, digits and `_` stands in backquotes"
                        : word.unicodeScalars.contains(where: { "“”„‘’«»".unicodeScalars.contains($0) })
                            ? "strings stand between straight quotes: \"…\"" : nil,
                    fix: isName ? .init(span: place, replacement: "`\(word)`") : nil))
            guard isName else { return add(.invalid, from: start) }
        }
        add(.quotedName(word), from: start)
    }

    /// One diagnostic for each run of bytes that are no UTF-8; strings and comments then carry replacement signs.
    private mutating func checkUTF8() {
        var index = 0
        while index < bytes.count {
            if bytes[index] < 0x80 {
                index += 1
                continue
            }
            var length = Self.sequenceLength(bytes, at: index)
            if length > 0 {
                index += length
                continue
            }
            let start = index
            while index < bytes.count, bytes[index] >= 0x80, length == 0 {
                index += 1
                if index < bytes.count { length = Self.sequenceLength(bytes, at: index) }
            }
            sink.report(
                Diagnostic(
                    .invalidUTF8, "this is not UTF-8 text", at: span(start, index), help: "save the file with the encoding UTF-8"))
        }
    }

    /// The length of the well-formed UTF-8 sequence at an index, or 0.
    static func sequenceLength(_ bytes: [UInt8], at index: Int) -> Int {
        func tail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            index + offset < bytes.count && range.contains(bytes[index + offset])
        }
        switch bytes[index] {
        case 0..<0x80: return 1
        case 0xC2...0xDF: return tail(1) ? 2 : 0
        case 0xE0: return tail(1, 0xA0...0xBF) && tail(2) ? 3 : 0
        case 0xED: return tail(1, 0x80...0x9F) && tail(2) ? 3 : 0
        case 0xE1...0xEF: return tail(1) && tail(2) ? 3 : 0
        case 0xF0: return tail(1, 0x90...0xBF) && tail(2) && tail(3) ? 4 : 0
        case 0xF1...0xF3: return tail(1) && tail(2) && tail(3) ? 4 : 0
        case 0xF4: return tail(1, 0x80...0x8F) && tail(2) && tail(3) ? 4 : 0
        default: return 0
        }
    }
}
