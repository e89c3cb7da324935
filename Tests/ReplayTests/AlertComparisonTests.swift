import Decoding
import Replay
import Testing

func json(_ text: String) -> JSONValue {
    guard let value = JSONValue(object: Array(text.utf8)) else { fatalError("a test's own JSON is JSON: \(text)") }
    return value
}

private func alert(_ rule: String, _ number: Int) -> JSONValue { json(#"{"rule":"\#(rule)","fields":{"n":\#(number)},"at":"x"}"#) }

@Suite struct AlertComparisonTests {
    @Test func whatIsNotNamedDoesNotMatter() {
        let actual = json(#"{"rule":"r","key":{"card":"c","bank":1},"match":{"a":[{"id":1,"v":2},{"id":2,"v":3}]},"tags":[]}"#)
        for expected in [
            "{}", #"{"rule":"r"}"#, #"{"key":{"card":"c"}}"#, #"{"match":{"a":[{"id":1},{"v":3}]}}"#, #"{"tags":[],"key":{}}"#,
        ] { #expect(actual.satisfies(json(expected)), "\(expected)") }
        for expected in [
            #"{"rule":"s"}"#, #"{"key":{"card":"d"}}"#, #"{"key":{"city":null}}"#, #"{"match":{"a":[{"id":1}]}}"#,
            #"{"match":{"a":[{"id":2},{"id":1}]}}"#, #"{"tags":{}}"#, #"{"key":[]}"#,
        ] { #expect(!actual.satisfies(json(expected)), "\(expected)") }
    }

    @Test func numbersAreEqualAsNumbers() {
        #expect(json(#"{"n":1.0}"#) == json(#"{"n":1}"#))
        #expect(json(#"{"n":18446744073709551615}"#) != json(#"{"n":18446744073709551616}"#))
        #expect(json(#"{"n":9007199254740993}"#) != json(#"{"n":9007199254740992.0}"#))
        #expect(json(#"{"n":"1"}"#) != json(#"{"n":1}"#))
    }

    @Test func sameAlertsDoNotDiffer() {
        let alerts = [alert("a", 1), alert("b", 2)]
        #expect(compareAlerts(expected: alerts, actual: alerts) == [])
        #expect(compareAlerts(expected: [], actual: []) == [])
    }

    @Test func oneTooManyDoesNotMakeTheOthersWrong() {
        let expected = (1...5).map { alert("a", $0) }
        var actual = expected
        actual.insert(alert("b", 9), at: 2)
        #expect(compareAlerts(expected: expected, actual: actual) == [.unexpected(number: 3, alert("b", 9))])
        #expect(compareAlerts(expected: actual, actual: expected) == [.missing(number: 3, alert("b", 9))])
    }

    @Test func anAlertOfTheSameRuleIsComparedFieldByField() {
        let differences = compareAlerts(expected: [alert("a", 1), alert("b", 2)], actual: [alert("a", 7), alert("b", 2)])
        #expect(
            differences == [
                .differs(
                    number: 1, expected: alert("a", 1), actual: alert("a", 7),
                    [FieldDifference(path: "fields.n", expected: .integer(1), actual: .integer(7))])
            ])
        #expect(
            differences.flatMap(\.lines) == [
                "alert 1 differs: a  x", "    fields.n", "        expected  1", "        came      7",
            ])
    }

    @Test func theOrderMatters() {
        let expected = [alert("a", 1), alert("b", 2)]
        #expect(!compareAlerts(expected: expected, actual: expected.reversed()).isEmpty)
    }

    @Test func whatIsMissingInAnAlertIsNamed() {
        let differences = compareAlerts(
            expected: [json(#"{"rule":"a","match":{"x":[{"id":1},{"id":2}]},"key":{"k":"v"}}"#)],
            actual: [json(#"{"rule":"a","match":{"x":[{"id":1}]},"key":{}}"#)])
        let lines = differences.flatMap(\.lines)
        #expect(lines.contains("    match.x"))
        #expect(lines.contains("        expected  [{\"id\":1},{\"id\":2}]"))
        #expect(lines.contains("    key.k"))
        #expect(lines.contains("        came      nothing"))
    }

    @Test func longListsOfAlertsAreStillCompared() {
        let expected = (0..<3000).map { alert("a", $0) }
        let differences = compareAlerts(expected: expected, actual: expected.dropFirst() + [])
        #expect(!differences.isEmpty)
    }
}

@Suite struct JSONValueTests {
    @Test func everyKindIsRead() {
        let text = #"{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":0.5,"f":"x\né\"","g":[1,[],{}],"h":{"i":false}}"#
        #expect(json(text).description == #"{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":0.5,"f":"x\né\"","g":[1,[],{}],"h":{"i":false}}"#)
        #expect(json(#"{"n":123456789012345678901234567890}"#)["n"] == .double(123456789012345678901234567890))
    }

    @Test func whatIsNoObjectIsRefused() {
        for text in ["", "1", "[]", "null", "{", "{}}", "{} {}", "{\"a\":1,}", "{\"a\":tru}", "{\"a\" 1}", "{\"a\":01}", "x"] {
            #expect(JSONValue(object: Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func nestingIsBounded() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(("{\"a\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}").utf8)
        }
        #expect(JSONValue(object: nested(1000)) != nil)
        #expect(JSONValue(object: nested(1024)) == nil)
        #expect(JSONValue(object: nested(100_000)) == nil)
    }
}
