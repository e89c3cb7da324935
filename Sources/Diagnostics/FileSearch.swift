// Which files a path means: itself, or, of a folder, what lies below it.

internal import Glibc

/// Walks folders. Entries that begin with a dot are left out; links to folders are not followed, so that no walk goes in a circle.
public enum FileSearch {
    /// How deep folders are searched below the one that was named.
    public static let depthMax = 64

    public enum Kind: Sendable {
        case file, folder
    }

    /// What a path is, links followed.
    /// - Throws: ``FileError`` where there is nothing.
    public static func kind(of path: String) throws(FileError) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError(path: path, errorNumber: errno) }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    /// Whether a path is there and of that kind.
    public static func isThere(_ path: String, _ wanted: Kind) -> Bool {
        (try? kind(of: path)) == wanted
    }

    /// The files that the paths mean: each path that is a file, whatever its name, and all files below each that is a folder whose names
    /// end in `suffix`, folder by folder in the order of names. A file that several paths lead to is given once.
    ///
    /// - Throws: ``FileError`` where a path is not there or a folder cannot be read.
    public static func files(_ paths: [String], suffix: String) throws(FileError) -> [String] {
        var found: [String] = []
        var seen: Set<Identity> = []
        for path in paths {
            switch try kind(of: path) {
            case .file: found.append(path)
            case .folder: try walk(path, depth: 0) { (folder, names) in
                for name in names where name.hasSuffix(suffix) { found.append(joined(folder, name)) }
            }
            }
        }
        return found.filter { path in identity(of: path).map { seen.insert($0).inserted } ?? true }
    }

    /// Calls `visit` with a folder and each folder below it, and the names of the files in it, both in the order of names.
    ///
    /// - Throws: ``FileError`` where a folder cannot be read, or lies more than ``depthMax`` deep.
    public static func walk(_ folder: String, depth: Int = 0, visit: (String, [String]) -> Void) throws(FileError) {
        guard depth <= depthMax else { throw FileError(path: folder, reason: "folders are searched at most \(depthMax) deep") }
        guard let directory = opendir(folder) else { throw FileError(path: folder, errorNumber: errno) }
        var files: [String] = []
        var folders: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name.hasPrefix(".") { continue }
            var status = stat()
            let path = joined(folder, name)
            guard lstat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: folders.append(name)
            case S_IFLNK: if isThere(path, .file) { files.append(name) }
            default: files.append(name)
            }
        }
        closedir(directory)
        func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
        visit(folder, files.sorted(by: precedes))
        for name in folders.sorted(by: precedes) { try walk(joined(folder, name), depth: depth + 1, visit: visit) }
    }

    /// A path in a folder.
    public static func joined(_ folder: String, _ name: String) -> String {
        if name.hasPrefix("/") || folder.isEmpty || folder == "." { return name }
        return folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The same file by a shorter path, where `..` can be taken out of it: `a/b/../c` is `a/c` unless `b` is a link.
    public static func tidied(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            if part == "." { continue }
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        let tidy = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
        guard let wanted = identity(of: path), identity(of: tidy) == wanted else { return path }
        return tidy
    }

    private struct Identity: Hashable {
        var device: UInt
        var number: UInt
    }

    private static func identity(of path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt(status.st_dev), number: UInt(status.st_ino))
    }
}

extension SourceFile {
    /// Most bytes of a rule file that are read; the parser refuses those over 16 MiB.
    public static let bytesMax = 17 << 20

    /// Reads the rule files that the paths mean (see ``FileSearch/files(_:suffix:)``): each file, and all `*.rule` below each folder.
    ///
    /// - Throws: ``FileError`` for the first that cannot be read.
    public static func readRules(_ paths: [String]) throws(FileError) -> [SourceFile] {
        var files: [SourceFile] = []
        for path in try FileSearch.files(paths, suffix: ".rule") {
            files.append(SourceFile(path: path, bytes: try readFile(path, bytesMax: bytesMax)))
        }
        return files
    }
}
