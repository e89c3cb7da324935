internal import Engine

/// Where a run stood at a checkpoint; the bytes that a ``StateStore`` keeps with its rows.
///
/// All numbers are little-endian, texts and lists have their length before them. A later version that needs more takes another
/// ``version``; what has landed is read for ever.
struct Anchor: Equatable, Sendable {
    static let version: UInt32 = 2

    struct Input: Equatable, Sendable {
        var name: String
        /// Of the `stream` that it was read as; empty for the one without a name.
        var stream: String
        /// Where reading goes on: at the oldest event that was not matched.
        var position: UInt64
        /// What finds that position again, as the source gave it.
        var place: [UInt8] = []
        var line: UInt64
        /// As it was before that line.
        var watermark: Int64
        var lastTime: Int64?
        var largestTime: Int64?
        /// Lines before this one were read: what was late or rejected among them has been said, and what the bound lets go was matched.
        var seenLine: UInt64
        /// It was read to its end, and all of it was matched.
        var hasEnded: Bool
        /// Steps that silence made since that line.
        var advances: [IdleAdvance]
    }

    /// A file that alerts, late lines or rejects go to.
    struct Sink: Equatable, Sendable {
        var name: String
        /// Bytes; -1 where it cannot be cut back.
        var length: Int64
        /// The last of them, by which the file is known again.
        var tail: [UInt8]
    }

    /// A rule whose state is here. Rules are in the order of their ranks.
    struct Rule: Equatable, Sendable {
        var name: String
        var fingerprint: Fingerprint
        /// The group of rules that share its keys.
        var group: UInt32
    }

    /// Rules that share their keys.
    struct Group: Equatable, Sendable {
        /// Of the key's parts.
        var names: [String]
        /// The fields that captured events keep, in their order.
        var columns: [String]
    }

    /// Of the hash of keys.
    var seed: UInt64
    var rules: [Rule]
    var groups: [Group]
    /// What was let go was matched.
    var bound: ReleaseBound
    var inputs: [Input]
    /// Alerts, then late lines, then rejects.
    var sinks: [Sink]
    /// Alerts that have left since the state began.
    var alerts: UInt64
    /// By the wall clock, microseconds since 1970.
    var madeAt: Int64
}

extension Anchor {
    func encoded() -> [UInt8] {
        var writer = AnchorWriter()
        writer.append(Anchor.version)
        writer.append(seed)
        writer.append(madeAt)
        writer.append(bound.time)
        writer.append(Int64(clamping: bound.input))
        writer.append(alerts)
        writer.append(UInt32(rules.count))
        for rule in rules {
            writer.append(rule.name)
            writer.append(rule.fingerprint.low)
            writer.append(rule.fingerprint.high)
            writer.append(rule.group)
        }
        writer.append(UInt32(groups.count))
        for group in groups {
            for texts in [group.names, group.columns] {
                writer.append(UInt32(texts.count))
                for text in texts { writer.append(text) }
            }
        }
        writer.append(UInt32(inputs.count))
        for input in inputs {
            writer.append(input.name)
            writer.append(input.stream)
            writer.append(input.position)
            writer.append(input.place)
            writer.append(input.line)
            writer.append(input.watermark)
            writer.append(input.lastTime)
            writer.append(input.largestTime)
            writer.append(input.seenLine)
            writer.bytes.append(input.hasEnded ? 1 : 0)
            writer.append(UInt32(input.advances.count))
            for advance in input.advances {
                writer.append(advance.line)
                writer.append(advance.watermark)
            }
        }
        writer.append(UInt32(sinks.count))
        for sink in sinks {
            writer.append(sink.name)
            writer.append(sink.length)
            writer.append(sink.tail)
        }
        return writer.bytes
    }

    /// - Throws: ``StoreError`` where the bytes are of a later version, or none of ours.
    init(_ bytes: [UInt8]) throws(StoreError) {
        var reader = AnchorReader(bytes: bytes)
        let version: UInt32 = try reader.next()
        guard version == Anchor.version else {
            throw .unknownFormat("the checkpoint has format \(version); this version of Needletail reads \(Anchor.version)")
        }
        seed = try reader.next()
        madeAt = try reader.next()
        bound = ReleaseBound(watermarks: [])
        bound.time = try reader.next()
        bound.input = Int(try reader.next() as Int64)
        alerts = try reader.next()
        rules = try reader.list { reader throws(StoreError) in
            Rule(
                name: try reader.text(), fingerprint: Fingerprint(low: try reader.next(), high: try reader.next()), group: try reader.next())
        }
        groups = try reader.list { reader throws(StoreError) in Group(names: try reader.texts(), columns: try reader.texts()) }
        guard rules.allSatisfy({ [groups] in $0.group < groups.count }) else { throw AnchorReader.damage }
        var index = -1
        inputs = try reader.list { reader throws(StoreError) in
            index += 1
            let input = index
            return Input(
                name: try reader.text(), stream: try reader.text(), position: try reader.next(), place: try reader.bytes(),
                line: try reader.next(), watermark: try reader.next(), lastTime: try reader.optional(), largestTime: try reader.optional(),
                seenLine: try reader.next(), hasEnded: try reader.next() as UInt8 != 0,
                advances: try reader.list { reader throws(StoreError) in
                    IdleAdvance(input: input, line: try reader.next(), watermark: try reader.next())
                })
        }
        sinks = try reader.list { reader throws(StoreError) in
            Sink(name: try reader.text(), length: try reader.next(), tail: try reader.bytes())
        }
        guard reader.isAtEnd else { throw AnchorReader.damage }
    }
}

private struct AnchorWriter {
    var bytes: [UInt8] = []

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    mutating func append(_ number: Int64?) {
        bytes.append(number == nil ? 0 : 1)
        append(number ?? 0)
    }

    mutating func append(_ list: [UInt8]) {
        append(UInt32(list.count))
        bytes += list
    }

    mutating func append(_ text: String) { append(Array(text.utf8)) }
}

private struct AnchorReader {
    private let content: [UInt8]
    private var place = 0

    static let damage = StoreError.damaged("the checkpoint's anchor is not what was written")

    init(bytes: [UInt8]) {
        content = bytes
    }

    var isAtEnd: Bool { place == content.count }

    mutating func next<Number: FixedWidthInteger>() throws(StoreError) -> Number {
        let size = Number.bitWidth / 8
        guard content.count - place >= size else { throw AnchorReader.damage }
        defer { place += size }
        var number: Number = 0
        for index in (0..<size).reversed() { number = number << 8 | Number(truncatingIfNeeded: content[place + index]) }
        return number
    }

    mutating func optional() throws(StoreError) -> Int64? {
        let isThere: UInt8 = try next()
        let number: Int64 = try next()
        return isThere == 0 ? nil : number
    }

    mutating func bytes() throws(StoreError) -> [UInt8] {
        let count: UInt32 = try next()
        guard content.count - place >= Int(count) else { throw AnchorReader.damage }
        defer { place += Int(count) }
        return Array(content[place..<place + Int(count)])
    }

    mutating func text() throws(StoreError) -> String { String(decoding: try bytes(), as: UTF8.self) }

    mutating func texts() throws(StoreError) -> [String] {
        try list { reader throws(StoreError) in try reader.text() }
    }

    mutating func list<Element>(_ element: (inout AnchorReader) throws(StoreError) -> Element) throws(StoreError) -> [Element] {
        let count: UInt32 = try next()
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }
}
