@preconcurrency internal import Glibc

/// What a whole process took, from its start to its end.
struct ProcessCost: Equatable, Sendable {
    /// By the clock on the wall.
    var nanoseconds: UInt64
    /// On all cores, in the program and in the system for it.
    var processorNanoseconds: UInt64
    /// The most memory that it held in RAM at once. What this process holds when it starts the child counts as well, so it stays small.
    var peakBytes: Int
}

/// A program that runs.
struct ChildProcess {
    private let path: String
    private let id: pid_t
    private let start: UInt64

    /// Starts a program. Its input and its output go where ours do unless other ends are given; its errors go where ours do.
    init(_ path: String, _ arguments: [String], input: Int32? = nil, output: Int32? = nil) throws(BenchError) {
        try Interrupt.check()
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input { posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) }
        // Where this process ignores the signal of a broken pipe, the program must not begin with that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        var id: pid_t = 0
        let start = monotonicNanoseconds()
        let failure = posix_spawn(&id, path, &actions, &attributes, words, environ)
        guard failure == 0 else { throw .failed("cannot start \(path): \(String(cString: strerror(failure)))") }
        self.path = path
        self.id = id
        self.start = start
    }

    /// Waits for its end.
    ///
    /// - Throws: where it does not end with status 0.
    func wait() throws(BenchError) -> ProcessCost {
        var status: Int32 = 0
        var usage = rusage()
        while wait4(id, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw .system("cannot wait for \(path)") }
            if Interrupt.signal != nil { kill(id, SIGTERM) }
        }
        let end = monotonicNanoseconds()
        try Interrupt.check()
        let signal = status & 0x7f
        guard signal == 0 else { throw .failed("\(path) was ended by signal \(signal)") }
        guard status >> 8 & 0xff == 0 else { throw .failed("\(path) ended with status \(status >> 8 & 0xff)") }
        return ProcessCost(
            nanoseconds: end - start,
            processorNanoseconds: ChildProcess.nanoseconds(usage.ru_utime) + ChildProcess.nanoseconds(usage.ru_stime),
            peakBytes: usage.ru_maxrss * 1024)
    }

    /// Runs a program to its end; its output and its errors go where ours do.
    ///
    /// - Throws: where it cannot be started or does not end with status 0.
    static func run(_ path: String, _ arguments: [String]) throws(BenchError) -> ProcessCost {
        try ChildProcess(path, arguments).wait()
    }

    /// Asks it to end. Once is enough; ``wait()`` is still needed.
    func terminate() { kill(id, SIGTERM) }

    private static func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
    }

    /// A program that was built together with the running one, and so lies beside it.
    static func sibling(_ name: String) throws(BenchError) -> String {
        var room = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlink("/proc/self/exe", &room, Int(PATH_MAX))
        guard length > 0 else { throw .system("cannot find the running program") }
        let own = String(decoding: room[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
        guard access(String(path), X_OK) == 0 else { throw .failed("there is no program \(path); `make bench` builds it") }
        return String(path)
    }
}

func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
