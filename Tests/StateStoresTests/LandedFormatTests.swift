import Foundation
import Testing

@testable import StateStores
import Streaming

/// Stores that earlier versions wrote, kept as bytes: they open for ever, and show what their `content.txt` says.
@Suite struct LandedFormatTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/checkpoints").path

    /// `number 3`, `anchor HEX`, and a line `HEX HEX` for each row.
    static func content(_ path: String) throws -> Model {
        var model = Model()
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "number": model.number = UInt64(words[1]) ?? 0
            case "anchor": model.anchor = bytes(words[1])
            default: model.rows[bytes(words[0])] = bytes(words[1])
            }
        }
        return model
    }

    static func bytes(_ digits: Substring) -> Bytes {
        let digits = Array(digits)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    @Test func everyLandedFormatOpens() throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: Self.folder).sorted()
        #expect(versions.contains("v\(Anchor.formatVersion)"))
        for version in versions {
            let folder = Folder()
            let path = folder.place("state")
            FolderImage(of: Self.folder + "/\(version)/state").write(to: path)
            var model = try Self.content(Self.folder + "/\(version)/content.txt")
            #expect(model.number > 0 && !model.rows.isEmpty)
            #expect(try Model(of: RocksStore(reading: path)) == model)
            do {
                let store = try RocksStore(directory: path)
                try store.verify()
                #expect(try Model(of: store) == model)
                var changes: Changes = [[1, 2]: [3]]
                if let first = model.rows.keys.min(by: { $0.lexicographicallyPrecedes($1) }) { changes[first] = .some(nil) }
                try store.commit(changes, anchor: [9], expired: 25)
                model.commit(changes, anchor: [9], expired: 25)
                try store.compact()
            }
            #expect(try Model(of: RocksStore(directory: path)) == model)
        }
    }
}
