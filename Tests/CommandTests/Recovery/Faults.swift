import Foundation
import Testing

/// The library of Tests/Faults, built once by the compiler that the program is linked with: loaded before the C library, it makes calls of a
/// process fail, or ends the process at them.
enum Faults {
    private static let built: Result<String, RecoveryError> = {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("needletail-faults-\(getpid()).so").path
        let source = Program.repository.appendingPathComponent("Tests/Faults/faults.c").path
        do {
            let session = try Session()
            let outcome = try session.run("cc -shared -fPIC -O1 -o '\(path)' '\(source)' -ldl")
            guard outcome.status == 0 else { return .failure(RecoveryError(message: outcome.errors)) }
            // The program stays loaded with it as long as this process lives.
            builtLibrary = path
            atexit { unlink(builtLibrary) }
            return .success(path)
        } catch {
            return .failure(RecoveryError(message: "\(error)"))
        }
    }()

    /// What a process is started with to have these faults.
    static func environment(_ faults: [String: String]) throws -> [String: String] {
        faults.merging(["LD_PRELOAD": try built.get()]) { $1 }
    }
}

nonisolated(unsafe) private var builtLibrary = ""

/// A kind of call on a kind of file.
struct FaultPoint: Hashable, Comparable, CustomStringConvertible {
    var operation: String
    var file: String

    var description: String { "\(operation):\(file)" }

    static func < (one: FaultPoint, other: FaultPoint) -> Bool { one.description < other.description }
}

/// A small run, killed or not, that tests disturb at points that they name.
struct SmallRecovery {
    let workload: Workload
    let session: Session
    let expected: Written

    init(_ workload: Workload = SmallRecovery.workload) throws {
        self.workload = workload
        session = try Session(["r.rule": workload.ruleText], below: Session.memory)
        try FileManager.default.linkItem(at: try Undisturbed.file(workload), to: session.folder.appendingPathComponent("events"))
        expected = try Undisturbed.run(workload, names: ["events"], drains: false)
    }

    /// Enough for several checkpoints.
    static let workload = Workload(seed: 7, lines: 25_000, keys: 500)

    static let flags = [
        "run", "r.rule", "--input", "events", "--alerts", "alerts", "--late", "late", "--rejects", "rejects", "--state", "state", "--quiet",
    ]

    func start(_ more: [String] = ["--checkpoint-every", "10ms", "--workers", "2"], faults: [String: String] = [:], errors: String = "errors") throws -> Child {
        try Child(Self.flags + more, in: session.folder, environment: faults.isEmpty ? [:] : try Faults.environment(faults), errors: errors)
    }

    /// What is wrong after a start that nothing disturbs; nil where it comes to the right end.
    func misfit(after more: [String] = ["--workers", "1"]) throws -> String? {
        let ending = try start(more).wait()
        guard ending == .exited(0) else { return "the restart ended with \(ending): \(try session.read("errors").suffix(600))" }
        return try Written(in: session.folder).difference(from: expected)
    }

    /// How often each point is passed in a run.
    func record() throws -> [FaultPoint: Int] {
        let ending = try start(faults: ["FAULT_RECORD": session.folder.path + "/record"]).wait()
        guard ending == .exited(0) else { throw RecoveryError(message: "the recorded run ended with \(ending): \(try session.read("errors"))") }
        var counts: [FaultPoint: Int] = [:]
        for line in try session.read("record").split(separator: "\n") {
            let words = line.split(separator: ":").map(String.init)
            counts[FaultPoint(operation: words[0], file: words[1]), default: 0] += 1
        }
        return counts
    }

    /// A copy of all that is there, to be disturbed in another way.
    func copied() throws -> SmallRecovery {
        let copy = try SmallRecovery(workload)
        let outcome = try session.run("cp -a state alerts late rejects '\(copy.session.folder.path)/'")
        guard outcome.status == 0 else { throw RecoveryError(message: outcome.errors) }
        return copy
    }

    /// A run that was killed after some checkpoints, the empty one that it begins with among them.
    static func halfDone(_ workload: Workload = SmallRecovery.workload, checkpoints: Int = 3) throws -> SmallRecovery {
        let run = try SmallRecovery(workload)
        let ending = try run.start(faults: ["FAULT_AT": "rename:CHECKPOINT:\(checkpoints + 1):after"]).wait()
        guard ending == .signalled(SIGKILL) else { throw RecoveryError(message: "a run that should have been killed ended with \(ending)") }
        return run
    }
}

/// Does something for each of many cases on two threads, and gives what was wrong.
func tryEach<Case>(_ cases: [Case], _ body: (Case) throws -> String?) -> [String] {
    let lock = NSLock()
    var wrong: [String] = []
    nonisolated(unsafe) let shared = (
        body: body, cases: cases,
        note: { (text: String) in
            lock.lock()
            wrong.append(text)
            lock.unlock()
        })
    let next = NSLock()
    nonisolated(unsafe) var place = 0
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
        while true {
            next.lock()
            let mine = place
            place += 1
            next.unlock()
            guard mine < shared.cases.count else { return }
            do {
                if let text = try shared.body(shared.cases[mine]) { shared.note("\(shared.cases[mine]): \(text)") }
            } catch {
                shared.note("\(shared.cases[mine]): \(error)")
            }
        }
    }
    return wrong
}
