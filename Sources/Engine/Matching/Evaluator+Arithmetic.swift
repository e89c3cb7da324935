internal import Events
internal import Glibc

extension Evaluator {
    /// Exact on integers, IEEE on doubles; overflow and division by zero are unknown, and so is what does not go together.
    func arithmetic(_ opcode: Opcode, _ left: Scalar, _ right: Scalar) -> Scalar {
        if left.isUnknown || right.isUnknown { return .unknown }
        if left.isNumber && right.isNumber { return numeric(opcode, left, right) }
        return temporal(opcode, left, right)
    }

    private func numeric(_ opcode: Opcode, _ left: Scalar, _ right: Scalar) -> Scalar {
        let bothIntegers = left.kind != ValueKind.double && right.kind != ValueKind.double
        switch opcode {
        case .add: return bothIntegers ? .wide(left.wideInteger + right.wideInteger) : .double(left.nearestDouble + right.nearestDouble)
        case .subtract:
            return bothIntegers ? .wide(left.wideInteger - right.wideInteger) : .double(left.nearestDouble - right.nearestDouble)
        case .multiply:
            guard bothIntegers else { return .double(left.nearestDouble * right.nearestDouble) }
            let (product, overflow) = left.wideInteger.multipliedReportingOverflow(by: right.wideInteger)
            return overflow ? .unknown : .wide(product)
        case .divide:
            guard right.nearestDouble != 0 else { return .unknown }
            return bothIntegers ? exactQuotient(left.wideInteger, right.wideInteger) : .double(left.nearestDouble / right.nearestDouble)
        default:
            if bothIntegers {
                let divisor = right.wideInteger
                return divisor == 0 ? .unknown : .wide(left.wideInteger % divisor)
            }
            guard right.nearestDouble != 0 else { return .unknown }
            return .double(fmod(left.nearestDouble, right.nearestDouble))
        }
    }

    /// Real division of two integers, rounded once: through doubles where both are exact ones, else by 128 bits with a sticky bit.
    private func exactQuotient(_ dividend: Int128, _ divisor: Int128) -> Scalar {
        let exact: Int128 = 1 << 53
        if dividend.magnitude <= exact.magnitude && divisor.magnitude <= exact.magnitude {
            return .double(Double(dividend) / Double(divisor))
        }
        let isNegative = (dividend < 0) != (divisor < 0)
        let top = dividend.magnitude, bottom = divisor.magnitude
        guard top != 0 else { return .double(0) }
        // The dividend takes all 128 bits and the divisor at most 64, so the quotient has at least 64.
        let shift = top.leadingZeroBitCount
        let (quotient, remainder) = (top << UInt128(shift)).quotientAndRemainder(dividingBy: bottom)
        var bits = quotient
        if remainder != 0 { bits |= 1 }
        let width = 128 - bits.leadingZeroBitCount
        let drop = max(0, width - 55)
        var mantissa = bits >> UInt128(drop)
        if drop > 0 && bits & ((UInt128(1) << UInt128(drop)) - 1) != 0 { mantissa |= 1 }
        let value = Double(sign: .plus, exponent: drop - shift, significand: Double(UInt64(mantissa)))
        return .double(isNegative ? -value : value)
    }

    private func temporal(_ opcode: Opcode, _ left: Scalar, _ right: Scalar) -> Scalar {
        let time = ValueKind.time, duration = ValueKind.duration
        switch (opcode, left.kind, right.kind) {
        case (.subtract, time, time):
            let (difference, overflow) = left.int64.subtractingReportingOverflow(right.int64)
            return overflow ? .unknown : .duration(difference)
        case (.add, time, duration), (.add, duration, time):
            let (sum, overflow) = left.int64.addingReportingOverflow(right.int64)
            return overflow ? .unknown : .time(sum)
        case (.subtract, time, duration):
            let (difference, overflow) = left.int64.subtractingReportingOverflow(right.int64)
            return overflow ? .unknown : .time(difference)
        case (.add, duration, duration):
            let (sum, overflow) = left.int64.addingReportingOverflow(right.int64)
            return overflow ? .unknown : .duration(sum)
        case (.subtract, duration, duration):
            let (difference, overflow) = left.int64.subtractingReportingOverflow(right.int64)
            return overflow ? .unknown : .duration(difference)
        case (.divide, duration, duration):
            return right.int64 == 0 ? .unknown : exactQuotient(Int128(left.int64), Int128(right.int64))
        case (.multiply, duration, _) where right.isNumber: return scaled(left.int64, right, divides: false)
        case (.multiply, _, duration) where left.isNumber: return scaled(right.int64, left, divides: false)
        case (.divide, duration, _) where right.isNumber: return scaled(left.int64, right, divides: true)
        default: return mismatch()
        }
    }

    /// A duration times or divided by a number, to the nearest microsecond.
    private func scaled(_ microseconds: Int64, _ factor: Scalar, divides: Bool) -> Scalar {
        if !divides && factor.kind != ValueKind.double {
            let (product, overflow) = Int128(microseconds).multipliedReportingOverflow(by: factor.wideInteger)
            guard !overflow, let result = Int64(exactly: product) else { return .unknown }
            return .duration(result)
        }
        let number = factor.nearestDouble
        guard !divides || number != 0 else { return .unknown }
        let result = (divides ? Double(microseconds) / number : Double(microseconds) * number).rounded(.toNearestOrEven)
        guard let exact = Int64(exactly: result) else { return .unknown }
        return .duration(exact)
    }

    func negated(_ value: Scalar) -> Scalar {
        switch value.kind {
        case ValueKind.unknown: return .unknown
        case ValueKind.integer, ValueKind.unsigned: return .wide(-value.wideInteger)
        case ValueKind.double: return .double(-value.asDouble)
        case ValueKind.duration:
            let (result, overflow) = Int64(0).subtractingReportingOverflow(value.int64)
            return overflow ? .unknown : .duration(result)
        default: return mismatch()
        }
    }
}
