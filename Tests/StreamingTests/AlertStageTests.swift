import Engine
@testable import Streaming
import Testing

/// Cooldowns where the alerts of all keys meet.
@Suite struct AlertStageTests {
    private static func stage() throws -> AlertStage {
        AlertStage(try Loaded(checked("rule a { match A cooldown 10ms }\nrule b { match A cooldown 10ms }\nrule c { match A }")).program)
    }

    private static func alert(at time: Int64, rule: Int = 0, isTimeout: Bool = false) -> PendingAlert {
        PendingAlert(
            order: AlertOrder(time: time, isEvent: true, arrival: 1, rule: rule, firstArrival: 1, ordinal: 0), isTimeout: isTimeout,
            start: 0, split: 0, end: 0, keyEnd: 0)
    }

    private static func admit(_ stage: inout AlertStage, _ alert: PendingAlert, key: String = "k") -> UInt64? {
        Array(key.utf8).withUnsafeBytes { stage.admit(alert, key: $0) }
    }

    @Test func alertsWithinTheCooldownAreCounted() throws {
        var stage = try AlertStageTests.stage()
        let times: [Int64] = [1_000, 5_000, 10_999, 11_000, 20_999, 21_000, 40_000]
        #expect(times.map { AlertStageTests.admit(&stage, AlertStageTests.alert(at: $0)) } == [0, nil, nil, 2, nil, 1, 0])
    }

    @Test func rulesKeysAndKindsAreApart() throws {
        var stage = try AlertStageTests.stage()
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 1)) == 0)
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 2), key: "l") == 0)
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 3, rule: 1)) == 0)
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 4, isTimeout: true)) == 0)
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 5)) == nil)
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 6, isTimeout: true)) == nil)
    }

    @Test func aRuleWithoutACooldownLetsAllPass() throws {
        var stage = try AlertStageTests.stage()
        for time in 0..<10 { #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: Int64(time), rule: 2)) == 0) }
    }

    /// What is over and owes no count is forgotten; what owes one is not, however many keys there are.
    @Test func countsOutliveManyOtherKeys() throws {
        var stage = try AlertStageTests.stage()
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 0), key: "owes") == 0)
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 1), key: "owes") == nil)
        for number in 0..<50_000 {
            #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 20_000 + Int64(number)), key: "\(number)") == 0)
        }
        #expect(AlertStageTests.admit(&stage, AlertStageTests.alert(at: 1_000_000), key: "owes") == 1)
    }
}
