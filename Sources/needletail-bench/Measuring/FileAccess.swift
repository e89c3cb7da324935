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

    /// The two ends of a new pipe. No child keeps them open that was not given them.
    static func pipe() throws(BenchError) -> Pipe {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw .system("cannot make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return Pipe(
            reading: FileHandle(open: ends[0], "the pipe from the program"), writing: FileHandle(open: ends[1], "the pipe to the program"))
    }

    private init(open descriptor: Int32, _ name: String) {
        self.descriptor = descriptor
        path = name
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

    /// Reads up to so many bytes from a place in the file; 0 is the end.
    func read(into room: UnsafeMutableRawBufferPointer, at place: Int) throws(BenchError) -> Int {
        while true {
            let count = Glibc.pread(descriptor, room.baseAddress, room.count, place)
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system("cannot read \(path)") }
            try Interrupt.check()
        }
    }

    /// Copies all of this file to where the other one stands, within the system where it can.
    func copy(to other: borrowing FileHandle) throws(BenchError) {
        while true {
            let count = sendfile(other.descriptor, descriptor, nil, 64 << 20)
            if count == 0 { return }
            guard count > 0 || errno == EINTR else { throw .system("cannot copy \(path)") }
            try Interrupt.check()
        }
    }

    /// Waits until the content is on the disk, so that the system's writing of gigabytes does not go on beside what is measured.
    func settle() throws(BenchError) {
        guard fdatasync(descriptor) == 0 else { throw .system("cannot write \(path)") }
    }

    func size() throws(BenchError) -> Int {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw .system("cannot look at \(path)") }
        return Int(information.st_size)
    }

    /// Writes all of a buffer, which keeps its content.
    func write(_ buffer: borrowing ByteBuffer) throws(BenchError) {
        try write(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(BenchError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count >= 0 {
                done += count
            } else {
                guard errno == EINTR else { throw .system("cannot write \(path)") }
                try Interrupt.check()
            }
        }
    }
}

struct Pipe: ~Copyable {
    let reading: FileHandle
    let writing: FileHandle

    /// Closes one end and keeps the other.
    consuming func keepReading() -> FileHandle { reading }
    consuming func keepWriting() -> FileHandle { writing }
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

/// XXH3 of 128 bits and the number of line ends of bytes that come in pieces.
struct ContentHash: ~Copyable {
    private let state = nt_hash_state_create()
    private(set) var lines = 0

    init() { nt_hash_reset(state) }

    deinit { nt_hash_state_free(state) }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        nt_hash_update(state, bytes.baseAddress, bytes.count)
        for byte in bytes where byte == UInt8(ascii: "\n") { lines += 1 }
    }

    /// As `xxh128sum` prints it.
    var hexadecimal: String {
        let digest = nt_hash_digest(state)
        return [digest.high, digest.low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// What a file of lines holds.
struct FileContent: Equatable, Sendable {
    var lines: Int
    /// XXH3 of 128 bits, as `xxh128sum` prints it.
    var hash: String
}

extension FileContent {
    /// Reads the file through a small buffer: a mapping would count as memory of this process, and so of its next child.
    init(of path: String) throws(BenchError) {
        let file = try FileHandle(reading: path)
        var content = ContentHash()
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
        defer { room.deallocate() }
        while true {
            let count = try file.read(into: room)
            if count == 0 { break }
            content.update(UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
        lines = content.lines
        hash = content.hexadecimal
    }
}
