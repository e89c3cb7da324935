/// Whole numbers of any size, slow and plain, to hold the fixed-size arithmetic against.
struct Whole: Equatable {
    var isNegative = false
    /// 32-bit digits, least first, none of them a leading zero.
    var digits: [UInt32] = []

    init(_ value: Int128) {
        isNegative = value < 0
        var rest = value.magnitude
        while rest != 0 {
            digits.append(UInt32(truncatingIfNeeded: rest))
            rest >>= 32
        }
    }

    private init(_ isNegative: Bool, _ digits: [UInt32]) {
        self.digits = digits
        while self.digits.last == 0 { self.digits.removeLast() }
        self.isNegative = isNegative && !self.digits.isEmpty
    }

    private static func order(_ a: [UInt32], _ b: [UInt32]) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for index in a.indices.reversed() where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
        return 0
    }

    private static func sum(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var carry: UInt64 = 0
        for index in 0..<max(a.count, b.count) + 1 {
            carry += UInt64(index < a.count ? a[index] : 0) + UInt64(index < b.count ? b[index] : 0)
            result.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        return result
    }

    private static func difference(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var borrow: Int64 = 0
        for index in a.indices {
            var value = Int64(a[index]) - borrow - Int64(index < b.count ? b[index] : 0)
            borrow = value < 0 ? 1 : 0
            if value < 0 { value += 1 << 32 }
            result.append(UInt32(value))
        }
        return result
    }

    static func + (a: Whole, b: Whole) -> Whole {
        if a.isNegative == b.isNegative { return Whole(a.isNegative, sum(a.digits, b.digits)) }
        return order(a.digits, b.digits) >= 0
            ? Whole(a.isNegative, difference(a.digits, b.digits)) : Whole(b.isNegative, difference(b.digits, a.digits))
    }

    static func - (a: Whole, b: Whole) -> Whole { a + Whole(!b.isNegative, b.digits) }

    static func * (a: Whole, b: Whole) -> Whole {
        var result = [UInt32](repeating: 0, count: a.digits.count + b.digits.count)
        for (place, left) in a.digits.enumerated() {
            var carry: UInt64 = 0
            for (offset, right) in b.digits.enumerated() {
                carry += UInt64(left) * UInt64(right) + UInt64(result[place + offset])
                result[place + offset] = UInt32(truncatingIfNeeded: carry)
                carry >>= 32
            }
            result[place + b.digits.count] = UInt32(carry)
        }
        return Whole(a.isNegative != b.isNegative, result)
    }

    static func << (a: Whole, count: Int) -> Whole {
        Whole(a.isNegative, [UInt32](repeating: 0, count: count / 32) + (a * Whole(1 << Int128(count % 32))).digits)
    }

    static func < (a: Whole, b: Whole) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        return a.isNegative ? order(b.digits, a.digits) < 0 : order(a.digits, b.digits) < 0
    }

    /// A double in units of 2^-exponent, of which it is a multiple.
    init(_ value: Double, unitsOf exponent: Int) {
        self.init(0)
        guard value != 0 else { return }
        let significand = Whole(Int128(value.significand * 0x1p52))
        let shift = Int(value.exponent) - 52 + exponent
        if shift >= 0 {
            self = significand << shift
        } else {
            let whole = value.significand * 0x1p52
            precondition(shift > -53 && Int128(whole) % (1 << Int128(-shift)) == 0, "The value is a multiple of the unit.")
            self.init(Int128(whole) >> Int128(-shift))
        }
        isNegative = value < 0
    }
}

/// Whether a positive double is the nearest to (numerator / denominator · 2^-exponent) to the power of one over `root`, ties to even.
func isNearest(_ result: Double, to numerator: Whole, over denominator: Whole, exponent: Int, root: Int) -> Bool {
    let significand = Int128(result.significand * 0x1p52)
    let unit = Int(result.exponent) - 52
    // Half-way to the neighbours, in quarters of the last place.
    let above = significand * 4 + 2
    let below = significand == 1 << 52 ? significand * 4 - 1 : significand * 4 - 2
    func order(_ bound: Int128) -> Int {
        var power = denominator
        for _ in 0..<root { power = power * Whole(bound) }
        let shift = (unit - 2) * root + exponent
        let left = shift < 0 ? numerator << -shift : numerator
        let right = shift < 0 ? power : power << shift
        return left < right ? -1 : right < left ? 1 : 0
    }
    let up = order(above), down = order(below)
    let isEven = significand & 1 == 0
    return (up < 0 || (up == 0 && isEven)) && (down > 0 || (down == 0 && isEven))
}
