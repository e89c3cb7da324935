// From rule files to what runs, in one call: everything that takes rules begins here.

public import Diagnostics
public import Engine
public import RuleLanguage

/// Rules that are ready to run.
public struct RuleSet: Sendable {
    public var checked: CheckedProgram
    public var program: Program

    /// Checks and compiles rule files as one program. Nil where there is any error; `sink` then says which.
    public static func load(_ files: [SourceFile], into sink: inout DiagnosticSink) -> RuleSet? {
        guard let checked = check(files: files, into: &sink) else { return nil }
        do throws(CompileFailure) {
            return RuleSet(checked: checked, program: try compile(checked))
        } catch {
            let rule = checked.rules[error.rule]
            sink.report(
                Diagnostic(
                    error.reason.code, "rule `\(rule.name)` cannot be run: \(error.reason.message)", at: rule.span, label: "this rule"))
            return nil
        }
    }

    /// How events are read that come from an input without a name.
    public var stream: StreamDefinition {
        checked.streams.first { $0.name == nil } ?? StreamDefinition()
    }

    /// How events are read that come from an input of that name; nil where no `stream` has it.
    public func stream(named name: String) -> StreamDefinition? {
        checked.streams.first { $0.name == name }
    }
}

extension CompileError {
    var code: DiagnosticCode {
        switch self {
        case .expressionTooDeep: .expressionTooLarge
        case .patternTooComplex: .tooManySteps
        case .unsupported: .notSupported
        }
    }
}
