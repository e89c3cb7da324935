// A file that others write to, read on as it grows.
//
// Rotation by renaming: another file bears the name. The old one is read to its end first, and is left only once the new one holds
// something, since whoever writes goes on with the old one until it has opened the new. Rotation by truncation: the file has become
// shorter than what we have read; it is read from its start. Where it has grown beyond that again before we look, nobody can tell: the
// folder's inotify makes the time between looks short. Files that came and were renamed between two looks are found by their names, which
// rotation makes of this one's, and by the times at which they were modified.
//
// A line that was not ended when its file was left is ended here: it must not grow together with the first line of the next file.
//
// What was read of which file is kept back to the last checkpoint, so that a restart finds it again (`FollowedFile+Resuming`): it reads
// first what lies in files that were left, then goes on as if it had never been away.

public import Diagnostics
public import Streaming
internal import Glibc

/// An input that is never at its end.
public final class FollowedFile: ResumableSource, WaitingSource {
    public let name: String
    let path: String
    private let warn: (String) -> Void
    private var file: OpenFile?
    /// Tells that something has happened in the folder; -1 where the system has none left.
    private let notices: Int32
    private var endsWithLineEnd = true
    /// The line that the file which was left did not end is to be ended.
    private var owesLineEnd = false
    private var isUnreadable = false
    /// What is read behind the file at hand before the file of the name: it came, or was there before a restart, while nobody looked.
    private var plan: ArraySlice<PlannedFile> = []
    /// Bytes handed out since the very first start.
    private var handedOut: UInt64 = 0
    var pieces = ReadPieces()

    private struct OpenFile {
        var descriptor: Int32
        var identity: FileIdentity
        /// Bytes that were read.
        var position: Int64 = 0
        /// How far it is read, where it is known that the run before a restart went on with another file there.
        var end: Int64?
    }

