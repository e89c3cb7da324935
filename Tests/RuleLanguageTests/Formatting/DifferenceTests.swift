internal import ReferenceMatcher
internal import RuleLanguage
internal import Testing

@Suite struct DifferenceTests {
    private func difference(_ old: String, _ new: String) -> String {
        UnifiedDifference(from: Array(old.utf8), to: Array(new.utf8)).text(oldName: "a", newName: "b")
    }

    @Test func changesAreShownWithThreeLinesAround() {
        #expect(difference("x\n", "x\n") == "")
        let old = (1...20).map { "\($0)\n" }.joined()
        let new = old.replacing("\n5\n", with: "\nfive\n").replacing("\n17\n", with: "\n").replacing("\n18\n", with: "\n18\n18a\n")
        #expect(
            difference(old, new) == """
                --- a
                +++ b
                @@ -2,7 +2,7 @@
                 2
                 3
                 4
                -5
                +five
                 6
                 7
                 8
                @@ -14,7 +14,7 @@
                 14
                 15
                 16
                -17
                 18
                +18a
                 19
                 20

                """)
    }

    @Test func emptyTextsAndMissingEndsOfLinesAreShown() {
        #expect(difference("", "x\n") == "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n")
        #expect(difference("x\n", "") == "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n")
        #expect(difference("x", "x\n") == "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n")
    }

    /// What `patch` would make of it.
    private func applied(_ difference: String, to old: String) -> String {
        var lines = old.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { "\($0)\n" }[...]
        var passed = 0
        var result = ""
        for line in difference.split(separator: "\n").dropFirst(2) {
            if line.hasPrefix("@@") {
                let numbers = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
                let isEmpty = line.split(separator: " ")[1].hasSuffix(",0")
                let start = isEmpty ? numbers[0] : numbers[0] - 1
                while passed < start {
                    result += lines.removeFirst()
                    passed += 1
                }
            } else {
                if !line.hasPrefix("+") {
                    let known = lines.removeFirst()
                    passed += 1
                    if known != "\(line.dropFirst())\n" { return "no such line: \(line)" }
                }
                if !line.hasPrefix("-") { result += "\(line.dropFirst())\n" }
            }
        }
        return result + lines.joined()
    }

    @Test func theDifferenceMakesTheOneTextOutOfTheOther() {
        var random = RandomSource(seed: 5)
        for round in 0..<2_000 {
            func text() -> String { (0..<random.below(30)).map { _ in random.pick(["a\n", "b\n", "c\n", "d\n"]) }.joined() }
            let old = text()
            let new = text()
            #expect(applied(difference(old, new), to: old) == new, "round \(round)")
        }
    }

    @Test func manyChangesAreShownAsOne() {
        let old = (0..<3_000).map { "a\($0)\n" }.joined()
        let new = (0..<3_000).map { "b\($0)\n" }.joined()
        #expect(applied(difference(old, new), to: old) == new)
    }
}
