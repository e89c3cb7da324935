import Foundation
import Testing

/// `needletail fmt` as people type it.
@Suite struct FormatCommandTests {
    private static let untidy = "rule r{match a:x then b:y // why\n}\n"
    private static let tidy = "rule r {\n    match a: x then b: y // why\n}\n"

    @Test func filesAreRewrittenAndTidyOnesAreNotTouched() throws {
        let session = try Session(["rules/a.rule": Self.untidy, "rules/b.rule": Self.tidy, "rules/notes.txt": "rule r{"])
        let outcome = try session.run("chmod 640 rules/a.rule; ls -i rules/b.rule > before; needletail fmt rules; s=$?; stat -c %a rules/a.rule; exit $s")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "640\n")
        #expect(outcome.errors == "needletail: rules/a.rule has the canonical layout now\n")
        #expect(try session.read("rules/a.rule") == Self.tidy)
        #expect(try session.read("rules/b.rule") == Self.tidy)
        #expect(try session.run("ls -i rules/b.rule").output == (try session.read("before")))
        #expect(try session.run("ls rules").output == "a.rule\nb.rule\nnotes.txt\n")
        #expect(try session.run("needletail fmt --check rules").status == 0)
    }

    @Test func checkListsAndDiffShowsWithoutWriting() throws {
        let session = try Session(["a.rule": Self.untidy, "b.rule": Self.tidy])
        let check = try session.run("needletail fmt --check a.rule b.rule")
        #expect(check.status == 1)
        #expect(check.output == "a.rule\n")
        let difference = try session.run("needletail fmt --diff a.rule b.rule")
        #expect(difference.status == 1)
        #expect(
            difference.output == """
                --- a.rule
                +++ a.rule
                @@ -1,2 +1,3 @@
                -rule r{match a:x then b:y // why
                +rule r {
                +    match a: x then b: y // why
                 }

                """)
        #expect(try session.read("a.rule") == Self.untidy)
    }

    @Test func standardInputGoesToStandardOutput() throws {
        let session = try Session(["a.rule": Self.untidy, "b.rule": Self.tidy])
        let outcome = try session.run("needletail fmt - < a.rule")
        #expect(outcome.status == 0)
        #expect(outcome.output == Self.tidy)
        #expect(try session.run("cat b.rule | needletail fmt -").output == Self.tidy)
        #expect(try session.run("needletail fmt --check - < b.rule").status == 0)
        #expect(try session.run("needletail fmt --check - < a.rule").output == "<stdin>\n")
    }

    @Test func aFileWithAMistakeIsLeftAsItIs() throws {
        let broken = "rule r{match a thn b}\n"
        let session = try Session(["a.rule": broken, "b.rule": Self.untidy])
        let outcome = try session.run("needletail fmt a.rule b.rule")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("a.rule:1:"))
        #expect(try session.read("a.rule") == broken)
        #expect(try session.read("b.rule") == Self.tidy)
        let input = try session.run("needletail fmt - < a.rule")
        #expect(input.status == 1)
        #expect(input.output == "")
    }

    @Test func linksAreFollowed() throws {
        let session = try Session(["real/a.rule": Self.untidy])
        #expect(try session.run("ln -s real/a.rule a.rule; needletail fmt a.rule; test -L a.rule").status == 0)
        #expect(try session.read("real/a.rule") == Self.tidy)
    }

    @Test func theShippedRulesHaveTheLayout() throws {
        let session = try Session()
        let outcome = try session.run("needletail fmt --diff '\(Program.repository.appendingPathComponent("rules").path)'")
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
    }
}
