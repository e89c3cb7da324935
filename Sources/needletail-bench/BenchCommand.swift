// `make bench`: how fast the release program is on this machine, measured from outside, and whether its alerts are still the right ones.

internal import Events
internal import Glibc

/// What the words on the command line ask for.
enum BenchCommand: Equatable {
    case measure(Plan)
    case generate(EventKind, Size, seed: UInt64?)
    /// The text of a workload's rule file.
    case rules(workload: String)
    /// The child process that is measured beside the program.
    case yardstick(path: String, events: Int, workers: Int)
    case delivery(Delivery.Plan)
    case help

    /// What is measured, and how.
    struct Plan: Equatable {
        var workloads: [String] = Workload.all.map(\.name)
        var workers = Bench.cores
        var scaling = false
        /// Instead of the workload's own.
        var events: Int?
        var keys: Int?
        var runs: Int?
        var json = false
    }

    static let helpText =
        """
        usage: needletail-bench [--workers N] [--scaling] [--events N] [--keys N] [--runs N] [--json] [WORKLOAD…]
               needletail-bench generate [WORKLOAD] EVENTS KEYS [SEED]
               needletail-bench rules WORKLOAD
               needletail-bench delivery [--seconds N] [--down N] [--batch N] [--workers N]

        Measures `needletail run` from a file of events to a file of alerts, beside simdjson, which
        decodes five fields of the same file on as many threads and does nothing else.

          --workers N  threads that match, and threads of the yardstick (default: the cores)
          --scaling    run with one worker in between, and give the ratio of the two
          --events N   events in the file, instead of the workload's own number
          --keys N     different cards, or orders that are open at a time, instead of its own
          --runs N     runs of each workload, instead of its own; figures are their medians
          --json       one JSON object for each workload as it is done, instead of the table

        At a workload's own size the alerts are checked; a difference ends with status 1.
        `generate` writes the events to standard output instead, by default the transactions of `seq`;
        the same numbers give the same bytes. `rules` writes the rule file. `delivery` runs `seq`
        again and again for so many seconds (60), once with its alerts to a file and once also to
        a webhook on this machine, which may refuse connections for --down seconds in between.


        """ + "workloads (all by default):\n"
        + Workload.all.map { workload in
            let events = "\(Report.grouped(workload.standard.events)) events, \(workload.runs) runs"
            let room = String(repeating: " ", count: max(1, 11 - workload.name.count))
            return "  \(workload.name)\(room)\(workload.about) (\(events))\n"
        }.joined()

    private static let runsMax = 1000
    /// As many as `needletail run` takes.
    private static let workersMax = 256

    init(_ words: [String]) throws(BenchError) {
        switch words.first {
        case "generate":
            self = try BenchCommand.generation(Array(words.dropFirst()))
        case "rules":
            guard words.count == 2 else { throw .usage("`rules` takes WORKLOAD") }
            self = .rules(workload: try BenchCommand.workload(words[1]).name)
        case "delivery":
            self = try BenchCommand.delivery(Array(words.dropFirst()))
        case "yardstick":
            guard words.count == 4 else { throw .usage("`yardstick` takes FILE EVENTS WORKERS") }
            self = .yardstick(
                path: words[1], events: try BenchCommand.number(words[2], of: "EVENTS", 0...Size.eventsMax),
                workers: try BenchCommand.number(words[3], of: "WORKERS", 1...BenchCommand.workersMax))
        default:
            self = try BenchCommand.measurement(words)
        }
    }

    private static func generation(_ words: [String]) throws(BenchError) -> BenchCommand {
        var words = words[...]
        var kind = EventKind.transactions
        if let first = words.first, Int(first) == nil {
            kind = try workload(first).events
            words = words.dropFirst()
        }
        guard words.count == 2 || words.count == 3 else { throw .usage("`generate` takes [WORKLOAD] EVENTS KEYS [SEED]") }
        let size = Size(
            events: try number(words.popFirst(), of: "EVENTS", 0...Size.eventsMax),
            keys: try number(words.popFirst(), of: "KEYS", 1...Size.keysMax))
        guard let seed = words.popFirst() else { return .generate(kind, size, seed: nil) }
        guard kind == .transactions else { throw .usage("only transactions take a SEED") }
        return .generate(kind, size, seed: UInt64(try number(seed, of: "SEED", 0...Int.max)))
    }

