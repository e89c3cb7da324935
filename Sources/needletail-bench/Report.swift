/// Measurements as people and as scripts read them.
enum Report {
    private static let columns = [
        "workload", "events/s", "ns/event", "cpu ns", "yardstick/s", "of yardstick", "peak MB", "alerts", "hash of the alerts",
    ]

    static func heading(_ size: Size, runs: Int) -> String {
        let times = runs == 1 ? "one run" : "medians of \(runs) runs"
        return "\(grouped(size.events)) events of \(grouped(size.cards)) cards, file to alerts, one worker, \(times)\n"
    }

    /// A table with a line for each workload.
    static func table(_ measurements: [Measurement]) -> String {
        let rows = [columns] + measurements.map(cells)
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for row in rows {
            let padded = row.indices.map { column in
                let room = String(repeating: " ", count: widths[column] - row[column].count)
                // Names and hashes stand at the left, numbers at the right.
                return column == 0 || column == row.count - 1 ? row[column] + room : room + row[column]
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }

    private static func cells(_ measurement: Measurement) -> [String] {
        [
            measurement.workload, grouped(Int(measurement.eventsPerSecond)), fixed(measurement.nanosecondsPerEvent, places: 0),
            fixed(measurement.processorNanosecondsPerEvent, places: 0), grouped(Int(measurement.yardstickEventsPerSecond)),
            fixed(measurement.ratio, places: 2), fixed(Double(measurement.peakBytes) / 1e6, places: 1), grouped(measurement.alerts), measurement.hash,
        ]
    }

    /// One JSON object on a line of its own.
    static func json(_ measurement: Measurement) -> String {
        let members = [
            ("workload", "\"\(measurement.workload)\""),
            ("events", String(measurement.size.events)),
            ("cards", String(measurement.size.cards)),
            ("runs", String(measurement.runs.count)),
            ("events_per_second", fixed(measurement.eventsPerSecond, places: 0)),
            ("ns_per_event", fixed(measurement.nanosecondsPerEvent, places: 1)),
            ("cpu_ns_per_event", fixed(measurement.processorNanosecondsPerEvent, places: 1)),
            ("yardstick_events_per_second", fixed(measurement.yardstickEventsPerSecond, places: 0)),
            ("yardstick_cpu_ns_per_event", fixed(measurement.yardstickProcessorNanosecondsPerEvent, places: 1)),
            ("yardstick_ratio", fixed(measurement.ratio, places: 4)),
            ("cores", fixed(measurement.cores, places: 2)),
            ("peak_bytes", String(measurement.peakBytes)),
            ("alerts", String(measurement.alerts)),
            ("alerts_xxh128", "\"\(measurement.hash)\""),
        ]
        return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}\n"
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
