internal import Glibc

/// Numbers as the formats of templates write them.
enum DecimalText {
    /// So many digits behind the point, rounded to nearest.
    static func fixed(_ number: Double, digits: Int) -> [UInt8] {
        // A double has at most 309 digits before the point.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { area in
            let count = withVaList([Int32(min(max(0, digits), 100)), number]) { Int(vsnprintf(area.baseAddress, 512, "%.*f", $0)) }
            return area.prefix(max(0, min(count, 511))).map { UInt8(bitPattern: $0) }
        }
    }

    /// `1234567.89` to `1,234,567.89`; what has an exponent stays.
    static func groupThousands(_ text: inout [UInt8]) {
        guard !text.contains(where: { $0 | 32 == UInt8(ascii: "e") }) else { return }
        let start = text.first == UInt8(ascii: "-") ? 1 : 0
        var place = text.firstIndex(of: UInt8(ascii: ".")) ?? text.count
        while place - start > 3 {
            place -= 3
            text.insert(UInt8(ascii: ","), at: place)
        }
    }
}