    private static func delivery(_ words: [String]) throws(BenchError) -> BenchCommand {
        var plan = Delivery.Plan()
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--seconds": plan.seconds = try number(rest.popFirst(), of: word, 1...86_400)
            case "--down": plan.secondsDown = try number(rest.popFirst(), of: word, 1...86_400)
            case "--batch": plan.batch = try number(rest.popFirst(), of: word, 1...1000)
            case "--workers": plan.workers = try number(rest.popFirst(), of: word, 1...workersMax)
            default: throw .usage("there is no flag `\(word)` of `delivery`")
            }
        }
        return .delivery(plan)
    }

    private static func measurement(_ words: [String]) throws(BenchError) -> BenchCommand {
        var plan = Plan()
        var workloads: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": return .help
            case "--json": plan.json = true
            case "--scaling": plan.scaling = true
            case "--workers": plan.workers = try number(rest.popFirst(), of: word, 1...workersMax)
            case "--events": plan.events = try number(rest.popFirst(), of: word, 1...Size.eventsMax)
            case "--keys": plan.keys = try number(rest.popFirst(), of: word, 1...Size.keysMax)
            case "--runs": plan.runs = try number(rest.popFirst(), of: word, 1...runsMax)
            default:
                guard !word.hasPrefix("-") else { throw .usage("there is no flag `\(word)`") }
                let name = try workload(word).name
                if !workloads.contains(name) { workloads.append(name) }
            }
        }
        if !workloads.isEmpty { plan.workloads = workloads }
        return .measure(plan)
    }

    private static func workload(_ word: String) throws(BenchError) -> Workload {
        guard let workload = Workload.named(word) else {
            throw .usage("there is no workload `\(word)`; there are \(Workload.all.map(\.name).joined(separator: ", "))")
        }
        return workload
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
        case .generate(let kind, let size, let seed):
            try Bench.generate(kind, size, seed: seed, to: FileHandle.standardOutput)
        case .rules(let name):
            try BenchCommand.print(Workload.named(name)?.rules ?? "")
        case .yardstick(let path, let events, let workers):
            try Yardstick.run(path: path, events: events, workers: workers)
        case .delivery(let plan):
            try BenchCommand.print(try Delivery.run(plan))
        case .measure(let plan):
            try BenchCommand.carryOut(plan)
        }
    }

    private static func carryOut(_ plan: Plan) throws(BenchError) {
        var bench = try Bench()
        var measurements: [Measurement] = []
        var differences: [String] = []
        for workload in plan.workloads.compactMap(Workload.named) {
            if isatty(STDERR_FILENO) != 0 { Program.complain("\(workload.name) …\n") }
            let size = Size(events: plan.events ?? workload.standard.events, keys: plan.keys ?? workload.standard.keys)
            let measurement = try bench.measure(
                workload, size: size, runs: plan.runs ?? workload.runs, workers: plan.workers, scaling: plan.scaling)
            measurements.append(measurement)
            if plan.json { try print(Report.json(measurement)) }
            if let difference = difference(measurement, from: workload) { differences.append(difference) }
        }
        if !plan.json { try print(Report.heading(workers: plan.workers) + Report.table(measurements) + Report.notes(measurements)) }
        if !differences.isEmpty { throw .failed(differences.joined(separator: "\n")) }
    }

    /// What is wrong with the alerts of a run, as far as they are known.
    static func difference(_ measurement: Measurement, from workload: Workload) -> String? {
        guard measurement.size == workload.standard else { return nil }
        guard measurement.alerts == workload.alerts.count else {
            return "\(workload.name): \(measurement.alerts) alerts, but \(workload.alerts.count) are right"
        }
        guard measurement.hash == workload.alerts.hash else {
            return "\(workload.name): as many alerts as are right, but other bytes: \(measurement.hash), not \(workload.alerts.hash)"
        }
        return nil
    }

    private static func print(_ text: String) throws(BenchError) {
        var buffer = ByteBuffer()
        buffer.append(text: text)
        try FileHandle.standardOutput.write(buffer)
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

    static func complain(_ text: String) {
        var buffer = ByteBuffer()
        buffer.append(text: "needletail-bench: " + text)
        write(STDERR_FILENO, buffer.bytes, buffer.count)
    }
}
