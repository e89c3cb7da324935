import Foundation

/// A folder for one test, removed with all that is in it.
final class ScratchFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-bench-tests-" + UUID().uuidString)

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}
