internal import CPCRE2
internal import Events
internal import Glibc

extension Evaluator {
    /// The longest text or list that a function makes, in bytes; a longer one is unknown. Lines have at most a mebibyte, so this is room
    /// enough for what a function does to one field.
    static let textMax = 4 << 20

    /// A ``FunctionCode`` of the values at `arguments`. The checker has counted them; too few are a mismatch.
    func call(_ function: Int, _ arguments: UnsafeMutablePointer<Scalar>, _ count: Int) -> Scalar {
        guard let code = UInt32(exactly: function).flatMap(FunctionCode.init(rawValue:)), count >= Evaluator.argumentsMin(code) else {
            return mismatch()
        }
        switch code {
        case .abs, .round, .floor, .ceil, .sqrt, .log: return numeric(code, arguments, count)
        case .min, .max: return extreme(arguments, count, wanted: code == .min ? -1 : 1)
        case .lower, .upper: return cased(arguments[0], isUpper: code == .upper)
        case .length: return length(arguments[0])
        case .contains: return contains(arguments[0], arguments[1])
        case .startsWith, .endsWith: return hasEdge(arguments[0], arguments[1], atEnd: code == .endsWith)
        case .substring: return substring(arguments, count)
        case .split: return split(arguments[0], arguments[1])
        case .concat: return concat(arguments, count)
        case .distanceKilometres: return distance(arguments)
        case .cidr: return cidr(arguments[0], arguments[1])
        case .hour, .weekday: return calendar(code, arguments, count)
        case .element: return element(arguments[0], arguments[1])
        }
    }

    private static func argumentsMin(_ code: FunctionCode) -> Int {
        switch code {
        case .abs, .round, .floor, .ceil, .min, .max, .sqrt, .log, .lower, .upper, .length, .concat, .hour, .weekday: 1
        case .contains, .startsWith, .endsWith, .substring, .split, .cidr, .element: 2
        case .distanceKilometres: 4
        }
    }

    /// What a function gives whose arguments are not all of the types that it takes.
    private func unfit(_ first: Scalar, _ second: Scalar = .boolean(true), _ third: Scalar = .boolean(true)) -> Scalar {
        first.isUnknown || second.isUnknown || third.isUnknown ? .unknown : mismatch()
    }

    // MARK: Numbers

    private func numeric(_ code: FunctionCode, _ arguments: UnsafeMutablePointer<Scalar>, _ count: Int) -> Scalar {
        let value = arguments[0]
        if value.isUnknown { return .unknown }
        if code == .abs && value.kind == ValueKind.duration {
            return value.int64 == .min ? .unknown : .duration(Swift.abs(value.int64))
        }
        guard value.isNumber else { return mismatch() }
        switch code {
        case .sqrt: return .double(value.nearestDouble.squareRoot())
        case .log: return .double(Glibc.log(value.nearestDouble))
        case .abs:
            if value.kind == ValueKind.double { return .double(value.asDouble.magnitude) }
            return .wide(Int128(value.wideInteger.magnitude))
        case .round where count > 1: return rounded(value, digits: arguments[1])
        default:
            guard value.kind == ValueKind.double else { return value }
            switch code {
            case .floor: return .double(value.asDouble.rounded(.down))
            case .ceil: return .double(value.asDouble.rounded(.up))
            default: return .double(value.asDouble.rounded(.toNearestOrAwayFromZero))
            }
        }
    }

    /// Halves away from zero, as the value times a power of ten shows them.
    private func rounded(_ value: Scalar, digits: Scalar) -> Scalar {
        if digits.isUnknown { return .unknown }
        guard digits.kind == ValueKind.integer else { return mismatch() }
        guard digits.int64 >= 0 && digits.int64 <= 15 else { return .unknown }
        guard value.kind == ValueKind.double else { return value }
        var scale = 1.0
        for _ in 0..<digits.int64 { scale *= 10 }
        let scaled = value.asDouble * scale
        // What is too large to be scaled has no digits behind the point.
        return scaled.isFinite ? .double(scaled.rounded(.toNearestOrAwayFromZero) / scale) : value
    }

    private func extreme(_ arguments: UnsafeMutablePointer<Scalar>, _ count: Int, wanted: Int) -> Scalar {
        for index in 0..<count where arguments[index].isUnknown { return .unknown }
        var best = arguments[0]
        // Truth values are equal or not; neither is less.
        guard best.isComparable, best.kind != ValueKind.boolean else { return mismatch() }
        for index in 1..<max(1, count) {
            guard let order = compareScalars(arguments[index], best) else { return mismatch() }
            if order == wanted { best = arguments[index] }
        }
        return best
    }

