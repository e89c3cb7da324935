internal import Diagnostics

extension Command {
    static let explain = Command(
        name: "explain", operands: "CODE", summary: "tell what a message means, with a wrong example and the right one",
        details: [
            "Every message about a rule file has a code, such as E0403 or W1001. This shows what it means in plain words, a rule that draws it, and the same rule mended.",
        ],
        example: "needletail explain E0403", flags: []
    ) { (options) throws(UsageError) in
        guard let word = options.operands.first else {
            throw UsageError("`needletail explain` needs a code", hint: "it stands in brackets behind `error` or `warning`: needletail explain E0403")
        }
        // The contract's other use: the automaton of rules.
        if options.operands.count > 1 || word.utf8.contains(UInt8(ascii: "/")) || word.hasSuffix(".rule") {
            throw .notInThisVersion("`needletail explain RULES…`")
        }
        let name = word.uppercased()
        guard let code = DiagnosticCode(rawValue: name), let page = ExplanationPage.page(of: code) else {
            throw UsageError("there is no code `\(word)`", hint: nearest(name).map { "did you mean `\($0)`?" } ?? "a code looks like E0403 or W1001")
        }
        Needletail.print(page.text)
        return ExitStatus.done
    }

    /// The code with the fewest edits, for what begins as codes do.
    private static func nearest(_ name: String) -> String? {
        guard name.hasPrefix("E") || name.hasPrefix("W"), name.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
        let codes = DiagnosticCode.allCases.map(\.rawValue)
        return (1...5).lazy.compactMap { edits in codes.first { NearestName.distance(name, $0, atMost: edits) != nil } }.first
    }
}
