import Testing

@testable import needletail_bench

@Suite struct ReportTests {
    static func cost(_ milliseconds: UInt64, peak: Int = 20_000_000) -> ProcessCost {
        ProcessCost(nanoseconds: milliseconds * 1_000_000, processorNanoseconds: milliseconds * 500_000, peakBytes: peak)
    }

    /// The ratios of the pairs are 0.5, 0.1 and 0.4: their median is not the ratio of the medians.
    static let measurement = Measurement(
        workload: "seq", size: Size(events: 1000, keys: 10), workers: 2, runs: [cost(2), cost(10), cost(5, peak: 31_240_000)],
        yardsticks: [cost(1), cost(1), cost(2)], alerts: 1234, hash: "00ff")

    @Test func figuresAreMedians() {
        #expect(median([]) == 0)
        #expect(median([3, 1, 2]) == 2)
        #expect(median([4, 1, 2, 3]) == 2.5)
        #expect(Self.measurement.ratio == 0.4)
        #expect(Self.measurement.nanosecondsPerEvent == 5000)
        #expect(Self.measurement.coreNanosecondsPerEvent == 10_000)
        #expect(Self.measurement.cores == 0.5)
        #expect(Self.measurement.peakBytes == 31_240_000)
        #expect(Self.measurement.steadyNanosecondsPerEvent == nil && Self.measurement.speedUp == nil)
        #expect(Self.measurement.latency(.p50) == nil)
    }

    /// What the first half took is taken off pair by pair; 4, 2 and 3 ms for 500 events on two cores.
    @Test func anEventMoreIsTheDifferenceOfTwoRuns() {
        var measurement = Self.measurement
        measurement.halves = [Self.cost(0), Self.cost(7), Self.cost(1)]
        #expect(measurement.steadyNanosecondsPerEvent == 12_000)
        #expect(measurement.steadyProcessorNanosecondsPerEvent == 3000)
        measurement.halves = [Self.cost(20), Self.cost(20), Self.cost(20)]
        #expect(measurement.steadyNanosecondsPerEvent == 0)
        measurement.singles = [Self.cost(4), Self.cost(15), Self.cost(5)]
        #expect(measurement.speedUp == 1.5)
    }

    @Test func sharesOfLatencies() {
        #expect(Latency(of: []) == Latency(of: [0]))
        let thousand = Latency(of: (1...1000).reversed())
        #expect([thousand[.p50], thousand[.p99], thousand[.p999], thousand[.all]] == [500, 990, 999, 1000])
        let few = Latency(of: [30, 10, 20])
        #expect([few.p50, few.p99, few.p999, few.maximum] == [20, 30, 30, 30])
    }

