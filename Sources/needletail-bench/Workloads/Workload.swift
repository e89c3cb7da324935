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
            alerts: Alerts(count: 1364, hash: "4ce1e575981e9304b0e400376f6ebe45")),
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
            alerts: Alerts(count: 6507, hash: "bf2c5fc3c49e6148b937353239ad0275")),
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
            alerts: Alerts(count: 187_434, hash: "dbc85ef118659e3b211bd8d8bb3885e3")),
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
            alerts: Alerts(count: 28_041, hash: "7fa3ec1e1abc513b6494fef9d351ef43")),
        Workload(
            name: "rules-10",
            about: "ten rules of different shapes, keys and thresholds",
            events: .transactions, standard: transactionsSize, rules: RuleSet.text(rules: 10),
            alerts: Alerts(count: 16_316, hash: "aa70ee64472e71b74faeea01494e6f1f")),
        Workload(
            name: "rules-100",
            about: "a hundred of them",
            events: .transactions, standard: transactionsSize, runs: 3, rules: RuleSet.text(rules: 100),
            alerts: Alerts(count: 76_675, hash: "8560c58409feba46a245b0020cb2df21")),
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
        alerts: Alerts(count: 18_592, hash: "9e55aff8bcba1208d8f753068cacd116"))

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
        sessions("keys-10k", keys: 10_000, alerts: Alerts(count: 16_152, hash: "08f24e618c5c80e7b8ca39d146f00583")),
        sessions("keys-100k", keys: 100_000, alerts: Alerts(count: 16_202, hash: "13e20a2081beed9a51a6a633e76b5d4e")),
        sessions("keys-1m", keys: 1_000_000, alerts: Alerts(count: 15_356, hash: "1b2dc6782e7d6cb8f4df90ee9e94b43c")),
        sessions("keys-10m", keys: 10_000_000, alerts: Alerts(count: 8165, hash: "a2a5f180883b504301a4de7ee4ac5e4b")),
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
        alerts: Alerts(count: 20_000, hash: "360c6480da0bdc20dceaa6ce178381de"))
}
