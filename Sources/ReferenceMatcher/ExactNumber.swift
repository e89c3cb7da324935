/// Whole numbers of any size, in the plainest form: a sign and 32-bit digits, least first. Products cost the square of the
/// lengths and quotients are found bit by bit; a sum over all doubles there are takes under 4 200 bits, so this is enough.
struct BigInteger {
    private(set) var isNegative: Bool
    /// No zeros at the end; empty is zero.
    private(set) var digits: [UInt32]

    init(_ number: Int128) {
        isNegative = number < 0
        digits = []
        var rest = number.magnitude
        while rest > 0 {
            digits.append(UInt32(truncatingIfNeeded: rest))
            rest >>= 32
        }
    }

    private init(isNegative: Bool, digits: [UInt32]) {
        var digits = digits
        while digits.last == 0 { digits.removeLast() }
        self.digits = digits
        self.isNegative = isNegative && !digits.isEmpty
    }

    var isZero: Bool { digits.isEmpty }
    var magnitude: BigInteger { BigInteger(isNegative: false, digits: digits) }
    /// Bits of the magnitude: 0 for 0, 3 for 5.
    var bitCount: Int { digits.isEmpty ? 0 : digits.count * 32 - digits[digits.count - 1].leadingZeroBitCount }

    /// Nil where it does not fit.
    var int128: Int128? {
        guard bitCount <= 126 else { return nil }
        var number: Int128 = 0
        for digit in digits.reversed() { number = number << 32 | Int128(digit) }
        return isNegative ? -number : number
    }

    private static func compare(_ left: [UInt32], _ right: [UInt32]) -> Int {
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        for index in left.indices.reversed() where left[index] != right[index] { return left[index] < right[index] ? -1 : 1 }
        return 0
    }

    /// Of magnitudes.
    static func isLess(_ left: BigInteger, _ right: BigInteger) -> Bool { compare(left.digits, right.digits) < 0 }
    static func isSame(_ left: BigInteger, _ right: BigInteger) -> Bool { compare(left.digits, right.digits) == 0 }

    private static func sum(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var carry: UInt64 = 0
        for index in 0..<max(left.count, right.count) {
            let total = carry + UInt64(index < left.count ? left[index] : 0) + UInt64(index < right.count ? right[index] : 0)
            result.append(UInt32(truncatingIfNeeded: total))
            carry = total >> 32
        }
        if carry > 0 { result.append(UInt32(carry)) }
        return result
    }

    /// The left is at least the right.
    private static func difference(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var borrow: Int64 = 0
        for index in left.indices {
            var total = Int64(left[index]) - borrow - Int64(index < right.count ? right[index] : 0)
            borrow = total < 0 ? 1 : 0
            if total < 0 { total += 1 << 32 }
            result.append(UInt32(total))
        }
        return result
    }

    static func + (left: BigInteger, right: BigInteger) -> BigInteger {
        if left.isNegative == right.isNegative {
            return BigInteger(isNegative: left.isNegative, digits: sum(left.digits, right.digits))
        }
        if compare(left.digits, right.digits) >= 0 {
            return BigInteger(isNegative: left.isNegative, digits: difference(left.digits, right.digits))
        }
        return BigInteger(isNegative: right.isNegative, digits: difference(right.digits, left.digits))
    }

    static prefix func - (number: BigInteger) -> BigInteger {
        BigInteger(isNegative: !number.isNegative, digits: number.digits)
    }

    static func * (left: BigInteger, right: BigInteger) -> BigInteger {
        var result = [UInt32](repeating: 0, count: left.digits.count + right.digits.count)
        for (place, digit) in left.digits.enumerated() {
            var carry: UInt64 = 0
            for (offset, other) in right.digits.enumerated() {
                let total = UInt64(digit) * UInt64(other) + UInt64(result[place + offset]) + carry
                result[place + offset] = UInt32(truncatingIfNeeded: total)
                carry = total >> 32
            }
            result[place + right.digits.count] = UInt32(carry)
        }
        return BigInteger(isNegative: left.isNegative != right.isNegative, digits: result)
    }

    static func << (number: BigInteger, count: Int) -> BigInteger {
        var digits = [UInt32](repeating: 0, count: count / 32)
        var carry: UInt64 = 0
        for digit in number.digits {
            let total = UInt64(digit) << UInt64(count % 32) | carry
            digits.append(UInt32(truncatingIfNeeded: total))
            carry = total >> 32
        }
        digits.append(UInt32(carry))
        return BigInteger(isNegative: number.isNegative, digits: digits)
    }

    private func bit(_ index: Int) -> Bool {
        index / 32 < digits.count && digits[index / 32] >> UInt32(index % 32) & 1 == 1
    }

