import Foundation
import Seeds
import Testing

/// Disks that are full or broken: the run ends with status 3 and says of which file it speaks, and the next one comes to the same alerts.
@Suite struct BrokenDiskTests {
    struct Case: CustomStringConvertible {
        var faults: [String: String]
        /// One of these is in the message.
        var names: [String]

        var description: String { faults.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ") }
    }

    /// Runs into the fault from a run half done, and then without it.
    private static func outcome(_ one: Case, _ half: SmallRecovery?, mayEndWell: Bool = false) throws -> String? {
        let run = try half?.copied() ?? SmallRecovery()
        try? FileManager.default.removeItem(at: run.session.folder.appendingPathComponent("errors"))
        var faults = one.faults
        if let full = faults["FAULT_FULL"] { faults["FAULT_FULL"] = run.session.folder.resolvingSymlinksInPath().path + "/" + full }
        let ending = try run.start(faults: faults).wait()
        let errors = try run.session.read("errors")
        switch ending {
        case .exited(0) where mayEndWell: break
        case .exited(3):
            if !one.names.contains(where: errors.contains) { return "no file is named: \(errors)" }
            if errors.split(separator: "\n").count > 2 { return "too many words: \(errors)" }
        default: return "ended with \(ending): \(errors)"
        }
        return try run.misfit()
    }

    private static func check(_ cases: [Case], _ half: SmallRecovery?, mayEndWell: Bool = false) {
        let wrong = tryEach(cases) { try outcome($0, half, mayEndWell: mayEndWell) }
        #expect(wrong.isEmpty, "\(wrong.count) of \(cases.count), the first: \(wrong.prefix(4).joined(separator: "\n"))")
        print("faults: \(cases.count)")
    }

    @Test func noRoomForTheState() throws {
        let room = Volume.isSoak ? Array(stride(from: 0, to: 60_000, by: 700)) : [0, 10, 100, 1_000, 4_000, 15_000, 40_000]
        let half = try SmallRecovery.halfDone()
        // How much a run writes depends on how many checkpoints it has time for.
        for (rooms, mayEndWell) in [(room.filter { $0 < 10_000 }, false), (room.filter { $0 >= 10_000 }, true)] {
            let cases = rooms.map { Case(faults: ["FAULT_FULL": "state:\($0)"], names: ["state/"]) }
            Self.check(cases, nil, mayEndWell: mayEndWell)
            Self.check(cases, half, mayEndWell: mayEndWell)
        }
    }

    @Test func noRoomForWhatIsWritten() throws {
        let half = try SmallRecovery.halfDone()
        for name in ["alerts", "late", "rejects"] {
            let cases = [0, 50, 3_000].map { Case(faults: ["FAULT_FULL": "\(name):\($0)"], names: [name + ": the disk is full"]) }
            Self.check(cases, nil)
            Self.check(cases, half, mayEndWell: true)
        }
    }

    @Test func errorsOfTheDisk() throws {
        let half = try SmallRecovery.halfDone()
        let counts = try half.copied().record()
        var cases: [Case] = []
        for (point, count) in counts.sorted(by: { $0.key < $1.key }) where !["OTHER", "SPILL", "LOCK"].contains(point.file) {
            guard ["fsync", "write", "read", "rename", "create"].contains(point.operation) else { continue }
            for number in Set([1, 2, max(1, count / 2)]).sorted() where number <= count {
                for error in point.operation == "create" ? ["EMFILE", "ENOSPC"] : ["EIO"] {
                    cases.append(
                        Case(faults: ["FAULT_AT": "\(point):\(number)+:\(error)"], names: ["state", "alerts", "late", "rejects", "events"]))
                }
            }
        }
        Self.check(cases, half, mayEndWell: true)
    }

    /// What the system may do at any time without anything being wrong.
    @Test func shortWritesAndInterruptionsChangeNothing() throws {
        let half = try SmallRecovery.halfDone()
        let counts = try half.copied().record()
        let points = counts.keys.filter { $0.file != "OTHER" && ["write", "read"].contains($0.operation) }.sorted()
        let wrong = tryEach(points.flatMap { point in (point.operation == "write" ? ["short", "EINTR"] : ["EINTR"]).map { "\(point):2:\($0)" } }) { one in
            let run = try half.copied()
            let ending = try run.start(faults: ["FAULT_AT": one]).wait()
            guard ending == .exited(0) else { return "ended with \(ending): \(try run.session.read("errors").suffix(600))" }
            return try Written(in: run.session.folder).difference(from: run.expected)
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(4).joined(separator: "\n"))")
    }

    /// While the disk is full a start ends at once; as soon as there is room it goes on.
    @Test func aRunGoesOnOnceThereIsRoom() throws {
        let run = try SmallRecovery.halfDone()
        let folder = run.session.folder.resolvingSymlinksInPath().path
        let faults = ["FAULT_FULL": folder + "/state/:3000", "FAULT_ROOM": folder + "/room"]
        for _ in 0..<3 {
            #expect(try run.start(faults: faults).wait() == .exited(3))
        }
        #expect(try run.session.read("errors").contains("make room and start again"))
        try run.session.write("room", "")
        #expect(try run.start(faults: faults).wait() == .exited(0))
        #expect(try Written(in: run.session.folder).difference(from: run.expected) == nil)
    }

    /// Events that wait have no room: the run ends, and goes on when there is some.
    @Test func noRoomToSpill() throws {
        let run = try SmallRecovery(Workload(seed: 9, lines: 40_000, keys: 500, ballast: 400))
        let rules = run.workload.ruleText.replacingOccurrences(of: "delay 2s", with: "delay 2m")
        try run.session.write("r.rule", rules)
        try run.session.write("c.json", #"{"limits": {"reorder_memory": "1M"}}"#)
        let folder = run.session.folder.resolvingSymlinksInPath().path
        let whole = try Session(["r.rule": rules])
        try whole.write("events", Undisturbed.contents(run.workload)[0])
        let reference = try whole.run("needletail run r.rule --input events --alerts alerts --late late --rejects rejects --state state --quiet")
        #expect(reference.status == 0, "\(reference.errors)")
        let expected = try Written(in: whole.folder)
        for bytes in [0, 300_000, 2_000_000] {
            let ending = try run.start(["--config", "c.json", "--checkpoint-every", "20ms"], faults: ["FAULT_FULL": "\(folder)/state/spill:\(bytes)"]).wait()
            let errors = try run.session.read("errors")
            #expect(ending == .exited(3), "\(bytes): \(errors)")
            #expect(errors.contains("spill"), "\(errors)")
        }
        #expect(try run.start(["--config", "c.json"]).wait() == .exited(0))
        #expect(try Written(in: run.session.folder).difference(from: expected) == nil)
    }

    /// A savepoint without room is not made, nothing of it stays, and the run is not disturbed.
    @Test func noRoomForASavepoint() throws {
        let run = try SmallRecovery.halfDone()
        let folder = run.session.folder.resolvingSymlinksInPath().path
        let faults = try Faults.environment(["FAULT_FULL": folder + "/savepoint:20"])
        #expect(try Child(["savepoint", "state", "savepoint"], in: run.session.folder, environment: faults).wait() == .exited(3))
        let errors = try run.session.read("errors")
        #expect(errors.contains("savepoint"), "\(errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("savepoint") } == [])
        #expect(try Child(["savepoint", "state", "savepoint"], in: run.session.folder).wait() == .exited(0))
        #expect(try run.misfit() == nil)
    }
}
