// Pages on advice: W10.

extension ExplanationPage {
    static let advice: [ExplanationPage] = [
        ExplanationPage(
            .loopWithoutLimit, "A loop without a limit",
            meaning: #"""
                Events that a loop has collected are kept until the pattern goes on or is dropped. Without a limit
                that may be never, and memory fills with old beginnings. Say how long it may take.
                """#,
            wrong: #"""
                rule r { match charge{3,} where amount < 2 then charge where amount > 300 }
                """#,
            right: #"""
                rule r { match charge{3,} where amount < 2 then charge where amount > 300 within 10m }
                """#),
        ExplanationPage(
            .absenceWithoutLimit, "An absence without a limit",
            meaning: #"""
                The rule waits for the next step as long as the forbidden event stays away, maybe for ever. Say how
                long it may take.
                """#,
            wrong: #"""
                rule r { match login then not logout then transfer }
                """#,
            right: #"""
                rule r { match login then not logout then transfer within 1h }
                """#),
        ExplanationPage(
            .allCombinations, "Every combination of a loop's events",
            meaning: #"""
                `combinations` tries every choice of events, and `keep all` reports each of them: their number
                doubles with every further event. Most rules want one alert with all the evidence, which is what the
                rule gives without these words.
                """#,
            wrong: #"""
                rule r {
                    match transfer{2,} combinations where amount > 9000 within 1d
                    after match keep all
                }
                """#,
            right: #"""
                rule r {
                    match transfer{3} where amount > 9000 within 1d
                }
                """#),
        ExplanationPage(
            .stepNeverSatisfied, "A step that no event can satisfy",
            meaning: #"""
                The conditions on this step exclude each other, or the rule's own `where` lets no event of its type
                in. The rule may never fire.
                """#,
            wrong: #"""
                rule r { match charge where amount > 5 and amount < 3 }
                """#,
            right: #"""
                rule r { match charge where amount > 3 and amount < 5 }
                """#),
        ExplanationPage(
            .undeclaredType, "One type is not declared",
            meaning: #"""
                All other types of the program are declared, so this one is most likely misspelt. If it does exist,
                declare it.
                """#,
            wrong: #"""
                event login { user string }
                event transfer { user string amount number }
                rule r { match login then transfr within 5m }
                """#,
            right: #"""
                event login { user string }
                event transfer { user string amount number }
                rule r { match login then transfer within 5m }
                """#),
        ExplanationPage(
            .constantCondition, "A condition that is always or never true",
            meaning: #"""
                No event changes the outcome of this condition, so it asks for nothing. Often a name or a value is
                not the one that was meant, or `or` stands where `and` should.
                """#,
            wrong: #"""
                rule r { match charge where amount >= 0 or amount < 0 }
                """#,
            right: #"""
                rule r { match charge where amount >= 0 and amount < 100 }
                """#),
        ExplanationPage(
            .guardOfNextStep, "The forbidden event is the one that is looked for",
            meaning: #"""
                Every event that the next step takes also satisfies the `not` before it. Only the first such event
                counts: either it is the next step, or all is over. If that is not meant, say with `where` which
                events are forbidden.
                """#,
            wrong: #"""
                rule r { match reset: password_reset then not login then login where country != reset.country within 1h }
                """#,
            right: #"""
                rule r {
                    match reset: password_reset
                     then not login where country == reset.country
                     then login where country != reset.country
                    within 1h
                }
                """#),
        ExplanationPage(
            .unusedName, "A name that nothing uses",
            meaning: #"""
                This `let` or list is defined and never named. It may be left over, or its name is misspelt where it
                should be used.
                """#,
            wrong: #"""
                let large = 1000
                rule r { match charge where amount > 100 }
                """#,
            right: #"""
                let large = 1000
                rule r { match charge where amount > large }
                """#),
        ExplanationPage(
            .unusedLabel, "A label that nothing uses",
            meaning: #"""
                The alert speaks of other steps, and of this one only in its list of events. Either the label is not
                needed, or the alert forgets something.
                """#,
            wrong: #"""
                rule r {
                    match first: login then out: transfer within 5m
                    alert low "{out.amount} left"
                }
                """#,
            right: #"""
                rule r {
                    match first: login then out: transfer within 5m
                    alert low "{out.amount} left after a login from {first.country}"
                }
                """#),
        ExplanationPage(
            .loopAtEnd, "A loop at the end takes the least it can",
            meaning: #"""
                A rule fires at the first event that completes its pattern. With a loop at the end that is its
                smallest number, so five or more is always five. To collect more, let a further step or an absence
                follow.
                """#,
            wrong: #"""
                rule r { match login{5,} where outcome == "failure" within 5m }
                """#,
            right: #"""
                rule r { match login{5} where outcome == "failure" within 5m }
                """#),
        ExplanationPage(
            .fieldAsKey, "A condition that should be the key",
            meaning: #"""
                Each step asks that a field has the same value as before. That is what `by` is for: it keeps the
                events of each value apart. It is faster, and events of other values no longer get in between.
                """#,
            wrong: #"""
                rule r { match placed: order then payment where order_id == placed.order_id within 1d }
                """#,
            right: #"""
                rule r {
                    by order_id
                    match order then payment within 1d
                }
                """#),
        ExplanationPage(
            .optionalField, "A missing field is never true",
            meaning: #"""
                This field may be missing: its declaration has a `?`. A comparison with a missing field is neither
                true nor false, so the event does not count, not even with `!=` or `not`. Say what a missing field
                counts as.
                """#,
            wrong: #"""
                event charge { amount number country string? }
                rule r { match charge where country != "GB" }
                """#,
            right: #"""
                event charge { amount number country string? }
                rule r { match charge where (country ?? "unknown") != "GB" }
                """#),
        ExplanationPage(
            .loopBeforeAbsence, "A `not` that begins only after the loop",
            meaning: #"""
                `then not x` behind a loop forbids `x` between the loop's last event and the next step. Between two
                events of the loop it may still come. `until x` ends the loop as well.
                """#,
            wrong: #"""
                rule r { match failed: login{5,} then not password_reset then transfer within 5m }
                """#,
            right: #"""
                rule r { match failed: login{5,} until password_reset then not password_reset then transfer within 5m }
                """#),
        ExplanationPage(
            .nearType, "A type that is almost another",
            meaning: #"""
                This type is named once only, and is one letter away from another. Most likely it is misspelt: no
                event will ever have it.
                """#,
            wrong: #"""
                rule one { match password_reset then transfer within 5m }
                rule two { match password_rest then login within 5m }
                """#,
            right: #"""
                rule one { match password_reset then transfer within 5m }
                rule two { match password_reset then login within 5m }
                """#),
        ExplanationPage(
            .cancelOfLastStep, "Cancelled by its own last event",
            meaning: #"""
                `cancel on` looks at an event before the pattern does. The event that would complete this pattern
                also cancels it, so the rule may never fire.
                """#,
            wrong: #"""
                rule r {
                    match login then transfer where amount > 1000 within 5m
                    cancel on transfer
                }
                """#,
            right: #"""
                rule r {
                    match login then transfer where amount > 1000 within 5m
                    cancel on logout
                }
                """#),
        ExplanationPage(
            .neighboursOfOtherTypes, "Other events come in between",
            meaning: #"""
                `next` and `consecutive` let nothing lie between, and that means no event that the rule looks at, of
                whatever type. Say with `where`, before `match`, which types count.
                """#,
            wrong: #"""
                rule climb { match reading next alarm within 5m }
                rule doors { match door_opened then door_forced within 5m }
                """#,
            right: #"""
                rule climb {
                    where type in ["reading", "alarm"]
                    match reading next alarm within 5m
                }
                rule doors { match door_opened then door_forced within 5m }
                """#),
        ExplanationPage(
            .absenceOfLoops, "An absence for every round of a loop",
            meaning: #"""
                With `keep all` the rule reports each number of rounds of the loop on its own when the time of the
                absence is over: many alerts for one thing. Report one, or fix the number of rounds.
                """#,
            wrong: #"""
                rule r {
                    match ticket{1,5} until answer then not answer within 1h
                    after match keep all
                }
                """#,
            right: #"""
                rule r {
                    match ticket{1,5} until answer then not answer within 1h
                }
                """#),
        ExplanationPage(
            .percentInLike, "`%` is no wildcard",
            meaning: #"""
                In `like` the wildcards are `*` for any run of characters and `?` for any one. SQL's `%` stands for
                itself here.
                """#,
            wrong: #"""
                rule r { match login where name like "%admin%" }
                """#,
            right: #"""
                rule r { match login where name like "*admin*" }
                """#),
    ]
}
