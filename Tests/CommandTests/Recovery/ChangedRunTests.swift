import Foundation
import Testing

/// Runs that are gone on with other rules, inputs or outputs than before.
@Suite struct ChangedRunTests {
    /// A run over the first half, after which something is changed, and one over all of it.
    private static let workload = Workload(seed: 51, lines: 40_000, keys: 300)

    private static let run =
        "needletail run r.rule --input events --alerts alerts --late late --rejects rejects --state state --workers 2 --checkpoint-every 10ms"

    private static func halfRead(_ rules: String, follows: Bool = false) throws -> Session {
        let session = try Session(["r.rule": rules])
        let content = Undisturbed.contents(workload)[0]
        try session.write("events", content.prefix(content.count / 2))
        let first = try session.run(follows ? "timeout 1 \(run) --quiet --follow" : run + " --quiet")
        guard first.status == (follows ? 124 : 0) else { throw RecoveryError(message: first.errors) }
        try session.write("events", content)
        return session
    }

    private static func alerts(_ text: String) throws -> [String: [String]] {
        var byRule: [String: [String]] = [:]
        for line in text.split(separator: "\n") {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            byRule[object["rule"] as? String ?? "", default: []].append(String(line))
        }
        return byRule
    }

    @Test func rulesThatAreKeptGoOnWhateverBecomesOfOthers() throws {
        let rules = Self.workload.ruleText
        let changed = rules.replacing("rule chain {", with: "rule chain { where v >= 0").replacing("rule climb {", with: "rule climbs {")
            .replacing("rule seldom {", with: "rule fresh { by k match x: b where v > 97 alert low }\nrule seldom {")
        let expected = try Self.alerts(String(decoding: Undisturbed.run(Self.workload, names: ["events"], drains: false).alerts, as: UTF8.self))
        let session = try Self.halfRead(rules)
        try session.write("r.rule", changed)
        let fails = try session.run(Self.run + " --on-rule-change=fail")
        #expect(fails.status == 3)
        #expect(fails.errors.contains("changed: chain") && fails.errors.contains("gone: climb"), "\(fails.errors)")

        let second = try session.run(Self.run)
        #expect(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("the rule chain has changed and begins afresh"), "\(second.errors)")
        #expect(second.errors.contains("the rule climb is gone, and its state with it"))
        #expect(second.errors.contains("the rule climbs is new") && second.errors.contains("the rule fresh is new"))
        let found = try Self.alerts(session.read("alerts"))
        for rule in ["loop", "guarded", "absent", "overdue", "seldom", "both", "every_pair", "long"] {
            #expect(found[rule] == expected[rule], "\(rule): \(found[rule]?.count ?? 0), not \(expected[rule]?.count ?? 0)")
        }
        // What began before the change cannot end after it, and nothing is said twice.
        let chain = found["chain"] ?? []
        #expect(!chain.isEmpty && chain.count < expected["chain"]?.count ?? 0)
        #expect(Set(chain).count == chain.count)
        #expect(found["climb"]?.isEmpty == false && found["climbs"]?.isEmpty == false && found["fresh"]?.isEmpty == false)
    }

    /// The same through SIGHUP, with a kill on either side of it.
    @Test func rulesReadAgainWhileTheRunGoesOn() throws {
        let rules = Self.workload.ruleText
        let expected = try Self.alerts(String(decoding: Undisturbed.run(Self.workload, names: ["events"], drains: false).alerts, as: UTF8.self))
        let session = try Self.halfRead(rules, follows: true)
        let child = try Child(
            Array(Self.run.split(separator: " ").dropFirst().map(String.init)) + ["--follow"], in: session.folder)
        for _ in 0..<500 where try !session.read("errors").contains("going on from checkpoint") { usleep(10_000) }
        try session.write("r.rule", rules.replacing("rule chain {", with: "rule chain { where v >= 0"))
        child.signal(SIGHUP)
        for _ in 0..<500 where try !session.read("errors").contains("the rule chain has changed") { usleep(10_000) }
        #expect(try session.read("errors").contains("the rule chain has changed and begins afresh"))
        try session.write("r.rule", "rule chain {")
        child.signal(SIGHUP)
        for _ in 0..<500 where try !session.read("errors").contains("the rules were not changed") { usleep(10_000) }
        #expect(child.look() == nil)
        child.killNow()
        try session.write("r.rule", rules.replacing("rule chain {", with: "rule chain { where v >= 0"))
        #expect(try session.run("timeout 2 \(Self.run) --follow").status == 124)
        let found = try Self.alerts(session.read("alerts"))
        for rule in expected.keys where rule != "chain" {
            #expect(found[rule] == expected[rule], "\(rule): \(found[rule]?.count ?? 0), not \(expected[rule]?.count ?? 0)")
        }
    }

    // MARK: - Inputs

