internal import Glibc

/// A host that is an address already.
enum NumericAddress {
    /// 4 or 16 bytes; nil of a name. IPv6 may stand in brackets, and with a zone.
    static func bytes(of host: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var text = Substring(host)
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        text = text.prefix { $0 != "%" }
        var six = in6_addr()
        if inet_pton(AF_INET6, String(text), &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }
}
