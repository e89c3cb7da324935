internal import Diagnostics
internal import Glibc
internal import Streaming
internal import Synchronization

/// What was read of an input that cannot be read again, in files; see `JournalSegment` for their format.
///
/// A segment is made durable before the next one begins, so that only the last can have an end that a crash has cut.
final class Journal {
    private struct Segment {
        var start: UInt64
        var bytes: Int
    }

    /// How messages call the input.
    private let name: String
    private let folder: String
    private let segmentBytesMax: Int
    private let calls: JournalCalls
    /// Ascending; the last is being written.
    private var segments: [Segment] = []
    /// Of the last segment, or -1. The commit of a checkpoint makes it durable from another thread.
    private let descriptor = Mutex<Int32>(-1)
    /// Behind the last byte; nil in a journal without one, until it is told where to begin.
    private(set) var end: UInt64?
    private var last: UInt8?
    private var record: [UInt8] = []
    /// Bytes that stand behind the last record, and wait for its head.
    private var moved = 0

    static let segmentBytesMax = 64 << 20

    /// Opens a folder, and makes it where it is not there. What a crash has left of a record is cut off.
    ///
    /// - Parameter isFresh: what lies there is of another run and is removed.
    /// - Throws: ``SourceError`` where it cannot be written, or is damaged.
    /// - Complexity: O(bytes of the last segment).
    init(
        _ folder: String, name: String, isFresh: Bool, segmentBytesMax: Int = Journal.segmentBytesMax, calls: JournalCalls = JournalCalls()
    ) throws(SourceError) {
        self.name = name
        self.folder = folder
        self.segmentBytesMax = segmentBytesMax
        self.calls = calls
        try makeFolders()
        for name in names() {
            guard let start = JournalFormat.start(name) else { continue }
            if isFresh {
                guard unlink(folder + "/" + name) == 0 else { throw failure(errno, name) }
                continue
            }
            var status = stat()
            guard stat(folder + "/" + name, &status) == 0 else { throw failure(errno, name) }
            segments.append(Segment(start: start, bytes: Int(status.st_size)))
        }
        try openLast()
    }

    deinit { close() }

    private func close() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    /// Bytes of all files.
    var keptBytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Where it begins; nil in an empty one.
    var start: UInt64? { segments.first?.start }

    /// Whether its last byte ends a line.
    var endsWithLineEnd: Bool { last == nil || last == UInt8(ascii: "\n") }

    /// An empty journal begins here.
    func begin(at position: UInt64) { end = position }

    // MARK: - Writing

    /// Adds bytes as one record, durable where it is to be.
    ///
    /// - Throws: ``SourceError`` where the disk is full or fails; the journal is then as it was before.
    func append(_ content: UnsafeRawBufferPointer, isSynchronized: Bool) throws(SourceError) {
        precondition(1...JournalFormat.recordBytesMax ~= content.count, "A record has a bound.")
        guard let position = end else { preconditionFailure("The journal knows where it begins.") }
        if segments.isEmpty || segments[segments.count - 1].bytes + content.count > segmentBytesMax { try addSegment(at: position) }
        JournalFormat.record(content, at: position, into: &record)
        let place = segments.count - 1
        try write(record, at: segments[place].bytes, to: JournalFormat.name(segments[place].start))
        if isSynchronized { try synchronize() }
        segments[place].bytes += record.count
        end = position + UInt64(content.count)
        last = content[content.count - 1]
    }

