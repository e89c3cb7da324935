internal import Events

/// What a function takes and gives.
struct FunctionSignature {
    var parameters: [ValueType]
    /// How many may be left out at the end.
    var optionalCount = 0
    /// The last parameter may be repeated.
    var isVariadic = false
    var result: ValueType
    /// As it is shown in messages.
    var usage: String

    var countsAllowed: ClosedRange<Int> {
        (parameters.count - optionalCount)...(isVariadic ? Int(Int16.max) : parameters.count)
    }

    /// - Precondition: not ``Function/element``, which is not written as a call.
    init(_ function: Function) {
        switch function {
        case .abs: self.init([.number], .number, "abs(x)")
        case .round: self.init([.number, .number], .number, "round(x, digits)", optional: 1)
        case .floor: self.init([.number], .number, "floor(x)")
        case .ceil: self.init([.number], .number, "ceil(x)")
        case .min: self.init([.any, .any], .any, "min(a, b, …)", isVariadic: true)
        case .max: self.init([.any, .any], .any, "max(a, b, …)", isVariadic: true)
        case .sqrt: self.init([.number], .number, "sqrt(x)")
        case .log: self.init([.number], .number, "log(x)")
        case .lower: self.init([.string], .string, "lower(text)")
        case .upper: self.init([.string], .string, "upper(text)")
        case .length: self.init([.any], .number, "length(text)")
        case .contains: self.init([.string, .string], .boolean, "contains(text, part)")
        case .startsWith: self.init([.string, .string], .boolean, "starts_with(text, part)")
        case .endsWith: self.init([.string, .string], .boolean, "ends_with(text, part)")
        case .substring: self.init([.string, .number, .number], .string, "substring(text, from, length)")
        case .split: self.init([.string, .string], .list, "split(text, separator)")
        case .concat: self.init([.any], .string, "concat(a, …)", isVariadic: true)
        case .distanceKilometres: self.init([.number, .number, .number, .number], .number, "distance_km(lat, lon, lat, lon)")
        case .cidr: self.init([.string, .string], .boolean, "cidr(ip, \"10.0.0.0/8\")")
        case .hour: self.init([.time, .string], .number, "hour(time, \"Europe/Berlin\")", optional: 1)
        case .weekday: self.init([.time, .string], .number, "weekday(time, \"Europe/Berlin\")", optional: 1)
        case .element: preconditionFailure("an index is not written as a call")
        }
    }

    private init(_ parameters: [ValueType], _ result: ValueType, _ usage: String, optional: Int = 0, isVariadic: Bool = false) {
        self.parameters = parameters
        self.result = result
        self.usage = usage
        optionalCount = optional
        self.isVariadic = isVariadic
    }

    static let names: [String] = Function.allCases.filter { $0 != .element }.map(\.rawValue)

    /// Whether a text is an address with a length of prefix, IPv4 or IPv6.
    static func isNetwork(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, parts[1].utf8.allSatisfy(Lexer.isDigit), parts[1].utf8.count <= 3,
            let bits = Int(parts[1])
        else { return false }
        return parts[0].utf8.contains(UInt8(ascii: ":")) ? isIPv6(parts[0]) && bits <= 128 : isIPv4(parts[0]) && bits <= 32
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.count <= 3 && part.utf8.allSatisfy(Lexer.isDigit) && (Int(part) ?? 256) <= 255
                    && (part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0"))
            }
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        var groups = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        if let last = groups.last, last.utf8.contains(UInt8(ascii: ".")) {
            guard isIPv4(last) else { return false }
            groups[groups.count - 1] = "0"
            count += 1
        }
        // An empty group at an end is half of a `::` there.
        if groups.first?.isEmpty == true {
            guard groups.count > 2, groups[1].isEmpty else { return false }
            groups.removeFirst()
        }
        if groups.last?.isEmpty == true {
            guard groups.count > 1, groups[groups.count - 2].isEmpty else { return false }
            groups.removeLast()
        }
        let empty = groups.count { $0.isEmpty }
        guard empty <= 1 else { return false }
        for group in groups where !group.isEmpty {
            guard group.utf8.count <= 4, group.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return false }
            count += 1
        }
        return empty == 1 ? count < 8 : count == 8
    }
}
