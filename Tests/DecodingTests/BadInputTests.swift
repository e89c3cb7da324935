import Decoding
import Events
import Seeds
import Testing

/// A line that is no event, and why.
struct BadLine: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var reason: RejectReason

    init(_ name: String, _ text: String, _ reason: RejectReason) {
        self.init(name, Array(text.utf8), reason)
    }

    init(_ name: String, _ bytes: [UInt8], _ reason: RejectReason) {
        self.name = name
        self.bytes = bytes
        self.reason = reason
    }

    var testDescription: String { name }
}

private func event(_ inside: String) -> String { "{\"type\":\"a\",\"ts\":5,\(inside)}" }

private func bytes(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

private let open = Array("{\"type\":\"a\",\"ts\":5,\"v\":\"".utf8)
private let close = Array("\"}".utf8)

let badLines: [BadLine] = [
    BadLine("words", "hello", .syntax),
    BadLine("a bare key", "{type:\"a\",\"ts\":5}", .syntax),
    BadLine("single quotes", "{'type':'a'}", .syntax),
    BadLine("a comma too many", event("\"v\":1,"), .syntax),
    BadLine("no comma", "{\"type\":\"a\" \"ts\":5}", .syntax),
    BadLine("no colon", "{\"type\" \"a\",\"ts\":5}", .syntax),
    BadLine("two colons", "{\"type\"::\"a\",\"ts\":5}", .syntax),
    BadLine("a wrong word", event("\"v\":nul"), .syntax),
    BadLine("a longer word", event("\"v\":nulls"), .syntax),
    BadLine("True", event("\"v\":True"), .syntax),
    BadLine("NaN", event("\"v\":NaN"), .syntax),
    BadLine("a list closed by a brace", event("\"v\":[1}"), .syntax),
    BadLine("an object closed by a bracket", event("\"v\":{\"x\":1]"), .syntax),
    BadLine("a list with a comma too many", event("\"v\":[1,]"), .syntax),
    BadLine("a list of commas", event("\"v\":[,]"), .syntax),
    BadLine("a number for a key", "{1:2}", .syntax),
    BadLine("a comment", "// {}", .syntax),
    BadLine("a closing brace", "}", .syntax),
    BadLine("no closing brace", "{\"type\":\"a\",\"ts\":5", .notClosed),
    BadLine("no closing brace after a list", "{\"type\":\"a\",\"ts\":5,\"v\":[1,2]", .notClosed),
    BadLine("no inner closing brace", "{\"type\":\"a\",\"ts\":5,\"v\":{\"x\":1}", .notClosed),
    BadLine("an opening brace", "{", .notClosed),
    BadLine("cut behind a key", "{\"type\"", .notClosed),
    BadLine("cut behind a colon", "{\"type\":", .notClosed),
    BadLine("cut behind a comma", "{\"type\":\"a\",", .notClosed),
    BadLine("cut in a list", "{\"type\":\"a\",\"v\":[1,", .notClosed),
    BadLine("cut in a word", "{\"type\":\"a\",\"v\":tru", .notClosed),
    BadLine("cut in a number", "{\"type\":\"a\",\"v\":1.", .notClosed),
    BadLine("two objects", "{\"type\":\"a\",\"ts\":5}{\"type\":\"b\",\"ts\":6}", .trailingContent),
    BadLine("two objects and a blank", "{\"type\":\"a\",\"ts\":5} {\"type\":\"b\",\"ts\":6}", .trailingContent),
    BadLine("an object and a comma", "{\"type\":\"a\",\"ts\":5},", .trailingContent),
    BadLine("an object and words", "{\"type\":\"a\",\"ts\":5} and more", .trailingContent),
    BadLine("a brace too many", "{\"type\":\"a\",\"ts\":5}}", .trailingContent),
    BadLine("an unclosed quote", "{\"type\":\"a\",\"ts\":5,\"v\":\"x}", .unclosedString),
    BadLine("an unclosed key", "{\"type\":\"a\",\"ts\":5,\"v", .unclosedString),
    BadLine("a quote that is escaped", "{\"type\":\"a\",\"ts\":5,\"v\":\"x\\\"}", .unclosedString),
    BadLine("an unknown escape", event("\"v\":\"\\d\""), .badEscape),
    BadLine("an unknown escape in a key", event("\"\\d\":1"), .badEscape),
    BadLine("a short \\u", event("\"v\":\"\\u12\""), .badEscape),
    BadLine("half a surrogate pair", event("\"v\":\"\\ud800\""), .badEscape),
    BadLine("the other half", event("\"v\":\"\\udc00\""), .badEscape),
    BadLine("the other half, unread", event("\"w\":\"x\\udc00y\""), .badEscape),
    BadLine("a pair of first halves", event("\"v\":\"\\ud800\\ud800\""), .badEscape),
    BadLine("a leading zero", event("\"v\":01"), .badNumber),
    BadLine("a leading plus", event("\"v\":+1"), .syntax),
    BadLine("a lone minus", event("\"v\":-"), .badNumber),
    BadLine("a point at the end", event("\"v\":1."), .badNumber),
    BadLine("a point at the start", event("\"v\":.5"), .syntax),
    BadLine("no exponent", event("\"v\":1e"), .badNumber),
    BadLine("letters in a number", event("\"v\":12ab"), .badNumber),
    BadLine("a hexadecimal number", event("\"v\":0x1F"), .badNumber),
    BadLine("underscores", event("\"w\":1_000"), .badNumber),
    BadLine("a bare tab in a string", event("\"v\":\"a\tb\""), .controlCharacter),
    BadLine("a bare NUL in a string", bytes(open, [0], close), .controlCharacter),
    BadLine("a NUL between tokens", Array("{\"type\":\0\"a\"}".utf8), .controlCharacter),
    BadLine("a NUL alone", [0], .controlCharacter),
    BadLine("a control character for a colon", bytes(Array("{\"type\"".utf8), [0x1A], Array("\"a\",\"ts\":5}".utf8)), .syntax),
    BadLine("a control character for a comma", bytes(Array("{\"type\":\"a\"".utf8), [0x0C], Array("\"ts\":5}".utf8)), .syntax),
    BadLine("a list", "[{\"type\":\"a\",\"ts\":5}]", .notAnObject),
    BadLine("an empty list", "[]", .notAnObject),
    BadLine("a string", "\"text\"", .notAnObject),
    BadLine("a number", "-12.5", .notAnObject),
    BadLine("null", "null", .notAnObject),
    BadLine("true", " true ", .notAnObject),
    BadLine("a stray byte", bytes(open, [0xFF], close), .invalidUTF8),
    BadLine("a cut character", bytes(open, [0xE2, 0x82], close), .invalidUTF8),
    BadLine("an overlong slash", bytes(open, [0xC0, 0xAF], close), .invalidUTF8),
    BadLine("a surrogate in UTF-8", bytes(open, [0xED, 0xA0, 0x80], close), .invalidUTF8),
    BadLine("beyond Unicode", bytes(open, [0xF4, 0x90, 0x80, 0x80], close), .invalidUTF8),
    BadLine("a stray byte between tokens", bytes(Array("{".utf8), [0x80], Array("}".utf8)), .invalidUTF8),
    BadLine("a stray byte and an open quote", bytes(open, [0xFF]), .invalidUTF8),
    BadLine("10 000 lists", event("\"v\":" + String(repeating: "[", count: 10000) + String(repeating: "]", count: 10000)), .tooDeep),
    BadLine("10 000 open lists", event("\"v\":" + String(repeating: "[", count: 10000)), .tooDeep),
    BadLine(
        "10 000 objects", String(repeating: "{\"a\":", count: 10000) + "1" + String(repeating: "}", count: 10000), .tooDeep),
    BadLine("1025 deep", event("\"v\":" + String(repeating: "[", count: 1024) + String(repeating: "]", count: 1024)), .tooDeep),
    BadLine("1e400", event("\"v\":1e400"), .numberOutOfRange),
    BadLine("-1e400, unread", event("\"w\":-1e400"), .numberOutOfRange),
    BadLine("400 digits", event("\"w\":" + String(repeating: "9", count: 400)), .numberOutOfRange),
    BadLine("400 digits and a point", event("\"w\":" + String(repeating: "9", count: 400) + ".5"), .numberOutOfRange),
    BadLine("an integer of 20 digits and a bad number", event("\"v\":99999999999999999999,\"w\":01"), .badNumber),
    BadLine("an integer of 20 digits and no brace", "{\"ts\":5,\"v\":99999999999999999999", .notClosed),
    BadLine("20 digits with a zero in front", event("\"v\":-00000000000000000001"), .badNumber),
    BadLine("a huge number and a bad escape", event("\"v\":99999999999999999999,\"w\":\"\\q\""), .badEscape),
    BadLine("a bad number and words behind", event("\"v\":01") + " x", .badNumber),
    BadLine("a repeated key", event("\"v\":1,\"v\":2"), .duplicateKey),
    BadLine("a repeated first key", event("\"type\":\"b\""), .duplicateKey),
    BadLine("a repeated time", event("\"ts\":6"), .duplicateKey),
    BadLine("a key repeated in an escape", event("\"v\":1,\"\\u0076\":2"), .duplicateKey),
    BadLine("a key first in an escape", event("\"\\u0076\":1,\"v\":2"), .duplicateKey),
    BadLine("a repeated empty key", event("\"\":1,\"\":2"), .duplicateKey),
    BadLine("a key repeated inside", event("\"w\":{\"x\":1,\"y\":2,\"x\":3}"), .duplicateKey),
    BadLine("a key repeated in a list", event("\"w\":[{\"x\":1},{\"x\":1,\"x\":3}]"), .duplicateKey),
    BadLine("1 MiB and a byte", event("\"w\":\"" + String(repeating: "x", count: BlockDecoder.lineBytesMax + 1 - 26) + "\""), .lineTooLong),
    BadLine("no time", "{\"type\":\"a\"}", .timeMissing),
    BadLine("an empty object", "{}", .timeMissing),
    BadLine("a null time", "{\"type\":\"a\",\"ts\":null}", .timeMissing),
    BadLine("a time in words", "{\"type\":\"a\",\"ts\":\"yesterday\"}", .timeForm),
    BadLine("a true time", "{\"type\":\"a\",\"ts\":true}", .timeForm),
    BadLine("a list for a time", "{\"type\":\"a\",\"ts\":[5]}", .timeForm),
    BadLine("an object for a time", "{\"type\":\"a\",\"ts\":{}}", .timeForm),
    BadLine("a time before 1970", "{\"type\":\"a\",\"ts\":-1}", .timeOutOfRange),
    BadLine("a written time before 1970", "{\"type\":\"a\",\"ts\":\"1969-12-31T23:59:59Z\"}", .timeOutOfRange),
    BadLine("a time in 2201", "{\"type\":\"a\",\"ts\":7289654400000}", .timeOutOfRange),
    BadLine("a written time in 2201", "{\"type\":\"a\",\"ts\":\"2201-01-01T00:00:00Z\"}", .timeOutOfRange),
    BadLine("a huge time", "{\"type\":\"a\",\"ts\":9223372036854775807}", .timeOutOfRange),
    BadLine("a time over 63 bits", "{\"type\":\"a\",\"ts\":18446744073709551615}", .timeOutOfRange),
    BadLine("a time over 64 bits", "{\"type\":\"a\",\"ts\":1e30}", .timeOutOfRange),
]

@Suite struct BadInputTests {
    static let good = (1...4).map { "{\"type\":\"t\($0)\",\"ts\":\($0)000,\"v\":\"value \($0)\"}" }

    /// The rows that the good lines give, at these line numbers.
    func expectGood(_ decoded: Decoded, at lines: [UInt64], _ comment: Comment) {
        #expect(decoded.rows.map(\.line) == lines, comment)
        for (place, row) in decoded.rows.enumerated().prefix(BadInputTests.good.count) {
            let number = place + 1
            #expect(row.time == Int64(number) * 1_000_000, comment)
            #expect(row.values == [.string("t\(number)"), .string("value \(number)")], comment)
            #expect(row.raw == BadInputTests.good[place], comment)
        }
    }

    func expectReject(_ decoded: Decoded, _ bad: BadLine, line: UInt64, _ comment: Comment) {
        #expect(decoded.reasons == [bad.reason], comment)
        #expect(decoded.rejects.first?.line == line, comment)
        // Of a line that is too long the beginning is enough.
        let shown = bad.reason == .lineTooLong ? LineCarver.cutLineBytes : bad.bytes.count
        #expect(decoded.rejected.first == Array(bad.bytes.prefix(shown)), comment)
        #expect(decoded.rejects.first?.fullLength == UInt64(bad.bytes.count), comment)
    }

    @Test(arguments: badLines)
    func badLine(bad: BadLine) {
        let good = BadInputTests.good
        for end in ["\n", "\r\n"] {
            let newline = Array(end.utf8)
            func lines(_ texts: ArraySlice<String>) -> [UInt8] { texts.flatMap { Array($0.utf8) + newline } }

            var decoded = decode(bad.bytes + newline)
            expectGood(decoded, at: [], "alone")
            expectReject(decoded, bad, line: 1, "alone")

            decoded = decode(bad.bytes)
            expectGood(decoded, at: [], "alone, without a line end")
            expectReject(decoded, bad, line: 1, "alone, without a line end")

            decoded = decode(bad.bytes + newline + lines(good[...]))
            expectGood(decoded, at: [2, 3, 4, 5], "first")
            expectReject(decoded, bad, line: 1, "first")

            decoded = decode(lines(good[..<2]) + bad.bytes + newline + lines(good[2...]))
            expectGood(decoded, at: [1, 2, 4, 5], "in the middle")
            expectReject(decoded, bad, line: 3, "in the middle")

            decoded = decode(lines(good[...]) + bad.bytes + newline)
            expectGood(decoded, at: [1, 2, 3, 4], "last")
            expectReject(decoded, bad, line: 5, "last")

            decoded = decode(lines(good[...]) + bad.bytes)
            expectGood(decoded, at: [1, 2, 3, 4], "last, without a line end")
            expectReject(decoded, bad, line: 5, "last, without a line end")
        }
    }

    /// All bad lines in one block with good lines between, in random order, through reads of random sizes.
    @Test func allTogether() {
        var random = SeededGenerator(0)
        for _ in 0..<6 {
            let order = badLines.shuffled(using: &random)
            var input: [UInt8] = []
            var reasons: [RejectReason] = []
            var goodLines: [UInt64] = []
            var line: UInt64 = 0
            for bad in order {
                input += bad.bytes + [0x0A]
                reasons.append(bad.reason)
                line += 1
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    input += Array("{\"type\":\"g\",\"ts\":\(line),\"v\":\(line)}\n".utf8)
                    line += 1
                    goodLines.append(line)
                }
            }
            let decoded = decodeStream(input, reads: [70_000, 13, 300_000, 4096, 1])
            #expect(decoded.reasons == reasons)
            #expect(decoded.rows.map(\.line) == goodLines)
            #expect(decoded.rows.map(\.values) == goodLines.map { [.string("g"), .integer(Int128($0 - 1))] })
            #expect(decoded.lineCount == line)
        }
    }

    @Test func oneObjectOverTwoLines() {
        let decoded = decode("{\"type\":\"a\",\n\"ts\":5}\n{\"type\":\"b\",\"ts\":6}\n{\"ts\":7}\n")
        #expect(decoded.reasons == [.notClosed, .notAnObject])
        #expect(decoded.rows.map(\.line) == [3, 4])
    }

    @Test func aMissingBraceDoesNotTakeTheNextLine() {
        let decoded = decode("{\"type\":\"a\",\"ts\":5,\"v\":\n{\"type\":\"b\",\"ts\":6}\n}\n{\"ts\":7}\n")
        #expect(decoded.reasons == [.notClosed, .syntax])
        #expect(decoded.rows.map(\.line) == [2, 4])
    }

    /// A stream of documents has as many here as there are lines, or leaves something out at its end without a word.
    @Test func documentsThatAreNotLines() {
        var decoded = decode("{\"ts\":1}{\"ts\":2}\n{\"ts\":3,\n\"v\":4}\n{\"ts\":5}\n")
        #expect(decoded.reasons == [.trailingContent, .notClosed, .notAnObject])
        #expect(decoded.rows.map(\.line) == [4])
        for rest in ["[", "{", "[1,", "{\"v\":", "\"x", "]", "}", "\\"] {
            for blank in ["", " "] {
                decoded = decode("{\"ts\":1}\n{\"ts\":2}\(blank)\(rest)")
                #expect(decoded.reasons == [rest == "\"x" ? .unclosedString : .trailingContent])
                #expect(decoded.rows.map(\.line) == [1])
                decoded = decode("{\"ts\":1}\n\(rest)\n")
                #expect(decoded.reasons.count == 1)
                #expect(decoded.rows.map(\.line) == [1])
            }
        }
        decoded = decode("{\"ts\":1}\n\n \n{\"ts\":2}\n{\"ts\":3,\"ts\":3}\n\r\n{\"ts\":4}\n ")
        #expect(decoded.reasons == [.duplicateKey])
        #expect(decoded.rows.map(\.line) == [1, 4, 7])
    }

    @Test func anUnclosedQuoteThatTheNextLineCloses() {
        let decoded = decode("{\"ts\":1,\"v\":\"x}\n{\"ts\":2,\"v\":\"y\"}\n{\"ts\":3,\"v\":\"x}\n{\"ts\":4,\"v\":\"z\"}\n")
        #expect(decoded.reasons == [.unclosedString, .unclosedString])
        #expect(decoded.rows.map(\.line) == [2, 4])
        #expect(decoded.rows.map { $0.values[1] } == [.string("y"), .string("z")])
    }

    @Test func linesAsLongAsTheyMayBe() {
        let frame = "{\"ts\":5,\"v\":\"\"}".utf8.count
        for (length, reasons) in [(-1, []), (0, []), (1, [RejectReason.lineTooLong])] {
            let text = String(repeating: "y", count: BlockDecoder.lineBytesMax + length - frame)
            for end in ["\n", "\r\n", ""] {
                let input = Array("{\"ts\":4}\n{\"ts\":5,\"v\":\"\(text)\"}\(end)".utf8) + Array((end.isEmpty ? "" : "{\"ts\":6}\n").utf8)
                for decoded in [decode(input), decodeStream(input, reads: [1 << 20]), decodeStream(input, reads: [9973])] {
                    #expect(decoded.reasons == reasons)
                    #expect(decoded.rows.count == 2 - reasons.count + (end.isEmpty ? 0 : 1))
                    if reasons.isEmpty { #expect(decoded.rows[1].values[1] == .string(text)) }
                }
            }
        }
    }

    @Test func depthUpToTheLimit() {
        let lists = String(repeating: "[", count: 1023) + String(repeating: "]", count: 1023)
        let decoded = decode("{\"ts\":5,\"v\":\(lists)}\n")
        #expect(decoded.reasons == [])
        #expect(decoded.rows[0].lists[1] == lists)
        let objects = String(repeating: "{\"a\":", count: 1023) + "1" + String(repeating: "}", count: 1023)
        #expect(decode("{\"ts\":5,\"v\":\(objects)}\n").reasons == [])
    }

    @Test func nothingIsNoEventAndNoReject() {
        for text in ["\n", "\r\n", " \t \r\n\n\n", "   "] {
            let decoded = decode(text)
            #expect(decoded.rows.isEmpty && decoded.rejects.isEmpty)
        }
        #expect(decodeStream([], reads: [100]).lineCount == 0)
        let decoded = decode("\n{\"ts\":1}\n  \n\t{\"ts\":2} \r\n\n")
        #expect(decoded.rows.map(\.line) == [2, 4])
        #expect(decoded.rows.map(\.raw) == ["{\"ts\":1}", "\t{\"ts\":2} "])
        #expect(decoded.lineCount == 5)
    }

    @Test func aByteOrderMarkBeginsAnInputOnly() {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let line = Array("{\"ts\":1}\n".utf8)
        var decoded = decode(mark + line + line)
        #expect(decoded.rows.map(\.raw) == ["{\"ts\":1}", "{\"ts\":1}"])
        decoded = decode(mark + line, isFirstBlock: false)
        #expect(decoded.reasons == [.syntax])
        decoded = decode(line + mark + line)
        #expect(decoded.reasons == [.syntax])
        #expect(decode(mark).lineCount == 0)
        #expect(decodeStream(mark + line + line, reads: [1]).rows.count == 2)
    }
}
