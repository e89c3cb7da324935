internal import Events
internal import Glibc
internal import RuleLanguage

/// The functions of section 6. Lengths and places in strings count Unicode scalars from 0; an argument of the wrong kind gives unknown.
extension ReferenceEvaluator {
    static func call(_ function: Function, _ arguments: [Value]) -> Value {
        switch function {
        case .abs:
            guard let value = arguments.first else { return .unknown }
            switch value {
            case .integer(let integer): return Value(integer: integer < 0 ? -integer : integer)
            case .double(let double): return .double(Swift.abs(double))
            case .duration(let micros): return micros == .min ? .unknown : .duration(Swift.abs(micros))
            default: return .unknown
            }
        case .round: return round(arguments)
        case .floor: return rounded(arguments, .down)
        case .ceil: return rounded(arguments, .up)
        case .min: return extreme(arguments, .less)
        case .max: return extreme(arguments, .greater)
        case .sqrt: return numbers(arguments).map { Value(double: $0[0].squareRoot()) } ?? .unknown
        case .log: return numbers(arguments).map { Value(double: Glibc.log($0[0])) } ?? .unknown
        case .lower: return strings(arguments).map { .string($0[0].lowercased()) } ?? .unknown
        case .upper: return strings(arguments).map { .string($0[0].uppercased()) } ?? .unknown
        case .length:
            switch arguments.first {
            case .string(let string): return .integer(Int128(string.unicodeScalars.count))
            case .list(let elements): return .integer(Int128(elements.count))
            default: return .unknown
            }
        case .contains:
            if arguments.count == 2, case .list(let elements) = arguments[0] { return boolean(isIn(arguments[1], elements)) }
            guard let both = strings(arguments) else { return .unknown }
            return .boolean(isFound(Array(both[1].utf8), in: Array(both[0].utf8)))
        case .startsWith: return strings(arguments).map { .boolean($0[0].utf8.starts(with: $0[1].utf8)) } ?? .unknown
        case .endsWith: return strings(arguments).map { .boolean($0[0].utf8.reversed().starts(with: $0[1].utf8.reversed())) } ?? .unknown
        case .substring: return substring(arguments)
        case .split:
            guard let both = strings(arguments), both.count == 2 else { return .unknown }
            return .list(split(Array(both[0].utf8), by: Array(both[1].utf8)).map { .string(String(decoding: $0, as: UTF8.self)) })
        case .concat:
            // Fractions have no text here: only the engine writes doubles.
            let texts = arguments.map { argument -> String? in
                switch argument {
                case .string(let string): string
                case .integer(let integer): "\(integer)"
                case .boolean(let boolean): boolean ? "true" : "false"
                default: nil
                }
            }
            return texts.contains(nil) ? .unknown : .string(texts.compactMap { $0 }.joined())
        case .distanceKilometres: return distance(arguments)
        case .cidr:
            guard let both = strings(arguments), let isInside = Network.contains(both[1], both[0]) else { return .unknown }
            return .boolean(isInside)
        case .hour, .weekday:
            guard case .time(let micros) = arguments.first else { return .unknown }
            // No table of zones here: only UTC is known.
            if arguments.count > 1 { guard case .string("UTC") = arguments[1] else { return .unknown } }
            let hours: Int64 = floorQuotient(micros, 3_600_000_000)
            let days: Int64 = floorQuotient(hours, 24)
            if function == .hour { return .integer(Int128(hours - days * 24)) }
            // 1970-01-01 was a Thursday.
            return .integer(Int128(days + 3 - floorQuotient(days + 3, 7) * 7 + 1))
        case .element:
            guard arguments.count == 2, case .list(let elements) = arguments[0], case .integer(let index) = arguments[1],
                index >= 0, index < Int128(elements.count)
            else { return .unknown }
            return elements[Int(index)]
        }
    }

    private static func floorQuotient(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : (number + 1) / divisor - 1
    }

