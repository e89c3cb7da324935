import Foundation
import Testing

/// `--follow`: the program reads on while files grow, are renamed and are emptied.
@Suite struct FollowTests {
    /// The program, told to stop once all lines have come; its alerts' ids in order.
    private func follow(_ shell: Shell, inputs: String = "--input log", count: Int, _ steps: () throws -> Void) throws -> [Int] {
        let process = try shell.start("exec needletail run r.rule --follow \(inputs) --rejects rejects --log-level warning")
        try steps()
        #expect(shell.waits { shell.outputLines.count >= count }, "\(shell.outputLines.count) of \(count) came; \(shell.read("err"))")
        kill(process.processIdentifier, SIGTERM)
        #expect(shell.waits { !process.isRunning })
        #expect(process.terminationStatus == 143)
        return try ids(shell)
    }

    private func ids(_ shell: Shell) throws -> [Int] {
        try shell.outputLines.map { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            return try #require((object["fields"] as? [String: Any] ?? object)["id"] as? Int, "\(line)")
        }
    }

    @Test func aFileIsReadOnAsItGrowsAndHalfLinesWait() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...2)])
        let found = try follow(shell, count: 4) {
            #expect(shell.waits { shell.outputLines.count == 2 })
            let line = events(3...3)
            try shell.append(String(line.prefix(9)), to: "log")
            usleep(300_000)
            #expect(shell.outputLines.count == 2)
            try shell.append(String(line.dropFirst(9)) + events(4...4), to: "log")
        }
        #expect(found == [1, 2, 3, 4])
        #expect(shell.read("rejects") == "")
    }

    @Test func aSignalEndsItWithItsStatus() throws {
        for (signal, status) in [(SIGINT, Int32(130)), (SIGTERM, 143)] {
            let shell = try Shell(["r.rule": everyRule, "log": events(1...1)])
            let process = try shell.start("exec needletail run r.rule --follow --input log")
            #expect(shell.waits { shell.outputLines.count == 1 })
            kill(process.processIdentifier, signal)
            #expect(shell.waits { !process.isRunning })
            #expect(process.terminationStatus == status)
            #expect(shell.read("err").contains("stopped: 1 event, 1 alert"))
        }
    }

    @Test func rotationByRenamingLosesNothingAndLinesCountOn() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...3)])
        let found = try follow(shell, count: 9) {
            #expect(shell.waits { shell.outputLines.count == 3 })
            try FileManager.default.moveItem(at: shell.path("log"), to: shell.path("log.1"))
            // Whoever writes goes on with the old file until it has opened the new one, which may be there already.
            _ = FileManager.default.createFile(atPath: shell.path("log").path, contents: nil)
            usleep(400_000)
            try shell.append(events(4...5), to: "log.1")
            try shell.append(events(6...7) + "nonsense\n", to: "log")
            #expect(shell.waits { shell.outputLines.count == 7 })
            try FileManager.default.moveItem(at: shell.path("log"), to: shell.path("log.2"))
            try shell.append(events(8...9), to: "log")
        }
        #expect(found == Array(1...9))
        #expect(shell.read("rejects").contains("\"line\":8,"))
    }

    @Test func aLineThatRotationCutIsARejectAndHarmsNoOther() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...1) + "{\"type\":\"a\",\"ts\":15"])
        let found = try follow(shell, count: 2) {
            #expect(shell.waits { shell.outputLines.count == 1 })
            try FileManager.default.moveItem(at: shell.path("log"), to: shell.path("log.1"))
            try shell.append(events(2...2), to: "log")
        }
        #expect(found == [1, 2])
        #expect(shell.read("rejects").contains("\"line\":2,\"reason\":\"json_not_closed\""))
    }

    @Test func aFileThatBecameShorterIsReadFromItsStart() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...5)])
        let found = try follow(shell, count: 7) {
            #expect(shell.waits { shell.outputLines.count == 5 })
            let handle = try FileHandle(forWritingTo: shell.path("log"))
            try handle.truncate(atOffset: 0)
            try handle.close()
            #expect(shell.waits { shell.read("err").contains("log has become shorter; reading it from its start") })
            try shell.append(events(6...7), to: "log")
        }
        #expect(found == Array(1...7))
    }

    @Test func aFileThatIsNotThereYetIsWaitedFor() throws {
        let shell = try Shell(["r.rule": everyRule])
        let found = try follow(shell, count: 2) {
            #expect(shell.waits { shell.read("err").contains("log is not there yet; waiting for it") })
            try shell.append(events(1...2), to: "log")
        }
        #expect(found == [1, 2])
    }

    @Test func manyRotationsUnderLoadLoseNothing() throws {
        let shell = try Shell(["r.rule": everyRule, "log": ""])
        let rounds = 8, each = 200
        let found = try follow(shell, count: rounds * each) {
            for round in 0..<rounds {
                for part in 0..<10 {
                    let first = round * each + part * (each / 10) + 1
                    try shell.append(events(first...first + each / 10 - 1, pad: 300), to: "log")
                }
                // The file after next must not come before the next has been seen: so much a name can tell.
                #expect(shell.waits { shell.outputLines.count == (round + 1) * each })
                try FileManager.default.moveItem(at: shell.path("log"), to: shell.path("log.\(round)"))
            }
        }
        #expect(found == Array(1...rounds * each))
    }

    /// The program does not look while files come, are filled and are renamed.
    @Test func rotationsThatNobodySawLoseNothing() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...3), "log.9": events(90...91), "log-web": events(80...81)])
        let process = try shell.start("exec needletail run r.rule --follow --input log --rejects rejects --log-level warning")
        #expect(shell.waits { shell.outputLines.count == 3 })
        var expected = 3
        for round in 1...3 {
            kill(process.processIdentifier, SIGSTOP)
            for file in 0..<round + 1 {
                try shell.append(events(expected + 1...expected + 2), to: "log")
                expected += 2
                guard file < round else { break }
                // The names go up, as logrotate does it.
                for number in (1..<9).reversed() where FileManager.default.fileExists(atPath: shell.path("log.\(number)").path) {
                    try? FileManager.default.removeItem(at: shell.path("log.\(number + 1)"))
                    try FileManager.default.moveItem(at: shell.path("log.\(number)"), to: shell.path("log.\(number + 1)"))
                }
                try FileManager.default.moveItem(at: shell.path("log"), to: shell.path("log.1"))
                // The times at which they were written must differ.
                usleep(30_000)
            }
            kill(process.processIdentifier, SIGCONT)
            #expect(shell.waits { shell.outputLines.count == expected }, "round \(round): \(shell.outputLines.count) of \(expected)")
        }
        kill(process.processIdentifier, SIGTERM)
        #expect(shell.waits { !process.isRunning })
        #expect(try ids(shell) == Array(1...expected))
    }

    @Test func severalFilesAreFollowedAndSilenceLetsTimeGoOn() throws {
        let rules = "rule absent { by k match a: a then not b within 500ms alert low { id: a.id } } stream { idle 200ms }\n"
        let shell = try Shell(["r.rule": rules, "log": "", "other": ""])
        let found = try follow(shell, inputs: "--input log --input other", count: 2) {
            try shell.append("{\"type\":\"a\",\"ts\":1000,\"k\":1,\"id\":1}\n", to: "log")
            #expect(shell.waits { shell.outputLines.count == 1 })
            try shell.append("{\"type\":\"a\",\"ts\":4000,\"k\":1,\"id\":2}\n", to: "other")
        }
        #expect(found == [1, 2])
    }

    @Test func withoutFollowAMissingFileIsStatus2() throws {
        let shell = try Shell(["r.rule": everyRule])
        #expect(try shell.run("needletail run r.rule --input log") == 2)
    }

    @Test func whatIsCompressedCannotBeFollowed() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...2)])
        #expect(try shell.run("gzip -c log > packed; needletail run r.rule --follow --input packed") == 2)
        #expect(shell.read("err").contains("packed: it is compressed (gzip) and cannot be followed"))
    }
}
