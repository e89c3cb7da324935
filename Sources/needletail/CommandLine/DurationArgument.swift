internal import Events

/// Durations as rules write them, in flags and in the configuration file: `10s`, `500ms`, `1h30m`.
enum DurationArgument {
    /// What belongs behind "needs", for messages.
    static let expected = "a duration such as 10s, 500ms or 1h30m"

    /// Reads a duration in microseconds; nil where the text is none.
    static func parse(_ text: String) -> Int64? {
        do throws(DurationText.Failure) { return try DurationText.microseconds(of: text) } catch { return nil }
    }

    /// The duration as rules write it.
    static func text(_ microseconds: Int64) -> String {
        var buffer = ByteBuffer()
        buffer.append(duration: microseconds)
        return buffer.string
    }
}
