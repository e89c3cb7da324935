import ReferenceMatcher
import Testing

/// Sentences of the language's pages, one case each, worked out by hand.
@Suite struct ScenarioTests {
    @Test(arguments: Scenarios.examples + Scenarios.connectives + Scenarios.limits)
    func patterns(_ scenario: Scenario) throws { try scenario.check() }

    @Test(arguments: Scenarios.policies + Scenarios.timeouts)
    func reports(_ scenario: Scenario) throws { try scenario.check() }

    @Test(arguments: Scenarios.clauses + Scenarios.keys + Scenarios.order)
    func clauses(_ scenario: Scenario) throws { try scenario.check() }
}

enum Scenarios {
    private static func all(_ pattern: String) -> String { "match \(pattern)\nafter match keep all" }

    static let examples = [
        Scenario("greedy collects", all("a: A+ then b: B"), on: "A@0 A@10 B@20", gives: ["20 a[1,2] b[3]", "20 a[2] b[3]"]),
        Scenario(
            "reluctant matches every shorter loop too", all("a: A+? then b: B"), on: "A@0 A@10 B@20",
            gives: ["20 a[1,2] b[3]", "20 a[1] b[3]", "20 a[2] b[3]"]),
        Scenario("greedy ends at the next step", all("a: A+ then b: B"), on: "A@0 B@10 A@20 B@30", gives: ["10 a[1] b[2]", "30 a[3] b[4]"]),
        Scenario(
            "reluctant goes on behind it", all("a: A+? then b: B"), on: "A@0 B@10 A@20 B@30",
            gives: ["10 a[1] b[2]", "30 a[1,3] b[4]", "30 a[3] b[4]"]),
        Scenario(
            "every combination", all("a: A+? combinations then any b: B"), on: "A@0 B@10 A@20 B@30",
            gives: ["10 a[1] b[2]", "30 a[1,3] b[4]", "30 a[1] b[4]", "30 a[3] b[4]"]),
        Scenario("a greedy loop that ends a pattern ends at its minimum", "match a: A{2,}", on: "A@0 A@10 A@20", gives: ["10 a[1,2]"]),
        Scenario("the default reports once and starts afresh", "match a: A+ then b: B", on: "A@0 A@10 B@20 A@30 B@40",
            gives: ["20 a[1,2] b[3]", "40 a[4] b[5]"]),
    ]

    static let connectives = [
        Scenario("what is left out takes its connective with it", all("a: A next b: B? then c: C"), on: "A@0 D@10 C@20",
            gives: ["20 a[1] c[3]"]),
        Scenario(
            "a strict option does not bind", all("a: A next b: B? then c: C"), on: "A@0 B@10 C@20",
            gives: ["20 a[1] b[2] c[3]", "20 a[1] c[3]"]),
        Scenario("next not looks at one event", all("a: A next not B then c: C"), on: "A@0 D@5 B@10 C@20", gives: ["20 a[1] c[4]"]),
        Scenario("next not forbids the very next", all("a: A next not B then c: C"), on: "A@0 B@10 C@20", gives: []),
        Scenario("under next not the guarded event is not captured", all("a: A next not B then b: B"), on: "A@0 B@10 B@20", gives: []),
        Scenario("under then not it may be", all("a: A then not B then b: B"), on: "A@0 B@10 B@20", gives: ["10 a[1] b[2]"]),
        Scenario("a guard before an option protects what comes instead", all("a: A then not D then b: B? then c: C"), on: "A@0 D@5 C@10",
            gives: []),
        Scenario(
            "until ends a loop that has captured", all("a: A+ until C then b: B"), on: "A@0 C@10 A@20 B@30",
            gives: ["30 a[1] b[4]", "30 a[3] b[4]"]),
        Scenario(
            "until is never captured by its loop", all("a: A+ until A where v == 2 then b: B"), on: "A@0,v=2 A@10,v=1 B@20",
            gives: ["20 a[2] b[3]"]),
        Scenario(
            "until before the first capture ends nothing", all("a: A then b: B{2} until C then c: C"),
            on: "A@0 C@5 B@10 B@20 C@30", gives: ["30 a[1] b[3,4] c[5]"]),
        Scenario("either", all("(a: A | b: B) then c: C"), on: "A@0 B@10 C@20", gives: ["20 a[1] c[3]", "20 b[2] c[3]"]),
        Scenario("all in any order", all("a: A & b: B"), on: "B@0 A@10", gives: ["10 a[2] b[1]"]),
        Scenario("all, whole one after another", all("(a: A then a2: A) & b: B"), on: "A@0 B@10 A@20", gives: []),
        Scenario("several types in one step", all("a: (A | B){2}"), on: "A@0 C@5 B@10", gives: ["10 a[1,3]"]),
        Scenario(
            "consecutive rounds of a group", all("(a: A then b: B){2} consecutive"), on: "A@0 B@10 A@20 B@30 C@40 A@50 B@60",
            gives: ["30 a[1,3] b[2,4]"]),
    ]

