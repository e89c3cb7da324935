import Testing

@testable import needletail_bench

/// A small size of every workload, measured as `make bench` does it.
@Suite struct WorkloadTests {
    static let size = Size(events: 60_000, cards: 300)

    /// Alerts and their hash at ``size``.
    static let recorded: [String: (alerts: Int, hash: String)] = [
        "seq": (238, "03f902f550aa4507abeb758a1a973449"),
        "not": (359, "60b84fb9c1bb03bfc066725820934ed7"),
        "iter": (9_935, "075f76763b7cc0077a843a4b9e74e072"),
    ]

    @Test func everyWorkloadGivesTheRecordedAlerts() throws {
        let bench = try Bench(Self.size)
        #expect(Self.recorded.keys.sorted() == Workload.all.map(\.name).sorted())
        for workload in Workload.all {
            let measurement = try bench.measure(workload, runs: 2)
            let recorded = try #require(Self.recorded[workload.name])
            #expect(measurement.alerts == recorded.alerts, "\(workload.name)")
            #expect(measurement.hash == recorded.hash, "\(workload.name)")
            #expect(measurement.runs.count == 2 && measurement.yardsticks.count == 2)
            #expect(measurement.ratio > 0 && measurement.eventsPerSecond > 0 && measurement.peakBytes > 1 << 20)
        }
    }

    @Test func aWrongCountIsADifferenceAtTheStandardSizeOnly() throws {
        let workload = try #require(Workload.named("seq"))
        var measurement = Measurement(workload: "seq", size: .standard, runs: [], yardsticks: [], alerts: 1364, hash: "")
        #expect(BenchCommand.difference(measurement, from: workload) == nil)
        measurement.alerts = 1363
        #expect(BenchCommand.difference(measurement, from: workload) == "seq: 1363 alerts, but 1364 are right")
        measurement.size = Self.size
        #expect(BenchCommand.difference(measurement, from: workload) == nil)
    }

    @Test func aProgramThatFailsFailsTheMeasurement() {
        #expect(throws: BenchError.failed("/bin/false ended with status 1")) { try ChildProcess.run("/bin/false", []) }
        #expect(throws: BenchError.failed("cannot start /no/program: No such file or directory")) {
            try ChildProcess.run("/no/program", [])
        }
    }
}
