@testable import Connectors
import Foundation
import Seeds
@testable import Streaming
import Testing

/// Followed files after a restart, whatever rotation has done meanwhile.
@Suite struct FollowResumeTests {
    /// A log whose writer's clock is ours: the system's ticks are too coarse to tell quick writes apart.
    final class Log {
        let shell: Shell
        private var seconds = 1_000_000

        init() throws { shell = try Shell() }

        func append(_ text: String, to name: String = "log") throws {
            try shell.append(text, to: name)
            touch(name)
        }

        func touch(_ name: String) {
            seconds += 1
            let time = timespec(tv_sec: seconds, tv_nsec: 0)
            _ = utimensat(AT_FDCWD, shell.path(name).path, [time, time], 0)
        }

        func rename(_ from: String, _ to: String) throws { try FileManager.default.moveItem(at: shell.path(from), to: shell.path(to)) }

        func remove(_ name: String) throws { try FileManager.default.removeItem(at: shell.path(name)) }

        func opened() throws -> FollowedFile { try FollowedFile(shell.path("log").path, name: "log") }

        func resumed(at position: Int, _ place: [UInt8]) throws -> FollowedFile {
            let source = try opened()
            try source.resume(at: UInt64(position), place: place)
            return source
        }
    }

    static func text(_ source: FollowedFile) throws -> String { String(decoding: try drained(source), as: UTF8.self) }

    @Test func itGoesOnInTheSameFile() throws {
        let log = try Log()
        try log.append(events(1...5))
        let source = try log.opened()
        let before = try Self.text(source)
        let place = source.place(at: 20)
        try log.append(events(6...7))
        #expect(try Self.text(log.resumed(at: 20, place)) == (before + events(6...7)).dropFirst(20))
    }

    @Test func itWasRotatedOnceTwiceAndMore() throws {
        for style in ["log.%", "log-2026030%", "log.%.old"] {
            let log = try Log()
            func name(_ number: Int) -> String { style.replacingOccurrences(of: "%", with: "\(number)").replacingOccurrences(of: ".1.old", with: ".old") }
            try log.append(events(1...3))
            let source = try log.opened()
            let first = try Self.text(source)
            let place = source.place(at: 30)
            try log.append(events(4...5))
            try log.rename("log", name(1))
            var expected = first.dropFirst(30) + events(4...5)
            // Nobody has made the next one yet.
            let waiting = try log.resumed(at: 30, place)
            #expect(try Self.text(waiting) == expected)
            #expect(waiting.place(at: 30) != place)
            guard !style.hasSuffix("old") else { continue }
            for round in 2..<5 {
                let more = events(round * 100...round * 100 + 2)
                try log.append(more)
                expected += more
                #expect(try Self.text(log.resumed(at: 30, place)) == expected, "\(style) \(round)")
                try log.rename("log", name(round))
                #expect(try Self.text(log.resumed(at: 30, place)) == expected, "\(style) \(round)")
            }
            // Neighbours are no part of it.
            try log.append("no part\n", to: "log-web")
            try log.append("no part\n", to: "other.1")
            try log.append("no part\n", to: "log.1.bak")
            #expect(try Self.text(log.resumed(at: 30, place)) == expected)
        }
    }

    @Test func namesMadeOfAnotherAreTold() {
        for name in ["events.ndjson.1", "events.ndjson-20260301", "events.ndjson.old", "events-2026-03-01T10.ndjson", "events.3.ndjson", "events_1.ndjson"] {
            #expect(RotatedFiles.isMade(name, of: "events.ndjson"), "\(name)")
        }
        for name in ["events.ndjson", "events-web.ndjson", "events.ndjson.bak", "events1.ndjson", "events.ndjson.", "events-.ndjson", "other.1", "event.ndjson.1", ""] {
            #expect(!RotatedFiles.isMade(name, of: "events.ndjson"), "\(name)")
        }
        #expect(RotatedFiles.isMade("log.1", of: "log") && !RotatedFiles.isMade(".1", of: ".log") && !RotatedFiles.isMade("x", of: ""))
    }

    @Test func aPlaceInAFileThatWasLeftLeadsThroughAllOfThem() throws {
        let log = try Log()
        let source = try log.opened()
        #expect(try Self.text(source) == "")
        var expected = ""
        for round in 1...4 {
            // Each ends in the middle of a line, which is ended.
            try log.append(events(round * 10...round * 10 + 2) + "{")
            expected += events(round * 10...round * 10 + 2) + "{"
            #expect(try expected.hasSuffix(Self.text(source)))
            if round < 4 {
                try log.rename("log", "log.\(round)")
                expected += "\n"
            }
        }
        let bytes = Array(expected.utf8)
        for position in bytes.indices where position == 0 || bytes[position - 1] == 10 {
            let place = source.place(at: UInt64(position))
            #expect(try Self.text(log.resumed(at: position, place)) == String(decoding: bytes[position...], as: UTF8.self), "\(position)")
        }
        // What the old file's writer adds after it was left is not read, before the restart as little as behind it.
        let place = source.place(at: 0)
        try log.append("late\n", to: "log.2")
        #expect(try Self.text(log.resumed(at: 0, place)) == expected)
        source.forget(before: UInt64(bytes.count))
        #expect(source.place(at: UInt64(bytes.count)).count == 38)
    }