    /// Quotient and remainder of magnitudes; the divisor is not zero.
    func divided(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
        var quotient = [UInt32](repeating: 0, count: digits.count)
        var remainder = BigInteger(0)
        for index in (0..<bitCount).reversed() {
            remainder = remainder << 1
            if bit(index) { remainder = remainder + BigInteger(1) }
            if !BigInteger.isLess(remainder, divisor) {
                remainder = remainder + -divisor.magnitude
                quotient[index / 32] |= 1 << UInt32(index % 32)
            }
        }
        return (BigInteger(isNegative: false, digits: quotient), remainder)
    }
}

/// A sum of integers and doubles, its squares beside it, with nothing rounded: everything counts units of 2⁻¹⁰⁷⁴, the smallest
/// double, so each number is whole.
struct ExactSum {
    /// Units of 2⁻¹⁰⁷⁴.
    private(set) var total = BigInteger(0)
    /// Units of 2⁻²¹⁴⁸.
    private(set) var squares = BigInteger(0)
    private(set) var count = 0
    private(set) var isWhole = true

    private static let unitBits = 1074

    mutating func add(_ integer: Int128) {
        add(units: BigInteger(integer) << ExactSum.unitBits)
    }

    /// The number is finite.
    mutating func add(_ double: Double) {
        isWhole = false
        guard double != 0 else { return add(units: BigInteger(0)) }
        let significand = Int128(double.significandBitPattern) + (double.isNormal ? 1 << 52 : 0)
        let shift = double.isNormal ? Int(double.exponent) - 52 + ExactSum.unitBits : 0
        let units = BigInteger(significand) << shift
        add(units: double < 0 ? -units : units)
    }

    private mutating func add(units: BigInteger) {
        total = total + units
        squares = squares + units * units
        count += 1
    }

    /// The sum where all parts were integers; nil where it is beyond 126 bits.
    var integer: Int128? {
        total.divided(by: BigInteger(1) << ExactSum.unitBits).quotient.int128.map { total.isNegative ? -$0 : $0 }
    }

    /// The sum, rounded once.
    var sum: Double { ExactSum.quotient(total, BigInteger(1), unitBits: ExactSum.unitBits) }

    /// The mean, rounded once; of at least one number.
    var mean: Double { ExactSum.quotient(total, BigInteger(Int128(count)), unitBits: ExactSum.unitBits) }

    /// The sample's standard deviation, rounded once; of at least two numbers.
    var deviation: Double {
        let number = BigInteger(Int128(count))
        let spread = number * squares + -(total * total)
        return ExactSum.root(spread, BigInteger(Int128(count)) * BigInteger(Int128(count - 1)), unitBits: 2 * ExactSum.unitBits)
    }

    /// floor(log2(left / right)) of magnitudes that are not zero.
    private static func exponent(_ left: BigInteger, _ right: BigInteger) -> Int {
        let guess = left.bitCount - right.bitCount
        let isLess = guess >= 0 ? BigInteger.isLess(left, right << guess) : BigInteger.isLess(left << -guess, right)
        return isLess ? guess - 1 : guess
    }

    /// `left / right × 2^-unitBits`, to the nearest double, ties to even.
    static func quotient(_ left: BigInteger, _ right: BigInteger, unitBits: Int) -> Double {
        guard !left.isZero else { return 0 }
        let unit = max(exponent(left, right) - unitBits - 52, -1074) + unitBits
        let numerator = unit < 0 ? left.magnitude << -unit : left.magnitude
        let denominator = unit > 0 ? right << unit : right
        let (whole, rest) = numerator.divided(by: denominator)
        guard var significand = whole.int128 else { return .infinity }
        let doubled = rest << 1
        if BigInteger.isLess(denominator, doubled) || (BigInteger.isSame(denominator, doubled) && significand & 1 == 1) { significand += 1 }
        let result = Double(sign: .plus, exponent: unit - unitBits, significand: Double(significand))
        return left.isNegative ? -result : result
    }

    /// `√(left / right × 2^-unitBits)`, to the nearest double, ties to even; the unit's bits are even.
    static func root(_ left: BigInteger, _ right: BigInteger, unitBits: Int) -> Double {
        guard !left.isZero, !left.isNegative else { return 0 }
        let power = exponent(left, right) - unitBits
        let unit = max((power >= 0 ? power / 2 : (power - 1) / 2) - 52, -1074)
        let shift = 2 * unit + unitBits
        let numerator = shift < 0 ? left << -shift : left
        let denominator = shift > 0 ? right << shift : right
        func isAtMost(_ candidate: BigInteger, scale: Int) -> Bool {
            !BigInteger.isLess(numerator << scale, candidate * candidate * denominator)
        }
        var significand: Int128 = 0
        for bit in (0...54).reversed() where isAtMost(BigInteger(significand | 1 << Int128(bit)), scale: 0) {
            significand |= 1 << Int128(bit)
        }
        // Half a unit above: (2q + 1)² against four times the square.
        let half = BigInteger(2 * significand + 1)
        let isHalf = BigInteger.isSame(numerator << 2, half * half * denominator)
        if isAtMost(half, scale: 2) && !(isHalf && significand & 1 == 0) { significand += 1 }
        return Double(sign: .plus, exponent: unit, significand: Double(significand))
    }
}
