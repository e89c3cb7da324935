// Pages on the text of a rule file: E01.

extension ExplanationPage {
    static let text: [ExplanationPage] = [
        ExplanationPage(
            .invalidUTF8, "The file is not UTF-8 text",
            meaning: #"""
                Rule files are text in UTF-8, as every editor writes it today. This file holds bytes that are no
                UTF-8, most often because an old program saved it in another encoding, such as Latin-1 or UTF-16.
                Open it in an editor and save it as UTF-8.
                """#,
            wrong: #"""
                // caf� is saved as Latin-1
                rule r { match charge }
                """#,
            right: #"""
                // café is saved as UTF-8
                rule r { match charge }
                """#),
        ExplanationPage(
            .unexpectedCharacter, "A sign that has no place here",
            meaning: #"""
                The language does not use this sign. Comments begin with `//`, conditions are joined by `and`, `or`
                and `not`, and a name with signs in it (a hyphen, an accent) stands in backquotes.
                """#,
            wrong: #"""
                rule r {
                    match charge where amount > 1 #
                }
                """#,
            right: #"""
                rule r {
                    match charge where amount > 1 // large
                }
                """#),
        ExplanationPage(
            .unterminatedString, "A string without an end",
            meaning: #"""
                A text begins and ends with the same quote, on one line. Here the second quote is missing.
                """#,
            wrong: #"""
                rule r {
                    match charge where country == "GB
                }
                """#,
            right: #"""
                rule r {
                    match charge where country == "GB"
                }
                """#),
        ExplanationPage(
            .unknownEscape, "A backslash that means nothing",
            meaning: #"""
                Between double quotes a backslash begins one of a few signs, such as `\n` or `\"`. Regular
                expressions are full of other backslashes: write them between single quotes, where a backslash is a
                plain sign.
                """#,
            wrong: #"""
                rule r { match charge where note matches "\d+" }
                """#,
            right: #"""
                rule r { match charge where note matches '\d+' }
                """#),
        ExplanationPage(
            .badQuotedName, "A name in backquotes that does not end",
            meaning: #"""
                Backquotes let a name hold any sign, as in `user-agent`. The second backquote is missing, or there
                is nothing between the two.
                """#,
            wrong: #"""
                rule r {
                    match request where `user-agent == "curl"
                }
                """#,
            right: #"""
                rule r {
                    match request where `user-agent` == "curl"
                }
                """#),
        ExplanationPage(
            .badNumber, "This is no number",
            meaning: #"""
                Numbers are written `12`, `0.5`, `1e6` or `1_000`. A letter right behind a number, two underscores,
                or a number that is too large to hold cannot be read.
                """#,
            wrong: #"""
                rule r { match charge where amount > 1e999 }
                """#,
            right: #"""
                rule r { match charge where amount > 1_000_000 }
                """#),
        ExplanationPage(
            .badDuration, "This is no duration",
            meaning: #"""
                A duration is made of whole numbers with units, the large units first, each once: `250ms 30s 10m 2h
                1h30m 2d 1w`. A number without a unit could mean anything.
                """#,
            wrong: #"""
                rule r { match login then transfer within 10 }
                """#,
            right: #"""
                rule r { match login then transfer within 10m }
                """#),
        ExplanationPage(
            .fileTooLarge, "The file is too large",
            meaning: #"""
                A rule file holds at most 16 MiB. One that is larger is most likely no rule file. Long lists belong
                into files of their own, and rules may be spread over any number of files.
                """#,
            wrong: #"""
                // a file of 17 MiB
                """#,
            right: #"""
                rule r { match charge }
                """#),
    ]
}
