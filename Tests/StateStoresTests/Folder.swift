import Foundation

/// A folder of its own for a test, in memory where the machine allows it; it goes with the last reference.
final class Folder: Sendable {
    let path: String

    init() {
        let memory = "/dev/shm"
        let base = FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        path = base + "/needletail-store-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path below, at which there is nothing yet.
    func place(_ name: String) -> String { path + "/" + name }
}

/// The files of a folder by name, and how to put them down elsewhere.
struct FolderImage {
    var files: [String: Data] = [:]

    init() {}

    init(of folder: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            if let data = FileManager.default.contents(atPath: folder + "/" + name) { files[name] = data }
        }
    }

    func write(to folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, data) in files { try? data.write(to: URL(filePath: folder + "/" + name)) }
    }
}
