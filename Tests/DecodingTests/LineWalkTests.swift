@testable import Decoding
import Events
import Seeds
import Testing

/// The quick way, simdjson's on-demand parser over chunks of lines, against simdjson's tree of each line by itself: the same rows, and the same rejects for the same
/// reasons, whatever stands in a block.
@Suite struct LineWalkTests {
    static let columns = ["type", "v", "card", "n.a", "list", "list[1]", "list[0].a", "n", "v"]

    /// Two decoders with the same columns, which also keep what earlier blocks have left in them.
    struct Pair {
        let quick = BlockDecoder(columns: LineWalkTests.columns.map(path), format: EventFormat())
        let trees: BlockDecoder = {
            let decoder = BlockDecoder(columns: LineWalkTests.columns.map(path), format: EventFormat())
            decoder.readTrees()
            return decoder
        }()

        /// Decodes a block both ways and returns what came of it.
        @discardableResult
        func agree(_ block: [UInt8]) -> Decoded {
            guard !block.isEmpty else { return Decoded() }
            let one = decode(block, decoder: quick)
            let other = decode(block, decoder: trees)
            #expect(one.lineCount == other.lineCount)
            #expect(one.rejects == other.rejects)
            #expect(one.rows.count == other.rows.count)
            for (row, expected) in zip(one.rows, other.rows) where row != expected {
                Issue.record("\(row) is not \(expected)")
            }
            return one
        }
    }

    /// Events of few layouts, as streams have them: the same keys in the same order with the same blanks, and ever other values.
    struct Stream {
        var random = SeededGenerator(0)
        var layouts: [(keys: [String], kinds: [Int], style: Int)] = []

        init() {
            for _ in 0..<4 {
                let keys = ["type", "card", "v", "n", "list", "w", "a-key-of-more-than-sixteen-bytes", "é", "nine-byte", ""]
                let some = Array(keys.shuffled(using: &random).prefix(Int.random(in: 0...keys.count, using: &random)))
                let kinds = some.map { _ in Int.random(in: 0..<9, using: &random) }
                layouts.append((some, kinds, Int.random(in: 0..<5, using: &random)))
            }
        }

