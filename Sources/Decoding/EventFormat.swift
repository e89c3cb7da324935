public import Events

/// How the events of one input are read: where their type and their time stand.
public struct EventFormat: Sendable, Equatable {
    public enum TypeSource: Sendable, Equatable {
        case field(FieldPath)
        /// Every event of the input has this type.
        case constant(String)
    }

    public enum TimeFormat: Sendable, Equatable {
        /// A number is milliseconds, a string RFC 3339.
        case automatic
        case seconds, milliseconds, microseconds, nanoseconds, rfc3339
    }

    public var type: TypeSource
    public var timePath: FieldPath
    public var timeFormat: TimeFormat

    public init(
        type: TypeSource = .field(FieldPath(name: "type")), timePath: FieldPath = FieldPath(name: "ts"),
        timeFormat: TimeFormat = .automatic
    ) {
        self.type = type
        self.timePath = timePath
        self.timeFormat = timeFormat
    }
}
