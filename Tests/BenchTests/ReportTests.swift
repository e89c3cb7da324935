import Testing

@testable import needletail_bench

@Suite struct ReportTests {
    static func cost(_ milliseconds: UInt64, peak: Int = 20_000_000) -> ProcessCost {
        ProcessCost(nanoseconds: milliseconds * 1_000_000, processorNanoseconds: milliseconds * 500_000, peakBytes: peak)
    }

    /// The ratios of the pairs are 0.5, 0.1 and 0.4: their median is not the ratio of the medians.
    static let measurement = Measurement(
        workload: "seq", size: Size(events: 1000, cards: 10), runs: [cost(2), cost(10), cost(5, peak: 31_240_000)],
        yardsticks: [cost(1), cost(1), cost(2)], alerts: 1234, hash: "00ff")

    @Test func figuresAreMedians() {
        #expect(median([]) == 0)
        #expect(median([3, 1, 2]) == 2)
        #expect(median([4, 1, 2, 3]) == 2.5)
        #expect(Self.measurement.ratio == 0.4)
        #expect(Self.measurement.nanosecondsPerEvent == 5000)
        #expect(Self.measurement.cores == 0.5)
        #expect(Self.measurement.peakBytes == 31_240_000)
    }

    @Test func tableAndHeading() {
        #expect(
            Report.heading(Self.measurement.size, runs: 3) + Report.table([Self.measurement]) == """
                1,000 events of 10 cards, file to alerts, one worker, medians of 3 runs
                workload  events/s  ns/event  cpu ns  yardstick/s  of yardstick  peak MB  alerts  hash of the alerts
                seq        200,000      5000    2500    1,000,000          0.40     31.2   1,234  00ff

                """)
    }

    @Test func json() {
        #expect(
            Report.json(Self.measurement) == """
                {"workload":"seq","events":1000,"cards":10,"runs":3,"events_per_second":200000,"ns_per_event":5000.0,\
                "cpu_ns_per_event":2500.0,"yardstick_events_per_second":1000000,"yardstick_cpu_ns_per_event":500.0,\
                "yardstick_ratio":0.4000,"cores":0.50,"peak_bytes":31240000,"alerts":1234,"alerts_xxh128":"00ff"}

                """)
    }

    @Test func numbers() {
        #expect([0, 999, 1000, 1_234_567, -12_345].map(Report.grouped) == ["0", "999", "1,000", "1,234,567", "-12,345"])
        #expect(Report.fixed(0.005, places: 1) == "0.0")
        #expect(Report.fixed(1.999, places: 2) == "2.00")
        #expect(Report.fixed(12.04, places: 2) == "12.04")
        #expect(Report.fixed(.infinity, places: 2) == "-")
    }

    @Test func wordsOfTheCommandLine() throws {
        #expect(try BenchCommand([]) == .measure(workloads: ["seq", "not", "iter"], size: .standard, runs: 5, json: false))
        #expect(
            try BenchCommand(["--events", "10", "iter", "--cards", "2", "--runs", "1", "--json", "iter"])
                == .measure(workloads: ["iter"], size: Size(events: 10, cards: 2), runs: 1, json: true))
        #expect(try BenchCommand(["generate", "10", "2"]) == .generate(size: Size(events: 10, cards: 2), seed: 7))
        #expect(try BenchCommand(["generate", "10", "2", "9"]) == .generate(size: Size(events: 10, cards: 2), seed: 9))
        #expect(try BenchCommand(["--help"]) == .help)
    }

    @Test(arguments: [
        (["--events"], "`--events` needs a number"),
        (["--events", "0"], "`--events` is a number from 1 to 1000000000, not `0`"),
        (["--cards", "99999999999999999999"], "`--cards` is a number from 1 to 1000000000, not `99999999999999999999`"),
        (["--runs", "x"], "`--runs` is a number from 1 to 1000, not `x`"),
        (["--what"], "there is no flag `--what`"),
        (["sequence"], "there is no workload `sequence`; there are seq, not, iter"),
        (["generate", "10"], "`generate` takes EVENTS CARDS [SEED]"),
    ])
    func wrongWordsAreAUsageError(words: [String], message: String) {
        #expect(throws: BenchError.usage(message)) { try BenchCommand(words) }
    }
}
