internal import Events
internal import Glibc

/// The offsets of a time zone from UTC: a TZif file (RFC 9636) of version 2 or later, with the rule behind its last change.
final class TimeZoneTable {
    /// Seconds since 1970, ascending, with the type that begins there.
    private var transitions: [Int64] = []
    private var transitionTypes: [UInt8] = []
    /// Seconds east of UTC, a type.
    private var offsets: [Int64] = []
    private var rule: TimeZoneRule?

    /// One offset for ever.
    init(fixedOffset seconds: Int64) {
        offsets = [seconds]
    }

    /// Nil where the bytes are no such file.
    init?(tzif bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        // The first block is for readers of 32-bit times and is passed over.
        guard let old = reader.header(), reader.skip(old.size(timeBytes: 4)), let counts = reader.header(), counts.types > 0,
            bytes.count - reader.at >= counts.size(timeBytes: 8)
        else { return nil }
        for _ in 0..<counts.times { transitions.append(Int64(bitPattern: reader.integer(bytes: 8))) }
        for _ in 0..<counts.times { transitionTypes.append(UInt8(truncatingIfNeeded: reader.integer(bytes: 1))) }
        for _ in 0..<counts.types {
            offsets.append(Int64(Int32(truncatingIfNeeded: reader.integer(bytes: 4))))
            _ = reader.integer(bytes: 2)
        }
        let isOrdered = zip(transitions, transitions.dropFirst()).allSatisfy { $0 < $1 }
        guard isOrdered, transitionTypes.allSatisfy({ Int($0) < offsets.count }), offsets.allSatisfy({ abs($0) <= 26 * 3600 }),
            reader.skip(counts.size(timeBytes: 8) - counts.times * 9 - counts.types * 6)
        else { return nil }
        let footer = bytes[reader.at...]
        guard footer.first == 0x0A, let last = footer.dropFirst().firstIndex(of: 0x0A) else { return nil }
        rule = TimeZoneRule(footer[(reader.at + 1)..<last])
    }

    /// Seconds east of UTC at a time in seconds since 1970.
    ///
    /// - Complexity: O(log n) of the zone's changes.
    func offset(at seconds: Int64) -> Int64 {
        guard let last = transitions.last else { return rule?.offset(at: seconds) ?? offsets[0] }
        if seconds >= last { return rule?.offset(at: seconds) ?? offsets[Int(transitionTypes[transitions.count - 1])] }
        var low = 0, high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return offsets[low == 0 ? 0 : Int(transitionTypes[low - 1])]
    }

    private struct Counts {
        var flags: Int
        var leaps: Int
        var times: Int
        var types: Int
        var letters: Int

        func size(timeBytes: Int) -> Int { times * (timeBytes + 1) + types * 6 + letters + leaps * (timeBytes + 4) + flags }
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        mutating func skip(_ count: Int) -> Bool {
            guard count >= 0, count <= bytes.count - at else { return false }
            at += count
            return true
        }

        /// Big-endian; zeros behind the end.
        mutating func integer(bytes count: Int) -> UInt64 {
            var value: UInt64 = 0
            for _ in 0..<count {
                value = value << 8 | UInt64(at < bytes.count ? bytes[at] : 0)
                at = min(at + 1, bytes.count)
            }
            return value
        }

        mutating func header() -> Counts? {
            guard bytes.count - at >= 44, bytes[at..<at + 4].elementsEqual([0x54, 0x5A, 0x69, 0x66]), bytes[at + 4] >= UInt8(ascii: "2")
            else { return nil }
            at += 20
            // Six counts of 32 bits stay far from overflow as 64-bit integers.
            let flagsOfUTC = Int(integer(bytes: 4)), flagsOfStandard = Int(integer(bytes: 4))
            let leaps = Int(integer(bytes: 4)), times = Int(integer(bytes: 4))
            let types = Int(integer(bytes: 4)), letters = Int(integer(bytes: 4))
            return Counts(flags: flagsOfUTC + flagsOfStandard, leaps: leaps, times: times, types: types, letters: letters)
        }
    }
}

