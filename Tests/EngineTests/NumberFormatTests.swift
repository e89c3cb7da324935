import Events
import Testing

@testable import Engine

@Suite struct NumberFormatTests {
    private func text(_ value: Scalar, digits: Int = -1, groups: Bool = false) -> String {
        var buffer = ByteBuffer()
        buffer.append(summary: value, digits: digits, groups: groups)
        return buffer.string
    }

    @Test func digitsAreRounded() {
        #expect(text(.double(1234.567), digits: 2) == "1234.57")
        #expect(text(.integer(3), digits: 2) == "3.00")
        #expect(text(.double(-0.5), digits: 0) == "-0")
        #expect(text(.unknown, digits: 2) == "unknown")
    }

    @Test func thousandsAreApart() {
        #expect(text(.double(1_234_567.891), groups: true) == "1,234,567.891")
        #expect(text(.double(1_234_567.891), digits: 2, groups: true) == "1,234,567.89")
        for (value, expected) in [
            (0, "0"), (999, "999"), (1000, "1,000"), (-1000, "-1,000"), (-999, "-999"), (100_000, "100,000"), (1_000_000, "1,000,000"),
            (.min, "-9,223,372,036,854,775,808"),
        ] as [(Int64, String)] {
            #expect(text(.integer(value), groups: true) == expected)
        }
        #expect(text(.wide(Int128(UInt64.max)), groups: true) == "18,446,744,073,709,551,615")
        #expect(text(.double(0.30000000000000004), groups: true) == "0.30000000000000004")
        // What is written with an exponent has no thousands to separate.
        #expect(text(.double(1e300), groups: true) == text(.double(1e300)))
        #expect(text(.double(1e300), digits: 1, groups: true).hasPrefix("1,000,000,"))
    }
}
