import Events
import Foundation
import Testing

@testable import needletail_bench

/// The events of the other workloads: their bytes stay what they are, and they are what the workloads say of them.
@Suite struct GeneratorTests {
    static func lines(_ generator: inout some EventGenerator, _ events: Int) -> [Substring] {
        var buffer = ByteBuffer()
        for _ in 0..<events { generator.append(to: &buffer) }
        return buffer.string.split(separator: "\n")
    }

    static func field(_ name: String, _ line: Substring) -> String? {
        line.firstRange(of: "\"\(name)\":").map { String(line[$0.upperBound...].prefix { $0 != "," && $0 != "}" }) }
    }

    @Test func firstEvents() {
        var orders = OrderGenerator(events: 10, openMean: 2)
        var sessions = SessionGenerator(cards: 10)
        var marks = MarkGenerator(cards: 10)
        #expect(
            Self.lines(&orders, 1).first == """
                {"type":"order_placed","ts":1699999999994,"card":"c0029158","amount":408.47,"merchant":"crypto-692","country":"GB",\
                "ip":"10.255.246.70","channel":"web","order":"o000000000"}
                """)
        #expect(
            Self.lines(&sessions, 1).first == """
                {"type":"login","ts":1699999999993,"card":"c0000000","amount":191.59,"country":"NL"}
                """)
        #expect(
            Self.lines(&marks, 100).last == """
                {"type":"charge","ts":1700000000000,"card":"c0000009","amount":1191.42,"merchant":"airline-986","country":"FR",\
                "ip":"10.141.122.197","channel":"web","mark":0}
                """)
    }

    @Test(arguments: [
        (.orders, Size(events: 100_000, keys: 1000), "c1e6c30b1fb05be10ba27bfe9018e1de"),
        (.sessions, Size(events: 100_000, keys: 1000), "5a7b46fadc792b95382309d43c430f24"),
        (.sessions, Size(events: 50_000, keys: 20_000_000), "5e90d4171ecb0fd4e36f32e1bcf44cdd"),
        (.marks, Size(events: 100_000, keys: 1000), "9da1e526e23abddc2d25fe2fe9e0eeab"),
    ] as [(EventKind, Size, String)])
    func bytesStayWhatTheyAre(kind: EventKind, size: Size, hash: String) throws {
        let folder = try ScratchFolder()
        try Bench.generate(kind, size, to: FileHandle(creating: folder.path("events.ndjson")))
        let content = try FileContent(of: folder.path("events.ndjson"))
        #expect(content.hash == hash)
        #expect(content.lines == size.events)
    }

    @Test func ordersArePaidOnceButForFew() {
        var generator = OrderGenerator(events: 100_000, openMean: 1000)
        var placed: Set<String> = []
        var paid: Set<String> = []
        for line in Self.lines(&generator, 100_000) {
            let order = Self.field("order", line)!
            switch Self.field("type", line) {
            case "\"order_placed\"": #expect(placed.insert(order).inserted)
            case "\"payment\"": #expect(placed.contains(order) && paid.insert(order).inserted)
            default: #expect(placed.contains(order) && !paid.contains(order))
            }
        }
        let unpaid = Double(placed.count - paid.count) / Double(placed.count)
        #expect(placed.count > 40_000 && unpaid > 0.015 && unpaid < 0.025)
    }

    /// The number of open sessions is the same share of the cards once each card has come, and it stays.
    @Test(arguments: [1000, 30_000])
    func tenCardsOfElevenAreInASession(cards: Int) {
        var generator = SessionGenerator(cards: cards)
        var open: Set<String> = []
        var seen: Set<String> = []
        for round in 0..<3 {
            for line in Self.lines(&generator, cards) {
                let card = Self.field("card", line)!
                let isFirst = seen.insert(card).inserted
                #expect(isFirst == (round == 0))
                switch Self.field("type", line) {
                case "\"login\"": #expect(open.insert(card).inserted)
                case "\"logout\"": #expect(open.remove(card) != nil || isFirst)
                default: #expect(open.contains(card))
                }
            }
            #expect(seen.count == cards)
            #expect(abs(Double(open.count) / Double(cards) - 10 / 11.0) < 0.03)
        }
    }

    @Test func everyHundredthEventIsMarked() {
        var generator = MarkGenerator(cards: 50)
        for (place, line) in Self.lines(&generator, 1000).enumerated() {
            let isMarked = place % 100 == 99
            #expect(Self.field("mark", line) == (isMarked ? String(place / 100) : nil))
            #expect((Double(Self.field("amount", line)!)! > 990) == isMarked)
        }
    }
}
