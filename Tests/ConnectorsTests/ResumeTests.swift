@testable import Connectors
import Foundation
import Seeds
@testable import Streaming
import Testing

/// What a source gives until nothing is there or it has ended.
func drained(_ source: any Source, atMost bytesMax: Int = .max, room: Int = 700) throws -> [UInt8] {
    var bytes: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    defer { buffer.deallocate() }
    while bytes.count < bytesMax {
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(room, bytesMax - bytes.count)])
        guard let count = try source.read(into: part), count > 0 else { break }
        bytes += part[..<count]
    }
    return bytes
}

func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch {
        return (error as? SourceError)?.message ?? "\(error)"
    }
}

/// Files after a restart, plain, compressed and on standard input.
@Suite struct ResumeTests {
    static let lines = Array(events(1...400).utf8)

    static func opened(_ shell: Shell, _ name: String) throws -> any ResumableSource {
        let path = shell.path(name).path
        return try #require(try FileDescriptorSource.opening(path, name: name).decompressed(path: path) as? any ResumableSource)
    }

    /// Reads some, takes the place of a position before that, and reads on from there in another source.
    static func place(_ shell: Shell, _ name: String, at position: UInt64, afterReading count: Int) throws -> [UInt8] {
        let source = try opened(shell, name)
        #expect(try drained(source, atMost: count).count == count)
        source.forget(before: position)
        return source.place(at: position)
    }

    static func resumed(_ shell: Shell, _ name: String, at position: UInt64, _ place: [UInt8]) throws -> [UInt8] {
        let source = try opened(shell, name)
        try source.resume(at: position, place: place)
        return try drained(source)
    }

    @Test func filesGoOnWhereTheyWere() throws {
        let shell = try Shell(["log": events(1...400)])
        try shell.run("gzip -k log; zstd -q log; cp log.gz g; { head -c 3000 log | gzip -c; tail -c +3001 log | gzip -c; } > two.gz")
        var dice = SeededGenerator(seed: Volume.baseSeed)
        for name in ["log", "log.gz", "log.zst", "g", "two.gz"] {
            for _ in 0..<30 {
                let read = dice.below(Self.lines.count + 1)
                let position = dice.below(read + 1)
                let place = try Self.place(shell, name, at: UInt64(position), afterReading: read)
                #expect(try Self.resumed(shell, name, at: UInt64(position), place) == Array(Self.lines[position...]), "\(name) \(position) \(read)")
            }
        }
    }

    @Test func aChainOfRestartsGoesOn() throws {
        let shell = try Shell(["log": events(1...400)])
        try shell.run("gzip -k log")
        for name in ["log", "log.gz"] {
            var position = 0, place: [UInt8] = []
            for _ in 0..<8 {
                let source = try Self.opened(shell, name)
                try source.resume(at: UInt64(position), place: place)
                let bytes = try drained(source, atMost: 997)
                #expect(bytes == Array(Self.lines[position..<position + 997]))
                position += 900
                place = source.place(at: UInt64(position))
            }
        }
    }

    @Test func aFileThatHasGrownGoesOnAndACopyOfItToo() throws {
        let shell = try Shell(["log": events(1...10)])
        let count = shell.read("log").utf8.count
        let place = try Self.place(shell, "log", at: UInt64(count), afterReading: count)
        try shell.append(events(11...12), to: "log")
        #expect(try Self.resumed(shell, "log", at: UInt64(count), place) == Array(events(11...12).utf8))
        try shell.run("cp log copy; rm log; mv copy log")
        #expect(try Self.resumed(shell, "log", at: UInt64(count), place) == Array(events(11...12).utf8))
    }

    @Test func anotherFileIsRefused() throws {
        let shell = try Shell(["log": events(1...400)])
        try shell.run("gzip -k log")
        for name in ["log", "log.gz"] {
            let whole = try Data(contentsOf: shell.path(name))
            let place = try Self.place(shell, name, at: 5000, afterReading: 9000)
            // In place, so that the inode stays: at the start, and shortly before what was read last.
            for offset in [3, 800] {
                var changed = whole
                changed[offset] ^= 1
                let handle = try FileHandle(forWritingTo: shell.path(name))
                try handle.write(contentsOf: changed)
                try handle.close()
                let text = message { _ = try Self.resumed(shell, name, at: 5000, place) }
                #expect(text.hasPrefix("\(name): it is not the file that was read before the restart (its content is another within the "), "\(text)")
                #expect(text.hasSuffix("; give the file that was, or begin afresh with another --state folder"))
            }
            try whole.write(to: shell.path(name))
            #expect(try Self.resumed(shell, name, at: 5000, place).count == Self.lines.count - 5000)

            try Data(events(1001...2400).utf8).write(to: shell.path("other"))
            try shell.run("gzip -c other > other.gz; mv \(name == "log" ? "other" : "other.gz") \(name)")
            let text = message { _ = try Self.resumed(shell, name, at: 5000, place) }
            #expect(text.hasPrefix("\(name): it is not the file that was read before the restart (the file is another within the "), "\(text)")

            try whole.prefix(100).write(to: shell.path(name))
            let short = message { _ = try Self.resumed(shell, name, at: 5000, place) }
            #expect(short.contains("bytes of it were read before the restart, and now it has 100; give the file that was read, or begin"), "\(short)")
        }
    }