    static let limits = [
        Scenario("at the limit is too late", all("a: A then within 20ms b: B"), on: "A@0 B@20", gives: []),
        Scenario("before it is not", all("a: A then within 20ms b: B"), on: "A@0 B@19", gives: ["19 a[1] b[2]"]),
        Scenario("each round of a loop has the limit", all("a: A then within 10ms b: B{2}"), on: "A@0 B@5 B@14", gives: ["14 a[1] b[2,3]"]),
        Scenario("each round from the one before", all("a: A then within 10ms b: B{2}"), on: "A@0 B@5 B@15", gives: []),
        Scenario("a guard for a time", all("a: A then not within 10ms X then b: B"), on: "A@0 X@10 B@20", gives: ["20 a[1] b[3]"]),
        Scenario("a guard within its time", all("a: A then not within 10ms X then b: B"), on: "A@0 X@9 B@20", gives: []),
        Scenario("an absence completes before an event at its moment", all("a: A then not within 15ms C"), on: "A@0 C@15",
            gives: ["15 a[1]"]),
        Scenario("an absence that is none", all("a: A then not within 15ms C"), on: "A@0 C@14", gives: []),
        Scenario(
            "of several absences the last to end completes", all("a: A then not within 15ms B then not within 25ms C"),
            on: "A@0 B@20 D@40", gives: ["25 a[1]"]),
        Scenario("the pattern's limit is the absence's", all("a: A then b: B then not C within 30ms"), on: "A@0 B@20",
            gives: ["30 a[1] b[2]"]),
        Scenario(
            "a group's limit counts from its first event", all("(a: A{2} within 10ms) then b: B"), on: "A@0 A@10 A@15 B@50",
            gives: ["50 a[2,3] b[4]"]),
        Scenario("the pattern's limit", all("a: A then b: B within 10ms"), on: "A@0 B@10 A@20 B@29", gives: ["29 a[3] b[4]"]),
    ]

    static let policies = [
        Scenario("skip to next: one a start", "match a: A+? then b: B\nafter match skip to next", on: "A@0 A@10 B@20 B@30",
            gives: ["20 a[1,2] b[3]", "20 a[2] b[3]"]),
        Scenario("skip to last", "match x: X then a: A+ then b: B\nafter match skip to last a", on: "X@0 A@10 X@15 A@20 B@30 A@40 B@50",
            gives: ["30 x[1] a[2,4] b[5]"]),
        Scenario("skip to first", "match x: X then a: A+ then b: B\nafter match skip to first a", on: "X@0 A@10 X@15 A@20 B@30 A@40 B@50",
            gives: ["30 x[1] a[2,4] b[5]", "30 x[3] a[4] b[5]"]),
        Scenario("skip to a label that captured nothing", "match a: A then c: C? then b: B\nafter match skip to last c",
            on: "A@0 A@10 B@20",
            gives: ["20 a[1] b[3]"]),
        Scenario("at a deadline all that is there is dropped", "match a: A then not within 20ms B", on: "A@0 A@10 A@20",
            gives: ["20 a[1]", "40 a[3]"]),
        Scenario("keep all keeps them", all("a: A then not within 20ms B"), on: "A@0 A@10", gives: ["20 a[1]", "30 a[2]"]),
    ]

    private static func timed(_ pattern: String) -> String { "match \(pattern)\nalert high\non timeout alert low" }

    static let timeouts = [
        Scenario("a limit that passes", timed("a: A then b: B within 10ms"), on: "A@0", gives: ["timeout 10 a[1]"]),
        Scenario("an event at the limit is behind it", timed("a: A then b: B within 10ms"), on: "A@0 B@10", gives: ["timeout 10 a[1]"]),
        Scenario("a match is no timeout", timed("a: A then b: B within 10ms"), on: "A@0 B@5", gives: ["5 a[1] b[2]"]),
        Scenario("with what was captured", timed("a: A then b: B then c: C within 10ms"), on: "A@0 B@5", gives: ["timeout 10 a[1] b[2]"]),
        Scenario("the limit of the last target", timed("a: A then within 5ms b: B then c: C within 20ms"), on: "A@0",
            gives: ["timeout 5 a[1]"]),
        Scenario("what a guard ends gives none", timed("a: A then not X then b: B within 10ms"), on: "A@0 X@5", gives: []),
        Scenario("what a policy drops gives none", timed("a: A then b: B within 10ms"), on: "A@0 A@2 B@5", gives: ["5 a[1] b[3]"]),
        Scenario(
            "no match began there, whatever is open", "match a: A then any b: B within 10ms\nafter match keep all\non timeout alert low",
            on: "A@0 B@5", gives: ["5 a[1] b[2]"]),
        Scenario(
            "one for each first event, the most captures first", timed("a: A then any b: B then c: C within 10ms"),
            on: "A@0 B@2 B@4 A@6", gives: ["timeout 10 a[1] b[2]", "timeout 16 a[4]"]),
        Scenario("what cancel drops gives none", timed("a: A then b: B within 10ms") + "\ncancel on C", on: "A@0 C@5", gives: []),
        Scenario("a kept state has no timeout yet", timed("a: A then b: B within 10ms"), on: "A@0 D@9",
            gives: [], end: .open(reaching: nil)),
        Scenario("until time has come", timed("a: A then b: B within 10ms"), on: "A@0",
            gives: ["timeout 10 a[1]"], end: .open(reaching: 10_000)),
    ]