    /// Haversine.
    private func distance(_ arguments: UnsafeMutablePointer<Scalar>) -> Scalar {
        for index in 0..<4 where arguments[index].isUnknown { return .unknown }
        for index in 0..<4 where !arguments[index].isNumber { return mismatch() }
        guard arguments[0].nearestDouble.magnitude <= 90, arguments[2].nearestDouble.magnitude <= 90 else { return .unknown }
        let latitude = arguments[0].nearestDouble * Double.pi / 180
        let longitude = arguments[1].nearestDouble * Double.pi / 180
        let otherLatitude = arguments[2].nearestDouble * Double.pi / 180
        let otherLongitude = arguments[3].nearestDouble * Double.pi / 180
        let sinLatitude = sin((otherLatitude - latitude) / 2)
        let sinLongitude = sin((otherLongitude - longitude) / 2)
        let part = sinLatitude * sinLatitude + cos(latitude) * cos(otherLatitude) * sinLongitude * sinLongitude
        return .double(2 * 6371.0088 * asin(Swift.min(1, part.squareRoot())))
    }

    // MARK: Lists

    /// `in` over the elements of a list.
    func membership(_ value: Scalar, in list: Scalar) -> Scalar {
        if list.isUnknown { return .unknown }
        guard list.kind == ValueKind.list else { return mismatch() }
        var reader = ListReader(list)
        if value.isUnknown { return reader.skip() ? .unknown : .boolean(false) }
        var sawUnknown = false, sawMismatch = false
        while let element = reader.next(&arena) {
            if element.isUnknown {
                sawUnknown = true
            } else if let order = compareScalars(value, element) {
                if order == 0 { return .boolean(true) }
            } else {
                sawMismatch = true
            }
        }
        return sawMismatch ? mismatch() : sawUnknown ? .unknown : .boolean(false)
    }

    private func element(_ list: Scalar, _ place: Scalar) -> Scalar {
        guard list.kind == ValueKind.list, place.kind == ValueKind.integer else { return unfit(list, place) }
        guard place.int64 >= 0, place.int64 < Int64(list.length) else { return .unknown }
        var reader = ListReader(list)
        for _ in 0..<place.int64 {
            guard reader.skip() else { return .unknown }
        }
        return reader.next(&arena) ?? .unknown
    }

    /// A list of values, as JSON; times and durations stand in it as texts.
    func list(of values: UnsafePointer<Scalar>, _ count: Int) -> Scalar {
        scratch.removeAll()
        scratch.append(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { scratch.append(UInt8(ascii: ",")) }
            scratch.append(json: values[index])
            guard scratch.count <= Evaluator.textMax else { return .unknown }
        }
        scratch.append(UInt8(ascii: "]"))
        return made(ValueKind.list)
    }

    // MARK: Texts

    /// What stands in `scratch`, as a value in the arena.
    private func made(_ kind: UInt8) -> Scalar {
        let count = scratch.count
        guard count <= Evaluator.textMax else { return .unknown }
        let text = arena.allocate(count)
        memcpy(text, scratch.bytes, count)
        var result = Scalar.text(text, count)
        result.kind = kind
        return result
    }

    private func cased(_ value: Scalar, isUpper: Bool) -> Scalar {
        guard value.kind == ValueKind.string else { return unfit(value) }
        let count = Int(value.length)
        let from = value.address
        var seen: UInt8 = 0
        for index in 0..<count { seen |= from[index] }
        guard seen < 0x80 else { return casedByUnicode(value, isUpper: isUpper) }
        let text = arena.allocate(count)
        let first = isUpper ? UInt8(ascii: "a") : UInt8(ascii: "A")
        for index in 0..<count {
            let byte = from[index]
            text[index] = byte &- first < 26 ? byte ^ 0x20 : byte
        }
        return .text(text, count)
    }

    @inline(never)
    private func casedByUnicode(_ value: Scalar, isUpper: Bool) -> Scalar {
        let text = String(decoding: UnsafeBufferPointer(start: value.address, count: Int(value.length)), as: UTF8.self)
        scratch.removeAll()
        scratch.append(text: isUpper ? text.uppercased() : text.lowercased())
        return made(ValueKind.string)
    }

    private func length(_ value: Scalar) -> Scalar {
        switch value.kind {
        case ValueKind.string:
            var continuations = 0
            for index in 0..<Int(value.length) where value.address[index] & 0xC0 == 0x80 { continuations += 1 }
            return .integer(Int64(Int(value.length) - continuations))
        case ValueKind.list:
            var reader = ListReader(value)
            var count: Int64 = 0
            while reader.skip() { count += 1 }
            return .integer(count)
        default: return unfit(value)
        }
    }

