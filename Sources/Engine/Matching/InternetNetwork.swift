internal import Glibc

/// Addresses of the internet and the networks they lie in, as texts.
enum InternetNetwork {
    /// The 128 bits of an address; one of IPv4 in the place that IPv6 has for them.
    private struct Address {
        var bits: UInt128
        var isIPv4: Bool

        var isMapped: Bool { bits >> 32 == 0xFFFF }
    }

    /// Whether an address lies in a network such as `10.0.0.0/8` or `2001:db8::/32`; without a length the network is that one address.
    /// Bits of the network behind its length do not count. Nil where either text is neither.
    ///
    /// An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) lies in networks of both kinds; one written as IPv4 in those of IPv4 alone.
    static func contains(network: UnsafeBufferPointer<UInt8>, address: UnsafeBufferPointer<UInt8>) -> Bool? {
        let slash = network.firstIndex(of: UInt8(ascii: "/"))
        guard let own = parse(address), let base = parse(UnsafeBufferPointer(rebasing: network[..<(slash ?? network.count)]))
        else { return nil }
        var length = 128
        if let slash {
            guard let written = number(network[(slash + 1)...], max: base.isIPv4 ? 32 : 128) else { return nil }
            length = base.isIPv4 ? written + 96 : written
        }
        let isIPv4Network = base.isIPv4 || (base.isMapped && length >= 96)
        guard isIPv4Network ? own.isIPv4 || own.isMapped : !own.isIPv4 else { return false }
        let mask = length == 0 ? 0 : UInt128.max << UInt128(128 - length)
        return (own.bits ^ base.bits) & mask == 0
    }

    private static func number(_ text: Slice<UnsafeBufferPointer<UInt8>>, max: Int) -> Int? {
        guard !text.isEmpty, text.count <= 3 else { return nil }
        var value = 0
        for byte in text {
            guard byte &- 0x30 < 10 else { return nil }
            value = value * 10 + Int(byte &- 0x30)
        }
        return value <= max ? value : nil
    }

    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Address? {
        // The longest form has 45 bytes. `inet_pton` reads up to a zero, so none may be inside.
        guard !text.isEmpty, text.count < 48, !text.contains(0) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 48) { area -> Address? in
            for index in 0..<text.count { area[index] = CChar(bitPattern: text[index]) }
            area[text.count] = 0
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { bytes -> Address? in
                if inet_pton(AF_INET, area.baseAddress, bytes.baseAddress) == 1 {
                    return Address(bits: 0xFFFF << 32 | bits(bytes, count: 4), isIPv4: true)
                }
                guard inet_pton(AF_INET6, area.baseAddress, bytes.baseAddress) == 1 else { return nil }
                return Address(bits: bits(bytes, count: 16), isIPv4: false)
            }
        }
    }

    private static func bits(_ bytes: UnsafeMutableBufferPointer<UInt8>, count: Int) -> UInt128 {
        var value: UInt128 = 0
        for index in 0..<count { value = value << 8 | UInt128(bytes[index]) }
        return value
    }
}
