// Pages on warnings: W04, W05 and W07.

extension ExplanationPage {
    static let warnings: [ExplanationPage] = [
        ExplanationPage(
            .nullAsField, "`null` is read as a field",
            meaning: #"""
                There is no word `null` in the language: a missing field is asked for with `is missing`. As it
                stands, the value is compared with a field named `null`.
                """#,
            wrong: #"""
                rule r { match charge where country == null }
                """#,
            right: #"""
                rule r { match charge where country is missing }
                """#),
        ExplanationPage(
            .modeWithoutLoop, "A word about a loop where there is none",
            meaning: #"""
                `consecutive` and `combinations` say what may lie between two events of a repeated step. This step
                captures one event, so the word changes nothing.
                """#,
            wrong: #"""
                rule r { match login consecutive then transfer within 5m }
                """#,
            right: #"""
                rule r { match login{3} consecutive then transfer within 5m }
                """#),
        ExplanationPage(
            .timeoutWithoutLimit, "Nothing can time out",
            meaning: #"""
                `on timeout` reports matches that ran out of time, but this pattern has no limit.
                """#,
            wrong: #"""
                rule r {
                    match login then transfer
                    on timeout alert low
                }
                """#,
            right: #"""
                rule r {
                    match login then transfer within 5m
                    on timeout alert low
                }
                """#),
        ExplanationPage(
            .testWithoutExpectation, "A test that expects nothing at all",
            meaning: #"""
                A test without `expect` finds out nothing. Say which alerts must come, or `expect nothing`.
                """#,
            wrong: #"""
                rule burst { match charge{3} within 1m }
                test "one" {
                    charge { card: "c1" }
                }
                """#,
            right: #"""
                rule burst { match charge{3} within 1m }
                test "one" {
                    charge { card: "c1" }
                    expect nothing
                }
                """#),
    ]
}
