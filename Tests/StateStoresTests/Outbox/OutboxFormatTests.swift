import Foundation
import Testing

@testable import StateStores
import Streaming

/// Outboxes that earlier versions wrote, kept as bytes: they open for ever, and show what their `content.txt` says.
@Suite struct OutboxFormatTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "fixtures/outboxes").path

    /// A line for each endpoint, row, dead letter and mark, in this order; bytes as hexadecimal digits.
    static func text(of shown: [Int: OutboxModel.Endpoint]) -> String {
        func hex(_ text: String) -> String { hex(Array(text.utf8)) }
        func hex(_ bytes: Bytes) -> String { "x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        func line(_ alert: OutboxAlert) -> String {
            "\(alert.ordinal) \(alert.appendedMicroseconds) \(hex(alert.id)) \(hex(alert.rule)) \(hex(alert.severity)) \(hex(alert.key)) \(hex(alert.body))"
        }
        var lines: [String] = []
        for (number, endpoint) in shown.sorted(by: { $0.key < $1.key }) {
            lines.append("endpoint \(number) \(hex(endpoint.name))")
            for row in endpoint.rows.values.sorted(by: { $0.ordinal < $1.ordinal }) { lines.append("row \(line(row))") }
            for letter in endpoint.dead.values.sorted(by: { $0.alert.ordinal < $1.alert.ordinal }) {
                let burial = letter.burial
                lines.append("dead \(hex(burial.reason)) \(burial.attempts) \(burial.lastStatus ?? -1) \(burial.buriedMicroseconds) \(line(letter.alert))")
            }
            for mark in endpoint.marks.sorted(by: { $0.key < $1.key }) { lines.append("mark \(mark.key) \(hex(mark.value))") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func everyLandedFormatOpens() throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: Self.folder).sorted()
        #expect(versions.contains("v\(OutboxStatus.formatVersion)"))
        for version in versions {
            let folder = Folder()
            let path = folder.place("outbox")
            FolderImage(of: Self.folder + "/\(version)/outbox").write(to: path)
            let content = try String(contentsOfFile: Self.folder + "/\(version)/content.txt", encoding: .utf8)
            #expect(content.contains("\nrow ") && content.contains("\ndead ") && content.contains("\nmark "))
            #expect(try Self.text(of: OutboxModel.shown(by: RocksOutbox(reading: path))) == content)
            do {
                let outbox = try RocksOutbox(directory: path)
                try outbox.verify()
                #expect(try Self.text(of: OutboxModel.shown(by: outbox)) == content)
                #expect(outbox.nextOrdinal == 25)
                let endpoint = try outbox.endpoint(named: "later")
                #expect(try outbox.append([OutboxEntry(alert: sampleAlert(25), endpoints: [endpoint])]) == 1)
            }
            let shown = try OutboxModel.shown(by: RocksOutbox(directory: path))
            #expect(Self.text(of: shown).hasPrefix(content) && shown.count == 3)
        }
    }
}
