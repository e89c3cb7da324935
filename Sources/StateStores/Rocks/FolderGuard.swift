internal import Glibc
internal import Streaming

/// The small file beside RocksDB's own that says how far these must reach: RocksDB takes a file that was cut for one that was being written.
protocol FolderGuard {
    static var fileName: String { get }
    static var nextFileName: String { get }
    static var fileCountMax: Int { get }
    static var formatVersion: UInt32 { get }
    /// What a folder with such a file is, for messages.
    static var folderKind: String { get }

    init(fileContent: [UInt8], path: String) throws(StoreError)
    func fileContent(version: UInt32) -> [UInt8]
}

extension FolderGuard {
    /// Nil where there is none.
    static func read(in folder: String) throws(StoreError) -> Self? {
        let path = folder + "/" + fileName
        guard let content = try Disk.content(of: path, countMax: fileCountMax) else { return nil }
        return try Self(fileContent: content, path: path)
    }

    /// The guard of a folder that this process has locked and opens again.
    static func present(in folder: String) throws(StoreError) -> Self {
        guard let found = try read(in: folder) else { throw .damaged("\(folder)/\(fileName) is missing") }
        return found
    }

    /// Puts it in place, durable.
    func write(to folder: String, disk: Disk) throws(StoreError) {
        let next = folder + "/" + Self.nextFileName
        try disk.write(fileContent(version: Self.formatVersion), to: next)
        try disk.rename(next, to: folder + "/" + Self.fileName, in: folder)
    }

    /// A folder without a guard must be empty but for what a crash leaves before the first guard is there.
    static func checkIsNew(_ folder: String, names: [String]) throws(StoreError) {
        let own = ["CURRENT", "IDENTITY"]
        if names.contains(where: { own.contains($0) || $0.hasPrefix("MANIFEST-") || $0.hasPrefix("OPTIONS-") || $0.hasSuffix(".sst") }) {
            throw .damaged("\(folder)/\(fileName) is missing")
        }
        let harmless: Set<String> = [nextFileName, "lost+found", "LOCK"]
        if let other = names.first(where: { !harmless.contains($0) && !$0.hasPrefix("LOG") }) {
            throw .unknownFormat("\(folder) is no \(folderKind): it holds \(other). Give an empty or a new folder")
        }
    }
}
