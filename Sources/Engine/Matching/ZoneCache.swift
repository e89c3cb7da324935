internal import Events
internal import Glibc

/// Time zones by name as rules and events write them: `UTC`, `Z`, `+02:00`, `Europe/Berlin`. A name is looked up once.
///
/// The names of places are the files under `/usr/share/zoneinfo`; where they are missing only the others are known.
final class ZoneCache {
    /// A name of an event may be anything, so what is kept is bounded: beyond this the oldest goes.
    static let countMax = 64
    /// Bytes of a name.
    static let nameMax = 64
    private static let fileBytesMax = 256 * 1024
    private static let folder = "/usr/share/zoneinfo/"

    private struct Entry {
        var name: [UInt8]
        var zone: TimeZoneTable?
    }

    private var entries: [Entry] = []
    private var last = 0
    private var oldest = 0

    /// Nil where no zone has that name.
    ///
    /// - Complexity: one comparison where the name is that of the call before; a new one reads a file.
    func zone(named name: UnsafeBufferPointer<UInt8>) -> TimeZoneTable? {
        guard name.count <= ZoneCache.nameMax else { return nil }
        if last < entries.count && ZoneCache.isEqual(entries[last].name, name) { return entries[last].zone }
        if let index = entries.firstIndex(where: { ZoneCache.isEqual($0.name, name) }) {
            last = index
            return entries[index].zone
        }
        let entry = Entry(name: Array(name), zone: ZoneCache.read(Array(name)))
        if entries.count < ZoneCache.countMax {
            last = entries.count
            entries.append(entry)
        } else {
            last = oldest
            entries[oldest] = entry
            oldest = (oldest + 1) % ZoneCache.countMax
        }
        return entry.zone
    }

    private static func isEqual(_ left: [UInt8], _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        left.count == right.count && left.elementsEqual(right)
    }

    private static func read(_ name: [UInt8]) -> TimeZoneTable? {
        if name.elementsEqual("UTC".utf8) || name.elementsEqual("Z".utf8) { return TimeZoneTable(fixedOffset: 0) }
        if let seconds = fixedOffset(name) { return TimeZoneTable(fixedOffset: seconds) }
        guard isPath(name), let bytes = contents(of: folder + String(decoding: name, as: UTF8.self)) else { return nil }
        return TimeZoneTable(tzif: bytes)
    }

    /// `+02:00`, `-09:30`: less than a day.
    private static func fixedOffset(_ name: [UInt8]) -> Int64? {
        guard name.count == 6, name[0] == UInt8(ascii: "+") || name[0] == UInt8(ascii: "-"), name[3] == UInt8(ascii: ":")
        else { return nil }
        let digits = [name[1], name[2], name[4], name[5]].map { Int64($0) - 0x30 }
        guard digits.allSatisfy({ $0 >= 0 && $0 < 10 }) else { return nil }
        let hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3]
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 3600 + minutes * 60) * (name[0] == UInt8(ascii: "-") ? -1 : 1)
    }

    /// Letters, digits, `_`, `+` and `-` between single slashes: nothing that leads out of the folder.
    private static func isPath(_ name: [UInt8]) -> Bool {
        guard let first = name.first, first != UInt8(ascii: "/"), name.last != UInt8(ascii: "/") else { return false }
        var previous: UInt8 = 0
        for byte in name {
            let isLetter = byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
            let isOther = byte == UInt8(ascii: "_") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            let isSlash = byte == UInt8(ascii: "/") && previous != UInt8(ascii: "/")
            guard isLetter || byte &- 0x30 < 10 || isOther || isSlash else { return false }
            previous = byte
        }
        return true
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "rbe") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax)
        let count = fread(&bytes, 1, fileBytesMax, file)
        guard count > 0, count < fileBytesMax else { return nil }
        return Array(bytes[..<count])
    }
}

/// The time zones that `hour` and `weekday` know.
public enum TimeZoneName {
    /// Whether a zone has that name.
    ///
    /// - Complexity: reads a file for the name of a place.
    public static func isKnown(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { ZoneCache().zone(named: $0) != nil }
    }
}

extension Evaluator {
    /// `hour` and `weekday`.
    func calendar(_ function: FunctionCode, _ arguments: UnsafeMutablePointer<Scalar>, _ count: Int) -> Scalar {
        if arguments[0].isUnknown || (count > 1 && arguments[1].isUnknown) { return .unknown }
        guard arguments[0].kind == ValueKind.time else { return mismatch() }
        var seconds = Evaluator.floorQuotient(arguments[0].int64, Timestamp.microsecondsPerSecond)
        if count > 1 {
            guard arguments[1].kind == ValueKind.string,
                let zone = zones.zone(named: UnsafeBufferPointer(start: arguments[1].address, count: Int(arguments[1].length)))
            else { return mismatch() }
            seconds += zone.offset(at: seconds)
        }
        let days = Evaluator.floorQuotient(seconds, 86_400)
        if function == .hour { return .integer((seconds - days * 86_400) / 3600) }
        // 1970-01-01 was a Thursday, day 4 of the week.
        return .integer(days + 3 - Evaluator.floorQuotient(days + 3, 7) * 7 + 1)
    }

    private static func floorQuotient(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}
