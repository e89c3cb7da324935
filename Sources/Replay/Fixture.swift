// A fixture is a folder: the events, the alerts that must come out, and, where not all of `rules/` is meant, a list of rule files.

public import Diagnostics

public struct Fixture: Sendable, Equatable {
    /// The folder as the user would name it.
    public var folder: String
    /// The rules: files and folders.
    public var rules: [String]
    /// The file of events: ``eventsName``, or with `.gz` or `.zst` behind it.
    public var events: String
    /// Nil where the fixture cannot be run; then this says why.
    public var problem: String?

    public static let eventsName = "events.ndjson"
    public static let alertsName = "alerts.ndjson"
    public static let rulesName = "rules.txt"
    /// Most bytes of events and of expected alerts of one fixture.
    public static let bytesMax = 256 << 20

    public init(folder: String, rules: [String], events: String = Fixture.eventsName, problem: String? = nil) {
        self.folder = folder
        self.events = events
        self.rules = rules
        self.problem = problem
    }

    public var eventsPath: String { FileSearch.joined(folder, events) }
    public var alertsPath: String { FileSearch.joined(folder, Fixture.alertsName) }

    /// The fixtures in and below the folders, in the order of names. Paths that are files are left out.
    ///
    /// - Throws: ``FileError`` where a path is not there or a folder cannot be read.
    public static func find(_ paths: [String]) throws(FileError) -> [Fixture] {
        var folders: [(folder: String, events: String)] = []
        for path in paths where try FileSearch.kind(of: path) == .folder {
            try FileSearch.walk(path) { folder, names in
                guard names.contains(alertsName) else { return }
                let events = ["", ".gz", ".zst"].map { eventsName + $0 }.first(where: names.contains)
                if let events { folders.append((folder, events)) }
            }
        }
        var seen: Set<String> = []
        var fixtures: [Fixture] = []
        for (folder, events) in folders where seen.insert(folder).inserted {
            var fixture = try Fixture(in: folder)
            fixture.events = events
            fixtures.append(fixture)
        }
        return fixtures
    }

    private init(in folder: String) throws(FileError) {
        let list = FileSearch.joined(folder, Fixture.rulesName)
        if FileSearch.isThere(list, .file) {
            let text = String(decoding: try readFile(list, bytesMax: 1 << 20), as: UTF8.self)
            let lines = text.split(whereSeparator: \.isNewline).map(Fixture.trimmed).filter { !$0.isEmpty && !$0.hasPrefix("#") }
            self.init(
                folder: folder, rules: lines.map { FileSearch.tidied(FileSearch.joined(folder, $0)) },
                problem: lines.isEmpty ? "\(Fixture.rulesName) names no rule file" : nil)
            return
        }
        let found = Fixture.rulesBeside(folder)
        self.init(
            folder: folder, rules: found.map { [$0] } ?? [],
            problem: found == nil ? "there is no \(Fixture.rulesName) in it, and no folder rules/ beside it or above" : nil)
    }

    /// `rules/` in the nearest folder from this one upwards.
    private static func rulesBeside(_ folder: String) -> String? {
        var above = folder
        for _ in 0..<FileSearch.depthMax {
            let candidate = FileSearch.joined(above, "rules")
            if FileSearch.isThere(candidate, .folder) { return candidate }
            above = parent(above)
            guard FileSearch.isThere(above, .folder) else { return nil }
        }
        return nil
    }

    private static func parent(_ folder: String) -> String {
        var parts = folder.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        let isAbsolute = folder.hasPrefix("/")
        if let last = parts.last, last != "..", last != "." {
            parts.removeLast()
        } else if parts.last == "." {
            parts[parts.count - 1] = ".."
        } else {
            parts.append("..")
        }
        let joined = parts.joined(separator: "/")
        return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line
        while let first = line.first, first.isWhitespace { line = line.dropFirst() }
        while let last = line.last, last.isWhitespace { line = line.dropLast() }
        return String(line)
    }
}
