import Foundation

/// A process that a test may end as it likes.
final class Child {
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
        /// It had to be ended, since its time was over.
        case hung
    }

    let pid: pid_t
    private(set) var ending: Ending?

    /// Starts the program under test, or another.
    ///
    /// - Parameters:
    ///   - input: the file that is standard input.
    ///   - errors: the file that standard error is added to.
    init(
        _ arguments: [String], program: String = Program.path, in folder: URL, environment: [String: String] = [:], input: String = "/dev/null",
        output: String = "/dev/null", errors: String = "errors"
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        func place(_ name: String) -> String { name.hasPrefix("/") ? name : folder.path + "/" + name }
        posix_spawn_file_actions_addopen(&actions, 0, place(input), O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, place(output), O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, place(errors), O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGHUP, SIGUSR1, SIGTERM, SIGINT, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var variables = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SWIFT_BACKTRACE": "enable=no"]
        variables.merge(environment) { $1 }
        var words: [UnsafeMutablePointer<CChar>?] = (["env", "-C", folder.path, program] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var pid = pid_t()
        // `env` goes to the folder and then becomes the program.
        let status = posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, &words, &settings)
        guard status == 0 else { throw RecoveryError(message: "\(program) does not start: \(String(cString: strerror(status)))") }
        self.pid = pid
    }

    deinit {
        guard ending == nil else { return }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// How it has ended, if it has.
    func look() -> Ending? {
        if let ending { return ending }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        ending = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
        return ending
    }

    /// Waits at most so long; nil where it still runs.
    func wait(milliseconds: Int) -> Ending? {
        let end = Date().addingTimeInterval(Double(milliseconds) / 1000)
        while true {
            if let ending = look() { return ending }
            if Date() >= end { return nil }
            usleep(500)
        }
    }

    /// Waits for its end, which a test expects within a minute.
    @discardableResult
    func wait() -> Ending {
        if let ending = wait(milliseconds: 60_000) { return ending }
        kill(pid, SIGKILL)
        _ = wait(milliseconds: 5_000)
        ending = .hung
        return .hung
    }

    /// Sends a signal, unless it has ended.
    func signal(_ number: Int32) {
        if look() == nil { kill(pid, number) }
    }

    /// Ends it as `kill -9` does.
    @discardableResult
    func killNow() -> Ending {
        signal(SIGKILL)
        return wait()
    }
}
