public import Events
public import RuleLanguage

/// An event as the reference matcher sees it: the whole JSON object, its type, its time, and where it came from.
public struct ReferenceEvent: Sendable {
    /// The field `id` where it is a whole number, else -1: what comparisons of captures speak of.
    public var id: Int64
    /// The input's place on the command line, from 0.
    public var input: Int
    /// The line's place in its input, from 1.
    public var line: Int
    /// Microseconds since 1970.
    public var time: Int64
    /// Nil where the type's field is no string: such an event is none but `event`.
    public var type: String?
    public var fields: JSONValue
    /// The line, without its end.
    public var text: String
    /// The fields that an `event` declaration of this type names. `ReferenceMatcher` sets them.
    public var declared: [FieldPath: EventType.FieldType] = [:]
    /// The field that the stream reads the time from.
    private var timePath: FieldPath

    /// Reads a line; nil where it is no JSON object or its time is missing, unreadable or outside the years 1970 to 2200.
    public init?(text: String, stream: StreamDefinition = StreamDefinition(), input: Int = 0, line: Int = 1) {
        guard let fields = JSONValue(text: text), case .object = fields else { return nil }
        guard let time = EventTime.microseconds(fields.at(stream.time), format: stream.timeFormat) else { return nil }
        self.text = text
        self.fields = fields
        self.time = time
        timePath = stream.time
        self.input = input
        self.line = line
        if case .integer(let id) = fields.at(FieldPath(name: "id")) { self.id = Int64(clamping: id) } else { self.id = -1 }
        switch stream.type {
        case .constant(let constant): type = constant
        case .field(let path): if case .string(let name) = fields.at(path) { type = name } else { type = nil }
        }
    }

    /// The value of a field; unknown where there is none, and where it breaks the type's declaration. What is declared a time is one.
    public func value(at path: FieldPath) -> Value {
        let value = fields.at(path)?.value ?? .unknown
        switch (declared[path], value) {
        case (nil, _), (.any, _), (.string, .string), (.boolean, .boolean), (.list, .list), (.number, .integer), (.number, .double):
            return value
        case (.time, let value) where path == timePath && !value.isUnknown:
            return .time(time)
        case (.time, _):
            return EventTime.microseconds(fields.at(path), format: .automatic).map(Value.time) ?? .unknown
        default:
            return .unknown
        }
    }

    /// True where this event arrived before the other: by input, then by line.
    public func arrived(before other: ReferenceEvent) -> Bool {
        (input, line) < (other.input, other.line)
    }
}

/// Reads the times of events; section 7 of the language.
enum EventTime {
    /// 2200-01-01T00:00:00Z.
    static let end: Int64 = 7_258_118_400_000_000

    static func microseconds(_ json: JSONValue?, format: StreamDefinition.TimeFormat) -> Int64? {
        let time: Int64?
        switch (json, format) {
        case (.integer(let number), .automatic), (.integer(let number), .milliseconds): time = scaled(number, by: 1000)
        case (.integer(let number), .seconds): time = scaled(number, by: 1_000_000)
        case (.integer(let number), .microseconds): time = scaled(number, by: 1)
        case (.integer(let number), .nanoseconds): time = number < 0 ? nil : Int64(exactly: number / 1000)
        case (.double(let number), .automatic), (.double(let number), .milliseconds): time = scaled(number, by: 1000)
        case (.double(let number), .seconds): time = scaled(number, by: 1_000_000)
        case (.double(let number), .microseconds): time = scaled(number, by: 1)
        case (.double(let number), .nanoseconds): time = scaled(number, by: 0.001)
        case (.string(let text), .automatic), (.string(let text), .rfc3339): time = rfc3339(text)
        default: time = nil
        }
        guard let time, time >= 0, time < end else { return nil }
        return time
    }

    private static func scaled(_ number: Int128, by factor: Int128) -> Int64? {
        guard number >= 0, number <= Int128(Int64.max) else { return nil }
        return Int64(exactly: number * factor)
    }

    private static func scaled(_ number: Double, by factor: Double) -> Int64? {
        let product = (number * factor).rounded(.down)
        return product >= 0 && product < Double(end) ? Int64(exactly: product) : nil
    }

    /// `2026-03-01T10:04:11.25Z`, `…+01:00`; digits of a second behind the sixth are cut.
    static func rfc3339(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        func digits(_ count: Int) -> Int64? {
            guard rest.count >= count else { return nil }
            var number: Int64 = 0
            for byte in rest.prefix(count) {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(count)
            return number
        }
        func one(of characters: String) -> Bool {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = digits(4), one(of: "-"), let month = digits(2), one(of: "-"), let day = digits(2), one(of: "Tt "),
            let hour = digits(2), one(of: ":"), let minute = digits(2), one(of: ":"), let second = digits(2)
        else { return nil }
        guard (1...12).contains(month), day >= 1, day <= daysOf(month: month, year: year), hour < 24, minute < 60, second < 61 else {
            return nil
        }
        var micros: Int64 = 0
        if one(of: ".") {
            var scale: Int64 = 100_000
            var any = false
            while let digit = digits(1) {
                micros += digit * scale
                scale /= 10
                any = true
            }
            guard any else { return nil }
        }
        var offset: Int64 = 0
        if !one(of: "Zz") {
            let isEast = rest.first == UInt8(ascii: "+")
            guard one(of: "+-"), let hours = digits(2), one(of: ":"), let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
            offset = (hours * 60 + minutes) * 60 * (isEast ? 1 : -1)
        }
        guard rest.isEmpty else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        return (((days * 24 + hour) * 60 + minute) * 60 + second - offset) * 1_000_000 + micros
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func daysOf(month: Int64, year: Int64) -> Int64 {
        month == 2 ? (isLeap(year) ? 29 : 28) : ([4, 6, 9, 11].contains(month) ? 30 : 31)
    }

    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        var days: Int64 = 0
        if year >= 1970 {
            for past in 1970..<max(year, 1970) { days += isLeap(past) ? 366 : 365 }
        } else {
            for past in year..<1970 { days -= isLeap(past) ? 366 : 365 }
        }
        for past in 1..<max(month, 1) { days += daysOf(month: past, year: year) }
        return days + day - 1
    }
}
