import Foundation
import Testing

/// The shape of the repository.
@Suite struct TreeTests {
    @Test func topLevelHoldsOnlyWhatItShould() throws {
        let allowed: Set<String> = [
            "Package.swift", "Sources", "Tests", "rules", "fixtures", "README.md", "Makefile", "docs", ".ci", ".gitignore", "LICENSE",
            "packages.txt",
        ]
        // What git and the Swift package manager keep there is not part of the project.
        let kept: Set<String> = [".git", ".build", ".swiftpm", "Package.resolved"]
        #expect(try Repository.names(in: "").filter { !allowed.contains($0) && !kept.contains($0) } == [])
    }

    @Test func sourceFilesStayShort() throws {
        let linesMax = 700
        let sources = ["Sources", "Tests"].flatMap { Repository.files(below: $0, extensions: ["swift", "c", "cpp", "h"]) }
        #expect(!sources.isEmpty)
        for file in sources {
            let lines = try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= linesMax + 1, "\(file) has \(lines) lines; at most \(linesMax), so it holds one idea too many")
        }
    }

    /// The project stands alone: it must build and run wherever it is cloned, so no file names a folder of the place it was written at.
    /// The words are put together here, so that this file does not name them either.
    @Test func nothingNamesThePlaceItWasWrittenAt() throws {
        let slash = "/"
        let forbidden = [
            slash + "work" + slash, ".." + slash + "shared", "shared" + slash + "design", "shared" + slash + "conformance",
            "shared" + slash + "bench", slash + "tmp" + slash + "wt", "farm" + "-",
        ]
        let text: Set<String> = [
            "swift", "c", "cpp", "h", "modulemap", "md", "txt", "rule", "sh", "py", "yml", "yaml", "json", "jsonl", "ndjson", "",
        ]
        let top = ["Sources", "Tests", "rules", "fixtures", "docs", ".ci"].flatMap { Repository.files(below: $0, extensions: text) }
        for file in top + ["Package.swift", "README.md", "Makefile", "packages.txt"] {
            // Fixtures of bad input hold bytes that are no text; they are looked at as bytes.
            let bytes = try Data(contentsOf: Repository.root.appendingPathComponent(file))
            for word in forbidden {
                #expect(bytes.range(of: Data(word.utf8)) == nil, "\(file) names \(word)")
            }
        }
    }
}
