import Foundation
import Testing

@testable import StateStores
import Streaming

/// Whatever happens to the bytes of a store, it shows what was committed, or says that it is damaged and names a file.
@Suite struct DamageTests {
    /// RocksDB's log, the settings that it notes down and the name that it gives itself play no part in what is read.
    static func matters(_ name: String) -> Bool {
        !name.hasPrefix("LOG") && !name.hasPrefix("OPTIONS") && name != "IDENTITY" && name != "LOCK"
    }

    /// A store of a few files on two levels: rows that hide others, removed rows, two parts.
    static func image() throws -> (image: FolderImage, model: Model) {
        let folder = Folder()
        let path = folder.place("state")
        do {
            let store = try SmallRun.open(path)
            for number in 1...2 { try SmallRun.commit(number, to: store) }
            try store.compact()
        }
        do {
            let store = try SmallRun.open(path)
            try SmallRun.commit(3, to: store)
        }
        return (FolderImage(of: path), SmallRun.states[3])
    }

    enum Outcome: Equatable {
        case equal
        case damaged(String)
        case wrong(String)
    }

    /// Opens what is in the folder and reads all of it.
    static func outcome(of folder: String, model: Model) -> Outcome {
        do throws(StoreError) {
            let found = try Model(of: SmallRun.open(folder))
            return found == model ? .equal : .wrong("another content was accepted: \(found)")
        } catch {
            switch error {
            case .damaged(let text), .unknownFormat(let text):
                let isNamed = ["/CHECKPOINT", "/CURRENT", "/MANIFEST-", ".sst"].contains { text.contains(folder + $0) || text.contains($0) }
                return isNamed ? .damaged(text) : .wrong("no file is named: \(text)")
            default: return .wrong("not said to be damage: \(error)")
            }
        }
    }

    /// Tries a damaged image in a folder of its own, on as many threads as there are processors.
    private func tryAll(_ cases: [(what: String, image: FolderImage)], model: Model) -> (equal: Int, damaged: Int) {
        let folder = Folder()
        let lock = Lock()
        var counts = (equal: 0, damaged: 0)
        var wrong: [String] = []
        nonisolated(unsafe) let shared = (
            count: { (outcome: Outcome, what: String) in
                lock.locked {
                    switch outcome {
                    case .equal: counts.equal += 1
                    case .damaged: counts.damaged += 1
                    case .wrong(let why): wrong.append("\(what): \(why)")
                    }
                }
            }, cases: cases)
        DispatchQueue.concurrentPerform(iterations: cases.count) { place in
            let path = folder.place("state-\(place)")
            shared.cases[place].image.write(to: path)
            shared.count(Self.outcome(of: path, model: model), shared.cases[place].what)
            try? FileManager.default.removeItem(atPath: path)
        }
        #expect(wrong.isEmpty, "\(wrong.count) accepted, the first: \(wrong.prefix(5))")
        return counts
    }

    @Test func everyByteFlipped() throws {
        let (image, model) = try Self.image()
        #expect(image.files.keys.filter { $0.hasSuffix(".sst") }.count >= 3)
        // Every byte in soak; a share in each run of the tests, of CHECKPOINT and CURRENT all.
        var random = SeededGenerator(1)
        var cases: [(what: String, image: FolderImage)] = []
        for (name, data) in image.files.sorted(by: { $0.key < $1.key }) where Self.matters(name) {
            let isSmall = name == "CHECKPOINT" || name == "CURRENT"
            for place in 0..<data.count where isSmall || Volume.isSoak || Int.random(in: 0..<6, using: &random) == 0 {
                let masks: [UInt8] = Volume.isSoak ? [0xFF, 1 << UInt8(place % 8), 0x80] : [[0xFF, 1, 0x80, 0x10].randomElement(using: &random) ?? 1]
                for mask in masks {
                    var damaged = image
                    damaged.files[name]?[place] ^= mask
                    cases.append(("\(name), byte \(place) of \(data.count) xor \(mask)", damaged))
                }
            }
        }
        let counts = tryAll(cases, model: model)
        #expect(counts.damaged > cases.count * 3 / 4)
    }

