import Foundation
import Seeds
import Testing

/// Runs with a webhook that are killed with -9 at random moments, while the endpoint fails at random, is slow, hangs up, or is not there:
/// what it has taken in the end is what an undisturbed run makes.
@Suite struct DeliveryKillTests {
    static let seeds = Volume.seeds(of: 61, count: Volume.pick(test: 8, soak: 100))

    @Test(arguments: seeds) func everyAlertArrives(_ seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        let workload = DeliveryWorkload(seed: seed)
        let session = try Session(["r.rule": pairRule, "e": workload.events])
        let undisturbed = try session.run("needletail run r.rule --input e --alerts out --quiet")
        #expect(undisturbed.status == 0, "\(undisturbed.errors)")
        let receiver = try Receiver(beside: session, seed: seed, mood: "wild")
        var story: [String] = []
        var (kills, starts) = (0, 0)

        func start() throws -> Child {
            starts += 1
            var flags = ["run", "r.rule", "--input", "e", "--alerts", "${HOOK}", "--webhook-allow-private", "--webhook-secret-env", "SECRET", "--state", "state"]
            flags += ["--checkpoint-every", chance.pick(["10ms", "50ms", "300ms", "10s"]), "--workers", String(chance.pick([1, 2, 3]))]
            // An outbox that fills makes the run wait.
            if chance.isOne(in: 3) { flags += ["--outbox", String(chance.pick([1, 20, 200]))] }
            story.append(flags.drop { $0 != "--checkpoint-every" }.joined(separator: " "))
            return try Child(
                flags, in: session.folder, environment: ["HOOK": receiver.url, "SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        }

        let wanted = 3 + chance.below(4)
        while kills < wanted {
            let child = try start()
            let delay = chance.below(chance.pick([60, 300, 900]))
            usleep(UInt32(delay) * 1000)
            story.append("\(delay) ms")
            if chance.isOne(in: 3) {
                receiver.stop()
                story.append("the endpoint is gone")
                usleep(UInt32(chance.below(300)) * 1000)
                if chance.isOne(in: 2) { child.signal(SIGKILL) }
                try receiver.start()
                usleep(UInt32(chance.below(300)) * 1000)
            }
            let ending = child.killNow()
            kills += 1
            #expect(ending == .signalled(SIGKILL) || ending == .exited(0), "\(ending)")
        }
        try receiver.setMood("calm")
        while starts < wanted + 10 {
            let child = try start()
            let ending = child.wait()
            #expect(ending == .exited(0), "\(ending)")
            if try DeliveryWorkload.difference(receiver.taken(), from: session.read("out")) == nil { break }
        }
        let taken = try receiver.taken()
        print("delivery kills: seed \(String(seed, radix: 16)): \(starts) starts, \(kills) kills, \(taken.count) requests taken of \(workload.pairs) alerts")
        let difference = try DeliveryWorkload.difference(taken, from: session.read("out"))
        let said = (try? session.read("errors")) ?? ""
        #expect(difference == nil, "seed \(String(seed, radix: 16)): \(difference ?? "")\n\(story.joined(separator: "\n"))\n\(said.suffix(2000))")
        #expect(taken.allSatisfy { $0.signature.hasPrefix("v1,") })
        #expect(try session.run("needletail deliveries list state").output.contains("0 alerts waiting, 0 dead letters"))
    }

    /// While nobody listens the run goes on, and when somebody does again everything arrives.
    @Test func anEndpointThatIsDownHoldsNothingUp() throws {
        let workload = DeliveryWorkload(seed: Volume.baseSeed, pairs: 2_000, keys: 300, others: 50_000)
        let session = try Session(["r.rule": pairRule, "e": workload.events])
        #expect(try session.run("needletail run r.rule --input e --alerts out --quiet").status == 0)
        let receiver = try Receiver(beside: session)
        receiver.stop()
        let child = try Child(
            ["run", "r.rule", "--input", "e", "--follow", "--alerts", "second", "--alerts", receiver.url, "--webhook-allow-private", "--state", "state"],
            in: session.folder)
        let begun = Date()
        // All alerts are made, and wait, while nothing can be delivered.
        var waiting = 0
        while waiting < workload.pairs, Date().timeIntervalSince(begun) < 30 {
            usleep(50_000)
            let outcome = try session.run("needletail deliveries list state --format json")
            guard outcome.status == 0, let endpoints = try outcome.objects().first?["endpoints"] as? [[String: Any]] else { continue }
            waiting = endpoints.first?["waiting"] as? Int ?? 0
        }
        #expect(waiting == workload.pairs)
        #expect(try receiver.taken().isEmpty)
        let made = Date().timeIntervalSince(begun)
        // So long it stays away.
        usleep(UInt32(Volume.pick(test: 1_000_000, soak: 60_000_000)))
        try receiver.start()
        #expect(try receiver.wait(for: workload.pairs, milliseconds: 60_000))
        child.signal(SIGTERM)
        #expect(child.wait() == .exited(143))
        print("an endpoint that is down: \(workload.pairs) alerts waited after \(Int(made * 1000)) ms")
        let difference = try DeliveryWorkload.difference(receiver.taken(), from: session.read("out"))
        #expect(difference == nil, "\(difference ?? "")")
        // None was sent twice: nothing was ambiguous.
        #expect(try receiver.taken().count == workload.pairs)
        #expect(try session.read("second") == session.read("out"))
    }
}
