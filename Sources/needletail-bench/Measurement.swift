internal import Events

/// A workload's figures over several runs.
struct Measurement: Equatable, Sendable {
    var workload: String
    var size: Size
    /// One a run, in order; the yardstick's run of the same place came right before.
    var runs: [ProcessCost]
    var yardsticks: [ProcessCost]
    var alerts: Int
    /// Of the file of alerts.
    var hash: String

    /// Nanoseconds of the wall clock.
    var time: Double { median(runs.map { Double($0.nanoseconds) }) }
    var nanosecondsPerEvent: Double { time / Double(size.events) }
    var eventsPerSecond: Double { Double(size.events) / time * 1e9 }
    var yardstickEventsPerSecond: Double { Double(size.events) / median(yardsticks.map { Double($0.nanoseconds) }) * 1e9 }
    /// The yardstick's time through the program's, of the pairs: 1 would be as fast as decoding alone.
    var ratio: Double { median(zip(yardsticks, runs).map { Double($0.nanoseconds) / Double($1.nanoseconds) }) }
    /// Of all cores together. Other work on the machine stretches the wall clock's time, and this one little.
    var processorNanosecondsPerEvent: Double { median(runs.map { Double($0.processorNanoseconds) }) / Double(size.events) }
    var yardstickProcessorNanosecondsPerEvent: Double {
        median(yardsticks.map { Double($0.processorNanoseconds) }) / Double(size.events)
    }
    /// Cores that were busy on the average; one worker has one.
    var cores: Double { median(runs.map { Double($0.processorNanoseconds) / Double($0.nanoseconds) }) }
    /// The most of all runs.
    var peakBytes: Int { runs.map(\.peakBytes).max() ?? 0 }
}

/// The middle value, of an even number of values the mean of the two in the middle; 0 of none.
func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

/// One file of events, and the programs that are measured on it.
struct Bench: ~Copyable {
    let size: Size
    private let folder: TemporaryFolder
    private let program: String
    private let ownProgram: String

    /// Makes the file. `needletail` and `needletail-bench` must lie beside the running program.
    init(_ size: Size) throws(BenchError) {
        let program = try ChildProcess.sibling("needletail")
        let ownProgram = try ChildProcess.sibling("needletail-bench")
        let folder = try TemporaryFolder(names: ["events.ndjson", "alerts.ndjson"] + Workload.all.map { $0.name + ".rule" })
        let file = try FileHandle(creating: folder.file("events.ndjson"))
        try Bench.generate(size, seed: TransactionGenerator.defaultSeed, to: file)
        self.size = size
        self.folder = folder
        self.program = program
        self.ownProgram = ownProgram
    }

    /// Writes the events of a size.
    static func generate(_ size: Size, seed: UInt64, to file: borrowing FileHandle) throws(BenchError) {
        var generator = TransactionGenerator(cards: size.cards, seed: seed)
        let pieceBytes = 256 * 1024
        var buffer = ByteBuffer(capacity: pieceBytes + 1024)
        for _ in 0..<size.events {
            generator.append(to: &buffer)
            guard buffer.count >= pieceBytes else { continue }
            try Interrupt.check()
            try file.write(&buffer)
        }
        try file.write(&buffer)
    }

    /// Measures a workload: the yardstick and the program by turns.
    ///
    /// - Throws: where a run fails, or two runs give different alerts.
    func measure(_ workload: Workload, runs: Int) throws(BenchError) -> Measurement {
        let events = folder.file("events.ndjson")
        let alerts = folder.file("alerts.ndjson")
        let rules = folder.file(workload.name + ".rule")
        var text = ByteBuffer()
        text.append(text: workload.rules)
        try FileHandle(creating: rules).write(&text)

        var measurement = Measurement(workload: workload.name, size: size, runs: [], yardsticks: [], alerts: 0, hash: "")
        for run in 0..<runs {
            measurement.yardsticks.append(try ChildProcess.run(ownProgram, ["yardstick", events, String(size.events)]))
            measurement.runs.append(
                try ChildProcess.run(program, ["run", rules, "--input", events, "--alerts", alerts, "--workers", "1", "--quiet"]))
            let content = try FileContent(of: alerts)
            guard run == 0 || content.hash == measurement.hash else {
                throw .failed("\(workload.name): run \(run + 1) gave other alerts than the run before it")
            }
            measurement.alerts = content.lines
            measurement.hash = content.hash
        }
        return measurement
    }
}
