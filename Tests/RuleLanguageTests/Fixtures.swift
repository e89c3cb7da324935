internal import Diagnostics
internal import Foundation
internal import RuleLanguage

/// The fixtures of the repository, found from this file's place in it.
enum Fixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("fixtures")

    /// The rule files of `rules/`, in the order of their names.
    static func shippedRules() throws -> [[UInt8]] {
        let folder = folder.deletingLastPathComponent().appendingPathComponent("rules")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "rule" }
            .sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }

    /// Every rule of the conformance vectors.
    static func conformanceRules() throws -> [(name: String, text: String)] {
        var rules: [(name: String, text: String)] = []
        for file in ["core", "everything", "greedy", "policies"] {
            let text = try String(contentsOf: folder.appendingPathComponent("conformance/\(file).jsonl"), encoding: .utf8)
            for line in text.split(separator: "\n") {
                guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let name = object["name"] as? String,
                    let rule = object["rule"] as? String
                else { throw CocoaError(.fileReadCorruptFile) }
                rules.append(("\(file) \(name)", rule))
            }
        }
        return rules
    }
}

func source(_ text: String, path: String = "test.rule") -> SourceFile {
    SourceFile(path: path, bytes: Array(text.utf8))
}

/// The rendered diagnostics of a text.
func rendered(_ text: String) -> String {
    let file = source(text)
    var sink = DiagnosticSink()
    _ = check(files: [file], into: &sink)
    return TextRenderer(files: [file]).render(sink)
}

/// The codes of a text's diagnostics, in the order of the text, without advice (W10).
func codes(_ text: String) -> [String] {
    check(files: [source(text)]).diagnostics.map(\.code.rawValue).filter { !$0.hasPrefix("W10") }
}

/// The codes of a text's advice, in the order of the text.
func advice(_ text: String) -> [String] {
    check(files: [source(text)]).diagnostics.map(\.code.rawValue).filter { $0.hasPrefix("W10") }
}
