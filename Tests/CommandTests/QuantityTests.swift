import Testing

@testable import needletail

/// Sizes and durations as flags and the configuration file write them.
@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", 0), ("1", 1), ("512", 512), ("1K", 1024), ("1KiB", 1024), ("512M", 512 << 20), ("256MiB", 256 << 20), ("1G", 1 << 30), ("2T", 2 << 40),
        ("512m", 512 << 20), ("3gib", 3 << 30), ("007", 7), ("9223372036854775807", Int.max), ("8388607T", 8_388_607 << 40),
    ]) func sizesAreReadInUnitsOf1024(_ text: String, _ bytes: Int) {
        #expect(ByteCount.parse(text) == bytes)
    }

    @Test(arguments: [
        "", "M", "-1", "+1", "1.5G", "512MB", "512 M", " 512M", "512M ", "1MG", "1i", "1Mi", "1X", "0x10", "٣M", "１M", "1_000", "1e3",
        "9223372036854775808", "8388608T", "9007199254740992K", "99999999999999999999999999G",
    ]) func whatIsNoSizeIsNotRead(_ text: String) {
        #expect(ByteCount.parse(text) == nil)
    }

    @Test func sizesAreWrittenAsTheyAreRead() {
        for (bytes, text) in [(0, "0"), (1, "1"), (1023, "1023"), (1024, "1K"), (1536, "1536"), (512 << 20, "512M"), (3 << 30, "3G"), (5 << 50, "5120T")] {
            #expect(ByteCount.text(bytes) == text)
            #expect(ByteCount.parse(text) == bytes)
        }
        #expect(ByteCount.parse(ByteCount.text(.max)) == .max)
    }

    @Test(arguments: [("10s", 10_000_000), ("500ms", 500_000), ("1m", 60_000_000), ("1h30m", 5_400_000_000), ("0s", 0)] as [(String, Int64)])
    func durationsAreThoseOfTheRules(_ text: String, _ microseconds: Int64) {
        #expect(DurationArgument.parse(text) == microseconds)
        #expect(DurationArgument.text(microseconds) == text)
    }

    @Test(arguments: ["", "10", "s", "-1s", "1.5s", "10 s", "10S", "1s1m", "10sec", "99999999999999w"]) func whatIsNoDurationIsNotRead(_ text: String) {
        #expect(DurationArgument.parse(text) == nil)
    }
}
