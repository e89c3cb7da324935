/// Where a run stood at a checkpoint; the bytes that a ``StateStore`` keeps with its rows.
///
/// All numbers are little-endian, texts and lists have their length before them. A later version that needs more takes another
/// ``version``; what has landed is read for ever.
struct Anchor: Equatable, Sendable {
    static let version: UInt32 = 2

    struct Input: Equatable, Sendable {
        var name: String
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
        /// Steps that silence made since that line.
        var advances: [IdleAdvance]
    }

    /// Of the hash of keys.
    var seed: UInt64
    /// Of the program whose state it is.
    var program: UInt64
    /// What was let go was matched.
    var bound: ReleaseBound
    var inputs: [Input]
    /// Bytes of each sink that can be cut: alerts, then late lines, then rejects; -1 where one cannot.
    var sinkLengths: [Int64]
    /// Alerts that have left since the state began.
    var alerts: UInt64
}

extension Anchor {
    func encoded() -> [UInt8] {
        var writer = AnchorWriter()
        writer.append(Anchor.version)
        writer.append(seed)
        writer.append(program)
        writer.append(bound.time)
        writer.append(Int64(clamping: bound.input))
        writer.append(UInt32(inputs.count))
        for input in inputs {
            writer.append(UInt32(input.name.utf8.count))
            writer.bytes += input.name.utf8
            writer.append(input.position)
            writer.append(UInt32(input.place.count))
            writer.bytes += input.place
            writer.append(input.line)
            writer.append(input.watermark)
            writer.append(input.lastTime)
            writer.append(input.largestTime)
            writer.append(input.seenLine)
            writer.append(UInt32(input.advances.count))
            for advance in input.advances {
                writer.append(advance.line)
                writer.append(advance.watermark)
            }
        }
        writer.append(UInt32(sinkLengths.count))
        for length in sinkLengths { writer.append(length) }
        writer.append(alerts)
        return writer.bytes
    }

    /// - Throws: ``StoreError`` where the bytes are of a later version, or none of ours.
    init(_ bytes: [UInt8]) throws(StoreError) {
        var reader = AnchorReader(bytes: bytes)
        let version: UInt32 = try reader.next()
        guard version == Anchor.version else { throw .unknownFormat("the checkpoint has format \(version); this version reads \(Anchor.version)") }
        seed = try reader.next()
        program = try reader.next()
        bound = ReleaseBound(watermarks: [])
        bound.time = try reader.next()
        bound.input = Int(try reader.next() as Int64)
        inputs = []
        let count: UInt32 = try reader.next()
        for index in 0..<count {
            let name = try reader.text()
            var input = Input(
                name: name, position: try reader.next(), place: try reader.list(), line: try reader.next(), watermark: try reader.next(), lastTime: try reader.optional(),
                largestTime: try reader.optional(), seenLine: try reader.next(), advances: [])
            let advances: UInt32 = try reader.next()
            for _ in 0..<advances {
                input.advances.append(IdleAdvance(input: Int(index), line: try reader.next(), watermark: try reader.next()))
            }
            inputs.append(input)
        }
        sinkLengths = []
        let sinks: UInt32 = try reader.next()
        for _ in 0..<sinks { sinkLengths.append(try reader.next()) }
        alerts = try reader.next()
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
}

private struct AnchorReader {
    let bytes: [UInt8]
    private var place = 0

    static let damage = StoreError.damaged("the checkpoint's anchor is not what was written")

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { place == bytes.count }

    mutating func next<Number: FixedWidthInteger>() throws(StoreError) -> Number {
        let size = Number.bitWidth / 8
        guard bytes.count - place >= size else { throw AnchorReader.damage }
        defer { place += size }
        var number: Number = 0
        for index in (0..<size).reversed() { number = number << 8 | Number(truncatingIfNeeded: bytes[place + index]) }
        return number
    }

    mutating func optional() throws(StoreError) -> Int64? {
        let isThere: UInt8 = try next()
        let number: Int64 = try next()
        return isThere == 0 ? nil : number
    }

    mutating func list() throws(StoreError) -> [UInt8] {
        let count: UInt32 = try next()
        guard bytes.count - place >= Int(count) else { throw AnchorReader.damage }
        defer { place += Int(count) }
        return Array(bytes[place..<place + Int(count)])
    }

    mutating func text() throws(StoreError) -> String { String(decoding: try list(), as: UTF8.self) }
}
