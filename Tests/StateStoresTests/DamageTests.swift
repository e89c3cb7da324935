import Foundation
import Testing

@testable import StateStores
import Streaming

/// Whatever happens to the bytes of a store, it shows what was committed, or says that it is damaged and names a file.
@Suite struct DamageTests {
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

    /// Opens what is in the folder and reads all of it.
    static func outcome(of folder: String, model: Model) -> Damage.Outcome {
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

    private func tryAll(_ cases: [Damage.Case], model: Model) -> (equal: Int, damaged: Int) {
        Damage.tryAll(cases) { Self.outcome(of: $0, model: model) }
    }

    private static let small: Set<String> = ["CHECKPOINT", "CURRENT"]

    @Test func everyByteFlipped() throws {
        let (image, model) = try Self.image()
        #expect(image.files.keys.filter { $0.hasSuffix(".sst") }.count >= 3)
        var damage = Damage(image, small: Self.small, share: 6, salt: 1)
        let cases = damage.flips()
        #expect(tryAll(cases, model: model).damaged > cases.count * 3 / 4)
    }

    @Test func everyLengthCut() throws {
        let (image, model) = try Self.image()
        var damage = Damage(image, small: Self.small, share: 8, salt: 2)
        let cases = damage.cuts()
        #expect(tryAll(cases, model: model).damaged > cases.count * 3 / 4)
    }

    @Test func everyFileMissingOrSwapped() throws {
        let (image, model) = try Self.image()
        let cases = Damage(image, small: Self.small, share: 1, salt: 3).swaps()
        #expect(tryAll(cases, model: model).damaged > cases.count * 3 / 4)
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
        var cases: [Damage.Case] = []
        for (place, other) in images.enumerated() where place != 3 {
            for (name, data) in other.files where Damage.matters(name) {
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
