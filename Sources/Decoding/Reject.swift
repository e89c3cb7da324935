/// Why a line is not an event. The first numbers are those of the decoder's C face.
public enum RejectReason: UInt32, Sendable, CaseIterable {
    case syntax = 1
    case notClosed = 2
    case trailingContent = 3
    case unclosedString = 4
    case badEscape = 5
    case badNumber = 6
    case controlCharacter = 7
    case notAnObject = 8
    case invalidUTF8 = 9
    case tooDeep = 10
    case numberOutOfRange = 11
    case duplicateKey = 12
    case lineTooLong = 13
    case timeMissing = 14
    case timeForm = 15
    case timeOutOfRange = 16
    /// Given by the runtime, which knows the watermark.
    case timeTooFarAhead = 17

    /// A short name that never changes, for counters and for programs that read `--rejects`.
    public var name: String {
        switch self {
        case .syntax: "json_syntax"
        case .notClosed: "json_not_closed"
        case .trailingContent: "json_trailing_content"
        case .unclosedString: "json_unclosed_string"
        case .badEscape: "json_bad_escape"
        case .badNumber: "json_bad_number"
        case .controlCharacter: "json_control_character"
        case .notAnObject: "not_an_object"
        case .invalidUTF8: "invalid_utf8"
        case .tooDeep: "too_deep"
        case .numberOutOfRange: "number_out_of_range"
        case .duplicateKey: "duplicate_key"
        case .lineTooLong: "line_too_long"
        case .timeMissing: "time_missing"
        case .timeForm: "time_form"
        case .timeOutOfRange: "time_out_of_range"
        case .timeTooFarAhead: "time_too_far_ahead"
        }
    }
}

extension RejectReason: CustomStringConvertible {
    /// One plain sentence for people.
    public var description: String {
        switch self {
        case .syntax: "The line is not valid JSON."
        case .notClosed: "The object is not closed before the line ends. An event must stand on one line."
        case .trailingContent: "Something follows the object on the same line. Each event needs a line of its own."
        case .unclosedString: "A quote is not closed before the line ends."
        case .badEscape: "A string has an escape that JSON does not know."
        case .badNumber: "A number is not written as JSON writes numbers."
        case .controlCharacter: "The line has a control character, such as a bare tab in a string or a NUL."
        case .notAnObject: "The line is JSON, but not an object in braces."
        case .invalidUTF8: "The line is not valid UTF-8."
        case .tooDeep: "Lists and objects are nested more than 1024 deep."
        case .numberOutOfRange: "A number is too large for a double (beyond 1.8e308)."
        case .duplicateKey: "An object has the same key twice."
        case .lineTooLong: "The line is longer than 1 MiB."
        case .timeMissing: "The event has no time."
        case .timeForm: "The event's time is not in the form that the stream declares."
        case .timeOutOfRange: "The event's time is outside the years 1970 to 2200."
        case .timeTooFarAhead: "The event's time is further ahead of the others than the stream's `ahead` allows."
        }
    }
}

/// A line that is not an event.
public struct Reject: Sendable, Equatable {
    /// Its number in the input, from 1.
    public var line: UInt64
    public var reason: RejectReason
    /// Where its bytes lie in the batch until the batch is used again, without the line's end.
    public var rawOffset: Int
    public var rawLength: Int
    /// How long it was in the input; more than `rawLength` where the reader has cut it.
    public var fullLength: UInt64

    public init(line: UInt64, reason: RejectReason, rawOffset: Int, rawLength: Int, fullLength: UInt64? = nil) {
        self.line = line
        self.reason = reason
        self.rawOffset = rawOffset
        self.rawLength = rawLength
        self.fullLength = fullLength ?? UInt64(rawLength)
    }
}
