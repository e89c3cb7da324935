import CSimdjson
import Decoding
import Events
import Foundation
import Seeds
import Testing

/// Random lines against two other parsers.
@Suite struct AgreementTests {
    struct Maker {
        var random = SeededGenerator(0)

        mutating func pick<T>(_ from: [T]) -> T { from.randomElement(using: &random)! }

        mutating func blank() -> String { Int.random(in: 0..<8, using: &random) == 0 ? pick([" ", "\t", "  ", "\r"]) : "" }

        mutating func string() -> String {
            let parts = ["a", "b", "\\n", "\\\"", "\\\\", "\\u0041", "é", "😀", "\\ud83d\\ude00", "{", "}", ",", ":", "[", "long text of some bytes"]
            return "\"" + (0..<Int.random(in: 0...5, using: &random)).map { _ in pick(parts) }.joined() + "\""
        }

        mutating func value(_ depth: Int) -> String {
            switch Int.random(in: 0..<(depth > 3 ? 6 : 9), using: &random) {
            case 0: return pick(["true", "false", "null"])
            case 1: return String(Int64.random(in: -1000...1000, using: &random))
            case 2: return String(Int64.random(in: .min ... .max, using: &random))
            case 3: return String(Double.random(in: -1000...1000, using: &random))
            case 4: return pick(["0", "-0", "1e5", "1.5E-7", "12345678901234567890", "0.25"])
            case 5: return string()
            case 6:
                return "[" + (0..<Int.random(in: 0...3, using: &random)).map { _ in blank() + value(depth + 1) + blank() }.joined(separator: ",") + "]"
            default: return object(depth + 1, keys: ["a", "b", "c", "type", "v", "k\\u0041", "x y", "a-long-key-that-goes-on"])
            }
        }

