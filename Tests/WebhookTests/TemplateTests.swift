import Foundation
import Seeds
import Testing

@testable import Connectors

/// Bodies of the user's own.
@Suite struct TemplateTests {
    private static let text = #"""
        {"id":"9f3c","rule":"card_testing","kind":"match","severity":"high","at":"2026-03-01T10:04:11.250Z","started_at":"2026-03-01T10:04:00.000Z",
         "key":{"card":"c\"1","user.name":"Ünal","n":7},"summary":"3 \"probes\"\n\ud83d\udea8 {x}",
         "fields":{"probes":3,"spent":1234512.456,"none":null,"ok":true,"small":-0.5,"list":["a",{"b":"}"}]},"tags":["x","y"],"suppressed":0,
         "match":{"probe":[{"id":1},{"id":2,"amount":5}]}}
        """#
    private let alert = OutboxText(id: "9f3c", rule: "card_testing", severity: "high", body: Array(text.utf8))

    private func made(_ template: String) throws -> Any {
        let shape = WebhookShape.template(try WebhookTemplate(Array(template.utf8)))
        let body = try #require(shape.body(of: alert))
        return try JSONSerialization.jsonObject(with: Data(body))
    }

    private func value(_ text: String) throws -> Any? {
        let quoted = String(decoding: try JSONSerialization.data(withJSONObject: [text]), as: UTF8.self)
        return (try made(quoted) as? [Any])?.first
    }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("{{rule}}", "{rule}"), ("a }} b {{", "a } b {"), ("{rule}: {summary}", "card_testing: 3 \"probes\"\n🚨 {x}"),
        ("{ rule }!", "card_testing!"), ("é {key.card} \"q\" \\ \n", "é c\"1 \"q\" \\ \n"), ("{key.`user.name`}.", "Ünal."),
        ("{fields.probes} of {fields.spent:.2f}", "3 of 1234512.46"), ("{fields.spent:,}", "1,234,512.456"), ("{fields.spent:,.0f}", "1,234,512"),
        ("{fields.small:.1f}", "-0.5"), ("{fields.probes:.2f}", "3.00"), ("{rule:.2f}", "card_testing"), ("{fields.none}?", "unknown?"), ("{fields.gone}?", "unknown?"),
        ("{key.gone ?? key.card}", "c\"1"), ("{key.gone ?? fields.none ?? 'no \"body\"'}", "no \"body\""), ("{key.gone ?? \"x\"}!", "x!"),
        ("{match.probe[1].amount}.", "5."), ("{match.probe[7].amount}.", "unknown."), ("{match.probe[0].id.x}.", "unknown."), ("{tags[1]}", "y"),
        ("{fields.ok} {tags}", "true [\"x\",\"y\"]"), ("{fields.list}.", "[\"a\",{\"b\":\"}\"}]."), ("{suppressed}x", "0x"), ("{alert.rule}", "card_testing"),
    ]) func aText(template: String, expected: String) throws {
        #expect(try value(template) as? String == expected)
    }

    @Test func anExpressionAloneKeepsItsType() throws {
        #expect(try value("{fields.probes}") as? Int == 3)
        #expect(try value("{fields.spent}") as? Double == 1234512.456)
        #expect(try value("{fields.ok}") as? Bool == true)
        #expect(try value("{fields.none}") is NSNull)
        #expect(try value("{fields.gone}") is NSNull)
        #expect(try value("{tags}") as? [String] == ["x", "y"])
        #expect(try value("{key}") as? NSDictionary == ["card": "c\"1", "user.name": "Ünal", "n": 7])
        #expect(try value("{alert}") as? NSDictionary == JSONSerialization.jsonObject(with: Data(alert.body)) as? NSDictionary)
        #expect(try value("{fields.probes:.1f}") as? String == "3.0")
        #expect(try value(" {fields.probes}") as? String == " 3")
    }

    @Test func theDocumentStaysAsItIsOtherwise() throws {
        let template = """
            { "a" : [ 1, 2.50, -1e3, true, null, "x y", {} , [] ],
              "n{{1}}": {"deep": {"er": "{rule}"}}, "\\u007b\\u007bno}}": "\\u00e9\\ud83d\\ude00\\t" }

