/// A named measurement: rules over a file of events.
struct Workload: Sendable {
    /// What must come out at the standard size.
    struct Alerts: Equatable, Sendable {
        var count: Int
        /// XXH3 of 128 bits of the file of alerts.
        var hash: String
    }

    /// As it is asked for on the command line.
    let name: String
    let about: String
    let events: EventKind
    /// What figures are published for.
    let standard: Size
    /// As many as the medians are of, unless the command line says otherwise.
    var runs = 5
    /// The text of the rule file.
    let rules: String
    let alerts: Alerts

    static func named(_ name: String) -> Workload? { all.first { $0.name == name } }

    /// In the order in which they run; those that read the same file stand together.
    static let all = transactions + [absence] + sessions + [latency]

    // MARK: - Card transactions

    /// Two million events of a hundred thousand cards, 330 MB.
    static let transactionsSize = Size(events: 2_000_000, keys: 100_000)

    private static let transactions = [
        Workload(
            name: "seq",
            about: "three small charges, then a big one within 10 minutes",
            events: .transactions, standard: transactionsSize,
            rules: """
                stream { delay 100ms }
                rule seq {
                    by card
                    match small: charge{3} where amount < 2
                     then big: charge where amount > 300
                    within 10m
                }

                """,
            alerts: Alerts(count: 1364, hash: "")),
        Workload(
            name: "not",
            about: "a new password, then a big charge with no one-time code between them",
            events: .transactions, standard: transactionsSize,
            rules: """
                stream { delay 100ms }
                rule not_confirmed {
                    by card
                    match pw: password_change
                     then not otp_ok
                     then big: charge where amount > 200
                    within 10m
                }

                """,
            alerts: Alerts(count: 6507, hash: "")),
        // Flink CEP reports 179 319 here: it holds a completed match back while an older run of the card is open, and then drops it
        // (FLINK-15873).
        Workload(
            name: "iter",
            about: "a charge, then one of five times its amount from another country; four of five events reach keyed state",
            events: .transactions, standard: transactionsSize,
            rules: """
                stream { delay 100ms }
                rule iter {
                    by card
                    match a: charge
                     then b: charge where amount > 5 * a.amount and country != a.country
                    within 2m
                }

                """,
            alerts: Alerts(count: 187_434, hash: "")),
        Workload(
            name: "count",
            about: "fifty charges at a merchant within an hour; every charge is part of an alert in the end",
            events: .transactions, standard: transactionsSize,
            rules: """
                stream { delay 100ms }
                rule count {
                    by merchant
                    match burst: charge{50,}
                    within 1h
                }

                """,
            alerts: Alerts(count: 0, hash: "")),
        Workload(
            name: "rules-10",
            about: "ten rules of different shapes, keys and thresholds",
            events: .transactions, standard: transactionsSize, rules: RuleSet.text(rules: 10),
            alerts: Alerts(count: 0, hash: "")),
        Workload(
            name: "rules-100",
            about: "a hundred of them",
            events: .transactions, standard: transactionsSize, runs: 3, rules: RuleSet.text(rules: 100),
            alerts: Alerts(count: 0, hash: "")),
    ]

    // MARK: - Orders

    private static let absence = Workload(
        name: "absence",
        about: "an order that nobody pays within 15 minutes; fifty thousand are open at a time",
        events: .orders, standard: Size(events: 2_000_000, keys: 50_000),
        rules: """
            stream { delay 100ms }
            rule unpaid {
                by order
                match placed: order_placed
                 then not payment within 15m
            }

            """,
        alerts: Alerts(count: 0, hash: ""))

    // MARK: - Sessions

    /// Twenty million events for any number of keys, so that each of ten million is touched in the first half and, on the average, once
    /// in the second.
    private static func sessions(_ name: String, keys: Int, alerts: Alerts) -> Workload {
        Workload(
            name: name,
            about: "a login, then a big charge before the logout: \(Report.grouped(keys)) cards, ten of eleven in a session",
            events: .sessions, standard: Size(events: 20_000_000, keys: keys), runs: 3,
            rules: """
                stream { delay 100ms }
                rule session {
                    by card
                    match start: login
                     then not logout
                     then big: charge where amount > 990
                    within 1d
                }

                """,
            alerts: alerts)
    }

    private static let sessions = [
        sessions("keys-10k", keys: 10_000, alerts: Alerts(count: 0, hash: "")),
        sessions("keys-100k", keys: 100_000, alerts: Alerts(count: 0, hash: "")),
        sessions("keys-1m", keys: 1_000_000, alerts: Alerts(count: 0, hash: "")),
        sessions("keys-10m", keys: 10_000_000, alerts: Alerts(count: 0, hash: "")),
    ]

    // MARK: - Latency

    private static let latency = Workload(
        name: "latency",
        about: "from the write of an event to the read of its alert, through pipes, at 200,000 events a second",
        events: .marks, standard: Size(events: 2_000_000, keys: 100_000), runs: 3,
        rules: """
            rule marked {
                by card
                match start: login
                 then big: charge where amount > 990
                within 10m
                alert low { mark: big.mark }
            }

            """,
        alerts: Alerts(count: 0, hash: ""))
}
