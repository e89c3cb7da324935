internal import Events
internal import Glibc

/// Card transactions as JSON lines, up to 50 ms out of order: 165 bytes and nine fields an event, one millisecond apart on the average.
/// Three of ten events belong to few busy cards (Pareto), the others to any card alike. The same size and seed give the same bytes.
struct TransactionGenerator: EventGenerator {
    static let defaultSeed: UInt64 = 7

    private static let countries: [StaticString] = ["GB", "US", "DE", "FR", "NL", "BR", "NG", "SG", "JP", "IN"]
    private static let merchants: [StaticString] = ["grocer", "fuel", "airline", "casino", "electronics", "books", "hotel", "crypto"]
    private static let hexadecimal = Array("0123456789abcdef".utf8)

    private let cards: Int
    private var random: MersenneTwister
    /// Milliseconds since 1970.
    private var clock: Int64 = 1_700_000_000_000

    /// - Precondition: `cards` is in 1 ... ``Size/keysMax``.
    init(cards: Int, seed: UInt64 = TransactionGenerator.defaultSeed) {
        precondition(cards >= 1 && cards <= Size.keysMax, "The number of cards is checked where it is read.")
        self.cards = cards
        random = MersenneTwister(seed: seed)
    }

    /// Appends the next event with its line end. The order of the draws is part of the format.
    mutating func append(to line: inout ByteBuffer) {
        clock += Int64(random.below(3))
        let card = drawCard()
        let type = drawType()
        let cents = drawCents()
        line.append("{\"type\":\"")
        line.append(type)
        line.append("\",\"ts\":")
        line.append(integer: clock - Int64(random.below(50)))
        line.append(",\"card\":\"c")
        line.append(digits: UInt64(card), width: card < 10_000_000 ? 7 : String(card).utf8.count)
        line.append("\",\"amount\":")
        line.append(integer: cents / 100)
        line.append(".")
        line.append(digits: cents % 100, width: 2)
        line.append(",\"merchant\":\"")
        line.append(TransactionGenerator.merchants[random.below(TransactionGenerator.merchants.count)])
        line.append("-")
        line.append(integer: UInt64(random.below(1000)))
        line.append("\",\"country\":\"")
        line.append(TransactionGenerator.countries[Int(pow(random.random(), 3) * 10)])
        line.append("\",\"ip\":\"10")
        for _ in 0..<3 {
            line.append(".")
            line.append(integer: UInt64(random.below(256)))
        }
        line.append("\",\"device\":\"d")
        let device = random.below(1 << 24)
        for shift in stride(from: 20, through: 0, by: -4) { line.append(TransactionGenerator.hexadecimal[device >> shift & 15]) }
        line.append("\",\"channel\":\"")
        line.append(random.random() < 0.7 ? "web" : "pos")
        line.append("\"}\n")
    }

    private mutating func drawCard() -> Int {
        guard random.random() < 0.3 else { return random.below(cards) }
        let drawn = random.pareto(alpha: 1.1) * Double(cards) / 50
        // Compared as a double, since the distribution's tail goes beyond what an integer holds.
        return drawn < Double(cards - 1) ? Int(drawn) : cards - 1
    }

    private mutating func drawType() -> StaticString {
        let drawn = random.random()
        return drawn < 0.8 ? "charge" : drawn < 0.9 ? "login" : drawn < 0.97 ? "otp_ok" : "password_change"
    }

    private mutating func drawCents() -> UInt64 {
        TransactionGenerator.hundredths(
            random.random() < 0.9 ? random.exponential(rate: 1 / 60.0) + 0.5 : random.uniform(0.1, 2))
    }

    /// Hundredths of a value, correctly rounded: of the exact product, ties to even.
    ///
    /// `value * 100` is already rounded and may fall on a tie by accident; what it lost decides then.
    static func hundredths(_ value: Double) -> UInt64 {
        let product = value * 100
        let lost = (-product).addingProduct(value, 100)
        var whole = product.rounded(.toNearestOrEven)
        let rest = product - whole
        if rest == 0.5 && lost > 0 { whole += 1 }
        if rest == -0.5 && lost < 0 { whole -= 1 }
        return UInt64(whole)
    }
}
