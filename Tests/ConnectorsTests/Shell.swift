import Foundation
import Testing

/// A folder of its own in which the program runs, also while its files change.
final class Shell {
    let folder: URL
    private var running: [Process] = []

    init(_ files: [String: String] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: path(name)) }
    }

    deinit {
        for process in running where process.isRunning { process.terminate() }
        try? FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> URL { folder.appendingPathComponent(name) }

    func read(_ name: String) -> String { (try? String(contentsOf: path(name), encoding: .utf8)) ?? "" }

    func append(_ text: String, to name: String) throws {
        if !FileManager.default.fileExists(atPath: path(name).path) { _ = FileManager.default.createFile(atPath: path(name).path, contents: nil) }
        let handle = try FileHandle(forWritingTo: path(name))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    /// Begins lines of shell; standard output goes to `out`, standard error to `err`.
    func start(_ lines: String) throws -> Process {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "{ \(lines)\n} > out 2> err"]
        process.currentDirectoryURL = folder
        process.environment = ["PATH": program + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        running.append(process)
        return process
    }

    /// Runs lines of shell to their end, and ends them where that does not come.
    @discardableResult
    func run(_ lines: String) throws -> Int32 {
        let process = try start(lines)
        guard waits(for: { !process.isRunning }) else {
            process.terminate()
            return -1
        }
        return process.terminationStatus
    }

    /// Whether something comes true within 20 seconds.
    func waits(for what: () -> Bool) -> Bool {
        for _ in 0..<2000 {
            if what() { return true }
            usleep(10_000)
        }
        return false
    }

    var outputLines: [Substring] { read("out").split(separator: "\n") }
}

/// An event a line, with ids from a range.
func events(_ ids: ClosedRange<Int>, pad: Int = 0) -> String {
    ids.map { "{\"type\":\"a\",\"ts\":\($0)000,\"id\":\($0),\"pad\":\"\(String(repeating: "x", count: pad))\"}\n" }.joined()
}

let everyRule = "rule every { match a: a alert low { id: a.id } }\n"
