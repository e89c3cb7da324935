import Foundation
import Testing

@testable import Connectors
import Streaming

/// Where a webhook may connect to.
@Suite struct AddressTests {
    private func verdict(_ text: String) -> AddressPolicy.Verdict? { NumericAddress.bytes(of: text).map { AddressPolicy.verdict(of: $0) } }

    @Test func everyRangeHasItsVerdict() {
        let cases: [(AddressPolicy.Verdict, [String])] = [
            (.never, [
                "0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "169.254.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                "255.255.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.192", "::", "fe80::1", "febf:ffff::1", "ff02::1",
                "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::169.254.169.254",
                "2002:a9fe:a9fe::1", "::ffff:0.0.0.0", "2001:0:1:2::3",
            ]),
            (.privateOnly, [
                "10.0.0.1", "10.255.255.255", "127.0.0.1", "127.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1",
                "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "::1", "fc00::1",
                "fdff::1", "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::7f00:1", "2002:7f00:1::",
                "100::1",
            ]),
            (.allowed, [
                "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
                "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255",
                "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:4860:4860::8888",
            ]),
        ]
        for (wanted, addresses) in cases {
            for address in addresses { #expect(verdict(address) == wanted, "\(address)") }
        }
        #expect(AddressPolicy.verdict(of: []) == .never && AddressPolicy.verdict(of: [1, 2, 3]) == .never)
    }

    /// However an address is spelled, it is refused: where it is no number, when the socket is opened.
    @Test func forbiddenAddressesAreRefusedInEverySpelling() throws {
        var spellings = [
            "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "0177.1", "017700000001", "127.0.0.01",
            "0x7f.0x0.0x0.0x1", "127.00000.0.1", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "[::1]", "[0:0:0:0:0:0:0:1]",
            "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]", "0", "0.0.0.0", "0x0", "00", "[::]", "[0::0]", "[::ffff:0:0]", "169.254.169.254", "169.254.43518",
            "169.16689662", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "0251.254.169.254", "025177524776",
            "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[fe80::a9fe:a9fe]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::]", "10.0.0.1", "10.1", "167772161", "012.0.0.1", "0xa000001", "192.168.1.1", "192.168.257", "3232235777",
            "172.16.0.1", "0254.16.1", "[fc00::1]", "[fd12:3456::1]", "100.64.0.1", "[ff02::1]", "224.0.0.1", "255.255.255.255",
            "１２７.0.0.1", "127。0。0。1", "%31%32%37.0.0.1", "①②⑦.0.0.1", "loc%61lhost",
        ]
        // Names that resolve to this machine, where its resolver knows them.
        spellings += ["ip6-localhost", "ip6-loopback", ProcessInfo.processInfo.hostName]
        #expect(spellings.count >= 60)
        var atOnce = 0
        for spelling in spellings {
            do {
                let endpoint = try WebhookEndpoint(url: "https://\(spelling):9/hook")
                var patient = endpoint
                patient.connectTimeoutMilliseconds = 2_000
                let outcome = try Self.outcome(of: patient)
                guard case .failed(let reason, nil, nil) = outcome else {
                    Issue.record("\(spelling): \(outcome)")
                    continue
                }
                // What is no name at all cannot be resolved either.
                let isRefused = reason.contains("not allowed") || reason.contains("resolve") || reason.contains("URL") || reason.contains("Timeout")
                #expect(isRefused, "\(spelling): \(reason)")
            } catch let error as WebhookError {
                #expect(error.message.contains("private") || error.message.contains("never") || error.message.contains("no URL"), "\(spelling): \(error)")
                atOnce += 1
            }
        }
        #expect(atOnce > 40)
    }

    @Test func theSocketIsWhatIsAsked() throws {
        let server = try TestServer { _ in .answer(200) }
        defer { server.stop() }
        for (host, isAllowed) in [("localhost", false), ("localhost", true)] {
            // `http` needs the permission in the endpoint, so the refusal is seen with `https`, which does not get as far as TLS.
            let endpoint = try WebhookEndpoint(
                url: "http\(isAllowed ? "" : "s")://\(host):\(server.port)/hook", allowsPrivateAddresses: isAllowed)
            let outcome = try Self.outcome(of: endpoint)
            if isAllowed { #expect(outcome == .delivered) } else { #expect("\(outcome)".contains("not allowed")) }
        }
        #expect(server.connectionCount == 1)
    }

    /// A proxy of the environment would connect where we cannot look.
    @Test func proxiesOfTheEnvironmentAreNotUsed() throws {
        let server = try TestServer { _ in .answer(200) }
        let proxy = try TestServer { _ in .answer(200) }
        defer { server.stop(); proxy.stop() }
        for name in ["http_proxy", "all_proxy"] { setenv(name, "http://127.0.0.1:\(proxy.port)", 1) }
        defer { for name in ["http_proxy", "all_proxy"] { unsetenv(name) } }
        #expect(try Self.outcome(of: WebhookEndpoint(url: server.url, allowsPrivateAddresses: true)) == .delivered)
        #expect(proxy.connectionCount == 0 && server.connectionCount == 1)
    }

    @Test func endpointsAreCheckedWithoutShowingThem() throws {
        func message(_ url: String, allowsPrivate: Bool = false) -> String {
            do {
                _ = try WebhookEndpoint(url: url, allowsPrivateAddresses: allowsPrivate)
                return ""
            } catch { return error.message }
        }
        #expect(message("https://user:hunter2@example.org/secret").contains("user and password"))
        for url in ["", "example", "ftp://example.org/secret", "file:///etc/secret", "https://exa mple.org/secret", "https://", "https://:8/secret",
            "https://example.org/secret\r\nX: y", "http://example.org/secret", "https://user:hunter2@example.org/secret", "gopher://x/secret"] {
            let text = message(url)
            #expect(!text.isEmpty && !text.contains("secret") && !text.contains("hunter2"), "\(url): \(text)")
        }
        let endpoint = try WebhookEndpoint(url: "https://hooks.example.org:8443/T000/secret?token=secret", secrets: [])
        var shown = "\(endpoint) \(String(reflecting: endpoint)) \(endpoint.name) \(endpoint.origin)"
        dump(endpoint, to: &shown)
        #expect(!shown.contains("secret") && shown.contains("hooks.example.org"))
        #expect(endpoint.origin == "https://hooks.example.org:8443")
        #expect(try WebhookEndpoint(url: "https://hooks.example.org/a").name != WebhookEndpoint(url: "https://hooks.example.org/b").name)
        #expect(try WebhookEndpoint(name: "ops", url: "https://hooks.example.org/a").name == "ops")

        var headed = endpoint
        try headed.addHeader("Authorization", "Bearer x")
        for (name, value) in [("A b", "x"), ("", "x"), ("X", "a\r\nb"), ("X", "a\0b"), ("webhook-id", "x"), ("Content-Length", "3"), ("X:", "y")] {
            #expect(throws: WebhookError.self) { try headed.addHeader(name, value) }
        }
    }

    /// One request, until it has ended.
    static func outcome(of endpoint: WebhookEndpoint, body: [UInt8] = Array("{}".utf8)) throws -> DeliveryOutcome {
        let client = try HTTPClient(endpoint)
        #expect(client.start(tag: 1, body: body, headers: ["webhook-id: 1"]))
        let begun = ContinuousClock.now
        while ContinuousClock.now - begun < .seconds(30) {
            client.run(waitMilliseconds: 50)
            if let answer = client.nextAnswer(wallMicroseconds: SystemClock().wallMicroseconds) { return answer.outcome }
        }
        throw WebhookError("it did not end")
    }
}
