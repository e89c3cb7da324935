/// Diagnostics as people read them: the message, the place, the line with carets, second places, help and fix.
///
/// Lines are shown as they are, save that tabs become four blanks, control characters and broken UTF-8 a replacement sign, and of a
/// line wider than ``columnsMax`` only the part around the fault is shown.
public struct TextRenderer: Sendable {
    /// Most columns of a source line that are shown.
    public static let columnsMax = 120

    private let files: [SourceFile]
    private let lines: [LineTable]
    private let isColoured: Bool

    /// - Complexity: O(n) in the bytes of all files.
    public init(files: [SourceFile], isColoured: Bool = false) {
        self.files = files
        lines = files.map { LineTable($0.bytes) }
        self.isColoured = isColoured
    }

    /// All diagnostics with an empty line after each, and a last line for what was omitted.
    public func render(_ sink: DiagnosticSink) -> String {
        var text = ""
        for diagnostic in sink.sorted() { text += render(diagnostic) + "\n" }
        if sink.omittedCount > 0 {
            text += "\(sink.omittedCount) more \(sink.omittedCount == 1 ? "message is" : "messages are") not shown.\n"
        }
        return text
    }

    /// One diagnostic, ending in a newline.
    public func render(_ diagnostic: Diagnostic) -> String {
        let isError = diagnostic.severity == .error
        let paint = isError ? "31" : "33"
        var text = colour("1;\(paint)", "\(diagnostic.severity.rawValue)[\(diagnostic.code.rawValue)]")
        text += colour("1", ": \(printable(diagnostic.message))") + "\n"
        let gutter = ([diagnostic.span] + diagnostic.notes.map(\.span)).map { String(position($0).line).utf8.count }.max() ?? 1
        let inline = notesOnTheLine(of: diagnostic)
        text += excerpt(diagnostic.span, arrow: "-->", mark: "^", label: diagnostic.label, paint: paint, gutter: gutter)
        for note in inline { text += marks(note.span, mark: "-", label: note.label, paint: "34", gutter: gutter) }
        for note in diagnostic.notes where !inline.contains(note) {
            text += excerpt(note.span, arrow: ":::", mark: "-", label: note.label, paint: "34", gutter: gutter)
        }
        let indent = String(repeating: " ", count: gutter + 1)
        if let help = diagnostic.help { text += indent + colour("34", "=") + colour("1", " help: ") + printable(help) + "\n" }
        if let fix = diagnostic.fix {
            let old = source(fix.span)
            let edit =
                if fix.replacement.isEmpty {
                    "remove \(quoted(old))"
                } else if old.isEmpty {
                    "insert \(quoted(fix.replacement))"
                } else {
                    "replace \(quoted(old)) by \(quoted(fix.replacement))"
                }
            text += indent + colour("34", "=") + colour("1", " fix: ") + printable(edit) + "\n"
        }
        return text
    }

    /// Notes on the line of the fault stand below it, where that line is shown whole.
    private func notesOnTheLine(of diagnostic: Diagnostic) -> [Diagnostic.Note] {
        let file = Int(diagnostic.span.file)
        guard files.indices.contains(file) else { return [] }
        let line = position(diagnostic.span).line
        let range = lines[file].byteRange(ofLine: line)
        let whole = LineExcerpt(before: files[file].bytes[range], marked: [], after: [], columnsMax: Self.columnsMax)
        guard !whole.isCut else { return [] }
        return diagnostic.notes.filter { $0.span.file == diagnostic.span.file && position($0.span).line == line }
    }

    /// A row of marks below a line that is shown whole.
    private func marks(_ span: Span, mark: String, label: String, paint: String, gutter: Int) -> String {
        let range = lines[Int(span.file)].byteRange(ofLine: position(span).line)
        let lower = min(max(Int(span.lower), range.lowerBound), range.upperBound)
        let upper = min(max(Int(span.upper), lower), range.upperBound)
        let bytes = files[Int(span.file)].bytes
        let cut = LineExcerpt(
            before: bytes[range.lowerBound..<lower], marked: bytes[lower..<upper], after: bytes[upper..<range.upperBound],
            columnsMax: Self.columnsMax)
        let row = String(repeating: mark, count: max(1, cut.markedColumns)) + (label.isEmpty ? "" : " " + printable(label))
        return String(repeating: " ", count: gutter) + colour("34", " |") + " " + String(repeating: " ", count: cut.columnsBefore)
            + colour("1;\(paint)", row) + "\n"
    }

    private func position(_ span: Span) -> (line: Int, column: Int) {
        guard lines.indices.contains(Int(span.file)) else { return (1, 1) }
        return lines[Int(span.file)].position(of: Int(span.lower))
    }

    private func source(_ span: Span) -> String {
        guard files.indices.contains(Int(span.file)) else { return "" }
        let bytes = files[Int(span.file)].bytes
        let lower = max(0, min(Int(span.lower), bytes.count))
        let upper = max(lower, min(Int(span.upper), bytes.count))
        return String(decoding: bytes[lower..<upper], as: UTF8.self)
    }

    private func excerpt(_ span: Span, arrow: String, mark: String, label: String, paint: String, gutter: Int) -> String {
        guard files.indices.contains(Int(span.file)) else { return "" }
        let file = files[Int(span.file)]
        let table = lines[Int(span.file)]
        let place = position(span)
        let blank = String(repeating: " ", count: gutter)
        let number = String(place.line)
        var text = blank + colour("34", arrow) + " \(printable(file.path)):\(place.line):\(place.column)\n"
        let range = table.byteRange(ofLine: place.line)
        let lower = min(max(Int(span.lower), range.lowerBound), range.upperBound)
        let upper = min(max(Int(span.upper), lower), range.upperBound)
        let cut = LineExcerpt(
            before: file.bytes[range.lowerBound..<lower], marked: file.bytes[lower..<upper], after: file.bytes[upper..<range.upperBound],
            columnsMax: Self.columnsMax)
        text += blank + colour("34", " |") + "\n"
        let numberIndent = String(repeating: " ", count: gutter - number.utf8.count)
        text += colour("34", numberIndent + number + " |") + (cut.text.isEmpty ? "" : " " + cut.text) + "\n"
        let carets = String(repeating: mark, count: max(1, cut.markedColumns)) + (label.isEmpty ? "" : " " + printable(label))
        text += blank + colour("34", " |") + " " + String(repeating: " ", count: cut.columnsBefore) + colour("1;\(paint)", carets) + "\n"
        return text
    }

    private func quoted(_ text: String) -> String {
        text.utf8.contains(UInt8(ascii: "`")) ? "`` \(text) ``" : "`\(text)`"
    }

    private func colour(_ code: String, _ text: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// Text from rule files and paths must not steer the terminal.
    private func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars { result.unicodeScalars.append(LineExcerpt.shown(scalar)) }
        return result
    }
}
