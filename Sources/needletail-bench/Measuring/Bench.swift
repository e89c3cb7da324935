internal import Events
internal import Glibc

/// The programs that are measured, and the file of events that they are measured on.
struct Bench: ~Copyable {
    private let folder: TemporaryFolder
    private let program: String
    private let ownProgram: String
    /// What lies in the folder; the next workload takes it as it is if it asks for the same.
    private var events: (kind: EventKind, size: Size)?

    /// `needletail` and `needletail-bench` must lie beside the running program.
    init() throws(BenchError) {
        let program = try ChildProcess.sibling("needletail")
        let ownProgram = try ChildProcess.sibling("needletail-bench")
        let folder = try TemporaryFolder(
            names: ["events.ndjson", "half.ndjson", "alerts.ndjson"] + Workload.all.map { $0.name + ".rule" })
        self.program = program
        self.ownProgram = ownProgram
        self.folder = folder
    }

    /// Of the machine.
    static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    // MARK: - Events

    /// Writes the events of a size.
    static func generate(_ kind: EventKind, _ size: Size, seed: UInt64? = nil, to file: borrowing FileHandle) throws(BenchError) {
        switch kind {
        case .transactions:
            var generator = TransactionGenerator(cards: size.keys, seed: seed ?? TransactionGenerator.defaultSeed)
            try write(&generator, events: size.events, to: file)
        case .orders:
            var generator = OrderGenerator(events: size.events, openMean: size.keys)
            try write(&generator, events: size.events, to: file)
        case .marks:
            var generator = MarkGenerator(cards: size.keys)
            try write(&generator, events: size.events, to: file)
        case .sessions:
            var generator = SessionGenerator(cards: size.keys)
            try write(&generator, events: size.events, to: file)
        }
    }

    private static func write(
        _ generator: inout some EventGenerator, events: Int, to file: borrowing FileHandle
    ) throws(BenchError) {
        let pieceBytes = 256 * 1024
        var buffer = ByteBuffer(capacity: pieceBytes + 1024)
        for _ in 0..<events {
            generator.append(to: &buffer)
            guard buffer.count >= pieceBytes else { continue }
            try Interrupt.check()
            try file.write(buffer)
            buffer.removeAll()
        }
        try file.write(buffer)
    }

    /// Makes the files of a workload unless they are there.
    private mutating func prepare(_ kind: EventKind, _ size: Size) throws(BenchError) {
        if let events, events == (kind, size) { return }
        events = nil
        for name in ["events.ndjson", "half.ndjson"] { unlink(folder.file(name)) }
        let file = try FileHandle(creating: folder.file("events.ndjson"))
        if kind == .sessions {
            // The first half is the same events in a file of its own.
            let half = try FileHandle(creating: folder.file("half.ndjson"))
            var generator = SessionGenerator(cards: size.keys)
            try Bench.write(&generator, events: size.events / 2, to: half)
            try half.settle()
            try FileHandle(reading: folder.file("half.ndjson")).copy(to: file)
            try Bench.write(&generator, events: size.events - size.events / 2, to: file)
        } else {
            try Bench.generate(kind, size, to: file)
        }
        try file.settle()
        events = (kind, size)
    }

    // MARK: - Runs

    /// Measures a workload: the yardstick and the program by turns.
    ///
    /// - Parameter scaling: whether runs with one worker stand between, for the ratio of the two.
    /// - Throws: where a run fails, or two runs give different alerts.
    mutating func measure(
        _ workload: Workload, size: Size, runs: Int, workers: Int, scaling: Bool = false
    ) throws(BenchError) -> Measurement {
        let rules = folder.file(workload.name + ".rule")
        var text = ByteBuffer()
        text.append(text: workload.rules)
        try FileHandle(creating: rules).write(text)
        var measurement = Measurement(workload: workload.name, size: size, workers: workers)
        if workload.events == .marks {
            for _ in 0..<runs {
                let run = try Latency.run(program, Bench.words(rules, workers: workers), size)
                measurement.runs.append(run.cost)
                measurement.latencies.append(run.latency)
                try measurement.take(run.content, isFirst: measurement.runs.count == 1)
            }
            return measurement
        }
        try prepare(workload.events, size)
        for run in 0..<runs {
            measurement.yardsticks.append(
                try ChildProcess.run(ownProgram, ["yardstick", folder.file("events.ndjson"), String(size.events), String(workers)]))
            let whole = try file("events.ndjson", rules, workers)
            measurement.runs.append(whole.cost)
            try measurement.take(whole.content, isFirst: run == 0)
            if workload.events == .sessions { measurement.halves.append(try file("half.ndjson", rules, workers).cost) }
            guard scaling else { continue }
            let single = try file("events.ndjson", rules, 1)
            measurement.singles.append(single.cost)
            try measurement.take(single.content, isFirst: false)
        }
        return measurement
    }

    private func file(_ name: String, _ rules: String, _ workers: Int) throws(BenchError) -> (cost: ProcessCost, content: FileContent) {
        let alerts = folder.file("alerts.ndjson")
        let cost = try ChildProcess.run(
            program, Bench.words(rules, workers: workers) + ["--input", folder.file(name), "--alerts", alerts])
        return (cost, try FileContent(of: alerts))
    }

    private static func words(_ rules: String, workers: Int) -> [String] { ["run", rules, "--workers", String(workers), "--quiet"] }
}

extension Measurement {
    fileprivate mutating func take(_ content: FileContent, isFirst: Bool) throws(BenchError) {
        guard isFirst || content.hash == hash else {
            throw .failed("\(workload): two runs over the same events gave different alerts")
        }
        alerts = content.lines
        hash = content.hash
    }
}
