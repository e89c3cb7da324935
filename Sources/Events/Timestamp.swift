/// Times of events: microseconds since 1970-01-01T00:00:00Z, read from and written as RFC 3339.
///
/// Days and dates are turned into each other as in Howard Hinnant's "chrono-compatible low-level date algorithms": the year begins
/// in March, so that the leap day is its last.
public enum Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest time that an event may have.
    public static let earliest: Int64 = 0
    /// 2201-01-01T00:00:00Z: events are earlier than this.
    public static let end: Int64 = 7_289_654_400_000_000

    public static let microsecondsPerSecond: Int64 = 1_000_000
    public static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Whether an event may have this time: the years 1970 to 2200, both whole.
    @inlinable
    public static func isInRange(_ microseconds: Int64) -> Bool {
        microseconds >= 0 && microseconds < end
    }

    /// Days since 1970-01-01 of a date of the Gregorian calendar, also before its time.
    public static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date of a day counted from 1970-01-01.
    public static func date(ofDay days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Timestamp {
    /// Reads an RFC 3339 time, such as `2026-03-01T10:04:11.250Z` or `2026-03-01 12:04:11+02:00`.
    ///
    /// `T` and `Z` may be small, and a space may stand for `T`. The offset is never left out. Up to nine digits of a second's fraction
    /// are read and cut to microseconds. Second 60 is taken in any minute, as the start of the next one, because clocks with offsets
    /// show leap seconds in any. Nil where the text has another form or names a day that does not exist. The result may lie outside
    /// ``isInRange(_:)``.
    public static func microseconds(rfc3339 text: UnsafePointer<UInt8>, count: Int) -> Int64? {
        // The shortest form has 20 bytes; the longest has nine digits of a fraction and an offset.
        guard count >= 20 && count <= 35 else { return nil }
        guard let year = digits(text, 0, 4), let month = digits(text, 5, 2), let day = digits(text, 8, 2),
            let hour = digits(text, 11, 2), let minute = digits(text, 14, 2), let second = digits(text, 17, 2)
        else { return nil }
        let separator = text[10]
        guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            separator == UInt8(ascii: "T") || separator == UInt8(ascii: "t") || separator == UInt8(ascii: " "),
            month >= 1, month <= 12, day >= 1, day <= lastDay(year: year, month: month), hour < 24, minute < 60, second <= 60
        else { return nil }

        var at = 19
        var fraction: Int64 = 0
        if text[at] == UInt8(ascii: ".") {
            at += 1
            let first = at
            var scale: Int64 = 100_000
            while at < count, text[at] &- 0x30 < 10 {
                fraction += Int64(text[at] &- 0x30) * scale
                scale /= 10
                at += 1
            }
            guard at > first && at - first <= 9 else { return nil }
        }
        guard at < count else { return nil }
        var offsetMinutes: Int64 = 0
        switch text[at] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            at += 1
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard count - at == 6, text[at + 3] == UInt8(ascii: ":"), let hours = digits(text, at + 1, 2),
                let minutes = digits(text, at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (text[at] == UInt8(ascii: "-") ? -1 : 1)
            at += 6
        default:
            return nil
        }
        guard at == count else { return nil }
        // Four digits of a year keep all of this far from overflow.
        let minutes = days(year: year, month: month, day: day) * 1440 + hour * 60 + minute - offsetMinutes
        return (minutes * 60 + second) * microsecondsPerSecond + fraction
    }

    public static func microseconds(rfc3339 text: String) -> Int64? {
        var text = text
        return text.withUTF8 { utf8 in
            guard let base = utf8.baseAddress else { return nil }
            return microseconds(rfc3339: base, count: utf8.count)
        }
    }

    private static func digits(_ text: UnsafePointer<UInt8>, _ start: Int, _ length: Int) -> Int64? {
        var value: Int64 = 0
        for place in start..<start + length {
            let digit = text[place] &- 0x30
            guard digit < 10 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }

    private static func lastDay(year: Int64, month: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension ByteBuffer {
    /// Appends a time as RFC 3339 in UTC: with milliseconds, with microseconds where there are any. Any value of `Int64` is written;
    /// a year beyond 9999 takes more digits.
    public mutating func append(time microseconds: Int64) {
        var day = microseconds / Timestamp.microsecondsPerDay
        var rest = microseconds % Timestamp.microsecondsPerDay
        if rest < 0 {
            rest += Timestamp.microsecondsPerDay
            day -= 1
        }
        let date = Timestamp.date(ofDay: day)
        if date.year < 0 { append(UInt8(ascii: "-")) }
        let year = date.year.magnitude
        if year > 9999 { append(integer: year) } else { append(digits: year, width: 4) }
        append(UInt8(ascii: "-"))
        append(digits: UInt64(date.month), width: 2)
        append(UInt8(ascii: "-"))
        append(digits: UInt64(date.day), width: 2)
        append(UInt8(ascii: "T"))
        let seconds = UInt64(rest / Timestamp.microsecondsPerSecond)
        append(digits: seconds / 3600, width: 2)
        append(UInt8(ascii: ":"))
        append(digits: seconds / 60 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(digits: seconds % 60, width: 2)
        append(UInt8(ascii: "."))
        let fraction = UInt64(rest % Timestamp.microsecondsPerSecond)
        if fraction % 1000 == 0 {
            append(digits: fraction / 1000, width: 3)
        } else {
            append(digits: fraction, width: 6)
        }
        append(UInt8(ascii: "Z"))
    }
}
