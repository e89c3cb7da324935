/// Puts numbers, little-endian, and texts with their counts, into the bytes of a row.
struct RowWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ content: some Collection<UInt8>) {
        put(UInt32(clamping: content.count))
        bytes.append(contentsOf: content)
    }

    mutating func put(_ text: String) { put(text.utf8) }

    mutating func putRest(_ content: some Collection<UInt8>) { bytes.append(contentsOf: content) }
}

/// Takes them out again; nil where there is not enough. Bytes from the disk are not trusted.
struct RowReader {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        let count = Number.bitWidth / 8
        guard rest.count >= count else { return nil }
        defer { skip(count) }
        return Number(littleEndian: rest.loadUnaligned(as: Number.self))
    }

    mutating func takeBytes() -> [UInt8]? {
        guard let count = take(UInt32.self), rest.count >= Int(count) else { return nil }
        defer { skip(Int(count)) }
        return Array(rest.prefix(Int(count)))
    }

    mutating func takeText() -> String? {
        takeBytes().map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func takeRest() -> [UInt8] {
        defer { rest = UnsafeRawBufferPointer(start: nil, count: 0) }
        return Array(rest)
    }

    private mutating func skip(_ count: Int) { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
}