        mutating func object(_ depth: Int, keys: [String], first: String = "") -> String {
            var members = keys.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random)).map {
                "\(blank())\"\($0)\"\(blank()):\(blank())\(value(depth))\(blank())"
            }
            if !first.isEmpty { members.insert(first, at: Int.random(in: 0...members.count, using: &random)) }
            return "{" + members.joined(separator: ",") + "}"
        }

        mutating func event() -> String { object(0, keys: ["a", "b", "type", "v", "w", "d\\u0041"], first: "\"ts\":77") }
    }

    static let columns = ["a", "v", "type", "w.a", "v[0]", "v[1].b", "a.b.c", "w[2]", "dA"]

    func find(_ found: Any?, _ path: FieldPath) -> Any? {
        var value = found
        for component in path.components {
            switch component {
            case .name(let name): value = (value as? [String: Any])?[name]
            case .index(let index):
                guard let list = value as? [Any], index < list.count else { return nil }
                value = list[index]
            }
        }
        return value
    }

    func agree(_ value: Value, _ list: String?, _ expected: Any?) -> Bool {
        switch (value, expected) {
        case (.unknown, nil), (.unknown, is NSNull): return true
        case (.string(let text), let expected as String): return text == expected
        case (.object, is [String: Any]): return true
        case (.list, let expected as [Any]):
            guard let list, let read = try? JSONSerialization.jsonObject(with: Data(list.utf8)) else { return false }
            return isSame(read, expected)
        case (.boolean(let boolean), let expected as NSNumber): return expected.boolValue == boolean
        case (.integer(let integer), let expected as NSNumber):
            return expected.decimalValue == Decimal(string: "\(integer)") || expected.doubleValue == Double(integer)
        case (.double(let double), let expected as NSNumber):
            return isNear(expected.doubleValue, double)
        default: return false
        }
    }

    /// Foundation goes through decimals and may miss the last bit; ValueTests holds doubles to it.
    func isNear(_ one: Double, _ other: Double) -> Bool {
        abs(one - other) <= other.magnitude * 1e-15
    }

    /// simdjson may write one digit more than there was, which Foundation may then read as the neighbour.
    func isSame(_ one: Any, _ other: Any) -> Bool {
        switch (one, other) {
        case (let one as [Any], let other as [Any]):
            return one.count == other.count && zip(one, other).allSatisfy { isSame($0, $1) }
        case (let one as [String: Any], let other as [String: Any]):
            return one.count == other.count && one.allSatisfy { key, value in other[key].map { isSame(value, $0) } ?? false }
        case (let one as NSNumber, let other as NSNumber):
            return one == other || isNear(one.doubleValue, other.doubleValue)
        case (let one as NSObject, let other as NSObject): return one == other
        default: return false
        }
    }

    @Test func randomObjectsGiveTheValuesThatFoundationGives() throws {
        var maker = Maker()
        let paths = AgreementTests.columns.map(path)
        let decoder = BlockDecoder(columns: paths, format: EventFormat())
        for _ in 0..<40 {
            let lines = (0..<200).map { _ in maker.event() }
            let decoded = decode(Array((lines.joined(separator: "\n") + "\n").utf8), decoder: decoder)
            #expect(decoded.reasons == [])
            try #require(decoded.rows.count == lines.count)
            for (row, line) in zip(decoded.rows, lines) {
                let expected = try JSONSerialization.jsonObject(with: Data(line.utf8))
                #expect(row.raw == line)
                for (column, path) in paths.enumerated() where !agree(row.values[column], row.lists[column], find(expected, path)) {
                    Issue.record("\(path) is \(row.values[column]) in \(line)")
                }
            }
        }
    }

    /// Lines with a few bytes changed, many in a block: what we take there, simdjson takes of the line alone, and the other way round, save
    /// for what we are stricter or wider in on purpose.
    @Test func damagedLinesAreRefusedAsSimdjsonDoes() {
        var maker = Maker()
        let decoder = BlockDecoder(columns: AgreementTests.columns.map(path), format: EventFormat())
        let bytes = Array("{}[]:,\"\\ \tntf01-.eEu\u{0}\u{1F}é/x".utf8) + [0xFF, 0x1A, 0x0C]
        var taken = 0
        for _ in 0..<200 {
            var lines: [[UInt8]] = []
            for _ in 0..<100 {
                var line = Array(maker.event().utf8)
                for _ in 0..<Int.random(in: 1...3, using: &maker.random) {
                    let at = Int.random(in: 0..<max(1, line.count), using: &maker.random)
                    guard at < line.count else { continue }
                    switch Int.random(in: 0..<4, using: &maker.random) {
                    case 0: line[at] = maker.pick(bytes)
                    case 1: line.insert(maker.pick(bytes), at: at)
                    case 2: line.remove(at: at)
                    default: line.removeSubrange(at..<min(line.count, at + Int.random(in: 1...8, using: &maker.random)))
                    }
                }
                lines.append(line)
            }
            let decoded = decode(Array(lines.joined(separator: [0x0A])), decoder: decoder)
            var reasons: [UInt64: RejectReason] = [:]
            for reject in decoded.rejects { reasons[reject.line] = reject.reason }
            let rowLines = Set(decoded.rows.map(\.line))
            for (place, line) in lines.enumerated() {
                let number = UInt64(place + 1)
                let ours = rowLines.contains(number)
                if ours { taken += 1 }
                let accepted = line.withUnsafeBufferPointer { nt_reference_accepts($0.baseAddress, line.count) != 0 }
                switch reasons[number] {
                case nil:
                    // This simdjson has no integers beyond 64 bits, which are doubles here.
                    let text = String(decoding: line, as: UTF8.self)
                    let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
                    #expect(ours != isBlank)
                    if ours && !accepted { #expect(text.contains(/[0-9]{19}/), "Only we take \(text)") }
                case .timeMissing, .timeForm, .timeOutOfRange, .duplicateKey, .notAnObject:
                    #expect(!ours)
                case .badEscape where accepted:
                    // simdjson takes the second half of a surrogate pair by itself.
                    #expect(String(decoding: line, as: UTF8.self).contains("\\ude00"))
                case .some(let reason):
                    #expect(!ours)
                    #expect(!accepted, "Only simdjson takes \(String(decoding: line, as: UTF8.self)): \(reason)")
                }
            }
        }
        #expect(taken > 1000)
    }
}
