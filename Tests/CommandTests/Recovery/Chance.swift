import Foundation

/// How much the recovery tests do, and where their random choices start from; `.ci/run-suites` sets both.
enum RecoveryVolume {
    static let isSoak = ProcessInfo.processInfo.environment["NEEDLETAIL_VOLUME"] == "soak"

    /// Up to sixteen hexadecimal digits.
    static let baseSeed = ProcessInfo.processInfo.environment["NEEDLETAIL_SEED"].flatMap { UInt64($0.prefix(16), radix: 16) } ?? 1

    static func pick(test: Int, soak: Int) -> Int { isSoak ? soak : test }

    /// As many seeds as asked for, apart from those of all other tests.
    static func seeds(of test: UInt64, count: Int) -> [UInt64] {
        var chance = Chance(seed: baseSeed ^ test &* 0xD134_2543_DE82_EF95)
        return (0..<count).map { _ in chance.next() >> 1 }
    }
}

/// Random numbers that are the same for the same seed (SplitMix64).
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    mutating func isOne(in count: Int) -> Bool { below(count) == 0 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