    @Test func itWasEmptied() throws {
        let log = try Log()
        try log.append(events(1...5))
        let source = try log.opened()
        let first = try Self.text(source)
        let place = source.place(at: 20)
        // As `copytruncate` does, while nobody reads.
        try log.append(events(6...6))
        try log.shell.run("cp log log.1; : > log")
        log.touch("log.1")
        try log.append(events(7...8))
        #expect(try Self.text(log.resumed(at: 20, place)) == (first + events(6...8)).dropFirst(20))
        // And while it is read, after a restart at a place before that.
        let live = try log.resumed(at: 20, place)
        #expect(try Self.text(live) == (first + events(6...8)).dropFirst(20))
        try log.shell.run("cp log log.2; : > log")
        log.touch("log.2")
        #expect(try Self.text(live) == "")
        try log.append(events(9...9))
        #expect(try Self.text(live) == events(9...9))
        #expect(try Self.text(log.resumed(at: 20, live.place(at: 20))) == (first + events(6...9)).dropFirst(20))
        // Without a copy, nobody has it.
        try log.remove("log.2")
        let text = message { _ = try log.resumed(at: 20, live.place(at: 20)) }
        #expect(text.hasPrefix("log: the file that was read before the restart (inode "), "\(text)")
    }

    @Test func whatIsGoneOrPackedIsSaid() throws {
        let log = try Log()
        try log.append(events(1...5))
        let source = try log.opened()
        _ = try Self.text(source)
        let place = source.place(at: 20)
        try log.rename("log", "log.1")
        try log.append(events(6...7))
        try log.rename("log", "log.2")
        try log.append(events(8...9))
        try log.shell.run("gzip log.2")
        var text = message { _ = try log.resumed(at: 20, place) }
        #expect(
            text == """
                log: log.2.gz was rotated and compressed since the restart's place in log.1; unpack it there and start again (or move it away, \
                if it is no part of this log), or begin afresh with another --state folder
                """)
        try log.shell.run("gzip log.1")
        text = message { _ = try log.resumed(at: 20, place) }
        #expect(text.contains("under no name, or its content is another; if it was compressed, as log.2.gz may be, unpack it beside log and start again, or"), "\(text)")
        try log.shell.run("gunzip log.1.gz log.2.gz")
        #expect(try Self.text(log.resumed(at: 20, place)) == events(1...9).dropFirst(20))
        for name in ["log.1", "log.2"] { try log.remove(name) }
        text = message { _ = try log.resumed(at: 20, place) }
        #expect(text.hasSuffix("; put it back beside log and start again, or begin afresh with another --state folder"), "\(text)")
    }

    @Test func anInodeThatWasGivenAwayIsNoProof() throws {
        let log = try Log()
        try log.append(events(1...5))
        let source = try log.opened()
        _ = try Self.text(source)
        let place = source.place(at: 20)
        // The same inode, another content; and the old content in another inode, as from a backup.
        try log.shell.run("cp log kept")
        let handle = try FileHandle(forWritingTo: log.shell.path("log"))
        try handle.write(contentsOf: Data(events(11...16).utf8))
        try handle.close()
        #expect(message { _ = try log.resumed(at: 20, place) }.hasPrefix("log: the file that was read before the restart"))
        try log.shell.run("mv kept log")
        #expect(try Self.text(log.resumed(at: 20, place)) == events(1...5).dropFirst(20))
    }

    @Test func nothingWasThereYet() throws {
        let log = try Log()
        let source = try log.opened()
        let place = source.place(at: 0)
        try log.append(events(1...2))
        #expect(try Self.text(log.resumed(at: 0, place)) == events(1...2))
        #expect(message { _ = try log.resumed(at: 9, place) }.contains("rotated more than 256 times"))
        // Its own kind of place only.
        let plain = try FileDescriptorSource.opening(log.shell.path("log").path, name: "log")
        _ = try drained(plain)
        #expect(message { _ = try log.resumed(at: 9, plain.place(at: 9)) }.contains("it was a plain file, and it is a file read with --follow now"))
        for count in 1..<38 {
            #expect(message { _ = try log.resumed(at: 9, Array(source.place(at: 0) + plain.place(at: 0)).prefix(count) + []) } != "no error")
        }
    }

    /// Writes, rotations, restarts at any place: what comes from a position on is what came from there before, and in the end all of it.
    @Test func whateverHappensNothingIsLostOrReadTwice() throws {
        for case_ in 0..<(Volume.isSoak ? 1000 : 60) {
            var dice = SeededGenerator(seed: Volume.baseSeed &+ UInt64(case_))
            let log = try Log()
            // Of a file that nobody has seen yet, the first start takes what bears the name.
            try log.append("")
            var written = "", number = 0, rotations = 0
            var source = try log.opened()
            var read: [UInt8] = []
            var forgotten = 0
            for _ in 0..<40 {
                switch dice.below(6) {
                case 0, 1:
                    number += 1
                    let text = events(number...number + dice.below(3), pad: dice.below(2000))
                    try log.append(text)
                    written += text
                case 2, 3:
                    read += try drained(source, atMost: 1 + dice.below(4000), room: 1 + dice.below(900))
                case 4:
                    // Who reads sees every file, unless it is away.
                    let isAway = dice.below(2) == 0
                    if !isAway { read += try drained(source) }
                    rotations += 1
                    guard FileManager.default.fileExists(atPath: log.shell.path("log").path) else { continue }
                    try log.rename("log", "log.\(rotations)")
                    guard isAway else { continue }
                    fallthrough
                default:
                    // Checkpoints are at the beginning of a line.
                    var position = forgotten + dice.below(read.count - forgotten + 1)
                    while position > forgotten && read[position - 1] != 10 { position -= 1 }
                    let place = source.place(at: UInt64(position))
                    source = try log.resumed(at: position, place)
                    source.forget(before: UInt64(position))
                    forgotten = position
                    let again = try drained(source, atMost: read.count - position)
                    #expect(again.elementsEqual(read[position...]), "case \(case_)")
                }
            }
            read += try drained(source)
            #expect(read.elementsEqual(written.utf8), "case \(case_)")
        }
    }
}
