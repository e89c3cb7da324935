import Foundation
import Testing

/// `needletail deliveries`: dead letters are shown, sent again and dropped, with a run beside it and without.
@Suite struct DeliveriesTests {
    private let session: Session
    private let receiver: Receiver

    /// Six dead letters of one webhook.
    init() throws {
        session = try Session(["r.rule": pairRule, "e": (0..<6).map { "{\"type\":\"a\",\"ts\":\($0),\"k\":\($0)}\n{\"type\":\"b\",\"ts\":\($0),\"k\":\($0)}\n" }.joined()])
        receiver = try Receiver(beside: session, mood: "410")
    }

    private var flags: String { "--alerts \(receiver.url)?token=hidden --webhook-allow-private --state state" }

    private func run(_ more: String = "") throws -> Outcome { try session.run("needletail run r.rule --input e \(flags) \(more)") }

    private struct Listed {
        var name: String
        var waiting: Int
        var dead: Int
        var letters: [[String: Any]]
    }

    private func listed(_ more: String = "") throws -> Listed {
        let outcome = try session.run("needletail deliveries list state --format json \(more)")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let object = try #require(try outcome.objects().first)
        let endpoint = try #require((object["endpoints"] as? [[String: Any]])?.first)
        return Listed(
            name: endpoint["endpoint"] as? String ?? "", waiting: endpoint["waiting"] as? Int ?? -1, dead: endpoint["dead"] as? Int ?? -1,
            letters: endpoint["dead_letters"] as? [[String: Any]] ?? [])
    }

    private func wait(until body: () throws -> Bool) throws {
        for _ in 0..<2_000 {
            if try body() { return }
            usleep(10_000)
        }
        throw RecoveryError(message: "it does not happen: \((try? session.read("errors")) ?? "")")
    }

    @Test func deadLettersAreListed() throws {
        #expect(try run().status == 0)
        let listed = try listed()
        #expect(listed.waiting == 0 && listed.dead == 6 && listed.letters.count == 6)
        #expect(listed.name.hasPrefix(receiver.address + "-"))
        for (number, letter) in listed.letters.enumerated() {
            #expect(letter["number"] as? Int == number && letter["rule"] as? String == "pair" && letter["severity"] as? String == "low")
            #expect((letter["key"] as? [String: Any])?["k"] as? Int == number)
            #expect(letter["reason"] as? String == "HTTP 410: the endpoint is gone" && letter["attempts"] as? Int == 1 && letter["last_status"] as? Int == 410)
            #expect((letter["id"] as? String)?.count == 32 && (letter["refused_at"] as? String)?.hasSuffix("Z") == true)
        }
        let text = try session.run("needletail deliveries list state")
        #expect(text.output.contains("  webhook    \(listed.name): 0 alerts waiting, 6 dead letters\n    0 pair low {\"k\":0}, id "), "\(text.output)")
        #expect(text.output.contains("HTTP 410: the endpoint is gone, after 1 attempt, last status 410, at 20"))
        let short = try session.run("needletail deliveries list state --limit 2")
        #expect(short.lines.count == 2 + 2 * 2 + 1 && short.output.contains("and 4 more; --limit N shows more"), "\(short.output)")
        #expect(try self.listed("--limit 0").letters.isEmpty)
        #expect(try self.listed("--endpoint \(listed.name)").dead == 6)
        let other = try session.run("needletail deliveries list state --endpoint other")
        #expect(other.status == 3 && other.errors.contains("no alerts went to a webhook other; there are: \(listed.name)"), "\(other.errors)")
        #expect(!(text.output + other.errors + short.output).contains("hidden"))
    }

    @Test func someAreSentAgainAndOthersDropped() throws {
        #expect(try run().status == 0)
        let letters = try listed().letters
        let id = try #require(letters[4]["id"] as? String)
        let retry = try session.run("needletail deliveries retry state 1 \(id)")
        #expect(retry.status == 0 && retry.errors.contains("2 dead letters are to be sent again by the next run"), "\(retry.errors)")
        let drop = try session.run("needletail deliveries drop state 0 77 beef")
        #expect(drop.status == 1 && drop.errors.contains("1 dead letter is dropped") && drop.errors.contains("no dead letter is 77, beef"), "\(drop.errors)")
        let after = try listed()
        #expect(after.waiting == 2 && after.letters.map { $0["number"] as? Int } == [2, 3, 5])
        try receiver.setMood("calm")
        #expect(try run().status == 0)
        #expect(Set(try receiver.taken().map(\.id)) == [id, letters[1]["id"] as? String])
        #expect(try session.run("needletail deliveries retry state --endpoint \(after.name) --all").status == 0)
        #expect(try run().status == 0)
        #expect(try receiver.taken().count == 5 && listed().dead == 0 && listed().waiting == 0)
        let again = try session.run("needletail deliveries retry state --all")
        #expect(again.status == 0 && again.errors.contains("0 dead letters"), "\(again.errors)")
    }

