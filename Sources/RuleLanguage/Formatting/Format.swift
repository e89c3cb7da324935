// The canonical layout of rule files. A file's tokens keep their order and their spelling; what changes is white space, commas that may be
// left out, and backquotes that are not needed. The layout depends on the tokens, on which comments stand alone on their lines, and on
// the blank lines between entries, and on nothing else: that makes it idempotent.

public import Diagnostics

/// What became of a file that was to be formatted.
public enum FormatResult: Sendable {
    /// The canonical text.
    case text([UInt8])
    /// The file has mistakes in its syntax, which are reported; it is left as it is.
    case mistakes
    /// The text that came out would say something else than the file: a defect of the formatter. The file is left as it is.
    case unsafe
}

/// Formats a rule file.
///
/// The result is parsed again before it is given out, and its tokens and comments are compared with those of the file.
///
/// - Parameter index: the file's place among those of the run; diagnostics carry it.
/// - Complexity: O(n) in the bytes of the file.
public func format(file source: SourceFile, index: Int32 = 0, into sink: inout DiagnosticSink) -> FormatResult {
    let errorsBefore = sink.errorCount
    let file = parse(file: source, index: index, into: &sink)
    guard sink.errorCount == errorsBefore else { return .mistakes }
    var builder = LayoutBuilder(file)
    builder.layOut()
    var printer = LayoutPrinter(bytes: source.bytes, operations: builder.operations)
    let text = printer.printed()
    var again = DiagnosticSink(diagnosticsMax: 1)
    let formatted = parse(file: SourceFile(path: source.path, bytes: text), index: index, into: &again)
    guard !again.hasErrors, file.essence == formatted.essence, file.commentTexts == formatted.commentTexts else { return .unsafe }
    return .text(text)
}

extension SyntaxFile {
    /// The texts of the tokens, without what a formatter may add or leave out: commas, and backquotes around names.
    fileprivate var essence: [UInt8] {
        var essence: [UInt8] = []
        essence.reserveCapacity(source.bytes.count)
        for token in tokens {
            let text = source.bytes[Int(token.span.lower)..<Int(token.span.upper)]
            switch token.kind {
            case .punctuation(.comma): break
            case .punctuation: essence += text
            case .quotedName:
                essence.append(UInt8(ascii: " "))
                essence += text.dropFirst().dropLast()
            default:
                essence.append(UInt8(ascii: " "))
                essence += text
            }
        }
        return essence
    }

    fileprivate var commentTexts: [ArraySlice<UInt8>] {
        comments.map { source.bytes[Int($0.span.lower)..<Int($0.span.upper)] }
    }
}
