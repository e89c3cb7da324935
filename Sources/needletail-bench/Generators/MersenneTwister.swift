// The generator behind Python's `random.Random(seed)`: MT19937 of Matsumoto and Nishimura (1998), and the few ways in which Python makes
// numbers of its output. The benchmark's events were first made by a Python script; every draw here gives the same number as there, so
// that alert counts can be compared with what other engines report on the same file.

internal import Glibc

struct MersenneTwister {
    private static let size = 624
    private static let shift = 397

    private var state: [UInt32]
    private var next = MersenneTwister.size

    /// Starts where Python's `Random(seed)` does.
    init(seed: UInt64) {
        var words = [UInt32(truncatingIfNeeded: seed)]
        if seed >> 32 != 0 { words.append(UInt32(truncatingIfNeeded: seed >> 32)) }
        state = [UInt32](repeating: 0, count: MersenneTwister.size)
        state[0] = 19_650_218
        for i in 1..<MersenneTwister.size {
            state[i] = 1_812_433_253 &* (state[i - 1] ^ state[i - 1] >> 30) &+ UInt32(i)
        }
        mix(words)
    }

    /// `init_by_array` of the reference implementation.
    private mutating func mix(_ words: [UInt32]) {
        let size = MersenneTwister.size
        var i = 1, j = 0
        for _ in 0..<max(size, words.count) {
            state[i] = (state[i] ^ (state[i - 1] ^ state[i - 1] >> 30) &* 1_664_525) &+ words[j] &+ UInt32(j)
            i += 1
            j = (j + 1) % words.count
            if i == size {
                state[0] = state[size - 1]
                i = 1
            }
        }
        for _ in 1..<size {
            state[i] = (state[i] ^ (state[i - 1] ^ state[i - 1] >> 30) &* 1_566_083_941) &- UInt32(i)
            i += 1
            if i == size {
                state[0] = state[size - 1]
                i = 1
            }
        }
        state[0] = 0x8000_0000
    }

    private mutating func refill() {
        let size = MersenneTwister.size, shift = MersenneTwister.shift
        state.withUnsafeMutableBufferPointer { state in
            for i in 0..<size {
                let joined = state[i] & 0x8000_0000 | state[(i + 1) % size] & 0x7fff_ffff
                state[i] = state[(i + shift) % size] ^ joined >> 1 ^ (joined & 1 == 0 ? 0 : 0x9908_b0df)
            }
        }
        next = 0
    }

    private mutating func word() -> UInt32 {
        if next == MersenneTwister.size { refill() }
        var word = state[next]
        next += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9d2c_5680
        word ^= word << 15 & 0xefc6_0000
        return word ^ word >> 18
    }

    // MARK: - As Python draws

    /// In [0, 1), 53 random bits.
    mutating func random() -> Double {
        let high = word() >> 5, low = word() >> 6
        return (Double(high) * 67_108_864 + Double(low)) / 9_007_199_254_740_992
    }

    /// In 0 ..< bound, by throwing away what is too large; `choice` is the same on indices.
    ///
    /// - Precondition: `bound` is above 0 and below 2³².
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0 && bound <= Int(UInt32.max), "One word of the generator is enough for every draw.")
        let unused = UInt32(UInt32(bound).leadingZeroBitCount)
        while true {
            let drawn = Int(word() >> unused)
            if drawn < bound { return drawn }
        }
    }

    mutating func pareto(alpha: Double) -> Double { pow(1 - random(), -1 / alpha) }

    mutating func exponential(rate: Double) -> Double { -log(1 - random()) / rate }

    mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * random() }
}
