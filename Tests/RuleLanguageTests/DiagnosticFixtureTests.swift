internal import Diagnostics
internal import Foundation
internal import RuleCompiler
internal import RuleLanguage
internal import Testing

/// `fixtures/diagnostics/<code>-<slug>.txt`: a program, a line `----`, and what is said about it, to the letter.
/// With NEEDLETAIL_UPDATE=1 in the environment the texts are written anew.
@Suite struct DiagnosticFixtureTests {
    private struct Fixture {
        var url: URL
        var program: [UInt8]
        var expected: String
        var name: String { url.deletingPathExtension().lastPathComponent }
    }

    private static func load() throws -> [Fixture] {
        let folder = Fixtures.folder.appendingPathComponent("diagnostics")
        let marker = Data("----\n".utf8)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "txt" }
            .sorted { $0.path < $1.path }
            .map { url in
                let data = try Data(contentsOf: url)
                let split = data.range(of: Data("\n----\n".utf8)).map { $0.lowerBound + 1 } ?? data.endIndex
                let rest = data[split...].dropFirst(marker.count)
                return Fixture(url: url, program: Array(data[..<split]), expected: String(decoding: rest, as: UTF8.self))
            }
    }

    @Test func everyFixtureIsSaidToTheLetter() throws {
        let isUpdate = ProcessInfo.processInfo.environment["NEEDLETAIL_UPDATE"] == "1"
        for fixture in try Self.load() {
            let file = SourceFile(path: "rules.rule", bytes: fixture.program)
            var sink = DiagnosticSink()
            // As the commands do it: with the engine's word on patterns, and compiled.
            let program = RuleSet.load([file], into: &sink)
            let text = TextRenderer(files: [file]).render(sink)
            if isUpdate {
                try Data(fixture.program + Array("----\n".utf8) + Array(text.utf8)).write(to: fixture.url)
            } else {
                #expect(text == fixture.expected, "\(fixture.name)")
            }
            let code = String(fixture.name.prefix { $0 != "-" })
            #expect(sink.diagnostics.contains { $0.code.rawValue == code }, "\(fixture.name): \(text)")
            #expect((program == nil) == sink.hasErrors)
        }
    }

    /// A fixture holds one kind of mistake; what follows from it is not said as well.
    @Test func oneMistakeGivesOneMessage() throws {
        for fixture in try Self.load() where !fixture.name.contains("several") {
            let file = SourceFile(path: "rules.rule", bytes: fixture.program)
            var sink = DiagnosticSink()
            _ = RuleSet.load([file], into: &sink)
            let code = String(fixture.name.prefix { $0 != "-" })
            #expect(sink.diagnostics.allSatisfy { $0.code.rawValue == code }, "\(fixture.name)")
        }
    }

    /// A fix is certain: applied alone it leaves one error less.
    @Test func everyFixMends() throws {
        var fixCount = 0
        for fixture in try Self.load() {
            // What is advised once there is no error left is another matter.
            func mistakes(_ bytes: [UInt8]) -> [Diagnostic] {
                check(files: [SourceFile(path: "rules.rule", bytes: bytes)]).diagnostics.filter { !$0.code.rawValue.hasPrefix("W10") }
            }
            let found = mistakes(fixture.program)
            for diagnostic in found {
                guard let fix = diagnostic.fix else { continue }
                var bytes = fixture.program
                bytes.replaceSubrange(Int(fix.span.lower)..<Int(fix.span.upper), with: Array(fix.replacement.utf8))
                let after = mistakes(bytes)
                #expect(after.count < found.count, "\(fixture.name): \(diagnostic.message)")
                fixCount += 1
            }
        }
        #expect(fixCount > 10)
    }

    @Test func everyCodeHasAFixture() throws {
        let covered = Set(try Self.load().map { String($0.name.prefix { $0 != "-" }) })
        // A file of over 16 MiB is no fixture; it has a test of its own.
        let missing = DiagnosticCode.allCases.map(\.rawValue).filter { !covered.contains($0) && $0 != DiagnosticCode.fileTooLarge.rawValue }
        #expect(missing.isEmpty, "\(missing)")
    }
}
