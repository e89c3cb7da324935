/// A sum of numbers without rounding, in 48 bytes of flat memory: a 256-bit two's complement integer in units of 2⁻⁹⁶, the number of
/// values, and whether all were integers. Adding and subtracting are exact, so no order of events and no restart changes a bit.
///
/// Values below 2⁻⁴³ in size can have bits under the unit; each is rounded to it once, to nearest, before it is added. Once a value of
/// 2¹⁵⁸ or more was added the sum is unknown for good; a sum beyond 2¹⁵⁹ is unknown as long as it stays there, since the times that the
/// integer went over its end are counted.
///
/// - Complexity: an addition touches the four limbs once.
enum ExactSum {
    /// Bytes of an accumulator; all zero is the empty sum.
    static let size = 48

    private static let unitExponent = 96
    private static let countOffset = 32
    private static let flagsOffset = 40
    private static let sawFraction: UInt64 = 1
    private static let overflowed: UInt64 = 2
    /// The flags' upper bits are a signed number: how often the sum went over the end of its 256 bits, less how often it came back.
    private static let wrapShift: UInt64 = 8

    /// A number in units of the accumulator: ±magnitude · 2^shift.
    struct Units {
        var magnitude: UInt128
        var shift: Int
        var isNegative: Bool
    }

    static func count(_ sum: UnsafeRawPointer) -> UInt64 {
        sum.load(fromByteOffset: countOffset, as: UInt64.self)
    }

    /// Adds a number; anything else is left out.
    static func add(_ value: Scalar, to sum: UnsafeMutableRawPointer) {
        guard value.isNumber else { return }
        let flags = sum.load(fromByteOffset: flagsOffset, as: UInt64.self)
        let count = sum.load(fromByteOffset: countOffset, as: UInt64.self)
        sum.storeBytes(of: count &+ 1, toByteOffset: countOffset, as: UInt64.self)
        var newFlags = flags
        if value.kind == 4 { newFlags |= sawFraction }
        if let units = units(value) {
            let wraps = addMagnitude(units.magnitude, shift: units.shift, isNegative: units.isNegative, to: sum)
            newFlags &+= UInt64(bitPattern: Int64(wraps)) << wrapShift
        } else {
            newFlags |= overflowed
        }
        if newFlags != flags { sum.storeBytes(of: newFlags, toByteOffset: flagsOffset, as: UInt64.self) }
    }

    /// A number rounded to the unit; nil where it takes more than 254 bits.
    static func units(_ value: Scalar) -> Units? {
        guard value.kind == 4 else {
            let wide = value.wideInteger
            return Units(magnitude: wide.magnitude, shift: unitExponent, isNegative: wide < 0)
        }
        let double = value.asDouble
        let isSubnormal = double.exponentBitPattern == 0
        var mantissa = UInt128(isSubnormal ? double.significandBitPattern : double.significandBitPattern | (1 << 52))
        let exponent = isSubnormal ? -1074 : Int(double.exponentBitPattern) - 1075
        var shift = exponent + unitExponent
        if shift < 0 {
            let dropped = -shift
            guard dropped < 64 else { return Units(magnitude: 0, shift: 0, isNegative: false) }
            let half = UInt128(1) << UInt128(dropped - 1)
            let rest = mantissa & ((half << 1) - 1)
            mantissa >>= UInt128(dropped)
            if rest > half || (rest == half && mantissa & 1 == 1) { mantissa += 1 }
            shift = 0
        }
        guard mantissa == 0 || 128 - mantissa.leadingZeroBitCount + shift <= 254 else { return nil }
        return Units(magnitude: mantissa, shift: mantissa == 0 ? 0 : shift, isNegative: double < 0)
    }

    /// Adds ±magnitude · 2^shift units, at most 254 bits; ±1 where the sum goes over the upper or lower end of its range.
    private static func addMagnitude(_ magnitude: UInt128, shift: Int, isNegative: Bool, to sum: UnsafeMutableRawPointer) -> Int {
        guard magnitude != 0 else { return 0 }
        let limbs = sum.assumingMemoryBound(to: UInt64.self)
        let first = shift / 64
        let offset = UInt64(shift % 64)
        let low = UInt64(truncatingIfNeeded: magnitude)
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        // The shifted magnitude covers at most three limbs.
        let parts = (
            low << offset,
            offset == 0 ? high : (high << offset) | (low >> (64 - offset)),
            offset == 0 ? 0 : high >> (64 - offset)
        )
        let signBefore = limbs[3] >> 63
        var carry: UInt64 = 0
        var index = first
        while index < 4 {
            let part = index == first ? parts.0 : index == first + 1 ? parts.1 : index == first + 2 ? parts.2 : 0
            if isNegative {
                let (difference, borrow) = limbs[index].subtractingReportingOverflow(part)
                let (result, again) = difference.subtractingReportingOverflow(carry)
                limbs[index] = result
                carry = borrow || again ? 1 : 0
            } else {
                let (total, over) = limbs[index].addingReportingOverflow(part)
                let (result, again) = total.addingReportingOverflow(carry)
                limbs[index] = result
                carry = over || again ? 1 : 0
            }
            index += 1
        }
        let signAfter = limbs[3] >> 63
        // Two operands of one sign whose result has the other: the 256 bits are full.
        guard signBefore == (isNegative ? 1 : 0), signAfter != signBefore else { return 0 }
        return isNegative ? -1 : 1
    }