    /// Adds what is moved from elsewhere straight into the file, as one record: its bytes first, and its head when they are there. A crash
    /// in between leaves bytes without a head, which the next opening gives one.
    ///
    /// - Parameters:
    ///   - room: gets the bytes.
    ///   - move: moves bytes into the file from an offset on, at most so many; nil where there are none now, 0 at their end.
    /// - Returns: how many; nil where none came.
    /// - Throws: ``SourceError`` where `move` does, or the disk fails. What was moved is not lost: see ``finishRecord(isSynchronized:)``.
    func append(
        into room: UnsafeMutableRawBufferPointer, isSynchronized: Bool,
        _ move: (_ descriptor: Int32, _ offset: Int, _ countMax: Int) throws(SourceError) -> Int?
    ) throws(SourceError) -> Int? {
        guard let position = end else { preconditionFailure("The journal knows where it begins.") }
        precondition(moved == 0, "A record is finished before the next begins.")
        let countMax = min(room.count, JournalFormat.recordBytesMax)
        let bytes = segments.last?.bytes ?? 0
        // One that nothing was moved into is gone on with.
        if bytes == 0 || (bytes > JournalFormat.segmentHeader && bytes + countMax > segmentBytesMax) { try addSegment(at: position) }
        let content = segments[segments.count - 1].bytes + JournalFormat.recordHeader
        guard let count = try move(descriptor.withLock { $0 }, content, countMax), count > 0 else { return nil }
        moved = count
        try finishRecord(into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]), isSynchronized: isSynchronized)
        return count
    }

    /// Gives the bytes a head that were moved when the disk failed; they are then what comes next.
    func finishRecord(isSynchronized: Bool) throws(SourceError) -> [UInt8] {
        guard moved > 0 else { return [] }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: moved, alignment: 16)
        defer { room.deallocate() }
        try finishRecord(into: room, isSynchronized: isSynchronized)
        return Array(room)
    }

    private func finishRecord(into bytes: UnsafeMutableRawBufferPointer, isSynchronized: Bool) throws(SourceError) {
        guard let position = end else { preconditionFailure("The journal knows where it begins.") }
        let place = segments.count - 1
        let name = JournalFormat.name(segments[place].start)
        let content = segments[place].bytes + JournalFormat.recordHeader
        try read(descriptor.withLock { $0 }, at: content, into: bytes, name)
        try write(JournalFormat.head(UnsafeRawBufferPointer(bytes), at: position), at: segments[place].bytes, to: name, cutting: false)
        if isSynchronized { try synchronize() }
        segments[place].bytes = content + bytes.count
        end = position + UInt64(bytes.count)
        last = bytes[bytes.count - 1]
        moved = 0
    }

    private func read(_ file: Int32, at offset: Int, into bytes: UnsafeMutableRawBufferPointer, _ name: String) throws(SourceError) {
        var filled = 0
        while filled < bytes.count {
            let done = pread(file, bytes.baseAddress! + filled, bytes.count - filled, off_t(offset + filled))
            if done > 0 { filled += done } else if done == 0 || errno != EINTR { throw failure(done == 0 ? EIO : errno, name) }
        }
    }

    /// Makes durable what was appended. May be called from another thread while more is.
    func synchronize() throws(SourceError) {
        // The segment may be left meanwhile, and is durable then.
        let copy = descriptor.withLock { $0 < 0 ? -1 : fcntl($0, F_DUPFD_CLOEXEC, 0) }
        guard copy >= 0 else { return }
        defer { Glibc.close(copy) }
        while calls.synchronize(copy) != 0 {
            guard errno == EINTR else { throw failure(errno, nil) }
        }
    }

    /// Removes segments that hold nothing behind a position. A small last one stays, to be gone on with.
    func forget(before position: UInt64) {
        while let first = segments.first, (segments.dropFirst().first?.start ?? end ?? 0) <= position {
            if segments.count == 1 {
                guard first.bytes >= segmentBytesMax / 2 else { return }
                close()
            }
            // One that cannot be removed is tried again after a restart.
            unlink(folder + "/" + JournalFormat.name(first.start))
            segments.removeFirst()
        }
    }

    private func addSegment(at position: UInt64) throws(SourceError) {
        try synchronize()
        let name = JournalFormat.name(position)
        let path = folder + "/" + name
        let new = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard new >= 0 else { throw failure(errno, name) }
        let old = descriptor.withLock { descriptor in
            defer { descriptor = new }
            return descriptor
        }
        let header = JournalFormat.header(of: position)
        do throws(SourceError) {
            try write(header, at: 0, to: name)
            try synchronizeFolder(folder)
        } catch {
            descriptor.withLock { $0 = old }
            Glibc.close(new)
            unlink(path)
            throw error
        }
        if old >= 0 { Glibc.close(old) }
        segments.append(Segment(start: position, bytes: header.count))
    }

    private func write(_ bytes: [UInt8], at offset: Int, to name: String, cutting: Bool = true) throws(SourceError) {
        let descriptor = descriptor.withLock { $0 }
        var written = 0
        while written < bytes.count {
            let done = bytes.withUnsafeBytes { calls.write(descriptor, UnsafeRawBufferPointer(rebasing: $0[written...]), offset + written) }
            if done > 0 {
                written += done
            } else if done == 0 || errno != EINTR {
                let number = done == 0 ? EIO : errno
                // What has come to the disk of it is no record. Should this fail too, the next start cuts it off.
                if cutting { ftruncate(descriptor, off_t(offset)) }
                throw failure(number, name)
            }
        }
    }

    // MARK: - Opening

    /// Opens the last segment to go on with it, without what a crash has left behind its records.
    private func openLast() throws(SourceError) {
        while let segment = segments.last {
            let name = JournalFormat.name(segment.start)
            let file = open(folder + "/" + name, O_RDWR | O_CLOEXEC)
            guard file >= 0 else { throw failure(errno, name) }
            guard let reader = try scanned(file, segment) else {
                // The segment itself was being made.
                Glibc.close(file)
                guard unlink(folder + "/" + name) == 0 else { throw failure(errno, name) }
                segments.removeLast()
                continue
            }
            let headless = reader.headless
            let size = reader.offset + (headless > 0 ? JournalFormat.recordHeader + headless : 0)
            if size < reader.size, ftruncate(file, off_t(size)) != 0 {
                let number = errno
                Glibc.close(file)
                throw failure(number, name)
            }
            segments[segments.count - 1].bytes = reader.offset
            end = reader.position
            descriptor.withLock { $0 = file }
            if headless > 0 {
                moved = headless
                _ = try finishRecord(isSynchronized: false)
            }
            break
        }
        // The byte before a segment in which nothing was written yet.
        if last == nil, segments.count > 1 {
            var reader = try JournalReader(self, from: segments[segments.count - 2].start)
            while let record = try reader.next() { last = record.last }
        }
    }

    /// Reads a segment up to where it is sound; nil where not even its beginning is there.
    private func scanned(_ file: Int32, _ segment: Segment) throws(SourceError) -> SegmentReader? {
        let path = folder + "/" + JournalFormat.name(segment.start)
        var reader: SegmentReader?
        do throws(SegmentReader.Fault) {
            reader = try SegmentReader(file, path: path, start: segment.start)
            while let record = try reader?.next() { last = record.last }
        } catch {
            guard case .torn = error else {
                Glibc.close(file)
                throw failure(error, path, reader)
            }
        }
        return reader
    }

    private func names() -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.sorted()
    }

    private func makeFolders() throws(SourceError) {
        var missing: [String] = []
        var path = folder
        while mkdir(path, 0o700) != 0 {
            if errno == EEXIST { break }
            guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw failure(errno, nil) }
            missing.append(path)
            path = String(path[..<slash])
        }
        for path in missing.reversed() where mkdir(path, 0o700) != 0 && errno != EEXIST { throw failure(errno, nil) }
        for path in missing { if let slash = path.lastIndex(of: "/") { try synchronizeFolder(String(path[..<slash])) } }
    }

    private func synchronizeFolder(_ path: String) throws(SourceError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno, nil) }
        defer { Glibc.close(descriptor) }
        guard calls.synchronizeFolder(descriptor) == 0 else { throw failure(errno, nil) }
    }

    // MARK: - Errors

    func failure(_ number: Int32, _ file: String?) -> SourceError {
        let path = file.map { folder + "/" + $0 } ?? folder
        let wayOut = number == ENOSPC || number == EDQUOT ? "; make room and start again with the same --state" : ""
        return SourceError(message: "\(name): its journal cannot be kept: \(path): \(FileError.reason(number))\(wayOut)")
    }

    func failure(_ fault: SegmentReader.Fault, _ path: String, _ reader: SegmentReader?) -> SourceError {
        let place = "at byte \(reader?.offset ?? 0), position \(reader?.position ?? 0) of the input"
        switch fault {
        case .failed(let number): return SourceError(message: "\(name): its journal cannot be read: \(path): \(FileError.reason(number))")
        case .laterVersion:
            return SourceError(message: "\(name): its journal was written by another version of needletail: \(path)")
        case .torn: return damage("\(path) ends too early, \(place)")
        case .damaged(let reason): return damage("\(path), \(place): \(reason)")
        }
    }

    func damage(_ what: String) -> SourceError {
        SourceError(message: "\(name): its journal is damaged: \(what); go on from a savepoint, \(FilePlace.wayOut)")
    }

    /// The segment that holds a position.
    fileprivate func segment(holding position: UInt64) -> (start: UInt64, path: String)? {
        guard let segment = segments.last(where: { $0.start <= position }) else { return nil }
        return (segment.start, folder + "/" + JournalFormat.name(segment.start))
    }
}

