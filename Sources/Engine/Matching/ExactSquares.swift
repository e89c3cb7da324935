/// The sum of the squares of numbers without rounding, in 72 bytes of flat memory: 512 bits in units of 2⁻¹⁹², and whether a number was
/// too large. It stands beside an ``ExactSum`` of the same numbers, which has their count; the numbers are rounded as there.
///
/// - Complexity: an addition touches the eight limbs at most once.
enum ExactSquares {
    /// Bytes of an accumulator; all zero is the empty sum.
    static let size = 72

    private static let flagsOffset = 64
    private static let overflowed: UInt64 = 1
    private static let limbCount = 8

    /// Adds the square of a number; anything else is left out.
    static func add(_ value: Scalar, to squares: UnsafeMutableRawPointer) {
        guard value.isNumber else { return }
        guard let units = ExactSum.units(value), addSquare(units, to: squares.assumingMemoryBound(to: UInt64.self)) else {
            squares.storeBytes(of: overflowed, toByteOffset: flagsOffset, as: UInt64.self)
            return
        }
    }

    /// False where the sum would take more than 512 bits.
    private static func addSquare(_ units: ExactSum.Units, to limbs: UnsafeMutablePointer<UInt64>) -> Bool {
        guard units.magnitude != 0 else { return true }
        // Magnitudes have at most 64 bits: those of integers, or 53 of a double.
        let square = units.magnitude &* units.magnitude
        let shift = 2 * units.shift
        let offset = UInt64(shift % 64)
        let low = UInt64(truncatingIfNeeded: square)
        let high = UInt64(truncatingIfNeeded: square >> 64)
        var index = shift / 64
        var carry = add(low << offset, 0, to: limbs, index)
        index += 1
        let middle = offset == 0 ? high : (high << offset) | (low >> (64 - offset))
        let rest = offset == 0 ? 0 : high >> (64 - offset)
        if index < limbCount { carry = add(middle, carry, to: limbs, index) } else if middle | carry != 0 { return false }
        index += 1
        if index < limbCount { carry = add(rest, carry, to: limbs, index) } else if rest | carry != 0 { return false }
        index += 1
        while carry != 0 && index < limbCount {
            carry = add(0, carry, to: limbs, index)
            index += 1
        }
        return carry == 0
    }

    @inline(__always)
    private static func add(_ part: UInt64, _ carry: UInt64, to limbs: UnsafeMutablePointer<UInt64>, _ index: Int) -> UInt64 {
        let (total, over) = limbs[index].addingReportingOverflow(part)
        let (result, again) = total.addingReportingOverflow(carry)
        limbs[index] = result
        return over || again ? 1 : 0
    }

