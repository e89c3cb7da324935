import CCurl
import Foundation
import Testing

@testable import Connectors
import Streaming

/// Forbidden addresses on the way that a request goes: libcurl reads the spelling, resolves it and asks for a socket, and nothing looks at the
/// address before that.
@Suite struct ConnectedAddressTests {
    /// All lead to this machine, some of them to other places of it that nobody listens at.
    private static let loopback = [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F000001", "0x7F.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1", "017700000001",
        "127.0.0.01", "127.0.0.0x1", "0x7f.0x0.0x0.0x1", "127.00000.0.1", "127.0x0.1", "0177.0x0.1", "localhost", "LOCALHOST", "LocalHost",
        "a.localhost", "x.y.localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[0000:0000::FFFF:127.0.0.1]",
    ]
    private static let others = [
        "127.255.255.254", "2147483646", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "10.0.0.1", "10.1", "167772161", "012.0.0.1", "0xa000001", "0xA.1", "192.168.1.1",
        "192.168.257", "3232235777", "0300.0250.1.1", "172.16.0.1", "0254.16.1", "2886729729", "100.64.0.1", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]",
        "[::ffff:10.1.2.3]", "[::ffff:192.168.1.1]", "[64:ff9b::a00:1]", "[2002:c0a8:101::]",
    ]
    /// Whoever is allowed what.
    private static let never = [
        "0", "0.0.0.0", "0x0", "00", "[::]", "[0::0]", "[::ffff:0:0]", "169.254.169.254", "169.254.43518", "169.16689662", "2852039166", "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "0251.254.169.254", "025177524776", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fe80::1]",
        "[fe80::a9fe:a9fe]", "[fd00:ec2::254]", "[fd20:ce::254]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::169.254.169.254]", "[2002:a9fe:a9fe::]", "[::169.254.169.254]",
        "100.100.100.200", "1684301000", "168.63.129.16", "[ff02::1]", "224.0.0.1", "255.255.255.255", "4294967295",
    ]
    /// What is no address for everybody: refused too, one way or the other.
    private static let strange = ["１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "%31%32%37.0.0.1", "loc%61lhost", "127.0.0.1.", "localhost.", "ip6-localhost", "ip6-loopback"]

    private final class Asked {
        let policy: AddressPolicy
        var count = 0
        init(_ policy: AddressPolicy) { self.policy = policy }
    }

    /// How a request ends, and how often the policy was asked.
    private func request(_ url: String, allowsPrivate: Bool) throws -> (kind: Int32, asked: Int) {
        let asked = Asked(AddressPolicy(allowsPrivate: allowsPrivate))
        var settings = nt_http_settings()
        settings.connections_max = 1
        settings.connect_timeout_ms = 2_000
        settings.timeout_ms = 3_000
        settings.answer_bytes_max = 1 << 16
        settings.context = Unmanaged.passUnretained(asked).toOpaque()
        settings.allows = { context, address, count in
            guard let context, let address else { return 0 }
            let asked = Unmanaged<Asked>.fromOpaque(context).takeUnretainedValue()
            asked.count += 1
            return asked.policy.allows(Array(UnsafeBufferPointer(start: address, count: count))) ? 1 : 0
        }
        let client = url.withCString { text -> OpaquePointer? in
            settings.url = text
            return nt_http_create(&settings)
        }
        let handle = try #require(client)
        defer { withExtendedLifetime(asked) { nt_http_destroy(handle) } }
        #expect(nt_http_start(handle, 1, "{}", 2, nil, 0) == 1)
        var answer = nt_http_answer()
        for _ in 0..<200 {
            _ = nt_http_run(handle, 50)
            if nt_http_next(handle, &answer) != 0 { return (Int32(answer.kind), asked.count) }
        }
        throw OtherProgram.Failure(message: "\(url) did not end")
    }

    @Test func noSpellingOfAForbiddenAddressIsConnectedTo() throws {
        let server = try TestServer { _ in .answer(200) }
        defer { server.stop() }
        let forbidden = Int32(NT_HTTP_FORBIDDEN)
        let spellings = Self.loopback + Self.others + Self.never + [ProcessInfo.processInfo.hostName]
        #expect(Self.loopback.count + Self.others.count + Self.never.count >= 60)
        var refused = 0
        for spelling in spellings {
            let (kind, asked) = try request("http://\(spelling):\(server.port)/hook", allowsPrivate: false)
            if kind == forbidden, asked > 0 { refused += 1 } else if spelling != ProcessInfo.processInfo.hostName { Issue.record("\(spelling): \(kind), asked \(asked)") }
        }
        for spelling in Self.strange { #expect(try request("http://\(spelling):\(server.port)/hook", allowsPrivate: false).kind != Int32(NT_HTTP_ANSWERED)) }
        for spelling in Self.never { #expect(try request("http://\(spelling):\(server.port)/hook", allowsPrivate: true).kind == forbidden, "\(spelling)") }
        #expect(server.connectionCount == 0)
        print("addresses: \(refused) spellings refused at the socket")
        // The same spellings do lead there, where they may.
        for spelling in Self.loopback {
            #expect(try request("http://\(spelling):\(server.port)/hook", allowsPrivate: true).kind == Int32(NT_HTTP_ANSWERED), "\(spelling)")
        }
        #expect(server.connectionCount == Self.loopback.count)
    }
}
