import Foundation
import Testing

/// Another program that a test talks to, in a folder of its own; it is ended, by its own process number, when the test is.
final class OtherProgram {
    let folder: URL
    private let process = Process()

    init(_ path: String, _ arguments: (URL) -> [String], files: [String: Data] = [:]) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-other-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, content) in files {
            let file = folder.appendingPathComponent(name)
            try content.write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
        process.executableURL = URL(fileURLWithPath: path.hasPrefix("/") ? path : folder.path + "/" + path)
        process.arguments = arguments(folder)
        process.currentDirectoryURL = folder
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        let said = folder.appendingPathComponent("said")
        try Data().write(to: said)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: said)
        process.standardError = try FileHandle(forWritingTo: said)
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    func text(_ name: String) -> String { (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)) ?? "" }

    /// Waits until it says something in a file.
    func wait<Result>(for file: String, _ body: (String) -> Result?) throws -> Result {
        for _ in 0..<3000 {
            if let result = body(text(file)) { return result }
            if !process.isRunning { break }
            usleep(10_000)
        }
        throw Failure(message: "\(process.executableURL?.lastPathComponent ?? "") has not begun: \(text("said").suffix(2000))")
    }

    struct Failure: Error, CustomStringConvertible {
        var message: String
        var description: String { message }
    }
}
