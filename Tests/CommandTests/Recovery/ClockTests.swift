import Foundation
import Testing

/// The machine's clock jumps, or stands still: alerts are by the time of the events, and nothing hangs.
@Suite struct ClockTests {
    static let jumps = [
        "real:3600:20", "real:-3600:20", "real:315360000:20", "real:-315360000:20", "real:freeze:20", "real:-86400:0", "both:3600:20",
        "both:315360000:30", "mono:3600:20", "mono:freeze:20", "both:freeze:0", "both:-3600:25", "mono:-3600:25",
    ]

    @Test func alertsAreThoseOfAnyClock() throws {
        let wrong = tryEach(Self.jumps) { jump in
            let run = try SmallRecovery(Workload(seed: 33, lines: 40_000, keys: 2_000))
            // It is killed in between, so that checkpoints of one clock are gone on with by another.
            let faults = ["FAULT_CLOCK": jump, "FAULT_AT": "rename:CHECKPOINT:3:after"]
            let first = try run.start(["--checkpoint-every", "10ms", "--workers", "2"], faults: faults).wait()
            // A clock that has stopped brings no checkpoint but the last.
            guard first == .signalled(SIGKILL) || first == .exited(0) else { return "ended with \(first): \(try run.session.read("errors"))" }
            if !jump.contains("freeze"), !jump.contains("-3600:25"), first != .signalled(SIGKILL) { return "there were no checkpoints" }
            let second = try run.start(["--checkpoint-every", "10ms", "--memory", "16M"], faults: ["FAULT_CLOCK": jump]).wait()
            guard second == .exited(0) else { return "ended with \(second): \(try run.session.read("errors"))" }
            return try Written(in: run.session.folder).difference(from: run.expected)
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    /// A log that is followed goes on being read, and checkpoints come, after the clock on the wall was set.
    @Test(arguments: ["real:-315360000:100", "real:315360000:100", "real:freeze:100"])
    func aFollowedLogGoesOn(_ jump: String) throws {
        let run = try SmallRecovery(Workload(seed: 34, lines: 3_000, keys: 200))
        let content = Undisturbed.contents(run.workload)[0]
        let place = run.session.folder.appendingPathComponent("events")
        try FileManager.default.removeItem(at: place)
        try content.prefix(content.count / 2).write(to: place)
        let child = try run.start(["--follow", "--checkpoint-every", "20ms"], faults: ["FAULT_CLOCK": jump])
        #expect(child.wait(milliseconds: 300) == nil)
        let handle = try FileHandle(forWritingTo: place)
        handle.seekToEndOfFile()
        handle.write(content[(content.count / 2)...])
        try handle.close()
        let end = Date().addingTimeInterval(20)
        while try Data(contentsOf: run.session.folder.appendingPathComponent("alerts")).count < run.expected.alerts.count, Date() < end { usleep(5_000) }
        // A checkpoint of it comes without its being ended.
        var lines: Int?
        while lines != run.workload.lines, Date() < end {
            let outcome = try run.session.run("needletail state state --format json")
            lines = ((try? outcome.objects())?.first?["inputs"] as? [[String: Any]])?.first?["lines_read"] as? Int
        }
        #expect(lines == run.workload.lines)
        child.killNow()
        let next = try run.start(["--follow"])
        #expect(next.wait(milliseconds: 200) == nil)
        next.signal(SIGTERM)
        #expect(next.wait() == .exited(143))
        #expect(try Written(in: run.session.folder).difference(from: run.expected) == nil)
    }
}
