import Foundation
import Testing

@testable import StateStores
import Streaming

/// Whatever happens to the bytes of an outbox, it shows what was written, or says that it is damaged and names a file.
@Suite struct OutboxDamageTests {
    /// Tables on two levels, and a log that holds the last changes.
    static func image() throws -> FolderImage {
        let folder = Folder()
        let path = folder.place("outbox")
        try SmallOutboxRun.fill(path)
        return FolderImage(of: path)
    }

    static func outcome(of folder: String) -> Damage.Outcome {
        do {
            let found = try OutboxModel.shown(by: SmallOutboxRun.open(folder))
            return found == SmallOutboxRun.states.last ? .equal : .wrong("another content was accepted: \(found)")
        } catch StoreError.damaged(let text), StoreError.unknownFormat(let text) {
            let isNamed = ["/OUTBOX", "/CURRENT", "/MANIFEST-", ".sst", ".log"].contains { text.contains($0) }
            return isNamed ? .damaged(text) : .wrong("no file is named: \(text)")
        } catch {
            return .wrong("not said to be damage: \(error)")
        }
    }

    private func tryAll(_ cases: [Damage.Case]) -> (equal: Int, damaged: Int) { Damage.tryAll(cases) { Self.outcome(of: $0) } }

    private static let small: Set<String> = ["OUTBOX", "CURRENT"]

    @Test func everyByteFlipped() throws {
        let image = try Self.image()
        #expect(image.files.contains { $0.key.hasSuffix(".sst") } && image.files.contains { $0.key.hasSuffix(".log") && $0.value.count > 100 })
        var damage = Damage(image, small: Self.small, share: 8, salt: 21)
        let cases = damage.flips()
        #expect(tryAll(cases).damaged > cases.count * 3 / 4)
    }

    @Test func everyLengthCut() throws {
        var damage = Damage(try Self.image(), small: Self.small, share: 8, salt: 22)
        let cases = damage.cuts()
        #expect(tryAll(cases).damaged > cases.count * 3 / 4)
    }

    @Test func everyFileMissingOrSwapped() throws {
        let cases = Damage(try Self.image(), small: Self.small, share: 1, salt: 23).swaps()
        #expect(tryAll(cases).damaged > cases.count * 3 / 4)
    }

    /// Files of the same outbox at other times, and of another one.
    @Test func everyFileOfAnotherTime() throws {
        let present = try Self.image()
        var others = [try Self.image()]
        let folder = Folder()
        var outbox: RocksOutbox?
        for (place, step) in SmallOutboxRun.steps.enumerated() {
            if SmallOutboxRun.ends.contains(place) {
                outbox = nil
                others.append(FolderImage(of: folder.place("outbox")))
            }
            let open = try outbox ?? SmallOutboxRun.open(folder.place("outbox"))
            outbox = open
            try SmallOutboxRun.run(step, on: open)
        }
        outbox = nil
        let last = FolderImage(of: folder.place("outbox"))
        var cases: [Damage.Case] = []
        for (place, other) in others.enumerated() {
            for (name, data) in other.files where Damage.matters(name) {
                var mixed = place == 0 ? present : last
                guard place > 0 || mixed.files[name] != nil else { continue }
                mixed.files[name] = data
                cases.append(("\(name) of image \(place)", mixed))
            }
            if place > 0 {
                var old = other
                old.files["OUTBOX"] = last.files["OUTBOX"]
                cases.append(("the guard of now over image \(place)", old))
            }
        }
        _ = tryAll(cases)
    }

    /// RocksDB would end the process: it asserts that the sequence numbers in its list of files do not go back.
    @Test func aListOfFilesJoinedOfTwoIsFound() throws {
        let folder = Folder()
        let path = folder.place("outbox")
        do {
            let outbox = try SmallOutboxRun.open(path)
            for step in SmallOutboxRun.steps.prefix(6) {
                try SmallOutboxRun.run(step, on: outbox)
                try outbox.compact()
            }
        }
        let image = FolderImage(of: path)
        let name = try #require(image.files.keys.first { $0.hasPrefix("MANIFEST-") })
        let data = try #require(image.files[name])
        var damaged = image
        damaged.files[name] = data + data
        damaged.write(to: path)
        let found = Self.outcome(of: path)
        guard case .damaged(let text) = found, text.contains("/" + name) else {
            Issue.record("\(found)")
            return
        }
    }

    /// Records in the midst of a log are durable before the next: damage to them is not taken for a crash, whatever `OUTBOX` says.
    @Test func damageInTheMidstOfALogIsFoundWithoutTheGuard() throws {
        let folder = Folder()
        let path = folder.place("outbox")
        let old = try SmallOutboxRun.open(path)
        let guardFile = FolderImage(of: path).files["OUTBOX"]
        for step in SmallOutboxRun.steps.prefix(8) { try SmallOutboxRun.run(step, on: old) }
        var image = FolderImage(of: path)
        #expect(image.files["OUTBOX"] == guardFile)
        let name = try #require(image.files.first { $0.key.hasSuffix(".log") }?.key)
        let data = try #require(image.files[name])
        var (damagedCount, prefixCount) = (0, 0)
        for place in stride(from: 0, to: data.count, by: 7) {
            image.files[name] = data
            image.files[name]?[place] ^= 0x20
            let there = folder.place("there")
            image.write(to: there)
            do {
                // Only the last record may be missing.
                let shown = try OutboxModel.shown(by: SmallOutboxRun.open(there))
                #expect(shown == SmallOutboxRun.states[7], "byte \(place) of \(data.count)")
                prefixCount += 1
            } catch StoreError.damaged(let text) {
                #expect(text.contains("/" + name))
                damagedCount += 1
            }
        }
        #expect(damagedCount > 50 && prefixCount > 10)
    }

    @Test func aFolderOfSomethingElseIsRefused() throws {
        let folder = Folder()
        FileManager.default.createFile(atPath: folder.place("notes.txt"), contents: Data())
        #expect(throws: StoreError.unknownFormat("\(folder.path) is no outbox: it holds notes.txt. Give an empty or a new folder")) {
            _ = try RocksOutbox(directory: folder.path)
        }
        let path = folder.place("outbox")
        let outbox = try RocksOutbox(directory: path)
        #expect(throws: StoreError.inUse("another process uses the state folder \(path)")) { _ = try RocksOutbox(directory: path) }
        let endpoint = try outbox.endpoint(named: "only")
        #expect(try outbox.append([OutboxEntry(alert: sampleAlert(0), endpoints: [endpoint])]) == 1)
        // Who only reads may look on.
        let reader = try RocksOutbox(reading: path)
        #expect(try OutboxModel.shown(by: reader) == OutboxModel.shown(by: outbox))
        #expect(throws: StoreError.self) { try reader.deliver([0], of: endpoint) }
    }
}
