@testable import Connectors
import Foundation
import Seeds
@testable import Streaming
import Synchronization
import Testing

/// What comes of a pipe is kept, and comes again after a restart.
@Suite struct JournalTests {
    typealias Bytes = [UInt8]

    static func journal(
        _ shell: Shell, isFresh: Bool = false, segmentBytesMax: Int = Journal.segmentBytesMax, calls: JournalCalls = JournalCalls()
    ) throws -> Journal {
        try Journal(shell.path("state/journal/0").path, name: "-", isFresh: isFresh, segmentBytesMax: segmentBytesMax, calls: calls)
    }

    static func source(
        _ shell: Shell, _ text: [String], isFresh: Bool = false, isSynchronized: Bool = false, segmentBytesMax: Int = Journal.segmentBytesMax,
        bytesMax: Int = 1 << 30, calls: JournalCalls = JournalCalls()
    ) throws -> JournaledSource {
        JournaledSource(
            ScriptedSource("-", text.map { .text($0) }),
            try journal(shell, isFresh: isFresh, segmentBytesMax: segmentBytesMax, calls: calls), isSynchronized: isSynchronized, bytesMax: bytesMax)
    }

    /// A death of the process alone asks nothing of the disk.
    static let quick = JournalCalls(synchronize: { _ in 0 }, synchronizeFolder: { _ in 0 })

    /// Changes a byte in place.
    static func flip(_ path: URL, _ offset: Int, _ mask: UInt8) {
        let descriptor = open(path.path, O_RDWR)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        pread(descriptor, &byte, 1, off_t(offset))
        byte ^= mask
        #expect(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
    }

    /// Gives a file other bytes, without the flush that some file systems do for a file that is written anew.
    static func replace(_ path: URL, _ bytes: Data) throws {
        unlink(path.path)
        try bytes.write(to: path)
    }

