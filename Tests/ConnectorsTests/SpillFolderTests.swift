@testable import Connectors
import Diagnostics
import Foundation
import Glibc
import Seeds
@testable import Streaming
import Synchronization
import Testing

/// Scratch files: what is written comes back, nothing stays behind, and what the disk refuses has a name.
@Suite struct SpillFolderTests {
    private final class Folder {
        let path = NSTemporaryDirectory() + "needletail-spill-tests-\(UUID().uuidString)"
        deinit { try? FileManager.default.removeItem(atPath: path) }
        var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
    }

    private static func append(_ bytes: [UInt8], to run: any SpillRun) throws {
        let result: Result<Void, SpillError> = bytes.withUnsafeBytes { bytes in
            do throws(SpillError) { return .success(try run.append(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    private static func read(_ range: Range<Int>, of run: any SpillRun) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let result: Result<Void, SpillError> = bytes.withUnsafeMutableBytes { room in
            do throws(SpillError) { return .success(try run.read(at: UInt64(range.lowerBound), into: room)) } catch { return .failure(error) }
        }
        try result.get()
        return bytes
    }

    @Test func whatIsWrittenComesBack() throws {
        let folder = Folder()
        let space = try SpillFolder(folder.path, bytesMax: 1 << 20)
        var dice = SeededGenerator(seed: Volume.baseSeed)
        do {
            let runs = try (0..<3).map { _ in try space.makeRun() }
            var contents: [[UInt8]] = [[], [], []]
            for _ in 0..<200 {
                let run = dice.below(3)
                let piece = (0..<dice.below(1000)).map { _ in UInt8(dice.below(256)) }
                try Self.append(piece, to: runs[run])
                contents[run] += piece
                let start = dice.below(contents[run].count + 1)
                let end = start + dice.below(contents[run].count - start + 1)
                #expect(try Self.read(start..<end, of: runs[run]) == Array(contents[run][start..<end]))
            }
            withExtendedLifetime(runs) { #expect(space.usedBytes == contents.map(\.count).reduce(0, +)) }
            // The files have no names.
            #expect(folder.names.isEmpty)
        }
        #expect(space.usedBytes == 0)
    }

    @Test func itsBoundIsOfAllFilesTogether() throws {
        let folder = Folder()
        let space = try SpillFolder(folder.path, bytesMax: 1000)
        let first = try space.makeRun()
        var second: (any SpillRun)? = try space.makeRun()
        try Self.append([UInt8](repeating: 1, count: 600), to: first)
        try Self.append([UInt8](repeating: 1, count: 400), to: second!)
        withExtendedLifetime(second) {
            _ = #expect(throws: SpillError.boundReached(bytes: 1000)) { try Self.append([1], to: first) }
        }
        second = nil
        try Self.append([UInt8](repeating: 1, count: 400), to: first)
    }

    @Test func whatAnotherProcessLeftIsRemoved() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        for name in [SpillFolder.namePrefix + "abc", "kept"] { _ = FileManager.default.createFile(atPath: folder.path + "/" + name, contents: Data([1])) }
        _ = try SpillFolder(folder.path, bytesMax: 1)
        #expect(folder.names == ["kept"])
    }

    @Test func filesAreClosedInChildren() throws {
        let folder = Folder()
        let run = try SpillFolder(folder.path, bytesMax: 10).makeRun()
        let mine = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }.filter { descriptor in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)"))?.hasPrefix(folder.path) ?? false
        }
        #expect(mine.count == 1 && mine.allSatisfy { fcntl($0, F_GETFD) & FD_CLOEXEC != 0 })
        try Self.append([1], to: run)
    }

    @Test func aFolderThatCannotBeOneIsNamed() {
        #expect(throws: FileError(path: "/dev/null", reason: "a part of the path is a file, not a folder")) {
            _ = try SpillFolder("/dev/null", bytesMax: 1)
        }
        #expect(throws: FileError(path: "/nowhere/at/all", reason: "there is no such file or folder")) {
            _ = try SpillFolder("/nowhere/at/all", bytesMax: 1)
        }
    }

    /// Short writes and reads and interruptions are gone on with.
    @Test func theSystemMayDoLess() throws {
        let folder = Folder()
        let calls = SpillCalls(
            write: { pwrite($0, $1.baseAddress, min(7, $1.count), off_t($2)) }, read: { pread($0, $1.baseAddress, min(5, $1.count), off_t($2)) })
        let interrupted = Interruptions()
        let both = SpillCalls(
            write: { interrupted.comes() ? -1 : calls.write($0, $1, $2) }, read: { interrupted.comes() ? -1 : calls.read($0, $1, $2) })
        let run = try SpillFolder(folder.path, bytesMax: 1 << 20, calls: both).makeRun()
        let bytes = (0..<1000).map { UInt8($0 % 251) }
        try Self.append(bytes, to: run)
        try Self.append(bytes, to: run)
        #expect(try Self.read(500..<1500, of: run) == Array((bytes + bytes)[500..<1500]))
    }

    private final class Interruptions: Sendable {
        private let turn = Atomic<Int>(0)

        func comes() -> Bool {
            guard turn.add(1, ordering: .relaxed).newValue % 3 == 0 else { return false }
            errno = EINTR
            return true
        }
    }

    @Test func whatTheSystemRefusesHasAName() throws {
        let folder = Folder()
        let full = try SpillFolder(folder.path, bytesMax: 100, calls: SpillCalls(write: { _, _, _ in errno = ENOSPC; return -1 }))
        var run: (any SpillRun)? = try full.makeRun()
        #expect(throws: SpillError.full("\(folder.path): the disk is full")) { try Self.append([1, 2], to: run!) }
        run = nil
        #expect(full.usedBytes == 0)

        let broken = try SpillFolder(folder.path, bytesMax: 100, calls: SpillCalls(read: { _, _, _ in errno = EIO; return -1 })).makeRun()
        try Self.append([1, 2], to: broken)
        #expect(throws: SpillError.failed("\(folder.path): \(FileError.reason(EIO))")) { _ = try Self.read(0..<2, of: broken) }

        let cut = try SpillFolder(folder.path, bytesMax: 100, calls: SpillCalls(read: { _, _, _ in 0 })).makeRun()
        try Self.append([1, 2], to: cut)
        let damage = SpillError.damaged("\(folder.path): events that were put there came back damaged")
        #expect(throws: damage) { _ = try Self.read(0..<2, of: cut) }
        // Beyond what was written.
        #expect(throws: damage) { _ = try Self.read(1..<3, of: cut) }
    }
}
