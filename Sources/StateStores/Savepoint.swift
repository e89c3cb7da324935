internal import Glibc
public import Streaming

// Savepoints: whole copies of a state folder, made on purpose and kept, to go back to or to begin another run from.
//
// Whoever wants one of a process that runs leaves a request in the folder (FolderRequest.swift); the process makes a checkpoint, copies it,
// and leaves an answer. Tables are linked where the copy is on the same file system, since they never change; all else is copied.

/// What `needletail savepoint` asks of the process that runs.
public struct SavepointRequest: Sendable, Equatable {
    /// Tells the answer to this request from others.
    public var identifier: String
    /// An absolute path.
    public var target: String
}

extension StateFolder {
    private static let lastName = "savepoint.last"

    // MARK: - In the process that runs

    /// The request that was left, if there is one; it is taken away.
    public func savepointRequest() -> SavepointRequest? {
        Request.savepoint.take(from: path).map { SavepointRequest(identifier: $0.identifier, target: $0.text) }
    }

    /// Whether a request was left, which stays where it is.
    public static func isSavepointRequested(of path: String) -> Bool { Request.savepoint.isLeft(in: path) }

    public func answer(_ request: SavepointRequest, _ message: String, isGood: Bool) {
        Request.savepoint.answer(request.identifier, message, isGood: isGood, in: path)
    }

    /// Copies the last checkpoint, and what inputs and outputs keep beside it, to a folder that must not exist. To be called while nothing
    /// is read.
    ///
    /// - Returns: the number of the checkpoint.
    /// - Throws: ``StoreError``; there is then no such folder, and this one is as it was.
    public func makeSavepoint(to target: String) throws(StoreError) -> UInt64 {
        guard let committed = store.committed else { throw .failed("\(path) holds no checkpoint yet") }
        guard access(target, F_OK) != 0 else { throw .failed("\(target) exists already") }
        let unfinished = target + ".writing"
        FolderCopy.remove(unfinished)
        do throws(StoreError) {
            try FolderCopy.makeFolder(unfinished)
            try store.copy(to: unfinished + "/store")
            try copyOthers(from: path, to: unfinished)
            try StateFolder.writeFormat(unfinished)
            try FolderCopy.rename(unfinished, to: target)
        } catch {
            FolderCopy.remove(unfinished)
            throw error
        }
        Disk.leave(target, as: StateFolder.lastName, in: path)
        return committed.number
    }

    /// What is not in the store. Alerts on their way to webhooks stay with the run that made them: it delivers them.
    private func copyOthers(from: String, to: String) throws(StoreError) {
        if access(journalsPath, F_OK) == 0 { try FolderCopy.copy(journalsPath, to: to + "/journal") { _ in false } }
        if access(idleLogPath, F_OK) == 0 { try FolderCopy.copyFile(idleLogPath, to: to + "/idle.log") }
    }

    // MARK: - Outside

    /// Where the last savepoint of a folder was made; nil where none was, or it is not there any more.
    public static func lastSavepoint(of path: String) -> String? {
        guard let content = try? Disk.content(of: path + "/" + lastName, countMax: 1 << 16) else { return nil }
        let target = String(decoding: content, as: UTF8.self)
        return access(target, F_OK) == 0 ? target : nil
    }

    /// Makes a state folder of a savepoint, which stays as it is.
    ///
    /// - Throws: ``StoreError`` where the savepoint cannot be read, or the folder holds something already.
    public static func restore(_ savepoint: String, to path: String) throws(StoreError) {
        // Whether it can be read at all.
        _ = try reading(savepoint).committed
        guard Disk.names(in: path).isEmpty else {
            throw .failed("\(path) is not empty; to begin from a savepoint, give --state a new folder")
        }
        let unfinished = path + ".writing"
        FolderCopy.remove(unfinished)
        do throws(StoreError) {
            try FolderCopy.copy(savepoint, to: unfinished) { $0.hasSuffix(".sst") }
            rmdir(path)
            try FolderCopy.rename(unfinished, to: path)
        } catch {
            FolderCopy.remove(unfinished)
            throw error
        }
    }

    /// Asks the process that runs with a folder for a savepoint, and waits for it.
    ///
    /// - Returns: what it says.
    public static func request(savepointOf path: String, to target: String, from owner: Int32, timeoutSeconds: Int) throws(StoreError) -> String {
        try Request.savepoint.ask(target, of: path, from: owner, timeoutSeconds: timeoutSeconds)
    }
}

/// Copies of folders that are durable when they are there.
enum FolderCopy {
    /// Copies a folder with all below it; what `links` says of a name is linked where the file systems allow.
    static func copy(_ from: String, to: String, links: (String) -> Bool) throws(StoreError) {
        try makeFolder(to)
        for name in Disk.names(in: from) {
            let (source, target) = (from + "/" + name, to + "/" + name)
            var status = stat()
            guard lstat(source, &status) == 0 else { throw failure(source) }
            if status.st_mode & S_IFMT == S_IFDIR {
                try copy(source, to: target, links: links)
            } else if !links(name) || link(source, target) != 0 {
                try copyFile(source, to: target)
            }
        }
        try synchronizeFolder(to)
    }

    static func copyFile(_ from: String, to: String) throws(StoreError) {
        let source = open(from, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw failure(from) }
        defer { close(source) }
        let target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard target >= 0 else { throw failure(to) }
        defer { close(target) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(from) }
            if count == 0 { break }
            var written = 0
            while written < count {
                let more = piece.withUnsafeBytes { write(target, $0.baseAddress! + written, count - written) }
                if more < 0 && errno == EINTR { continue }
                guard more > 0 else { throw failure(to) }
                written += more
            }
        }
        guard fsync(target) == 0 else { throw failure(to) }
    }

    static func makeFolder(_ path: String) throws(StoreError) {
        guard mkdir(path, 0o755) == 0 else { throw failure(path) }
    }

    static func rename(_ from: String, to: String) throws(StoreError) {
        try synchronizeFolder(from)
        guard Glibc.rename(from, to) == 0 else { throw failure(to) }
        try synchronizeFolder(RocksStore.Opening.parent(of: to))
    }

    /// Removes a folder and all below it, as far as it can.
    static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in Disk.names(in: path) { remove(path + "/" + name) }
        rmdir(path)
    }

    private static func synchronizeFolder(_ path: String) throws(StoreError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure(path) }
    }

    private static func failure(_ path: String) -> StoreError {
        let text = "\(path): \(String(cString: strerror(errno)))"
        return errno == ENOSPC || errno == EDQUOT ? .full(text) : .failed(text)
    }
}
