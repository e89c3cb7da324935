internal import Glibc

/// Which alerts came: their ids, found in whatever they came in.
struct AlertTally: Equatable {
    /// How many came, repeated ones too.
    private(set) var count = 0
    /// The low half of each id.
    private(set) var ids: Set<UInt64> = []

    private static let mark = Array("{\"id\":\"".utf8)
    private static let digits = 32

    /// Counts each alert of a text. An alert begins with its id, of 32 hexadecimal digits.
    mutating func take(_ text: UnsafeRawBufferPointer) {
        var rest = text
        while let found = rest.find(AlertTally.mark) {
            rest = UnsafeRawBufferPointer(rebasing: rest[(found + AlertTally.mark.count)...])
            guard rest.count >= AlertTally.digits else { return }
            if let id = AlertTally.low(UnsafeRawBufferPointer(rebasing: rest[..<AlertTally.digits])) {
                count += 1
                ids.insert(id)
            }
        }
    }

    /// The second half of the digits as a number; nil where they are none.
    private static func low(_ digits: UnsafeRawBufferPointer) -> UInt64? {
        var value: UInt64 = 0
        for byte in digits {
            switch byte {
            case 48...57: value = value << 4 | UInt64(byte - 48)
            case 97...102: value = value << 4 | UInt64(byte - 87)
            default: return nil
            }
        }
        return value
    }

    /// Of a file of alerts.
    static func of(file path: String) throws(BenchError) -> AlertTally {
        var tally = AlertTally()
        let file = try FileHandle(reading: path)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { room.deallocate() }
        var held = 0
        while true {
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: room[held...]))
            if count == 0 { break }
            // Whole lines; what follows the last of them is read on.
            let filled = UnsafeRawBufferPointer(rebasing: room[..<(held + count)])
            let whole = (filled.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
            guard whole > 0 || filled.count < room.count else { throw .failed("\(path) has a line of over a megabyte") }
            tally.take(UnsafeRawBufferPointer(rebasing: filled[..<whole]))
            held = filled.count - whole
            memmove(room.baseAddress!, filled.baseAddress! + whole, held)
        }
        return tally
    }
}

extension UnsafeRawBufferPointer {
    /// Where a text begins first; nil where it does not stand here.
    func find(_ text: [UInt8]) -> Int? {
        var place = 0
        while place + text.count <= count {
            guard let found = memchr(baseAddress! + place, Int32(text[0]), count - place - text.count + 1) else { return nil }
            place = UnsafeRawPointer(found) - baseAddress!
            if memcmp(found, text, text.count) == 0 { return place }
            place += 1
        }
        return nil
    }
}
