// The events of a test as lines of its stream: what the test writes, with type and time where the stream looks for them.

internal import Diagnostics
internal import Events

extension TestSyntax {
    /// Why a field cannot be set.
    struct Obstacle: Error {
        /// What is in its way; nil: the path leads deeper than tests can write.
        var span: Span?
    }

    /// Most components of the paths to type and time that a test can write, and the first place of a list that it cannot.
    static let pathMax = 64

    /// The fields with one more. It stands before the others, so that type and time come first in the line.
    static func setting(_ path: FieldPath, to value: JSON, in fields: [Member], span: Span) throws(Obstacle) -> [Member] {
        guard path.components.count <= pathMax else { throw Obstacle(span: nil) }
        guard case .object(let members) = try setting(path.components[...], to: value, in: .object(fields), span: span) else {
            throw Obstacle(span: nil)
        }
        return members
    }

    private static func setting(
        _ path: ArraySlice<FieldPath.Component>, to value: JSON, in json: JSON?, span: Span
    ) throws(Obstacle) -> JSON {
        switch path.first {
        case nil:
            guard json == nil else { throw Obstacle(span: span) }
            return value
        case .name(let name):
            var members: [Member] = []
            if let json {
                guard case .object(let known) = json else { throw Obstacle(span: span) }
                members = known
            }
            if let place = members.firstIndex(where: { $0.name.text == name }) {
                let member = members[place]
                members[place].value = try setting(path.dropFirst(), to: value, in: member.value, span: member.span)
            } else {
                let inner = try setting(path.dropFirst(), to: value, in: nil, span: span)
                members.insert(Member(name: Name(text: name, span: span, isQuoted: false), value: inner, span: span), at: 0)
            }
            return .object(members)
        case .index(let index):
            var elements: [JSON] = []
            if let json {
                guard case .array(let known) = json else { throw Obstacle(span: span) }
                elements = known
            }
            if index < elements.count {
                let isFree = if case .null = elements[index] { true } else { false }
                elements[index] = try setting(path.dropFirst(), to: value, in: isFree ? nil : elements[index], span: span)
                return .array(elements)
            }
            guard index < pathMax else { throw Obstacle(span: nil) }
            while elements.count < index { elements.append(.null) }
            elements.append(try setting(path.dropFirst(), to: value, in: nil, span: span))
            return .array(elements)
        }
    }

    /// A time as the stream reads it. Durations are whole milliseconds, so that only `seconds` may need a fraction.
    static func time(_ microseconds: Int64, _ format: StreamDefinition.TimeFormat) -> JSON {
        switch format {
        case .automatic, .rfc3339:
            var buffer = ByteBuffer()
            buffer.append(time: microseconds)
            return .string(buffer.string)
        case .seconds:
            return .number(
                microseconds % 1_000_000 == 0 ? .integer(Int128(microseconds / 1_000_000)) : .double(Double(microseconds) / 1_000_000))
        case .milliseconds: return .number(.integer(Int128(microseconds / 1000)))
        case .microseconds: return .number(.integer(Int128(microseconds)))
        case .nanoseconds: return .number(.integer(Int128(microseconds) * 1000))
        }
    }

    /// Fields as a compact JSON object.
    static func text(_ fields: [Member]) -> String {
        var buffer = ByteBuffer()
        buffer.append(json: .object(fields))
        return buffer.string
    }
}

extension ByteBuffer {
    fileprivate mutating func append(json: TestSyntax.JSON) {
        switch json {
        case .null: append("null")
        case .boolean(let flag): append(text: flag ? "true" : "false")
        case .number(.integer(let value)):
            if let small = Int64(exactly: value) { append(integer: small) } else { append(integer: UInt64(clamping: value)) }
        case .number(.double(let value)): append(double: value)
        case .number: append("null")
        case .string(let text): append(jsonString: text)
        case .array(let elements):
            append(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                if place > 0 { append(UInt8(ascii: ",")) }
                append(json: element)
            }
            append(UInt8(ascii: "]"))
        case .object(let members):
            append(UInt8(ascii: "{"))
            for (place, member) in members.enumerated() {
                if place > 0 { append(UInt8(ascii: ",")) }
                append(jsonString: member.name.text)
                append(UInt8(ascii: ":"))
                append(json: member.value)
            }
            append(UInt8(ascii: "}"))
        }
    }
}
