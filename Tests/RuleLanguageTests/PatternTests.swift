internal import Diagnostics
internal import RuleLanguage
internal import Testing

/// The productions of patterns, and the tables that they fill.
@Suite struct PatternTests {
    private func rule(_ body: String, before: String = "") throws -> CheckedRule {
        let text = before + "rule r { match " + body + " }"
        let rule = check(files: [source(text)]).program?.rules.first
        return try #require(rule, "\(rendered(text))")
    }

    @Test(arguments: [
        ("a", "a"),
        ("`user-agent` then a.b.c", "(user-agent then a.b.c)"),
        ("p: a then b", "(p then b)"),
        ("a then any b", "(a thenAny b)"),
        ("a next b", "(a next b)"),
        ("a then within 5m b", "(a then<300000ms b)"),
        ("a then any within 5s b next within 1ms c", "(a thenAny<5000ms b next<1ms c)"),
        ("a then not x then b", "(a !then[x] then b)"),
        ("a next not x where v > 1 then not within 5s y next b", "(a !next[x where v > 1] !then<5000ms[y] next b)"),
        ("a then not x within 5m", "(a !then[x]) <300000ms"),
        ("a then not within 15m x", "(a !then<900000ms[x])"),
        ("a then not (x | (y where v > 1 | z)) then b", "(a !then[(x | (y where v > 1 | z))] then b)"),
        ("a? then b", "(a{0,1} then b)"),
        ("a?? then b", "(a{0,1}? then b)"),
        ("a* then b", "(a{0,} then b)"),
        ("a*? then b", "(a{0,}? then b)"),
        ("a+ then b", "(a{1,} then b)"),
        ("a+? then b", "(a{1,}? then b)"),
        ("a{3} then b", "(a{3,3} then b)"),
        ("a{3}? then b", "(a{3,3}? then b)"),
        ("a{2,} then b", "(a{2,} then b)"),
        ("a{2,}? then b", "(a{2,}? then b)"),
        ("a{0,3}? then b", "(a{0,3}? then b)"),
        ("a{1} then b", "(a then b)"),
        ("a+ consecutive then b", "(a{1,} consecutive then b)"),
        ("a+? combinations then b", "(a{1,}? combinations then b)"),
        ("a+ where v > 1 until x where v > 2 then b", "(a{1,} until[x where v > 2] then b)"),
        ("(a then b){2,} consecutive then c", "((a then b){2,} consecutive then c)"),
        ("(a then b within 1m) then c", "((a then b)<60000ms then c)"),
        ("(a within 1m){2} then c", "(a<60000ms{2,2} then c)"),
        ("(a{5} within 1m)", "a{5,5}<60000ms"),
        ("(x: a | b) then c", "((x | b) then c)"),
        ("a | b & c then d", "((a | (b & c)) then d)"),
        ("(a | b) then c", "(a_or_b then c)"),
        ("(a | b)+ where v > 1 then c", "(a_or_b{1,} then c)"),
        ("x: (a | b){2}? then c", "(x{2,2}? then c)"),
        ("a then a then a_2: a then a", "(a then a_3 then a_2 then a_4)"),
        ("event then event", "(event then event_2)"),
        ("then then next: within then any match", "(then then next thenAny match)"),
        ("a then (b then not x) then c", "(a then (b !then[x]) then c)"),
    ])
    func shape(_ text: String, _ expected: String) throws {
        #expect(describe(try rule(text).pattern) == expected)
    }

    @Test func stepsAndPredicatesStandInTheOrderOfTheText() throws {
        let rule = try rule(
            "p: a+ where v > 1 until x then not y then (q: b where v == count(p) & c) then not within 5m z cancel on w cancel on (u | w where v > 2)"
        )
        let pattern = rule.pattern
        #expect(pattern.steps.map(\.name) == ["p", "q", "c"])
        #expect(pattern.steps.map(\.isInLoop) == [true, false, false])
        #expect(pattern.steps.map(\.conditionText) == ["v > 1", "v == count(p)", ""])
        #expect(pattern.predicates.map(\.text) == ["x", "y", "z", "w", "(u | w where v > 2)"])
        #expect(rule.cancels == [3, 4])
        #expect(pattern.predicates[4].alternatives.map(\.types) == [.named(["u"]), .named(["w"])])
    }

