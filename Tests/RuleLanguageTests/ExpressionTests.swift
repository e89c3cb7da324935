internal import Diagnostics
internal import Events
internal import RuleLanguage
internal import Testing

@Suite struct ExpressionTests {
    /// The condition of the last step of `match p: a+ then q: b then c where …`.
    private func condition(_ text: String, before: String = "", lets: String = "") throws -> String {
        let program = before + "\nrule r { \(lets) match p: a+ then q: b then c where " + text + " }"
        let rule = try #require(check(files: [source(program)]).program?.rules.first, "\(rendered(program))")
        return try rule.pattern.steps[2].condition.map(describe) ?? { throw CancellationError() }()
    }

    @Test(arguments: [
        ("a or b and not c == 1", "or(a, and(b, not((c == 1))))"),
        ("not a and b", "and(not(a), b)"),
        ("x ?? y + 1 > 2", "((x ?? (y + 1)) > 2)"),
        ("a - b - c * -d / e % f == 0", "(((a - b) - (((c * -d) / e) % f)) == 0)"),
        ("(a - (b - c)) == 0", "((a - (b - c)) == 0)"),
        ("x is missing or x is present", "or(missing(x), not(missing(x)))"),
        ("x in [1, y] and z not in w", "and((x in [1, y]), not((z in w)))"),
        ("x like \"a*\" and x not matches '\\d'", "and((x like a*), not((x matches \\d)))"),
        ("device.os.in[0].`a b` == true", "(device.os.in[0].a b == true)"),
        ("`p`.x == q.y.z[2]", "(p.x == #1.y.z[2])"),
        (
            "time() - time(q) < 5m and time(last(p)) > time(first(p))",
            "and(((time() - time(#1)) < 300000ms), (time(last(#0)) > time(first(#0))))"
        ),
        (
            "count(p) + count(p.x) + sum(p.x) + avg(q.x) > distinct(p.x)",
            "((((count(#0) + count(#0.x)) + sum(#0.x)) + avg(#1.x)) > distinct(#0.x))"
        ),
        ("first(p.x) == last(p.x) and first(p).x == last(p).y[1]", "and((first(#0.x) == last(#0.x)), (first(#0).x == last(#0).y[1]))"),
        ("min(p.x) < min(x, y, 3) and x in values(p.x)", "and((min(#0.x) < min(x, y, 3)), (x in values(#0.x)))"),
        ("stddev(p.x) > 1 and max(p.x) > 2", "and((stddev(#0.x) > 1), (max(#0.x) > 2))"),
        ("split(x, \",\")[0] == items[i]", "([](split(x, ','), 0) == [](items, i))"),
        (
            "round(x, 2) > 1 and round(x) > 1 and substring(s, 0, 3) == \"abc\"",
            "and((round(x, 2) > 1), (round(x) > 1), (substring(s, 0, 3) == 'abc'))"
        ),
        ("hour(time(), \"Europe/Berlin\") < 6 and weekday(time()) > 5", "and((hour(time(), 'Europe/Berlin') < 6), (weekday(time()) > 5))"),
        ("cidr(ip, \"2001:db8::/32\") or cidr(ip, \"::1/128\")", "or(cidr(ip, '2001:db8::/32'), cidr(ip, '::1/128'))"),
        ("x > 1 + 2 * 3 and y == 7 / 2 and z == -(-5) % 3", "and((x > 7), (y == 3.5), (z == 2))"),
        ("x == 18446744073709551615 or x == -9223372036854775808", "or((x == 18446744073709551615), (x == -9223372036854775808))"),
        ("x == 18446744073709551616", "(x == 1.8446744073709552e+19)"),
        ("x == 18446744073709551615 + 1", "unknown"),
        ("x == 1e3 and y == \"\\u00e9\\ud83d\\ude00\\n\"", "and((x == 1000.0), (y == 'é😀\n'))"),
        ("x > 1h30m + 250ms", "(x > 5400250ms)"),
        ("where == then.match and by > within", "and((where == then.match), (by > within))"),
        ("1 == 1.0 and \"a\" < \"b\" and not false", "true"),
        ("x == 1 / 0", "unknown"),
    ])
    func resolves(_ text: String, _ expected: String) throws {
        #expect(try condition(text) == expected)
    }