    @Test func standardInputNeedNotBeAtItsStart() throws {
        let shell = try Shell(["log": events(1...400)])
        try shell.run("gzip -c log > packed; { head -c 777 log; cat packed; } > mixed")
        let descriptor = open(shell.path("log").path, O_RDONLY)
        let mixed = open(shell.path("mixed").path, O_RDONLY)
        defer {
            close(descriptor)
            close(mixed)
        }
        for (file, start, expected) in [(descriptor, 1234, Array(Self.lines[1234...])), (mixed, 777, Self.lines)] {
            lseek(file, off_t(start), SEEK_SET)
            let source = try #require(try FileDescriptorSource.borrowing(file, name: "-").decompressed(path: "-") as? any ResumableSource)
            #expect(try drained(source, atMost: 500) == Array(expected[..<500]))
            let place = source.place(at: 321)
            // The next shell hands it over at another place, say at its start.
            lseek(file, off_t(start == 777 ? 777 : 0), SEEK_SET)
            let next = try #require(try FileDescriptorSource.borrowing(file, name: "-").decompressed(path: "-") as? any ResumableSource)
            try next.resume(at: 321, place: place)
            #expect(try drained(next) == Array(expected[321...]))
            let again = next.place(at: 2000)
            lseek(file, off_t(start == 777 ? 777 : 50), SEEK_SET)
            let third = try #require(try FileDescriptorSource.borrowing(file, name: "-").decompressed(path: "-") as? any ResumableSource)
            try third.resume(at: 2000, place: again)
            #expect(try drained(third) == Array(expected[2000...]))
        }
    }

    @Test func aPipeGoesOnWithWhatComes() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let source = try FileDescriptorSource.borrowing(ends[0], name: "-")
        #expect(!source.canGoBack && source.place(at: 0).isEmpty)
        try source.resume(at: 1000, place: [])
        _ = "new".withCString { write(ends[1], $0, 3) }
        close(ends[1])
        #expect(try drained(source) == Array("new".utf8))
        let shell = try Shell(["log": events(1...10)])
        let place = try Self.place(shell, "log", at: 5, afterReading: 10)
        #expect(
            message { try source.resume(at: 5, place: place) }
                == "-: before the restart it was a plain file, and it is a pipe now; give it as it was, or begin afresh with another --state folder")
        #expect(
            message { _ = try Self.resumed(shell, "log", at: 5, []) }
                == "log: before the restart it was a pipe, and it is a plain file now; give it as it was, or begin afresh with another --state folder")
        #expect(try Self.resumed(shell, "log", at: 0, []).count == events(1...10).utf8.count)
        try shell.run("gzip log")
        #expect(message { _ = try Self.resumed(shell, "log.gz", at: 5, place) }.contains("before the restart it was a plain file, and it is a compressed"))
    }

    /// Whatever a damaged state gives for a place: an error, or a place that is refused or gone on at; never a trap.
    @Test func placesMayBeAnyBytes() throws {
        let shell = try Shell(["log": events(1...400)])
        try shell.run("gzip -k log")
        for name in ["log", "log.gz"] {
            let whole = try Self.place(shell, name, at: 5000, afterReading: 9000)
            #expect(whole.count == 38 && whole[0] == 1)
            for count in 1..<whole.count {
                let text = message { _ = try Self.resumed(shell, name, at: 5000, Array(whole[..<count])) }
                #expect(text == "\(name): its place in the state is not what was written; the state is damaged", "\(count)")
            }
            var refused = 0
            for place in whole.indices {
                for bit in 0..<8 {
                    var bytes = whole
                    bytes[place] ^= 1 << UInt8(bit)
                    refused += message { _ = try Self.resumed(shell, name, at: 5000, bytes) } == "no error" ? 0 : 1
                }
            }
            // An inode may be another one; and where a plain file's position lies is the state's word, which has a checksum.
            #expect(refused >= 8 * 22, "\(refused)")
            #expect(message { _ = try Self.resumed(shell, name, at: 5000, [2] + whole.dropFirst()) }.contains("by another version of needletail"))
            #expect(message { _ = try Self.resumed(shell, name, at: 1 << 40, whole) } == (name == "log" ? "no error" : "log.gz: its content has become shorter since the restart; give the file that was read, or begin afresh with another --state folder"))
        }
    }

    /// The bytes of the first landed version, read by every later one.
    @Test func theLandedEncodingStays() throws {
        let print = FilePrint(inode: 0x0102_0304, length: 500, head: 0xA1B2_C3D4, tail: 0x0506_0708)
        let place = FilePlace(.followed, [FilePlace.Piece(print: print, offset: 77), FilePlace.Piece(print: print, offset: 0)])
        let piece: [UInt8] = [4, 3, 2, 1, 0, 0, 0, 0, 244, 1, 0, 0, 0, 0, 0, 0, 0xD4, 0xC3, 0xB2, 0xA1, 8, 7, 6, 5]
        #expect(place.encoded == [1, 3, 2, 0, 0, 0] + piece + [77, 0, 0, 0, 0, 0, 0, 0] + piece + [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(try FilePlace(place.encoded, of: .followed, name: "x") == place)
        #expect(checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect("123456789".utf8.reduce(UInt32(0)) { sum, byte in withUnsafeBytes(of: byte) { checksum($0, after: sum) } } == 0xCBF4_3926)
    }
}
