import Events
import Testing

@testable import Engine

@Suite struct FunctionTests {
    let bench = EvaluatorBench()

    private func s(_ text: String) -> Scalar { bench.text(text) }
    private func l(_ json: String) -> Scalar { bench.list(json) }
    private func i(_ value: Int64) -> Scalar { .integer(value) }
    private func d(_ value: Double) -> Scalar { .double(value) }
    private let big = Scalar(kind: ValueKind.unsigned, bits: .max)
    private let unknown = Scalar.unknown
    private let yes = Scalar.boolean(true)

    private func expect(
        _ function: FunctionCode, _ arguments: Scalar..., gives wanted: String, at location: SourceLocation = #_sourceLocation
    ) {
        #expect(bench.result(function, arguments) == wanted, sourceLocation: location)
    }

    @Test func everyFunctionIsUnknownOfUnknown() {
        let counts: [FunctionCode: Int] = [.distanceKilometres: 4, .substring: 3]
        for function in FunctionCode.allCases {
            let count = counts[function] ?? 2
            #expect(bench.result(function, Array(repeating: unknown, count: count)) == "null", "\(function)")
        }
    }

    @Test func everyFunctionCountsAMismatch() {
        let counts: [FunctionCode: Int] = [.distanceKilometres: 4, .substring: 3]
        let object = Scalar(kind: ValueKind.object, bits: 0)
        for function in FunctionCode.allCases {
            let count = counts[function] ?? 2
            #expect(bench.result(function, Array(repeating: object, count: count)) == "null!", "\(function)")
        }
    }

    @Test func tooFewArgumentsAndUnknownFunctionsTrapNothing() {
        var none = [Scalar.integer(1)]
        none.withUnsafeMutableBufferPointer { area in
            for code in -1...60 {
                for count in 0...1 { _ = bench.evaluator.call(code, area.baseAddress!, count) }
            }
        }
    }

    /// Any value in any place: nothing traps, and no result is a double that is not finite.
    @Test func noArgumentsTrap() {
        let values: [Scalar] = [
            unknown, yes, i(0), i(-1), i(.min), i(.max), big, d(0), d(-0.0), d(1e308), d(-Double.leastNonzeroMagnitude),
            d(0.5), s(""), s("é€😀"), s("10.0.0.1/8"), s("::1"), l("[]"),
            l("[1,\"a\\u00e9\"]"), l("["), l(""), Scalar(kind: ValueKind.object, bits: 0), .time(.min), .time(.max),
            .duration(.min), .duration(.max), .time(0), s("Europe/Berlin"),
        ]
        for function in FunctionCode.allCases {
            for a in values {
                for b in values {
                    for c in values {
                        let result = bench.call(function, a, b, c, a)
                        #expect(result.kind != ValueKind.double || result.asDouble.isFinite)
                    }
                    bench.evaluator.arena.reset()
                }
            }
        }
    }

    @Test func numbers() {
        expect(.abs, i(-3), gives: "3")
        expect(.abs, i(.min), gives: "9223372036854775808")
        expect(.abs, d(-2.5), gives: "2.5")
        expect(.abs, .duration(-5_000_000), gives: "duration \"5s\"")
        expect(.abs, .duration(.min), gives: "null")
        expect(.abs, s("3"), gives: "null!")
        expect(.round, d(2.5), gives: "3 (double)")
        expect(.round, d(-2.5), gives: "-3 (double)")
        expect(.round, i(7), gives: "7")
        expect(.round, d(2.34567), i(2), gives: "2.35")
        expect(.round, d(1e300), i(15), gives: "1e+300 (double)")
        expect(.round, d(1.5), i(16), gives: "null")
        expect(.round, d(1.5), i(-1), gives: "null")
        expect(.round, d(1.5), s("1"), gives: "null!")
        expect(.round, d(1.5), unknown, gives: "null")
        expect(.floor, d(-1.5), gives: "-2 (double)")
        expect(.floor, big, gives: "18446744073709551615")
        expect(.ceil, d(1.2), gives: "2 (double)")
        expect(.ceil, yes, gives: "null!")
        expect(.sqrt, i(16), gives: "4 (double)")
        expect(.sqrt, i(-1), gives: "null")
        expect(.log, i(1), gives: "0 (double)")
        expect(.log, i(0), gives: "null")
        expect(.log, d(-1), gives: "null")
    }

