/// An event of a random stream: one line of one input.
public struct RandomEvent: Sendable, Equatable {
    public var input: Int
    /// Milliseconds.
    public var time: Int
    /// One JSON object.
    public var text: String

    public init(input: Int, time: Int, text: String) {
        self.input = input
        self.time = time
        self.text = text
    }
}

/// Random streams for ``RandomRules``: types A to D, few keys, small values (some missing, null, fractions or strings), many ties,
/// disorder within the delay and, now and then, beyond it.
public struct RandomStreams {
    private var random: RandomSource
    private let features: RandomFeatures

    public init(seed: UInt64, features: RandomFeatures) {
        random = RandomSource(seed: seed ^ 0x5851_F42D_4C95_7F2D)
        self.features = features
    }

    /// The next stream, in an order of arrival.
    ///
    /// - Parameters:
    ///   - delay: in milliseconds; without one events are in order but for a few late ones.
    ///   - events: the most events; at least 1.
    ///   - types: those that a rule waits for, in its order. Half of the events go through them again and again, so that long patterns
    ///     are matched as well.
    public mutating func next(delay: Int, events most: Int, following types: [String] = []) -> [RandomEvent] {
        let isFull = features == .full
        let inputs = isFull && random.chance(20) ? 2 + random.below(2) : 1
        let hasLate = isFull && random.chance(15)
        let gaps = random.pick([[0, 1, 2, 3], [0, 0, 0, 5, 10, 20], [5, 10], [0, 1, 10, 40]])
        let drawnTypes = random.chance(30) ? ["A", "B"] : RandomRules.types
        let wanted = types.map { RandomRules.types.contains($0) ? $0 : random.pick(drawnTypes) }
        var place = 0
        var time = 1000
        var drawn: [(arrival: Int, event: RandomEvent)] = []
        for id in 1...(1 + random.below(max(1, most))) {
            time += random.pick(gaps)
            var arrival = time
            if delay > 0, random.chance(60) { arrival += random.below(delay + 1) }
            if hasLate, random.chance(10) { arrival += random.below(3 * delay + 30) }
            var type = random.pick(drawnTypes)
            if !wanted.isEmpty, random.chance(60) {
                type = wanted[place % wanted.count]
                if random.chance(70) { place += 1 }
            }
            let event = RandomEvent(input: random.below(inputs), time: time, text: line(id: id, type: type, time: time))
            drawn.append((arrival, event))
        }
        // Stable: `sort` of the standard library is, but does not promise to be.
        return drawn.enumerated().sorted { ($0.1.arrival, $0.0) < ($1.1.arrival, $1.0) }.map { $0.1.event }
    }

    private mutating func line(id: Int, type: String, time: Int) -> String {
        var members = ["\"id\": \(id)", "\"type\": \"\(type)\"", "\"ts\": \(time)"]
        func add(_ name: String, _ value: String?) { if let value { members.append("\"\(name)\": \(value)") } }
        add("k", key())
        add("v", value(below: 6))
        add("w", value(below: 4))
        add("p", key())
        add("q", key())
        return "{" + members.joined(separator: ", ") + "}"
    }

    /// Mostly two keys; numbers that are one key in two spellings; sometimes none.
    private mutating func key() -> String? {
        switch random.below(40) {
        case 0..<31: return "\"x\""
        case 31..<35: return "\"y\""
        case 35: return "1"
        case 36: return random.pick(["1.0", "true"])
        case 37: return "null"
        case 38: return "[1]"
        default: return nil
        }
    }

    private mutating func value(below bound: Int) -> String? {
        switch random.below(40) {
        case 0: return nil
        case 1: return "null"
        case 2: return "\(random.below(bound)).5"
        case 3: return "\(random.below(bound)).0"
        case 4: return random.pick(["\"s\"", "\"\"", "true", "[1, 2]", "{\"a\": 1}"])
        case 5: return random.pick(["-1", "9223372036854775807", "18446744073709551615", "1e40", "0.1"])
        default: return "\(random.below(bound))"
        }
    }
}