    static func segments(_ shell: Shell) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: shell.path("state/journal/0").path).sorted()
    }

    @Test func itComesAgainAndGoesOn() throws {
        let shell = try Shell()
        let first = try Self.source(shell, ["one\ntw", "o\nthree\n", "fou"])
        #expect(first.readiness.isReady)
        #expect(try drained(first, room: 4) == Bytes("one\ntwo\nthree\nfou".utf8))
        let place = first.place(at: 4)
        #expect(place == [1, 4, 17, 0, 0, 0, 0, 0, 0, 0])
        // The line that was cut is ended before the next pipe's first.
        let second = try Self.source(shell, ["five\n"])
        try second.resume(at: 4, place: place)
        #expect(try drained(second, room: 3) == Bytes("two\nthree\nfou\nfive\n".utf8))
        #expect(second.place(at: 23) == [1, 4, 23, 0, 0, 0, 0, 0, 0, 0])
        let third = try Self.source(shell, ["six"])
        try third.resume(at: 23, place: second.place(at: 23))
        #expect(try drained(third) == Bytes("six".utf8))
        // Before the first checkpoint there is no place; what was read is there all the same.
        #expect(try drained(Self.source(shell, [])) == Bytes("one\ntwo\nthree\nfou\nfive\nsix\n".utf8))
        #expect(try drained(Self.source(shell, ["new"], isFresh: true)) == Bytes("new".utf8))
        #expect(try Self.segments(shell) == ["00000000000000000000.journal"])
    }

    @Test func itsEndAndItsFailureComeThrough() throws {
        let shell = try Shell()
        for isSynchronized in [false, true] {
            let inner = ScriptedSource("-", [.text("a\n"), .text("b"), .end])
            let source = JournaledSource(inner, try Self.journal(shell, isFresh: true), isSynchronized: isSynchronized, bytesMax: 1 << 30)
            #expect(try drained(source) == Bytes("a\nb".utf8))
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 9, alignment: 1)
            defer { room.deallocate() }
            #expect(try source.read(into: room) == 0)
            #expect(try source.read(into: room) == 0)
        }
    }

    /// Random reads, checkpoints, trims and deaths against what was handed out.
    @Test func restartsInAChainGiveTheSameBytes() throws {
        for case_ in 0..<(Volume.isSoak ? 2000 : 150) {
            var dice = SeededGenerator(seed: Volume.baseSeed &+ UInt64(case_))
            let shell = try Shell()
            let segmentBytesMax = 100 + dice.below(3000)
            var given: Bytes = []
            var checkpoint = (position: 0, place: Bytes(), trimmed: 0)
            for life in 0..<8 {
                let pieces = (0..<dice.below(30)).map { index in
                    // Some end in the middle of a line.
                    events(life * 100 + index...life * 100 + index, pad: dice.below(200)).dropLast(dice.below(6) == 0 ? 5 : 0)
                }
                let source = try Self.source(
                    shell, pieces.map(String.init), isSynchronized: dice.below(2) == 0, segmentBytesMax: segmentBytesMax, calls: Self.quick)
                if !checkpoint.place.isEmpty { try source.resume(at: UInt64(checkpoint.position), place: checkpoint.place) }
                let again = try drained(source, atMost: given.count - checkpoint.position, room: 1 + dice.below(500))
                #expect(again.elementsEqual(given[checkpoint.position...]), "case \(case_) life \(life)")
                // Of what was not read before the death, the line end comes first.
                let before = given.count
                for _ in 0..<dice.below(20) {
                    given += try drained(source, atMost: 1 + dice.below(400), room: 1 + dice.below(500))
                    guard dice.below(3) == 0 else { continue }
                    var position = checkpoint.position + dice.below(given.count - checkpoint.position + 1)
                    while position > checkpoint.position && given[position - 1] != 10 { position -= 1 }
                    checkpoint.place = source.place(at: UInt64(position))
                    checkpoint.position = position
                    if dice.below(2) == 0 {
                        source.forget(before: UInt64(position))
                        checkpoint.trimmed = position
                    }
                }
                var expected = Bytes(pieces.joined().utf8)
                if before > 0, given.count > before, given[before - 1] != 10, given[before] == 10 { expected.insert(10, at: 0) }
                #expect(given[before...].elementsEqual(expected.prefix(given.count - before)), "case \(case_) life \(life)")
                // All that was read from the pipe is in the journal; what a reader had no room for comes first in the next life.
                given += try Self.rest(of: source, given.count)
                // And at times the death cuts a record.
                if dice.below(2) == 0, let last = try Self.segments(shell).last {
                    var record: Bytes = []
                    Bytes("{}\n{}".utf8).withUnsafeBytes { JournalFormat.record($0, at: UInt64(given.count), into: &record) }
                    let handle = try FileHandle(forWritingTo: shell.path("state/journal/0/" + last))
                    try handle.seekToEnd()
                    try handle.write(contentsOf: Data(record.prefix(dice.below(record.count))))
                    try handle.close()
                }
            }
            #expect(try drained(Self.source(shell, [], isFresh: true)).isEmpty)
        }
    }

    /// What is in the journal behind the bytes that were handed out.
    static func rest(of source: JournaledSource, _ count: Int) throws -> Bytes {
        let end = Int(PlaceReader.end(of: source.place(at: 0)))
        return end > count ? try drained(source, atMost: end - count) : []
    }

    @Test func segmentsAreTrimmedAndTheBoundHolds() throws {
        let shell = try Shell()
        let text = (0..<100).map { String(format: "line %03d\n", $0) }
        let source = try Self.source(shell, text, segmentBytesMax: 200, bytesMax: 1000)
        var given = try drained(source)
        #expect(given.count < 900 && source.keptBytes >= 1000 && source.keptBytes < 1200 && source.wantsCheckpoint)
        guard case .recheck(-1) = source.readiness else { Issue.record("It waits for a checkpoint."); return }
        while given.count < 900 {
            let before = given.count
            source.forget(before: UInt64(given.count))
            #expect(!source.wantsCheckpoint)
            given += try drained(source)
            #expect(given.count > before)
        }
        #expect(given.elementsEqual(text.joined().utf8))
        source.forget(before: 881)
        let names = try Self.segments(shell)
        #expect(names.count < 3)
        let next = try Self.source(shell, ["more\n"], segmentBytesMax: 200)
        try next.resume(at: 882, place: source.place(at: 882))
        #expect(try drained(next) == Bytes("line 098\nline 099\nmore\n".utf8))
        // What was trimmed cannot be gone back to.
        #expect(message { try Self.source(shell, [], segmentBytesMax: 200).resume(at: 0, place: source.place(at: 0)) }.contains("its journal is damaged: it begins at position"))
        #expect(message { _ = try drained(Self.source(shell, [], segmentBytesMax: 200)) }.contains("and position 0 is needed"))
    }

    @Test func aJournalThatWasTrimmedWholeGoesOn() throws {
        let shell = try Shell()
        let source = try Self.source(shell, [String(repeating: "0123456789abcde\n", count: 10)], segmentBytesMax: 250)
        #expect(try drained(source).count == 160)
        let place = source.place(at: 160)
        source.forget(before: 160)
        #expect(try Self.segments(shell) == [] && source.keptBytes == 0)
        let next = try Self.source(shell, ["more\n"], segmentBytesMax: 250)
        try next.resume(at: 160, place: place)
        #expect(try drained(next) == Bytes("more\n".utf8))
        #expect(try Self.segments(shell) == ["00000000000000000160.journal"])
        #expect(message { try Self.source(shell, []).resume(at: 166, place: [1, 4, 166, 0, 0, 0, 0, 0, 0, 0]) }.contains("it ends at position 165 of the input, and the last checkpoint needs it up to 166"))
    }

    /// The last segment ends anywhere: what is sound comes, and the journal goes on behind it; what a checkpoint needs is missed.
    @Test func theLastSegmentMayEndAnywhere() throws {
        let shell = try Shell()
        let lines = (0..<12).map { String(format: "{\"line\":%02d}\n", $0) }
        let place: Bytes
        do {
            let source = try Self.source(shell, lines, segmentBytesMax: 300)
            #expect(try drained(source).count == 12 * 12)
            place = source.place(at: 0)
        }
        let names = try Self.segments(shell)
        #expect(names.count == 2)
        let path = shell.path("state/journal/0/" + names[1])
        let start = Int(try #require(JournalFormat.start(names[1])))
        let whole = try Data(contentsOf: path)
        let all = Bytes(lines.joined().utf8)
        for length in 0..<whole.count {
            // What the machine did not write before it went are zeros, behind what it wrote at once.
            let isAtRecord = length == 0 || (length >= 24 && (length - 24) % 32 == 0)
            for zeros in isAtRecord ? [0, 1, 40, 600] : [0] {
                try Self.replace(path, whole.prefix(length) + Data(repeating: 0, count: zeros))
                #expect(message { try Self.source(shell, []).resume(at: 0, place: place) }.contains("the last checkpoint needs it up to 144"))
                let records = max(0, length - JournalFormat.segmentHeader) / (JournalFormat.recordHeader + 12)
                let kept = start + records * 12
                try Self.replace(path, whole.prefix(length) + Data(repeating: 0, count: zeros))
                let next = try Self.source(shell, ["new\n"], segmentBytesMax: 300, calls: Self.quick)
                #expect(try drained(next) == all[..<kept] + Bytes("new\n".utf8), "\(length) \(zeros)")
                #expect(try drained(Self.source(shell, [], segmentBytesMax: 300)) == all[..<kept] + Bytes("new\n".utf8))
            }
        }
    }

    /// Every byte of every file flipped: the same bytes, or an error that names the file; never other bytes, never a trap.
    @Test func noDamageIsTakenInSilence() throws {
        let shell = try Shell()
        let lines = (0..<12).map { String(format: "{\"line\":%02d}\n", $0) }
        _ = try drained(Self.source(shell, lines, segmentBytesMax: 300))
        let names = try Self.segments(shell)
        for name in names {
            let path = shell.path("state/journal/0/" + name)
            let whole = try Data(contentsOf: path)
            for place in whole.indices {
                for mask: UInt8 in [1, 0x80, 0x55] {
                    Self.flip(path, place, mask)
                    let text = message { _ = try drained(Self.source(shell, [], segmentBytesMax: 300)) }
                    Self.flip(path, place, mask)
                    #expect(text.contains("/state/journal/0/\(name)"), "\(name) \(place) \(mask): \(text)")
                }
            }
            for length in 0..<whole.count where name != names.last {
                try Self.replace(path, whole.prefix(length))
                #expect(message { _ = try drained(Self.source(shell, [], segmentBytesMax: 300)) }.hasPrefix("-: its journal is damaged: "), "\(length)")
            }
            try FileManager.default.removeItem(at: path)
            if name != names.last {
                #expect(message { _ = try drained(Self.source(shell, [], segmentBytesMax: 300)) }.contains("-: its journal is damaged: "))
            }
            try whole.write(to: path)
        }
        #expect(try drained(Self.source(shell, [], segmentBytesMax: 300)) == Bytes(lines.joined().utf8))
    }

    @Test func aFullDiskIsSaidAndGoneOnFrom() throws {
        let room = Room()
        let calls = JournalCalls(write: { descriptor, bytes, offset in
            guard offset < room.bytes.load(ordering: .relaxed) else {
                errno = ENOSPC
                return -1
            }
            // Short, as at the last byte of a disk.
            return pwrite(descriptor, bytes.baseAddress, min(bytes.count, 7), off_t(offset))
        })
        for isSynchronized in [false, true] {
            let shell = try Shell()
            room.bytes.store(90, ordering: .relaxed)
            let source = try Self.source(shell, ["first line\n", "second line\n", "third line\n"], isSynchronized: isSynchronized, calls: calls)
            var given: Bytes = []
            let text = message { for _ in 0..<9 { given += try drained(source, atMost: 11) } }
            #expect(text.hasPrefix("-: its journal cannot be kept: ") && text.hasSuffix(": the disk is full; make room and start again with the same --state"), "\(text)")
            #expect(message { _ = try drained(source) } == text)
            // A process that begins now finds what was handed out.
            #expect(try drained(Self.source(shell, [])) == given + [10])
            room.bytes.store(10_000, ordering: .relaxed)
            given += try drained(source)
            #expect(given == Bytes("first line\nsecond line\nthird line\n".utf8))
        }
    }

    private final class Room: Sendable {
        let bytes = Atomic<Int>(0)
    }

    @Test func eachGroupIsSynchronizedBeforeItIsHandedOut() throws {
        let shell = try Shell()
        let count = Room()
        let calls = JournalCalls(synchronize: { count.bytes.add(1, ordering: .relaxed); return fdatasync($0) })
        let source = try Self.source(shell, ["a\n", "b\n", "c\n"], isSynchronized: true, calls: calls)
        #expect(try drained(source) == Bytes("a\nb\nc\n".utf8))
        #expect(count.bytes.load(ordering: .relaxed) == 1)
        try source.synchronize()
        #expect(count.bytes.load(ordering: .relaxed) == 2)
        let other = try Self.source(shell, ["a\n", "b\n", "c\n"], isFresh: true, calls: calls)
        _ = try drained(other)
        #expect(count.bytes.load(ordering: .relaxed) == 2)
    }

    @Test func placesMayBeAnyBytes() throws {
        let shell = try Shell()
        _ = try drained(Self.source(shell, ["a\nb\n"]))
        let place: Bytes = [1, 4, 4, 0, 0, 0, 0, 0, 0, 0]
        for count in 1..<place.count {
            #expect(message { try Self.source(shell, []).resume(at: 2, place: Array(place[..<count])) } == "-: its place in the state is not what was written; the state is damaged")
        }
        for index in place.indices {
            for bit in 0..<8 {
                var bytes = place
                bytes[index] ^= 1 << UInt8(bit)
                _ = message { try Self.source(shell, []).resume(at: 2, place: bytes) }
            }
        }
        #expect(message { try Self.source(shell, []).resume(at: 2, place: place + [0]) }.contains("the state is damaged"))
        let file = FilePlace(.plain, [FilePlace.Piece(print: FilePrint(inode: 1, length: 9, head: 0, tail: 0), offset: 2)]).encoded
        #expect(message { try Self.source(shell, []).resume(at: 2, place: file) }.contains("-: before the restart it was a plain file, and it is a pipe now"))
        #expect(message { try Self.source(shell, []).resume(at: .max, place: []) }.contains("its journal is damaged"))
    }

    /// A pipe that somebody keeps open.
    final class HeldPipe {
        let reading: Int32
        private let writing: Int32

        init() {
            var ends: [Int32] = [0, 0]
            precondition(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
        }

        deinit {
            close(reading)
            close(writing)
        }

        func write(_ text: some Collection<UInt8>) { #expect(Glibc.write(writing, Array(text), text.count) == text.count) }

        func source(_ shell: Shell, _ calls: JournalCalls = JournalTests.quick, isSynchronized: Bool = false, segmentBytesMax: Int = 3000) throws -> JournaledSource {
            JournaledSource(
                try FileDescriptorSource.borrowing(reading, name: "-").decompressed(path: "-"),
                try JournalTests.journal(shell, segmentBytesMax: segmentBytesMax, calls: calls), isSynchronized: isSynchronized, bytesMax: 1 << 30)
        }
    }

    /// The end of the process between the moving of bytes and their head: they are in the file, and nowhere else.
    @Test func whatWasMovedIsNotLost() throws {
        let failing = JournalCalls(
            write: { descriptor, bytes, offset in
                guard bytes.count > JournalFormat.segmentHeader || offset == 0 else {
                    errno = EIO
                    return -1
                }
                return pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
            }, synchronize: { _ in 0 }, synchronizeFolder: { _ in 0 })
        for case_ in 0..<Volume.pick(test: 100, soak: 3000) {
            var random = SeededGenerator(900 + UInt64(case_))
            let (shell, pipe) = (try Shell(), HeldPipe())
            let lines = Bytes((0..<40).map { events($0...$0, pad: random.below(60)) }.joined().utf8)
            var (written, given, deaths) = (0, Bytes(), 0)
            while given.count < lines.count {
                let calls = random.isOne(in: 2) ? failing : Self.quick
                guard
                    let source = try? pipe.source(shell, calls, isSynchronized: random.isOne(in: 2), segmentBytesMax: 100 + random.below(3000))
                else {
                    deaths += 1
                    continue
                }
                // From the start again: all that came before comes again.
                var again = Bytes()
                for _ in 0..<1 + random.below(6) {
                    let count = min(lines.count - written, random.below(300))
                    pipe.write(lines[written..<written + count])
                    written += count
                    do {
                        again += try drained(source, room: 1 + random.below(400))
                    } catch {
                        deaths += 1
                        break
                    }
                }
                #expect(again.starts(with: given) || given.starts(with: again), "case \(case_)")
                if again.count > given.count { given = again }
            }
            #expect(given == lines, "case \(case_), \(deaths) deaths")
        }
    }

    @Test func aLineThatTheDeathCutGoesOnUnlessAnotherBegins() throws {
        for (rest, expected) in [("2}\n{}\n", "{\"a\":12}\n{}\n"), ("{}\n", "{\"a\":1\n{}\n")] {
            let (shell, pipe) = (try Shell(), HeldPipe())
            pipe.write("{\"a\":1".utf8)
            #expect(try drained(pipe.source(shell)) == Bytes("{\"a\":1".utf8))
            let next = try pipe.source(shell)
            #expect(try drained(next) == Bytes("{\"a\":1".utf8))
            pipe.write(rest.utf8)
            #expect(try Bytes("{\"a\":1".utf8) + drained(next) == Bytes(expected.utf8))
        }
    }

    @Test func aCompressedPipeIsStillReadThrough() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...50)])
        let outcome = try shell.start("gzip -c log | needletail run r.rule --state state --quiet")
        #expect(shell.waits { !outcome.isRunning } && outcome.terminationStatus == 0)
        #expect(shell.outputLines.count == 50)
    }

    @Test func aPipeThatIsWaitedForIsJournaled() throws {
        let shell = try Shell()
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let inner = try FileDescriptorSource.borrowing(ends[0], name: "-")
        let source = try JournaledSource(
            inner.decompressed(path: "-"), folder: shell.path("deep/er/journal").path, isFresh: true, isSynchronized: true)
        let selector = PollSelector()
        #expect(try drained(source).isEmpty)
        #expect(selector.wait(for: [source], timeoutMicroseconds: 1000) == [])
        _ = "hello\n".withCString { write(ends[1], $0, 6) }
        #expect(selector.wait(for: [source], timeoutMicroseconds: 10_000_000) == [0])
        #expect(try drained(source) == Bytes("hello\n".utf8))
        close(ends[1])
        #expect(selector.wait(for: [source], timeoutMicroseconds: 10_000_000) == [0])
        #expect(try drained(source).isEmpty)
        #expect(message { _ = try JournaledSource(inner, folder: "/dev/null/x", isFresh: false, isSynchronized: false) } == "-: its journal cannot be kept: /dev/null/x: a part of the path is a file, not a folder")
    }
}

extension SourceReadiness {
    var isReady: Bool { if case .ready = self { true } else { false } }
}

extension PlaceReader {
    static func end(of place: [UInt8]) -> UInt64 {
        var reader = PlaceReader(place[2...])
        return reader.next() ?? 0
    }
}
