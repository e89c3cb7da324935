import Events
import ReferenceMatcher
import RuleLanguage
import Testing

typealias RuleExpression = RuleLanguage.Expression

/// Section 6 over values alone.
@Suite struct EvaluatorTests {
    private func value(_ expression: RuleExpression) -> Value { ReferenceEvaluator(event: nil, time: 0).value(expression) }

    private func compare(_ comparison: RuleExpression.Comparison, _ left: Value, _ right: Value) -> Value {
        value(.compare(comparison, .constant(left), .constant(right)))
    }

    private func calculate(_ left: Value, _ operation: RuleExpression.Arithmetic, _ right: Value) -> Value {
        value(.arithmetic(operation, .constant(left), .constant(right)))
    }

    private func call(_ function: Function, _ arguments: Value...) -> Value {
        value(.call(function, arguments.map(RuleExpression.constant)))
    }

    @Test func integersAndDoublesCompareExactly() {
        #expect(compare(.equal, .integer(9_007_199_254_740_993), .double(9_007_199_254_740_992)) == .boolean(false))
        #expect(compare(.greater, .integer(9_007_199_254_740_993), .double(9_007_199_254_740_992)) == .boolean(true))
        #expect(compare(.equal, .integer(1), .double(1)) == .boolean(true))
        #expect(compare(.less, .integer(Int128(UInt64.max)), .double(0x1p64)) == .boolean(true))
        #expect(compare(.less, .double(-0.5), .integer(0)) == .boolean(true))
        #expect(compare(.equal, .double(-0.0), .integer(0)) == .boolean(true))
        #expect(compare(.greater, .double(1e300), .integer(Int128(UInt64.max))) == .boolean(true))
    }

    @Test func whatDoesNotGoTogetherIsUnknown() {
        #expect(compare(.equal, .string("1"), .integer(1)) == .unknown)
        #expect(compare(.notEqual, .unknown, .integer(1)) == .unknown)
        #expect(compare(.less, .boolean(false), .boolean(true)) == .unknown)
        #expect(compare(.notEqual, .boolean(false), .boolean(true)) == .boolean(true))
        #expect(compare(.equal, .list([]), .list([])) == .unknown)
        #expect(compare(.equal, .time(1), .integer(1)) == .unknown)
        // By bytes: no normalisation, and capital letters first.
        #expect(compare(.equal, .string("\u{E9}"), .string("e\u{301}")) == .boolean(false))
        #expect(compare(.less, .string("Z"), .string("a")) == .boolean(true))
    }

    @Test func logicHasThreeValues() {
        let values: [Value] = [.boolean(true), .boolean(false), .unknown]
        let and: [[Value]] = [[values[0], values[1], values[2]], [values[1], values[1], values[1]], [values[2], values[1], values[2]]]
        let or: [[Value]] = [[values[0], values[0], values[0]], [values[0], values[1], values[2]], [values[0], values[2], values[2]]]
        for left in 0..<3 {
            for right in 0..<3 {
                #expect(value(.and([.constant(values[left]), .constant(values[right])])) == and[left][right])
                #expect(value(.or([.constant(values[left]), .constant(values[right])])) == or[left][right])
            }
        }
        #expect(value(.not(.constant(.unknown))) == .unknown)
        #expect(value(.isMissing(.constant(.unknown))) == .boolean(true))
        #expect(value(.coalesce(.constant(.unknown), .constant(.integer(2)))) == .integer(2))
        #expect(value(.isIn(.constant(.integer(1)), [.constant(.unknown), .constant(.double(1))])) == .boolean(true))
        #expect(value(.isIn(.constant(.integer(1)), [.constant(.unknown), .constant(.integer(2))])) == .unknown)
        #expect(value(.isIn(.constant(.integer(1)), [.constant(.integer(2))])) == .boolean(false))
    }

    @Test func arithmeticNeverTraps() {
        #expect(calculate(.integer(Int128(UInt64.max)), .add, .integer(1)) == .unknown)
        #expect(calculate(.integer(Int128(Int64.min)), .subtract, .integer(1)) == .unknown)
        #expect(calculate(.integer(Int128(UInt64.max)), .multiply, .integer(Int128(UInt64.max))) == .unknown)
        #expect(calculate(.integer(7), .divide, .integer(2)) == .double(3.5))
        #expect(calculate(.integer(7), .divide, .integer(0)) == .unknown)
        #expect(calculate(.integer(-7), .remainder, .integer(2)) == .integer(-1))
        #expect(calculate(.integer(7), .remainder, .double(-2.5)) == .double(2))
        #expect(calculate(.double(1e308), .multiply, .integer(10)) == .unknown)
        #expect(calculate(.time(30), .subtract, .time(10)) == .duration(20))
        #expect(calculate(.time(30), .subtract, .duration(10)) == .time(20))
        #expect(calculate(.duration(30), .divide, .duration(20)) == .double(1.5))
        #expect(calculate(.duration(.max), .add, .duration(1)) == .unknown)
        #expect(calculate(.string("a"), .add, .integer(1)) == .unknown)
        #expect(value(.negate(.constant(.integer(Int128(UInt64.max))))) == .unknown)
    }