/// What the system is asked for, so that tests can make it fail: bytes written, or -1 with `errno`; 0, or -1 with `errno`.
struct JournalCalls: Sendable {
    var write: @Sendable (Int32, UnsafeRawBufferPointer, Int) -> Int = { pwrite($0, $1.baseAddress, $1.count, off_t($2)) }
    var synchronize: @Sendable (Int32) -> Int32 = { fdatasync($0) }
    var synchronizeFolder: @Sendable (Int32) -> Int32 = { fsync($0) }
}

/// Reads what a journal holds from a position up to where it ended when the reader was made.
struct JournalReader: ~Copyable {
    private let journal: Journal
    private let end: UInt64
    private(set) var position: UInt64
    private var segment: SegmentReader?
    private var descriptor: Int32 = -1

    init(_ journal: Journal, from position: UInt64) throws(SourceError) {
        self.journal = journal
        self.position = position
        end = journal.end ?? position
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The next bytes, a record's or the rest of one; nil at the end.
    ///
    /// - Throws: ``SourceError`` where they are not what was written.
    mutating func next() throws(SourceError) -> [UInt8]? {
        while position < end {
            if segment == nil { try openSegment() }
            guard var reader = segment else { return nil }
            var record: [UInt8]?
            do throws(SegmentReader.Fault) { record = try reader.next() } catch { throw journal.failure(error, reader.path, reader) }
            segment = reader
            guard let record else {
                // Its end; what comes next is in the next segment.
                guard reader.position == position else { throw missing }
                segment = nil
                guard let next = journal.segment(holding: position), next.start == position, next.start > reader.start else { throw missing }
                continue
            }
            let rest = reader.position - position
            guard rest <= UInt64(record.count) else { throw missing }
            position = reader.position
            return Array(record.suffix(Int(rest)))
        }
        return nil
    }

    private mutating func openSegment() throws(SourceError) {
        guard let found = journal.segment(holding: position) else { throw missing }
        if descriptor >= 0 { close(descriptor) }
        descriptor = open(found.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw journal.failure(SegmentReader.Fault.failed(errno), found.path, nil) }
        var reader: SegmentReader?
        do throws(SegmentReader.Fault) {
            reader = try SegmentReader(descriptor, path: found.path, start: found.start)
            try reader?.skip(to: position)
        } catch {
            throw journal.failure(error, found.path, reader)
        }
        segment = reader
    }

    private var missing: SourceError { journal.damage("what stands at position \(position) of the input is missing in it") }
}
