/// Measurements as people and as scripts read them.
enum Report {
    /// A column of the table. One that holds a figure of few workloads is left out where none of them was measured.
    private struct Column {
        let title: String
        var isOnTheLeft = false
        let cell: @Sendable (Measurement) -> String?
    }

    private static let columns = [
        Column(title: "workload", isOnTheLeft: true) { $0.workload },
        Column(title: "events") { grouped($0.size.events) },
        Column(title: "keys") { grouped($0.size.keys) },
        Column(title: "runs") { String($0.runs.count) },
        Column(title: "events/s") { grouped(Int($0.eventsPerSecond)) },
        Column(title: "ns/event/core") { fixed($0.coreNanosecondsPerEvent, places: 0) },
        Column(title: "steady") { $0.steadyNanosecondsPerEvent.map { fixed($0, places: 0) } },
        Column(title: "cpu ns") { fixed($0.processorNanosecondsPerEvent, places: 0) },
        Column(title: "steady cpu") { $0.steadyProcessorNanosecondsPerEvent.map { fixed($0, places: 0) } },
        Column(title: "yardstick/s") { $0.yardstickEventsPerSecond.map { grouped(Int($0)) } },
        Column(title: "of yardstick") { $0.ratio.map { fixed($0, places: 2) } },
        Column(title: "of 1 worker") { $0.speedUp.map { fixed($0, places: 2) } },
        Column(title: "peak MB") { fixed(Double($0.peakBytes) / 1e6, places: 1) },
        Column(title: "alerts") { grouped($0.alerts) },
        Column(title: "hash of the alerts", isOnTheLeft: true) { $0.hash },
    ]

    static func heading(workers: Int) -> String {
        "file to alerts, \(workers == 1 ? "one worker" : "\(workers) workers"), medians of the runs\n"
    }

    /// A table with a line for each workload.
    static func table(_ measurements: [Measurement]) -> String {
        let shown = columns.filter { column in measurements.contains { column.cell($0) != nil } }
        let rows = [shown.map(\.title)] + measurements.map { measurement in shown.map { $0.cell(measurement) ?? "-" } }
        let widths = shown.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for row in rows {
            let padded = row.indices.map { column in
                let room = String(repeating: " ", count: widths[column] - row[column].count)
                // Names and hashes stand at the left, numbers at the right.
                return shown[column].isOnTheLeft ? row[column] + room : room + row[column]
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }

    /// What is no column: latencies, and what more keys cost.
    static func notes(_ measurements: [Measurement]) -> String {
        var text = ""
        for measurement in measurements {
            let figures = [.p50, .p99, .p999].compactMap { measurement.latency($0) }.map { fixed($0 / 1000, places: 0) + " µs" }
            guard !figures.isEmpty else { continue }
            text += "\(measurement.workload): p50 \(figures[0]), p99 \(figures[1]), p99.9 \(figures[2]) from write to read\n"
        }
        let steady = measurements.filter { $0.steadyNanosecondsPerEvent != nil }
        if let first = steady.first, let least = first.steadyNanosecondsPerEvent, least > 0, steady.count > 1 {
            let times = steady.dropFirst().map { "\($0.workload) \(fixed(($0.steadyNanosecondsPerEvent ?? 0) / least, places: 2))" }
            text += "an event more, against \(first.workload): \(times.joined(separator: ", "))\n"
        }
        return text
    }

    /// One JSON object on a line of its own; what was not measured is null.
    static func json(_ measurement: Measurement) -> String {
        func microseconds(_ share: Latency.Share) -> String { optional(measurement.latency(share).map { $0 / 1000 }, places: 1) }
        let members = [
            ("workload", "\"\(measurement.workload)\""),
            ("events", String(measurement.size.events)),
            ("keys", String(measurement.size.keys)),
            ("workers", String(measurement.workers)),
            ("runs", String(measurement.runs.count)),
            ("events_per_second", fixed(measurement.eventsPerSecond, places: 0)),
            ("ns_per_event", fixed(measurement.nanosecondsPerEvent, places: 1)),
            ("ns_per_event_per_core", fixed(measurement.coreNanosecondsPerEvent, places: 1)),
            ("steady_ns_per_event_per_core", optional(measurement.steadyNanosecondsPerEvent, places: 1)),
            ("steady_cpu_ns_per_event", optional(measurement.steadyProcessorNanosecondsPerEvent, places: 1)),
            ("cpu_ns_per_event", fixed(measurement.processorNanosecondsPerEvent, places: 1)),
            ("yardstick_events_per_second", optional(measurement.yardstickEventsPerSecond, places: 0)),
            ("yardstick_cpu_ns_per_event", optional(measurement.yardstickProcessorNanosecondsPerEvent, places: 1)),
            ("yardstick_ratio", optional(measurement.ratio, places: 4)),
            ("one_worker_ratio", optional(measurement.speedUp, places: 4)),
            ("latency_p50_us", microseconds(.p50)),
            ("latency_p99_us", microseconds(.p99)),
            ("latency_p999_us", microseconds(.p999)),
            ("latency_max_us", microseconds(.all)),
            ("cores", fixed(measurement.cores, places: 2)),
            ("peak_bytes", String(measurement.peakBytes)),
            ("alerts", String(measurement.alerts)),
            ("alerts_xxh128", "\"\(measurement.hash)\""),
        ]
        return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}\n"
    }

    private static func optional(_ value: Double?, places: Int) -> String {
        value.map { fixed($0, places: places) } ?? "null"
    }

    /// Digits in groups of three: `1,234,567`.
    static func grouped(_ value: Int) -> String {
        var text = ""
        let digits = String(value.magnitude)
        for (place, digit) in digits.enumerated() {
            if place > 0 && (digits.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    /// So many digits behind the point; for values from 0 to 10¹².
    static func fixed(_ value: Double, places: Int) -> String {
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        guard value.isFinite, value >= 0, value < 1e12 else { return "-" }
        let scaled = Int((value * Double(scale)).rounded())
        guard places > 0 else { return String(scaled) }
        let rest = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: places - rest.count) + rest
    }
}
