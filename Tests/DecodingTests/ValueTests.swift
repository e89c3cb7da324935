import Decoding
import Events
import Seeds
import Testing

@Suite struct ValueTests {
    func value(_ json: String) -> Value {
        let decoded = decode("{\"ts\":1,\"v\":\(json)}\n", columns: ["v"])
        #expect(decoded.reasons == [], "\(json)")
        return decoded.rows.first?.values[0] ?? .unknown
    }

    @Test(arguments: [
        ("0", Value.integer(0)), ("-0", .integer(0)), ("1.0", .double(1)), ("1e2", .double(100)), ("-0.0", .double(-0.0)), ("1E+2", .double(100)),
        ("12345678", .integer(12_345_678)), ("123456789012345678", .integer(123_456_789_012_345_678)),
        ("9223372036854775807", .integer(Int128(Int64.max))), ("9223372036854775808", .integer(Int128(Int64.max) + 1)),
        ("-9223372036854775808", .integer(Int128(Int64.min))), ("-9223372036854775809", .double(-9223372036854775809)),
        ("18446744073709551615", .integer(Int128(UInt64.max))), ("18446744073709551616", .double(18446744073709551616)),
        ("19999999999999999999", .double(19999999999999999999)), ("20000000000000000000", .double(2e19)),
        ("99999999999999999999", .double(1e20)), ("100000000000000000000000", .double(1e23)), ("-20000000000000000000", .double(-2e19)),
        ("1e-400", .double(0)), ("5e-324", .double(.leastNonzeroMagnitude)), ("2.2250738585072011e-308", .double(2.2250738585072011e-308)),
        ("1.7976931348623157e308", .double(1.7976931348623157e308)), ("0.1", .double(0.1)), ("46.56", .double(46.56)),
        ("9007199254740993.0", .double(9007199254740992)), ("123456789012345678901234567890.5", .double(123456789012345678901234567890.5)),
        ("0e0", .double(0)), ("0.000000000000000000000000000001", .double(1e-30)), ("true", .boolean(true)), ("false", .boolean(false)),
        ("null", .unknown), ("\"\"", .string("")), ("\"a\\u00e9\\n\\ud83d\\ude00\\/\"", .string("aé\n😀/")), ("\"\\u0000\"", .string("\0")),
        ("{}", .object), ("{\"x\":[1,{}]}", .object), ("[]", .list([])),
    ])
    func values(json: String, expected: Value) {
        #expect(value(json) == expected)
    }

    @Test func randomNumbersAreRead() {
        var random = SeededGenerator(0)
        var texts: [String] = []
        for _ in 0..<20000 {
            func digits(_ count: Int) -> String { (0..<count).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined() }
            var text = Bool.random(using: &random) ? "-" : ""
            text += Bool.random(using: &random) ? "0" : String(Int.random(in: 1...9, using: &random)) + digits(.random(in: 0...24, using: &random))
            if Bool.random(using: &random) { text += "." + digits(.random(in: 1...24, using: &random)) }
            if Int.random(in: 0..<3, using: &random) == 0 {
                text += "e" + ["", "+", "-"].randomElement(using: &random)! + digits(.random(in: 1...2, using: &random))
            }
            texts.append(text)
        }
        let decoded = decode(texts.map { "{\"ts\":1,\"w\":\($0),\"v\":\($0)}\n" }.joined(), columns: ["v"])
        #expect(decoded.reasons == [])
        for (row, text) in zip(decoded.rows, texts) {
            let isInteger = !text.contains(".") && !text.contains("e")
            let expected: Value
            if isInteger, let exact = Int128(text), Value.integerRange.contains(exact) {
                expected = .integer(exact)
            } else {
                expected = .double(Double(text)!)
            }
            #expect(row.values[0] == expected, "\(text)")
        }
    }

