// The steps that silence has made, in one small file. Numbers are little-endian. It begins with
//
// | bytes | |
// | --- | --- |
// | 8 | `nt-idle` and a line end |
// | 4 | version: 1 |
// | 4 | CRC-32 of all that stands before |
//
// and holds records of 32 bytes:
//
// | bytes | |
// | --- | --- |
// | 8 | number, from 0, without gaps |
// | 4 | the input's place on the command line |
// | 8 | the number of the first line that was read after it |
// | 8 | the watermark, microseconds |
// | 4 | CRC-32 of these |
//
// What a crash has left of the last record is cut off: it is shorter, or zeros. Everything else that does not fit is damage.

internal import Diagnostics
internal import Glibc
public import Streaming

/// Steps that silence has made, in a file.
public final class IdleLog: IdleRecords {
    private let path: String
    private var descriptor: Int32
    private var kept: [IdleAdvance] = []
    /// Of the first that is kept.
    private var first: UInt64 = 0
    private var bytes = 0

    private static let magic = Array("nt-idle\n".utf8)
    private static let version: UInt32 = 1
    private static let headerBytes = 16
    private static let recordBytes = 32
    /// A longer file is written anew once a checkpoint holds some of it.
    static let trimBytes = 64 << 10
    private static let bytesMax = 64 << 20

    /// Opens the file.
    ///
    /// - Parameter isFresh: the state begins with this run: the file is made, and what is there is of another and is dropped. Every other
    ///   state has one since before its first checkpoint.
    /// - Throws: ``StoreError`` where it is damaged, or cannot be written.
    public init(_ path: String, isFresh: Bool) throws(StoreError) {
        self.path = path
        descriptor = open(path, isFresh ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .damaged("\(path) is missing") }
            throw IdleLog.failure(path, errno)
        }
        if isFresh { try write([], from: 0) } else { try load() }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    public func recorded() -> [IdleAdvance] { kept }

    public var end: UInt64 { first + UInt64(kept.count) }

    public func append(_ steps: [IdleAdvance]) throws(StoreError) {
        var content: [UInt8] = []
        for (index, step) in steps.enumerated() { IdleLog.append(step, number: end + UInt64(index), to: &content) }
        try IdleLog.write(content, to: descriptor, at: bytes, path)
        if fdatasync(descriptor) != 0 { throw IdleLog.failure(path, errno) }
        bytes += content.count
        kept += steps
    }

    public func forget(before number: UInt64) throws(StoreError) {
        guard number > first, bytes > IdleLog.trimBytes else { return }
        let count = Int(min(number - first, UInt64(kept.count)))
        try write(Array(kept.dropFirst(count)), from: first + UInt64(count))
    }

    public func replace(with steps: [IdleAdvance]) throws(StoreError) { try write(steps, from: end) }

    // MARK: - The file

    private func load() throws(StoreError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw IdleLog.failure(path, errno) }
        guard status.st_size <= IdleLog.bytesMax else { throw damage("it is longer than it can be") }
        var content = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < content.count {
            let done = content.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + filled, $0.count - filled, off_t(filled)) }
            if done > 0 { filled += done } else if done == 0 || errno != EINTR { throw IdleLog.failure(path, done == 0 ? EIO : errno) }
        }
        // A new file is given its name once its beginning is durable.
        guard content.count >= IdleLog.headerBytes else { throw damage("it ends too early") }
        var header = PlaceReader(content[8..<IdleLog.headerBytes])
        guard let version: UInt32 = header.next(), let sum: UInt32 = header.next(), content.starts(with: IdleLog.magic),
            sum == checksum(Array(content[..<12]))
        else { throw damage("it does not begin as it should") }
        guard version == IdleLog.version else { throw .unknownFormat("\(path) was written by another version of needletail") }
        var place = IdleLog.headerBytes
        while place < content.count {
            let record = content[place...].prefix(IdleLog.recordBytes)
            // Cut by a crash, or never written.
            if record.count < IdleLog.recordBytes || content[place...].allSatisfy({ $0 == 0 }) { break }
            var reader = PlaceReader(record)
            guard let number: UInt64 = reader.next(), let input: UInt32 = reader.next(), let line: UInt64 = reader.next(),
                let watermark: Int64 = reader.next(), let sum: UInt32 = reader.next(), sum == checksum(Array(record.prefix(28))),
                kept.isEmpty || number == end, number < .max / 2
            else { throw damage("the record at byte \(place) is not what was written") }
            if kept.isEmpty { first = number }
            kept.append(IdleAdvance(input: Int(input), line: line, watermark: watermark))
            place += IdleLog.recordBytes
        }
        if place < content.count, ftruncate(descriptor, off_t(place)) != 0 { throw IdleLog.failure(path, errno) }
        bytes = place
    }

    /// Writes the file anew, durably.
    private func write(_ steps: [IdleAdvance], from number: UInt64) throws(StoreError) {
        var content = IdleLog.magic
        withUnsafeBytes(of: IdleLog.version.littleEndian) { content += $0 }
        withUnsafeBytes(of: checksum(content).littleEndian) { content += $0 }
        for (index, step) in steps.enumerated() { IdleLog.append(step, number: number + UInt64(index), to: &content) }
        let next = path + ".new"
        let file = open(next, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw IdleLog.failure(next, errno) }
        do throws(StoreError) {
            try IdleLog.write(content, to: file, at: 0, next)
            guard fsync(file) == 0, rename(next, path) == 0 else { throw IdleLog.failure(next, errno) }
        } catch {
            close(file)
            unlink(next)
            throw error
        }
        close(descriptor)
        descriptor = file
        kept = steps
        first = number
        bytes = content.count
        let slash = path.lastIndex(of: "/")
        let folder = open(slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(folder) }
        guard folder >= 0, fsync(folder) == 0 else { throw IdleLog.failure(path, errno) }
    }

    private static func append(_ step: IdleAdvance, number: UInt64, to content: inout [UInt8]) {
        let start = content.count
        withUnsafeBytes(of: number.littleEndian) { content += $0 }
        withUnsafeBytes(of: UInt32(clamping: step.input).littleEndian) { content += $0 }
        withUnsafeBytes(of: step.line.littleEndian) { content += $0 }
        withUnsafeBytes(of: step.watermark.littleEndian) { content += $0 }
        withUnsafeBytes(of: checksum(Array(content[start...])).littleEndian) { content += $0 }
    }

    private static func write(_ content: [UInt8], to descriptor: Int32, at offset: Int, _ path: String) throws(StoreError) {
        var written = 0
        while written < content.count {
            let done = content.withUnsafeBytes { pwrite(descriptor, $0.baseAddress! + written, $0.count - written, off_t(offset + written)) }
            if done > 0 {
                written += done
            } else if done == 0 || errno != EINTR {
                let number = done == 0 ? EIO : errno
                ftruncate(descriptor, off_t(offset))
                throw failure(path, number)
            }
        }
    }

    private func damage(_ reason: String) -> StoreError { .damaged("\(path) is damaged: \(reason)") }

    private static func failure(_ path: String, _ number: Int32) -> StoreError {
        let message = "\(path): \(FileError.reason(number))"
        return number == ENOSPC || number == EDQUOT ? .full(message) : .failed(message)
    }
}