    @Test func everyLengthCut() throws {
        let (image, model) = try Self.image()
        var random = SeededGenerator(2)
        var cases: [(what: String, image: FolderImage)] = []
        for (name, data) in image.files.sorted(by: { $0.key < $1.key }) where Self.matters(name) {
            let isSmall = name == "CHECKPOINT" || name == "CURRENT"
            for count in 0..<data.count where isSmall || Volume.isSoak || Int.random(in: 0..<8, using: &random) == 0 {
                var damaged = image
                damaged.files[name] = data.prefix(count)
                cases.append(("\(name) cut to \(count) of \(data.count)", damaged))
            }
            for extra in [Data([0]), Data([10]), Data(repeating: 0, count: 600), data] where !data.isEmpty {
                var damaged = image
                damaged.files[name] = data + extra
                cases.append(("\(name) with \(extra.count) bytes after its \(data.count)", damaged))
            }
            // What a file system may leave: the length, but not the content.
            for from in [0, data.count / 2, data.count - 1] where !data.isEmpty {
                var damaged = image
                damaged.files[name] = data.prefix(from) + Data(repeating: 0, count: data.count - from)
                cases.append(("\(name) with zeros from \(from) of \(data.count)", damaged))
            }
        }
        let counts = tryAll(cases, model: model)
        #expect(counts.damaged > cases.count * 3 / 4)
    }

    @Test func everyFileMissingOrSwapped() throws {
        let (image, model) = try Self.image()
        let names = image.files.keys.filter(Self.matters).sorted()
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
        let counts = tryAll(cases, model: model)
        #expect(counts.damaged > cases.count * 3 / 4)
    }

    /// Files of the same store at other checkpoints, and of another store.
    @Test func everyFileOfAnotherTime() throws {
        var images: [FolderImage] = []
        for name in ["a", "b"] {
            let folder = Folder()
            let path = folder.place(name)
            for number in 1...4 {
                let store = try SmallRun.open(path)
                try SmallRun.commit(number, to: store)
                if number == 2 { try store.compact() }
                images.append(FolderImage(of: path))
            }
        }
        let present = images[3]
        var cases: [(what: String, image: FolderImage)] = []
        for (place, other) in images.enumerated() where place != 3 {
            for (name, data) in other.files where Self.matters(name) {
                var mixed = present
                mixed.files[name] = data
                cases.append(("\(name) of image \(place)", mixed))
            }
            // All but the guard put back.
            var old = other
            old.files["CHECKPOINT"] = present.files["CHECKPOINT"]
            if place % 4 != 3 { cases.append(("the guard of now over image \(place)", old)) }
            // The list of files put back, with the tables of then and now.
            old = present
            for (name, data) in other.files where name.hasPrefix("MANIFEST") || name == "CURRENT" || name.hasSuffix(".sst") {
                old.files[name] = data
            }
            if place % 4 != 3 { cases.append(("the tables of image \(place)", old)) }
        }
        _ = tryAll(cases, model: SmallRun.states[4])
    }

    @Test func verifyFindsWhatIsNotRead() throws {
        let (image, _) = try Self.image()
        let folder = Folder()
        var found = 0
        for (name, data) in image.files where name.hasSuffix(".sst") {
            var damaged = image
            damaged.files[name]?[data.startIndex + 3] ^= 4
            damaged.write(to: folder.place("state"))
            do {
                try SmallRun.open(folder.place("state")).verify()
            } catch {
                #expect("\(error)".contains(folder.place("state") + "/" + name + " is damaged"))
                found += 1
            }
        }
        #expect(found == image.files.keys.filter { $0.hasSuffix(".sst") }.count)
    }
}
