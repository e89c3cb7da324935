/// One thing to say about a rule file: what is wrong, where, and the way out.
public struct Diagnostic: Sendable, Equatable {
    public enum Severity: String, Sendable, CaseIterable {
        case error, warning
    }

    /// A second place that explains the first one ("first defined here").
    public struct Note: Sendable, Equatable {
        public var span: Span
        public var label: String

        public init(span: Span, label: String) {
            self.span = span
            self.label = label
        }
    }

    /// An edit that is certain to be what was meant.
    public struct Fix: Sendable, Equatable {
        public var span: Span
        public var replacement: String

        public init(span: Span, replacement: String) {
            self.span = span
            self.replacement = replacement
        }
    }

    public var code: DiagnosticCode
    /// One plain sentence without a full stop.
    public var message: String
    /// The place that is at fault.
    public var span: Span
    /// What stands beside the carets; empty where the message says it all.
    public var label: String
    public var notes: [Note]
    /// How to mend it, in a sentence.
    public var help: String?
    public var fix: Fix?

    public init(
        _ code: DiagnosticCode, _ message: String, at span: Span, label: String = "", notes: [Note] = [], help: String? = nil,
        fix: Fix? = nil
    ) {
        self.code = code
        self.message = message
        self.span = span
        self.label = label
        self.notes = notes
        self.help = help
        self.fix = fix
    }

    public var severity: Severity { code.severity }
}
