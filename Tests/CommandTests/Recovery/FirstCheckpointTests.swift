import Foundation
import Glibc
import Testing

/// Runs that are killed long before their first checkpoint is due have forgotten nothing of what cannot be read again.
@Suite struct FirstCheckpointTests {
    private static func event(_ type: String, _ time: Int, _ key: String) -> String {
        #"{"type":"\#(type)","ts":\#(time),"k":"\#(key)"}"# + "\n"
    }

    private static let flags = [
        "run", "r.rule", "--input", "events", "--alerts", "out", "--state", "state", "--checkpoint-every", "1h", "--workers", "2", "--quiet",
    ]

    /// Waits until the alerts of these keys are there.
    private static func await(_ keys: [String], _ session: Session) throws {
        for _ in 0..<1000 where (try? keysAlerted(session)) != keys { usleep(5_000) }
        let errors = try session.read("errors")
        #expect(try keysAlerted(session) == keys, "\(errors)")
    }

    private static func keysAlerted(_ session: Session) throws -> [String] {
        try parsed(session.read("out")).map { ($0["key"] as? [String: String])?["k"] ?? "" }
    }

    @Test(arguments: [[], ["--journal"]]) func aPipe(_ more: [String]) throws {
        let session = try Session(["r.rule": pairRule])
        let path = session.folder.path + "/events"
        #expect(mkfifo(path, 0o644) == 0)
        // Held open, so that what is in it does not go with its reader.
        let pipe = open(path, O_RDWR | O_CLOEXEC)
        #expect(pipe >= 0)
        defer { close(pipe) }
        func say(_ text: String) { #expect(write(pipe, text, text.utf8.count) == text.utf8.count) }
        let first = try Child(Self.flags + more, in: session.folder)
        say(Self.event("a", 1000, "x") + Self.event("a", 1500, "y") + Self.event("b", 2000, "x"))
        try Self.await(["x"], session)
        first.killNow()
        let second = try Child(Self.flags + more, in: session.folder)
        say(Self.event("b", 3000, "y"))
        try Self.await(["x", "y"], session)
        second.killNow()
        let third = try Child(Self.flags + more, in: session.folder)
        say(Self.event("a", 4000, "z") + Self.event("b", 5000, "z"))
        try Self.await(["x", "y", "z"], session)
        third.signal(SIGTERM)
        #expect(third.wait() == .exited(143))
    }

    @Test func aLogThatIsRotatedMeanwhile() throws {
        let session = try Session(["r.rule": pairRule])
        try session.write("events", Self.event("a", 1000, "x") + Self.event("a", 1500, "y") + Self.event("b", 2000, "x"))
        let first = try Child(Self.flags + ["--follow"], in: session.folder)
        try Self.await(["x"], session)
        first.killNow()
        #expect(try session.run("mv events events.1").status == 0)
        try session.write("events", Self.event("b", 3000, "y"))
        let second = try Child(Self.flags + ["--follow"], in: session.folder)
        try Self.await(["x", "y"], session)
        second.signal(SIGTERM)
        #expect(second.wait() == .exited(143))
    }

    /// Whoever asks for a savepoint as soon as there is a folder gets one, or is told why not; the run goes on.
    @Test func aSavepointAskedForAtOnce() throws {
        for delay in stride(from: 0, through: 40_000, by: 4_000) {
            let session = try Session(["r.rule": pairRule, "events": pairEvents])
            let run = try Child(Self.flags + ["--follow"], in: session.folder)
            usleep(UInt32(delay))
            let asked = try Child(["savepoint", "state", "sp"], in: session.folder).wait()
            #expect(asked == .exited(0) || asked == .exited(3))
            // It may have found the folder before the run did, which then leaves it to whoever has it.
            if let ending = run.wait(milliseconds: 20) { #expect(ending == .exited(3)) }
            run.signal(SIGTERM)
            #expect(run.wait() == .exited(143) || run.wait() == .exited(3) || run.wait() == .signalled(SIGTERM))
        }
    }
}
