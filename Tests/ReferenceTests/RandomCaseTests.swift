import ReferenceMatcher
import RuleLanguage
import Testing

/// What must hold of the reference itself, whatever the rule: it keeps random rules honest before any engine is there.
@Suite struct RandomCaseTests {
    private static let count: UInt64 = 400
    private static let threadsMax = 3_000

    private func alerts(_ draft: RuleDraft, _ events: [ReferenceEvent]) -> [ReferenceAlert]? {
        guard let program = try? checked(draft.text) else { return nil }
        return try? referenceAlertLines(program: program, events: events, threadsMax: RandomCaseTests.threadsMax)
    }

    @Test(arguments: [RandomFeatures.core, .full]) func casesAreDrawnAndRun(_ features: RandomFeatures) throws {
        var matching = 0
        for seed in 0..<RandomCaseTests.count {
            let drawn = try #require(RandomCase.drawn(seed: seed, features: features, size: 1 + Int(seed % 5)) { try? checked($0) })
            let events = drawn.case.referenceEvents()
            #expect(events.count == drawn.case.events.count)
            let again = RandomCase.drawn(seed: seed, features: features, size: 1 + Int(seed % 5)) { try? checked($0) }
            #expect(again?.case.conformanceLine() == drawn.case.conformanceLine())
            guard let alerts = alerts(drawn.case.rule, events) else { continue }
            if !alerts.isEmpty { matching += 1 }
        }
        // Rules that never fire would test nothing.
        #expect(matching > Int(RandomCaseTests.count) / 5)
    }

    @Test func policiesChooseAmongAllMatches() throws {
        for seed in 0..<RandomCaseTests.count {
            guard let drawn = RandomCase.drawn(seed: seed, features: .core, size: 3, check: { try? checked($0) }) else { continue }
            let events = drawn.case.referenceEvents()
            var draft = drawn.case.rule
            draft.key = nil
            draft.policy = "keep all"
            guard let all = alerts(draft, events) else { continue }
            draft.policy = "skip past last"
            let some = try #require(alerts(draft, events))
            #expect(some.first == all.first)
            #expect(some.allSatisfy(all.contains), "\(drawn.case.conformanceLine())")
            draft.policy = "skip to next"
            let each = try #require(alerts(draft, events))
            let first: (ReferenceAlert) -> Int64 = { $0.steps.flatMap(\.events).min()! }
            #expect(Set(each.map(first)).count == each.count)
            #expect(Set(each.map(first)) == Set(all.map(first)))
        }
    }

    @Test func keysAreStreamsOfTheirOwn() throws {
        for seed in 0..<RandomCaseTests.count {
            guard let drawn = RandomCase.drawn(seed: seed, features: .core, size: 3, check: { try? checked($0) }) else { continue }
            var draft = drawn.case.rule
            draft.key = "k"
            let events = drawn.case.referenceEvents()
            guard let all = alerts(draft, events), let key = all.first?.key, case .string(let name) = key[0] else { continue }
            draft.key = nil
            draft.filter = "k == \"\(name)\""
            let alone = try #require(alerts(draft, events))
            #expect(all.filter { $0.key == key }.map(\.steps) == alone.map(\.steps), "\(drawn.case.conformanceLine())")
        }
    }

    @Test func aProgramsAlertsAreThoseOfItsRules() throws {
        for seed in 0..<(RandomCaseTests.count / 4) {
            guard let drawn = RandomCase.drawnProgram(seed: seed, features: .full, size: 3, rules: 4, check: { try? checked($0) })
            else { continue }
            let events = RandomCase.referenceEvents(drawn.events)
            guard let all = try? referenceAlertLines(program: drawn.program, events: events, threadsMax: 3_000) else { continue }
            #expect(zip(all, all.dropFirst()).allSatisfy { $0.at <= $1.at })
            for rule in drawn.program.rules {
                var single = drawn.program
                single.rules = [rule]
                #expect(try referenceAlertLines(program: single, events: events) == all.filter { $0.rule == rule.name }, "\(drawn.text)")
            }
        }
    }

    @Test func failuresShrink() throws {
        let drawn = try #require((0..<200).lazy.compactMap { seed in
            RandomCase.drawn(seed: seed, features: .full, size: 6) { try? checked($0) }
        }.first { alerts($0.case.rule, $0.case.referenceEvents())?.contains { $0.steps.count > 2 } ?? false })
        let small = drawn.case.shrunk { candidate in
            alerts(candidate.rule, candidate.referenceEvents())?.contains { $0.steps.count > 1 } ?? false
        }
        #expect(small.events.count == 2)
        #expect(small.rule.text.split(separator: "\n").count <= 4, "\(small.rule.text)")
        #expect(small.conformanceLine(matches: alerts(small.rule, small.referenceEvents())).contains("\"matches\": [{"))
    }

    @Test func aDifferenceIsSeen() throws {
        let program = try checked("rule t { match a: A then b: B }")
        let events = ["{\"id\":1,\"type\":\"A\",\"ts\":1}", "{\"id\":2,\"type\":\"B\",\"ts\":2}"].enumerated().compactMap {
            ReferenceEvent(text: $0.1, line: $0.0 + 1)
        }
        #expect(try compare(program: program, events: events) { program, events in
            try referenceAlertLines(program: program, events: events)
        } == nil)
        let mismatch = try compare(program: program, events: events) { _, _ in [] }
        #expect(mismatch?.index == 0)
        #expect(mismatch?.expected?.at == 2000)
        #expect(mismatch?.got == nil)
    }

    @Test func smallPatternsAreRulesAndRun() throws {
        for pattern in SmallPatterns.core + SmallPatterns.full + SmallPatterns.domination {
            for policy in 0..<6 {
                let program = try checked(SmallPatterns.rule(pattern, policy: policy))
                var fired = 0
                try SmallPatterns.forEveryStream(types: 3, lengthMax: 4, ties: policy % 2 == 1) { events in
                    fired += try referenceAlertLines(program: program, events: events).count
                }
                #expect(fired > 0, "\(pattern)")
            }
        }
    }

    /// The wanted case of the design: two threads that wait for the same step, of which the one that comes first must not push out the
    /// other, whose limit counts from a later event.
    @Test func theFirstThreadDoesNotPushOutTheOneThatLastsLonger() throws {
        try Scenario(
            "a limit from the last capture",
            "match a: A then any ((b: B next c: C) | e: C) then within 10ms d: D", on: "A@0 B@1 C@2 C@9 D@13",
            gives: ["13 a[1] e[4] d[5]"]
        ).check()
    }
}

extension Mismatch: Equatable {
    public static func == (left: Mismatch, right: Mismatch) -> Bool { left.description == right.description }
}
