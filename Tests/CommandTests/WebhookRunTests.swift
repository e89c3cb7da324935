import Foundation
import Testing

/// Alerts that leave by HTTP, as people run it.
@Suite struct WebhookRunTests {
    /// Takes alerts on a free port of loopback, whose number is in `port`, and writes the id of each into `got`; answers with the status in
    /// `answer`, where that file is there.
    private static let server = """
        import os, threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        lock = threading.Lock()
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = int(open("answer").read()) if os.path.exists("answer") else 204
                if status < 300:
                    with lock, open("got", "ab") as got:
                        got.write(self.headers["webhook-id"].encode() + b" " + self.headers.get("webhook-signature", "none")[:3].encode() + b" " + body + b"\\n")
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()
            def log_message(self, *arguments): pass
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        open("port.new", "w").write(str(server.server_address[1]))
        os.rename("port.new", "port")
        server.serve_forever()
        """

    /// Whoever runs the tests may have blocked the gentler signals.
    private static let begin = """
        python3 server.py 2> /dev/null & server=$!
        for i in $(seq 300); do [ -e port ] && break; sleep 0.02; done
        port=$(cat port)
        """
    private static let flags = "--alerts http://127.0.0.1:$port/hook --webhook-allow-private --quiet"

    private func session(pairs: Int) throws -> Session {
        let events = (0..<pairs).map { "{\"type\":\"a\",\"ts\":\($0),\"k\":\($0)}\n{\"type\":\"b\",\"ts\":\($0),\"k\":\($0)}\n" }.joined()
        return try Session(["server.py": WebhookRunTests.server, "r.rule": pairRule, "e": events])
    }

    @Test func everyAlertArrivesSignedAndAsItIs() throws {
        let session = try session(pairs: 50)
        let outcome = try session.run(
            """
            \(WebhookRunTests.begin)
            SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw needletail run r.rule --input e \(WebhookRunTests.flags) --alerts out --webhook-secret-env SECRET
            status=$?; kill -KILL $server; exit $status
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let got = try session.read("got").split(separator: "\n")
        let sent = try session.read("out").split(separator: "\n")
        #expect(sent.count == 50)
        #expect(Set(got.map { $0.split(separator: " ", maxSplits: 2)[2] }) == Set(sent))
        for line in got {
            let words = line.split(separator: " ", maxSplits: 2)
            #expect(words[1] == "v1," && words[2].contains("\"id\":\"\(words[0])\""))
        }
        #expect(!outcome.errors.contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    }

    @Test func whatIsNotDeliveredWaitsForTheNextRun() throws {
        let session = try session(pairs: 20)
        let outcome = try session.run(
            """
            \(WebhookRunTests.begin)
            echo 503 > answer
            needletail run r.rule --input e \(WebhookRunTests.flags) --state state & run=$!
            sleep 1; kill -KILL $run; wait $run 2> /dev/null
            rm answer
            needletail run r.rule --input e \(WebhookRunTests.flags) --state state
            status=$?; kill -KILL $server; exit $status
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(Set(try session.read("got").split(separator: "\n").map { $0.prefix(32) }).count == 20)
    }

    @Test func withoutStateALossIsAFailure() throws {
        let session = try session(pairs: 3)
        let outcome = try session.run(
            """
            \(WebhookRunTests.begin)
            kill -KILL $server; wait $server 2> /dev/null
            needletail run r.rule --input e \(WebhookRunTests.flags) & run=$!
            sleep 1; kill -TERM $run; wait $run
            """)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("3 alerts could not be delivered before the run ended; with --state DIR they would wait"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ("http://127.0.0.1:9/x", "The webhook at 127.0.0.1 is not encrypted"), ("https://127.0.0.1/x", "is private"),
        ("https://169.254.169.254/latest", "never allowed"), ("https://user:word@example.com/x", "no user and password"),
        ("https://", "no URL"), ("ftp://example.com/x", "not in this version"),
    ])
    func aWrongAddressIsRefused(address: String, message: String) throws {
        let session = try session(pairs: 1)
        let outcome = try session.run("needletail run r.rule --input e --alerts \(address)")
        #expect(outcome.status == 2 && outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test func aSecretThatIsNoneIsNotShown() throws {
        let session = try session(pairs: 1)
        let outcome = try session.run("SECRET=whsec_topsecret! needletail run r.rule --input e --alerts https://example.com/x --webhook-secret-env SECRET")
        #expect(outcome.status == 2 && !outcome.errors.contains("topsecret"), "\(outcome.errors)")
        let unset = try session.run("needletail run r.rule --input e --alerts https://example.com/x --webhook-secret-env NONE")
        #expect(unset.status == 2 && unset.errors.contains("NONE of --webhook-secret-env is not set"), "\(unset.errors)")
    }
}
