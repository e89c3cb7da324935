// What a run tells about itself: progress while it goes, bounds when they are first reached, and a summary at its end.

internal import Decoding
internal import Engine
internal import RuleLanguage
internal import Streaming

final class RunReport {
    private let log: Log
    private let start = WallClock.monotonic()
    private var shownAt: Int64 = 0
    /// Of the run before the rules were read again.
    private var earlier: RunSummary?
    /// Bounds that were spoken of; each is said once.
    private var said: Set<String> = []

    /// How often the line of progress changes, microseconds.
    private static let progressPeriod: Int64 = 200_000

    init(log: Log) {
        self.log = log
    }

    func begin(_ program: CheckedProgram) {
        if program.rules.isEmpty { log.write(.warning, "no rule is enabled, so nothing can match") }
        log.write(.debug, "\(NumberText.counted(UInt64(program.rules.count), "rule")) loaded")
    }

    func progress(_ latest: RunSummary) {
        let summary = total(latest)
        sayBounds(summary)
        saySpill(summary)
        guard log.showsProgress else { return }
        let now = WallClock.monotonic()
        guard now - shownAt >= RunReport.progressPeriod else { return }
        shownAt = now
        let watermark = summary.watermark.map { "  watermark \(NumberText.time($0))" } ?? ""
        log.showProgress(
            "\(NumberText.counted(summary.events, "event"))  \(NumberText.grouped(NumberText.perSecond(summary.events, now - start)))/s  "
                + "\(NumberText.counted(summary.alerts, "alert"))\(watermark)")
    }

    /// The room for events that wait is used up: they go to disk, which is slower.
    private func saySpill(_ summary: RunSummary) {
        guard summary.spilledEvents > 0, said.insert("spill").inserted else { return }
        log.write(
            .warning,
            "more events wait for the watermark than memory has room for; they wait in the state folder, which is slower. A smaller `delay` lets them go sooner")
    }

    /// Says of each rule once that one of its bounds was reached.
    private func sayBounds(_ summary: RunSummary) {
        for rule in summary.rules {
            for (count, what) in RunReport.bounds(rule.counters) where count > 0 {
                guard said.insert(rule.name + " " + what).inserted else { continue }
                log.write(.warning, "rule \(rule.name): \(what)", [("rule", NumberText.quoted(rule.name))])
            }
        }
    }

    private static func bounds(_ counters: RuleCounters) -> [(count: UInt64, what: String)] {
        [
            (counters.openDropped, "a key has more open matches than `limit … open` allows; some are dropped"),
            (counters.stateFull, "the state of a key has reached 1 GiB; no new matches begin there until others end"),
            (
                counters.regexLimitHits,
                "a `matches` gave up, because the text is long or the pattern needs too many steps; that is unknown, and matches nothing"
            ),
            (counters.loopEventsOmitted, "a loop has taken more events than `limit … events` keeps; alerts say how many are omitted"),
            (counters.typeMismatches, "values whose types do not go together were compared; that is unknown, and matches nothing"),
        ]
    }

    /// What was done before the rules were read again counts too.
    func keep(_ summary: RunSummary) {
        earlier = total(summary)
    }

    private func total(_ summary: RunSummary) -> RunSummary { earlier.map { summary.adding($0) } ?? summary }

    func end(_ summary: RunSummary, hasFailed: Bool = false) {
        let summary = total(summary)
        sayBounds(summary)
        let microseconds = WallClock.monotonic() - start
        let rate = NumberText.perSecond(summary.events, microseconds)
        var sentence = hasFailed ? "failed after: " : summary.isStopped ? "stopped: " : "done: "
        sentence += "\(NumberText.counted(summary.events, "event")), \(NumberText.counted(summary.alerts, "alert"))"
        sentence += " in \(NumberText.seconds(microseconds)) s (\(NumberText.grouped(rate)) events/s)"
        guard log.format == .text else {
            log.write(.info, sentence, fields(summary, microseconds: microseconds, rate: rate))
            return
        }
        log.write(.info, sentence)
        for rule in summary.rules where rule.alerts > 0 || rule.suppressed > 0 {
            let suppressed = rule.suppressed > 0 ? ", and \(NumberText.grouped(rule.suppressed)) suppressed" : ""
            log.write(.info, "  \(rule.name): \(NumberText.counted(rule.alerts, "alert"))\(suppressed)")
        }
        for reason in RejectReason.allCases where summary.rejects[Int(reason.rawValue)] > 0 {
            log.write(.info, "  rejected: \(NumberText.counted(summary.rejects[Int(reason.rawValue)], "line")), \(reason.name)")
        }
        if summary.late > 0 { log.write(.info, "  late: \(NumberText.counted(summary.late, "event"))") }
        if summary.brokenFields > 0 {
            log.write(.info, "  unknown: \(NumberText.counted(summary.brokenFields, "field")) not of the type that its `event` declares")
        }
        if summary.checkpoints > 0 {
            log.write(
                .info,
                "  \(NumberText.counted(summary.checkpoints, "checkpoint")), the longest pause \(NumberText.milliseconds(summary.checkpointPauseMax)) ms")
        }
        if summary.coldReads > 0 || summary.evictions > 0 {
            log.write(
                .info,
                "  memory: \(NumberText.grouped(UInt64(summary.residentKeys))) of \(NumberText.counted(UInt64(summary.keys), "key")) at the end, "
                    + "\(NumberText.grouped(summary.evictions)) put out, \(NumberText.grouped(summary.coldReads)) read back")
        }
        if summary.spilledEvents > 0 {
            log.write(
                .info,
                "  waited on disk: \(NumberText.counted(summary.spilledEvents, "event")), \(NumberText.grouped(summary.spilledBytes)) bytes")
        }
        for rule in summary.rules where rule.counters.keyMissing > 0 {
            log.write(.debug, "  \(rule.name): \(NumberText.counted(rule.counters.keyMissing, "event")) without its key")
        }
    }

    private func fields(_ summary: RunSummary, microseconds: Int64, rate: UInt64) -> Log.Fields {
        func object(_ members: [(String, UInt64)]) -> String {
            "{" + members.map { NumberText.quoted($0.0) + ":\($0.1)" }.joined(separator: ",") + "}"
        }
        let rejects = RejectReason.allCases.map { ($0.name, summary.rejects[Int($0.rawValue)]) }.filter { $0.1 > 0 }
        return [
            ("stopped", summary.isStopped ? "true" : "false"), ("events", "\(summary.events)"), ("lines", "\(summary.lines)"),
            ("bytes", "\(summary.bytes)"), ("alerts", "\(summary.alerts)"),
            ("rules", object(summary.rules.filter { $0.alerts > 0 }.map { ($0.name, $0.alerts) })),
            ("suppressed", object(summary.rules.filter { $0.suppressed > 0 }.map { ($0.name, $0.suppressed) })),
            ("rejects", object(rejects)), ("late", "\(summary.late)"),
            ("broken_fields", "\(summary.brokenFields)"),
            ("watermark", summary.watermark.map { NumberText.quoted(NumberText.time($0)) } ?? "null"),
            ("keys", "\(summary.keys)"), ("resident_keys", "\(summary.residentKeys)"), ("evictions", "\(summary.evictions)"),
            ("cold_reads", "\(summary.coldReads)"), ("spilled_events", "\(summary.spilledEvents)"), ("checkpoints", "\(summary.checkpoints)"),
            ("checkpoint_pause_ms_max", NumberText.milliseconds(summary.checkpointPauseMax)), ("seconds", NumberText.seconds(microseconds)), ("events_per_second", "\(rate)"),
        ]
    }
}