    private func contains(_ whole: Scalar, _ part: Scalar) -> Scalar {
        if whole.kind == ValueKind.list { return membership(part, in: whole) }
        guard whole.kind == ValueKind.string, part.kind == ValueKind.string else { return unfit(whole, part) }
        return .boolean(nt_bytes_find(whole.address, Int(whole.length), part.address, Int(part.length)) != nil)
    }

    private func hasEdge(_ whole: Scalar, _ part: Scalar, atEnd: Bool) -> Scalar {
        guard whole.kind == ValueKind.string, part.kind == ValueKind.string else { return unfit(whole, part) }
        guard part.length <= whole.length else { return .boolean(false) }
        let from = atEnd ? whole.address + Int(whole.length - part.length) : whole.address
        return .boolean(part.length == 0 || memcmp(from, part.address, Int(part.length)) == 0)
    }

    /// Borrows from the text that it is a part of.
    private func substring(_ arguments: UnsafeMutablePointer<Scalar>, _ count: Int) -> Scalar {
        let value = arguments[0], from = arguments[1]
        let length = count > 2 ? arguments[2] : .integer(.max)
        // A length beyond 2⁶³ is no error: the text ends before it.
        guard value.kind == ValueKind.string, Evaluator.isInteger(from), Evaluator.isInteger(length) else {
            return unfit(value, from, length)
        }
        guard from.wideInteger >= 0, length.wideInteger >= 0 else { return .unknown }
        let start = Evaluator.scalars(Int(clamping: from.wideInteger), of: value.address, Int(value.length))
        let text = value.address + start
        return .text(text, Evaluator.scalars(Int(clamping: length.wideInteger), of: text, Int(value.length) - start))
    }

    private static func isInteger(_ value: Scalar) -> Bool {
        value.kind == ValueKind.integer || value.kind == ValueKind.unsigned
    }

    /// Bytes of so many scalars from the start of a text, or all of it.
    private static func scalars(_ wanted: Int, of text: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var left = wanted
        var at = 0
        while at < count {
            if text[at] & 0xC0 != 0x80 {
                if left == 0 { return at }
                left -= 1
            }
            at += 1
        }
        return count
    }

    private func split(_ value: Scalar, _ separator: Scalar) -> Scalar {
        guard value.kind == ValueKind.string, separator.kind == ValueKind.string else { return unfit(value, separator) }
        var from = value.address
        var left = Int(value.length)
        scratch.removeAll()
        scratch.append(UInt8(ascii: "["))
        while separator.length > 0, let hit = nt_bytes_find(from, left, separator.address, Int(separator.length)) {
            let length = hit - from
            scratch.append(jsonString: from, count: length)
            scratch.append(UInt8(ascii: ","))
            guard scratch.count <= Evaluator.textMax else { return .unknown }
            from += length + Int(separator.length)
            left -= length + Int(separator.length)
        }
        scratch.append(jsonString: from, count: left)
        scratch.append(UInt8(ascii: "]"))
        return made(ValueKind.list)
    }

    private func concat(_ arguments: UnsafeMutablePointer<Scalar>, _ count: Int) -> Scalar {
        scratch.removeAll()
        for index in 0..<count where arguments[index].isUnknown { return .unknown }
        for index in 0..<count {
            let value = arguments[index]
            switch value.kind {
            case ValueKind.string: scratch.append(value.address, count: Int(value.length))
            case ValueKind.boolean: scratch.append(value.bits == 1 ? "true" as StaticString : "false")
            case ValueKind.integer: scratch.append(integer: value.int64)
            case ValueKind.unsigned: scratch.append(integer: value.bits)
            case ValueKind.double: scratch.append(double: value.asDouble)
            case ValueKind.duration: scratch.append(duration: value.int64)
            case ValueKind.time: scratch.append(time: value.int64)
            default: return mismatch()
            }
            guard scratch.count <= Evaluator.textMax else { return .unknown }
        }
        return made(ValueKind.string)
    }

    private func cidr(_ address: Scalar, _ network: Scalar) -> Scalar {
        guard address.kind == ValueKind.string, network.kind == ValueKind.string else { return unfit(address, network) }
        guard let isInside = InternetNetwork.contains(
            network: UnsafeBufferPointer(start: network.address, count: Int(network.length)),
            address: UnsafeBufferPointer(start: address.address, count: Int(address.length)))
        else { return .unknown }
        return .boolean(isInside)
    }
}
