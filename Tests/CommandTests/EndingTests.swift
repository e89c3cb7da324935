import Foundation
import Testing

/// How a run ends: signals, readers that go away, full disks.
@Suite struct EndingTests {
    /// Holds a pipe open, so that the run waits for more, until the file `go` is there.
    private static func waiting(_ signal: String, _ more: String = "") -> String {
        """
        mkfifo p
        (cat e; while [ ! -e go ]; do sleep 0.02; done) > p &
        needletail run r.rule --log-format json --alerts out < p & run=$!
        for i in $(seq 200); do [ -s out ] && break; sleep 0.02; done
        kill -\(signal) $run
        \(more)
        wait $run; status=$?
        touch go
        exit $status
        """
    }

    private func session() throws -> Session {
        let rules = pairRule + "rule absent { by k match a: a then not c within 1h }\n"
        return try Session(["r.rule": rules, "e": pairEvents])
    }

    @Test(arguments: [("INT", Int32(130)), ("TERM", Int32(143))])
    func aSignalFinishesWhatWasReadAndDoesNotDrain(_ signal: String, _ status: Int32) throws {
        let session = try session()
        let outcome = try session.run(Self.waiting(signal))
        #expect(outcome.status == status, "\(outcome.errors)")
        // The pair is there; what only the end of time would bring is not.
        #expect(try parsed(session.read("out")).map { $0["rule"] as? String } == ["pair"])
        let done = try #require(try parsed(outcome.errors).last)
        #expect(done["stopped"] as? Bool == true)
        #expect(done["events"] as? Int == 2)
    }

    @Test func aSignalBeforeTheFirstEventEndsTheRunAsWell() throws {
        let session = try Session(["r.rule": pairRule])
        let outcome = try session.run(
            """
            mkfifo p; sleep 30 > p & holder=$!
            needletail run r.rule --quiet --input p & run=$!
            sleep 0.3; kill -TERM $run; wait $run; status=$?
            kill -KILL $holder; exit $status
            """)
        #expect(outcome.status == 143)
    }

    @Test func aPipeThatNobodyWritesCanBeLeft() throws {
        let session = try Session(["r.rule": pairRule])
        let outcome = try session.run("mkfifo p; needletail run r.rule --quiet --input p & sleep 0.3; kill -INT $!; wait $!")
        #expect(outcome.status == 130)
    }

    @Test func aSecondSignalLeavesAtOnce() throws {
        // The reader of the alerts does not read, so the run cannot finish.
        let session = try Session(["r.rule": "rule every { match a }\n", "e": String(repeating: "{\"type\":\"a\",\"ts\":1}\n", count: 5000)])
        let outcome = try session.run(
            """
            mkfifo q; sleep 30 < q & reader=$!
            needletail run r.rule --quiet --input e --alerts q & run=$!
            sleep 0.5; kill -INT $run; sleep 0.3; kill -0 $run || exit 99
            kill -INT $run; wait $run; status=$?
            kill -KILL $reader; exit $status
            """)
        #expect(outcome.status == 130)
    }

    @Test func aReaderThatGoesAwayEndsTheRunQuietly() throws {
        let session = try Session(["r.rule": "rule every { match a }\n"])
        let outcome = try session.run(
            """
            yes '{"type":"a","ts":1}' | needletail run r.rule 2> errors | head -n 3
            echo ${PIPESTATUS[1]} > status
            """)
        #expect(outcome.lines.count == 3)
        #expect(try session.read("status") == "0\n")
        #expect(try session.read("errors") == "")
        #expect(try session.run("needletail help run | true; exit ${PIPESTATUS[0]}").status == 0)
    }

    @Test func aFullDiskIsStatus3AndSaysSo() throws {
        let session = try Session(["r.rule": pairRule, "e": pairEvents + "x\n" + #"{"type":"a","ts":1,"k":"x"}"#])
        for flag in ["--alerts", "--late", "--rejects"] {
            let outcome = try session.run("needletail run r.rule --quiet \(flag) /dev/full < e")
            #expect(outcome.status == 3, "\(flag)")
            #expect(outcome.errors == "needletail: error: /dev/full: the disk is full\n", "\(flag)")
        }
        let outcome = try session.run("needletail run r.rule --quiet < e > /dev/full")
        #expect(outcome.status == 3)
        #expect(outcome.errors == "needletail: error: standard output: the disk is full\n")
        #expect(try session.run("needletail help > /dev/full").status == 3)
    }

    @Test func aNamedPipeThatBreaksIsAFailure() throws {
        let session = try Session(["r.rule": "rule every { match a }\n"])
        let outcome = try session.run(
            """
            mkfifo q; head -n 1 q > /dev/null &
            yes '{"type":"a","ts":1}' | needletail run r.rule --quiet --alerts q
            """)
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("q: whoever reads this pipe has gone"))
    }

    /// A file must not get the number of what was closed, and then what was meant for that.
    @Test func standardStreamsMayBeClosed() throws {
        let session = try Session(["r.rule": pairRule, "e": pairEvents])
        #expect(try session.run("needletail run r.rule < e 2>&-").lines.count == 1)
        #expect(try session.run("needletail run r.rule --input e --alerts out 2>&- <&- >&-").status == 0)
        #expect(try parsed(session.read("out")).count == 1)
        let closed = try session.run("needletail run r.rule --quiet --input e >&-")
        #expect(closed.status == 3)
        #expect(closed.errors == "needletail: error: standard output: it is closed\n")
    }
}