    @Test func aRunThatGoesOnCarriesItOut() throws {
        #expect(try run().status == 0)
        try session.write("more", "")
        let child = try Child(
            ["run", "r.rule", "--input", "more", "--follow", "--alerts", receiver.url + "?token=hidden", "--webhook-allow-private", "--state", "state"],
            in: session.folder)
        try wait { try session.run("needletail deliveries list state").output.contains("process \(child.pid) delivers to them") }
        try receiver.setMood("calm")
        let retry = try session.run("needletail deliveries retry state 2 3")
        #expect(retry.status == 0 && retry.errors.contains("2 dead letters are sent again"), "\(retry.errors)")
        #expect(try receiver.wait(for: 2))
        let drop = try session.run("needletail deliveries drop state 99 --endpoint \(listed().name)")
        #expect(drop.status == 1 && drop.errors.contains("no dead letter is 99"), "\(drop.errors)")
        let wrong = try session.run("needletail deliveries drop state --endpoint other --all")
        #expect(wrong.status == 3 && wrong.errors.contains("no alerts went to a webhook other"), "\(wrong.errors)")
        #expect(try session.run("needletail deliveries drop state --all").errors.contains("4 dead letters are dropped"))
        let forget = try session.run("needletail deliveries drop state --endpoint \(listed().name) --forget")
        #expect(forget.status == 3 && forget.errors.contains("stop it first"), "\(forget.errors)")
        // A savepoint is still asked for in the same way.
        #expect(try session.run("needletail savepoint state sp").status == 0)
        child.signal(SIGTERM)
        #expect(child.wait() == .exited(143))
        #expect(try listed().dead == 0)
        let errors = try session.read("errors")
        #expect(errors.contains("asked by `needletail deliveries`: 2 dead letters are sent again") && !errors.contains("no request"), "\(errors)")
        #expect(try receiver.taken().count == 2)
        let left = try FileManager.default.contentsOfDirectory(atPath: session.folder.path + "/state")
        #expect(!left.contains { $0.contains("request") || $0.contains("answer") }, "\(left)")
    }

    /// A run that has come to stand still because nothing leaves hears all the same.
    @Test func aRunThatWaitsForRoomCarriesItOut() throws {
        #expect(try run().status == 0)
        try receiver.setMood("503")
        try session.write("more", (10..<40).map { "{\"type\":\"a\",\"ts\":\($0),\"k\":\($0)}\n{\"type\":\"b\",\"ts\":\($0),\"k\":\($0)}\n" }.joined())
        let child = try Child(
            ["run", "r.rule", "--input", "more", "--follow", "--alerts", receiver.url + "?token=hidden", "--webhook-allow-private", "--state", "state", "--outbox", "5"],
            in: session.folder)
        try wait { try listed().waiting == 5 }
        let drop = try session.run("needletail deliveries drop state 0 1 2")
        #expect(drop.status == 0 && drop.errors.contains("3 dead letters are dropped"), "\(drop.errors)")
        #expect(try listed().dead == 3 && listed().waiting == 5)
        try receiver.setMood("calm")
        #expect(try receiver.wait(for: 30))
        child.signal(SIGTERM)
        #expect(child.wait() == .exited(143))
        #expect(try !session.read("errors").contains("no request"))
    }

    /// Looking never fails beside a run that writes, and takes nothing from it.
    @Test func listsBesideARunThatDelivers() throws {
        let workload = DeliveryWorkload(seed: 7, pairs: 400, keys: 400, others: 0)
        try session.write("more", workload.events)
        try receiver.setMood("wild")
        let child = try Child(
            ["run", "r.rule", "--input", "more", "--alerts", receiver.url, "--webhook-allow-private", "--state", "state", "--checkpoint-every", "10ms", "--quiet"],
            in: session.folder)
        var (lists, failures) = (0, [String]())
        while child.look() == nil, lists < 100 {
            // Before the first alert there is nothing to look at.
            guard session.exists("state/outbox/CURRENT") else { continue }
            let outcome = try session.run("needletail deliveries list state")
            lists += 1
            if outcome.status != 0 { failures.append(outcome.errors) }
        }
        #expect(child.wait() == .exited(0))
        #expect(lists > 5 && failures.isEmpty, "\(failures.prefix(3))")
    }

    @Test func aWebhookThatIsNotUsedAnyMoreIsForgotten() throws {
        #expect(try run().status == 0)
        let name = try listed().name
        #expect(try session.run("needletail deliveries retry state 1 2").status == 0)
        let forget = try session.run("needletail deliveries drop state --endpoint \(name) --forget")
        #expect(forget.status == 0 && forget.errors.contains("\(name) is forgotten, with 2 alerts that waited and 4 dead letters"), "\(forget.errors)")
        #expect(try session.run("needletail deliveries list state").output == "state: no alerts went to webhooks\n")
        #expect(try session.run("needletail deliveries drop state --endpoint \(name) --forget").status == 3)
    }

    @Test func aFolderWithoutWebhooksHasNoDeadLetters() throws {
        #expect(try session.run("needletail run r.rule --input e --state plain --quiet").status == 0)
        #expect(try session.run("needletail deliveries list plain").output == "plain: no alerts went to webhooks\n")
        #expect(try session.run("needletail deliveries retry plain --all").status == 0)
        #expect(try session.run("needletail deliveries list .").status == 3)
        #expect(try session.run("needletail deliveries list nothing").status == 2)
    }
}