    /// All arguments as doubles; nil where one is no number or there is none.
    private static func numbers(_ arguments: [Value]) -> [Double]? {
        var numbers: [Double] = []
        for argument in arguments {
            switch argument {
            case .integer(let integer): numbers.append(Double(integer))
            case .double(let double): numbers.append(double)
            default: return nil
            }
        }
        return numbers.isEmpty ? nil : numbers
    }

    private static func strings(_ arguments: [Value]) -> [String]? {
        var strings: [String] = []
        for argument in arguments {
            guard case .string(let string) = argument else { return nil }
            strings.append(string)
        }
        return strings.isEmpty ? nil : strings
    }

    private static func rounded(_ arguments: [Value], _ rule: FloatingPointRoundingRule) -> Value {
        switch arguments.first {
        case .integer(let integer): .integer(integer)
        case .double(let double): Value(double: double.rounded(rule))
        default: .unknown
        }
    }

    /// Half away from zero; digits from 0 to 15 behind the point.
    private static func round(_ arguments: [Value]) -> Value {
        guard arguments.count > 1 else { return rounded(arguments, .toNearestOrAwayFromZero) }
        guard case .integer(let digits) = arguments[1], (0...15).contains(digits) else { return .unknown }
        guard case .double(let double) = arguments[0] else { return rounded(arguments, .toNearestOrAwayFromZero) }
        let scale = pow(10, Double(digits))
        let scaled = double * scale
        return scaled.isFinite ? Value(double: scaled.rounded(.toNearestOrAwayFromZero) / scale) : .double(double)
    }

    private static func isFound(_ wanted: [UInt8], in bytes: [UInt8]) -> Bool {
        guard wanted.count <= bytes.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { bytes[$0...].starts(with: wanted) }
    }

    private static func split(_ bytes: [UInt8], by separator: [UInt8]) -> [ArraySlice<UInt8>] {
        guard !separator.isEmpty else { return [bytes[...]] }
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var position = 0
        while position + separator.count <= bytes.count {
            if bytes[position...].starts(with: separator) {
                parts.append(bytes[start..<position])
                position += separator.count
                start = position
            } else {
                position += 1
            }
        }
        return parts + [bytes[start...]]
    }

    private static func substring(_ arguments: [Value]) -> Value {
        guard arguments.count >= 2, case .string(let string) = arguments[0], case .integer(let from) = arguments[1], from >= 0 else {
            return .unknown
        }
        let scalars = string.unicodeScalars.dropFirst(Int(clamping: from))
        guard arguments.count > 2 else { return .string(String(scalars)) }
        guard case .integer(let length) = arguments[2], length >= 0 else { return .unknown }
        return .string(String(scalars.prefix(Int(clamping: length))))
    }

    /// Kilometres over a sphere of the earth's mean radius, 6 371.0088 km.
    private static func distance(_ arguments: [Value]) -> Value {
        guard let degrees = numbers(arguments), degrees.count == 4 else { return .unknown }
        let radians = degrees.map { $0 * Double.pi / 180 }
        let sinLatitude = sin((radians[2] - radians[0]) / 2)
        let sinLongitude = sin((radians[3] - radians[1]) / 2)
        let part = sinLatitude * sinLatitude + cos(radians[0]) * cos(radians[2]) * sinLongitude * sinLongitude
        return Value(double: 2 * 6371.0088 * asin(Swift.min(1, part.squareRoot())))
    }
}

/// Addresses of the internet and their networks.
private enum Network {
    /// Nil where either text is none.
    static func contains(_ network: String, _ address: String) -> Bool? {
        let parts = network.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let base = bytes(String(parts[0])), let own = bytes(address) else { return nil }
        var bits = base.count * 8
        if parts.count == 2 {
            guard let count = Int(parts[1]), (0...bits).contains(count) else { return nil }
            bits = count
        }
        guard base.count == own.count else { return false }
        return (0..<bits).allSatisfy { (bit: Int) -> Bool in
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            return base[bit / 8] & mask == own[bit / 8] & mask
        }
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var address = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &address) == 1 { return address }
        }
        return nil
    }
}
