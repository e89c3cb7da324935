internal import Events

/// What a saved blob says of a key without the program that made it.
public struct KeyDescription: Sendable {
    /// As alerts have it, such as `{"card":"c1"}`.
    public var key: String
    /// The values alone, as text, in the order of the key's parts.
    public var values: [String]
    /// Of each rule that has threads: its place in its group, and how many.
    public var threads: [(rule: Int, count: Int)]

    /// - Parameter names: of the key's parts.
    /// - Throws: ``BlobError`` where the bytes are no blob of such a key.
    /// - Complexity: O(bytes).
    public init(blob bytes: UnsafeRawBufferPointer, names: [String]) throws(BlobError) {
        guard bytes.count >= Blob.headerSize, let source = bytes.baseAddress else { throw .damaged("length") }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyMemory(from: source, byteCount: bytes.count)
        let blob = Blob(copy)
        let format = copy.load(as: UInt32.self)
        guard format == Blob.format else { throw .format(format) }
        guard blob.used == bytes.count, Matcher.checksum(copy, count: bytes.count) == blob.checksum else { throw .checksum }
        guard blob.keyLength <= bytes.count - Blob.headerSize,
            blob.sectionOffset >= Blob.headerSize, blob.sectionOffset & 7 == 0,
            blob.sectionOffset + blob.sectionCount * MemoryLayout<Section>.stride <= bytes.count
        else { throw .damaged("sections") }
        (key, values) = try KeyDescription.text(blob, names)
        threads = (0..<blob.sectionCount).map { (rule: Int(blob.sections[$0].rule), count: Int(blob.sections[$0].count)) }
    }

    /// The bytes of the key that a saved blob belongs to; nil where they are cut off. Valid as long as the blob.
    public static func key(ofBlob blob: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard blob.count >= Blob.headerSize else { return nil }
        let length = Int(blob.loadUnaligned(fromByteOffset: 48, as: UInt32.self))
        guard length <= blob.count - Blob.headerSize else { return nil }
        return UnsafeRawBufferPointer(rebasing: blob[Blob.headerSize..<Blob.headerSize + length])
    }

    private static func text(_ blob: Blob, _ names: [String]) throws(BlobError) -> (key: String, values: [String]) {
        var json = ByteBuffer()
        var values: [String] = []
        var place = 0
        json.append("{")
        for (index, name) in names.enumerated() {
            guard let length = KeyEncoding.partLength(blob.key + place, available: blob.keyLength - place) else { throw .damaged("key") }
            let value = KeyEncoding.part(0, of: blob.key + place)
            if index > 0 { json.append(",") }
            json.append(jsonString: name)
            json.append(":")
            json.append(json: value)
            var text = ByteBuffer()
            text.append(summary: value, digits: -1, groups: false)
            values.append(text.string)
            place += length
        }
        json.append("}")
        return (json.string, values)
    }
}
