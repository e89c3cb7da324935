internal import CPCRE2
internal import Events

/// The regular expressions of `matches`: PCRE2, UTF, found anywhere.
public enum Regex {
    /// Why a text is no pattern.
    public struct Problem: Error, Equatable, Sendable {
        /// UTF-8 bytes from the pattern's start to where PCRE2 stopped.
        public var offset: Int
        /// PCRE2's words, such as "missing closing parenthesis".
        public var message: String

        public init(offset: Int, message: String) {
            self.offset = offset
            self.message = message
        }
    }

    /// The longest pattern, in bytes.
    public static let patternBytesMax = 16 * 1024
    /// The longest text that is searched, in bytes; a longer one is unknown.
    public static let subjectBytesMax = 32 * 1024
    /// The same where a pattern could not become machine code. The interpreter counts no steps that need no way back, and some patterns
    /// take the square of the length.
    public static let slowSubjectBytesMax = 2 * 1024

    static let matchLimit: UInt32 = 100_000
    static let depthLimit: UInt32 = 10_000
    static let heapKibibytes: UInt32 = 2048

    /// What is wrong with a pattern; nil where nothing is.
    ///
    /// - Complexity: some microseconds; no machine code is made.
    public static func check(_ pattern: String) -> Problem? {
        guard pattern.utf8.count <= patternBytesMax else {
            return Problem(offset: patternBytesMax, message: "the pattern is longer than \(patternBytesMax) bytes")
        }
        var problem: Problem?
        free(compile(pattern, toMachineCode: false, problem: &problem))
        return problem
    }

    /// Nil where it is no pattern. The result is given back by ``free(_:)``.
    static func compile(_ pattern: String, toMachineCode: Bool) -> OpaquePointer? {
        guard pattern.utf8.count <= patternBytesMax else { return nil }
        var problem: Problem?
        return compile(pattern, toMachineCode: toMachineCode, problem: &problem)
    }

    static func free(_ pattern: OpaquePointer?) {
        nt_pattern_free(pattern)
    }

    private static func compile(_ pattern: String, toMachineCode: Bool, problem: inout Problem?) -> OpaquePointer? {
        // One more byte keeps the address of an empty pattern from being null.
        let text = Array(pattern.utf8) + [0]
        var offset = 0
        var message = [CChar](repeating: 0, count: 256)
        let compiled = nt_pattern_compile(text, text.count - 1, toMachineCode ? 1 : 0, &offset, &message, message.count)
        if compiled == nil {
            let words = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            problem = Problem(offset: min(offset, text.count - 1), message: words)
        }
        return compiled
    }
}

/// What one evaluator needs to search, made at its first search.
final class PatternSearch {
    private var scratch: OpaquePointer?

    enum Outcome {
        case found, notFound
        /// A limit was reached: nobody knows.
        case givenUp
    }

    deinit {
        nt_pattern_scratch_free(scratch)
    }

    func find(_ pattern: OpaquePointer, in text: Scalar) -> Outcome {
        let isFast = nt_pattern_is_fast(pattern) != 0
        guard Int(text.length) <= (isFast ? Regex.subjectBytesMax : Regex.slowSubjectBytesMax) else { return .givenUp }
        if scratch == nil { scratch = nt_pattern_scratch_create(Regex.matchLimit, Regex.depthLimit, Regex.heapKibibytes) }
        guard let scratch else { return .givenUp }
        switch nt_pattern_find(pattern, scratch, text.address, Int(text.length)) {
        case nt_pattern_found: return .found
        case nt_pattern_not_found: return .notFound
        default: return .givenUp
        }
    }
}

extension Evaluator {
    /// `matches`: unknown, and counted, where a limit is reached.
    func found(_ value: Scalar, pattern: Int) -> Scalar {
        if value.isUnknown { return .unknown }
        guard value.kind == ValueKind.string else { return mismatch() }
        guard let compiled = tables.patterns[pattern] else { return .unknown }
        switch search.find(compiled, in: value) {
        case .found: return .boolean(true)
        case .notFound: return .boolean(false)
        case .givenUp:
            regexLimitHits &+= 1
            return .unknown
        }
    }
}
