internal import Glibc

/// The files of a folder, as they concern a log that is rotated in it.
///
/// Names of rotated files are made of the log's by digits: `events.ndjson.1`, `events.ndjson-20260301`, `events-2026-03-01T10.ndjson`, or
/// `events.ndjson.old`. So a neighbour such as `events-web.ndjson` is not taken for one.
struct RotatedFiles {
    struct File {
        var path: String
        var name: String
        var identity: FileIdentity
        var modified: Modified
        /// It bears the log's own name.
        var isNamed: Bool
        var isRotated: Bool
        /// It would be a rotated one if it were not compressed.
        var isCompressed: Bool

        /// Opens it, unless another file has taken its name since.
        func open() -> (descriptor: Int32, identity: FileIdentity)? {
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { return nil }
            if FileIdentity(descriptor: descriptor) == identity { return (descriptor, identity) }
            close(descriptor)
            errno = ENOENT
            return nil
        }
    }

    struct Modified: Comparable {
        var seconds: Int
        var nanoseconds: Int

        static func < (left: Modified, right: Modified) -> Bool {
            (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
        }
    }

    /// Regular files, by name.
    let files: [File]

    private static let compressedEndings = [".gz", ".zst", ".bz2", ".xz", ".lz4", ".Z", ".zip"]

    init(of path: String) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let own = slash.map { String(path[path.index(after: $0)...]) } ?? path
        var files: [File] = []
        if let stream = opendir(folder) {
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                let path = folder + "/" + name
                var status = stat()
                guard stat(path, &status) == 0, let identity = FileIdentity(status) else { continue }
                let ending = RotatedFiles.compressedEndings.first { name.hasSuffix($0) }
                let plain = ending.map { String(name.dropLast($0.count)) } ?? name
                let isMade = RotatedFiles.isMade(plain, of: own) || (ending != nil && plain == own)
                files.append(
                    File(
                        path: path, name: name, identity: identity,
                        modified: Modified(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec), isNamed: name == own,
                        isRotated: isMade && ending == nil, isCompressed: isMade && ending != nil))
            }
        }
        self.files = files.sorted { $0.name < $1.name }
    }

    /// Whether the same files bore the same names.
    func isSame(as other: RotatedFiles) -> Bool {
        files.elementsEqual(other.files) { $0.name == $1.name && $0.identity == $1.identity }
    }

    /// Whether a name is made of the log's as rotation does it.
    static func isMade(_ name: String, of own: String) -> Bool {
        let name = Array(name.utf8), own = Array(own.utf8)
        if name.starts(with: own), isMark(name[own.count...]) { return true }
        guard let dot = own.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
        let ending = own[dot...]
        guard name.count > own.count, name.starts(with: own[..<dot]), name.suffix(ending.count) == ending else { return false }
        return isMark(name[dot..<(name.count - ending.count)])
    }

    /// What rotation puts into a name: numbers and dates behind `.`, `-` or `_`.
    private static func isMark(_ mark: ArraySlice<UInt8>) -> Bool {
        guard let first = mark.first, Array(".-_".utf8).contains(first), mark.count > 1 else { return false }
        if mark.elementsEqual(".old".utf8) { return true }
        let allowed = Set("0123456789.-_:+TZ".utf8)
        return mark.allSatisfy(allowed.contains) && mark.contains { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
