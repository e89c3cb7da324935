import Foundation

/// Where all random choices of these tests come from: `NEEDLETAIL_SEED` (hexadecimal), or a new one each run. It is printed, so that a
/// run can be repeated.
let baseSeed: UInt64 = {
    let given = ProcessInfo.processInfo.environment["NEEDLETAIL_SEED"]
    let digits = given.map { $0.hasPrefix("0x") ? String($0.dropFirst(2)) : $0 }
    let seed = digits.flatMap { UInt64($0, radix: 16) } ?? UInt64.random(in: 0 ... .max)
    print("DecodingTests: NEEDLETAIL_SEED=\(String(seed, radix: 16))")
    return seed
}()

/// The same choices for the same base seed, whatever tests run beside it (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state = baseSeed

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
