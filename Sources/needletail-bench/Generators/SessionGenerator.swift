internal import Events

/// Sessions of cards: a login, charges, a logout, and so on, for any number of cards with the same cost and the same mix of events.
///
/// Every card has its first event before any has its second: of ten in eleven it is the login, of the eleventh a logout. That is the
/// share of open sessions at which as many begin as end, so from then on it stays: ten cards in eleven are always in a session, whatever
/// the number of cards, and only how much memory they lie in differs. A line has five fields and 85 bytes, and one charge in 1000 is above
/// 990.00.
struct SessionGenerator: EventGenerator {
    private let cards: Int
    private var made = 0
    private var random = SplitMix(seed: 11)
    private var clock: Int64 = 1_700_000_000_000
    /// One bit a card.
    private var isOpen: [UInt64]

    /// A prime, so that steps of it visit every card once unless it divides their number.
    private static let step = 1_000_000_007

    /// - Precondition: `cards` is in 1 ... ``Size/keysMax``.
    init(cards: Int) {
        precondition(cards >= 1 && cards <= Size.keysMax, "The number of cards is checked where it is read.")
        self.cards = cards
        isOpen = [UInt64](repeating: 0, count: (cards + 63) / 64)
    }

    mutating func append(to line: inout ByteBuffer) {
        let bits = random.next()
        clock += Int64(random.below(3))
        let isFirst = made < cards
        let card = isFirst ? made * SessionGenerator.step % cards : random.below(cards)
        made += 1
        let bit: UInt64 = 1 << UInt64(card & 63)
        let wasOpen = isOpen[card >> 6] & bit != 0
        var cents = UInt64(50 + random.below(29_950))
        let type: StaticString
        if isFirst ? random.below(11) == 0 : wasOpen && random.below(10) == 0 {
            type = "logout"
            isOpen[card >> 6] &= ~bit
        } else if !wasOpen {
            type = "login"
            isOpen[card >> 6] |= bit
        } else {
            type = "charge"
            if random.below(1000) == 0 { cents += 99_001 }
        }
        EventLine(type: type, time: clock - Int64(bits >> 53 & 31), card: card, cents: cents, bits: bits).appendShort(to: &line)
        line.append("}\n")
    }
}
