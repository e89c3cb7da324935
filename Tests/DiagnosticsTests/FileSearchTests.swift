internal import Diagnostics
internal import Foundation
internal import Testing

@Suite struct FileSearchTests {
    /// Runs a test in a folder with these files, and removes it.
    private func withFolder(_ files: [String], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in files {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("rule \(name)".utf8).write(to: file)
        }
        try body(folder.path)
    }

    @Test func foldersAreSearchedInTheOrderOfNames() throws {
        try withFolder(["b.rule", "a.rule", "z/c.rule", "B/d.rule", "notes.txt", ".hidden.rule", ".git/e.rule"]) { (folder: String) throws in
            let found = try FileSearch.files([folder], suffix: ".rule")
            #expect(found == ["a.rule", "b.rule", "B/d.rule", "z/c.rule"].map { folder + "/" + $0 })
        }
    }

    @Test func aFileIsTakenWhateverItsNameAndOnlyOnce() throws {
        try withFolder(["a.rule", "b.txt"]) { (folder: String) throws in
            let found = try FileSearch.files([folder + "/b.txt", folder + "/a.rule", folder], suffix: ".rule")
            #expect(found == [folder + "/b.txt", folder + "/a.rule"])
        }
    }

    @Test func whatIsNotThereIsAnError() {
        #expect(throws: FileError(path: "/no/where", reason: "there is no such file or folder")) {
            try FileSearch.files(["/no/where"], suffix: ".rule")
        }
    }

    @Test func depthIsBounded() throws {
        let deep = Array(repeating: "d", count: FileSearch.depthMax + 1).joined(separator: "/")
        try withFolder([deep + "/a.rule"]) { (folder: String) throws in
            #expect(throws: FileError.self) { try FileSearch.files([folder], suffix: ".rule") }
        }
        try withFolder([String(deep.dropFirst(2)) + "/a.rule"]) { (folder: String) throws in
            #expect(try FileSearch.files([folder], suffix: ".rule").count == 1)
        }
    }

    @Test func filesAreReadWholeUpToABound() throws {
        try withFolder(["a"]) { (folder: String) throws in
            #expect(try readFile(folder + "/a", bytesMax: 6) == Array("rule a".utf8))
            #expect(throws: FileError.self) { try readFile(folder + "/a", bytesMax: 5) }
            #expect(throws: FileError(path: folder, reason: "it is a folder, not a file")) { try readFile(folder, bytesMax: 5) }
        }
    }

    @Test func filesAreWrittenWhole() throws {
        try withFolder(["a"]) { (folder: String) throws in
            try writeFile(folder + "/a", Array("new".utf8))
            #expect(try readFile(folder + "/a", bytesMax: 10) == Array("new".utf8))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names == ["a"])
            #expect(throws: FileError.self) { try writeFile(folder + "/no/a", []) }
        }
    }

    @Test func pathsAreTidiedWhereTheyMeanTheSame() throws {
        try withFolder(["a/b/x", "c/y"]) { (folder: String) throws in
            #expect(FileSearch.tidied(folder + "/a/b/../../c/y") == folder + "/c/y")
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/a/b")
            #expect(FileSearch.tidied(folder + "/link/../../c/y") == folder + "/link/../../c/y")
            #expect(FileSearch.tidied("missing/../x") == "missing/../x")
        }
    }
}
