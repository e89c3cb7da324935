import Events
import Foundation
import Testing

@testable import needletail_bench

/// The events must stay those that other engines were measured on: published alert counts hold for these bytes only.
@Suite struct TransactionGeneratorTests {
    static func text(events: Int, cards: Int, seed: UInt64 = TransactionGenerator.defaultSeed) -> String {
        var generator = TransactionGenerator(cards: cards, seed: seed)
        var buffer = ByteBuffer()
        for _ in 0..<events { generator.append(to: &buffer) }
        return buffer.string
    }

    /// The first outputs of Python 3's `random.Random(seed).random()`.
    @Test(arguments: [
        (7, [0.32383276483316237, 0.15084917392450192, 0.6509344730398537]),
        (0, [0.8444218515250481, 0.7579544029403025, 0.420571580830845]),
        (1 << 40, [0.1036394562812375, 0.6705558677439764, 0.4266543913526999]),
    ] as [(UInt64, [Double])])
    func drawsAreThoseOfPython(seed: UInt64, expected: [Double]) {
        var random = MersenneTwister(seed: seed)
        #expect((0..<expected.count).map { _ in random.random() } == expected)
    }

    @Test func firstEventsAreThoseOfThePythonScript() {
        #expect(
            Self.text(events: 2, cards: 100) == """
                {"type":"charge","ts":1699999999978,"card":"c0000050","amount":46.56,"merchant":"grocer-931","country":"US",\
                "ip":"10.19.44.222","device":"dd61aa9","channel":"web"}
                {"type":"login","ts":1699999999961,"card":"c0000007","amount":15.66,"merchant":"grocer-590","country":"DE",\
                "ip":"10.25.113.23","device":"d442f7d","channel":"web"}

                """)
    }

    /// The hashes are of the Python script's output, as `xxh128sum` prints them.
    @Test(arguments: [
        (Size(events: 2000, keys: 100), 7, "794fabfc962d15b2e222bc1b613bf31d"),
        (Size(events: 200_000, keys: 10_000), 7, "31035fc6298a5bcc6a4347fdf87be39c"),
        (Size(events: 1000, keys: 1), 1_099_511_627_783, "fed3403bcf5760f7ff2f061aacef23cc"),
        // Card numbers of eight digits.
        (Size(events: 500, keys: 20_000_000), 3, "11ab414a7043ca909aac484c540d3428"),
    ] as [(Size, UInt64, String)])
    func bytesAreThoseOfThePythonScript(size: Size, seed: UInt64, hash: String) throws {
        let path = NSTemporaryDirectory() + "needletail-bench-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Bench.generate(.transactions, size, seed: seed, to: FileHandle(creating: path))
        let content = try FileContent(of: path)
        #expect(content.hash == hash)
        #expect(content.lines == size.events)
    }

    /// Ties and near ties: `2.675` lies below its tie, `0.125` on it, and `1.005 * 100` is rounded up to one that it is not.
    @Test(arguments: [
        (0.0, 0), (0.125, 12), (0.375, 38), (2.675, 267), (1.005, 100), (1.115, 111), (2.5, 250), (0.005, 1), (0.015, 1), (299.995, 30_000),
    ] as [(Double, UInt64)])
    func hundredthsAreRoundedFromTheExactValue(value: Double, cents: UInt64) {
        #expect(TransactionGenerator.hundredths(value) == cents)
        #expect(String(format: "%.2f", value) == String(format: "%d.%02d", Int(cents / 100), Int(cents % 100)))
    }

    @Test func hundredthsAgreeWithTheCLibrary() {
        var random = MersenneTwister(seed: 1)
        for _ in 0..<20_000 {
            // Multiples of a 256th meet ties often.
            let value = random.random() < 0.5 ? random.exponential(rate: 1 / 60.0) : Double(random.below(1 << 18)) / 256
            let cents = TransactionGenerator.hundredths(value)
            #expect(String(format: "%.2f", value) == String(format: "%d.%02d", Int(cents / 100), Int(cents % 100)))
        }
    }
}
