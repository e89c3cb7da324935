import Events
import Foundation
import Testing

@testable import needletail_bench

/// A small size of every workload, measured as `make bench` does it.
@Suite(.serialized) struct WorkloadTests {
    struct Small: Sendable {
        var size: Size
        var alerts: Int
        var hash: String
    }

    /// Size, alerts and their hash. A merchant needs fifty charges for an alert of `count`, so that file is larger.
    static let small: [String: Small] = [
        "seq": Small(size: Size(events: 60_000, keys: 300), alerts: 238, hash: "03f902f550aa4507abeb758a1a973449"),
        "not": Small(size: Size(events: 60_000, keys: 300), alerts: 359, hash: "60b84fb9c1bb03bfc066725820934ed7"),
        "iter": Small(size: Size(events: 60_000, keys: 300), alerts: 9_935, hash: "075f76763b7cc0077a843a4b9e74e072"),
        "count": Small(size: Size(events: 420_000, keys: 300), alerts: 981, hash: "bba5c42bc83a736a66abd32b80a95e8e"),
        "rules-10": Small(size: Size(events: 60_000, keys: 300), alerts: 2019, hash: "8e9456cf3b95d096a662e897cd3c436e"),
        "rules-100": Small(size: Size(events: 60_000, keys: 300), alerts: 7815, hash: "caab9e452c71983bf704808d4cf71674"),
        "absence": Small(size: Size(events: 60_000, keys: 500), alerts: 649, hash: "acf4ea5ebf64d784d8d3743cfd7d1627"),
        "keys-10k": Small(size: Size(events: 60_000, keys: 10), alerts: 35, hash: "760c69e00a2a042fab5076729641ac50"),
        "keys-100k": Small(size: Size(events: 60_000, keys: 100), alerts: 45, hash: "f6998c9a8ad1a9bc251c94b931a4eba4"),
        "keys-1m": Small(size: Size(events: 60_000, keys: 1_000), alerts: 51, hash: "760d2df8c5bc27c6ce5a71d724a7cd9d"),
        "keys-10m": Small(size: Size(events: 60_000, keys: 30_000), alerts: 23, hash: "7961d38523c7d174b8632a882df3fc6e"),
        "latency": Small(size: Size(events: 40_000, keys: 300), alerts: 400, hash: "1455fc1735c209f0a0645b670c175c1c"),
    ]

    @Test func everyWorkloadIsTriedAtASmallSize() {
        #expect(Self.small.keys.sorted() == Workload.all.map(\.name).sorted())
    }

    @Test(arguments: Workload.all.map(\.name))
    func alertsAreTheRecordedOnesForAnyNumberOfWorkers(name: String) throws {
        let workload = try #require(Workload.named(name))
        let small = try #require(Self.small[name])
        var bench = try Bench()
        for workers in 1...3 {
            let measurement = try bench.measure(workload, size: small.size, runs: 1, workers: workers)
            #expect(measurement.alerts == small.alerts)
            #expect(measurement.hash == small.hash)
            #expect(measurement.runs.count == 1 && measurement.eventsPerSecond > 0 && measurement.peakBytes > 1 << 20)
            if workload.events == .marks {
                #expect(measurement.ratio == nil && measurement.yardsticks.isEmpty)
                let shares = [Latency.Share.p50, .p99, .p999, .all].compactMap { measurement.latency($0) }
                #expect(shares.count == 4 && shares == shares.sorted() && shares[0] > 0)
            } else {
                #expect(measurement.yardsticks.count == 1)
                #expect(try #require(measurement.ratio) > 0)
                #expect((measurement.steadyNanosecondsPerEvent != nil) == (workload.events == .sessions))
            }
        }
    }

    /// The engine and a few lines that share nothing with it count the same.
    @Test(arguments: Workload.all.map(\.name).filter { !$0.hasPrefix("rules-") })
    func alertsAreAsManyAsAreWorkedOutDirectly(name: String) throws {
        let workload = try #require(Workload.named(name))
        let small = try #require(Self.small[name])
        let folder = try ScratchFolder()
        try Bench.generate(workload.events, small.size, to: FileHandle(creating: folder.path("events.ndjson")))
        let direct = try DirectComputation(path: folder.path("events.ndjson"), key: DirectComputation.key(of: name))
        #expect(try #require(direct.alerts(of: name)) == small.alerts)
    }

