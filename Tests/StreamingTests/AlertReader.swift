import Events
import ReferenceMatcher
import RuleLanguage

/// Reads what the comparison needs out of an alert's line: a scanner that knows the order of an alert's members and takes none for
/// granted in silence.
struct AlertReader {
    struct Unreadable: Error, CustomStringConvertible {
        var line: String
        var place: Int
        var description: String { "no alert, from byte \(place): \(line)" }
    }

    private let bytes: [UInt8]
    private var place = 0

    static func alerts(in output: [UInt8]) throws(Unreadable) -> [ReferenceAlert] {
        var alerts: [ReferenceAlert] = []
        for line in output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            var reader = AlertReader(bytes: Array(line))
            alerts.append(try reader.alert())
        }
        return alerts
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var failure: Unreadable { Unreadable(line: String(decoding: bytes, as: UTF8.self), place: place) }

    private mutating func alert() throws(Unreadable) -> ReferenceAlert {
        try expect("{\"id\":")
        guard try string().utf8.count == 32 else { throw failure }
        try expect(",\"rule\":")
        let rule = try string()
        try expect(",\"kind\":")
        guard let kind = ReferenceMatch.Kind(rawValue: try string()) else { throw failure }
        try expect(",\"severity\":")
        _ = try string()
        try expect(",\"at\":")
        let at = try time()
        try expect(",\"started_at\":")
        _ = try time()
        try expect(",\"key\":")
        let key = try key()
        try expect(",\"summary\":")
        _ = try string()
        try expect(",\"fields\":")
        try skipValue()
        try expect(",\"tags\":")
        try skipValue()
        try expect(",\"suppressed\":")
        let suppressed = try number()
        if has(",\"omitted\":") { try skipValue() }
        try expect(",\"match\":{")
        var steps: [ReferenceAlert.Part] = []
        while !has("}") {
            if !steps.isEmpty { try expect(",") }
            let name = try string()
            try expect(":[")
            var ids: [Int64] = []
            repeat { ids.append(try event()) } while has(",")
            try expect("]")
            steps.append(.init(name: name, events: ids))
        }
        try expect("}")
        guard place == bytes.count else { throw failure }
        return ReferenceAlert(rule: rule, kind: kind, at: at, key: key, steps: steps, suppressed: Int(suppressed))
    }

    // MARK: - Pieces

    private mutating func has(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard place + count <= bytes.count else { return false }
        for index in 0..<count where bytes[place + index] != text.utf8Start[index] { return false }
        place += count
        return true
    }

    private mutating func expect(_ text: StaticString) throws(Unreadable) {
        guard has(text) else { throw failure }
    }

    private mutating func string() throws(Unreadable) -> String {
        let start = place
        try skipValue()
        guard case .string(let text) = JSONValue(text: String(decoding: bytes[start..<place], as: UTF8.self)) else { throw failure }
        return text
    }

    private mutating func time() throws(Unreadable) -> Int64 {
        let text = Array(try string().utf8)
        let time = text.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.flatMap { Timestamp.microseconds(rfc3339: $0, count: buffer.count) }
        }
        guard let time else { throw failure }
        return time
    }

    private mutating func number() throws(Unreadable) -> Int64 {
        let start = place
        while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) || bytes[place] == UInt8(ascii: "-") {
            place += 1
        }
        guard let number = Int64(String(decoding: bytes[start..<place], as: UTF8.self)) else { throw failure }
        return number
    }

    /// The values in the order of the text; whole numbers are integers, however they were written.
    private mutating func key() throws(Unreadable) -> [Value] {
        var values: [Value] = []
        try expect("{")
        while !has("}") {
            if !values.isEmpty { try expect(",") }
            _ = try string()
            try expect(":")
            let start = place
            try skipValue()
            guard let json = JSONValue(text: String(decoding: bytes[start..<place], as: UTF8.self)) else { throw failure }
            if case .double(let double) = json, let whole = Int128(exactly: double) {
                values.append(Value(integer: whole))
            } else {
                values.append(json.value)
            }
        }
        return values
    }

    /// A captured event's field `id`, which random events begin with.
    private mutating func event() throws(Unreadable) -> Int64 {
        let start = place
        guard has("{\"id\": ") else { throw failure }
        let id = try number()
        place = start
        try skipValue()
        return id
    }

    /// Steps over one value; what is inside of lists and objects is only counted.
    private mutating func skipValue() throws(Unreadable) {
        var depth = 0
        var isText = false
        let start = place
        while place < bytes.count {
            let byte = bytes[place]
            if isText {
                if byte == UInt8(ascii: "\\") { place += 1 } else if byte == UInt8(ascii: "\"") { isText = false }
                place += 1
                if !isText && depth == 0 { return }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
                if depth == 0 {
                    guard place > start else { throw failure }
                    return
                }
                if byte != UInt8(ascii: ",") {
                    depth -= 1
                    if depth == 0 {
                        place += 1
                        return
                    }
                }
            default: break
            }
            place += 1
        }
        throw failure
    }
}