        mutating func pick<T>(_ from: [T]) -> T { from.randomElement(using: &random)! }
        mutating func digits(_ count: ClosedRange<Int>) -> String {
            (0..<Int.random(in: count, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
        }

        mutating func number() -> String {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: return pick(["0", "-0", "-0.0", "0.0", "1e5", "1E-7", "18446744073709551615", "18446744073709551616", "-9223372036854775809"])
            case 1: return "-" + String(Int.random(in: 1...9, using: &random)) + digits(0...20)
            case 2: return String(Int.random(in: 1...9, using: &random)) + digits(6...20)
            case 3: return "0." + digits(1...24)
            case 4: return "-" + String(Int.random(in: 1...9, using: &random)) + digits(0...16) + "." + digits(1...9)
            case 5: return String(Double.random(in: -1000...1000, using: &random))
            case 6: return String(Int.random(in: 1...9, using: &random)) + "." + digits(1...3) + "e" + pick(["", "-", "+"]) + digits(1...2)
            case 7, 8: return String(Int.random(in: 0...99999, using: &random))
            default: return String(Int.random(in: 0...999, using: &random)) + "." + digits(1...2)
            }
        }

        mutating func string() -> String {
            let parts = Int.random(in: 0..<4, using: &random) > 0
                ? ["a", "bc", "é", "😀", "{", "},", ":", "[", " ", "some longer text"]
                : ["a", "\\n", "\\\"", "\\\\", "\\u0041", "\\/", "\\ud83d\\ude00", "\\ude00", "\\ud83d", "\\x", "\\u00g0", "\\ued"]
            return "\"" + (0..<Int.random(in: 0...4, using: &random)).map { _ in pick(parts) }.joined() + "\""
        }

        mutating func value(_ kind: Int, _ style: Int) -> String {
            // Now and then another kind of value than the layout's.
            switch Int.random(in: 0..<20, using: &random) == 0 ? Int.random(in: 0..<9, using: &random) : kind {
            case 0, 1: return string()
            case 2, 3: return number()
            case 4: return pick(["true", "false", "null"])
            case 5: return pick(["{}", "[]", "[ ]", "{\t}"])
            case 6:
                let gap = style == 0 ? "" : " "
                return "{\"a\":\(gap)" + value(0, style) + ",\(gap)\"b\":\(gap)" + value(2, style) + "}"
            default:
                let count = Int.random(in: 0...3, using: &random)
                let kind = pick([0, 2, 4, 6])
                return "[" + (0..<count).map { _ in value(kind, style) }.joined(separator: style == 0 ? "," : ", ") + "]"
            }
        }

        mutating func event() -> String {
            let layout = pick(layouts)
            let colon = [":", ": ", " : ", "\t:", ":"][layout.style], comma = [",", ", ", " , ", ",\r", ","][layout.style]
            var members = zip(layout.keys, layout.kinds).map { (key: $0, value: value($1, layout.style)) }
            members.append((key: "ts", value: Int.random(in: 0..<30, using: &random) == 0 ? number() : "17000000" + digits(5...5)))
            // Rarely a key twice, also under another spelling, or a new one.
            switch Int.random(in: 0..<40, using: &random) {
            case 0: members.append(pick(members))
            case 1: members.insert((key: "\\u0076", value: "1"), at: 0)
            case 2: members.insert((key: "new" + digits(1...3), value: "1"), at: Int.random(in: 0...members.count, using: &random))
            default: break
            }
            let edge = layout.style == 4 ? " " : ""
            return edge + "{" + members.map { "\"\($0.key)\"\(colon)\($0.value)" }.joined(separator: comma) + "}" + edge
        }

        /// Lines as they are, with ends of all kinds.
        mutating func block(lines: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            for _ in 0..<lines {
                bytes += Array(event().utf8)
                bytes += Array(pick(["\n", "\n", "\n", "\n", "\n", "\n", "\r\n", " \n", "\n\n", "\n \r\n"]).utf8)
            }
            if Bool.random(using: &random) { bytes.removeLast() }
            return bytes
        }

        /// Changes bytes anywhere, line ends too.
        mutating func damage(_ bytes: inout [UInt8], _ count: Int) {
            let others = Array("{}[]:,\"\\ \t\r\n\ntf01-.eEu\u{0}\u{1F}é/x".utf8) + [0xFF, 0x1A, 0x0C]
            for _ in 0..<count where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[at] = pick(others)
                case 1: bytes.insert(pick(others), at: at)
                case 2: bytes.remove(at: at)
                case 3:
                    let end = min(bytes.count, at + Int.random(in: 1...200, using: &random))
                    bytes.insert(contentsOf: Array(bytes[at..<end]), at: Int.random(in: 0...bytes.count, using: &random))
                default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...8, using: &random)))
                }
            }
        }
    }

    @Test func theWaysAgreeOnEventsOfFewLayouts() {
        var rows = 0
        for _ in 0..<5 {
            var stream = Stream()
            let pair = Pair()
            for round in 0..<40 {
                var block = stream.block(lines: 60)
                // Half of the blocks are whole, so that the layouts stay known.
                if round % 2 == 1 { stream.damage(&block, Int.random(in: 1...12, using: &stream.random)) }
                rows += pair.agree(block).rows.count
            }
        }
        #expect(rows > 5000)
    }

    /// What the scanner takes at once is far less than these blocks, and than some of their lines.
    @Test func theWaysAgreeAcrossChunks() {
        var stream = Stream()
        let pair = Pair()
        for round in 0..<12 {
            var block: [UInt8] = []
            while block.count < 200_000 {
                block += stream.block(lines: Int.random(in: 1...200, using: &stream.random))
                if Int.random(in: 0..<3, using: &stream.random) == 0 {
                    let text = String(repeating: "long ", count: Int.random(in: 1...20_000, using: &stream.random))
                    block += Array("\n{\"ts\":1,\"v\":\"\(text)\",\"type\":\"\\u0061\"}\n".utf8)
                }
            }
            stream.damage(&block, round % 3 * 4)
            pair.agree(block)
        }
        // A line may end right at a chunk, before it, or behind it.
        for size in 32 * 1024 - 40...32 * 1024 + 2 {
            let text = String(repeating: "x", count: size - 12)
            for end in ["\n", "\r\n"] {
                let decoded = pair.agree(Array("{\"w\":\"\(text)\"}\(end){\"ts\":1,\"v\":2}\(end){\"ts\":3,\"v\":4}".utf8))
                #expect(decoded.rows.map { $0.values[1] } == [.integer(2), .integer(4)])
                #expect(decoded.reasons == [.timeMissing])
            }
        }
    }

    /// simdjson takes a stream of documents for what it is wherever lines end, and drops what is not complete at its end; we hold each
    /// document to its line.
    @Test func documentsAreHeldToTheirLines() {
        let good = "{\"ts\":1,\"v\":\"x\"}"
        let others = [
            "{\"ts\":1}{\"ts\":2}", "{\"ts\":1} {\"ts\":2}", "{\"ts\":1},", "{\"ts\":1,\n\"v\":2}", "{\"ts\":1\n}", "{\n}", "{\"n\":{\"ts\":1}\n}", "\n{\"ts\":1}",
            "{\"n\":{\"ts\":1}\n,\"ts\":1}", "{\"ts\":1} {\"v\":", "{\"ts\":1} {\"v\":\"", "{\"ts\":1}\"", "{\"ts\":1}\\", "{\"ts\":1,\"v\":", "{\"ts\":1,\"v\"",
            "{\"ts\":1,", "{\"ts\":", "{\"ts\"", "{", "[", "[{\"ts\":1}", "1", "\"", "}", "{}", "{}{}", "  ", " \(good)", "\(good) ", "\(good)\r", "\t\r",
            "{\"ts\":1,\"list\":[1\n]}", "{\"ts\":1,\"list\":[1]\n}", "{\"ts\":1,\"list\":[\n]}", "{\"ts\":1,\"list\":[", "{\"ts\":1,\"v\":1 2}", "{\"ts\":1 \"v\":2}",
        ]
        for layout in [good, "{\"ts\":1,\"n\":{\"a\":1},\"list\":[ 1 ]}"] {
            let pair = Pair()
            for other in others {
                for lines in [[other], [layout, other], [other, layout], [layout, other, layout], [layout, other, other, layout], [layout, other, "{"]] {
                    for end in ["", "\n", "\r\n"] {
                        let decoded = pair.agree(Array((lines.joined(separator: "\n") + end).utf8))
                        #expect(decoded.rows.count >= lines.count { $0 == layout })
                    }
                }
            }
        }
    }

    /// The quick way leaves what lies deeper than 64 levels to the tree.
    @Test func theWaysAgreeOnDepth() {
        let pair = Pair()
        for depth in [1, 2, 62, 63, 64, 65, 66, 1022, 1023, 1024, 1025, 3000] {
            let lists = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let objects = String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
            for value in [lists, objects] {
                let line = "{\"ts\":1,\"w\":\(value),\"list\":[\(value)]}\n"
                #expect(pair.agree(Array(String(repeating: line, count: 3).utf8)).rows.count == (depth < 1023 ? 3 : 0))
            }
        }
    }

    @Test func theWaysAgreeOnNumbers() {
        var stream = Stream()
        let pair = Pair()
        let characters = Array("00123456789..-+eE")
        for _ in 0..<40 {
            var text = ""
            for place in 0..<300 {
                let random = (0..<Int.random(in: 1...24, using: &stream.random)).map { _ in String(stream.pick(characters)) }.joined()
                let number = place % 3 == 0 ? random : stream.number()
                text += "{\"ts\":1,\"v\":\(number)\(stream.pick(["", "", " "])),\"w\":\(stream.number()),\"list\":[\(number)]}\n"
            }
            #expect(pair.agree(Array(text.utf8)).rows.count >= 200)
        }
    }

    /// All that a token may be followed by, at each place of a line.
    @Test func theWaysAgreeOnEveryByteAtEveryPlace() {
        // A wanted list of doubles would be left to the tree, and so all of its line.
        let line = Array("{\"ts\":1,\"w\":[true,-1.5,\"a\\n\"],\"list\":[1,{\"a\":\"x\"}],\"n\":{\"a\": null},\"v\":1e5,\"card\":\"b\"}".utf8)
        let around = Array("{\"ts\":2,\"v\":\"x\"}\n".utf8)
        let pair = Pair()
        for place in 0...line.count {
            for byte in Array("{}[]:,\"\\ \n\r0-.etx\u{0}".utf8) + [0x80] {
                for isInserted in [false, true] where isInserted || place < line.count {
                    var changed = line
                    if isInserted { changed.insert(byte, at: place) } else { changed[place] = byte }
                    let decoded = pair.agree(around + changed + [0x0A] + around)
                    #expect(decoded.rows.count >= 2)
                    #expect(decoded.rows.first?.raw == "{\"ts\":2,\"v\":\"x\"}" && decoded.rows.last?.raw == decoded.rows.first?.raw)
                }
            }
        }
    }

    /// Also with a small batch, whose room for rows and text has to grow.
    @Test func aBatchGrowsWithItsBlock() {
        let decoder = BlockDecoder(
            columns: ["type", "v"].map(path), format: EventFormat(type: .constant("request")), typeColumn: 0)
        let batch = EventBatch(columnCount: 2, rowCapacity: 1, byteCapacity: 64)
        let line = Array("{\"ts\":1,\"v\":\"a\\\\b\"}\n".utf8)
        for count in [1, 7, 5000, 3] {
            let block = Array(repeatElement(line, count: count).joined())
            batch.byteCount = 0
            batch.reserveBytes(block.count)
            block.withUnsafeBufferPointer { batch.bytes.update(from: $0.baseAddress!, count: $0.count) }
            batch.byteCount = block.count
            var rejects: [Reject] = []
            #expect(decoder.decode(batch, firstLine: 1, isFirstBlock: true, rejects: &rejects) == UInt64(count))
            var decoded = Decoded()
            decoded.take(batch, rejects)
            #expect(decoded.rows.count == count)
            #expect(decoded.rows.allSatisfy { $0.values == [.string("request"), .string("a\\b")] })
        }
    }

    /// Text that stands in the line comes with the line, all other by itself.
    @Test func copiedRowsKeepTheirText() {
        var stream = Stream()
        let decoder = BlockDecoder(columns: LineWalkTests.columns.map(path), format: EventFormat())
        for _ in 0..<20 {
            let block = stream.block(lines: 40)
            let batch = EventBatch(columnCount: LineWalkTests.columns.count)
            batch.reserveBytes(block.count)
            block.withUnsafeBufferPointer { batch.bytes.update(from: $0.baseAddress!, count: $0.count) }
            batch.byteCount = block.count
            var rejects: [Reject] = []
            decoder.decode(batch, firstLine: 1, isFirstBlock: true, rejects: &rejects)
            let copy = EventBatch(columnCount: batch.columnCount, rowCapacity: 64, byteCapacity: block.count * 2)
            var textCount = 0
            for row in (0..<batch.count).reversed() {
                let isAppended = copy.append(row: row, of: batch, textCount: &textCount)
                #expect(isAppended)
            }
            var decoded = Decoded()
            var copied = Decoded()
            decoded.take(batch, [])
            copied.take(copy, [])
            #expect(Array(copied.rows.reversed()) == decoded.rows)
        }
    }
}
