// The format of a journal's files, and how they are read.
//
// A journal is a folder of segments. A segment's name is the position of its first byte, 20 digits, and `.journal`. Numbers are
// little-endian. It begins with
//
// | bytes | |
// | --- | --- |
// | 8 | `nt-jrnl` and a line end |
// | 4 | version: 1 |
// | 8 | position of its first byte in the input |
// | 4 | CRC-32 of all that stands before |
//
// and holds records, one for each group of bytes that was read at once:
//
// | bytes | |
// | --- | --- |
// | 4 | count of bytes, 1 to 1 MiB |
// | 8 | position of the first of them |
// | 4 | CRC-32 of the bytes |
// | 4 | CRC-32 of these three numbers |
// | | the bytes |
//
// What comes of a pipe is moved behind a head that is still zeros, and the head is written then: so no moment is there at which a kill could
// lose it, and bytes behind a head of zeros are such a record. A record that the end of the process or of the machine has cut is shorter than it says, or sectors of it were never written and are
// zeros; such a rest of the last segment is cut off. No line of events holds a zero. Everything else that does not fit is damage.

internal import Diagnostics
internal import Glibc
internal import Streaming

enum JournalFormat {
    static let magic = Array("nt-jrnl\n".utf8)
    static let version: UInt32 = 1
    static let segmentHeader = 24
    static let recordHeader = 20
    static let recordBytesMax = 1 << 20
    static let sector = 512
    static let ending = ".journal"

    static func name(_ start: UInt64) -> String {
        let digits = String(start)
        return String(repeating: "0", count: 20 - digits.count) + digits + ending
    }

    /// The position in a segment's name; nil for other files.
    static func start(_ name: String) -> UInt64? {
        guard name.hasSuffix(ending), name.utf8.count == 20 + ending.utf8.count else { return nil }
        let digits = name.dropLast(ending.count)
        return digits.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? UInt64(digits) : nil
    }

    static func header(of start: UInt64) -> [UInt8] {
        var bytes = magic
        append(version, to: &bytes)
        append(start, to: &bytes)
        append(checksum(bytes), to: &bytes)
        return bytes
    }

    static func record(_ content: UnsafeRawBufferPointer, at position: UInt64, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        bytes += head(content, at: position)
        bytes += content
    }

    static func head(_ content: UnsafeRawBufferPointer, at position: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt32(content.count), to: &bytes)
        append(position, to: &bytes)
        append(checksum(content), to: &bytes)
        append(checksum(bytes), to: &bytes)
        return bytes
    }

    private static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }
}

/// Reads a segment from its start on.
struct SegmentReader {
    let path: String
    let start: UInt64
    private let descriptor: Int32
    private(set) var size: Int
    /// Where the next record begins in the file, and in the input.
    private(set) var offset = 0
    private(set) var position: UInt64
    /// Bytes behind the last record whose head was not written yet.
    private(set) var headless = 0
    /// A piece of the file.
    private var window: [UInt8] = []
    private var windowStart = 0

    private static let windowBytes = 1 << 20

    enum Fault: Error {
        /// Behind what is sound stands what a crash has left of a record, or of the segment's header.
        case torn
        case damaged(String)
        case failed(Int32)
        case laterVersion
    }

