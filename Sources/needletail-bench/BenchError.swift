internal import Glibc

/// Why a measurement cannot go on.
enum BenchError: Error, Equatable {
    /// The words on the command line make no sense; exit status 2.
    case usage(String)
    /// A file, a program or a count is not as it must be; exit status 1.
    case failed(String)
    /// A signal came; exit status 128 and its number.
    case interrupted(Int32)

    /// A call of the system that has just failed, with what `errno` says.
    static func system(_ what: String) -> BenchError {
        let code = errno
        return .failed("\(what): \(String(cString: strerror(code)))")
    }
}
