import Testing

@testable import Decoding

/// JSON that people write: where its parts stand, and where a mistake is.
@Suite struct PlacedJSONTests {
    /// Every value and key with the bytes that follow it.
    static func places(_ json: PlacedJSON, in text: [UInt8]) -> [String] {
        func start(_ offset: Int) -> String { String(decoding: text[offset...].prefix { $0 != 0x2C && $0 != 0x0A && $0 != 0x3A }, as: UTF8.self) }
        switch json.content {
        case .scalar: return [start(json.offset)]
        case .array(let elements): return ["["] + elements.flatMap { places($0, in: text) }
        case .object(let members): return ["{"] + members.flatMap { [start($0.nameOffset)] + places($0.value, in: text) }
        }
    }

    @Test func everyPartKnowsWhereItBegins() throws {
        let text = Array(" {\n \"a\" : 1, \"é\\n\":[ true , null,\n-2.5, \"x\"\n], \"o\": {\"a\":{\n}, \"a\":18446744073709551615\n}}\n".utf8)
        let json = try PlacedJSON(object: text)
        #expect(json.offset == 1)
        #expect(
            Self.places(json, in: text) == [
                "{", "\"a\" ", "1", "\"é\\n\"", "[", "true ", "null", "-2.5", "\"x\"", "\"o\"", "{", "\"a\"", "{", "\"a\"", "18446744073709551615",
            ])
    }

    @Test(arguments: [
        ("{\n\"a\": 1\n\"b\": 2}", .syntax, "\"b\": 2}"), ("{\"a\": 1,\n}", .syntax, "}"), ("{\"a\": [1\n2]}", .syntax, "2]}"),
        ("{\"a\": nope}", .syntax, "nope}"), ("{\"a\": nul}", .syntax, "nul}"), ("{\"a\": 01}", .badNumber, "01}"),
        ("{\"a\": 1} x", .trailingContent, "x"), ("[1]", .notAnObject, "[1]"), ("{\"a\": {\"b\": 1}", .notClosed, "{\"a\": {\"b\": 1}"), ("{\"a\": [1, {\"b\": [2]", .notClosed, "{\"b\": [2]"),
        ("{\"a\": \"]}\", \"b\": {}} {}", .trailingContent, "{}"), ("{\"a\": 1,\n \"b: 2,\n \"c\": 3}", .unclosedString, "\"b: 2,\n \"c\": 3}"), ("{\"a\": \"x,\n\"b\": 2\", \"c\": 3}", .controlCharacter, "\"x,\n\"b\": 2\", \"c\": 3}"), ("{\"a\": \"x}", .unclosedString, "\"x}"),
        ("{\n\"a\": \"\u{1}\"}", .controlCharacter, "\"\u{1}\"}"),
    ] as [(String, RejectReason, String?)]) func aMistakeHasAPlace(_ text: String, _ reason: RejectReason, _ rest: String?) {
        let bytes = Array(text.utf8)
        do throws(JSONFault) {
            _ = try PlacedJSON(object: bytes)
            Issue.record("\(text) is taken")
        } catch {
            #expect(error.reason == reason, "\(text)")
            #expect(error.offset.map { String(decoding: bytes[$0...], as: UTF8.self) } == rest, "\(text)")
            #expect(JSONValue(object: bytes) == nil)
        }
    }

    @Test func bytesThatAreNoTextHaveALine() {
        let bytes = Array("{\n\"a\":\"".utf8) + [0xFF] + Array("\"}".utf8)
        #expect(throws: JSONFault(reason: .invalidUTF8, offset: 2)) { try PlacedJSON(object: bytes) }
        #expect(throws: JSONFault.self) { try PlacedJSON(object: []) }
        #expect(throws: JSONFault.self) { try PlacedJSON(object: Array(#"{"a":"#.utf8) + Array(repeating: 0x5B, count: 100_000)) }
    }
}
