// A file that is there is given new content, in one step.

internal import Glibc

/// Gives a file new content. It is written beside the file and then put in its place, so that a reader sees the old text or the new one
/// and a failure leaves the old one whole. Permissions stay, the owner too where that is allowed; of a link the file that it leads to is
/// rewritten.
///
/// - Throws: ``FileError`` where the file is not there, the disk is full, or the folder cannot be written.
public func rewriteFile(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    guard let resolved = realpath(path, nil) else { throw FileError(path: path, errorNumber: errno) }
    let target = String(cString: resolved)
    free(resolved)
    var status = stat()
    guard stat(target, &status) == 0 else { throw FileError(path: path, errorNumber: errno) }
    let temporary = "\(target).\(getpid()).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError(path: path, errorNumber: errno) }
    var failure: Int32 = 0
    var written = 0
    while written < bytes.count, failure == 0 {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, bytes.count - written) }
        if count >= 0 { written += count } else if errno != EINTR { failure = errno }
    }
    // Only root may give files away; whoever may not keeps the file as its own. The owner goes first, since a new one clears bits of the mode.
    _ = fchown(descriptor, status.st_uid, status.st_gid)
    if failure == 0, fchmod(descriptor, status.st_mode & 0o7777) != 0 { failure = errno }
    if failure == 0, fsync(descriptor) != 0 { failure = errno }
    if close(descriptor) != 0, failure == 0 { failure = errno }
    if failure == 0, rename(temporary, target) != 0 { failure = errno }
    guard failure == 0 else {
        unlink(temporary)
        throw FileError(path: path, errorNumber: failure)
    }
}
