import Foundation
import Testing

/// The table of targets in docs/ARCHITECTURE.md is what the sources keep to.
@Suite struct ImportTests {
    /// Modules of the platform that every target may use.
    static let openToAll: Set<String> = ["Glibc", "Swift", "Synchronization"]

    /// Target to the imports that its row allows.
    static func table() throws -> [String: Set<String>] {
        var rows: [String: Set<String>] = [:]
        var isInTable = false
        for line in try Repository.text("docs/ARCHITECTURE.md").split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("| target | imports |") { isInTable = true; continue }
            if !line.hasPrefix("|") { isInTable = false }
            guard isInTable, line.hasPrefix("| `") else { continue }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count >= 4 else { continue }
            rows[names(in: cells[1]).first ?? ""] = Set(names(in: cells[2]))
        }
        return rows
    }

    /// What stands in backquotes.
    static func names(in cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// The modules that a Swift source imports, whatever the access level and attributes before the word and the kind after it.
    static func imports(of source: String) -> Set<String> {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        var found: Set<String> = []
        for line in source.split(separator: "\n") {
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" })[...]
            while let word = words.first, word.hasPrefix("@") || modifiers.contains(word) { words = words.dropFirst() }
            guard words.popFirst() == "import", var name = words.popFirst() else { continue }
            if kinds.contains(name), let next = words.popFirst() { name = next }
            found.insert(String(name.prefix(while: { $0 != "." })))
        }
        return found
    }

    @Test func everyTargetHasARowAndEveryRowATarget() throws {
        let folders = try Repository.names(in: "Sources").filter { !$0.hasPrefix(".") }
        #expect(try Self.table().keys.sorted() == folders)
    }

    @Test func targetsImportOnlyWhatTheirRowLists() throws {
        let table = try Self.table()
        #expect(!table.isEmpty)
        for (target, allowed) in table {
            for file in Repository.files(below: "Sources/" + target, extensions: ["swift"]) {
                let extra = Self.imports(of: try Repository.text(file)).subtracting(allowed).subtracting(Self.openToAll).subtracting([target])
                #expect(extra.isEmpty, "\(file) imports \(extra.sorted()), which its row in docs/ARCHITECTURE.md does not list")
            }
        }
    }

    /// Targets are taken away one after another once all that they import is gone; what remains imports itself in a circle.
    @Test func arrowsGoOneWay() throws {
        var left = try Self.table()
        while let free = left.keys.sorted().first(where: { left[$0]!.isDisjoint(with: left.keys) }) { left[free] = nil }
        #expect(left.isEmpty, "these import one another in a circle: \(left.keys.sorted())")
    }

    @Test func importsAreReadWhateverStandsBeforeAndAfter() {
        let source = """
            import A
            public import B
            @testable internal import struct C.D
            @preconcurrency import E.F
            // import G
            let important = 1
            """
        #expect(Self.imports(of: source) == ["A", "B", "C", "E"])
    }
}
