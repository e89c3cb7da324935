// Pages on tests beside the rules: E07.

extension ExplanationPage {
    static let tests: [ExplanationPage] = [
        ExplanationPage(
            .unknownTestRule, "A test expects an unknown rule",
            meaning: #"""
                `expect` names a rule of the test's own file. There is none of this name there; most often the name
                is misspelt, or the rule stands in another file.
                """#,
            wrong: #"""
                rule burst { match charge{3} within 1m }
                test "three in a row" {
                    charge { card: "c1" }
                    expect brust
                }
                """#,
            right: #"""
                rule burst { match charge{3} within 1m }
                test "three in a row" {
                    charge { card: "c1" }
                    charge { card: "c1" }
                    charge { card: "c1" }
                    expect burst
                }
                """#),
        ExplanationPage(
            .unknownTestEvent, "An event of a test that cannot come",
            meaning: #"""
                The type of this event is not declared though others are, or the stream cannot bring it. `event`
                stands for any type in patterns; in a test say which.
                """#,
            wrong: #"""
                event charge { card string }
                rule burst { match charge{3} within 1m }
                test "one charge" {
                    chrage { card: "c1" }
                    expect nothing
                }
                """#,
            right: #"""
                event charge { card string }
                rule burst { match charge{3} within 1m }
                test "one charge" {
                    charge { card: "c1" }
                    expect nothing
                }
                """#),
        ExplanationPage(
            .fieldNotInAlert, "A field that the alert does not have",
            meaning: #"""
                Behind `expect RULE` stand fields of that rule's alert, as its `alert { … }` names them. Severity
                and summary are none of them.
                """#,
            wrong: #"""
                rule burst {
                    match probe: charge{3} within 1m
                    alert low { probes: count(probe) }
                }
                test "three in a row" {
                    charge { card: "c1" }
                    expect burst { probe: 3 }
                }
                """#,
            right: #"""
                rule burst {
                    match probe: charge{3} within 1m
                    alert low { probes: count(probe) }
                }
                test "three in a row" {
                    charge { card: "c1" }
                    expect burst { probes: 3 }
                }
                """#),
        ExplanationPage(
            .nothingAmongOthers, "Nothing, and something",
            meaning: #"""
                `expect nothing` says that no alert comes, so no other `expect` can stand beside it. Without it the
                alerts that are listed are all that may come.
                """#,
            wrong: #"""
                rule burst { match charge{3} within 1m }
                test "three in a row" {
                    charge { card: "c1" }
                    expect nothing
                    expect burst
                }
                """#,
            right: #"""
                rule burst { match charge{3} within 1m }
                test "one" {
                    charge { card: "c1" }
                    expect nothing
                }
                """#),
        ExplanationPage(
            .testFieldTaken, "A field that the test fills itself",
            meaning: #"""
                A test gives every event its type and its time: the type stands before the brace, and the time moves
                by `after` and `wait`. These fields cannot be written as well.
                """#,
            wrong: #"""
                rule burst { match charge{3} within 1m }
                test "one" {
                    charge { card: "c1", ts: 5000 }
                    expect nothing
                }
                """#,
            right: #"""
                rule burst { match charge{3} within 1m }
                test "one" {
                    wait 5s
                    charge { card: "c1" }
                    expect nothing
                }
                """#),
        ExplanationPage(
            .testTooLong, "A test that takes too long",
            meaning: #"""
                A test begins on the first of January 1970, and times go to the year 2200. Its `after`s and `wait`s
                add up to more.
                """#,
            wrong: #"""
                rule burst { match charge{3} within 1m }
                test "long after" {
                    charge { card: "c1" }
                    charge { card: "c1" } after 13_000w
                    expect nothing
                }
                """#,
            right: #"""
                rule burst { match charge{3} within 1m }
                test "long after" {
                    charge { card: "c1" }
                    charge { card: "c1" } after 52w
                    expect nothing
                }
                """#),
    ]
}
