internal import Glibc

/// `${NAME}` in a spec. The value is used and never shown: messages repeat the spec as it was written.
enum Environment {
    static func expanded(_ spec: String, of flag: String) throws(UsageError) -> String {
        var result = ""
        var rest = spec[...]
        while let start = rest.range(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw UsageError("\(flag) \(spec): `${` is not closed by `}`")
            }
            let name = String(rest[start.upperBound..<end])
            guard !name.isEmpty else { throw UsageError("\(flag) \(spec): `${}` names no environment variable") }
            guard let value = getenv(name) else { throw UsageError("\(flag) \(spec): the environment variable \(name) is not set") }
            result += String(cString: value)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

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
