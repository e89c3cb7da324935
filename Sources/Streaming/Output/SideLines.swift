internal import Decoding
internal import Events

/// The lines of `--late` and `--rejects`: which line of which input, why, and the line itself.
struct SideLines: ~Copyable {
    private(set) var buffer = ByteBuffer()

    mutating func removeAll() {
        buffer.removeAll()
    }

    /// `{"input":…,"line":…,"reason":…,"detail":…,"raw":…}`; of a line that was cut, how long it was.
    mutating func append(_ reject: Reject, input: String, bytes: UnsafePointer<UInt8>) {
        begin(input: input, line: reject.line)
        buffer.append(",\"reason\":")
        buffer.append(jsonString: reject.reason.name)
        buffer.append(",\"detail\":")
        buffer.append(jsonString: reject.reason.description)
        if reject.fullLength > UInt64(reject.rawLength) {
            buffer.append(",\"length\":")
            buffer.append(integer: reject.fullLength)
        }
        buffer.append(",\"raw\":")
        appendText(bytes + reject.rawOffset, reject.rawLength)
        buffer.append("}\n")
    }

    /// An event whose time the watermark had passed; the line is JSON, and so it is pasted as it came.
    mutating func append(late time: Int64, watermark: Int64, input: String, line: UInt64, raw: UnsafePointer<UInt8>, length: Int) {
        begin(input: input, line: line)
        buffer.append(",\"reason\":\"late\",\"at\":\"")
        buffer.append(time: time)
        buffer.append("\",\"watermark\":\"")
        buffer.append(time: watermark)
        buffer.append("\",\"event\":")
        buffer.append(raw, count: length)
        buffer.append("}\n")
    }

    private mutating func begin(input: String, line: UInt64) {
        buffer.append("{\"input\":")
        buffer.append(jsonString: input)
        buffer.append(",\"line\":")
        buffer.append(integer: line)
    }

    /// Bytes that may be no UTF-8: what is none is shown by the replacement character.
    private mutating func appendText(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        buffer.append(jsonString: String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self))
    }
}
