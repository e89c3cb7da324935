// Pages on patterns, and on what is not there yet: E05 and E06.

extension ExplanationPage {
    static let patterns: [ExplanationPage] = [
        ExplanationPage(
            .patternCanBeEmpty, "A pattern that no event is needed for",
            meaning: #"""
                Every part of this pattern may be left out, so it would match where nothing happened at all. One
                step at least must be needed.
                """#,
            wrong: #"""
                rule r { match login? then transfer* within 5m }
                """#,
            right: #"""
                rule r { match login? then transfer within 5m }
                """#),
        ExplanationPage(
            .loopOfEmpty, "A loop of nothing",
            meaning: #"""
                The brackets may be empty, and the loop repeats them: it could go round for ever without an event.
                Let one step inside be needed; a `*` outside says that there may be none at all.
                """#,
            wrong: #"""
                rule r { match login then (read? then write*){2,} then logout within 5m }
                """#,
            right: #"""
                rule r { match login then (read? then write){2,} then logout within 5m }
                """#),
        ExplanationPage(
            .endGuardNeedsLimit, "Until when must it stay away?",
            meaning: #"""
                A pattern that ends with `not` is complete once the time is over in which the event could have come.
                Say how long that is.
                """#,
            wrong: #"""
                rule r { match order then not payment }
                """#,
            right: #"""
                rule r { match order then not payment within 15m }
                """#),
        ExplanationPage(
            .nextNotAtEnd, "`next not` at the end",
            meaning: #"""
                `next not` looks at the one event that comes right after, and there may never be one. Say with `then
                not` how long to wait.
                """#,
            wrong: #"""
                rule r { match order next not payment within 5m }
                """#,
            right: #"""
                rule r { match order then not payment within 5m }
                """#),
        ExplanationPage(
            .untilNeedsLoop, "`until` without a loop",
            meaning: #"""
                `until` says what ends a loop. A step that captures one event has nothing to end. To forbid an event
                between two steps write `then not`.
                """#,
            wrong: #"""
                rule r { match login then read until logout }
                """#,
            right: #"""
                rule r { match login then read{3} until logout within 5m }
                """#),
        ExplanationPage(
            .loopNeverStarts, "A loop that never starts",
            meaning: #"""
                The condition compares with an earlier event of the same loop, and for the first one there is none,
                so it is never true. Let the first one in.
                """#,
            wrong: #"""
                rule r { match up: reading{5} where value > last(up.value) within 5m }
                """#,
            right: #"""
                rule r { match up: reading{5} where count(up) == 0 or value > last(up.value) within 5m }
                """#),
        ExplanationPage(
            .keyPartsDiffer, "Keys that do not fit each other",
            meaning: #"""
                When steps have keys of their own (`by` behind a step), every step, guard and cancel has one, each
                with the same number of parts: they are compared part by part.
                """#,
            wrong: #"""
                rule r { match parent: process by pid then child: process where elevated within 5m }
                """#,
            right: #"""
                rule r { match parent: process by pid then child: process where elevated by ppid within 5m }
                """#),
        ExplanationPage(
            .tooManySteps, "Too many steps",
            meaning: #"""
                A rule has at most 64 steps, guards, `until`s and cancels together. Repeat a step with a number, as
                in `login{70}`, or split the rule.
                """#,
            wrong: #"""
                rule r {
                    match a
                        then a then a then a then a then a then a then a then a then a then a
                        then a then a then a then a then a then a then a then a then a then a
                        then a then a then a then a then a then a then a then a then a then a
                        then a then a then a then a then a then a then a then a then a then a
                        then a then a then a then a then a then a then a then a then a then a
                        then a then a then a then a then a then a then a then a then a then a
                        then a then a then a then a
                }
                """#,
            right: #"""
                rule r { match a{65} within 5m }
                """#),
        ExplanationPage(
            .tooManyCountedLoops, "Too many loops inside each other",
            meaning: #"""
                At most 16 loops with a number may stand around one step. Multiply the numbers of loops that stand
                right inside each other.
                """#,
            wrong: #"""
                rule r {
                    match (((((((((((((((((a then b){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}){2}
                }
                """#,
            right: #"""
                rule r { match (a then b){64} within 5m }
                """#),
        ExplanationPage(
            .tooManyInAnyOrder, "Too many in any order",
            meaning: #"""
                `&` asks for all its members in whatever order, and with every member the number of orders grows. At
                most 8 are allowed.
                """#,
            wrong: #"""
                rule r { match a & b & c & d & e & f & g & h & i }
                """#,
            right: #"""
                rule r { match a & b & c & d & e & f & g & h within 5m }
                """#),
        ExplanationPage(
            .zeroDuration, "No time at all",
            meaning: #"""
                A limit of 0 leaves no moment in which anything could happen. Events must come less than the limit
                apart.
                """#,
            wrong: #"""
                rule r { match login then transfer within 0s }
                """#,
            right: #"""
                rule r { match login then transfer within 1s }
                """#),
        ExplanationPage(
            .untilWithKey, "`until` has no key of its own",
            meaning: #"""
                In a rule whose steps have keys, `until` takes the key of the step whose loop it ends.
                """#,
            wrong: #"""
                rule r { match p: login+ by user until logout by name then transfer by owner within 5m }
                """#,
            right: #"""
                rule r { match p: login+ by user until logout then transfer by owner within 5m }
                """#),
        ExplanationPage(
            .patternTooComplex, "A pattern with too many ways through it",
            meaning: #"""
                Loops, options and groups inside each other multiply the ways in which a pattern can go on, and this
                one has more than can be held. Split the rule, or repeat less inside other repetitions.
                """#,
            wrong: #"""
                rule r {
                    match (a{1,3}? & b{1,3}? & c{1,3}? & d{1,3}? & e{1,3}? & f{1,3}? & g{1,3}? & h{1,3}?){2}
                    within 1h
                }
                """#,
            right: #"""
                rule r { match a{1,3} then b within 5m }
                """#),
        ExplanationPage(
            .notSupported, "Not in this version",
            meaning: #"""
                This part of the language is known but not built yet. The message says which.
                """#,
            wrong: #"""
                rule r {
                    match login
                    emit seen { user: user }
                }
                """#,
            right: #"""
                rule r {
                    match login
                    alert low { user: user }
                }
                """#),
    ]
}
