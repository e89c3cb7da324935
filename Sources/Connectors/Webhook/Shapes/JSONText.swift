internal import Events

enum JSONText {
    /// What stands between the quotes.
    static func escaped(_ text: [UInt8]) -> [UInt8] {
        var buffer = ByteBuffer()
        text.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { buffer.append(jsonEscaped: base, count: bytes.count) }
        }
        return Array(UnsafeBufferPointer(start: UnsafePointer(buffer.bytes), count: buffer.count))
    }
}
