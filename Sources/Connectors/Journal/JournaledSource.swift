// A pipe, a socket or a terminal cannot be read again. What comes of it is written into a journal before it is handed out, and after a
// restart comes from there, up to where the journal ends; then it goes on with what the pipe gives now.
//
// Of a pipe the bytes are moved into the journal's file within the system, so that a kill finds each of them in the pipe or in the file: a
// pipe that somebody else keeps open loses nothing. What is compressed, and what comes of sockets and terminals, is read and then written;
// a kill in between loses what was read last.

internal import Glibc
public import Streaming

/// An input that is journaled so that it can go on after a restart. Of compressed data its content is journaled.
public final class JournaledSource: ResumableSource, WaitingSource {
    public let name: String
    private let source: any Source
    private let journal: Journal
    private let isSynchronized: Bool
    private let bytesMax: Int
    /// Bytes handed out since the very first start.
    private var position: UInt64 = 0
    private var hasBegun = false
    /// What is in the journal and was not handed out: of a run before this one, as long as its reader gives something.
    private var replay: Replay?
    private var ready: ArraySlice<UInt8> = []
    /// What was read and could not be written yet.
    private var unwritten: [UInt8] = []
    /// What came behind the bytes that were read together with it: the end, or a failure.
    private var ending: Result<Void, SourceError>?
    /// The journal ends within a line, and it is not known yet whether what comes now goes on with it.
    private var mayOweLineEnd = false
    /// The file system of the journal takes nothing from a pipe directly.
    private var cannotMove = false

    /// A box, for what cannot be copied.
    private final class Replay {
        var reader: JournalReader
        init(_ reader: consuming JournalReader) { self.reader = reader }
    }

    public static let bytesMax = 4 << 30

    /// Opens the journal in a folder, which is made where it is not there.
    ///
    /// - Parameters:
    ///   - isFresh: the state begins with this run: what lies in the folder is of another and is removed.
    ///   - isSynchronized: what is handed out outlives the machine too, at the cost of one `fdatasync` for what is read at once. Without, it
    ///     outlives the process at once, and the machine once a checkpoint has been made.
    ///   - bytesMax: most bytes of its files; at this bound nothing is read until a checkpoint lets some go.
    /// - Throws: ``SourceError`` where the folder cannot be written, or the journal is damaged.
    public convenience init(
        _ source: any Source, folder: String, isFresh: Bool, isSynchronized: Bool, bytesMax: Int = JournaledSource.bytesMax
    ) throws(SourceError) {
        self.init(source, try Journal(folder, name: source.name, isFresh: isFresh), isSynchronized: isSynchronized, bytesMax: bytesMax)
    }

    init(_ source: any Source, _ journal: Journal, isSynchronized: Bool, bytesMax: Int) {
        self.source = source
        self.journal = journal
        self.isSynchronized = isSynchronized
        self.bytesMax = bytesMax
        name = source.name
    }

    /// Bytes of the journal's files.
    public var keptBytes: Int { journal.keptBytes }

    /// More than half of what may be kept is: a checkpoint would let some go.
    public var wantsCheckpoint: Bool { keptBytes > bytesMax / 2 }

    var readiness: SourceReadiness {
        if !hasBegun || replay != nil || !ready.isEmpty || !unwritten.isEmpty || ending != nil { return .ready }
        if keptBytes >= bytesMax { return .recheck(-1) }
        return (source as? any WaitingSource)?.readiness ?? .ready
    }

    func noteReadiness() { (source as? any WaitingSource)?.noteReadiness() }