    /// - Parameter descriptor: stays the caller's.
    init(_ descriptor: Int32, path: String, start: UInt64) throws(Fault) {
        self.descriptor = descriptor
        self.path = path
        self.start = start
        position = start
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .failed(errno) }
        size = Int(status.st_size)
        guard size >= JournalFormat.segmentHeader else { throw .torn }
        let header = try bytes(at: 0, count: JournalFormat.segmentHeader)
        guard header.starts(with: JournalFormat.magic), SegmentReader.number(header, 20) as UInt32 == checksum(Array(header[..<20])) else {
            if try isUnwritten(0, size) { throw .torn }
            throw .damaged("it does not begin as it should")
        }
        guard SegmentReader.number(header, 8) as UInt32 == JournalFormat.version else { throw .laterVersion }
        guard SegmentReader.number(header, 12) as UInt64 == start else { throw .damaged("its name and its beginning say different positions") }
        offset = JournalFormat.segmentHeader
    }

    /// The next record's bytes; nil at the end.
    mutating func next() throws(Fault) -> [UInt8]? {
        guard let (count, sum) = try nextHeader() else { return nil }
        let content = offset + JournalFormat.recordHeader
        guard size - content >= count else { throw .torn }
        let record = try bytes(at: content, count: count)
        guard checksum(Array(record)) == sum else {
            if try isUnwritten(offset, content + count) { throw .torn }
            throw .damaged("the checksum of a record does not fit its content")
        }
        offset = content + count
        position += UInt64(count)
        return Array(record)
    }

    /// Goes to the record that holds a position, or to the end.
    mutating func skip(to wanted: UInt64) throws(Fault) {
        while position < wanted, let (count, _) = try nextHeader() {
            guard wanted - position >= UInt64(count) else { return }
            guard size - offset - JournalFormat.recordHeader >= count else { throw .torn }
            offset += JournalFormat.recordHeader + count
            position += UInt64(count)
        }
    }

    /// Looks whether what a crash has left behind the last record was moved there whole: bytes of which no sector was left out, behind a head
    /// that was not written to its end.
    private mutating func findHeadless() throws(Fault) -> Bool {
        let content = offset + JournalFormat.recordHeader
        guard content < size, size - content <= JournalFormat.recordBytesMax, try !isUnwritten(content, size) else { return false }
        let head = Array(try bytes(at: offset, count: JournalFormat.recordHeader))
        let moved = Array(try bytes(at: content, count: size - content))
        let whole = moved.withUnsafeBytes { JournalFormat.head($0, at: position) }
        let written = zip(head, whole).prefix { $0 == $1 }.count
        guard head[written...].allSatisfy({ $0 == 0 }) else { return false }
        headless = size - content
        return true
    }

    private mutating func nextHeader() throws(Fault) -> (count: Int, sum: UInt32)? {
        guard offset < size else { return nil }
        guard size - offset >= JournalFormat.recordHeader else { throw .torn }
        let header = try bytes(at: offset, count: JournalFormat.recordHeader)
        guard SegmentReader.number(header, 16) as UInt32 == checksum(Array(header.prefix(16))) else {
            if try findHeadless() { throw .torn }
            if try isUnwritten(offset, size) { throw .torn }
            throw .damaged("the head of a record does not fit its checksum")
        }
        let count = Int(SegmentReader.number(header, 0) as UInt32)
        guard 1...JournalFormat.recordBytesMax ~= count, SegmentReader.number(header, 4) as UInt64 == position,
            !position.addingReportingOverflow(UInt64(count)).overflow
        else { throw .damaged("a record is not the one that comes next") }
        return (count, SegmentReader.number(header, 12))
    }

    /// Whether a sector, or the part of one that lies in there, holds nothing but zeros.
    private mutating func isUnwritten(_ from: Int, _ to: Int) throws(Fault) -> Bool {
        var from = from
        while from < to {
            let end = min(to, (from / JournalFormat.sector + 1) * JournalFormat.sector)
            if try bytes(at: from, count: end - from).allSatisfy({ $0 == 0 }) { return true }
            from = end
        }
        return false
    }

    /// Bytes that the file has.
    private mutating func bytes(at offset: Int, count: Int) throws(Fault) -> ArraySlice<UInt8> {
        if offset < windowStart || offset + count > windowStart + window.count {
            windowStart = offset
            let wanted = min(size - offset, max(count, SegmentReader.windowBytes))
            window = [UInt8](repeating: 0, count: wanted)
            var filled = 0
            while filled < wanted {
                let done = window.withUnsafeMutableBytes {
                    pread(descriptor, $0.baseAddress! + filled, wanted - filled, off_t(offset + filled))
                }
                if done > 0 {
                    filled += done
                } else if done == 0 {
                    throw .damaged("it has become shorter")
                } else if errno != EINTR {
                    throw .failed(errno)
                }
            }
        }
        return window[offset - windowStart..<offset - windowStart + count]
    }

    private static func number<Number: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, _ place: Int) -> Number {
        bytes.dropFirst(place).prefix(Number.bitWidth / 8).reversed().reduce(Number(0)) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}
