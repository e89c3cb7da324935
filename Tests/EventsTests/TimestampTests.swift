import Events
import Testing

@Suite struct TimestampTests {
    func written(_ time: Int64) -> String {
        var buffer = ByteBuffer()
        buffer.append(time: time)
        return buffer.string
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-03-01T10:04:11.250Z", 1_772_359_451_250_000), ("2026-03-01T10:04:11.25z", 1_772_359_451_250_000),
        ("2026-03-01 12:04:11.250+02:00", 1_772_359_451_250_000), ("2026-03-01t04:34:11.250-05:30", 1_772_359_451_250_000),
        ("2026-03-01T10:04:11.250123999Z", 1_772_359_451_250_123), ("2024-02-29T23:59:59Z", 1_709_251_199_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000), ("2200-12-31T23:59:59.999999Z", Int(Timestamp.end) - 1),
        ("2201-01-01T00:00:00Z", Int(Timestamp.end)), ("1969-12-31T23:59:59Z", -1_000_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
    ])
    func reads(text: String, time: Int) {
        #expect(Timestamp.microseconds(rfc3339: text) == Int64(time))
    }

    @Test(arguments: [
        "", "2026-03-01", "2026-03-01T10:04:11", "2026-03-01T10:04Z", "2026-13-01T10:04:11Z", "2026-00-01T10:04:11Z",
        "2026-02-29T10:04:11Z", "2100-02-29T10:04:11Z", "2026-04-31T10:04:11Z", "2026-03-00T10:04:11Z", "2026-03-01T24:00:00Z",
        "2026-03-01T10:60:11Z", "2026-03-01T10:04:61Z", "2026-03-01T10:04:11.Z", "2026-03-01T10:04:11.1234567890Z",
        "2026-03-01T10:04:11+0200", "2026-03-01T10:04:11+24:00", "2026-03-01T10:04:11+02:60", "2026-03-01T10:04:11ZZ",
        "2026-03-01_10:04:11Z", "26-03-01T10:04:11.000Z", "+026-03-01T10:04:11Z", "2026-03-01T10:04:11.25 Z", "2026-03-01T10:04:1１Z",
    ])
    func refuses(text: String) {
        #expect(Timestamp.microseconds(rfc3339: text) == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_772_359_451_250_000, "2026-03-01T10:04:11.250Z"),
        (1_772_359_451_250_001, "2026-03-01T10:04:11.250001Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (Int(Timestamp.end), "2201-01-01T00:00:00.000Z"), (Int.max, "294247-01-10T04:00:54.775807Z"),
        (Int.min, "-290308-12-21T19:59:05.224192Z"),
    ])
    func writes(time: Int, text: String) {
        #expect(written(Int64(time)) == text)
    }

    @Test func everyDayGoesThereAndBack() {
        var expected: (year: Int64, month: Int64, day: Int64) = (1970, 1, 1)
        let lengths: [Int64] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        for day in 0..<Timestamp.end / Timestamp.microsecondsPerDay {
            let date = Timestamp.date(ofDay: day)
            #expect(date == expected)
            #expect(Timestamp.days(year: date.year, month: date.month, day: date.day) == day)
            let leap = expected.year % 4 == 0 && (expected.year % 100 != 0 || expected.year % 400 == 0)
            expected.day += 1
            if expected.day > lengths[Int(expected.month) - 1] + (expected.month == 2 && leap ? 1 : 0) {
                expected.day = 1
                expected.month += 1
                if expected.month > 12 {
                    expected.month = 1
                    expected.year += 1
                }
            }
        }
        #expect(expected == (2201, 1, 1))
    }

    @Test func randomTimesGoThereAndBack() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20000 {
            let time = Int64.random(in: 0..<Timestamp.end, using: &random)
            #expect(Timestamp.microseconds(rfc3339: written(time)) == time)
        }
    }
}

@Suite struct DurationTextTests {
    func written(_ duration: Int64) -> String {
        var buffer = ByteBuffer()
        buffer.append(duration: duration)
        return buffer.string
    }

    @Test(arguments: [
        ("250ms", 250_000), ("30s", 30_000_000), ("10m", 600_000_000), ("1h30m", 5_400_000_000), ("2d", 172_800_000_000),
        ("1w", 604_800_000_000), ("12m34s250ms", 754_250_000), ("1ms500us", 1500), ("0s", 0), ("9223372036854775807us", Int.max),
    ])
    func reads(text: String, microseconds: Int) throws {
        #expect(try DurationText.microseconds(of: text) == Int64(microseconds))
    }

    @Test(arguments: [
        ("", DurationText.Failure.empty), ("h", .numberExpected(at: 0)), ("1", .unitExpected(at: 1)), ("1y", .unitExpected(at: 1)),
        ("1.5h", .unitExpected(at: 1)), ("30m1h", .unitOrder(at: 4)), ("1h1h", .unitOrder(at: 3)), ("-1h", .numberExpected(at: 0)),
        ("99999999999999999999s", .tooLong), ("99999999999999w", .tooLong), ("15250284452471w9223372036854775807us", .tooLong),
        ("1h 30m", .numberExpected(at: 2)),
    ])
    func refuses(text: String, failure: DurationText.Failure) {
        #expect(throws: failure) { try DurationText.microseconds(of: text) }
    }

    @Test(arguments: [
        (0, "0s"), (90_000_000, "1m30s"), (754_250_000, "12m34s250ms"), (1500, "1ms500us"), (-5_400_000_000, "-1h30m"),
        (Int.min, "-15250284w3d4h54s775ms808us"),
    ])
    func writes(microseconds: Int, text: String) {
        #expect(written(Int64(microseconds)) == text)
    }
}
