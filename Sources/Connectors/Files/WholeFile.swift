public import Diagnostics
internal import Streaming

/// Reads a log whole, through gzip and zstd.
///
/// - Throws: ``FileError`` where it cannot be read, is damaged, or its content is longer than `bytesMax`.
/// - Complexity: O(bytes).
public func readEventFile(_ path: String, bytesMax: Int) throws(FileError) -> [UInt8] {
    let source = try FileDescriptorSource.opening(path).decompressed(path: path)
    let selector = PollSelector()
    var bytes: [UInt8] = []
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
    defer { room.deallocate() }
    while true {
        let count: Int?
        do throws(SourceError) {
            count = try source.read(into: room)
        } catch {
            // The message begins with the path already.
            throw FileError(path: path, reason: String(error.message.dropFirst(path.count + 2)))
        }
        if count == 0 { return bytes }
        if let count { bytes += room[..<count] } else { _ = selector.wait(for: [source], timeoutMicroseconds: nil) }
        guard bytes.count <= bytesMax else { throw FileError(path: path, reason: "it is longer than \(bytesMax >> 20) MiB") }
    }
}
