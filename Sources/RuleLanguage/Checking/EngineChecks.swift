// What only the engine can judge: regular expressions are PCRE2's, time zones are the system's. The checker imports neither; whoever runs
// it passes the questions in.

internal import Diagnostics
internal import Events

public struct EngineChecks: Sendable {
    /// What is wrong with a regular expression: bytes from its start to the place, and words; nil where nothing is.
    public var pattern: @Sendable (String) -> (offset: Int, message: String)?
    /// Whether a time zone has that name.
    public var isZone: @Sendable (String) -> Bool

    public init(
        pattern: @escaping @Sendable (String) -> (offset: Int, message: String)?, isZone: @escaping @Sendable (String) -> Bool
    ) {
        self.pattern = pattern
        self.isZone = isZone
    }
}

extension ExpressionChecker {
    mutating func checkRegularExpression(_ text: String, _ syntax: ExpressionSyntax) {
        let literal = syntax.unwrapped
        // What was written with a wrong escape is not what was meant.
        let hasBadEscape = sink.diagnostics.contains {
            $0.code == .unknownEscape && $0.span.file == literal.span.file && literal.span.lower <= $0.span.lower
                && $0.span.upper <= literal.span.upper
        }
        guard !hasBadEscape, let problem = engine?.pattern(text) else { return }
        var span = literal.span
        var notes: [Diagnostic.Note] = []
        if case .literal = literal.kind, let place = placeInLiteral(literal.span, problem.offset) {
            span = place
        } else if case .path(let name, _) = literal.kind, let binding = globals[name.text] {
            notes.append(.init(span: binding.name.span, label: "the pattern stands here"))
        }
        report(
            Diagnostic(
                .badRegularExpression, "this is no regular expression", at: span, label: problem.message, notes: notes,
                help: "signs such as `( ) [ ] { } * + ?` are plain ones behind a backslash: '\\('; for `*` alone there is `like`"))
    }

    mutating func checkZone(_ name: String, _ span: Span) {
        guard let engine, !engine.isZone(name) else { return }
        report(
            Diagnostic(
                .unknownZone, "there is no time zone `\(name)`", at: span,
                help: "a zone is `UTC`, a distance from it such as `+02:00`, or a place such as `Europe/Berlin`"))
    }

    /// The place in the text that a byte of a string literal comes from; its closing quote where the offset is its end.
    private func placeInLiteral(_ span: Span, _ offset: Int) -> Span? {
        guard offset >= 0, sources.indices.contains(Int(span.file)) else { return nil }
        let bytes = sources[Int(span.file)].bytes
        let low = Int(span.lower)
        guard bytes.indices.contains(low), span.upper > span.lower else { return nil }
        var at = low + 1
        if bytes[low] == UInt8(ascii: "'") {
            at += offset
        } else {
            // Escapes are longer in the text than in the pattern.
            var left = offset
            while left > 0, at < Int(span.upper) - 1 {
                if bytes[at] == UInt8(ascii: "\\") {
                    at += at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "u") ? 6 : 2
                } else {
                    at += 1
                }
                left -= 1
            }
        }
        at = min(at, Int(span.upper) - 1)
        while at > low + 1, bytes[at] & 0xC0 == 0x80 { at -= 1 }
        var end = at + 1
        while end < Int(span.upper), bytes[end] & 0xC0 == 0x80 { end += 1 }
        return Span(file: span.file, lower: Int32(at), upper: Int32(end))
    }
}
