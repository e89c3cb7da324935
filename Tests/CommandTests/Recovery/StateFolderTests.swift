import Foundation
import Testing

/// Folders that are in use, wrong, or not there, and what is said of them.
@Suite struct StateFolderTests {
    private func session() throws -> Session {
        try Session(["r.rule": pairRule, "e": pairEvents])
    }

    private static let run = "needletail run r.rule --input e --alerts out --quiet"

    @Test func aSecondRunLeavesTheFirstAlone() throws {
        let session = try session()
        let first = try Child(
            ["run", "r.rule", "--input", "e", "--follow", "--alerts", "out", "--state", "state", "--checkpoint-every", "20ms", "--quiet"], in: session.folder)
        for _ in 0..<500 where try !session.exists("state/LOCK") || session.read("state/LOCK").isEmpty { usleep(10_000) }
        for command in [Self.run.replacing("out", with: "out2") + " --state state", "needletail run r.rule --input e --quiet --state state/../state"] {
            let second = try session.run(command)
            #expect(second.status == 3)
            #expect(second.errors.contains("another run (process \(first.pid)) uses the state folder"), "\(second.errors)")
            #expect(second.errors.contains("stop it, or give another folder"))
        }
        // Looking at it and copying it are no harm.
        for _ in 0..<200 where try session.run("needletail state state").status != 0 { usleep(10_000) }
        #expect(try session.run("needletail state state").output.contains("process \(first.pid) goes on with it"))
        #expect(try session.run("needletail savepoint state sp").status == 0)
        #expect(first.look() == nil)
        first.signal(SIGTERM)
        #expect(first.wait() == .exited(143))
        #expect(try parsed(session.read("out")).count == 1)
    }

    /// A second run must not touch the first one's files before it finds that the state is in use.
    @Test func aSecondRunDoesNotTouchTheAlertsOfTheFirst() throws {
        let session = try session()
        let first = try Child(
            ["run", "r.rule", "--input", "e", "--follow", "--alerts", "out", "--state", "state", "--checkpoint-every", "20ms", "--quiet"], in: session.folder)
        for _ in 0..<500 where try !session.exists("out") || session.read("out").isEmpty { usleep(10_000) }
        let before = try session.read("out")
        #expect(!before.isEmpty)
        #expect(try session.run(Self.run + " --state state").status == 3)
        #expect(try session.read("out") == before)
        first.killNow()
    }

    @Test func wrongFoldersAreRefusedInPlainWords() throws {
        let session = try session()
        try session.write("file", "x")
        try session.write("other/report.txt", "x")
        for (folder, words) in [
            ("file", "file is no folder"), ("other", "other is no state folder: it holds report.txt"), ("missing/state", "missing/state cannot be made"),
            ("file/state", "file/state cannot be made"), ("/proc/state", "/proc/state cannot be made"),
        ] {
            let outcome = try session.run(Self.run + " --state \(folder)")
            #expect(outcome.status == 3, "\(folder): \(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count <= 2)
        }
        #expect(try session.read("file") == "x")
        #expect(try FileManager.default.contentsOfDirectory(atPath: session.folder.appendingPathComponent("other").path) == ["report.txt"])
        // An empty folder, as a mount point is, will do.
        #expect(try session.run("mkdir empty && \(Self.run) --state empty").status == 0)
        #expect(try session.run("mkdir -p mount/lost+found && \(Self.run) --state mount").status == 0)
    }

    @Test(.enabled(if: getuid() != 0 || FileManager.default.fileExists(atPath: "/usr/bin/setpriv")))
    func foldersThatMayNotBeWrittenAreNamed() throws {
        let session = try session()
        #expect(try session.run(Self.run + " --state state").status == 0)
        // Root may write anywhere; nobody may not.
        let before = getuid() == 0 ? "chmod 755 . && setpriv --reuid 65534 --clear-groups " : ""
        let outcome = try session.run("chmod -R a-w state; \(before)$(command -v needletail) run r.rule --input e --quiet --state state")
        #expect(outcome.status == 3, "\(outcome.errors)")
        #expect(outcome.errors.contains("state"), "\(outcome.errors)")
    }

    @Test func savepointsThatCannotBe() throws {
        let session = try session()
        #expect(try session.run("needletail savepoint nothing sp").status == 3)
        #expect(try session.run("needletail savepoint . sp").errors.contains("no state folder"))
        #expect(try session.run(Self.run + " --state state").status == 0)
        #expect(try session.run("needletail savepoint state sp").status == 0)
        let again = try session.run("needletail savepoint state sp")
        #expect(again.status == 3)
        #expect(again.errors.contains("sp exists already"), "\(again.errors)")
        #expect(try session.run("needletail savepoint state no/such/sp").status == 3)
        #expect(!session.exists("no"))
        let full = try session.run(Self.run + " --from-savepoint sp --state state")
        #expect(full.status == 3)
        #expect(full.errors.contains("state is not empty"), "\(full.errors)")
        for savepoint in ["nothing", "e", "."] {
            let outcome = try session.run(Self.run + " --from-savepoint \(savepoint) --state new")
            #expect(outcome.status == 3, "\(savepoint): \(outcome.errors)")
            #expect(outcome.errors.contains(savepoint == "." ? "no state folder" : savepoint), "\(outcome.errors)")
            #expect(!session.exists("new"), "\(savepoint)")
        }
        #expect(try session.run("printf x >> sp/store/CHECKPOINT; \(Self.run) --from-savepoint sp --state new").errors.contains("sp/store/CHECKPOINT"))
        #expect(!session.exists("new"))
        // The state itself is as it was.
        #expect(try session.run(Self.run + " --state state").status == 0)
    }

    @Test func theStateOfNothing() throws {
        let session = try session()
        #expect(try session.run("needletail state nothing").status == 2)
        for folder in [".", "e"] {
            let outcome = try session.run("needletail state \(folder)")
            #expect(outcome.status == 3 || outcome.status == 2)
            #expect(outcome.errors.contains("no state folder") || outcome.errors.contains(folder), "\(outcome.errors)")
        }
        #expect(try session.run("mkdir empty; needletail state empty").status == 3)
    }
}
