// What `needletail explain CODE` shows: what a diagnostic means, in words for people who write no programs, with an example that draws it
// and one that does not. A test runs both.

public struct ExplanationPage: Sendable {
    public let code: DiagnosticCode
    /// A few words without a full stop.
    public let title: String
    /// Plain sentences, in lines of at most 110 columns.
    public let meaning: String
    /// A rule file that draws this code and no other. U+FFFD stands for a byte that is no text.
    public let wrong: String
    /// The same, mended.
    public let right: String

    init(_ code: DiagnosticCode, _ title: String, meaning: String, wrong: String, right: String) {
        self.code = code
        self.title = title
        self.meaning = meaning
        self.wrong = wrong
        self.right = right
    }

    /// All pages, one a code.
    public static let all: [ExplanationPage] = text + grammar + names + expressions + patterns + tests + warnings + advice

    /// - Complexity: O(codes).
    public static func page(of code: DiagnosticCode) -> ExplanationPage? { all.first { $0.code == code } }

    /// As it is shown, with a newline at its end.
    public var text: String {
        func indented(_ example: String) -> String {
            example.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "\n" : "    \($0)\n" }.joined()
        }
        let kind = code.severity == .error ? "error" : "warning"
        return "\(kind) \(code.rawValue): \(title)\n\n\(meaning)\n\nWrong:\n\n\(indented(wrong))\nRight:\n\n\(indented(right))"
    }
}
