/// Sizes of memory and files as people write them: `512M`, `1G`, `256MiB`, or a plain number of bytes.
///
/// The units are powers of 1024, as in the tools that people set memory limits with. `MB` is refused: half of its readers take it for
/// 1000².
enum ByteCount {
    /// What belongs behind "needs", for messages.
    static let expected = "a size such as 512M, 1G or 256MiB, or a number of bytes"

    /// From the smallest to the largest, each 1024 times the one before it.
    private static let units: [Character] = ["K", "M", "G", "T"]

    /// Reads a size in bytes, whatever the case of its unit; nil where the text is none, or does not fit 63 bits.
    static func parse(_ text: String) -> Int? {
        let digits = text.prefix { "0"..."9" ~= $0 }
        guard !digits.isEmpty, let number = Int(digits) else { return nil }
        let unit = text[digits.endIndex...].uppercased()
        guard let letter = unit.first else { return number }
        guard let place = units.firstIndex(of: letter), unit.count == 1 || unit.dropFirst() == "IB" else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << (10 * (place + 1)))
        return overflows ? nil : bytes
    }

    /// The shortest text that ``parse(_:)`` reads as this size.
    static func text(_ bytes: Int) -> String {
        var count = bytes
        var unit = ""
        for letter in units where count > 0 && count % 1024 == 0 {
            count /= 1024
            unit = String(letter)
        }
        return "\(count)\(unit)"
    }
}
