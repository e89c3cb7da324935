internal import Events

/// SplitMix64 of Steele, Lea and Flood (2014): a few nanoseconds a draw, where the draws need not be those of another program.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// In 0 ..< bound. No value is preferred by more than `bound` / 2⁶⁴, so nothing is drawn again.
    ///
    /// - Precondition: `bound` is above 0.
    mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
}

/// The fields that the yardstick reads, and more of a transaction where they are asked for, from few draws; the generator adds what is its
/// own and ends the line.
struct EventLine {
    var type: StaticString
    /// Milliseconds since 1970.
    var time: Int64
    var card: Int
    var cents: UInt64
    /// Merchant, country, address and channel are taken from its bits.
    var bits: UInt64

    private static let countries: [StaticString] = ["GB", "US", "DE", "FR", "NL", "BR", "NG", "SG", "JP", "IN"]
    private static let merchants: [StaticString] = ["grocer", "fuel", "airline", "casino", "electronics", "books", "hotel", "crypto"]

    /// Appends type, time, card, amount and country, and no comma behind them: 83 bytes.
    @inline(__always)
    func appendShort(to line: inout ByteBuffer) {
        appendAmount(to: &line)
        line.append(",\"country\":\"")
        line.append(EventLine.countries[Int(((bits >> 19 & 0xff) * 10) >> 8)])
        line.append("\"")
    }

    @inline(__always)
    private func appendAmount(to line: inout ByteBuffer) {
        line.append("{\"type\":\"")
        line.append(type)
        line.append("\",\"ts\":")
        line.append(integer: time)
        line.append(",\"card\":\"c")
        line.append(digits: UInt64(card), width: card < 10_000_000 ? 7 : 9)
        line.append("\",\"amount\":")
        line.append(integer: cents / 100)
        line.append(".")
        line.append(digits: cents % 100, width: 2)
    }

    /// Appends eight fields, and no comma behind them.
    @inline(__always)
    func appendLong(to line: inout ByteBuffer) {
        appendAmount(to: &line)
        line.append(",\"merchant\":\"")
        line.append(EventLine.merchants[Int(bits & 7)])
        line.append("-")
        line.append(integer: ((bits >> 3 & 0xffff) * 1000) >> 16)
        line.append("\",\"country\":\"")
        line.append(EventLine.countries[Int(((bits >> 19 & 0xff) * 10) >> 8)])
        line.append("\",\"ip\":\"10")
        for shift in stride(from: 27 as UInt64, to: 51, by: 8) {
            line.append(".")
            line.append(integer: bits >> shift & 0xff)
        }
        line.append(bits >> 51 & 3 == 0 ? "\",\"channel\":\"pos\"" : "\",\"channel\":\"web\"")
    }
}
