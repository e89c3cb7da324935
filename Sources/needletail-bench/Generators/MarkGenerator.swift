internal import Events

/// Logins and charges in order of time, 200 of them a millisecond. The last of every hundred is a charge above 990.00 on a card that has
/// logged in fifty events before; it carries the field `mark`, the number of its hundred from 0 on. No other charge is above 300.00.
struct MarkGenerator: EventGenerator {
    static let eventsPerMark = 100
    static let eventsPerMillisecond = 200

    private let cards: Int
    private var made = 0
    private var markedCard = 0
    private var random = SplitMix(seed: 17)

    /// - Precondition: `cards` is in 1 ... ``Size/keysMax``.
    init(cards: Int) {
        precondition(cards >= 1 && cards <= Size.keysMax, "The number of cards is checked where it is read.")
        self.cards = cards
    }

    mutating func append(to line: inout ByteBuffer) {
        let bits = random.next()
        let place = made % MarkGenerator.eventsPerMark
        var card = random.below(cards)
        var cents = UInt64(50 + random.below(29_950))
        var type: StaticString = random.below(10) == 0 ? "login" : "charge"
        if place == MarkGenerator.eventsPerMark / 2 - 1 {
            type = "login"
            markedCard = card
        }
        let isMarked = place == MarkGenerator.eventsPerMark - 1
        if isMarked {
            type = "charge"
            card = markedCard
            cents += 99_001
        }
        let time = 1_700_000_000_000 + Int64(made / MarkGenerator.eventsPerMillisecond)
        EventLine(type: type, time: time, card: card, cents: cents, bits: bits).appendLong(to: &line)
        if isMarked {
            line.append(",\"mark\":")
            line.append(integer: UInt64(made / MarkGenerator.eventsPerMark))
            line.append("}\n")
        } else {
            line.append(",\"device\":\"d")
            line.append(digits: bits >> 40, width: 8)
            line.append("\"}\n")
        }
        made += 1
    }
}
