internal import Glibc

/// `${NAME}` in a spec. The value is used and never shown: messages repeat the spec as it was written, unless it is an address.
enum Environment {
    /// Why a spec cannot be expanded.
    enum Failure: Error {
        case notClosed
        case noName
        case notSet(String)

        /// Half a sentence, without the spec.
        var message: String {
            switch self {
            case .notClosed: "`${` is not closed by `}`"
            case .noName: "`${}` names no environment variable"
            case .notSet(let name): "the environment variable \(name) is not set"
            }
        }
    }

    static func expanded(_ spec: String) throws(Failure) -> String {
        var result = ""
        var rest = spec[...]
        while let start = rest.range(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else { throw .notClosed }
            let name = String(rest[start.upperBound..<end])
            guard !name.isEmpty else { throw .noName }
            guard let value = getenv(name) else { throw .notSet(name) }
            result += String(cString: value)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    static func expanded(_ spec: String, of flag: String) throws(UsageError) -> String {
        do throws(Failure) { return try expanded(spec) } catch { throw UsageError("\(flag) \(shown(spec)): \(error.message)") }
    }

    /// A spec as messages repeat it: of an address its beginning alone, since the rest may be secret.
    static func shown(_ spec: String) -> String { Flag.scheme(of: spec).map { $0 + "…" } ?? spec }

    static func isSet(_ name: String) -> Bool {
        guard let value = getenv(name) else { return false }
        return value.pointee != 0
    }
}

extension Substring {
    /// Where a text first stands.
    fileprivate func range(of text: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
            at = index(after: at)
        }
        return nil
    }
}
