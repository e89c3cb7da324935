internal import Glibc
internal import Streaming

/// The lock of a folder against other processes and other stores of this one. RocksDB has a lock too, but takes it after we have begun to
/// look around.
enum FolderLock {
    /// - Returns: the descriptor that holds it.
    static func take(_ folder: String) throws(StoreError) -> Int32 {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed("\(folder) cannot be opened: \(String(cString: strerror(errno)))") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            // A file system without such locks leaves it to RocksDB's.
            guard errno == EWOULDBLOCK else { break }
            close(descriptor)
            throw .inUse("another process uses the state folder \(folder)")
        }
        return descriptor
    }
}
