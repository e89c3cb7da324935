import Foundation
import Testing

/// The program, as it stands beside the tests.
enum Program {
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["NEEDLETAIL_PROGRAM"] { return path }
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("needletail").path
    }()

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// What a command left behind.
struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// The lines of output as JSON.
    func objects() throws -> [[String: Any]] { try parsed(output) }
}

func parsed(_ lines: String) throws -> [[String: Any]] {
    try lines.split(separator: "\n").map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
    }
}

/// A folder of its own in which one types commands; it is gone when the test is.
final class Session {
    let folder: URL

    init(_ files: [String: String] = [:], below parent: URL = FileManager.default.temporaryDirectory) throws {
        folder = parent.appendingPathComponent("needletail-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files { try write(name, text) }
    }

    /// For tests of many short runs that no disk is to slow down: a folder in memory, where there is one.
    static let memory: URL = {
        let memory = "/dev/shm"
        return FileManager.default.isWritableFile(atPath: memory) ? URL(fileURLWithPath: memory) : FileManager.default.temporaryDirectory
    }()

    deinit { try? FileManager.default.removeItem(at: folder) }

    func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

    func write(_ name: String, _ data: Data) throws {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
    }

    func read(_ name: String) throws -> String { try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path) }

    /// Runs a line of shell in the folder; `needletail` is the program under test. Over its time it is ended, which no test expects.
    func run(_ line: String, environment: [String: String] = [:]) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=1", "60", "/bin/bash", "-c", line]
        process.currentDirectoryURL = folder
        var variables = ["PATH": (Program.path as NSString).deletingLastPathComponent + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        variables.merge(environment) { $1 }
        process.environment = variables
        // Files, not pipes: whatever the program writes, nobody has to read it meanwhile.
        let outputPath = folder.appendingPathComponent(".output")
        let errorsPath = folder.appendingPathComponent(".errors")
        for path in [outputPath, errorsPath] { try Data().write(to: path) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputPath)
        process.standardError = try FileHandle(forWritingTo: errorsPath)
        try process.run()
        process.waitUntilExit()
        func text(_ path: URL) throws -> String { String(decoding: try Data(contentsOf: path), as: UTF8.self) }
        return Outcome(status: process.terminationStatus, output: try text(outputPath), errors: try text(errorsPath))
    }
}

/// A rule that fires at every `a` that a `b` of the same `k` follows.
let pairRule = "rule pair { by k match a: a then b: b alert low \"{k}\" }\n"

/// `a` and `b` of one key, a line each.
let pairEvents = """
    {"type":"a","ts":1000,"k":"x","id":1}
    {"type":"b","ts":2000,"k":"x","id":2}

    """
