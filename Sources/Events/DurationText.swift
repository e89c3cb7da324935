/// Durations as rules write them: whole numbers with units, from the largest down, each once (`1h30m`, `250ms`).
public enum DurationText {
    /// Why a text is no duration.
    public enum Failure: Error, Equatable, Sendable {
        case empty
        /// A number was expected at this byte.
        case numberExpected(at: Int)
        /// No unit, or an unknown one, at this byte. Units are `w d h m s ms us`.
        case unitExpected(at: Int)
        /// The unit at this byte is not smaller than the one before it.
        case unitOrder(at: Int)
        /// More microseconds than 63 bits hold.
        case tooLong
    }

    /// From the largest to the smallest; `us` serves times that carry microseconds.
    static let units: [(name: StaticString, microseconds: Int64)] = [
        ("w", 604_800_000_000), ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
    ]

    /// Reads a duration in microseconds.
    public static func microseconds(of text: UnsafeBufferPointer<UInt8>) throws(Failure) -> Int64 {
        guard !text.isEmpty else { throw .empty }
        var at = 0
        var total: Int64 = 0
        var nextUnit = 0
        while at < text.count {
            let numberStart = at
            var number: Int64 = 0
            while at < text.count, text[at] &- 0x30 < 10 {
                let (scaled, overflow) = number.multipliedReportingOverflow(by: 10)
                let (sum, carry) = scaled.addingReportingOverflow(Int64(text[at] &- 0x30))
                guard !overflow && !carry else { throw .tooLong }
                number = sum
                at += 1
            }
            guard at > numberStart else { throw .numberExpected(at: at) }
            let unitStart = at
            while at < text.count, text[at] >= 0x61 && text[at] <= 0x7A { at += 1 }
            guard let unit = unitIndex(text, unitStart, at) else { throw .unitExpected(at: unitStart) }
            guard unit >= nextUnit else { throw .unitOrder(at: unitStart) }
            nextUnit = unit + 1
            let (part, overflow) = number.multipliedReportingOverflow(by: units[unit].microseconds)
            let (sum, carry) = total.addingReportingOverflow(part)
            guard !overflow && !carry else { throw .tooLong }
            total = sum
        }
        return total
    }

    public static func microseconds(of text: String) throws(Failure) -> Int64 {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBufferPointer { buffer throws(Failure) in try microseconds(of: buffer) }
    }

    private static func unitIndex(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        for (index, unit) in units.enumerated() where unit.name.utf8CodeUnitCount == end - start {
            let name = unit.name.utf8Start
            var same = true
            for place in 0..<end - start where name[place] != text[start + place] { same = false }
            if same { return index }
        }
        return nil
    }
}

extension ByteBuffer {
    /// Appends a duration as rules write it, the largest units first: `1h30m`, `12m34s250ms`; nothing at all is `0s`, a negative one
    /// begins with `-`.
    public mutating func append(duration microseconds: Int64) {
        if microseconds == 0 { return append("0s") }
        if microseconds < 0 { append(UInt8(ascii: "-")) }
        var rest = microseconds.magnitude
        for unit in DurationText.units {
            let size = UInt64(unit.microseconds)
            if rest >= size {
                append(integer: rest / size)
                append(unit.name)
                rest %= size
            }
        }
    }
}
