internal import Events
internal import Glibc
internal import Synchronization

/// What it costs to deliver alerts: `seq` again and again through a pipe, its alerts to a file, and then to a file and a webhook.
struct Delivery {
    struct Plan: Equatable {
        /// Of each of the two runs.
        var seconds = 60
        /// So long the endpoint refuses connections, from a tenth of the run on.
        var secondsDown = 0
        /// Alerts a request.
        var batch = 1
        var workers = Bench.cores
        /// Of a round of events.
        var size = Size(events: 2_000_000, keys: 100_000)
    }

    /// A run.
    struct Figures: Equatable {
        var events: Int
        var seconds: Double
        /// The rate while the endpoint was down; nil where it was not.
        var rateDown: Double?
        /// In the file, and at the endpoint.
        var filed: AlertTally
        var received: AlertTally
        var cost: ProcessCost

        var rate: Double { Double(events) / seconds }
    }

    /// Linux' `F_SETPIPE_SZ`.
    private static let setPipeSize: Int32 = 1031

    /// Measures, and gives the report.
    ///
    /// - Throws: where a run fails, or an alert did not arrive.
    static func run(_ plan: Plan) throws(BenchError) -> String {
        Glibc.signal(SIGPIPE, SIG_IGN)
        let program = try ChildProcess.sibling("needletail")
        let folder = try TemporaryFolder(names: ["seq.rule", "alerts.ndjson"])
        guard let workload = Workload.named("seq") else { throw .failed("there is no workload `seq`") }
        var text = ByteBuffer()
        text.append(text: workload.rules)
        try FileHandle(creating: folder.file("seq.rule")).write(text)
        let words = ["run", folder.file("seq.rule"), "--quiet", "--workers", String(plan.workers), "--alerts", folder.file("alerts.ndjson")]
        var feeder = Feeder(plan.size)
        let alone = try measure(program, words, &feeder, alerts: folder.file("alerts.ndjson"), seconds: plan.seconds, down: nil, nil)
        feeder = Feeder(plan.size)
        let receiver = try Receiver()
        var hookWords = words + ["--alerts", receiver.url, "--webhook-allow-private"]
        if plan.batch > 1 { hookWords += ["--batch", String(plan.batch)] }
        let begin = UInt64(plan.seconds) * 100_000_000
        let down = plan.secondsDown > 0 ? begin..<(begin + UInt64(plan.secondsDown) * 1_000_000_000) : nil
        let delivering = try measure(
            program, hookWords, &feeder, alerts: folder.file("alerts.ndjson"), seconds: plan.seconds, down: down, receiver)
        guard delivering.received.ids == delivering.filed.ids else {
            let missing = delivering.filed.ids.subtracting(delivering.received.ids).count
            throw .failed("\(missing) of \(delivering.filed.ids.count) alerts did not arrive")
        }
        return report(alone, delivering, plan)
    }

    private static func measure(
        _ program: String, _ words: [String], _ feeder: inout Feeder, alerts: String, seconds: Int, down: Range<UInt64>?, _ receiver: Receiver?
    ) throws(BenchError) -> Figures {
        let input = try FileHandle.pipe()
        _ = fcntl(input.writing.descriptor, Delivery.setPipeSize, 1 << 20)
        let child = try ChildProcess(program, words, input: input.reading.descriptor)
        let start = monotonicNanoseconds()
        let fed = Atomic<Int>(0)
        let outage = Outage()
        let events: Int
        do throws(BenchError) {
            let pipe = input.keepWriting()
            // By a thread of its own: the program may stand still meanwhile, and with it the pipe.
            let thread: BackgroundThread? =
                if let down, let receiver { try BackgroundThread { outage.take(down, from: start, of: receiver, fed) } } else { nil }
            defer { thread?.join() }
            events = try feeder.feed(pipe, until: start + UInt64(seconds) * 1_000_000_000, fed)
        } catch {
            child.terminate()
            _ = try child.wait()
            throw error
        }
        let end = monotonicNanoseconds()
        let cost = try child.wait()
        if let error = outage.error { throw error }
        return Figures(
            events: events, seconds: Double(end - start) / 1e9, rateDown: outage.rate, filed: try AlertTally.of(file: alerts),
            received: receiver?.tally ?? AlertTally(), cost: cost)
    }

    /// A time in which the endpoint refuses connections.
    private final class Outage: @unchecked Sendable {
        // @unchecked: written by the thread that takes it, read when that has ended.
        /// Of events, meanwhile.
        private(set) var rate: Double?
        private(set) var error: BenchError?

        /// - Parameter down: in nanoseconds from the start on.
        func take(_ down: Range<UInt64>, from start: UInt64, of receiver: Receiver, _ fed: borrowing Atomic<Int>) {
            func sleep(until time: UInt64) -> Int {
                while monotonicNanoseconds() < start + time { usleep(1_000) }
                return fed.load(ordering: .relaxed)
            }
            let first = sleep(until: down.lowerBound)
            receiver.stop()
            let last = sleep(until: down.upperBound)
            rate = Double(last - first) / Double(down.upperBound - down.lowerBound) * 1e9
            do throws(BenchError) { try receiver.resume() } catch { self.error = error }
        }
    }

    private static func report(_ alone: Figures, _ delivering: Figures, _ plan: Plan) -> String {
        func line(_ name: String, _ figures: Figures) -> String {
            "\(name): \(Report.grouped(Int(figures.rate))) events/s, \(Report.grouped(Int(Double(figures.filed.count) / figures.seconds))) alerts/s, "
                + "\(Report.fixed(Double(figures.cost.processorNanoseconds) / Double(figures.events), places: 0)) cpu ns an event\n"
        }
        var text = "seq again and again for \(plan.seconds) s through a pipe, \(plan.workers) workers\n"
        text += line("alerts to a file", alone)
        text += line("and to a webhook" + (plan.batch > 1 ? ", \(plan.batch) a request" : ""), delivering)
        text += "ratio: \(Report.fixed(delivering.rate / alone.rate, places: 3))\n"
        if let rate = delivering.rateDown {
            text += "while the endpoint was down for \(plan.secondsDown) s: \(Report.grouped(Int(rate))) events/s\n"
        }
        text += "received: all of \(Report.grouped(delivering.received.ids.count)) alerts"
        let repeated = delivering.received.count - delivering.received.ids.count
        return text + (repeated > 0 ? ", \(Report.grouped(repeated)) of them twice\n" : "\n")
    }
}
