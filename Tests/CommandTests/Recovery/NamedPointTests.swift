import Foundation
import Seeds
import Testing

/// The program killed beside every kind of call that it makes on every kind of file.
@Suite struct NamedPointTests {
    /// Calls after which the disk is another.
    static let operations: Set<String> = ["create", "mkdir", "write", "fsync", "range", "truncate", "allocate", "rename", "link", "unlink"]

    struct Case: CustomStringConvertible {
        var point: FaultPoint
        var number: Int
        var action: String

        var description: String { "\(point):\(number):\(action)" }
    }

    static func cases(_ counts: [FaultPoint: Int]) -> [Case] {
        var cases: [Case] = []
        for (point, count) in counts.sorted(by: { $0.key < $1.key }) where operations.contains(point.operation) && point.file != "OTHER" {
            for number in Set(Volume.isSoak ? [1, 2, 3, 4, 6, 9, count / 2, count - 1, count] : [1, (count + 1) / 2, count]).sorted()
            where (1...count).contains(number) {
                // After one call is before the next: in `make test` only the last of a kind is tried on both sides.
                cases += (Volume.isSoak || number == count ? ["before", "after"] : ["before"]).map { Case(point: point, number: number, action: $0) }
                if point.operation == "write" { cases.append(Case(point: point, number: number, action: "torn")) }
            }
        }
        return cases
    }

    @Test func aRunThatBegins() throws {
        let cases = Self.cases(try SmallRecovery().record())
        #expect(Set(cases.map(\.point.file)).isSuperset(of: ["ALERTS", "SST", "MANIFEST", "CURRENT", "CHECKPOINT", "FORMAT", "LOCK", "FOLDER"]))
        let wrong = try Self.killed(at: cases, from: nil)
        #expect(wrong.isEmpty, "\(wrong.count) of \(cases.count), the first: \(wrong.prefix(4).joined(separator: "\n"))")
    }

    @Test func aRunThatGoesOn() throws {
        let half = try SmallRecovery.halfDone()
        let cases = Self.cases(try half.copied().record())
        let wrong = try Self.killed(at: cases, from: half)
        #expect(wrong.isEmpty, "\(wrong.count) of \(cases.count), the first: \(wrong.prefix(4).joined(separator: "\n"))")
    }

    /// Around every call by which a pipe comes into its journal: the pipe stays open, and nothing of it is lost.
    @Test func aPipe() throws {
        let workload = Workload(seed: 9, lines: 4_000, keys: 200)
        var cases: [Case] = []
        for operation in ["move", "write"] {
            for number in Volume.isSoak ? [1, 2, 3, 5, 8, 13, 21, 34] : [1, 2, 5] {
                for action in ["before", "after", "torn"] {
                    cases.append(Case(point: FaultPoint(operation: operation, file: "JOURNAL"), number: number, action: action))
                }
            }
        }
        let reached = Counter()
        let wrong = tryEach(cases) { one in
            let session = try Session(["r.rule": workload.ruleText])
            guard mkfifo(session.folder.path + "/events", 0o644) == 0 else { return "no pipe: \(errno)" }
            var writer = try GrowingLog(session.folder, Undisturbed.contents(workload)[0], seed: 1, isPipe: true)
            let flags = SmallRecovery.flags + ["--checkpoint-every", "50ms"] + (one.number % 2 == 0 ? ["--journal"] : [])
            let child = try Child(flags, in: session.folder, environment: try Faults.environment(["FAULT_AT": one.description]))
            try writer.writeAll(during: child)
            if child.look() == nil { usleep(100_000) }
            if child.look() == nil { child.signal(SIGKILL) } else { reached.add() }
            guard child.wait() == .signalled(SIGKILL) else { return "ended otherwise: \(try session.read("errors"))" }
            let next = try Child(flags, in: session.folder)
            try writer.writeAll(during: next)
            writer.close(readBy: next)
            guard next.wait() == .exited(0) else { return "the next ended otherwise: \(try session.read("errors"))" }
            return try Written(in: session.folder).difference(from: Undisturbed.run(workload, names: ["events"], drains: false))
        }
        print("points of a pipe: \(cases.count) cases, \(reached.count) kills")
        #expect(wrong.isEmpty, "\(wrong.count) of \(cases.count), the first: \(wrong.prefix(4).joined(separator: "\n"))")
        #expect(reached.count >= cases.count / 2)
    }

    /// Killed at a point, in soak then at the same again, then let through.
    private static func killed(at cases: [Case], from half: SmallRecovery?) throws -> [String] {
        let reached = Counter()
        let wrong = tryEach(cases) { one in
            let run = try half?.copied() ?? SmallRecovery()
            for _ in 0..<Volume.pick(test: 1, soak: 2) {
                switch try run.start(faults: ["FAULT_AT": one.description]).wait() {
                case .signalled(SIGKILL): reached.add()
                // What depends on time need not come again.
                case .exited(0): break
                case let other: return "ended with \(other): \(try run.session.read("errors").suffix(600))"
                }
            }
            return try run.misfit()
        }
        print("named points: \(cases.count) cases, \(reached.count) kills")
        #expect(reached.count >= cases.count / 2)
        return wrong
    }
}

/// A number that several threads count up.
final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func add() {
        lock.lock()
        value += 1
        lock.unlock()
    }

    var count: Int {
        lock.lock()
        defer { lock.unlock() }
        return value
    }
}
