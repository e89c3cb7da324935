import Foundation
import ReferenceMatcher

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

/// Random numbers of a seed, as the standard library takes them.
public struct SeededGenerator: RandomNumberGenerator {
    private var source: RandomSource

    public init(seed: UInt64) { source = RandomSource(seed: seed) }

    /// Of the run's base seed, apart from those with another salt.
    public init(_ salt: UInt64) { self.init(seed: Volume.baseSeed ^ salt &* 0xD134_2543_DE82_EF95) }

    public mutating func next() -> UInt64 { source.next() }

    /// From 0 up to a bound, without it; 0 of none.
    public mutating func below(_ bound: Int) -> Int { source.below(max(1, bound)) }

    public mutating func isOne(in count: Int) -> Bool { below(count) == 0 }

    public mutating func pick<Element>(_ elements: [Element]) -> Element { source.pick(elements) }
}