    @Test func extremes() {
        expect(.min, i(3), d(2.5), i(4), gives: "2.5")
        expect(.max, i(3), d(2.5), big, gives: "18446744073709551615")
        expect(.max, s("a"), s("é"), s("z"), gives: "\"é\"")
        expect(.min, .time(5), .time(4_000_000), gives: "time \"1970-01-01T00:00:00.000005Z\"")
        expect(.min, i(1), unknown, gives: "null")
        expect(.min, i(1), s("1"), gives: "null!")
        expect(.max, yes, yes, gives: "null!")
        // Of equal ones the first, with its kind.
        expect(.max, d(1), i(1), gives: "1 (double)")
        expect(.max, i(1), d(1), gives: "1")
    }

    @Test func texts() {
        expect(.lower, s("ÄBC"), gives: "\"äbc\"")
        expect(.lower, s("AZ[@`{az09"), gives: "\"az[@`{az09\"")
        expect(.upper, s("azAZ`{"), gives: "\"AZAZ`{\"")
        expect(.upper, s("straße"), gives: "\"STRASSE\"")
        expect(.lower, s(""), gives: "\"\"")
        expect(.lower, i(1), gives: "null!")
        expect(.length, s("aé€😀"), gives: "4")
        expect(.length, s(""), gives: "0")
        expect(.length, l(#"[1,[2,3],{"a":[4,"]"]},"x,\"y"]"#), gives: "4")
        expect(.length, l("[]"), gives: "0")
        expect(.length, i(12), gives: "null!")
        expect(.contains, s("haystack"), s("sta"), gives: "true")
        expect(.contains, s("haystack"), s("xyz"), gives: "false")
        expect(.contains, s("haystack"), s(""), gives: "true")
        expect(.contains, s(""), s("a"), gives: "false")
        expect(.contains, s("a"), i(1), gives: "null!")
        expect(.contains, s("a"), unknown, gives: "null")
        expect(.startsWith, s("prefix"), s("pre"), gives: "true")
        expect(.startsWith, s("pre"), s("prefix"), gives: "false")
        expect(.startsWith, s("x"), s(""), gives: "true")
        expect(.endsWith, s("suffix"), s("fix"), gives: "true")
        expect(.endsWith, s("suffix"), s("suf"), gives: "false")
        expect(.endsWith, l("[]"), s("suf"), gives: "null!")
    }

    @Test func substrings() {
        expect(.substring, s("aé€😀z"), i(1), i(3), gives: "\"é€😀\"")
        expect(.substring, s("aé€😀z"), i(4), i(9), gives: "\"z\"")
        expect(.substring, s("abc"), i(3), i(1), gives: "\"\"")
        expect(.substring, s("abc"), i(99), big, gives: "\"\"")
        expect(.substring, s("abc"), i(1), big, gives: "\"bc\"")
        expect(.substring, s("abc"), i(1), gives: "\"bc\"")
        expect(.substring, s("abc"), i(0), i(0), gives: "\"\"")
        expect(.substring, s("abc"), i(-1), i(2), gives: "null")
        expect(.substring, s("abc"), i(0), i(-1), gives: "null")
        expect(.substring, s("abc"), d(0.5), i(1), gives: "null!")
        expect(.substring, s("abc"), unknown, i(1), gives: "null")
    }

    @Test func splitting() {
        expect(.split, s("a,b,,c"), s(","), gives: #"["a","b","","c"]"#)
        expect(.split, s("a--b-c"), s("--"), gives: #"["a","b-c"]"#)
        expect(.split, s("abc"), s(""), gives: #"["abc"]"#)
        expect(.split, s(""), s(","), gives: #"[""]"#)
        expect(.split, s("a\"b\\c\nd e"), s(" "), gives: #"["a\"b\\c\nd","e"]"#)
        expect(.split, s("a"), i(1), gives: "null!")
        let parts = bench.call(.split, s("x\"y\u{1}|é|"), s("|"))
        expect(.element, parts, i(0), gives: #""x\"y\u0001""#)
        expect(.element, parts, i(1), gives: "\"é\"")
        expect(.element, parts, i(2), gives: "\"\"")
        expect(.element, parts, i(3), gives: "null")
        expect(.element, parts, i(-1), gives: "null")
        expect(.element, parts, i(.max), gives: "null")
        expect(.element, parts, s("0"), gives: "null!")
        expect(.element, s("abc"), i(0), gives: "null!")
    }

    @Test func concatenation() {
        expect(.concat, s("a"), i(-1), d(0.1), d(3), yes, big, gives: "\"a-10.13true18446744073709551615\"")
        expect(.concat, .duration(90_000_000), s(" "), .time(0), gives: "\"1m30s 1970-01-01T00:00:00.000Z\"")
        expect(.concat, s("a"), unknown, gives: "null")
        expect(.concat, s("a"), l("[1]"), gives: "null!")
    }

    @Test func textsHaveABound() {
        let mebibyte = s(String(repeating: "x", count: 1 << 20))
        #expect(bench.call(.concat, mebibyte, mebibyte, mebibyte, mebibyte).length == 4 << 20)
        expect(.concat, mebibyte, mebibyte, mebibyte, mebibyte, s("y"), gives: "null")
        let separators = s(String(repeating: ",", count: 2 << 20))
        expect(.split, separators, s(","), gives: "null")
    }

    @Test func distances() {
        let far = bench.call(.distanceKilometres, d(52.52), d(13.405), d(48.8566), d(2.3522)).asDouble
        #expect(abs(far - 877.46) < 0.1)
        expect(.distanceKilometres, i(10), i(20), i(10), i(20), gives: "0 (double)")
        let half = bench.call(.distanceKilometres, i(0), i(0), i(0), i(180)).asDouble
        #expect(abs(half - .pi * 6371.0088) < 1e-6)
        let poles = bench.call(.distanceKilometres, i(90), i(0), i(-90), i(77)).asDouble
        #expect(abs(poles - .pi * 6371.0088) < 1e-6)
        expect(.distanceKilometres, d(90.01), i(0), i(0), i(0), gives: "null")
        expect(.distanceKilometres, i(0), i(0), i(-91), i(0), gives: "null")
        expect(.distanceKilometres, i(0), s("0"), i(0), i(0), gives: "null!")
        expect(.distanceKilometres, i(0), unknown, s("0"), i(0), gives: "null")
        let date = bench.call(.distanceKilometres, i(0), d(179.9), i(0), d(-179.9)).asDouble
        #expect(abs(date - 22.239) < 0.01)
    }

    @Test func networks() {
        let cases: [(String, String, String)] = [
            ("10.1.2.3", "10.0.0.0/8", "true"), ("11.1.2.3", "10.0.0.0/8", "false"), ("10.1.2.3", "10.99.0.0/8", "true"),
            ("1.2.3.4", "0.0.0.0/0", "true"), ("1.2.3.4", "1.2.3.4", "true"), ("1.2.3.5", "1.2.3.4/32", "false"),
            ("1.2.3.5", "1.2.3.4/31", "true"), ("2001:db8::5", "2001:db8::/32", "true"), ("2001:db9::5", "2001:db8::/32", "false"),
            ("::1", "::/0", "true"), ("1.2.3.4", "::/0", "false"), ("::1", "0.0.0.0/0", "false"),
            ("::ffff:10.1.2.3", "10.0.0.0/8", "true"), ("10.1.2.3", "::ffff:10.0.0.0/104", "true"), ("::ffff:10.1.2.3", "::/0", "true"),
            ("2001:db8::1", "2001:db8::1/128", "true"), ("2001:db8::1", "2001:db8::1", "true"),
            ("10.1.2", "10.0.0.0/8", "null"), ("", "10.0.0.0/8", "null"), ("10.1.2.3", "10.0.0.0/33", "null"),
            ("10.1.2.3", "10.0.0.0/", "null"), ("10.1.2.3", "10.0.0.0/+8", "null"), ("10.1.2.3", "10.0.0.0/8/8", "null"),
            ("10.1.2.3", "", "null"),
            ("10.1.2.3\0", "10.0.0.0/8", "null"), ("::1", "::/129", "null"), ("fe80::1%eth0", "fe80::/10", "null"),
            ("010.1.2.3", "10.0.0.0/8", "null"), (String(repeating: "1", count: 100), "::/0", "null"),
        ]
        for (address, network, wanted) in cases {
            #expect(bench.result(.cidr, [s(address), s(network)]) == wanted, "\(address) in \(network)")
        }
        expect(.cidr, i(1), s("10.0.0.0/8"), gives: "null!")
        expect(.cidr, unknown, s("10.0.0.0/8"), gives: "null")
    }

    @Test func elementsOfLists() {
        let numbers = "1,-2.5,18446744073709551615,99999999999999999999,-9223372036854775808,-9223372036854775809,"
        let all = l("[" + numbers + #""a","\u00e9\ud83d\ude00\n\/",true,false,null,[1,"]"],{"a":"}"},1e2,-0,1E-400]"#)
        let wanted = [
            "1", "-2.5", "18446744073709551615", "1e+20 (double)", "-9223372036854775808", "-9.223372036854776e+18 (double)", "\"a\"",
            "\"é😀\\n/\"", "true", "false", "null", #"[1,"]"]"#, "{}", "100 (double)", "0", "0 (double)", "null",
        ]
        for (index, text) in wanted.enumerated() { expect(.element, all, i(Int64(index)), gives: text) }
        expect(.contains, all, s("é😀\n/"), gives: "true")
        expect(.contains, all, d(1), gives: "true")
        expect(.contains, all, i(7), gives: "null!")
        expect(.contains, l("[1,2,null]"), i(7), gives: "null")
        expect(.contains, l("[1,2]"), i(7), gives: "false")
        expect(.contains, l("[1,2.0]"), i(2), gives: "true")
        expect(.contains, l("[]"), unknown, gives: "false")
        expect(.contains, l("[1]"), unknown, gives: "null")
        expect(.contains, unknown, i(1), gives: "null")
    }

    /// Text that no decoder lets through is never read beyond its end.
    @Test func brokenListsEnd() {
        let bytes = Array(#"[1,"a\u00e9\ud83d\ude00",{"x":[1,2]},[3,"]"],tru,-]"#.utf8)
        for length in 0...bytes.count {
            for step in 0..<4 {
                var text = Array(bytes[..<length])
                if step > 0 && length > 0 { text[length / 2] = [0, 0x22, 0x5C, 0x5D][step] }
                let list = l(String(decoding: text, as: UTF8.self))
                var reader = ListReader(list)
                var count = 0
                while reader.next(&bench.evaluator.arena) != nil { count += 1 }
                #expect(count <= length)
            }
        }
        var lone = ListReader(l(#"["\ud83d","\ude00x","\uZZZZ","\u12"]"#))
        var seen: [String] = []
        while let value = lone.next(&bench.evaluator.arena) { seen.append(bench.shown(value)) }
        #expect(seen == ["\"\u{FFFD}\"", "\"\u{FFFD}x\"", "\"\u{FFFD}\"", "\"\u{FFFD}\""])
    }
}