    @Test func namesAreLookedUpInOrder() throws {
        let before = "let limit = 2 * 5 list bad = [\"x\", 1] let z = 1"
        let lets = "let ratio = amount / total let high = ratio > limit let z = 2"
        #expect(
            try condition("high and z == 2 and kind in bad and `z` == 3 and limit == w", before: before, lets: lets)
                == "and(((amount / total) > 10), true, (kind in ['x', 1]), (z == 3), (10 == w))")
    }

    @Test func declaredTypesAreChecked() {
        let declared = "event c { card string amount number country string? at time tags list more any device.os string ok boolean }\n"
        func result(_ condition: String) -> [String] { codes(declared + "rule r { match q: c then c where \(condition) }") }
        #expect(result("amount > q.amount and card == \"x\" and \"a\" in tags and ok and not ok and tags[0] == 1 and more.x.y > 3").isEmpty)
        #expect(result("at - q.at > 5m and at + 1h > time() and hour(at) > 3 and device.os == \"x\"").isEmpty)
        #expect(result("device is present and device.os is missing").isEmpty)
        #expect(result("card > 5") == ["E0401"])
        #expect(result("amount + card > 5") == ["E0401"])
        #expect(result("amount") == ["E0407"])
        #expect(result("card and ok") == ["E0401"])
        #expect(result("lower(amount) == \"x\"") == ["E0401"])
        #expect(result("card in card") == ["E0401"])
        #expect(result("device.cpu == 1") == ["E0310"])
        #expect(result("card.x == 1") == ["E0310"])
        #expect(result("q.crd == 1") == ["E0310"])
        #expect(result("sum(q.card) > 1") == ["E0401"])
        #expect(result("ok < true") == ["E0401"])
        #expect(result("tags == tags") == ["E0401"])
        #expect(result("at > 5") == ["E0401"])
        #expect(result("amount matches 'x'") == ["E0401"])
        // What the stream reads is there without being declared.
        #expect(result("type == \"c\" and ts is present").isEmpty)
        #expect(codes("stream { type kind time at }\nevent a { x any }\nrule r { match a where kind == \"a\" and at is present }").isEmpty)
        // An undeclared type in the rule makes `by` free.
        #expect(codes(declared + "rule r { by nowhere match c then d }").isEmpty)
        #expect(codes(declared + "rule r { by nowhere match c }") == ["E0310"])
        #expect(codes(declared + "rule r { match event where nowhere > 1 }") == ["E0310"])
        #expect(codes(declared + "rule r { match (c | d) where nowhere > 1 }").isEmpty)
        #expect(codes(declared + "event d { other number }\nrule r { match (c | d) where other > 1 and amount > 2 }").isEmpty)
    }

    @Test func mistakesAmongNames() {
        #expect(codes("rule r { match a where charge.x > 1 then charge where charge.x > 1 }") == ["E0306", "E0306"])
        #expect(
            codes("rule r { match probe: a then b where probes.x > 1 and count(prob) > 1 and sum(other.x) > 1 }") == [
                "E0305", "E0305", "E0405",
            ])
        #expect(codes("rule r { match a: x then b: y where c.z > 1 }").isEmpty)
        #expect(codes("rule r { match p: x then q: y alert low \"{pp.x} {p.x} {q}\" }") == ["E0305", "E0404"])
        #expect(codes("rule r { let x = p.v match p: a then b where v > x }") == ["E0308"])
        #expect(codes("rule r { by p.v match p: a then b }") == ["E0308"])
        #expect(codes("rule r { by `p`.v match p: a then b }").isEmpty)
        #expect(codes("rule r { where p.v > 1 match p: a then b }") == ["E0308"])
    }

    @Test func conditionsThatNeverStart() {
        #expect(codes("rule r { match p: a{2,} where v > last(p.v) then b }") == ["E0506"])
        #expect(codes("rule r { match p: a{2,} where count(p) == 0 or v > last(p.v) then b }").isEmpty)
        #expect(codes("rule r { match p: a{2,} where count(p) > 0 then b }") == ["E0506"])
        #expect(codes("rule r { match p: a{2,} where not (v > last(p.v)) then b }") == ["E0506"])
        #expect(codes("rule r { match p: a{2,} where v > (last(p.v) ?? 0) then b }").isEmpty)
        #expect(codes("rule r { match p: a{2,} where last(p.v) is missing or v > 1 then b }").isEmpty)
        #expect(codes("rule r { match p: a{2,} where time() - time(last(p)) < 5m then b }") == ["E0506"])
        #expect(codes("rule r { match (p: a where v > last(p.v) then b){2} then c }") == ["E0506"])
    }

    @Test func alertsKnowKeysLetsAndLabels() throws {
        let text = """
            /// First line.
            /// Second line.
            rule r {
                by src.ip, mail: lower(m)
                let ratio = v / w
                match p: a+ then q: b
                alert critical "{{{src.ip}}} {mail} {ratio} {other} {q.x:,.2f} {count(p):,} {concat(\\"a\\", q.x)}" { n: time() }
                on timeout alert { k: mail }
                cooldown 5m by q.x, mail
            }
            rule plain { match a }
            """
        let program = check(files: [source(text.replacing("\\\\\"", with: "\\\""))])
        let rules = try #require(program.program?.rules, "\(rendered(text))")
        let alert = try #require(rules[1].alert)
        let parts = alert.summary.map { part in
            switch part {
            case .text(let text): text
            case .expression(let expression, let format):
                "<\(describe(expression))" + (format.map { ":\($0.groupsThousands ? "," : "")\($0.fractionDigits.map(String.init) ?? "")" } ?? "") + ">"
            }
        }
        #expect(parts.joined() == "{<key0>} <key1> <(v / w)> <other> <#1.x:,2> <count(#0):,> <concat('a', #1.x)>")
        #expect(alert.severity == .critical)
        #expect(alert.fields.map { "\($0.name)=\(describe($0.expression))" } == ["n=time()"])
        let timeout = try #require(rules[1].timeoutAlert)
        #expect(timeout.severity == .medium)
        #expect(rules[1].cooldown?.by?.map(describe) == ["#1.x", "key1"])
        #expect(rules[1].documentation == "First line.\nSecond line.")
        if case .text(let summary)? = timeout.summary.first { #expect(summary == "First line.") } else { Issue.record("no summary") }
        if case .text(let summary)? = rules[0].alert?.summary.first { #expect(summary == "plain") } else { Issue.record("no summary") }
    }

    @Test func placesInsideATemplate() throws {
        let text = "rule r { match p: a+\n    alert low \"é\\n\\u00e9 {lowr(x)}\" }"
        let file = source(text)
        let diagnostics = check(files: [file]).diagnostics
        let span = try #require(diagnostics.first?.span)
        #expect(String(decoding: file.bytes[Int(span.lower)..<Int(span.upper)], as: UTF8.self) == "lowr")
    }
}
