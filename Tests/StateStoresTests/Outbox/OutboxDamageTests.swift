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

    static func outcome(of folder: String) -> DamageTests.Outcome {
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

    private func tryAll(_ cases: [(what: String, image: FolderImage)]) -> (equal: Int, damaged: Int) {
        let folder = Folder()
        let lock = Lock()
        nonisolated(unsafe) var counts = (equal: 0, damaged: 0)
        nonisolated(unsafe) var wrong: [String] = []
        nonisolated(unsafe) let shared = cases
        DispatchQueue.concurrentPerform(iterations: cases.count) { place in
            let path = folder.place("outbox-\(place)")
            shared[place].image.write(to: path)
            let outcome = Self.outcome(of: path)
            lock.locked {
                switch outcome {
                case .equal: counts.equal += 1
                case .damaged: counts.damaged += 1
                case .wrong(let why): wrong.append("\(shared[place].what): \(why)")
                }
            }
            try? FileManager.default.removeItem(atPath: path)
        }
        #expect(wrong.isEmpty, "\(wrong.count) accepted, the first: \(wrong.prefix(3))")
        return counts
    }

    @Test func everyByteFlipped() throws {
        let image = try Self.image()
        #expect(image.files.contains { $0.key.hasSuffix(".sst") } && image.files.contains { $0.key.hasSuffix(".log") && $0.value.count > 100 })
        var random = SeededGenerator(21)
        var cases: [(what: String, image: FolderImage)] = []
        for (name, data) in image.files.sorted(by: { $0.key < $1.key }) where DamageTests.matters(name) {
            let isSmall = name == "OUTBOX" || name == "CURRENT"
            for place in 0..<data.count where isSmall || Volume.isSoak || Int.random(in: 0..<8, using: &random) == 0 {
                let masks: [UInt8] = Volume.isSoak ? [0xFF, 1 << UInt8(place % 8), 0x80] : [[0xFF, 1, 0x80, 0x10].randomElement(using: &random) ?? 1]
                for mask in masks {
                    var damaged = image
                    damaged.files[name]?[place] ^= mask
                    cases.append(("\(name), byte \(place) of \(data.count) xor \(mask)", damaged))
                }
            }
        }
        let counts = tryAll(cases)
        #expect(counts.damaged > cases.count * 3 / 4)
    }

    @Test func everyLengthCut() throws {
        let image = try Self.image()
        var random = SeededGenerator(22)
        var cases: [(what: String, image: FolderImage)] = []
        for (name, data) in image.files.sorted(by: { $0.key < $1.key }) where DamageTests.matters(name) && !data.isEmpty {
            let isSmall = name == "OUTBOX" || name == "CURRENT"
            for count in 0..<data.count where isSmall || Volume.isSoak || Int.random(in: 0..<8, using: &random) == 0 {
                var damaged = image
                damaged.files[name] = data.prefix(count)
                cases.append(("\(name) cut to \(count) of \(data.count)", damaged))
            }
            for extra in [Data([0]), Data([10]), Data(repeating: 0, count: 600), data] {
                var damaged = image
                damaged.files[name] = data + extra
                cases.append(("\(name) with \(extra.count) bytes after its \(data.count)", damaged))
            }
            // What a file system may leave: the length, but not the content.
            for from in [0, data.count / 2, data.count - 1] {
                var damaged = image
                damaged.files[name] = data.prefix(from) + Data(repeating: 0, count: data.count - from)
                cases.append(("\(name) with zeros from \(from) of \(data.count)", damaged))
            }
        }
        let counts = tryAll(cases)
        #expect(counts.damaged > cases.count * 3 / 4)
    }

    @Test func everyFileMissingOrSwapped() throws {
        let image = try Self.image()
        let names = image.files.keys.filter(DamageTests.matters).sorted()
        var cases: [(what: String, image: FolderImage)] = []
        for name in names {
            var damaged = image
            damaged.files[name] = nil
            cases.append(("without \(name)", damaged))
            for other in names where other > name {
                var swapped = image
                swapped.files[name] = image.files[other]
                swapped.files[other] = image.files[name]
                cases.append(("\(name) and \(other) swapped", swapped))
                swapped = image
                swapped.files[name] = image.files[other]
                cases.append(("\(other) in the place of \(name)", swapped))
            }
        }
        let counts = tryAll(cases)
        #expect(counts.damaged > cases.count * 3 / 4)
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
        var cases: [(what: String, image: FolderImage)] = []
        for (place, other) in others.enumerated() {
            for (name, data) in other.files where DamageTests.matters(name) {
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