    /// Opens the file, or waits for it where it is not there.
    ///
    /// - Parameters:
    ///   - name: how messages call it; by default the path.
    ///   - warn: is told, in a sentence, what people should know.
    /// - Throws: ``FileError`` where it is there, and is no file that can be followed.
    public init(_ path: String, name: String? = nil, warn: @escaping (String) -> Void = { _ in }) throws(FileError) {
        self.path = path
        self.name = name ?? path
        self.warn = warn
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        notices = inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC))
        if notices >= 0 { _ = inotify_add_watch(notices, folder, UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ATTRIB)) }
        if let suffix = Compression.named(by: path)?.suffix {
            throw FileError(path: self.name, reason: "a compressed file (\(suffix)) cannot be followed as it grows; leave out --follow")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw FileError(path: self.name, errorNumber: errno) }
            warn("\(self.name) is not there yet; waiting for it")
            return
        }
        guard let identity = FileIdentity(descriptor: descriptor) else {
            close(descriptor)
            throw FileError(path: self.name, reason: "only a file can be followed as it grows, no pipe, device or folder; leave out --follow")
        }
        file = OpenFile(descriptor: descriptor, identity: identity)
        pieces.begin(FilePrintMaker(inode: identity.inode), at: 0)
        var start = [UInt8](repeating: 0, count: 4)
        let count = pread(descriptor, &start, start.count, 0)
        if case .compressed(let compression) = start.withUnsafeBytes({ Compression.guess(UnsafeRawBufferPointer(rebasing: $0[..<max(0, count)])) }) {
            throw FileError(path: self.name, reason: "it is compressed (\(compression.name)) and cannot be followed as it grows; leave out --follow")
        }
    }

    deinit {
        if let file { close(file.descriptor) }
        for planned in plan { close(planned.descriptor) }
        if notices >= 0 { close(notices) }
    }

    /// Which file it is now, so that nobody writes into what is read.
    public var identity: FileIdentity? { file?.identity }

    var readiness: SourceReadiness {
        // Emptied before we look: what happens after the look makes it readable again.
        var dropped = [UInt8](repeating: 0, count: 4096)
        while notices >= 0, Glibc.read(notices, &dropped, dropped.count) > 0 {}
        return hasNews ? .ready : .recheck(notices)
    }

    func noteReadiness() {}

    /// Whether a read would do anything.
    private var hasNews: Bool {
        if owesLineEnd || !plan.isEmpty { return true }
        guard let file else { return canOpenNamed }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0, Int64(status.st_size) == file.position else { return true }
        return successor(of: file) && canOpenNamed
    }

    private var canOpenNamed: Bool {
        var status = stat()
        return stat(path, &status) == 0 && FileIdentity(status) != nil && access(path, R_OK) == 0
    }

    /// Whether another file bears the name and holds something.
    private func successor(of file: OpenFile) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > 0, let identity = FileIdentity(status) else { return false }
        return identity != file.identity
    }

    public func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard let base = room.baseAddress, room.count > 0 else { return nil }
        while true {
            if owesLineEnd {
                owesLineEnd = false
                room[0] = UInt8(ascii: "\n")
                handedOut += 1
                return 1
            }
            guard var file else {
                guard openNamed() else { return nil }
                continue
            }
            if file.position == file.end, openPlanned() { continue }
            // Looked at before the read that finds the old file's end: what was written to it before the new one is read.
            let hasSuccessor = plan.isEmpty && successor(of: file)
            let count = Glibc.read(file.descriptor, base, Int(min(Int64(room.count), (file.end ?? .max) - file.position)))
            if count < 0 {
                if errno == EINTR { continue }
                throw SourceError(message: "\(name): \(FileError.reason(errno))")
            }
            if count > 0 {
                file.position += Int64(count)
                self.file = file
                endsWithLineEnd = room[count - 1] == UInt8(ascii: "\n")
                handedOut += UInt64(count)
                pieces.add(UnsafeRawBufferPointer(start: base, count: count))
                return count
            }
            if file.end != nil { throw SourceError(message: "\(name): a file that was read before the restart has become shorter") }
            if openPlanned() { continue }
            var status = stat()
            if fstat(file.descriptor, &status) == 0, Int64(status.st_size) < file.position {
                warn("\(name) has become shorter; reading it from its start")
                lseek(file.descriptor, 0, SEEK_SET)
                file.position = 0
                self.file = file
                begin(FilePrintMaker(inode: file.identity.inode))
            } else if hasSuccessor {
                guard try planMissed(behind: file.identity) else { return nil }
                guard openPlanned() || openNamed() else { return nil }
            } else {
                return nil
            }
        }
    }

    /// Notes that other bytes come next, and that a line which was not ended is to be ended before them: its file will not do it any more.
    private func begin(_ maker: FilePrintMaker) {
        owesLineEnd = !endsWithLineEnd
        endsWithLineEnd = true
        pieces.begin(maker, at: handedOut + (owesLineEnd ? 1 : 0))
    }

    /// Finds what came and was renamed while nobody looked; false where the folder is just being changed.
    private func planMissed(behind last: FileIdentity) throws(SourceError) -> Bool {
        let folder = RotatedFiles(of: path)
        // A file that is renamed meanwhile may stand in a listing twice, or not at all.
        guard RotatedFiles(of: path).isSame(as: folder) else { return false }
        do throws(SourceError) {
            plan = try rotatedSince(last, [last], folder)[...]
            return true
        } catch {
            guard RotatedFiles(of: path).isSame(as: folder) else { return false }
            throw error
        }
    }

    /// Goes on with the next of the files that a restart has found; false where there is none.
    private func openPlanned() -> Bool {
        guard let next = plan.popFirst() else { return false }
        if let file { close(file.descriptor) }
        lseek(next.descriptor, off_t(next.maker.length), SEEK_SET)
        file = OpenFile(descriptor: next.descriptor, identity: next.identity, position: Int64(next.maker.length), end: next.end)
        begin(next.maker)
        return true
    }

    public func place(at position: UInt64) -> [UInt8] { pieces.place(at: position).encoded }

    public func forget(before position: UInt64) { pieces.forget(before: position) }

    /// Looks for what was read before a restart, by what is in the folder now.
    ///
    /// - Throws: ``SourceError`` where it is not there any more.
    public func resume(at position: UInt64, place: [UInt8]) throws(SourceError) {
        let found = try plannedFiles(at: position, place: place)
        guard !found.isEmpty else { return }
        plan = found[...]
        pieces = ReadPieces()
        handedOut = position
        endsWithLineEnd = true
        _ = openPlanned()
        endsWithLineEnd = found[0].maker.endsWithLineEnd
    }

    /// Opens what bears the name now, in place of the file at hand. What cannot be opened is tried again: a new file is often made first
    /// and given to its readers a moment later.
    private func openNamed() -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0, let identity = FileIdentity(descriptor: descriptor) else {
            if descriptor >= 0 { close(descriptor) }
            if !isUnreadable { warn("\(name): \(descriptor >= 0 ? "it is no file" : FileError.reason(errno)); trying again") }
            isUnreadable = true
            return false
        }
        isUnreadable = false
        if let file { close(file.descriptor) }
        file = OpenFile(descriptor: descriptor, identity: identity)
        begin(FilePrintMaker(inode: identity.inode))
        return true
    }
}