    /// More rules beside them change nothing about what the first ten say.
    @Test func tenRulesSayTheSameAmongAHundred() throws {
        let folder = try ScratchFolder()
        let program = try ChildProcess.sibling("needletail")
        try Bench.generate(.transactions, Size(events: 60_000, keys: 300), to: FileHandle(creating: folder.path("events.ndjson")))
        var alerts: [[Substring]] = []
        for count in [10, 100] {
            try RuleSet.text(rules: count).write(toFile: folder.path("some.rule"), atomically: true, encoding: .utf8)
            _ = try ChildProcess.run(
                program,
                ["run", folder.path("some.rule"), "--quiet", "--input", folder.path("events.ndjson")]
                    + ["--alerts", folder.path("alerts.ndjson")])
            alerts.append(try String(contentsOfFile: folder.path("alerts.ndjson"), encoding: .utf8).split(separator: "\n"))
        }
        let shapes = alerts[0].compactMap(Self.rule)
        #expect(Set(shapes).count == 10, "every shape fires")
        #expect(alerts[1].count > alerts[0].count)
        #expect(alerts[1].filter { Self.rule($0).map(Set(shapes).contains) == true } == alerts[0])
    }

    static func rule(_ alert: Substring) -> Substring? {
        alert.firstRange(of: "\"rule\":\"").map { alert[$0.upperBound...].prefix { $0 != "\"" } }
    }

    @Test func scalingRunsOneWorkerBesideAll() throws {
        let workload = try #require(Workload.named("seq"))
        var bench = try Bench()
        let measurement = try bench.measure(workload, size: Size(events: 20_000, keys: 100), runs: 2, workers: 2, scaling: true)
        #expect(measurement.singles.count == 2 && measurement.runs.count == 2)
        #expect(try #require(measurement.speedUp) > 0)
    }

    @Test func otherAlertsAreADifferenceAtTheStandardSizeOnly() throws {
        let workload = try #require(Workload.named("seq"))
        var measurement = Measurement(
            workload: "seq", size: workload.standard, workers: 2, alerts: workload.alerts.count, hash: workload.alerts.hash)
        #expect(BenchCommand.difference(measurement, from: workload) == nil)
        measurement.hash = "00"
        let other = "seq: as many alerts as are right, but other bytes: 00, not \(workload.alerts.hash)"
        #expect(BenchCommand.difference(measurement, from: workload) == other)
        measurement.alerts = 1363
        #expect(BenchCommand.difference(measurement, from: workload) == "seq: 1363 alerts, but 1364 are right")
        measurement.size.events -= 1
        #expect(BenchCommand.difference(measurement, from: workload) == nil)
    }

    @Test func aProgramThatFailsFailsTheMeasurement() {
        #expect(throws: BenchError.failed("/bin/false ended with status 1")) { try ChildProcess.run("/bin/false", []) }
        #expect(throws: BenchError.failed("cannot start /no/program: No such file or directory")) {
            try ChildProcess.run("/no/program", [])
        }
        // It has ended before its pipe is full; what it ended with is told, not the pipe.
        #expect(throws: BenchError.failed("/bin/false ended with status 1")) {
            try Latency.run("/bin/false", [], Size(events: 40_000, keys: 10))
        }
        #expect(throws: BenchError.failed("10 of 10 marked events gave no alert")) {
            try Latency.run("/usr/bin/env", ["sh", "-c", "cat >/dev/null"], Size(events: 1000, keys: 10))
        }
        #expect(throws: BenchError.failed("an alert without a mark came")) {
            try Latency.run("/usr/bin/env", ["sh", "-c", "cat >/dev/null; echo {}"], Size(events: 1000, keys: 10))
        }
    }

    /// Ended in the midst of making the file, of a run or of pacing, it leaves nothing behind.
    @Test(arguments: [("seq", 0.1), ("seq", 1.5), ("keys-10k", 0.3), ("latency", 0.5)])
    func anInterruptLeavesNoFiles(workload: String, seconds: Double) throws {
        let folder = try ScratchFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try ChildProcess.sibling("needletail-bench"))
        process.arguments = [workload]
        process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder.url.path]) { $1 }
        process.standardOutput = nil
        process.standardError = nil
        try process.run()
        Thread.sleep(forTimeInterval: seconds)
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 130)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == [])
    }
}
