// Pages on types and expressions: E04.

extension ExplanationPage {
    static let expressions: [ExplanationPage] = [
        ExplanationPage(
            .wrongType, "Values that do not go together",
            meaning: #"""
                The two sides are of different kinds, so the comparison or sum would never give anything: a number
                with a text, a time with a number, a list with one value.
                """#,
            wrong: #"""
                event charge { amount number }
                rule r { match charge where amount > "300" }
                """#,
            right: #"""
                event charge { amount number }
                rule r { match charge where amount > 300 }
                """#),
        ExplanationPage(
            .wrongArgumentCount, "The wrong number of arguments",
            meaning: #"""
                A function takes what stands in its description: `abs(x)` one value, `contains(text, part)` two.
                """#,
            wrong: #"""
                rule r { match charge where abs(amount, 2) > 1 }
                """#,
            right: #"""
                rule r { match charge where abs(amount) > 1 }
                """#),
        ExplanationPage(
            .labelNeedsAggregate, "Which of several events?",
            meaning: #"""
                A label on a repeated step stands for several events, so a field of it has several values. Say which
                one is meant: the first, the last, the sum, the largest.
                """#,
            wrong: #"""
                rule r { match probe: charge{3,} then charge where amount > probe.amount within 5m }
                """#,
            right: #"""
                rule r { match probe: charge{3,} then charge where amount > max(probe.amount) within 5m }
                """#),
        ExplanationPage(
            .eventAsValue, "An event is no value",
            meaning: #"""
                A label stands for a whole event. Say what of it is meant: one of its fields, or its time.
                """#,
            wrong: #"""
                rule r { match p: login then transfer where sender == p within 5m }
                """#,
            right: #"""
                rule r { match p: login then transfer where sender == p.user within 5m }
                """#),
        ExplanationPage(
            .aggregateNeedsLabel, "This counts the events of a label",
            meaning: #"""
                `count`, `sum` and their like look at the events that a labelled step has captured. Give the step a
                label and name it.
                """#,
            wrong: #"""
                rule r { match charge where sum(amount) > 5 }
                """#,
            right: #"""
                rule r { match c: charge{3} then transfer where sum(c.amount) > 5 within 5m }
                """#),
        ExplanationPage(
            .constantNeeded, "This must be known beforehand",
            meaning: #"""
                A `let` outside of rules, an entry of a list and a pattern hold for all events, so they cannot
                depend on one. A `let` over events stands inside a rule, before `match`.
                """#,
            wrong: #"""
                let double = amount * 2
                rule r { match charge where double > 5 }
                """#,
            right: #"""
                rule r {
                    let double = amount * 2
                    match charge where double > 5
                }
                """#),
        ExplanationPage(
            .conditionNotBoolean, "A condition is yes or no",
            meaning: #"""
                Behind `where` stands something that is true or false. A number or a text is neither: compare it
                with something.
                """#,
            wrong: #"""
                rule r { match p: charge{2,} then transfer where count(p) within 5m }
                """#,
            right: #"""
                rule r { match p: charge{2,} then transfer where count(p) > 3 within 5m }
                """#),
        ExplanationPage(
            .aggregateNeedsField, "Of which field?",
            meaning: #"""
                `sum`, `avg`, `max` and their like need a field of the captured events; only `count` can do without
                one.
                """#,
            wrong: #"""
                rule r { match p: charge{2,} then transfer where sum(p) > 100 within 5m }
                """#,
            right: #"""
                rule r { match p: charge{2,} then transfer where sum(p.amount) > 100 within 5m }
                """#),
        ExplanationPage(
            .badNetwork, "This is no network",
            meaning: #"""
                A network is an address, a slash and the number of leading bits: at most 32, or 128 for IPv6.
                """#,
            wrong: #"""
                rule r { match login where cidr(ip, "10.0.0.0/33") }
                """#,
            right: #"""
                rule r { match login where cidr(ip, "10.0.0.0/8") }
                """#),
        ExplanationPage(
            .badIndex, "A place that cannot be read",
            meaning: #"""
                Places in a list are counted from 0 and only lists have them. Fields are read from events, not from
                what a function gives.
                """#,
            wrong: #"""
                rule r { match login where split(path, "/")[-1] == "tmp" }
                """#,
            right: #"""
                rule r { match login where split(path, "/")[0] == "tmp" }
                """#),
        ExplanationPage(
            .expressionTooLarge, "An expression that grows too large",
            meaning: #"""
                Every `let` is written out where it is named, so a few of them that each name another twice become
                very long. An expression has at most 20 000 parts and is at most 400 deep.
                """#,
            wrong: #"""
                rule r {
                    let a = amount + 1
                    let b = a + a + a + a + a + a + a + a
                    let c = b + b + b + b + b + b + b + b
                    let d = c + c + c + c + c + c + c + c
                    let e = d + d + d + d + d + d + d + d
                    let f = e + e + e + e + e + e + e + e
                    match charge where f > 1
                }
                """#,
            right: #"""
                rule r {
                    let a = (amount + 1) * 32768
                    match charge where a > 1
                }
                """#),
        ExplanationPage(
            .badRegularExpression, "This is no regular expression",
            meaning: #"""
                The text behind `matches` is a regular expression in the language of Perl (PCRE2), and this one
                breaks its rules: a bracket does not end, or a sign such as `*` has nothing before it to repeat.
                Signs that are meant as they stand get a backslash before them. For simple wildcards there is
                `like`, with `*` and `?`. A pattern has at most 16 KiB.
                """#,
            wrong: #"""
                rule r { match opened where path matches '*.exe' }
                """#,
            right: #"""
                rule r { match opened where path matches '\.exe$' }
                """#),
        ExplanationPage(
            .unknownZone, "An unknown time zone",
            meaning: #"""
                A zone is `UTC`, a distance from it such as `+02:00`, or the name of a place such as
                `Europe/Berlin`, as the system's list of time zones has it.
                """#,
            wrong: #"""
                rule r { match login where hour(time(), "Europe/Berln") < 6 }
                """#,
            right: #"""
                rule r { match login where hour(time(), "Europe/Berlin") < 6 }
                """#),
    ]
}
