// Pages on the grammar: E02.

extension ExplanationPage {
    static let grammar: [ExplanationPage] = [
        ExplanationPage(
            .unexpectedToken, "Something else was expected here",
            meaning: #"""
                Up to this place the text made sense; what stands here does not go on from it. The message says what
                could have followed. Often a word is missing just before, a sign of another language was used (`->`
                for `then`), or a value was forgotten.
                """#,
            wrong: #"""
                rule r { match login -> transfer }
                """#,
            right: #"""
                rule r { match login then transfer within 10m }
                """#),
        ExplanationPage(
            .nestedTooDeep, "Too many brackets inside each other",
            meaning: #"""
                Brackets may stand 200 deep inside each other, which is far more than a person can read. Name parts
                of the expression with `let`, or join conditions with `and` without brackets.
                """#,
            wrong: #"""
                rule r {
                    match charge where
                        ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
                        ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
                        ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
                        amount > 1
                        ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
                        ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
                        ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
                }
                """#,
            right: #"""
                rule r { match charge where amount > 1 }
                """#),
        ExplanationPage(
            .unclosedBlock, "A closing brace is missing",
            meaning: #"""
                A rule, a list of alert fields or a declaration begins with `{` and ends with `}`. The end was not
                found before the next declaration or the end of the file.
                """#,
            wrong: #"""
                rule one {
                    match login
                    alert low

                rule two {
                    match transfer
                }
                """#,
            right: #"""
                rule one {
                    match login
                    alert low
                }
                rule two {
                    match transfer
                }
                """#),
        ExplanationPage(
            .reservedWord, "This word belongs to the language",
            meaning: #"""
                The words `and or not in is like matches true false` cannot be names. Choose another name, or write
                it in backquotes.
                """#,
            wrong: #"""
                rule r { match in: login then transfer within 5m }
                """#,
            right: #"""
                rule r { match first: login then transfer within 5m }
                """#),
        ExplanationPage(
            .unknownDeclaration, "This begins no declaration",
            meaning: #"""
                A file is made of declarations, and each begins with its word: `rule`, `event`, `stream`, `list`,
                `table`, `let` or `test`. The word here is none of them; most often it is misspelt.
                """#,
            wrong: #"""
                rul r {
                    match login
                }
                """#,
            right: #"""
                rule r {
                    match login
                }
                """#),
        ExplanationPage(
            .unknownClause, "This begins no clause",
            meaning: #"""
                Inside a rule every clause begins with its word: `by`, `where`, `let`, `match`, `after match`,
                `alert`, `on timeout`, `cancel on`, `cooldown`, `limit`, `tags`, `disabled`. The word here is none
                of them; most often it is misspelt.
                """#,
            wrong: #"""
                rule r {
                    match login
                    alrt high
                }
                """#,
            right: #"""
                rule r {
                    match login
                    alert high
                }
                """#),
        ExplanationPage(
            .clauseOrder, "Clauses in the wrong order",
            meaning: #"""
                First comes what events the rule looks at (`by`, `where`, `let`), then the pattern (`match`), then
                what follows from a match. A condition of one step stands right behind that step.
                """#,
            wrong: #"""
                rule r {
                    match login then transfer within 5m
                    where amount > 100
                }
                """#,
            right: #"""
                rule r {
                    match login then transfer where amount > 100 within 5m
                }
                """#),
        ExplanationPage(
            .duplicateClause, "The same clause twice",
            meaning: #"""
                Each clause stands once in a rule, save `let` and `cancel on`. With two of them it would not be
                clear which holds. List all parts of the key behind one `by`, and join two conditions with `and`.
                """#,
            wrong: #"""
                rule r {
                    by card
                    by user
                    match login
                }
                """#,
            right: #"""
                rule r {
                    by card, user
                    match login
                }
                """#),
        ExplanationPage(
            .missingMatch, "A rule without a pattern",
            meaning: #"""
                A rule says with `match` which events it looks for. This one does not.
                """#,
            wrong: #"""
                rule r {
                    by card
                    alert low
                }
                """#,
            right: #"""
                rule r {
                    by card
                    match charge where amount > 1000
                    alert low
                }
                """#),
        ExplanationPage(
            .misplacedLimit, "A limit in the wrong place",
            meaning: #"""
                A limit for one step stands right behind its `then` or `not`; a limit for all of the pattern stands
                behind the whole pattern.
                """#,
            wrong: #"""
                rule r { match login within 5m then transfer }
                """#,
            right: #"""
                rule r { match login then within 5m transfer }
                """#),
        ExplanationPage(
            .guardFirst, "A pattern cannot begin with `not`",
            meaning: #"""
                What does not happen has no time of its own, so there is nothing to begin with. Begin with an event,
                then say what must not follow it.
                """#,
            wrong: #"""
                rule r { match not payment then order within 5m }
                """#,
            right: #"""
                rule r { match order then not payment within 5m }
                """#),
        ExplanationPage(
            .badQuantifier, "Numbers of a loop that do not go together",
            meaning: #"""
                Behind a step, `{3}` is exactly three, `{3,}` three or more and `{3,5}` three to five. The first
                number is not larger than the second, and the last is at least 1.
                """#,
            wrong: #"""
                rule r { match login{5,3} then transfer within 5m }
                """#,
            right: #"""
                rule r { match login{3,5} then transfer within 5m }
                """#),
        ExplanationPage(
            .foreignOperator, "An operator of another language",
            meaning: #"""
                Conditions compare with `==` and `!=`, and are joined by the words `and`, `or` and `not`.
                """#,
            wrong: #"""
                rule r { match charge where country = "GB" }
                """#,
            right: #"""
                rule r { match charge where country == "GB" }
                """#),
        ExplanationPage(
            .chainedComparison, "Comparisons in a row",
            meaning: #"""
                `1 < x < 5` would compare a yes or no with 5. Write two comparisons and join them with `and`.
                """#,
            wrong: #"""
                rule r { match charge where 1 < amount < 5 }
                """#,
            right: #"""
                rule r { match charge where amount > 1 and amount < 5 }
                """#),
        ExplanationPage(
            .badTemplate, "A summary that cannot be read",
            meaning: #"""
                In the text of an alert `{…}` holds an expression, perhaps with a format behind a colon:
                `{amount:.2f}` is two digits, `{amount:,.2f}` groups of three as well. Braces that are meant as
                braces are doubled: `{{` and `}}`.
                """#,
            wrong: #"""
                rule r {
                    match charge
                    alert low "{amount:2f}"
                }
                """#,
            right: #"""
                rule r {
                    match charge
                    alert low "{amount:.2f}"
                }
                """#),
        ExplanationPage(
            .unknownSeverity, "An unknown severity",
            meaning: #"""
                An alert is `info`, `low`, `medium`, `high` or `critical`.
                """#,
            wrong: #"""
                rule r {
                    match charge
                    alert urgent "look at this"
                }
                """#,
            right: #"""
                rule r {
                    match charge
                    alert critical "look at this"
                }
                """#),
        ExplanationPage(
            .groupSuffix, "A group with a step's part",
            meaning: #"""
                Brackets group steps so that they can be repeated or limited together. Labels and conditions belong
                to single steps: put them inside the brackets.
                """#,
            wrong: #"""
                rule r { match (login then logout){2} where ok then transfer within 5m }
                """#,
            right: #"""
                rule r { match (login where ok then logout){2} then transfer within 5m }
                """#),
        ExplanationPage(
            .badLimit, "A number that is no limit",
            meaning: #"""
                `limit … open` and `limit … events` take a whole number from 1 on.
                """#,
            wrong: #"""
                rule r {
                    match charge
                    limit 0 open
                }
                """#,
            right: #"""
                rule r {
                    match charge
                    limit 100 open
                }
                """#),
    ]
}