    @Test func tableAndHeading() {
        #expect(
            Report.heading(workers: 2) + Report.table([Self.measurement]) + Report.notes([Self.measurement]) == """
                file to alerts, 2 workers, medians of the runs
                workload  events  keys  runs  events/s  ns/event/core  cpu ns  yardstick/s  \
                of yardstick  peak MB  alerts  hash of the alerts
                seq        1,000    10     3   200,000          10000    2500    1,000,000          0.40     31.2   1,234  00ff

                """)
    }

    @Test func whatFewWorkloadsHaveStandsWhereOneHasIt() {
        var keys = Self.measurement
        keys.workload = "keys-10k"
        keys.halves = [Self.cost(1), Self.cost(9), Self.cost(3)]
        var more = keys
        more.workload = "keys-1m"
        more.halves = [Self.cost(0), Self.cost(8), Self.cost(4)]
        more.singles = [Self.cost(3), Self.cost(15), Self.cost(10)]
        var latency = Self.measurement
        latency.workload = "latency"
        latency.yardsticks = []
        latency.latencies = [Latency(of: [1000, 2000]), Latency(of: [3000, 9400]), Latency(of: [2000, 5000])]
        #expect(
            Report.table([keys, more, latency]) + Report.notes([keys, more, latency]) == """
                workload  events  keys  runs  events/s  ns/event/core  steady  cpu ns  steady cpu  yardstick/s  \
                of yardstick  of 1 worker  peak MB  alerts  hash of the alerts
                keys-10k   1,000    10     3   \
                200,000          10000    4000    2500        1000    1,000,000          0.40            -     31.2   1,234  00ff
                keys-1m    1,000    10     3   \
                200,000          10000    8000    2500        2000    1,000,000          0.40         1.50     31.2   1,234  00ff
                latency    1,000    10     3   \
                200,000          10000       -    2500           -            -             -            -     31.2   1,234  00ff
                latency: p50 2 µs, p99 5 µs, p99.9 5 µs from write to read
                an event more, against keys-10k: keys-1m 2.00

                """)
        #expect(Report.heading(workers: 1) == "file to alerts, one worker, medians of the runs\n")
    }

    @Test func json() {
        var measurement = Self.measurement
        measurement.latencies = [Latency(of: [1000, 2500])]
        #expect(
            Report.json(measurement) == """
                {"workload":"seq","events":1000,"keys":10,"workers":2,"runs":3,"events_per_second":200000,"ns_per_event":5000.0,\
                "ns_per_event_per_core":10000.0,"steady_ns_per_event_per_core":null,\
                "steady_cpu_ns_per_event":null,"cpu_ns_per_event":2500.0,\
                "yardstick_events_per_second":1000000,"yardstick_cpu_ns_per_event":500.0,"yardstick_ratio":0.4000,\
                "one_worker_ratio":null,"latency_p50_us":1.0,"latency_p99_us":2.5,"latency_p999_us":2.5,"latency_max_us":2.5,\
                "cores":0.50,"peak_bytes":31240000,"alerts":1234,"alerts_xxh128":"00ff"}

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
        var plan = BenchCommand.Plan()
        #expect(plan.workloads.count == 12 && plan.workers >= 1)
        #expect(try BenchCommand([]) == .measure(plan))
        plan.workloads = ["iter"]
        plan.workers = 3
        plan.scaling = true
        plan.events = 10
        plan.keys = 2
        plan.runs = 1
        plan.json = true
        let words = ["--events", "10", "iter", "--keys", "2", "--runs", "1", "--json", "iter", "--workers", "3", "--scaling"]
        #expect(try BenchCommand(words) == .measure(plan))
        #expect(try BenchCommand(["generate", "10", "2"]) == .generate(.transactions, Size(events: 10, keys: 2), seed: nil))
        #expect(try BenchCommand(["generate", "10", "2", "9"]) == .generate(.transactions, Size(events: 10, keys: 2), seed: 9))
        #expect(try BenchCommand(["generate", "absence", "10", "2"]) == .generate(.orders, Size(events: 10, keys: 2), seed: nil))
        #expect(try BenchCommand(["rules", "seq"]) == .rules(workload: "seq"))
        #expect(try BenchCommand(["yardstick", "x", "5", "2"]) == .yardstick(path: "x", events: 5, workers: 2))
        #expect(try BenchCommand(["--help"]) == .help)
    }

    @Test func helpListsEveryWorkload() {
        for workload in Workload.all { #expect(BenchCommand.helpText.contains("\n  \(workload.name) ")) }
    }

    private static let names =
        "seq, not, iter, count, rules-10, rules-100, absence, keys-10k, keys-100k, keys-1m, keys-10m, latency"

    @Test(arguments: [
        (["--events"], "`--events` needs a number"),
        (["--events", "0"], "`--events` is a number from 1 to 1000000000, not `0`"),
        (["--keys", "99999999999999999999"], "`--keys` is a number from 1 to 1000000000, not `99999999999999999999`"),
        (["--runs", "x"], "`--runs` is a number from 1 to 1000, not `x`"),
        (["--workers", "257"], "`--workers` is a number from 1 to 256, not `257`"),
        (["--what"], "there is no flag `--what`"),
        (["sequence"], "there is no workload `sequence`; there are \(names)"),
        (["rules"], "`rules` takes WORKLOAD"),
        (["generate", "10"], "`generate` takes [WORKLOAD] EVENTS KEYS [SEED]"),
        (["generate", "sequence", "10", "2"], "there is no workload `sequence`; there are \(names)"),
        (["generate", "absence", "10", "2", "3"], "only transactions take a SEED"),
    ])
    func wrongWordsAreAUsageError(words: [String], message: String) {
        #expect(throws: BenchError.usage(message)) { try BenchCommand(words) }
    }
}
