internal import Events

/// An event's time from the value of its time field.
struct EventTime {
    enum Reading: Equatable {
        case time(Int64)
        case reject(RejectReason)
    }

    let format: EventFormat.TimeFormat

    /// - Parameters:
    ///   - kind: a ``ValueKind``.
    ///   - strings: where the payload of a string points into.
    @inline(__always)
    func read(kind: UInt8, payload: UInt64, strings: UnsafePointer<UInt8>) -> Reading {
        switch kind {
        case ValueKind.integer: fromInteger(Int64(bitPattern: payload))
        case ValueKind.double: fromDouble(Double(bitPattern: payload))
        case ValueKind.string: fromText(strings + Int(payload & 0xFFFF_FFFF), Int(payload >> 32))
        case ValueKind.unknown: .reject(.timeMissing)
        // Beyond 63 bits no unit comes near the year 2200, save nanoseconds, and there 2^63 is the year 2262.
        case ValueKind.unsigned: format == .rfc3339 ? .reject(.timeForm) : .reject(.timeOutOfRange)
        default: .reject(.timeForm)
        }
    }

    @inline(__always)
    private func fromInteger(_ value: Int64) -> Reading {
        let scale: Int64
        switch format {
        case .automatic, .milliseconds: scale = 1000
        case .seconds: scale = 1_000_000
        case .microseconds: scale = 1
        case .nanoseconds: return value < 0 ? .reject(.timeOutOfRange) : inRange(value / 1000)
        case .rfc3339: return .reject(.timeForm)
        }
        let (time, overflow) = value.multipliedReportingOverflow(by: scale)
        return overflow ? .reject(.timeOutOfRange) : inRange(time)
    }

    /// A fraction is rounded to the nearest microsecond: a double has no exact decimals that could be cut.
    private func fromDouble(_ value: Double) -> Reading {
        let scaled: Double
        switch format {
        case .automatic, .milliseconds: scaled = value * 1000
        case .seconds: scaled = value * 1_000_000
        case .microseconds: scaled = value
        case .nanoseconds: scaled = value / 1000
        case .rfc3339: return .reject(.timeForm)
        }
        guard let time = Int64(exactly: scaled.rounded()) else { return .reject(.timeOutOfRange) }
        return inRange(time)
    }

    private func fromText(_ text: UnsafePointer<UInt8>, _ count: Int) -> Reading {
        guard format == .automatic || format == .rfc3339, let time = Timestamp.microseconds(rfc3339: text, count: count) else {
            return .reject(.timeForm)
        }
        return inRange(time)
    }

    @inline(__always)
    private func inRange(_ time: Int64) -> Reading {
        Timestamp.isInRange(time) ? .time(time) : .reject(.timeOutOfRange)
    }
}