    /// Whether the sum is known: something was added, and it is within its range.
    static func isKnown(_ sum: UnsafeRawPointer) -> Bool {
        count(sum) > 0 && sum.load(fromByteOffset: flagsOffset, as: UInt64.self) & ~sawFraction == 0
    }

    /// The sum, exact where it is an integer of integers, else rounded once; unknown of nothing.
    static func total(_ sum: UnsafeRawPointer) -> Scalar {
        guard isKnown(sum) else { return .unknown }
        if sum.load(fromByteOffset: flagsOffset, as: UInt64.self) & sawFraction == 0 { return integerTotal(sum) }
        return .double(quotient(sum, by: 1))
    }

    /// The mean, rounded once; unknown of nothing.
    static func average(_ sum: UnsafeRawPointer) -> Scalar {
        isKnown(sum) ? .double(quotient(sum, by: count(sum))) : .unknown
    }

    private static func integerTotal(_ sum: UnsafeRawPointer) -> Scalar {
        let (limbs, isNegative) = magnitude(sum)
        // 96 bits are the fraction, all zero here.
        let low = limbs.1 >> 32 | limbs.2 << 32
        let high = limbs.2 >> 32 | limbs.3 << 32
        guard limbs.3 >> 32 == 0, high >> 62 == 0 else { return .unknown }
        let wide = Int128(high) << 64 | Int128(low)
        return .wide(isNegative ? -wide : wide)
    }

    /// The size of the sum, least limb first, and whether it is negative.
    static func magnitude(_ sum: UnsafeRawPointer) -> ((UInt64, UInt64, UInt64, UInt64), Bool) {
        let limbs = sum.assumingMemoryBound(to: UInt64.self)
        guard limbs[3] >> 63 == 1 else { return ((limbs[0], limbs[1], limbs[2], limbs[3]), false) }
        let (a, o0) = (~limbs[0]).addingReportingOverflow(1)
        let (b, o1) = (~limbs[1]).addingReportingOverflow(o0 ? 1 : 0)
        let (c, o2) = (~limbs[2]).addingReportingOverflow(o1 ? 1 : 0)
        let d = ~limbs[3] &+ (o2 ? 1 : 0)
        return ((a, b, c, d), true)
    }

    /// The sum divided by a count, rounded once to nearest, ties to even.
    private static func quotient(_ sum: UnsafeRawPointer, by divisor: UInt64) -> Double {
        var (limbs, isNegative) = magnitude(sum)
        guard limbs.0 | limbs.1 | limbs.2 | limbs.3 != 0 else { return 0 }
        // The top bit goes to the top, so that the quotient keeps at least 192 bits.
        var shift = 0
        while limbs.3 == 0 {
            limbs = (0, limbs.0, limbs.1, limbs.2)
            shift += 64
        }
        let lead = limbs.3.leadingZeroBitCount
        if lead > 0 {
            let up = UInt64(lead), down = UInt64(64 - lead)
            limbs = (
                limbs.0 << up, limbs.1 << up | limbs.0 >> down, limbs.2 << up | limbs.1 >> down, limbs.3 << up | limbs.2 >> down
            )
            shift += lead
        }
        var remainder: UInt64 = 0
        (limbs.3, remainder) = divisor.dividingFullWidth((remainder, limbs.3))
        (limbs.2, remainder) = divisor.dividingFullWidth((remainder, limbs.2))
        (limbs.1, remainder) = divisor.dividingFullWidth((remainder, limbs.1))
        (limbs.0, remainder) = divisor.dividingFullWidth((remainder, limbs.0))
        // Two limbs hold at least 64 significant bits whatever the divisor; what lies below only breaks ties.
        var high = UInt128(limbs.3) << 64 | UInt128(limbs.2)
        if limbs.0 | limbs.1 | remainder != 0 { high |= 1 }
        let result = roundedDouble(high, exponent: 128 - unitExponent - shift)
        return isNegative ? -result : result
    }

    /// value · 2^exponent, to nearest, ties to even; bit 0 of the value is sticky.
    static func roundedDouble(_ value: UInt128, exponent: Int) -> Double {
        let bits = 128 - value.leadingZeroBitCount
        let drop = bits - 53
        guard drop > 0 else { return Double(sign: .plus, exponent: exponent, significand: Double(UInt64(value))) }
        var mantissa = UInt64(truncatingIfNeeded: value >> UInt128(drop))
        let half = UInt128(1) << UInt128(drop - 1)
        let rest = value & ((half << 1) - 1)
        if rest > half || (rest == half && mantissa & 1 == 1) { mantissa += 1 }
        return Double(sign: .plus, exponent: exponent + drop, significand: Double(mantissa))
    }
}
