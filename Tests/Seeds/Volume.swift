import Foundation

/// How much the random tests do, and where they start from; `.ci/run-suites` sets both.
public enum Volume {
    public static let isSoak = ProcessInfo.processInfo.environment["NEEDLETAIL_VOLUME"] == "soak"

    /// `NEEDLETAIL_SEED`, up to sixteen hexadecimal digits.
    public static let baseSeed = ProcessInfo.processInfo.environment["NEEDLETAIL_SEED"].flatMap { UInt64($0.prefix(16), radix: 16) } ?? 1

    public static func pick(test: Int, soak: Int) -> Int { isSoak ? soak : test }

    /// As many seeds as asked for, apart from those of all other tests.
    public static func seeds(of test: UInt64, count: Int) -> [UInt64] {
        var random = SeededGenerator(test)
        return (0..<count).map { _ in random.next() >> 1 }
    }
}

/// Random numbers that are the same for the same seed (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// Of the run's base seed, apart from those with another salt.
    public init(_ salt: UInt64) { state = Volume.baseSeed ^ salt &* 0xD134_2543_DE82_EF95 }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to a bound, without it.
    public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    public mutating func isOne(in count: Int) -> Bool { below(count) == 0 }

    public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
