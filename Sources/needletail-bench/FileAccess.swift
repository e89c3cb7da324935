internal import CXXHash
internal import Events
internal import Glibc

/// An open file that closes itself.
struct FileHandle: ~Copyable {
    let descriptor: Int32
    private let path: String
    private let closes: Bool

    init(reading path: String) throws(BenchError) {
        try self.init(path, open(path, O_RDONLY | O_CLOEXEC))
    }

    init(creating path: String) throws(BenchError) {
        try self.init(path, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644))
    }

    private init(_ path: String, _ descriptor: Int32) throws(BenchError) {
        guard descriptor >= 0 else { throw .system("cannot open \(path)") }
        self.descriptor = descriptor
        self.path = path
        closes = true
    }

    /// Standard output stays open.
    static var standardOutput: FileHandle { FileHandle(standard: STDOUT_FILENO, "standard output") }

    private init(standard descriptor: Int32, _ name: String) {
        self.descriptor = descriptor
        path = name
        closes = false
    }

    deinit {
        if closes { close(descriptor) }
    }

    /// Reads up to so many bytes; 0 is the end.
    func read(into room: UnsafeMutableRawBufferPointer) throws(BenchError) -> Int {
        while true {
            let count = Glibc.read(descriptor, room.baseAddress, room.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system("cannot read \(path)") }
            try Interrupt.check()
        }
    }

    /// Writes all of a buffer and empties it.
    func write(_ buffer: inout ByteBuffer) throws(BenchError) {
        var done = 0
        while done < buffer.count {
            let count = Glibc.write(descriptor, buffer.bytes + done, buffer.count - done)
            if count >= 0 {
                done += count
            } else {
                guard errno == EINTR else { throw .system("cannot write \(path)") }
                try Interrupt.check()
            }
        }
        buffer.removeAll()
    }
}

/// A folder of its own below `TMPDIR`, removed with what was put there.
struct TemporaryFolder: ~Copyable {
    let path: String
    private let names: [String]

    /// - Parameter names: of the files that may stand there at the end.
    init(names: [String]) throws(BenchError) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        guard let made = strdup(parent + "/needletail-bench-XXXXXX") else { throw .system("cannot name a temporary folder") }
        defer { free(made) }
        guard mkdtemp(made) != nil else { throw .system("cannot make a folder in \(parent)") }
        path = String(cString: made)
        self.names = names
    }

    func file(_ name: String) -> String { path + "/" + name }

    deinit {
        for name in names { unlink(path + "/" + name) }
        rmdir(path)
    }
}

/// What a file of lines holds.
struct FileContent: Equatable, Sendable {
    var lines: Int
    /// XXH3 of 128 bits, as `xxh128sum` prints it.
    var hash: String

    /// Reads the file through a small buffer: a mapping would count as memory of this process, and so of its next child.
    init(of path: String) throws(BenchError) {
        let file = try FileHandle(reading: path)
        let state = nt_hash_state_create()
        defer { nt_hash_state_free(state) }
        nt_hash_reset(state)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
        defer { room.deallocate() }
        lines = 0
        while true {
            let count = try file.read(into: room)
            if count == 0 { break }
            nt_hash_update(state, room.baseAddress, count)
            for byte in room[..<count] where byte == UInt8(ascii: "\n") { lines += 1 }
        }
        let digest = nt_hash_digest(state)
        hash = FileContent.hexadecimal(digest.high) + FileContent.hexadecimal(digest.low)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
