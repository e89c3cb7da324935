/// Which addresses a webhook may connect to. What is asked is the address of the socket, not the name: so no name, however it is spelled or
/// resolved, leads where it must not.
///
/// Ranges after the registries of special-purpose addresses, RFC 6890. An IPv6 address that carries an IPv4 address is judged by that one.
struct AddressPolicy: Sendable {
    enum Verdict: Equatable {
        case allowed
        /// Loopback and private networks: for those who ask for them.
        case privateOnly
        /// Link-local addresses, where clouds serve credentials to whoever asks from the machine; the unspecified address, which leads to
        /// the machine itself; what is no single machine.
        case never
    }

    var allowsPrivate: Bool

    func allows(_ address: [UInt8]) -> Bool {
        switch Self.verdict(of: address) {
        case .allowed: true
        case .privateOnly: allowsPrivate
        case .never: false
        }
    }

    /// - Parameter address: 4 or 16 bytes, as they are sent.
    static func verdict(of address: [UInt8]) -> Verdict {
        switch address.count {
        case 4: four(address)
        case 16: sixteen(address)
        default: .never
        }
    }

    private struct Range {
        var prefix: [UInt8]
        var bits: Int

        init(_ prefix: [UInt8], _ bits: Int) {
            self.prefix = prefix
            self.bits = bits
        }

        func contains(_ address: [UInt8]) -> Bool {
            for bit in 0..<bits {
                let mask = UInt8(0x80) >> UInt8(bit % 8)
                let wanted = bit / 8 < prefix.count ? prefix[bit / 8] : 0
                if (address[bit / 8] ^ wanted) & mask != 0 { return false }
            }
            return true
        }
    }

    private static let fourNever = [
        Range([0], 8), Range([169, 254], 16), Range([224], 4), Range([240], 4),
        // Metadata of Alibaba, Azure and Oracle, which is not link-local.
        Range([100, 100, 100, 200], 32), Range([168, 63, 129, 16], 32), Range([192, 0, 0, 192], 32),
    ]
    private static let fourPrivate = [
        Range([10], 8), Range([127], 8), Range([172, 16], 12), Range([192, 168], 16), Range([100, 64], 10), Range([192, 0, 0], 24),
        Range([192, 0, 2], 24), Range([198, 18], 15), Range([198, 51, 100], 24), Range([203, 0, 113], 24), Range([192, 88, 99], 24),
    ]

    private static func four(_ address: [UInt8]) -> Verdict {
        if fourNever.contains(where: { $0.contains(address) }) { return .never }
        return fourPrivate.contains { $0.contains(address) } ? .privateOnly : .allowed
    }

    private static let sixteenNever = [
        Range([0xFE, 0x80], 10), Range([0xFF], 8), Range([], 128),
        // Metadata of Amazon and Google.
        Range([0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128),
        Range([0xFD, 0x20, 0x00, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54], 128),
        // Teredo hides an IPv4 address; no endpoint needs it.
        Range([0x20, 0x01, 0, 0], 32),
    ]
    private static let sixteenPrivate = [
        Range([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128), Range([0xFC], 7), Range([0xFE, 0xC0], 10),
        Range([0x20, 0x01, 0x0D, 0xB8], 32), Range([0x01, 0], 64),
    ]
    /// Prefixes, and where the IPv4 address begins behind them.
    private static let carriers = [
        (Range([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96), 12), (Range([0, 0x64, 0xFF, 0x9B], 96), 12),
        (Range([0, 0x64, 0xFF, 0x9B, 0, 1], 48), 12), (Range([0x20, 0x02], 16), 2), (Range([], 96), 12),
    ]

    private static func sixteen(_ address: [UInt8]) -> Verdict {
        if sixteenNever.contains(where: { $0.contains(address) }) { return .never }
        if sixteenPrivate.contains(where: { $0.contains(address) }) { return .privateOnly }
        if let (_, place) = carriers.first(where: { $0.0.contains(address) }) { return four(Array(address[place..<place + 4])) }
        return .allowed
    }
}