    /// The sample's standard deviation √((n·Σx² − (Σx)²) / (n·(n − 1))), rounded once to nearest, ties to even; unknown for fewer than
    /// two numbers.
    ///
    /// - Complexity: constant, on the stack.
    static func standardDeviation(sum: UnsafeRawPointer, squares: UnsafeRawPointer) -> Scalar {
        let count = ExactSum.count(sum)
        guard count >= 2, ExactSum.isKnown(sum), squares.load(fromByteOffset: flagsOffset, as: UInt64.self) == 0 else { return .unknown }
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * limbCount + 1) { area in
            guard let spread = area.baseAddress else { return .unknown }
            writeSpread(sum: sum, squares: squares, count: count, to: spread, square: spread + limbCount + 1)
            return root(of: spread, over: count.multipliedFullWidth(by: count - 1))
        }
    }

    /// n·Σx² − (Σx)², exact and never negative, in nine limbs.
    private static func writeSpread(
        sum: UnsafeRawPointer, squares: UnsafeRawPointer, count: UInt64, to spread: UnsafeMutablePointer<UInt64>,
        square: UnsafeMutablePointer<UInt64>
    ) {
        let limbs = squares.assumingMemoryBound(to: UInt64.self)
        var carry: UInt64 = 0
        for index in 0..<limbCount { spread[index] = product(limbs[index], count, adding: 0, &carry) }
        spread[limbCount] = carry

        square.update(repeating: 0, count: limbCount)
        let magnitude = ExactSum.magnitude(sum).0
        let parts = [magnitude.0, magnitude.1, magnitude.2, magnitude.3] as InlineArray<4, UInt64>
        for row in 0..<4 {
            carry = 0
            for column in 0..<4 { square[row + column] = product(parts[row], parts[column], adding: square[row + column], &carry) }
            square[row + 4] = carry
        }

        var borrow: UInt64 = 0
        for index in 0...limbCount {
            let (difference, under) = spread[index].subtractingReportingOverflow(index < limbCount ? square[index] : 0)
            let (result, again) = difference.subtractingReportingOverflow(borrow)
            spread[index] = result
            borrow = under || again ? 1 : 0
        }
    }

    /// The low half of left · right + adding + carry; the high half becomes the carry.
    @inline(__always)
    private static func product(_ left: UInt64, _ right: UInt64, adding: UInt64, _ carry: inout UInt64) -> UInt64 {
        let total = UInt128(left) &* UInt128(right) &+ UInt128(adding) &+ UInt128(carry)
        carry = UInt64(truncatingIfNeeded: total >> 64)
        return UInt64(truncatingIfNeeded: total)
    }

    /// √(spread / divisor) · 2⁻⁹⁶, by a quotient of 126 to 128 bits and its integer root, with one bit for all that lies below.
    private static func root(of spread: UnsafePointer<UInt64>, over divisor: (high: UInt64, low: UInt64)) -> Scalar {
        var top = limbCount
        while top >= 0 && spread[top] == 0 { top -= 1 }
        guard top >= 0 else { return .double(0) }
        let bits = top * 64 + 64 - spread[top].leadingZeroBitCount
        let bottom = UInt128(divisor.high) << 64 | UInt128(divisor.low)
        // An even shift halves under the root.
        var shift = 126 + (128 - bottom.leadingZeroBitCount) - bits
        if shift & 1 == 1 { shift += 1 }
        let dividend = (
            high: UInt128(word(spread, at: 192 - shift)) << 64 | UInt128(word(spread, at: 128 - shift)),
            low: UInt128(word(spread, at: 64 - shift)) << 64 | UInt128(word(spread, at: -shift))
        )
        let (quotient, remainder) = bottom.dividingFullWidth(dividend)
        let root = squareRoot(quotient)
        let isInexact = remainder != 0 || root &* root != quotient || hasBits(spread, below: -shift)
        return .double(ExactSum.roundedDouble(root << 1 | (isInexact ? 1 : 0), exponent: -shift / 2 - 97))
    }

    /// 64 bits of a number of nine limbs from a bit on; those outside it are zero.
    private static func word(_ limbs: UnsafePointer<UInt64>, at position: Int) -> UInt64 {
        let index = position >> 6
        let offset = UInt64(position & 63)
        let low = index >= 0 && index <= limbCount ? limbs[index] : 0
        let high = index >= -1 && index < limbCount ? limbs[index + 1] : 0
        return offset == 0 ? low : low >> offset | high << (64 - offset)
    }

    private static func hasBits(_ limbs: UnsafePointer<UInt64>, below position: Int) -> Bool {
        guard position > 0 else { return false }
        for index in 0..<position / 64 where limbs[index] != 0 { return true }
        return position % 64 != 0 && limbs[position / 64] << UInt64(64 - position % 64) != 0
    }

    /// ⌊√value⌋ of a value of at least 2⁶⁴.
    private static func squareRoot(_ value: UInt128) -> UInt128 {
        // The double is right to 52 bits, one step of Newton's doubles that, and the rest is a matter of one or two.
        var root = UInt128(Double(UInt64(truncatingIfNeeded: value >> 64)).squareRoot() * 0x1p32)
        root = (root + value / root) >> 1
        while isSquare(of: root, beyond: value) { root -= 1 }
        while !isSquare(of: root + 1, beyond: value) { root += 1 }
        return root
    }

    private static func isSquare(of root: UInt128, beyond value: UInt128) -> Bool {
        let (square, overflow) = root.multipliedReportingOverflow(by: root)
        return overflow || square > value
    }
}