    @Test func inputsThatAreMissingOrInAnotherOrder() throws {
        var workload = Self.workload
        workload.inputs = 2
        let contents = Undisturbed.contents(workload)
        let session = try Session(["r.rule": workload.ruleText])
        let flags = ["--alerts", "alerts", "--late", "late", "--rejects", "rejects", "--state", "state", "--workers", "2", "--checkpoint-every", "10ms"]
        for (name, content) in zip(["events0", "events1"], contents) { try session.write(name, content) }
        // Killed in the middle, so that neither is at its end.
        let killed = try Child(
            ["run", "r.rule", "--input", "left=events0", "--input", "right=events1"] + flags, in: session.folder,
            environment: try Faults.environment(["FAULT_AT": "rename:CHECKPOINT:3:after"])
        ).wait()
        #expect(killed == .signalled(SIGKILL))
        let before = try session.read("alerts")
        let run = "needletail run r.rule " + flags.joined(separator: " ")
        for (inputs, words) in [
            ("--input left=events0", "events1 was not read to its end"),
            ("--input right=events1 --input left=events0", "its inputs were given in another order"),
            ("--input left=events1 --input right=events0", "not read to its end"),
        ] {
            let outcome = try session.run("\(run) \(inputs)")
            #expect(outcome.status == 3, "\(inputs)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
            #expect(outcome.errors.contains("To begin anew, give another --state folder"))
        }
        try session.write("events0", contents[0].dropFirst(5000))
        let other = try session.run("\(run) --input left=events0 --input right=events1")
        #expect(other.status == 3 && other.errors.contains("events0"), "\(other.errors)")
        #expect(try session.read("alerts") == before)
        // As it was before, it goes on.
        try session.write("events0", contents[0])
        #expect(try session.run("\(run) --input left=events0 --input right=events1").status == 0)
        let expected = try Undisturbed.run(workload, names: ["events0", "events1"], drains: false)
        #expect(try Written(in: session.folder).difference(from: expected) == nil)
    }

    /// The next day's file takes the place of the day's before. While the last events of that wait for later ones, it is needed still.
    @Test func theNextFileAfterOneThatWasReadToItsEnd() throws {
        var lines = Undisturbed.contents(Self.workload)[0].split(separator: UInt8(ascii: "\n"))
        // In order, so that no event of the second file is late.
        func time(_ line: Data) -> Int64? {
            ((try? JSONSerialization.jsonObject(with: line)) as? [String: Any])?["ts"].flatMap { $0 as? Int }.map(Int64.init)
        }
        lines = lines.prefix(8_000).compactMap { line in time(line).map { ($0, line) } }.filter { $0.0 > 1_000_000 }.sorted { $0.0 < $1.0 }.map(\.1)
        func content(_ lines: ArraySlice<Data>) -> Data { Data(lines.flatMap { $0 + [UInt8(ascii: "\n")] }) }
        for delay in ["0s", "2s"] {
            let session = try Session(["r.rule": Self.workload.ruleText.replacing("delay 2s", with: "delay \(delay)")])
            try session.write("all", content(lines[...]))
            try session.write("monday", content(lines[..<4000]))
            try session.write("tuesday", content(lines[4000...]))
            #expect(try session.run("needletail run r.rule --input all --alerts whole --state other --quiet").status == 0)
            let run = Self.run.replacing("--input events ", with: "")
            #expect(try session.run(run + " --input monday").status == 0)
            let second = try session.run(run + " --input tuesday")
            if delay == "0s" {
                #expect(second.status == 0, "\(second.errors)")
                #expect(second.errors.contains("tuesday is read after monday, which was read to its end"), "\(second.errors)")
            } else {
                #expect(second.status == 3)
                #expect(second.errors.contains("its last events still wait for later ones (`delay`)"), "\(second.errors)")
                #expect(try session.run("cat tuesday >> monday; \(run) --input monday").status == 0)
            }
            // Matches of one and the same event stand in the order in which lines arrived, which counts anew in each file.
            let whole = try session.run("sort whole").output
            #expect(try session.run("sort alerts").output == whole, "\(delay)")
            // Once more has nothing left to say.
            #expect(try session.run(run + (delay == "0s" ? " --input tuesday" : " --input monday")).status == 0)
            #expect(try session.run("sort alerts").output == whole, "\(delay)")
        }
    }

    // MARK: - Outputs

    @Test func anAlertFileThatWasTakenAway() throws {
        let session = try Self.halfRead(Self.workload.ruleText)
        let first = try session.read("alerts")
        let all = String(decoding: try Undisturbed.run(Self.workload, names: ["events"], drains: false).alerts, as: UTF8.self)
        let second = try session.run("mv alerts old; \(Self.run)")
        #expect(second.status == 0)
        #expect(second.errors.contains("alerts is not the file that was written before; going on at its end"), "\(second.errors)")
        #expect(try first + session.read("alerts") == all)
    }

    @Test func anAlertFileThatOthersWroteTo() throws {
        let session = try Self.halfRead(Self.workload.ruleText)
        let first = try session.read("alerts")
        let all = String(decoding: try Undisturbed.run(Self.workload, names: ["events"], drains: false).alerts, as: UTF8.self)
        // Another file of that name: nothing in it is cut or overwritten.
        try session.write("alerts", "something else that somebody keeps here, and which has no end of its line")
        #expect(try session.run(Self.run).status == 0)
        #expect(try session.read("alerts") == "something else that somebody keeps here, and which has no end of its line\n" + all.dropFirst(first.count))
    }
}