            """
        #expect(try made(template) as? NSDictionary == [
            "a": [1, 2.5, -1000, true, NSNull(), "x y", [:] as NSDictionary, []] as [Any], "n{1}": ["deep": ["er": "card_testing"]], "{no}": "é😀\t",
        ] as NSDictionary)
        #expect((try made("[\"{rule}\"]") as? [String]) == ["card_testing"])
    }

    @Test func theTemplateOfThePageIsInOrder() throws {
        let page = try String(contentsOfFile: Files.webhooks + "/../../docs/OPERATIONS.md", encoding: .utf8)
        let section = try #require(page.range(of: "### A template\n")).upperBound
        let start = try #require(page.range(of: "```json\n", range: section..<page.endIndex)).upperBound
        let end = try #require(page.range(of: "```\n", range: start..<page.endIndex)).lowerBound
        let body = try #require(try made(String(page[start..<end])) as? [String: Any])
        #expect(body["title"] as? String == "card_testing (high): 3 \"probes\"\n🚨 {x}" && body["spent"] as? Double == 1234512.456)
        #expect(body["text"] as? String == "3 probes, 1,234,512.46 EUR on c\"1" && body["first_probe"] is NSNull && body["details"] is NSDictionary)
    }

    private static let wrong: [(String, Int, Int, String, String)] = [
        ("{\"a\": \"{sumary}\"}", 1, 9, "an alert has no `sumary`", "did you mean `summary`?"),
        ("{\n  \"é\": \"ü {rul}\"}", 2, 12, "an alert has no `rul`", "did you mean `rule`?"),
        ("{\"a\": \"{card}\"}", 1, 9, "an alert has no `card`", "parts of the key are `key.NAME`"),
        ("{\"a\": \"{alert.x}\"}", 1, 9, "an alert has no `x`", "an alert has"),
        ("{\"a\": \"{rule.x}\"}", 1, 9, "`rule` of an alert has no parts", "write `{rule}`"),
        ("{\"a\": \"b } c\"}", 1, 10, "this `}` closes nothing", "`}}`"), ("{\"a\": \"b { c\"}", 1, 10, "`}` is missing", "`{{`"),
        ("{\"a\": \"{}\"}", 1, 9, "there is nothing between these braces", "`{{`"), ("{\"a\": \"{ }\"}", 1, 9, "there is nothing between these braces", "`{{`"),
        ("{\"a\": \"{fields.}\"}", 1, 16, "here must stand a name", "backquotes"), ("{\"a\": \"{1}\"}", 1, 9, "here must stand a name", "backquotes"),
        ("{\"a\": \"{fields.x + 1}\"}", 1, 18, "an expression of a template is a name", "compute it in a field"),
        ("{\"a\": \"{fields.x ??}\"}", 1, 20, "here must stand a name", "backquotes"), ("{\"a\": \"{tags[x]}\"}", 1, 13, "between brackets", ""),
        ("{\"a\": \"{tags[99999999999999999999]}\"}", 1, 13, "between brackets", ""), ("{\"a\": \"{fields.x:.f}\"}", 1, 17, "`.f` is no format", "`:.2f`"),
        ("{\"a\": \"{fields.x:.99f}\"}", 1, 17, "`.99f` is no format", "`:.2f`"), ("{\"{rule}\": 1}", 1, 3, "names of members hold no expressions", "`{{`"),
        ("{\"a\": \"\\u007bfoo}\"}", 1, 14, "an alert has no `foo`", ""), ("{\"a\": }", 1, 7, "this is not valid JSON", ""), ("", 1, 1, "the template is empty", "for example"),
        ("\"{rule}\"", 1, 1, "the template must be an object in braces", "for example"), ("{} {}", 1, 4, "this is not valid JSON", ""), ("{}, \"x\": 1", 1, 3, "something follows the document", ""),
        ("{\"a\": 'x'}", 1, 7, "this is not valid JSON", ""), (String(repeating: " ", count: 70_000) + "{}", 1, 1, "the template is longer than 64 KiB", ""),
    ]

    @Test func everythingThatIsWrongIsToldWithItsPlace() throws {
        for (text, line, column, message, hint) in Self.wrong {
            do {
                _ = try WebhookTemplate(Array(text.utf8))
                Issue.record("\(text.prefix(60)) is no template")
            } catch {
                let first = try #require(error.mistakes.first)
                #expect(first.line == line && first.column == column && first.message.contains(message) && (hint.isEmpty || (first.hint ?? "").contains(hint)), "\(text.prefix(60)): \(first)")
            }
        }
        do {
            _ = try WebhookTemplate(Array("{\"a\": \"{x1} {rule} {y1}\",\n\"b\": \"{z1}\"}".utf8))
            Issue.record("it is no template")
        } catch {
            #expect(error.mistakes.map(\.line) == [1, 1, 2])
        }
        let many = "[" + Array(repeating: "\"{rule}\"", count: 201).joined(separator: ",") + "]"
        #expect(throws: WebhookTemplateFault.self) { try WebhookTemplate(Array(many.utf8)) }
        let some = "[" + Array(repeating: "\"{rule}\"", count: 200).joined(separator: ",") + "]"
        #expect((try made(some) as? [String])?.count == 200)
    }

    /// Whatever stands in the template and the alert: a fault with mistakes, or JSON.
    @Test func whateverIsReadNothingTrapsAndWhatIsMadeIsJSON() throws {
        var random = SeededGenerator(78)
        let pieces = [
            "{", "}", "{{", "}}", "{rule}", "{summary}", "{key.card}", "{fields.x:.2f}", "{match.probe[0]}", "{tags[0] ?? 'y'}", "\\\"", "\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00",
            "\\ud83d", "é", "😀", ":", "??", "`", "'", "[", "]", "\"", ",", " ", "x", "{alert}", "{fields.spent:,.1f}",
        ]
        var good = 0
        for _ in 0..<Volume.pick(test: 3000, soak: 60_000) {
            let inner = (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let text = Bool.random(using: &random) ? "{\"a\": [\"\(inner)\"]}" : "[\"\(inner)\", {\"b\": 1}]"
            do {
                let template = try WebhookTemplate(Array(text.utf8))
                let body = try #require(WebhookShape.template(template).body(of: alert))
                #expect((try? JSONSerialization.jsonObject(with: Data(body))) != nil, "\(text): \(String(decoding: body, as: UTF8.self))")
                good += 1
            } catch let fault as WebhookTemplateFault {
                #expect(!fault.mistakes.isEmpty)
            }
        }
        #expect(good > 300)
    }
}
