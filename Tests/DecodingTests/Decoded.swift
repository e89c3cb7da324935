import Decoding
import Events

/// Columns as values, for comparison in tests.
struct DecodedRow: Equatable {
    var line: UInt64
    var time: Int64
    var raw: String
    var values: [Value]
    /// Texts of list columns, which `Value` does not hold.
    var lists: [String?]
    /// The bits of doubles, which tell 0 from -0.
    var bits: [UInt64]
}

struct Decoded {
    var rows: [DecodedRow] = []
    var rejects: [Reject] = []
    /// The rejects' bytes.
    var rejected: [[UInt8]] = []
    var lineCount: UInt64 = 0

    var reasons: [RejectReason] { rejects.map(\.reason) }
}

func path(_ text: String) -> FieldPath {
    var components: [FieldPath.Component] = []
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
        let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
        if !pieces[0].isEmpty || pieces.count == 1 { components.append(.name(String(pieces[0]))) }
        for piece in pieces.dropFirst() { components.append(.index(Int(piece.dropLast())!)) }
    }
    return FieldPath(components)
}

extension Decoded {
    mutating func take(_ batch: EventBatch, _ found: [Reject]) {
        for row in 0..<batch.count {
            var values: [Value] = []
            var lists: [String?] = []
            var bits: [UInt64] = []
            for column in 0..<batch.columnCount {
                let payload = batch.payloads[column * batch.rowCapacity + row]
                func text() -> String {
                    let start = batch.strings + Int(payload & 0xFFFF_FFFF)
                    return String(decoding: UnsafeBufferPointer(start: start, count: Int(payload >> 32)), as: UTF8.self)
                }
                var list: String?
                var bit: UInt64 = 0
                switch batch.kinds[column * batch.rowCapacity + row] {
                case ValueKind.unknown: values.append(.unknown)
                case ValueKind.boolean: values.append(.boolean(payload == 1))
                case ValueKind.integer: values.append(.integer(Int128(Int64(bitPattern: payload))))
                case ValueKind.unsigned: values.append(.integer(Int128(payload)))
                case ValueKind.double:
                    values.append(.double(Double(bitPattern: payload)))
                    bit = payload
                case ValueKind.string: values.append(.string(text()))
                case ValueKind.list:
                    values.append(.list([]))
                    list = text()
                case ValueKind.object: values.append(.object)
                default: fatalError("No other kind is ever decoded.")
                }
                lists.append(list)
                bits.append(bit)
            }
            let raw = UnsafeBufferPointer(start: batch.bytes + Int(batch.rawOffsets[row]), count: Int(batch.rawLengths[row]))
            rows.append(
                DecodedRow(
                    line: batch.lines[row], time: batch.times[row], raw: String(decoding: raw, as: UTF8.self), values: values, lists: lists,
                    bits: bits))
        }
        for reject in found {
            rejects.append(reject)
            rejected.append(Array(UnsafeBufferPointer(start: batch.bytes + reject.rawOffset, count: reject.rawLength)))
        }
    }
}

/// Decodes one block.
func decode(
    _ bytes: [UInt8], columns: [String] = ["type", "v"], format: EventFormat = EventFormat(), typeColumn: Int? = nil,
    firstLine: UInt64 = 1, isFirstBlock: Bool = true, decoder: BlockDecoder? = nil
) -> Decoded {
    let decoder = decoder ?? BlockDecoder(columns: columns.map(path), format: format, typeColumn: typeColumn)
    let batch = EventBatch(columnCount: decoder.columns.count)
    batch.reserveBytes(bytes.count)
    bytes.withUnsafeBufferPointer { batch.bytes.update(from: $0.baseAddress!, count: $0.count) }
    batch.byteCount = bytes.count
    var decoded = Decoded()
    var found: [Reject] = []
    decoded.lineCount = decoder.decode(batch, firstLine: firstLine, isFirstBlock: isFirstBlock, rejects: &found)
    decoded.take(batch, found)
    return decoded
}

func decode(_ text: String, columns: [String] = ["type", "v"], format: EventFormat = EventFormat()) -> Decoded {
    decode(Array(text.utf8) + [], columns: columns, format: format)
}

/// Carves an input that comes in reads of the given sizes, in turn, and decodes each block.
func decodeStream(_ bytes: [UInt8], columns: [String] = ["type", "v"], reads: [Int], blockBytes: Int = LineCarver.blockBytes) -> Decoded {
    let decoder = BlockDecoder(columns: columns.map(path), format: EventFormat())
    let batch = EventBatch(columnCount: columns.count)
    var carver = LineCarver(blockBytes: blockBytes)
    var decoded = Decoded()
    var at = 0
    var turn = 0
    while let block = carver.fill(
        batch,
        read: { room in
            let count = min(reads[turn % reads.count], room.count, bytes.count - at)
            turn += 1
            bytes.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[at..<at + count])) }
            at += count
            return count
        })
    {
        var found: [Reject] = []
        let lines = decoder.decode(
            batch, firstLine: block.firstLine, isFirstBlock: block.isFirst, cutLines: block.cutLines, rejects: &found)
        precondition(lines == block.lineCount, "The carver and the decoder count the same lines.")
        decoded.lineCount += lines
        decoded.take(batch, found)
    }
    precondition(carver.position == UInt64(bytes.count), "Every byte was handed out.")
    return decoded
}
