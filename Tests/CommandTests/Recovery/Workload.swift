import Foundation
import Seeds

/// Rules of all kinds of state, and events that keep them busy. The same numbers give the same bytes.
struct Workload: Hashable {
    var seed: UInt64
    var lines: Int
    var keys: Int
    /// One input, or two that are merged by time.
    var inputs = 1
    /// Bytes of ballast in an event.
    var ballast = 40

    /// Sequences, loops, absences, timeouts, cooldowns, guards, several keys and policies.
    static let rules = """
        rule chain {
            by k
            match a: a then b: b where v > a.v then c: c
            within 20s
            alert low "{k}: {a.id} {b.id} {c.id}"
        }
        rule loop {
            by k
            match l: a{2,} where count(l) == 0 or v != last(l.v) then e: e where v > 50
            within 30s
            alert medium "{k} {count(l)} {e.id}" { total: sum(l.v), most: max(l.v), values: values(l.g) }
        }
        rule climb {
            by g
            where type == "b"
            match climb: b{4} consecutive where count(climb) == 0 or v > last(climb.v)
            within 10s
            alert low "{g} climbs to {last(climb.v)}"
        }
        rule guarded {
            by k
            match x: c then not d then y: e
            within 15s
            alert high "{x.id} {y.id}"
        }
        rule absent {
            by k
            match x: d where v > 60 then not a
            within 5s
            alert info "nothing after {x.id}"
        }
        rule overdue {
            by k
            match o: e where v > 70 then p: f where v > 70
            within 8s
            alert info "{o.id} {p.id}"
            on timeout alert high "nobody after {o.id}"
            cooldown 20s
        }
        rule seldom {
            by g
            match x: f where v > 80
            alert low "{x.id}"
            cooldown 7s
        }
        rule both {
            by k
            match m: a & n: f
             then o: b
            within 12s
            alert low "{m.id} {n.id} {o.id}"
        }
        rule every_pair {
            by k, g
            match s: c then t: d
            within 6s
            alert low "{s.id} {t.id}"
            after match keep all
        }
        rule long {
            by k
            match first: a where v == 7 then last: f where v == 7
            within 1h
            alert low "{first.id} {last.id}"
        }

        """

    /// The stream declarations and the rules.
    var ruleText: String {
        inputs == 1
            ? "stream { delay 2s }\n" + Self.rules
            : "stream left { delay 2s }\nstream right { delay 500ms }\n" + Self.rules
    }

    var streams: [String] { inputs == 1 ? [""] : ["left", "right"] }

    /// The lines of each input: times rise by about a hundredth of a second, in a disorder that the delay covers, but for some that are late;
    /// and some are no events.
    func contents() -> [Data] {
        (0..<inputs).map { input in
            var chance = SeededGenerator(seed: seed &+ UInt64(input) &* 77)
            var bytes: [UInt8] = []
            let filler = String(repeating: "x", count: ballast)
            bytes.reserveCapacity(lines / inputs * (ballast + 90))
            var time: Int64 = 1_780_000_000_000
            let disorder = input == 0 ? 1_900 : 450
            for line in 0..<lines / inputs {
                if chance.isOne(in: 700) {
                    bytes += "{\"type\":\"a\",\"ts\":\(chance.isOne(in: 2) ? "\"soon\"" : "17,"),\"n\":\(line)}\n".utf8
                    continue
                }
                time += Int64(chance.below(20))
                var own = time
                if chance.isOne(in: 4) { own -= Int64(chance.below(disorder)) }
                if chance.isOne(in: 300) { own -= 5_000 + Int64(chance.below(30_000)) }
                let type = ["a", "b", "c", "d", "e", "f"][chance.below(6)]
                // A few keys are busy, most are seldom.
                let key = chance.isOne(in: 3) ? chance.below(20) : chance.below(keys)
                bytes += "{\"type\":\"\(type)\",\"ts\":\(own),\"id\":\"\(input)-\(line)\",\"k\":\"key\(key)\",\"g\":\(key % 7),\"v\":\(chance.below(100)),".utf8
                bytes += "\"note\":\"\(filler)\"}\n".utf8
            }
            return Data(bytes)
        }
    }
}

