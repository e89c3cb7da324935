import Diagnostics
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