    @Test func aGroupInALoopPutsItsStepsInALoop() throws {
        let steps = try rule("(p: a then q: b?)+ then c?").pattern.steps
        #expect(steps.map(\.isInLoop) == [true, true, false])
    }

    @Test func anyTypeIsAny() throws {
        let steps = try rule("event then x: (a | event) then `event`").pattern.steps
        #expect(steps.map(\.types) == [.any, .any, .named(["event"])])
    }

    @Test func theTextOfAConditionIsFolded() throws {
        let steps = try rule("a where v   >\n  1 // why\n and w == \"x  y\"").pattern.steps
        #expect(steps[0].conditionText == "v > 1 and w == \"x  y\"")
    }

    @Test func keysByStep() throws {
        let text = """
            rule r { by host
                match parent: process by pid then not exit by id then child: process+ where elevated by ppid until stop
                within 5m
                cancel on reboot by boot }
            """
        let rule = try #require(check(files: [source(text)]).program?.rules.first, "\(rendered(text))")
        #expect(rule.isKeyedByStep)
        #expect(rule.key.map(\.name) == ["host", "pid"])
        #expect(rule.pattern.steps.map { $0.key.map(describe) } == [["host", "pid"], ["host", "ppid"]])
        #expect(
            rule.pattern.predicates.map { $0.alternatives[0].key.map(describe) } == [["host", "id"], ["host", "ppid"], ["host", "boot"]])
    }

    @Test func labelsAreSeenWhereTheyCanBeCaptured() {
        #expect(codes("rule r { match (p: a where v > count(q) then q: b){2} then c }").isEmpty)
        #expect(codes("rule r { match (p: a where v > q.v & q: b where v > p.v) then c }").isEmpty)
        #expect(codes("rule r { match (p: a | q: b where v > p.v) then c }") == ["E0307"])
        #expect(codes("rule r { match p: a where v > p.v then c }") == ["E0307"])
        #expect(codes("rule r { match p: a then not x where v > q.v then q: b }") == ["E0307"])
        #expect(codes("rule r { match p: a then not x where v > p.v then q: b }").isEmpty)
        #expect(codes("rule r { match p: a+ until x where v > last(p.v) then q: b }").isEmpty)
    }

    @Test func guardsAtAnEnd() {
        #expect(codes("rule r { match a then not x then b? }").isEmpty)
        #expect(codes("rule r { match a then (b then not x) within 5m }").isEmpty)
        #expect(codes("rule r { match a then (b then not within 1m x) }").isEmpty)
        #expect(codes("rule r { match a then (b | (c then not x)) }") == ["E0503"])
        #expect(codes("rule r { match (a next not x){2} }") == ["E0504"])
        #expect(codes("rule r { match (a next not x){2} then b }").isEmpty)
    }

    @Test func bounds() {
        let steps = { (count: Int) in "rule r { match " + Array(repeating: "a", count: count).joined(separator: " then ") + " }" }
        #expect(codes(steps(64)).isEmpty)
        #expect(codes(steps(65)) == ["E0508"])
        #expect(codes("rule r { match a{65535} then b }").isEmpty)
        let loops = { (count: Int) in
            "rule r { match " + String(repeating: "(", count: count) + "a then b" + String(repeating: "){2}", count: count) + " }"
        }
        #expect(codes(loops(16)).isEmpty)
        #expect(codes(loops(17)) == ["E0509"])
        #expect(codes("rule r { match a & b & c & d & e & f & g & h }").isEmpty)
    }
}