/// What a run has written.
struct Written: Equatable {
    var alerts: Data
    var late: [String]
    var rejects: [String]

    init(in folder: URL) throws {
        func content(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }
        alerts = try content("alerts")
        late = Written.plain(Written.lines(try content("late"))).sorted()
        rejects = Written.plain(Written.lines(try content("rejects"))).sorted()
    }

    /// A line names its input, which is called otherwise where it is compressed or on standard input.
    private static func plain(_ lines: [String]) -> [String] {
        lines.map { line in
            for name in ["events.gz", "events.zst", "-"] {
                let start = "{\"input\":\"\(name)\""
                if line.hasPrefix(start) { return "{\"input\":\"events\"" + line.dropFirst(start.count) }
            }
            return line
        }
    }

    static func lines(_ data: Data) -> [String] {
        data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    /// In what this is not what it should be; nil where it is.
    func difference(from expected: Written) -> String? {
        if self == expected { return nil }
        var parts: [String] = []
        for (name, mine, theirs) in [
            ("alerts", Written.lines(alerts), Written.lines(expected.alerts)), ("late", late, expected.late), ("rejects", rejects, expected.rejects),
        ] where mine != theirs {
            var counts: [String: Int] = [:]
            for line in theirs { counts[line, default: 0] += 1 }
            for line in mine { counts[line, default: 0] -= 1 }
            let lost = counts.filter { $0.value > 0 }
            let extra = counts.filter { $0.value < 0 }
            let place = zip(mine, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(mine.count, theirs.count)
            parts.append(
                "\(name): \(mine.count - 1) lines, not \(theirs.count - 1); first difference at line \(place + 1); lost \(lost.count) "
                    + "\(lost.keys.sorted().prefix(2)), too many \(extra.count) \(extra.keys.sorted().prefix(2))")
        }
        return parts.joined(separator: "\n")
    }
}

/// What undisturbed runs write; each is made once.
enum Undisturbed {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var made: [String: Written] = [:]
    nonisolated(unsafe) private static var texts: [Workload: [Data]] = [:]

    /// Events are made once, too.
    static func contents(_ workload: Workload) -> [Data] {
        lock.lock()
        defer { lock.unlock() }
        if let found = texts[workload] { return found }
        let made = workload.contents()
        // The last few are enough.
        if texts.count > 8 { texts.removeAll() }
        texts[workload] = made
        return made
    }

    /// A file with the events of a workload's only input, to be linked to.
    static func file(_ workload: Workload) throws -> URL {
        let content = contents(workload)[0]
        lock.lock()
        defer { lock.unlock() }
        let place = try scratch.get().folder.appendingPathComponent("events-\(abs(workload.hashValue))")
        if !FileManager.default.fileExists(atPath: place.path) { try content.write(to: place) }
        return place
    }

    nonisolated(unsafe) private static let scratch = Result {
        let session = try Session(below: Session.memory)
        scratchPath = session.folder.path
        atexit { try? FileManager.default.removeItem(atPath: scratchPath) }
        return session
    }

    /// What a run over plain files of the names given writes, with one worker and a state folder, or none where time is to run out.
    static func run(_ workload: Workload, names: [String], drains: Bool) throws -> Written {
        let contents = contents(workload)
        lock.lock()
        defer { lock.unlock() }
        let key = "\(workload) \(names) \(drains)"
        if let found = made[key] { return found }
        let session = try Session(["r.rule": workload.ruleText])
        for (name, content) in zip(names, contents) { try session.write(name, content) }
        let inputs = zip(workload.streams, names).map { "--input \($0.isEmpty ? "" : $0 + "=")\($1)" }.joined(separator: " ")
        let outcome = try session.run(
            "needletail run r.rule \(inputs) --alerts alerts --late late --rejects rejects --workers 1 --quiet \(drains ? "" : "--state state")")
        guard outcome.status == 0 else { throw RecoveryError(message: "the undisturbed run: \(outcome)") }
        let written = try Written(in: session.folder)
        made[key] = written
        return written
    }
}

/// What this process removes when it ends.
nonisolated(unsafe) private var scratchPath = ""

struct RecoveryError: Error {
    var message: String
}