/// The `TZ` string of POSIX at the end of a zone's file: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct TimeZoneRule {
    private var standard: Int64 = 0
    private var daylight: Int64?
    private var start = Change()
    private var end = Change()

    /// A day of each year and the seconds of that day, by the clock before the change.
    private struct Change {
        enum Day {
            /// Week 5 is the month's last; Sunday is 0.
            case month(Int64, week: Int64, weekday: Int64)
            /// 1 … 365, never the leap day.
            case withoutLeapDay(Int64)
            /// 0 … 365.
            case withLeapDay(Int64)
        }

        var day = Day.withLeapDay(0)
        var seconds: Int64 = 7200
    }

    init?(_ text: ArraySlice<UInt8>) {
        var reader = Reader(text: text)
        guard reader.skipName(), let west = reader.time(hoursMax: 24) else { return nil }
        standard = -west
        if reader.isAtEnd { return }
        guard reader.skipName() else { return nil }
        daylight = standard + 3600
        if let next = reader.text.first, next != UInt8(ascii: ",") {
            guard let west = reader.time(hoursMax: 24) else { return nil }
            daylight = -west
        }
        guard reader.take(","), let start = reader.change(), reader.take(","), let end = reader.change(), reader.isAtEnd else { return nil }
        self.start = start
        self.end = end
    }

    /// Seconds east of UTC.
    func offset(at seconds: Int64) -> Int64 {
        guard let daylight else { return standard }
        let local = seconds + standard
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        let year = Timestamp.date(ofDay: day).year
        let from = TimeZoneRule.seconds(start, year) - standard
        let to = TimeZoneRule.seconds(end, year) - daylight
        let isDaylight = from < to ? seconds >= from && seconds < to : seconds >= from || seconds < to
        return isDaylight ? daylight : standard
    }

    private static func seconds(_ change: Change, _ year: Int64) -> Int64 {
        let day: Int64
        switch change.day {
        case .month(let month, let week, let weekday):
            let first = Timestamp.days(year: year, month: month, day: 1)
            let next = month == 12 ? Timestamp.days(year: year + 1, month: 1, day: 1) : Timestamp.days(year: year, month: month + 1, day: 1)
            // 1970-01-01 was a Thursday.
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            let place = first + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            day = place < next ? place : place - 7
        case .withoutLeapDay(let number):
            let march = Timestamp.days(year: year, month: 3, day: 1)
            day = number >= 60 ? march + number - 60 : Timestamp.days(year: year, month: 1, day: number)
        case .withLeapDay(let number):
            day = Timestamp.days(year: year, month: 1, day: 1) + number
        }
        return day * 86_400 + change.seconds
    }

    private struct Reader {
        var text: ArraySlice<UInt8>

        var isAtEnd: Bool { text.isEmpty }

        mutating func take(_ letter: Unicode.Scalar) -> Bool {
            guard text.first == UInt8(ascii: letter) else { return false }
            text.removeFirst()
            return true
        }

        /// Letters, or anything in `<…>`.
        mutating func skipName() -> Bool {
            if take("<") {
                guard let last = text.firstIndex(of: UInt8(ascii: ">")) else { return false }
                text = text[(last + 1)...]
                return true
            }
            let name = text.prefix { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
            text = text[name.endIndex...]
            return name.count >= 3
        }

        mutating func number(max: Int64) -> Int64? {
            let digits = text.prefix { $0 &- 0x30 < 10 }
            guard !digits.isEmpty, digits.count <= 3 else { return nil }
            text = text[digits.endIndex...]
            let value = digits.reduce(0) { $0 * 10 + Int64($1 &- 0x30) }
            return value <= max ? value : nil
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time(hoursMax: Int64) -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number(max: hoursMax) else { return nil }
            var total = hours * 3600
            if take(":") {
                guard let minutes = number(max: 59) else { return nil }
                total += minutes * 60
                if take(":") {
                    guard let seconds = number(max: 59) else { return nil }
                    total += seconds
                }
            }
            return isNegative ? -total : total
        }

        mutating func change() -> Change? {
            var change = Change()
            if take("M") {
                guard let month = number(max: 12), month >= 1, take("."), let week = number(max: 5), week >= 1, take("."),
                    let weekday = number(max: 6)
                else { return nil }
                change.day = .month(month, week: week, weekday: weekday)
            } else if take("J") {
                guard let day = number(max: 365), day >= 1 else { return nil }
                change.day = .withoutLeapDay(day)
            } else {
                guard let day = number(max: 365) else { return nil }
                change.day = .withLeapDay(day)
            }
            if take("/") {
                guard let seconds = time(hoursMax: 167) else { return nil }
                change.seconds = seconds
            }
            return change
        }
    }
}
