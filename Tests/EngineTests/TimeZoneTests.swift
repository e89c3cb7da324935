import Events
import Foundation
import Testing

@testable import Engine

@Suite struct TimeZoneTests {
    let bench = EvaluatorBench()

    private func hour(_ time: String, _ zone: String? = nil) -> String {
        let time = Scalar.time(Timestamp.microseconds(rfc3339: time)!)
        return bench.result(.hour, zone.map { [time, bench.text($0)] } ?? [time])
    }

    private func weekday(_ time: String, _ zone: String? = nil) -> String {
        let time = Scalar.time(Timestamp.microseconds(rfc3339: time)!)
        return bench.result(.weekday, zone.map { [time, bench.text($0)] } ?? [time])
    }

    @Test func universalTime() {
        #expect(hour("2026-03-01T23:59:59.999Z") == "23")
        #expect(hour("1970-01-01T00:00:00Z") == "0")
        #expect(weekday("1970-01-01T00:00:00Z") == "4")
        #expect(weekday("2026-03-01T12:00:00Z") == "7")
        #expect(weekday("2026-03-02T00:00:00Z") == "1")
        #expect(bench.result(.hour, [.time(-1)]) == "23")
        #expect(bench.result(.weekday, [.time(-1)]) == "3")
        #expect(bench.result(.hour, [.integer(5)]) == "null!")
        #expect(bench.result(.hour, [.time(5), .integer(5)]) == "null!")
        #expect(bench.result(.hour, [.time(5), .unknown]) == "null")
    }

    @Test func fixedOffsets() {
        #expect(hour("2026-03-01T23:30:00Z", "+02:00") == "1")
        #expect(weekday("2026-03-01T23:30:00Z", "+02:00") == "1")
        #expect(hour("2026-03-01T00:30:00Z", "-01:45") == "22")
        #expect(hour("2026-03-01T05:30:00Z", "UTC") == "5")
        #expect(hour("2026-03-01T05:30:00Z", "Z") == "5")
    }

    @Test func unknownZonesAreMismatches() {
        for zone in [
            "", "Mars/Olympus", "+2", "+24:00", "+02:60", "+0200", "../../etc/passwd", "/etc/passwd", "Europe", "Europe/", "Europe//Berlin",
            "tzdata.zi", "zone.tab", "europe berlin", String(repeating: "a", count: 1000), "Europe/Berlin\0",
        ] {
            #expect(hour("2026-03-01T05:30:00Z", zone) == "null!", "\(zone)")
        }
    }

    /// Far more names than the cache keeps.
    @Test func theCacheIsBounded() {
        for round in 0..<300 {
            #expect(hour("2026-03-01T05:30:00Z", "None\(round)") == "null!")
            #expect(hour("2026-03-01T05:30:00Z", "+0\(round % 10):00") == "\(5 + round % 10)")
        }
    }

    @Test func placesHaveSummerTime() {
        #expect(hour("2026-03-29T00:59:59Z", "Europe/Berlin") == "1")
        #expect(hour("2026-03-29T01:00:00Z", "Europe/Berlin") == "3")
        #expect(hour("2026-10-25T00:59:59Z", "Europe/Berlin") == "2")
        #expect(hour("2026-10-25T01:00:00Z", "Europe/Berlin") == "2")
        #expect(hour("2026-10-25T02:00:00Z", "Europe/Berlin") == "3")
        // Behind the last change in the file the rule at its end holds.
        #expect(hour("2199-07-01T10:00:00Z", "Europe/Berlin") == "12")
        #expect(hour("2199-12-31T23:30:00Z", "Europe/Berlin") == "0")
        #expect(hour("2199-01-01T00:30:00Z", "Australia/Sydney") == "11")
        #expect(hour("2199-07-01T00:30:00Z", "Australia/Sydney") == "10")
    }

    /// Every zone of the system against what the C library makes of it.
    @Test func zonesAgreeWithTheLibrary() throws {
        let names = [
            "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca",
            "America/Sao_Paulo", "Europe/Dublin", "Antarctica/Troll", "Pacific/Apia", "America/Godthab", "Asia/Gaza", "Etc/GMT+5",
            "Asia/Kathmandu", "Pacific/Chatham",
        ]
        let cache = ZoneCache()
        var generator = SystemRandomNumberGenerator()
        for name in names {
            let zone = try #require(Array(name.utf8).withUnsafeBufferPointer { cache.zone(named: $0) })
            var times = (0..<3000).map { _ in Int64.random(in: 0..<(Timestamp.end / 1_000_000), using: &generator) }
            for year in stride(from: Int64(1970), to: 2200, by: 7) {
                let first = Timestamp.days(year: year, month: 1, day: 1)
                for day in 0..<Int64(366) { times.append((first + day) * 86_400 + day % 24 * 3600) }
            }
            setenv("TZ", name, 1)
            tzset()
            for time in times {
                var seconds = time_t(time)
                var parts = tm()
                localtime_r(&seconds, &parts)
                #expect(zone.offset(at: time) == Int64(parts.tm_gmtoff), "\(name) at \(time)")
                if zone.offset(at: time) != Int64(parts.tm_gmtoff) { break }
            }
        }
        unsetenv("TZ")
        tzset()
    }

    /// Changed and cut files are refused or read, never a trap.
    @Test func brokenFiles() throws {
        let url = URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin")
        let good = Array(try Data(contentsOf: url))
        #expect(TimeZoneTable(tzif: good) != nil)
        for length in stride(from: 0, to: good.count, by: 13) { #expect(TimeZoneTable(tzif: Array(good[..<length])) == nil) }
        for place in 0..<good.count {
            for byte: UInt8 in [0, 0x7F, 0xFF] {
                var bad = good
                bad[place] = byte
                let zone = TimeZoneTable(tzif: bad)
                for time in [Int64(0), 1_774_000_000, 7_000_000_000, -9_000_000_000_000, 9_000_000_000_000] { _ = zone?.offset(at: time) }
            }
        }
    }

    @Test func rulesOfPOSIX() {
        func offset(_ rule: String, _ time: String) -> Int64? {
            let bytes = Array(rule.utf8)
            return TimeZoneRule(bytes[...])?.offset(at: Timestamp.microseconds(rfc3339: time)! / 1_000_000)
        }
        #expect(offset("CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01T00:00:00Z") == 7200)
        #expect(offset("<-03>3", "2026-07-01T00:00:00Z") == -10_800)
        #expect(offset("XXX3EDT4,0/0,J365/23", "2026-01-01T03:00:00Z") == -14_400)
        #expect(offset("XXX3EDT4,0/0,J365/23", "2026-12-31T23:59:59Z") == -14_400)
        #expect(offset("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z") == 7200)
        #expect(offset("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z") == 10_800)
        #expect(offset("AAA0BBB,J60,J61", "2024-03-01T03:00:00Z") == 3600)
        #expect(offset("AAA0BBB,59,60", "2024-02-29T03:00:00Z") == 3600)
        for wrong in [
            "", "A1", "CET", "CET-1CEST", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0x", "CET-99", "<CET-1",
        ] {
            #expect(offset(wrong, "2026-07-01T00:00:00Z") == nil, "\(wrong)")
        }
    }
}
