/// Rules over card transactions as a team that looks for fraud has them: ten shapes, each with its own steps and key, and of each any
/// number of variants with other thresholds, windows and countries. They fire seldom, so that the time is that of looking.
enum RuleSet {
    private static let countries = ["NG", "BR", "SG", "JP", "IN", "NL", "FR", "DE", "US", "GB"]
    private static let merchants = ["crypto", "casino", "airline", "electronics", "hotel", "fuel", "books", "grocer"]

    /// Rule n is of shape n mod 10. The first rules of a longer text are those of a shorter one.
    static func text(rules: Int) -> String {
        "stream { delay 100ms }\n" + (0..<rules).map { rule($0) }.joined()
    }

    private static func rule(_ number: Int) -> String {
        let shape = shapes[number % shapes.count]
        let digits = String(number)
        let name = shape.name + "_" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        let body = shape.body(number / shapes.count).split(separator: "\n").map { "    \($0)\n" }.joined()
        return "rule \(name) {\n\(body)}\n"
    }

    private static let shapes: [(name: String, body: @Sendable (_ variant: Int) -> String)] = [
        (
            "large_abroad",
            { """
                by card
                match c: charge where amount > \(450 + 10 * $0) and country == "\(countries[$0 % countries.count])"
                alert low "{card} spends {c.amount} in {c.country}"
                """
            }
        ),
        (
            "probing",
            { """
                by card
                match small: charge{\(3 + $0 % 3)} where amount < 2.\($0)
                 then big: charge where amount > \(250 + 20 * $0)
                within \(5 + $0)m
                alert high { probes: count(small) spent: big.amount }
                """
            }
        ),
        (
            "not_confirmed",
            { """
                by card
                match pw: password_change
                 then not otp_ok
                 then big: charge where amount > \(300 + 15 * $0) and country != pw.country
                within \(3 + $0)m
                alert critical "{card}: {big.amount} after a new password"
                """
            }
        ),
        (
            "jump",
            { """
                by card
                match a: charge where amount > \(40 + 5 * $0)
                 then b: charge where amount > \(5 + $0) * a.amount and country != a.country
                within \(1 + $0)m
                """
            }
        ),
        (
            "logins_first",
            { """
                by card
                match tries: login{\(2 + $0 % 2),}
                 then charge where amount > \(280 + 10 * $0) and channel == "web"
                within \(5 + $0)m
                alert medium { tries: count(tries) }
                """
            }
        ),
        (
            "unanswered",
            { """
                by card
                match pw: password_change where amount > \(200 + 10 * $0)
                 then not otp_ok within \(1 + $0)m
                alert low
                """
            }
        ),
        (
            "busy_merchant",
            { """
                by merchant
                match high: charge{3} where amount > \(220 + 10 * $0)
                within \(5 + $0)m
                alert medium "{merchant}: three large charges"
                """
            }
        ),
        (
            "spree",
            { """
                by card
                match some: charge{2,} where amount > \(120 + 5 * $0)
                 then last: charge where sum(some.amount) + amount > \(700 + 50 * $0)
                within \(5 + $0)m
                alert medium { spent: sum(some.amount) + last.amount }
                cooldown 1h
                """
            }
        ),
        (
            "shared_device",
            { """
                by device
                where amount > \(100 + 10 * $0) and channel == "web"
                match a: charge
                 then b: charge where card != a.card
                within \(2 + $0)m
                """
            }
        ),
        (
            "cash_out",
            { """
                by card
                match start: (login | password_change)
                 then otp: otp_ok?
                 then spend: charge where amount > \(250 + 10 * $0) and merchant like "\(merchants[$0 % merchants.count])-*"
                within \(10 + $0)m
                """
            }
        ),
    ]
}
