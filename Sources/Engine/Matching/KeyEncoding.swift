internal import Events
internal import Glibc

/// A key value as bytes, so that equal keys are equal bytes: each part is a tag and its payload. A number that is an integer is written
/// as one, so that 1 and 1.0 are one key.
enum KeyEncoding {
    private static let integer = UInt8(ascii: "i")
    private static let unsigned = UInt8(ascii: "u")
    private static let double = UInt8(ascii: "d")
    private static let string = UInt8(ascii: "s")
    private static let boolean = UInt8(ascii: "b")
    private static let missing = UInt8(ascii: "-")

    /// Appends a part; false where the value cannot be part of a key.
    @inline(__always)
    static func append(_ value: Scalar, to key: inout KeyBuffer) -> Bool {
        switch value.kind {
        case ValueKind.string:
            key.reserve(5 + Int(value.length))
            key.bytes[key.count] = string
            UnsafeMutableRawPointer(key.bytes + key.count + 1).storeBytes(of: value.length, as: UInt32.self)
            memcpy(key.bytes + key.count + 5, value.address, Int(value.length))
            key.count += 5 + Int(value.length)
        case ValueKind.integer:
            append(integer, value.bits, to: &key)
        case ValueKind.unsigned:
            append(unsigned, value.bits, to: &key)
        case ValueKind.double:
            let number = value.asDouble
            if let whole = Int64(exactly: number) {
                append(integer, UInt64(bitPattern: whole), to: &key)
            } else if let whole = UInt64(exactly: number) {
                append(unsigned, whole, to: &key)
            } else {
                append(double, value.bits, to: &key)
            }
        case ValueKind.boolean:
            append(boolean, value.bits, to: &key)
        default:
            return false
        }
        return true
    }

    /// A part without a value, where a key of a cooldown has one.
    static func appendMissing(to key: inout KeyBuffer) {
        append(missing, 0, to: &key)
    }

    @inline(__always)
    private static func append(_ tag: UInt8, _ payload: UInt64, to key: inout KeyBuffer) {
        key.reserve(9)
        key.bytes[key.count] = tag
        UnsafeMutableRawPointer(key.bytes + key.count + 1).storeBytes(of: payload, as: UInt64.self)
        key.count += 9
    }

    /// Bytes of the part that begins here; nil where it is none, or is cut off.
    static func partLength(_ part: UnsafePointer<UInt8>, available: Int) -> Int? {
        guard available >= 5 else { return nil }
        let length: Int
        switch part[0] {
        case string: length = 5 + Int(UnsafeRawPointer(part + 1).loadUnaligned(as: UInt32.self))
        case integer, unsigned, double, boolean: length = 9
        default: return nil
        }
        return length <= available ? length : nil
    }

    /// The value of part `index`.
    static func part(_ index: Int, of key: UnsafePointer<UInt8>) -> Scalar {
        var place = 0
        for _ in 0..<index {
            place += key[place] == string ? 5 + Int(UnsafeRawPointer(key + place + 1).loadUnaligned(as: UInt32.self)) : 9
        }
        let payload = UnsafeRawPointer(key + place + 1)
        switch key[place] {
        case string: return .text(key + place + 5, Int(payload.loadUnaligned(as: UInt32.self)))
        case integer: return Scalar(kind: ValueKind.integer, bits: payload.loadUnaligned(as: UInt64.self))
        case unsigned: return Scalar(kind: ValueKind.unsigned, bits: payload.loadUnaligned(as: UInt64.self))
        case double: return Scalar(kind: ValueKind.double, bits: payload.loadUnaligned(as: UInt64.self))
        default: return Scalar(kind: ValueKind.boolean, bits: payload.loadUnaligned(as: UInt64.self))
        }
    }
}

/// Growable bytes of keys.
public struct KeyBuffer: ~Copyable {
    public fileprivate(set) var bytes: UnsafeMutablePointer<UInt8>
    public fileprivate(set) var count = 0
    private var capacity: Int

    public init() {
        capacity = 256
        bytes = .allocate(capacity: capacity)
    }

    deinit {
        bytes.deallocate()
    }

    @inline(__always)
    public mutating func removeAll() {
        count = 0
    }

    /// Drops what was written behind `length`.
    @inline(__always)
    mutating func truncate(to length: Int) {
        count = length
    }

    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(count + more) }
    }

    /// Appends bytes from elsewhere.
    public mutating func append(_ more: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        (bytes + count).update(from: more, count: length)
        count += length
    }

    private mutating func grow(_ needed: Int) {
        let larger = max(capacity * 2, needed)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = moved
        capacity = larger
    }
}
