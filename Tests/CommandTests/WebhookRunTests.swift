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

    /// Places of the configuration file: each gets what it wants in its own form.
    @Test func webhooksOfTheConfigurationFileGetWhatTheyWant() throws {
        let session = try session(pairs: 40)
        try session.write("r.rule", pairRule + "rule other { by k match a where k < 10 alert high \"{k} is small\" tags small }\n")
        try session.write("t.json", #"{"text": "{rule} ({severity}): {summary}", "k": "{key.k}", "to": "{fields.nobody}"}"#)
        try session.write(
            "n.json",
            #"{"rules": ["r.rule"], "inputs": [{"path": "e"}], "log": {"quiet": true}, "alerts": [{"path": "out"}, {"name": "all", "url": "${HOOK}/all", "allow_private": true, "batch": 16, "linger": "50ms", "secret": "${SECRET}"}, {"name": "grave", "url": "${HOOK}/grave", "allow_private": true, "severity": "high", "template": "t.json"}, {"name": "none", "url": "${HOOK}/none", "allow_private": true, "tags": ["large"], "shape": "slack"}]}"#)
        let outcome = try session.run(
            """
            \(WebhookRunTests.begin)
            HOOK=http://127.0.0.1:$port SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw needletail run --config n.json
            status=$?; kill -KILL $server; exit $status
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "" && outcome.errors == "", "\(outcome.errors)")
        let sent = try parsed(session.read("out"))
        #expect(sent.count == 50)
        var (listed, formed): ([String], [[String: Any]]) = ([], [])
        for line in try session.read("got").split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            let json = try JSONSerialization.jsonObject(with: Data(words[2].utf8))
            if let list = json as? [[String: Any]] {
                #expect(words[1] == "v1," && words[0].hasPrefix("batch_") == (list.count > 1) && list.count <= 16)
                listed += list.compactMap { $0["id"] as? String }
            } else {
                #expect(words[1] == "non")
                formed.append(try #require(json as? [String: Any]))
            }
        }
        #expect(listed.count == 50 && Set(listed) == Set(sent.compactMap { $0["id"] as? String }))
        #expect(Set(formed.compactMap { $0["text"] as? String }) == Set((0..<10).map { "other (high): \($0) is small" }) && formed.count == 10)
        #expect(formed.allSatisfy { $0["to"] is NSNull })
    }

    /// In the address, in files, in variables, in headers: planted where secrets stand, and looked for in all that a run and its neighbours leave.
    @Test func secretsOfTheConfigurationFileAreShownNowhere() throws {
        let session = try session(pairs: 10)
        try session.write("conf/hook.url", "http://127.0.0.1:PORT/planted-path?token=planted-query\n")
        try session.write("conf/hook.secret", "whsec_cGxhbnRlZC1zZWNyZXQtcGxhbnRlZC1zZWNyZXQ= whsec_cGxhbnRlZC1vdGhlci1wbGFudGVkLW90aGVyMTIz\n")
        try session.write(
            "conf/n.json",
            #"{"log": {"level": "debug", "format": "json"}, "state": {"directory": "../state"}, "alerts": [{"url_file": "hook.url", "secret_file": "hook.secret", "headers": {"Authorization": "Bearer ${TOKEN}", "X-Key": "planted-header"}, "allow_private": true}, {"name": "pager", "url": "${HOOK}", "routing_key": "planted-routing", "allow_private": true, "rate": 1000}, {"name": "gone", "url": "http://127.0.0.1:1/planted-gone", "allow_private": true, "batch": 7}]}"#)
        let outcome = try session.run(
            """
            \(WebhookRunTests.begin)
            echo 404 > answer; sed -i s/PORT/$port/ conf/hook.url
            export TOKEN=planted-token HOOK=http://127.0.0.1:$port/planted-hook
            needletail run r.rule --input e --config conf/n.json > out 2> err & run=$!
            sleep 1; tr '\\0' ' ' < /proc/$run/cmdline >> err; wait $run; echo $? > status
            kill -KILL $server
            needletail config conf/n.json >> out 2>> err
            sed -i 's/"rate": 1000/"rate": 0/' conf/n.json; needletail config conf/n.json >> out 2>> err; needletail run r.rule --input e --config conf/n.json >> out 2>> err
            needletail state state >> out 2>> err
            grep -rlE 'planted|cGxhbnRlZ' out err state
            """)
        #expect(outcome.output == "", "\(outcome.output)")
        #expect(try session.read("status") == "0\n")
        let errors = try session.read("err")
        #expect(errors.contains("10 refused for good") && errors.contains("HTTP 404") && errors.contains("wait for the next run") && errors.contains("rate is 0"), "\(errors)")
    }

    @Test func flagsShapeWhatIsSent() throws {
        let session = try session(pairs: 20)
        try session.write("t.json", #"{"text": "{rule}: {summary}"}"#)
        let outcome = try session.run(
            """
            \(WebhookRunTests.begin)
            needletail run r.rule --input e \(WebhookRunTests.flags) --webhook-template t.json && mv got formed &&
            needletail run r.rule --input e \(WebhookRunTests.flags) --webhook-shape cloudevents --batch 8 --linger 1m
            status=$?; kill -KILL $server; exit $status
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let texts = try session.read("formed").split(separator: "\n").compactMap { $0.split(separator: " ", maxSplits: 2).last }
        #expect(Set(texts) == Set((0..<20).map { "{\"text\":\"pair: \($0)\"}" }))
        var events: [[String: Any]] = []
        for line in try session.read("got").split(separator: "\n") {
            let body = try #require(line.split(separator: " ", maxSplits: 2).last)
            events += try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]])
        }
        #expect(events.count == 20 && events.allSatisfy { $0["specversion"] as? String == "1.0" })
    }

    @Test(arguments: [
        ("--batch 0", "--batch needs a whole number from 1 to 1000, not 0"), ("--batch 1001", "not 1001"), ("--linger 2m", "--linger needs a duration"),
        ("--batch 2 --webhook-shape slack", "--batch: the shape slack has one alert a request"), ("--webhook-shape slak", "--webhook-shape is one of alert, cloudevents"),
        ("--webhook-shape pagerduty", "--webhook-shape: the shape pagerduty needs a routing key"), ("--webhook-shape template", "name its file: --webhook-template"),
        ("--webhook-template missing", "--webhook-template: missing: there is no such file"), ("--webhook-template t.json", "--webhook-template: t.json:1:9: an alert has no `sumary`\n  did you mean `summary`?"),
        ("--webhook-template t.json --webhook-shape slack", "a template goes with the shape template, not slack"), ("--webhook-ca missing", "--webhook-ca: missing: there is no such file"),
        ("--webhook-ca e", "it holds nothing in PEM"), ("--alerts '${SAME}' --alerts '${OTHER}'", "two webhooks are called example.com-"),
    ])
    func wrongFlagsAreRefused(flags: String, message: String) throws {
        let session = try session(pairs: 1)
        try session.write("t.json", #"{"a": "{sumary}"}"#)
        let outcome = try session.run("SAME=https://example.com/y OTHER=https://example.com/y needletail run r.rule --input e --alerts https://example.com/x \(flags)")
        #expect(outcome.status == 2 && outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test func flagsOfWebhooksAreForWebhooks() throws {
        let session = try session(pairs: 1)
        try session.write("n.json", #"{"alerts": [{"url": "https://example.com/x"}]}"#)
        let outcome = try session.run("needletail run r.rule --input e --batch 2; needletail run r.rule --input e --batch 2 --config n.json")
        #expect(outcome.errors.contains("--batch is for webhooks that --alerts names, and there is none\n  name one"), "\(outcome.errors)")
        #expect(outcome.errors.contains("those of the configuration file have their own keys for it"), "\(outcome.errors)")
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
