/// Collects diagnostics up to a bound, and counts those beyond it, so that a hostile or generated file cannot fill memory or a screen.
public struct DiagnosticSink: Sendable {
    /// Most diagnostics that are kept.
    public let diagnosticsMax: Int
    public private(set) var diagnostics: [Diagnostic] = []
    /// How many were dropped because ``diagnosticsMax`` were there already.
    public private(set) var omittedCount = 0
    /// Errors, those that were dropped included.
    public private(set) var errorCount = 0

    public init(diagnosticsMax: Int = 100) {
        precondition(diagnosticsMax > 0, "a sink keeps at least one diagnostic")
        self.diagnosticsMax = diagnosticsMax
    }

    /// Keeps a diagnostic, or counts it where the bound is reached. An error takes the place of a warning.
    public mutating func report(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { errorCount += 1 }
        if diagnostics.count < diagnosticsMax {
            diagnostics.append(diagnostic)
            return
        }
        omittedCount += 1
        if diagnostic.severity == .error, let warning = diagnostics.lastIndex(where: { $0.severity == .warning }) {
            diagnostics.remove(at: warning)
            diagnostics.append(diagnostic)
        }
    }

    /// No more is kept. Whoever searches long for the words of a message may leave it.
    public var isFull: Bool { diagnostics.count >= diagnosticsMax }

    public var hasErrors: Bool { errorCount > 0 }

    /// The diagnostics in the order of files and places; at one place in the order in which they were found.
    /// - Complexity: O(n log n).
    public func sorted() -> [Diagnostic] {
        diagnostics.enumerated().sorted { a, b in
            (a.element.span.file, a.element.span.lower, a.offset) < (b.element.span.file, b.element.span.lower, b.offset)
        }.map(\.element)
    }
}
