import Foundation
import Testing

@testable import StateStores
import Streaming

/// What only the store on disk has: opening again, the lock, copies, reading beside a writer, versions.
@Suite struct RocksStoreTests {
    private func made(_ folder: String, checkpoints: Int = 3) throws {
        let store = try SmallRun.open(folder)
        for number in 1...checkpoints { try SmallRun.commit(number, to: store) }
    }

    @Test func opensAgainAtEveryCheckpoint() throws {
        let folder = Folder()
        for number in 1...SmallRun.count {
            let store = try SmallRun.open(folder.place("state"))
            #expect(try Model(of: store) == SmallRun.states[number - 1])
            try SmallRun.commit(number, to: store)
        }
        let store = try RocksStore(directory: folder.place("state"))
        #expect(try Model(of: store) == SmallRun.states[SmallRun.count])
        try store.verify()
    }

    @Test func theFilterForgetsOnlyWhatTheLastCheckpointAllows() throws {
        let folder = Folder()
        let key: Bytes = [UInt8(ascii: "K"), 1]
        do {
            let store = try SmallRun.open(folder.place("state"))
            try store.commit([key: expiringRow(100)], anchor: [], expired: 99)
            // What is not committed gives no leave: the time of a checkpoint that was dropped is not used.
            do {
                let writer = try store.begin(parts: 1)
                try writer.finish(part: 0)
            }
            try store.compact()
            #expect(try store.value(key) == expiringRow(100))
        }
        let store = try SmallRun.open(folder.place("state"))
        try store.compact()
        #expect(try store.value(key) == expiringRow(100))
        try store.commit([:], anchor: [], expired: 100)
        try store.compact()
        #expect(try store.value(key) == nil)
    }

    @Test func aFolderHasOneStore() throws {
        let folder = Folder()
        let path = folder.place("state")
        let store = try SmallRun.open(path)
        #expect(throws: StoreError.inUse("another process uses the state folder \(path)")) { try SmallRun.open(path) }
        try SmallRun.commit(1, to: store)
    }

    @Test func anotherProcessIsKeptOut() throws {
        let folder = Folder()
        let path = folder.place("state")
        let store = try SmallRun.open(path)
        let other = Process()
        other.executableURL = URL(filePath: "/usr/bin/flock")
        other.arguments = ["--nonblock", path, "true"]
        try other.run()
        other.waitUntilExit()
        #expect(other.terminationStatus == 1)
        withExtendedLifetime(store) {}
    }

    @Test func aCopyIsAStoreOfItsOwn() throws {
        let folder = Folder()
        let store = try SmallRun.open(folder.place("state"))
        for number in 1...3 { try SmallRun.commit(number, to: store) }
        try store.copy(to: folder.place("savepoint"))
        try SmallRun.commit(4, to: store)
        #expect(throws: StoreError.self) { try store.copy(to: folder.place("savepoint")) }
        try store.compact()

        let copy = try SmallRun.open(folder.place("savepoint"))
        try copy.verify()
        #expect(try Model(of: copy) == SmallRun.states[3])
        for number in 4...SmallRun.count { try SmallRun.commit(number, to: copy) }
        try copy.compact()
        #expect(try Model(of: copy) == SmallRun.states[SmallRun.count])
        #expect(try Model(of: store) == SmallRun.states[4])
        // A new store can be copied too, and a copy that did not get to its end is no obstacle.
        let empty = try SmallRun.open(folder.place("empty"))
        try FileManager.default.createDirectory(atPath: folder.place("none.writing.tmp"), withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: folder.place("none.writing.tmp/CURRENT")))
        try empty.copy(to: folder.place("none"))
        #expect(try Model(of: SmallRun.open(folder.place("none"))) == Model())
        #expect(!FileManager.default.fileExists(atPath: folder.place("none.writing.tmp")))
    }

    @Test func copiesWhileCheckpointsAreWritten() throws {
        let folder = Folder()
        let store = try SmallRun.open(folder.place("state"))
        try SmallRun.commit(1, to: store)
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            do {
                for number in 2...SmallRun.count {
                    if thread == 0 { try SmallRun.commit(number, to: store) } else { try store.copy(to: folder.place("copy-\(number)")) }
                }
            } catch { Issue.record("\(error)") }
        }
        for number in 2...SmallRun.count {
            let copy = try Model(of: SmallRun.open(folder.place("copy-\(number)")))
            #expect(copy == SmallRun.states[Int(copy.number)])
        }
    }

    @Test func isReadBesideAWriter() throws {
        let folder = Folder()
        // With few files in level 0 a compaction would change the folder at any time.
        let store = try RocksStore(directory: folder.place("state"))
        for number in 1...3 { try SmallRun.commit(number, to: store) }
        let before = FolderImage(of: folder.place("state")).files
        let reader = try RocksStore(reading: folder.place("state"))
        // Nothing is written, not even to a log.
        #expect(FolderImage(of: folder.place("state")).files == before)
        #expect(throws: StoreError.self) { try reader.begin(parts: 1) }
        #expect(throws: StoreError.self) { try reader.copy(to: folder.place("copy")) }
        for number in 4...SmallRun.count { try SmallRun.commit(number, to: store) }
        try store.compact()
        #expect(try Model(of: reader) == SmallRun.states[3])
        #expect(try Model(of: RocksStore(reading: folder.place("state"))) == SmallRun.states[SmallRun.count])
        #expect(throws: StoreError.self) { try RocksStore(reading: folder.place("nothing")) }
        #expect(!FileManager.default.fileExists(atPath: folder.place("nothing")))
    }

    @Test func takesNoFolderOfOtherThings() throws {
        let folder = Folder()
        let path = folder.place("home")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data("dear".utf8).write(to: URL(filePath: path + "/letter.txt"))
        #expect(throws: StoreError.unknownFormat("\(path) is no state folder: it holds letter.txt. Give an empty or a new folder")) {
            try RocksStore(directory: path)
        }
        #expect(FolderImage(of: path).files.keys.sorted() == ["letter.txt"])
        #expect(throws: StoreError.self) { try RocksStore(directory: folder.place("no/such/parent")) }
    }

    @Test func aVersionFromTheFutureIsNamed() throws {
        let folder = Folder()
        let path = folder.place("state")
        try made(path)
        var content = Anchor(number: 3, expired: 0, bytes: [1]).fileContent()
        let good = try Anchor(fileContent: content, path: "x")
        #expect(good == Anchor(number: 3, expired: 0, bytes: [1]))
        // A later version keeps the sum at the end, whatever else it changes.
        content = good.fileContent(version: 7)
        try Data(content).write(to: URL(filePath: path + "/CHECKPOINT"))
        #expect(
            throws: StoreError.unknownFormat(
                "\(path)/CHECKPOINT was written by another version of needletail (format 7; this one reads 1)")
        ) { try RocksStore(directory: path) }
    }

    @Test func filesDoNotPileUp() throws {
        let folder = Folder()
        var settings = RocksStore.Settings()
        settings.level0Files = 2
        settings.level0Multiple = 3
        let store = try RocksStore(directory: folder.place("state"), settings: settings)
        for number in 1...60 {
            let key: Bytes = [UInt8(number % 7) + 1]
            try store.commit([key: [UInt8(number)], [0]: [1], [200]: [2]], anchor: [])
        }
        let files = FolderImage(of: folder.place("state")).files
        #expect(files.keys.filter { $0.hasSuffix(".sst") }.count <= 12)
        #expect(files.keys.filter { $0.hasSuffix(".writing") }.isEmpty)
        #expect(try Model(of: store).rows.count == 9)
    }
}
