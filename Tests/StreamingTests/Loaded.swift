import Decoding
import Diagnostics
import Engine
import RuleCompiler
import RuleLanguage

/// The rule file is in error.
struct RuleIsWrong: Error, CustomStringConvertible {
    var description: String
}

/// The checked program of one rule file.
func checked(_ text: String) throws -> CheckedProgram {
    let (program, diagnostics) = check(files: [SourceFile(path: "test.rule", bytes: Array(text.utf8))])
    guard let program else { throw RuleIsWrong(description: "\(text)\n\(diagnostics)") }
    return program
}

/// A rule file, checked and compiled, and how its events are read.
struct Loaded {
    let checked: CheckedProgram
    let program: Program
    let fingerprints: [Fingerprint]
    let stream: StreamDefinition

    init(_ checked: CheckedProgram) throws(CompileFailure) {
        self.checked = checked
        fingerprints = try RuleCompiler.fingerprints(of: checked)
        program = try compile(checked)
        stream = checked.streams.first { $0.name == nil } ?? StreamDefinition()
    }

    var format: EventFormat {
        var format = EventFormat(timePath: stream.time)
        switch stream.type {
        case .field(let path): format.type = .field(path)
        case .constant(let name): format.type = .constant(name)
        }
        switch stream.timeFormat {
        case .automatic: format.timeFormat = .automatic
        case .seconds: format.timeFormat = .seconds
        case .milliseconds: format.timeFormat = .milliseconds
        case .microseconds: format.timeFormat = .microseconds
        case .nanoseconds: format.timeFormat = .nanoseconds
        case .rfc3339: format.timeFormat = .rfc3339
        }
        return format
    }
}
