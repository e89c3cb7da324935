// Pages on names: E03.

extension ExplanationPage {
    static let names: [ExplanationPage] = [
        ExplanationPage(
            .duplicateDeclaration, "Two things of one name",
            meaning: #"""
                Two rules, two event types, two streams, two tests of one file, or two of `let`, `list` and `table`
                have the same name. All files of one run count together.
                """#,
            wrong: #"""
                rule r { match charge }
                rule r { match transfer }
                """#,
            right: #"""
                rule charges { match charge }
                rule transfers { match transfer }
                """#),
        ExplanationPage(
            .duplicateLabel, "Two steps with one label",
            meaning: #"""
                A label names one step, so that conditions and the alert can speak of its event. Give each step its
                own.
                """#,
            wrong: #"""
                rule r { match p: login then p: transfer within 5m }
                """#,
            right: #"""
                rule r { match first: login then second: transfer within 5m }
                """#),
        ExplanationPage(
            .duplicateName, "The same name twice in one place",
            meaning: #"""
                Two fields of an alert, two parts of a key, two `let`s of a rule or two fields of a declaration have
                one name. Keep one, or rename it.
                """#,
            wrong: #"""
                rule r {
                    match charge
                    alert low { total: amount, total: 2 }
                }
                """#,
            right: #"""
                rule r {
                    match charge
                    alert low { total: amount, double: 2 * amount }
                }
                """#),
        ExplanationPage(
            .unknownFunction, "An unknown function",
            meaning: #"""
                There is no function of this name. The message lists the ones there are, or the one that was most
                likely meant.
                """#,
            wrong: #"""
                rule r { match login where lowr(name) == "root" }
                """#,
            right: #"""
                rule r { match login where lower(name) == "root" }
                """#),
        ExplanationPage(
            .mistypedLabel, "A label that is almost another",
            meaning: #"""
                There is no label of this name, but one that is one letter away. A field that is really called so is
                written in backquotes.
                """#,
            wrong: #"""
                rule r { match probe: login then transfer where amount > prob.amount within 5m }
                """#,
            right: #"""
                rule r { match probe: login then transfer where amount > probe.amount within 5m }
                """#),
        ExplanationPage(
            .typeAsLabel, "A type where a label is needed",
            meaning: #"""
                A pattern may hold several events of one type, so an event is named by its step's label, not by its
                type. Put a label and a colon before the step.
                """#,
            wrong: #"""
                rule r { match charge then transfer where amount > charge.amount within 5m }
                """#,
            right: #"""
                rule r { match c: charge then transfer where amount > c.amount within 5m }
                """#),
        ExplanationPage(
            .labelNotYetCaptured, "A label that comes later",
            meaning: #"""
                When this condition is looked at, the labelled event has not been there yet. Let the later step's
                condition do the comparing.
                """#,
            wrong: #"""
                rule r { match a: charge where amount > b.amount then b: charge within 5m }
                """#,
            right: #"""
                rule r { match a: charge then b: charge where a.amount > amount within 5m }
                """#),
        ExplanationPage(
            .labelNotAllowed, "No label may stand here",
            meaning: #"""
                `by`, the rule's `where`, `let` and `cancel on` look at one event alone: at that moment no captured
                event is known.
                """#,
            wrong: #"""
                rule r {
                    match a: login then transfer within 5m
                    cancel on logout where session == a.session
                }
                """#,
            right: #"""
                rule r {
                    by session
                    match login then transfer within 5m
                    cancel on logout
                }
                """#),
        ExplanationPage(
            .unknownLabel, "No step has this label",
            meaning: #"""
                `after match skip to first L` needs the label of a step of this rule.
                """#,
            wrong: #"""
                rule r {
                    match probe: charge then transfer within 5m
                    after match skip to first prob
                }
                """#,
            right: #"""
                rule r {
                    match probe: charge then transfer within 5m
                    after match skip to first probe
                }
                """#),
        ExplanationPage(
            .unknownField, "An unknown field",
            meaning: #"""
                The event's declaration does not list this field. Either the name is misspelt, or the declaration
                lacks the field.
                """#,
            wrong: #"""
                event charge { card string amount number }
                rule r { match charge where amuont > 100 }
                """#,
            right: #"""
                event charge { card string amount number }
                rule r { match charge where amount > 100 }
                """#),
        ExplanationPage(
            .keyNeedsName, "A part of the key without a name",
            meaning: #"""
                A key's parts stand in the alert under their names. A field has its own name; anything that is
                computed needs one, before a colon.
                """#,
            wrong: #"""
                rule r {
                    by lower(mail)
                    match login
                }
                """#,
            right: #"""
                rule r {
                    by mail: lower(mail)
                    match login
                }
                """#),
        ExplanationPage(
            .circularLet, "A `let` made of itself",
            meaning: #"""
                These names are defined by each other in a circle, so none of them has a value.
                """#,
            wrong: #"""
                let x = y + 1
                let y = x + 1
                rule r { match charge where amount > x }
                """#,
            right: #"""
                let x = 1
                let y = x + 1
                rule r { match charge where amount > y }
                """#),
        ExplanationPage(
            .unknownFieldType, "An unknown type of field or time",
            meaning: #"""
                A declared field is `string`, `number`, `boolean`, `time`, `list` or `any`; a stream's time is in
                `seconds`, `milliseconds`, `microseconds`, `nanoseconds` or `rfc3339`.
                """#,
            wrong: #"""
                event charge { amount numbr }
                """#,
            right: #"""
                event charge { amount number }
                """#),
    ]
}
