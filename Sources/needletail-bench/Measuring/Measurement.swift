/// A workload's figures over several runs.
struct Measurement: Equatable, Sendable {
    var workload: String
    var size: Size
    var workers: Int
    /// One a run, in order; the yardstick's run of the same place came right before. There is none beside a latency.
    var runs: [ProcessCost] = []
    var yardsticks: [ProcessCost] = []
    /// Runs over the first half of the events, where what a further event costs is asked for.
    var halves: [ProcessCost] = []
    /// Runs with one worker, where the two are compared.
    var singles: [ProcessCost] = []
    var latencies: [Latency] = []
    var alerts = 0
    /// Of the file of alerts.
    var hash = ""

    /// Nanoseconds of the wall clock.
    var time: Double { median(runs.map { Double($0.nanoseconds) }) }
    var nanosecondsPerEvent: Double { time / Double(size.events) }
    /// As if every worker had a core to itself all the time.
    var coreNanosecondsPerEvent: Double { nanosecondsPerEvent * Double(workers) }
    var eventsPerSecond: Double { Double(size.events) / time * 1e9 }
    var yardstickEventsPerSecond: Double? {
        yardsticks.isEmpty ? nil : Double(size.events) / median(yardsticks.map { Double($0.nanoseconds) }) * 1e9
    }
    /// The yardstick's time through the program's, of the pairs: 1 would be as fast as decoding alone.
    var ratio: Double? { quotients(yardsticks, runs) }
    /// The time of one worker through that of all, of the pairs.
    var speedUp: Double? { quotients(singles, runs) }
    /// As ``coreNanosecondsPerEvent``, of the second half of the events: what the runs over the first half took is taken off, and with it
    /// start and end of the program and the making of every key.
    var steadyNanosecondsPerEvent: Double? {
        guard !halves.isEmpty else { return nil }
        let differences = zip(runs, halves).map { Double($0.nanoseconds) - Double($1.nanoseconds) }
        return max(0, median(differences)) * Double(workers) / Double(size.events - size.events / 2)
    }
    /// The same of the processor's time, on all cores together.
    var steadyProcessorNanosecondsPerEvent: Double? {
        guard !halves.isEmpty else { return nil }
        let differences = zip(runs, halves).map { Double($0.processorNanoseconds) - Double($1.processorNanoseconds) }
        return max(0, median(differences)) / Double(size.events - size.events / 2)
    }
    /// Of all cores together. Other work on the machine stretches the wall clock's time, and this one little.
    var processorNanosecondsPerEvent: Double { median(runs.map { Double($0.processorNanoseconds) }) / Double(size.events) }
    var yardstickProcessorNanosecondsPerEvent: Double? {
        yardsticks.isEmpty ? nil : median(yardsticks.map { Double($0.processorNanoseconds) }) / Double(size.events)
    }
    /// Cores that were busy on the average.
    var cores: Double { median(runs.map { Double($0.processorNanoseconds) / Double($0.nanoseconds) }) }
    /// The most of all runs.
    var peakBytes: Int { runs.map(\.peakBytes).max() ?? 0 }

    /// Nanoseconds within which such a share of the alerts came, in the middle one of the runs.
    func latency(_ share: Latency.Share) -> Double? {
        latencies.isEmpty ? nil : median(latencies.map { Double($0[share]) })
    }

    private func quotients(_ dividends: [ProcessCost], _ divisors: [ProcessCost]) -> Double? {
        dividends.isEmpty ? nil : median(zip(dividends, divisors).map { Double($0.nanoseconds) / Double($1.nanoseconds) })
    }
}

/// The middle value, of an even number of values the mean of the two in the middle; 0 of none.
func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