    private func aggregate(_ aggregate: RuleExpression.Aggregate, _ values: String...) throws -> Value {
        let captures = try values.map { value in
            ReferenceEvaluator.Captured(
                step: 0, event: try #require(ReferenceEvent(text: value.isEmpty ? "{\"ts\":0}" : "{\"ts\":0,\"v\":\(value)}")))
        }
        return ReferenceEvaluator(event: nil, time: 0, captures: captures).value(.aggregate(aggregate, step: 0, FieldPath(name: "v")))
    }

    @Test func sumsAreRoundedOnce() throws {
        #expect(try aggregate(.sum, "1e300", "1", "-1e300") == .double(1))
        #expect(try aggregate(.sum, "0.1", "0.2", "0.3") == .double(0.6))
        #expect(try aggregate(.sum, "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1") == .double(1))
        #expect(try aggregate(.sum, "9007199254740993", "0.5") == .double(9_007_199_254_740_994))
        #expect(try aggregate(.sum, "1", "2") == .integer(3))
        #expect(try aggregate(.sum, "18446744073709551615", "1") == .unknown)
        #expect(try aggregate(.sum, "18446744073709551615", "1", "-1") == .integer(Int128(UInt64.max)))
        #expect(try aggregate(.sum, "5e-324", "5e-324") == .double(2 * Double.leastNonzeroMagnitude))
        #expect(try aggregate(.sum, "1.7976931348623157e308", "1.7976931348623157e308") == .unknown)
        #expect(try aggregate(.sum, "1.5", "-1.5") == .double(0))
        #expect(try aggregate(.avg, "1", "2") == .double(1.5))
        #expect(try aggregate(.avg, "0.1", "0.2", "0.4") == .double(0.23333333333333334))
        #expect(try aggregate(.avg, "1.7976931348623157e308", "1.7976931348623157e308") == .double(1.7976931348623157e308))
        #expect(try aggregate(.stddev, "2", "4", "4", "4", "5", "5", "7", "9") == .double((32.0 / 7).squareRoot()))
        #expect(try aggregate(.stddev, "1e9", "1000000001", "1000000002") == .double(1))
        #expect(try aggregate(.stddev, "3", "3") == .double(0))
        #expect(try aggregate(.stddev, "3") == .unknown)
    }

    @Test func unknownIsLeftOut() throws {
        #expect(try aggregate(.count, "1", "null", "", "\"s\"") == .integer(2))
        #expect(try aggregate(.count) == .integer(0))
        #expect(try aggregate(.distinct) == .integer(0))
        #expect(try aggregate(.sum) == .unknown)
        #expect(try aggregate(.sum, "null") == .unknown)
        #expect(try aggregate(.first, "null", "2", "3") == .integer(2))
        #expect(try aggregate(.last, "2", "3", "") == .integer(3))
        #expect(try aggregate(.distinct, "1", "1.0", "\"1\"", "null") == .integer(2))
        #expect(try aggregate(.values, "2", "1", "2.0") == .list([.integer(2), .integer(1)]))
        #expect(try aggregate(.min, "2", "1.5", "3") == .double(1.5))
        #expect(try aggregate(.max, "\"b\"", "\"a\"") == .string("b"))
        #expect(try aggregate(.max, "\"b\"", "1", "\"c\"") == .string("c"))
        #expect(try aggregate(.min, "true", "[1]", "2", "\"a\"", "1") == .integer(1))
        #expect(try aggregate(.min, "true") == .unknown)
    }

    @Test func functions() {
        #expect(call(.abs, .integer(-3)) == .integer(3))
        #expect(call(.round, .double(2.345), .integer(1)) == .double(2.3))
        #expect(call(.round, .double(-2.5)) == .double(-3))
        #expect(call(.length, .string("a\u{20AC}")) == .integer(2))
        #expect(call(.split, .string("a--b-"), .string("-")) == .list([.string("a"), .string(""), .string("b"), .string("")]))
        #expect(call(.element, .list([.integer(1)]), .integer(1)) == .unknown)
        #expect(call(.substring, .string("abcd"), .integer(1), .integer(2)) == .string("bc"))
        #expect(call(.cidr, .string("10.1.2.3"), .string("10.0.0.0/8")) == .boolean(true))
        #expect(call(.cidr, .string("11.1.2.3"), .string("10.0.0.0/8")) == .boolean(false))
        #expect(call(.cidr, .string("2001:db8::1"), .string("2001:db8::/32")) == .boolean(true))
        #expect(call(.hour, .time(1_772_359_451_250_000)) == .integer(10))
        #expect(call(.weekday, .time(0)) == .integer(4))
        #expect(call(.weekday, .time(1_772_359_451_250_000)) == .integer(7))
        #expect(call(.sqrt, .integer(-1)) == .unknown)
        #expect(call(.max, .integer(1), .double(1.5), .integer(0)) == .double(1.5))
        let like = { (text: String, pattern: String) in value(.like(.constant(.string(text)), pattern: pattern)) }
        #expect(like("abc", "a*c") == .boolean(true))
        #expect(like("abc", "a?") == .boolean(false))
        #expect(like("", "*") == .boolean(true))
        #expect(like("aXbXc", "*X?") == .boolean(true))
    }

    @Test func times() throws {
        let event = try #require(ReferenceEvent(text: #"{"ts":"2026-03-01T11:04:11.25+01:00","a":{"b":[1,{"c":"x"}]}}"#))
        #expect(event.time == 1_772_359_451_250_000)
        #expect(event.value(at: FieldPath([.name("a"), .name("b"), .index(1), .name("c")])) == .string("x"))
        #expect(event.value(at: FieldPath([.name("a")])) == .object)
        #expect(ReferenceEvent(text: #"{"ts":-1}"#) == nil)
        #expect(ReferenceEvent(text: #"{"ts":7258118400000}"#) == nil)
        #expect(ReferenceEvent(text: #"{"ts":"2026-02-29T00:00:00Z"}"#) == nil)
        #expect(ReferenceEvent(text: #"{"ts":1.5}"#)?.time == 1500)
    }
}