    static let clauses = [
        Scenario("cancel drops", all("a: A then b: B") + "\ncancel on C", on: "A@0 C@10 B@20", gives: []),
        Scenario("cancel comes before its own capture", all("a: C then b: B") + "\ncancel on C", on: "C@0 C@5 B@10",
            gives: ["10 a[2] b[3]"]),
        Scenario("cancel comes after the deadlines", all("a: A then not within 10ms B") + "\ncancel on C", on: "A@0 C@10",
            gives: ["10 a[1]"]),
        Scenario("limit drops the oldest", all("a: A then b: B") + "\nlimit 1 open", on: "A@0 A@10 B@20", gives: ["20 a[2] b[3]"]),
        Scenario("limit drops the newest", all("a: A then b: B") + "\nlimit 1 open drop newest", on: "A@0 A@10 B@20",
            gives: ["20 a[1] b[3]"]),
        Scenario("cooldown holds back and counts", "match a: A\ncooldown 15ms", on: "A@0 A@10 A@14 A@15 A@40",
            gives: ["0 a[1]", "15 a[4] +2", "40 a[5]"]),
        Scenario("cooldown by a field", "match a: A\ncooldown 15ms by v", on: "A@0,v=1 A@5,v=2 A@10,v=1.0 A@20,v=2",
            gives: ["0 a[1]", "5 a[2]", "20 a[4]"]),
        Scenario("the rule's where decides what is next", "where v > 0\n" + all("a: A next b: B"),
            on: "A@0,v=1 C@5,v=0 B@10,v=1 A@15 B@20,v=1",
            gives: ["10 a[1] b[3]"]),
        Scenario("unknown satisfies nothing", all("a: A where not v == 1"), on: "A@0 A@5,v=null A@10,v=1 A@15,v=2 A@20,v=\"s\"",
            gives: ["15 a[4]"]),
        Scenario("a loop's own label", all("a: A{2,} where count(a) == 0 or v > last(a.v) then b: B"), on: "A@0,v=1 A@5,v=1 A@10,v=2 B@20",
            gives: ["20 a[1,3] b[4]", "20 a[2,3] b[4]"]),
        Scenario(
            "a field that breaks its declaration is unknown", all("a: A where v is missing"), on: "A@0,v=1 A@5,v=\"1\" A@10 B@15",
            gives: ["5 a[2]", "10 a[3]"], declarations: "event A { v number? }"),
        Scenario(
            "a declared time is one", all("a: A where time() - at > 5ms"),
            on: "A@100,at=94 A@200,at=195 A@300,at=\"1970-01-01T00:00:00.290Z\"",
            gives: ["100 a[1]", "300 a[3]"], declarations: "event A { at time }"),
        Scenario("the earlier label", all("a: A then b: B where v > a.v"), on: "A@0,v=2 B@5,v=2 B@10,v=2.5", gives: ["10 a[1] b[3]"]),
    ]

    static let keys = [
        Scenario("keys apart, 1 and 1.0 one, no key no event", "by k\n" + all("a: A next b: B"),
            on: "A@0,k=1 A@1,k=\"1\" A@2,k=null A@3 B@5,k=1.0 B@6,k=[1]", gives: ["5 a[1] b[5]"]),
        Scenario("parent and child", all("p: P by pid then c: P by ppid"), on: "P@0,pid=1 P@5,pid=2,ppid=1 P@9,pid=3,ppid=2",
            gives: ["5 p[1] c[2]", "9 p[2] c[3]"]),
        Scenario("next is broken by the stream alone", all("a: A by p next b: B by q"),
            on: "A@0,p=1 C@5,p=2 B@10,q=1 A@20,p=1 C@25,q=1 B@30,q=1",
            gives: ["10 a[1] b[3]"]),
    ]

    static let order = [
        Scenario("ties by arrival", all("a: A then b: B"), on: "B@0 A@0 B@0", gives: ["0 a[2] b[3]"]),
        Scenario("inputs before lines", all("a: A then b: B"), on: "B@0/1 A@0/0", gives: ["0 a[2] b[1]"]),
        Scenario("by time, not by arrival", all("a: A then b: B"), on: "B@10 A@5",
            gives: ["10 a[2] b[1]"], declarations: "stream { delay 5ms }"),
        Scenario("late is late", all("a: A then b: B"), on: "B@10 A@4 A@5", gives: ["10 a[3] b[1]"], declarations: "stream { delay 5ms }"),
        Scenario("late by its own input alone", all("a: A then b: B"), on: "B@10/0 A@4/1", gives: ["10 a[2] b[1]"]),
        Scenario("held back until the watermark", all("a: A"), on: "A@0 A@10 A@20", gives: ["0 a[1]", "10 a[2]"], end: .open(reaching: nil),
            declarations: "stream { delay 10ms }"),
        Scenario(
            "deadlines before events, by first events", all("(a: A then not within 10ms B) | c: C"), on: "A@0 C@10",
            gives: ["10 a[1]", "10 c[2]"]),
    ]
}