    public func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard room.count > 0 else { return 0 }
        if !hasBegun { try begin(at: 0) }
        if !unwritten.isEmpty {
            // The disk was full.
            try keep(unwritten)
            ready = unwritten[...]
            unwritten = []
        }
        if ready.isEmpty, let replay {
            ready = try replay.reader.next()?[...] ?? []
            if ready.isEmpty { self.replay = nil }
        }
        if !ready.isEmpty {
            let count = min(room.count, ready.count)
            room.copyBytes(from: ready.prefix(count))
            ready = ready.dropFirst(count)
            position += UInt64(count)
            return count
        }
        if let ending {
            if case .failure = ending { self.ending = nil }
            try ending.get()
            return 0
        }
        // The disk was full when these were moved.
        ready = try journal.finishRecord(isSynchronized: isSynchronized)[...]
        if !ready.isEmpty { return try read(into: room) }
        guard keptBytes < bytesMax else { return nil }
        let group = UnsafeMutableRawBufferPointer(rebasing: room.prefix(JournalFormat.recordBytesMax))
        switch try plainPipe() {
        case .none: break
        case .unknown: return nil
        case .pipe(let pipe):
            if mayOweLineEnd {
                guard let first = try pipe.peek(1) else { return nil }
                mayOweLineEnd = false
                // Another event begins: whoever writes has begun anew. Else it is the rest of the line.
                if first == [UInt8(ascii: "{")] { return try keepLineEnd(room) }
            }
            if let count = try move(pipe, into: group) { return count }
            if !cannotMove { return ending == nil ? nil : 0 }
        }
        if mayOweLineEnd {
            mayOweLineEnd = false
            return try keepLineEnd(room)
        }
        guard let count = try readGroup(group.count, { (filled) throws(SourceError) in
            try source.read(into: UnsafeMutableRawBufferPointer(rebasing: group[filled...]))
        }) else { return ending == nil ? nil : 0 }
        let bytes = UnsafeRawBufferPointer(rebasing: group[..<count])
        do throws(SourceError) {
            try journal.append(bytes, isSynchronized: isSynchronized)
        } catch {
            unwritten = Array(bytes)
            throw error
        }
        position += UInt64(count)
        return count
    }

    /// The pipe whose bytes can be moved into the journal.
    private func plainPipe() throws(SourceError) -> DecompressingSource.PlainPipe {
        if cannotMove { return .none }
        if let pipe = (source as? FileDescriptorSource)?.pipe { return .pipe(pipe) }
        return try (source as? DecompressingSource)?.plainPipe() ?? .none
    }

    private func move(_ pipe: FileDescriptorSource, into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        let count = try journal.append(into: room, isSynchronized: isSynchronized) { file, offset, countMax throws(SourceError) in
            try readGroup(countMax) { filled throws(SourceError) in
                do throws(FileDescriptorSource.SystemError) {
                    return try pipe.move(to: file, at: offset + filled, countMax: countMax - filled)
                } catch {
                    if error.number == EINVAL && filled == 0 {
                        cannotMove = true
                        return nil
                    }
                    throw journal.failure(error.number, nil)
                }
            }
        }
        position += UInt64(count ?? 0)
        return count
    }

    private func keepLineEnd(_ room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
        room[0] = UInt8(ascii: "\n")
        try journal.append(UnsafeRawBufferPointer(rebasing: room[..<1]), isSynchronized: isSynchronized)
        position += 1
        return 1
    }

    /// Takes what is there, nil where that is nothing: for one `fdatasync`, as much as there is.
    ///
    /// - Parameter take: takes more, behind so many bytes.
    private func readGroup(_ countMax: Int, _ take: (_ filled: Int) throws(SourceError) -> Int?) throws(SourceError) -> Int? {
        var filled = 0
        repeat {
            let count: Int?
            do throws(SourceError) {
                count = try take(filled)
            } catch {
                guard filled > 0 else { throw error }
                ending = .failure(error)
                return filled
            }
            guard let count else { return filled > 0 ? filled : nil }
            if count == 0 {
                ending = .success(())
                return filled > 0 ? filled : nil
            }
            filled += count
        } while isSynchronized && filled < countMax
        return filled
    }

    private func keep(_ bytes: [UInt8]) throws(SourceError) {
        let result: Result<Void, SourceError> = bytes.withUnsafeBytes { bytes in
            do throws(SourceError) {
                return .success(try journal.append(bytes, isSynchronized: isSynchronized))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    // MARK: - After a restart

    /// The place is the journal's: where it ended when the place was taken, behind version and kind (see `FilePlace`), 8 bytes.
    public func place(at position: UInt64) -> [UInt8] {
        var writer = PlaceWriter(FilePlace.version, FilePlace.Kind.journal.rawValue)
        writer.append(journal.end ?? self.position)
        return writer.bytes
    }

    public func resume(at position: UInt64, place: [UInt8]) throws(SourceError) {
        var needed = position
        if let kind = try FilePlace.kind(of: place, name: name) {
            guard kind == .journal else { return try FilePlace.expectNone(place, name: name) }
            var reader = PlaceReader(place[2...])
            guard let end: UInt64 = reader.next(), reader.isAtEnd, end >= position else { throw FilePlace.damage(name) }
            needed = end
        }
        if journal.end == nil && needed == position { journal.begin(at: position) }
        guard let end = journal.end, end >= needed else {
            throw journal.damage("it ends at position \(journal.end ?? 0) of the input, and the last checkpoint needs it up to \(needed)")
        }
        try begin(at: position)
    }

    public func forget(before position: UInt64) { journal.forget(before: position) }

    public func synchronize() throws(SourceError) { try journal.synchronize() }

    /// Goes on at a position: first with what the journal has from there on. A line that the crash has cut is ended, so that it does not
    /// grow together with the first line that comes now, unless what comes now is its rest.
    private func begin(at position: UInt64) throws(SourceError) {
        if journal.end == nil { journal.begin(at: position) }
        guard let end = journal.end, (journal.start ?? end) <= position else {
            throw journal.damage("it begins at position \(journal.start ?? 0) of the input, and position \(position) is needed")
        }
        // In a run that only begins anew, with other rules, the line goes on.
        mayOweLineEnd = !hasBegun && end > position && !journal.endsWithLineEnd
        ready = []
        replay = Replay(try JournalReader(journal, from: position))
        self.position = position
        hasBegun = true
    }
}
