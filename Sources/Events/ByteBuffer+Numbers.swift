// Numbers as JSON has them, without a detour through `String` where that can be avoided.

extension ByteBuffer {
    /// Appends decimal digits; a negative number has a leading `-`.
    public mutating func append(integer value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(integer: value.magnitude)
    }

    public mutating func append(integer value: UInt64) {
        reserve(20)
        var rest = value
        var length = 1
        var bound: UInt64 = 10
        while rest >= bound {
            length += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        var place = count + length - 1
        while place >= count {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes[place] = UInt8(truncatingIfNeeded: 0x30 + digit)
            rest = quotient
            place -= 1
        }
        advance(by: length)
    }

    /// Appends so many digits, with zeros in front; higher digits are left out.
    public mutating func append(digits value: UInt64, width: Int) {
        reserve(width)
        var rest = value
        var place = count + width - 1
        while place >= count {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes[place] = UInt8(truncatingIfNeeded: 0x30 + digit)
            rest = quotient
            place -= 1
        }
        advance(by: width)
    }

    /// Appends the shortest text that reads back as this double, a whole number without `.0`: `3`, `0.1`, `1e+20`. Valid JSON; an
    /// infinite value or one that is not a number gives `null`.
    ///
    /// Decimals of at most 15 digits, up to six of them behind the point, cost no allocation; others may make one short string.
    public mutating func append(double value: Double) {
        guard value.isFinite else { return append("null") }
        // A decimal of at most 15 digits reads back as itself alone, so the first that gives `value` back is the shortest.
        let magnitude = value.magnitude
        if magnitude < 1e9 {
            var scale: UInt64 = 1
            var places = 0
            while places <= 6 {
                let scaled = magnitude * Double(scale)
                let whole = scaled.rounded()
                if whole / Double(scale) == magnitude {
                    if value.sign == .minus { append(UInt8(ascii: "-")) }
                    let digits = UInt64(whole)
                    append(integer: digits / scale)
                    if places > 0 {
                        append(UInt8(ascii: "."))
                        append(digits: digits % scale, width: places)
                    }
                    return
                }
                scale *= 10
                places += 1
            }
        }
        var text = value.description
        text.withUTF8 { utf8 in
            var length = utf8.count
            if length > 2 && utf8[length - 1] == UInt8(ascii: "0") && utf8[length - 2] == UInt8(ascii: ".") { length -= 2 }
            append(utf8.baseAddress!, count: length)
        }
    }

    /// Counts bytes that were just written behind the end, into room that was reserved.
    @inline(__always)
    mutating func advance(by length: Int) {
        assert(count + length <= capacity, "Bytes are written into reserved room only.")
        setCount(count + length)
    }
}
