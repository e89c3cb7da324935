internal import Diagnostics
internal import RuleLanguage
internal import Testing

@Suite struct ConformanceRuleTests {
    @Test func everyRuleOfTheVectorsChecks() throws {
        let rules = try Fixtures.conformanceRules()
        #expect(rules.count == 660)
        for (name, text) in rules {
            let result = check(files: [source(text)])
            #expect(result.program?.rules.count == 1, "\(name): \(rendered(text))")
            #expect(result.diagnostics.allSatisfy { $0.code.rawValue.hasPrefix("W10") }, "\(name): \(rendered(text))")
        }
    }

    @Test func theContractsExampleChecks() {
        let text = """
            /// Several small charges that probe a card, then a large one in another country.
            rule card_testing {
                by card
                match probe: charge{3,} where amount < 2.00
                 then spend: charge where amount > 300 and country != last(probe.country)
                within 10m
                alert high "{count(probe)} probes on {card}, then {spend.amount} in {spend.country}" {
                    probes: count(probe)
                    spent:  spend.amount
                }
                cooldown 1h
            }

            /// A password reset that no second factor confirms, followed by money leaving.
            rule account_takeover {
                by account
                match reset: password_change
                 then not otp_ok
                 then wire: transfer where amount >= 1000 and device != reset.device
                within 30m
                alert critical "Takeover of {account}: {wire.amount} left {time(wire) - time(reset)} after a reset"
            }

            /// An order nobody paid for.
            rule unpaid {
                by order_id
                match placed: order_placed then not payment within 15m
                alert low "Order {order_id} is unpaid"
            }
            """
        let result = check(files: [source(text)])
        #expect(result.diagnostics.isEmpty, "\(rendered(text))")
        #expect(result.program?.rules.map(\.name) == ["account_takeover", "card_testing", "unpaid"])
        #expect(result.program?.rules.last?.documentation == "An order nobody paid for.")
    }
}