    @Test func paths() {
        let line = """
            {"ts":1,"device":{"os":{"name":"x","v":[10,20]},"id":7},"items":[{"sku":"a"},{"sku":"b","n":[[1],[2,3]]}],"a.b":true,"":9}

            """
        let columns = [
            "device.os.name", "device.os.v[1]", "device", "device.id", "items[1].sku", "items[0].sku", "items[2].sku", "items[1].n[1][0]",
            "items", "device.os", "nothing.at.all", "device.os.name.deeper", "items.sku", "device[0]",
        ]
        let decoded = decode(Array(line.utf8), columns: columns)
        #expect(
            decoded.rows[0].values == [
                .string("x"), .integer(20), .object, .integer(7), .string("b"), .string("a"), .unknown, .integer(2), .list([]), .object, .unknown,
                .unknown, .unknown, .unknown,
            ])
        #expect(decoded.rows[0].lists[8] == "[{\"sku\":\"a\"},{\"sku\":\"b\",\"n\":[[1],[2,3]]}]")
        let batchPaths = [FieldPath(name: "a.b"), FieldPath(name: ""), FieldPath(name: "a.b")]
        let odd = decode(Array(line.utf8), columns: [], decoder: BlockDecoder(columns: batchPaths, format: EventFormat()))
        #expect(odd.rows[0].values == [.boolean(true), .integer(9), .boolean(true)])
    }

    @Test func blanksBetweenTokens() {
        let line = " { \"ts\" : 1 ,\t\"v\" : [ 1 , \"a b\" , { \"x\" : null } , [ ] ] , \"w\" : { \"y\" : \"z\" } } \n"
        let decoded = decode(Array(line.utf8), columns: ["v", "w.y", "v[1]"])
        #expect(decoded.rows[0].values == [.list([]), .string("z"), .string("a b")])
        #expect(decoded.rows[0].lists[0] == "[1,\"a b\",{\"x\":null},[]]")
    }

    /// A byte may be wanted by every list around it.
    @Test func listsInsideListsAllHaveTheirText() {
        let text = String(repeating: "x", count: 60000)
        let decoded = decode(Array("{\"ts\":1,\"v\":[[[\"\(text)\"]]]}\n".utf8), columns: ["v", "v[0]", "v[0][0]", "v[0][0][0]", "v"])
        #expect(decoded.rows[0].lists == ["[[[\"\(text)\"]]]", "[[\"\(text)\"]]", "[\"\(text)\"]", nil, "[[[\"\(text)\"]]]"])
        #expect(decoded.rows[0].values[3] == .string(text))
    }

    /// Only what 64 bits do not hold becomes a double, and nothing in strings changes.
    @Test func wideIntegersLeaveTheirNeighboursAlone() {
        let digits = "18446744073709551616"
        let line = "{\"ts\":1,\"v\":\(digits),\"w\":9223372036854775807,\"u\":18446744073709551615"
            + ",\"s\":\"a\\\":\(digits),\",\"l\":[ -\(digits),1e5]}\n"
        let decoded = decode(Array("{\"ts\":1}\n\(line){\"ts\":2}\n".utf8), columns: ["v", "w", "u", "s", "l[0]", "l"])
        #expect(decoded.reasons == [])
        #expect(decoded.rows.map(\.line) == [1, 2, 3])
        #expect(
            decoded.rows[1].values == [
                .double(18446744073709551616), .integer(Int128(Int64.max)), .integer(Int128(UInt64.max)), .string("a\":\(digits),"),
                .double(-18446744073709551616), .list([]),
            ])
        #expect(decoded.rows[1].raw + "\n" == line)
    }

    /// simdjson writes 1e9 as 1000000000.0, so the text of a list may be longer than its line; numbers come back as they were.
    @Test func listsOfShortNumbersHaveRoom() throws {
        var random = SeededGenerator(0)
        for text in ["1e9", "1e14", "9e-9", "1e23", "5e-324", "-0.0", "0.3", "1.7976931348623157e308"] {
            let list = "[" + Array(repeating: text, count: 3000).joined(separator: ",") + "]"
            let line = "{\"ts\":1,\"v\":\(list),\"type\":\"behind\"}\n"
            let decoded = decode(line + line)
            #expect(decoded.reasons == [])
            #expect(decoded.rows.map { $0.values[0] } == [.string("behind"), .string("behind")])
            for row in decoded.rows {
                let written = try #require(row.lists[1]).dropFirst().dropLast().split(separator: ",")
                #expect(written.count == 3000)
                #expect(written.allSatisfy { Double($0)?.bitPattern == Double(text)?.bitPattern })
            }
        }
        let numbers = (0..<20000).map { _ in Double(bitPattern: UInt64.random(in: 0 ... .max, using: &random)) }.filter(\.isFinite)
        let decoded = decode("{\"ts\":1,\"v\":[\(numbers.map { "\($0)" }.joined(separator: ", "))]}\n")
        let written = try #require(decoded.rows.first?.lists[1]).dropFirst().dropLast().split(separator: ",")
        #expect(written.map { Double($0)?.bitPattern } == numbers.map(\.bitPattern))
    }

    @Test func valuesOfARejectedLineAreGone() {
        let decoded = decode("{\"ts\":1,\"v\":\"a\"\n{\"ts\":2}\n{\"v\":1}\n{\"ts\":3,\"type\":\"b\"}\n")
        #expect(decoded.rows.map(\.values) == [[.unknown, .unknown], [.string("b"), .unknown]])
        #expect(decoded.reasons == [.notClosed, .timeMissing])
        #expect(decoded.rejects.map(\.line) == [1, 3])
    }

    @Test func typeFromTheFormat() {
        let line = Array("{\"ts\":1,\"kind\":\"k\",\"type\":\"t\"}\n{\"ts\":1}\n".utf8)
        let columns = ["type", "kind"].map(path)
        let constant = BlockDecoder(columns: columns, format: EventFormat(type: .constant("request")), typeColumn: 0)
        #expect(decode(line, decoder: constant).rows.map(\.values) == [[.string("request"), .string("k")], [.string("request"), .unknown]])
        let field = BlockDecoder(columns: columns, format: EventFormat(type: .field(path("kind"))), typeColumn: 0)
        #expect(decode(line, decoder: field).rows.map(\.values) == [[.string("k"), .string("k")], [.unknown, .unknown]])
    }

    @Test(arguments: [
        (EventFormat.TimeFormat.automatic, "1772359451250", 1_772_359_451_250_000), (.automatic, "1772359451250.25", 1_772_359_451_250_250),
        (.automatic, "\"2026-03-01T10:04:11.25Z\"", 1_772_359_451_250_000), (.milliseconds, "1772359451250", 1_772_359_451_250_000),
        (.seconds, "1772359451", 1_772_359_451_000_000), (.seconds, "1772359451.250001", 1_772_359_451_250_001),
        (.seconds, "1.7e9", 1_700_000_000_000_000), (.microseconds, "1772359451250001", 1_772_359_451_250_001),
        (.nanoseconds, "1772359451250001999", 1_772_359_451_250_001), (.rfc3339, "\"1970-01-01T00:00:00.000001Z\"", 1),
        (.rfc3339, "\"1970-01-01T00:00:00.000001\\u005a\"", 1),
    ])
    func times(format: EventFormat.TimeFormat, json: String, expected: Int) {
        let decoded = decode("{\"at\":\(json)}\n", columns: ["at"], format: EventFormat(timePath: path("at"), timeFormat: format))
        #expect(decoded.rows.map(\.time) == [Int64(expected)])
    }

    @Test(arguments: [
        (EventFormat.TimeFormat.milliseconds, "\"2026-03-01T10:04:11.25Z\"", RejectReason.timeForm), (.rfc3339, "1772359451250", .timeForm),
        (.rfc3339, "1.5", .timeForm), (.seconds, "1772359451250", .timeOutOfRange), (.seconds, "9223372036854775807", .timeOutOfRange),
        (.nanoseconds, "-1", .timeOutOfRange), (.nanoseconds, "18446744073709551615", .timeOutOfRange), (.microseconds, "-0.6", .timeOutOfRange),
        (.automatic, "\"\"", .timeForm), (.automatic, "1e308", .timeOutOfRange),
    ])
    func badTimes(format: EventFormat.TimeFormat, json: String, reason: RejectReason) {
        let decoded = decode("{\"at\":\(json)}\n", columns: ["at"], format: EventFormat(timePath: path("at"), timeFormat: format))
        #expect(decoded.reasons == [reason])
        #expect(decoded.rows.isEmpty)
    }
}
