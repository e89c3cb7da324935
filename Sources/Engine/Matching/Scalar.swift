internal import Glibc
internal import Events

/// A value on the evaluator's stack: 16 bytes, no reference counts. Text stands wherever it was found (the batch, a blob, the
/// constants, the scratch arena) and is only borrowed.
struct Scalar {
    /// The value's bits as ``ValueKind`` says; of text, its address.
    var bits: UInt64
    /// Of text, in bytes.
    var length: UInt32
    var kind: UInt8

    @inline(__always)
    init(kind: UInt8, bits: UInt64, length: UInt32 = 0) {
        self.bits = bits
        self.length = length
        self.kind = kind
    }

    @inline(__always)
    static var unknown: Scalar { Scalar(kind: ValueKind.unknown, bits: 0) }

    @inline(__always)
    static func boolean(_ value: Bool) -> Scalar { Scalar(kind: ValueKind.boolean, bits: value ? 1 : 0) }

    @inline(__always)
    static func integer(_ value: Int64) -> Scalar { Scalar(kind: ValueKind.integer, bits: UInt64(bitPattern: value)) }

    /// Unknown where the value is not finite.
    @inline(__always)
    static func double(_ value: Double) -> Scalar {
        value.isFinite ? Scalar(kind: ValueKind.double, bits: value.bitPattern) : .unknown
    }

    /// Unknown outside −2⁶³ … 2⁶⁴ − 1.
    @inline(__always)
    static func wide(_ value: Int128) -> Scalar {
        if let small = Int64(exactly: value) { return .integer(small) }
        if let large = UInt64(exactly: value) { return Scalar(kind: ValueKind.unsigned, bits: large) }
        return .unknown
    }

    @inline(__always)
    static func time(_ microseconds: Int64) -> Scalar { Scalar(kind: ValueKind.time, bits: UInt64(bitPattern: microseconds)) }

    @inline(__always)
    static func duration(_ microseconds: Int64) -> Scalar {
        Scalar(kind: ValueKind.duration, bits: UInt64(bitPattern: microseconds))
    }

    @inline(__always)
    static func text(_ address: UnsafePointer<UInt8>, _ length: Int) -> Scalar {
        Scalar(kind: ValueKind.string, bits: UInt64(UInt(bitPattern: address)), length: UInt32(truncatingIfNeeded: length))
    }

    @inline(__always)
    var isTrue: Bool { kind == ValueKind.boolean && bits == 1 }

    @inline(__always)
    var isFalse: Bool { kind == ValueKind.boolean && bits == 0 }

    @inline(__always)
    var isUnknown: Bool { kind == ValueKind.unknown }

    @inline(__always)
    var isNumber: Bool { kind >= ValueKind.integer && kind <= ValueKind.double }

    /// Whether ``compareScalars(_:_:)`` can order it among its like.
    @inline(__always)
    var isComparable: Bool { kind != ValueKind.unknown && kind != ValueKind.list && kind != ValueKind.object }

    @inline(__always)
    var int64: Int64 { Int64(bitPattern: bits) }

    @inline(__always)
    var asDouble: Double { Double(bitPattern: bits) }

    @inline(__always)
    var address: UnsafePointer<UInt8> { UnsafePointer(bitPattern: UInt(bits)).unsafelyUnwrapped }

    /// Of an integer or unsigned.
    @inline(__always)
    var wideInteger: Int128 { kind == ValueKind.unsigned ? Int128(bits) : Int128(int64) }

    /// Of any number; integers are rounded to the nearest double.
    @inline(__always)
    var nearestDouble: Double {
        switch kind {
        case ValueKind.double: asDouble
        case ValueKind.unsigned: Double(bits)
        default: Double(int64)
        }
    }
}

/// -1, 0 or 1; nil where the two do not compare.
@inline(__always)
func compareScalars(_ left: Scalar, _ right: Scalar) -> Int? {
    if left.kind == right.kind {
        switch left.kind {
        case ValueKind.integer, ValueKind.duration, ValueKind.time:
            return left.int64 < right.int64 ? -1 : left.int64 > right.int64 ? 1 : 0
        case ValueKind.double:
            return left.asDouble < right.asDouble ? -1 : left.asDouble > right.asDouble ? 1 : 0
        case ValueKind.string:
            return compareText(left, right)
        case ValueKind.boolean, ValueKind.unsigned:
            return left.bits < right.bits ? -1 : left.bits > right.bits ? 1 : 0
        default:
            return nil
        }
    }
    if left.isNumber && right.isNumber { return compareMixedNumbers(left, right) }
    return nil
}

@inline(__always)
func compareText(_ left: Scalar, _ right: Scalar) -> Int {
    let order = compareBytes(left.address, Int(left.length), right.address, Int(right.length))
    return order
}

/// Lexicographic by bytes: -1, 0 or 1.
@inline(__always)
func compareBytes(_ left: UnsafePointer<UInt8>, _ leftCount: Int, _ right: UnsafePointer<UInt8>, _ rightCount: Int) -> Int {
    let shared = min(leftCount, rightCount)
    let order = shared == 0 ? 0 : memcmp(left, right, shared)
    if order != 0 { return order < 0 ? -1 : 1 }
    return leftCount < rightCount ? -1 : leftCount > rightCount ? 1 : 0
}

/// Numbers of two kinds, exactly: an integer is never rounded to be compared with a double.
func compareMixedNumbers(_ left: Scalar, _ right: Scalar) -> Int {
    if left.kind == ValueKind.double { return -compareMixedNumbers(right, left) }
    let integer = left.wideInteger
    guard right.kind == ValueKind.double else {
        let other = right.wideInteger
        return integer < other ? -1 : integer > other ? 1 : 0
    }
    let double = right.asDouble
    // Beyond the integers that are exact, the double decides by its size alone.
    if double >= 18_446_744_073_709_551_616.0 { return -1 }
    if double < -9_223_372_036_854_775_808.0 { return 1 }
    let whole = double.rounded(.down)
    let floor = Int128(whole)
    if integer != floor { return integer < floor ? -1 : 1 }
    return double > whole ? -1 : 0
}
