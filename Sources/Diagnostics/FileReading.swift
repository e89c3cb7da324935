// Files as they are read whole: rule files, and the small files of fixtures. Streams of events are read elsewhere, block by block.

internal import Glibc

/// Why a file or folder cannot be read.
public struct FileError: Error, Sendable, Equatable {
    /// As the user named it.
    public var path: String
    /// Half a sentence: `there is no such file`.
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// From an `errno`.
    public init(path: String, errorNumber: Int32) {
        self.init(path: path, reason: FileError.reason(errorNumber))
    }

    public var message: String { "\(path): \(reason)" }

    /// What an `errno` means, in plain words where the system's are not.
    public static func reason(_ errorNumber: Int32) -> String {
        switch errorNumber {
        case ENOENT: "there is no such file or folder"
        case EACCES, EPERM: "you may not open it (no permission)"
        case EISDIR: "it is a folder, not a file"
        case ENOTDIR: "a part of the path is a file, not a folder"
        case EBADF: "it is closed"
        case ENOSPC, EDQUOT: "the disk is full"
        case EFBIG: "the file has become larger than the system allows"
        default: strerror(errorNumber).map { String(cString: $0) } ?? "error \(errorNumber)"
        }
    }
}

/// Reads a file whole.
///
/// - Throws: ``FileError`` where it cannot be read, is a folder, or is longer than `bytesMax`.
/// - Complexity: O(bytes).
public func readFile(_ path: String, bytesMax: Int) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, errorNumber: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    let roomBytes = 64 * 1024
    while true {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: roomBytes))
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + start, roomBytes) }
        if count < 0 {
            bytes.removeLast(roomBytes)
            if errno == EINTR { continue }
            throw FileError(path: path, errorNumber: errno)
        }
        bytes.removeLast(roomBytes - count)
        if count == 0 { return bytes }
        guard bytes.count <= bytesMax else { throw FileError(path: path, reason: "it is longer than \(bytesMax >> 20) MiB") }
    }
}

/// Writes a file anew: first beside it, then put in its place, so that a failure leaves the old one whole.
///
/// - Throws: ``FileError`` where the disk is full or the folder cannot be written.
public func writeFile(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError(path: path, errorNumber: errno) }
    var written = 0
    var failure: Int32 = 0
    while written < bytes.count, failure == 0 {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, bytes.count - written) }
        if count >= 0 { written += count } else if errno != EINTR { failure = errno }
    }
    if close(descriptor) != 0, failure == 0 { failure = errno }
    if failure == 0, rename(temporary, path) != 0 { failure = errno }
    guard failure == 0 else {
        unlink(temporary)
        throw FileError(path: path, errorNumber: failure)
    }
}
