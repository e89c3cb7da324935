import Foundation
import Synchronization
import Testing

@testable import needletail_bench

/// The measurement of webhooks, at a small size.
@Suite struct DeliveryTests {
    private static let size = Size(events: 3_000, keys: 10)

    @Test func roundsAreTheSameEventsLater() throws {
        let folder = try ScratchFolder()
        var feeder = Feeder(Self.size)
        let fed = try feeder.feed(FileHandle(creating: folder.path("e")), until: monotonicNanoseconds() + 30_000_000, Atomic(0))
        let lines = try String(contentsOfFile: folder.path("e"), encoding: .utf8).split(separator: "\n")
        try #require(fed == lines.count && fed > 2 * Self.size.events)
        func time(_ line: Substring) throws -> Int { try #require(Int(line[line.range(of: "\"ts\":")!.upperBound...].prefix(13))) }
        let first = try lines.prefix(Self.size.events).map(time)
        let span = try time(lines[Self.size.events]) - first[0]
        #expect(span == first.max()! - first.min()! + 1)
        for (place, line) in lines.enumerated() {
            let (round, event) = (place / Self.size.events, place % Self.size.events)
            try #require(try time(line) == first[event] + round * span)
            #expect(line.replacing("\"ts\":\(first[event] + round * span)", with: "\"ts\":\(first[event])") == lines[event])
        }
    }

    @Test func alertsAreKnownByTheirIds() {
        let ids = (0..<3).map { String(repeating: "a", count: 31) + String($0) }
        var tally = AlertTally()
        func take(_ text: String) { Array(text.utf8).withUnsafeBytes { tally.take($0) } }
        take("{\"id\":\"\(ids[0])\",\"x\":{}}")
        take("[{\"id\":\"\(ids[1])\"},{\"id\":\"\(ids[0])\"}]")
        take("{\"id\":\"short\"}{\"id\":\"\(ids[2])")
        take("{\"id\":\"\(String(repeating: "g", count: 32))\"}")
        #expect(tally.count == 4 && tally.ids.count == 3)
    }

    @Test func everyAlertArrivesAlsoAfterTheEndpointWasDown() throws {
        let report = try Delivery.run(.init(seconds: 2, secondsDown: 1, workers: 2, size: Size(events: 60_000, keys: 300)))
        #expect(report.contains("ratio: ") && report.contains("while the endpoint was down for 1 s: ") && report.contains("received: all of "), "\(report)")
    }
}
