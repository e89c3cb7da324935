// `make bench`: how fast the release program is on this machine, measured from outside, and whether its alerts are still the right ones.

internal import Events
internal import Glibc

/// What the words on the command line ask for.
enum BenchCommand: Equatable {
    case measure(workloads: [String], size: Size, runs: Int, json: Bool)
    case generate(size: Size, seed: UInt64)
    /// The child process that is measured beside the program.
    case yardstick(path: String, events: Int)
    case help

    static let helpText = """
        usage: needletail-bench [--events N] [--cards N] [--runs N] [--json] [WORKLOAD…]
               needletail-bench generate EVENTS CARDS [SEED]

        Measures `needletail run` from a file of card transactions to a file of alerts, beside
        simdjson, which decodes five fields of the same file and does nothing else.

          --events N   events in the file (default 2000000)
          --cards N    different cards (default 100000)
          --runs N     runs of each workload; figures are their medians (default 5)
          --json       one JSON object for each workload instead of the table

        At the default size the number of alerts is checked; a difference ends with status 1.
        `generate` writes the events to standard output instead; the same numbers give the same bytes.


        """ + "workloads (all by default):\n"
        + Workload.all.map { "  \($0.name)" + String(repeating: " ", count: max(1, 13 - $0.name.count)) + "\($0.about)\n" }.joined()

    private static let runsMax = 1000

    init(_ words: [String]) throws(BenchError) {
        switch words.first {
        case "generate":
            guard words.count == 3 || words.count == 4 else { throw .usage("`generate` takes EVENTS CARDS [SEED]") }
            let size = Size(
                events: try BenchCommand.number(words[1], of: "EVENTS", 0...Size.eventsMax),
                cards: try BenchCommand.number(words[2], of: "CARDS", 1...TransactionGenerator.cardsMax))
            let seed = words.count == 4 ? try BenchCommand.number(words[3], of: "SEED", 0...Int.max) : nil
            self = .generate(size: size, seed: seed.map(UInt64.init) ?? TransactionGenerator.defaultSeed)
        case "yardstick":
            guard words.count == 3 else { throw .usage("`yardstick` takes FILE EVENTS") }
            self = .yardstick(path: words[1], events: try BenchCommand.number(words[2], of: "EVENTS", 0...Size.eventsMax))
        default:
            self = try BenchCommand.measurement(words)
        }
    }

    private static func measurement(_ words: [String]) throws(BenchError) -> BenchCommand {
        var workloads: [String] = []
        var size = Size.standard
        var runs = 5
        var json = false
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": return .help
            case "--json": json = true
            case "--events": size.events = try number(rest.popFirst(), of: word, 1...Size.eventsMax)
            case "--cards": size.cards = try number(rest.popFirst(), of: word, 1...TransactionGenerator.cardsMax)
            case "--runs": runs = try number(rest.popFirst(), of: word, 1...runsMax)
            default:
                guard !word.hasPrefix("-") else { throw .usage("there is no flag `\(word)`") }
                guard Workload.named(word) != nil else {
                    throw .usage("there is no workload `\(word)`; there are \(Workload.all.map(\.name).joined(separator: ", "))")
                }
                if !workloads.contains(word) { workloads.append(word) }
            }
        }
        return .measure(workloads: workloads.isEmpty ? Workload.all.map(\.name) : workloads, size: size, runs: runs, json: json)
    }

    private static func number(_ word: String?, of name: String, _ range: ClosedRange<Int>) throws(BenchError) -> Int {
        guard let word else { throw .usage("`\(name)` needs a number") }
        guard let value = Int(word), range.contains(value) else {
            throw .usage("`\(name)` is a number from \(range.lowerBound) to \(range.upperBound), not `\(word)`")
        }
        return value
    }

    // MARK: - Doing it

    func run() throws(BenchError) {
        switch self {
        case .help:
            try BenchCommand.print(BenchCommand.helpText)
        case .generate(let size, let seed):
            try Bench.generate(size, seed: seed, to: FileHandle.standardOutput)
        case .yardstick(let path, let events):
            try Yardstick.run(path: path, events: events)
        case .measure(let names, let size, let runs, let json):
            try BenchCommand.measure(names, size, runs: runs, json: json)
        }
    }

    private static func measure(_ names: [String], _ size: Size, runs: Int, json: Bool) throws(BenchError) {
        let bench = try Bench(size)
        var measurements: [Measurement] = []
        var differences: [String] = []
        for workload in names.compactMap(Workload.named) {
            let measurement = try bench.measure(workload, runs: runs)
            measurements.append(measurement)
            if json { try print(Report.json(measurement)) }
            if let difference = difference(measurement, from: workload) { differences.append(difference) }
        }
        if !json { try print(Report.heading(size, runs: runs) + Report.table(measurements)) }
        if !differences.isEmpty { throw .failed(differences.joined(separator: "\n")) }
    }

    /// What is wrong with the alerts of a run, as far as they are known.
    static func difference(_ measurement: Measurement, from workload: Workload) -> String? {
        guard measurement.size == .standard, let expected = workload.standardAlerts, measurement.alerts != expected else { return nil }
        return "\(workload.name): \(measurement.alerts) alerts, but \(expected) are right"
    }

    private static func print(_ text: String) throws(BenchError) {
        var buffer = ByteBuffer()
        buffer.append(text: text)
        try FileHandle.standardOutput.write(&buffer)
    }
}

@main
enum Program {
    static func main() {
        do throws(BenchError) {
            Interrupt.catchSignals()
            try BenchCommand(Array(CommandLine.arguments.dropFirst())).run()
        } catch {
            switch error {
            case .usage(let message):
                complain("\(message)\n\n\(BenchCommand.helpText)")
                exit(2)
            case .failed(let message):
                complain("\(message)\n")
                exit(1)
            case .interrupted(let signal):
                exit(128 + signal)
            }
        }
    }

    private static func complain(_ text: String) {
        var buffer = ByteBuffer()
        buffer.append(text: "needletail-bench: " + text)
        write(STDERR_FILENO, buffer.bytes, buffer.count)
    }
}
