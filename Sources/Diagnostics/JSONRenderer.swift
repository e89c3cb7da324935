/// Diagnostics as JSON, one object a line, for editors and build servers.
public struct JSONRenderer: Sendable {
    private let files: [SourceFile]
    private let lines: [LineTable]

    /// - Complexity: O(n) in the bytes of all files.
    public init(files: [SourceFile]) {
        self.files = files
        lines = files.map { LineTable($0.bytes) }
    }

    /// One object without a newline at its end.
    public func render(_ diagnostic: Diagnostic) -> String {
        var text = "{\"code\":\"\(diagnostic.code.rawValue)\",\"severity\":\"\(diagnostic.severity.rawValue)\",\"message\":"
        text += quoted(diagnostic.message) + "," + place(diagnostic.span)
        if !diagnostic.label.isEmpty { text += ",\"label\":" + quoted(diagnostic.label) }
        if !diagnostic.notes.isEmpty {
            let notes = diagnostic.notes.map { "{" + place($0.span) + ",\"label\":" + quoted($0.label) + "}" }
            text += ",\"notes\":[" + notes.joined(separator: ",") + "]"
        }
        if let help = diagnostic.help { text += ",\"help\":" + quoted(help) }
        if let fix = diagnostic.fix {
            text += ",\"fix\":{" + place(fix.span) + ",\"replacement\":" + quoted(fix.replacement) + "}"
        }
        return text + "}"
    }

    private func place(_ span: Span) -> String {
        guard files.indices.contains(Int(span.file)) else { return "\"file\":null" }
        let start = lines[Int(span.file)].position(of: Int(span.lower))
        let end = lines[Int(span.file)].position(of: Int(span.upper))
        return "\"file\":\(quoted(files[Int(span.file)].path)),\"line\":\(start.line),\"column\":\(start.column),"
            + "\"end_line\":\(end.line),\"end_column\":\(end.column)"
    }

    private func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
