// From rule files to what runs, in one call: everything that takes rules begins here.

public import Diagnostics
public import Engine
public import RuleLanguage

/// Rules that are ready to run.
public struct RuleSet: Sendable {
    public var checked: CheckedProgram
    public var program: Program

    /// Checks and compiles rule files as one program. Nil where there is any error; `sink` then says which.
    ///
    /// - Complexity: that of compiling once more for each rule that the engine cannot run, as far as the sink keeps what is said.
    public static func load(_ files: [SourceFile], into sink: inout DiagnosticSink) -> RuleSet? {
        guard let checked = check(files: files, into: &sink, engine: .engine) else { return nil }
        // Every rule that is too much is told, not the first alone.
        var left = checked
        while true {
            do throws(CompileFailure) {
                let program = try compile(left)
                return sink.hasErrors ? nil : RuleSet(checked: checked, program: program)
            } catch {
                let rule = left.rules[error.rule]
                sink.report(
                    Diagnostic(
                        error.reason.code, "rule `\(rule.name)` cannot be run: \(error.reason.message)", at: rule.span, label: "this rule"))
                if error.reason == .programTooLarge || sink.isFull { return nil }
                left.rules.remove(at: error.rule)
            }
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

extension EngineChecks {
    /// The engine's own word on patterns and zones.
    public static let engine = EngineChecks(
        pattern: { text in Regex.check(text).map { ($0.offset, $0.message) } }, isZone: { TimeZoneName.isKnown($0) })
}

extension CompileError {
    var code: DiagnosticCode {
        switch self {
        case .expressionTooDeep: .expressionTooLarge
        case .patternTooComplex, .tooManyRegisters, .programTooLarge: .patternTooComplex
        case .unsupported: .notSupported
        }
    }
}
