import Decoding
import Events
import Seeds
import Testing

/// Keys in ever other orders and numbers: the proof that they differ, and the way to the columns.
@Suite struct KeyTests {
    func object(_ keys: [String], _ extra: String = "") -> String {
        "{\"ts\":1," + keys.enumerated().map { "\"\($0.element)\":\($0.offset)" }.joined(separator: ",") + extra + "}\n"
    }

    @Test func keysInAnyOrder() {
        var random = SeededGenerator(0)
        let decoder = BlockDecoder(columns: ["a", "bb", "a-key-of-more-than-sixteen-bytes", "nine-byte"].map(path), format: EventFormat())
        let all = ["a", "bb", "a-key-of-more-than-sixteen-bytes", "a-key-of-more-than-sixteen-bytex", "a-key-of-MORE-than-sixteen-bytes", "nine-byte", "nine-bytf", "ts2", "", "é"]
        for _ in 0..<300 {
            let orders = (0..<20).map { _ in Array(all.shuffled(using: &random).prefix(Int.random(in: 1...all.count, using: &random))) }
            let decoded = decode(Array(orders.map { object($0) }.joined().utf8), decoder: decoder)
            #expect(decoded.reasons == [])
            for (row, keys) in zip(decoded.rows, orders) {
                for (column, key) in ["a", "bb", "a-key-of-more-than-sixteen-bytes", "nine-byte"].enumerated() {
                    let expected = keys.firstIndex(of: key).map { Value.integer(Int128($0)) } ?? .unknown
                    #expect(row.values[column] == expected)
                }
            }
        }
    }

    @Test(arguments: [3, 63, 64, 65, 66, 200, 5000])
    func repeatsAmongManyKeys(count: Int) {
        let keys = (0..<count).map { "key\($0)" }
        for round in 0..<3 {
            #expect(decode(object(keys), columns: ["key\(count - 1)"]).rows[0].values == [.integer(Int128(count - 1))])
            for repeated in [0, count / 2, count - 1] {
                let spelled = round == 1 ? "\\u006bey\(repeated)" : "key\(repeated)"
                #expect(decode(object(keys, ",\"\(spelled)\":1")).reasons == [.duplicateKey])
                #expect(decode(object(keys, ",\"x\":{\"\(spelled)\":1}")).reasons == [])
            }
        }
    }

    /// Objects used as maps have ever-new keys; the decoder forgets old shapes and goes on.
    @Test func everNewKeys() {
        let decoder = BlockDecoder(columns: ["v", "map.want"].map(path), format: EventFormat())
        for block in 0..<300 {
            var text = ""
            for line in 0..<100 {
                let keys = (0..<8).map { "\"k\(block)-\(line)-\($0)\":\($0)" }.joined(separator: ",")
                text += "{\"ts\":1,\"map\":{\(keys),\"want\":\(line)},\"n\(block)x\(line)\":1,\"v\":\(block)}\n"
            }
            let decoded = decode(Array(text.utf8), decoder: decoder)
            #expect(decoded.reasons == [])
            #expect(decoded.rows.map(\.values) == (0..<100).map { [.integer(Int128(block)), .integer($0)] })
        }
    }

    /// Keys are compared by their first and last bytes first.
    @Test func longKeysThatDifferInTheMiddle() {
        let decoder = BlockDecoder(columns: ["a-long-key-with-1-in-the-middle"].map(path), format: EventFormat())
        for _ in 0..<2 {
            let lines = (1...3).map { object(["a-long-key-with-\($0)-in-the-middle"]) }
            let decoded = decode(Array(lines.joined().utf8), decoder: decoder)
            #expect(decoded.rows.map(\.values) == [[.integer(0)], [.unknown], [.unknown]])
        }
        #expect(decode(object((1...3).map { "a-long-key-with-\($0)-in-the-middle" })).reasons == [])
    }

    @Test func escapedKeysLeadToTheirColumns() {
        let decoded = decode("{\"\\u0074s\":1,\"\\u0076\":2,\"t\\u0079pe\":\"a\"}\n{\"ts\":1,\"a\\\\b\":3,\"a\\\"b\":4,\"v\":5}\n")
        #expect(decoded.rows.map(\.values) == [[.string("a"), .integer(2)], [.unknown, .integer(5)]])
    }

    /// In either way over a line, as the first key that a decoder ever meets.
    @Test func anEmptyKeyComesFirst() {
        let columns = [FieldPath(name: "")]
        for line in ["{\"\":7,\"ts\":1}", "{\"\":7,\"\\u0074s\":1}"] {
            let decoder = BlockDecoder(columns: columns, format: EventFormat())
            for _ in 0..<2 { #expect(decode(Array(line.utf8), decoder: decoder).rows.map(\.values) == [[.integer(7)]]) }
        }
    }

    /// A key's raw bytes may look like another key unescaped.
    @Test func backslashesAreNotMistaken() {
        let columns = [FieldPath(name: "a\\\"b"), FieldPath(name: "a\"b")]
        let decoder = BlockDecoder(columns: columns, format: EventFormat())
        let text = "{\"ts\":1,\"a\\\\\\\"b\":1}\n{\"ts\":1,\"a\\\"b\":2}\n{\"ts\":1,\"a\\\\\\\"b\":1,\"a\\\"b\":2}\n"
        for _ in 0..<3 {
            let decoded = decode(Array(text.utf8), decoder: decoder)
            #expect(decoded.rows.map(\.values) == [[.integer(1), .unknown], [.unknown, .integer(2)], [.integer(1), .integer(2)]])
        }
    }
}
