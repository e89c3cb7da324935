import Foundation
import Testing

@testable import StateStores
import Streaming

/// What is done with dead letters when somebody asks, and how a request gets to another process and back.
@Suite struct DeadLetterRequestTests {
    /// Two webhooks with dead letters of so many alerts each; the ids are 32 digits, all decimal in some.
    private func outbox(_ count: UInt64) throws -> MemoryOutbox {
        let outbox = MemoryOutbox()
        let places = [try outbox.endpoint(named: "a"), try outbox.endpoint(named: "b")]
        for ordinal in 0..<count {
            let alert = OutboxAlert(ordinal: ordinal, id: Self.id(ordinal), rule: "r", severity: "", key: [], appendedMicroseconds: 1, body: [1])
            #expect(try outbox.append([OutboxEntry(alert: alert, endpoints: places)]) == 1)
            for place in places {
                let burial = Burial(ordinal: ordinal, id: alert.id, reason: "HTTP 410", attempts: 1, lastStatus: 410, buriedMicroseconds: 2)
                #expect(try outbox.bury([burial], of: place) == 1)
            }
        }
        return outbox
    }

    private static func id(_ ordinal: UInt64) -> String { String(repeating: "7", count: 28) + String(1000 + ordinal) }

    private func dead(_ outbox: MemoryOutbox) -> [Int] { outbox.endpoints.map(\.dead) }

    @Test func allMeansAllHoweverManyThereAre() throws {
        let outbox = try outbox(700)
        #expect(try DeadLetterRequest(.retry, endpoint: "a", choice: .all).carryOut(on: outbox, nowMicroseconds: 9).count == 700)
        #expect(dead(outbox) == [0, 700] && outbox.undeliveredCount == 700)
        #expect(try DeadLetterRequest(.drop, endpoint: nil, choice: .all).carryOut(on: outbox, nowMicroseconds: 9).count == 700)
        #expect(dead(outbox) == [0, 0] && outbox.undeliveredCount == 700)
        #expect(try DeadLetterRequest(.drop, endpoint: nil, choice: .all).carryOut(on: outbox, nowMicroseconds: 9) == .init())
    }

    @Test func numbersAndIdsAreFoundInEachWebhook() throws {
        let outbox = try outbox(10)
        let outcome = try DeadLetterRequest(.drop, endpoint: nil, choice: .chosen(["3", Self.id(5), "99", "none", "18446744073709551615"]))
            .carryOut(on: outbox, nowMicroseconds: 9)
        #expect(outcome.count == 4 && outcome.missing == ["99", "none", "18446744073709551615"] && outcome.missingCount == 3 && outcome.blocked == 0)
        #expect(dead(outbox) == [8, 8])
        #expect(try DeadLetterRequest(.retry, endpoint: "b", choice: .chosen(["4"])).carryOut(on: outbox, nowMicroseconds: 9).count == 1)
        #expect(dead(outbox) == [8, 7])
        // Of many that are missing some are named, and all counted.
        let many = try DeadLetterRequest(.drop, endpoint: nil, choice: .chosen((100..<200).map(String.init))).carryOut(on: outbox, nowMicroseconds: 9)
        #expect(many.count == 0 && many.missing.count == 20 && many.missingCount == 100)
        #expect(throws: StoreError.failed("no alerts went to a webhook c; there are: a, b")) {
            try DeadLetterRequest(.drop, endpoint: "c", choice: .all).carryOut(on: outbox, nowMicroseconds: 9)
        }
    }

    @Test func requestsAreReadAsTheyWereWritten() {
        let words = (0..<DeadLetterRequest.wordsMax).map { "\($0)" }
        for request in [
            DeadLetterRequest(.retry, endpoint: nil, choice: .all), DeadLetterRequest(.drop, endpoint: "a b", choice: .chosen(["1", "beef"])),
            DeadLetterRequest(.drop, endpoint: "all", choice: .chosen(words)),
        ] { #expect(DeadLetterRequest(text: request.text) == request) }
        for text in ["", "retry", "retry\n", "burn\n\nall", "retry\n\nall\nmore", "retry\n\nsome\n1", "drop\n\nchosen\n" + (words + ["more"]).joined(separator: "\n")] {
            #expect(DeadLetterRequest(text: text) == nil, "\(text.prefix(30))")
        }
    }
}
