import Foundation
import Seeds
import Testing

@testable import StateStores
import Streaming

enum OutboxKind: CaseIterable {
    case memory, rocks

    func make(in folder: Folder, rowsMax: Int = 1_000_000, deadMax: Int = 1_000_000) throws -> any Outbox {
        switch self {
        case .memory: return MemoryOutbox(rowsMax: rowsMax, deadMax: deadMax, keepsMarks: true)
        case .rocks:
            var settings = RocksOutbox.Settings()
            (settings.rowsMax, settings.deadMax) = (rowsMax, deadMax)
            return try RocksOutbox(directory: folder.place("outbox"), settings: settings)
        }
    }
}

/// What every outbox promises.
@Suite struct OutboxTests {
    @Test(arguments: OutboxKind.allCases) func keepsWhatEachStepLeaves(kind: OutboxKind) throws {
        let folder = Folder()
        var outbox = try kind.make(in: folder)
        for (place, step) in SmallOutboxRun.steps.enumerated() {
            if kind == .rocks, SmallOutboxRun.ends.contains(place) {
                outbox = MemoryOutbox()
                outbox = try kind.make(in: folder)
            }
            try SmallOutboxRun.run(step, on: outbox)
            #expect(try OutboxModel.shown(by: outbox) == SmallOutboxRun.states[place + 1], "after step \(place), \(step)")
        }
        #expect(outbox.nextOrdinal == 25)
    }

    @Test(arguments: OutboxKind.allCases) func agreesWithTheModelOnRandomSteps(kind: OutboxKind) throws {
        for round in 0..<Volume.pick(test: 8, soak: 80) {
            var random = SeededGenerator(300 + UInt64(round))
            let folder = Folder()
            var outbox = try kind.make(in: folder)
            var model = OutboxModel()
            var next: UInt64 = 0
            for number in 0..<Volume.pick(test: 60, soak: 150) {
                let endpoint = Int.random(in: 1...4, using: &random)
                func ordinals() -> [UInt64] { (0..<Int.random(in: 0...6, using: &random)).map { _ in UInt64.random(in: 0...next, using: &random) } }
                var step: SmallOutboxRun.Step
                switch Int.random(in: 0..<10, using: &random) {
                case 0: step = .endpoint("endpoint \(endpoint)")
                case 1...3:
                    let first = UInt64.random(in: next - min(next, 6)...next, using: &random)
                    let last = first + UInt64.random(in: 0...8, using: &random)
                    next = max(next, last + 1)
                    step = .append(first...last, rules: Int.random(in: 0..<4, using: &random) == 0 ? "other-" : "")
                case 4, 5: step = .deliver(ordinals(), endpoint)
                case 6: step = .bury(Array(Set(ordinals())), endpoint)
                case 7: step = .retry(ordinals(), endpoint)
                case 8: step = .drop(ordinals(), endpoint)
                default: step = .trim(UInt64.random(in: 0...next, using: &random))
                }
                if number == 40 { step = .remove(1) }
                try SmallOutboxRun.run(step, on: outbox)
                SmallOutboxRun.run(step, on: &model)
                #expect(try OutboxModel.shown(by: outbox) == model.endpoints, "round \(round), step \(number): \(step)")
                if kind == .rocks, number % 17 == 16 {
                    outbox = MemoryOutbox()
                    outbox = try kind.make(in: folder)
                    #expect(try OutboxModel.shown(by: outbox) == model.endpoints, "round \(round), opened again after step \(number)")
                }
            }
        }
    }

    /// A run that dies and goes back to a checkpoint again and again: an endpoint gets every alert, and none twice but those that were sent
    /// without being marked.
    @Test(arguments: OutboxKind.allCases) func replayedAlertsAreDeliveredOnce(kind: OutboxKind) throws {
        for round in 0..<Volume.pick(test: 5, soak: 50) {
            var random = SeededGenerator(400 + UInt64(round))
            let folder = Folder()
            var outbox = try kind.make(in: folder)
            let endpoint = try outbox.endpoint(named: "only")
            let all: UInt64 = 120
            var (checkpoint, next) = (UInt64(0), UInt64(0))
            var received: [UInt64] = []
            while next < all || outbox.undeliveredCount > 0 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    let end = min(all, next + UInt64.random(in: 1...9, using: &random))
                    let entries = (next..<end).map { OutboxEntry(alert: sampleAlert($0), endpoints: [endpoint]) }
                    #expect(try outbox.append(entries) == entries.count)
                    next = end
                case 2, 3:
                    let alerts = try outbox.undelivered(of: endpoint, from: 0, countMax: Int.random(in: 1...9, using: &random), bytesMax: 4000)
                    let sent = alerts.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }.map(\.ordinal)
                    received += sent
                    try outbox.deliver(sent, of: endpoint)
                case 4:
                    checkpoint = next
                    try outbox.trim(before: checkpoint)
                default:
                    next = checkpoint
                    if kind == .rocks {
                        outbox = MemoryOutbox()
                        outbox = try kind.make(in: folder)
                    }
                }
            }
            #expect(received.sorted() == Array(0..<all))
        }
    }

    @Test(arguments: OutboxKind.allCases) func saysWhenThereIsNoRoom(kind: OutboxKind) throws {
        let folder = Folder()
        let outbox = try kind.make(in: folder, rowsMax: 5)
        let endpoint = try outbox.endpoint(named: "only")
        func entries(_ range: Range<UInt64>) -> [OutboxEntry] { range.map { OutboxEntry(alert: sampleAlert($0), endpoints: [endpoint]) } }
        #expect(try outbox.append(entries(0..<9)) == 5)
        #expect(!outbox.hasRoom && outbox.undeliveredCount == 5)
        #expect(try outbox.append(entries(5..<9)) == 0)
        // What is there already, or goes to nobody, needs no room.
        #expect(try outbox.append(entries(2..<6)) == 3)
        #expect(try outbox.append([OutboxEntry(alert: sampleAlert(5), endpoints: [])]) == 1)
        #expect(!outbox.waitForRoom(timeoutMicroseconds: 20_000))

        nonisolated(unsafe) let shared = outbox
        Thread.detachNewThread {
            usleep(30_000)
            do { try shared.deliver([1, 3], of: endpoint) } catch { Issue.record("\(error)") }
        }
        #expect(outbox.waitForRoom(timeoutMicroseconds: 20_000_000))
        #expect(try outbox.append(entries(6..<9)) == 2)
        #expect(try outbox.bury([0], of: endpoint) == 1)
        #expect(outbox.hasRoom)
    }

    @Test(arguments: OutboxKind.allCases) func anAlertForMoreEndpointsThanThereIsRoomForGoesIntoAnEmptyOutbox(kind: OutboxKind) throws {
        let folder = Folder()
        let outbox = try kind.make(in: folder, rowsMax: 3)
        let endpoints = try ["a", "b", "c", "d"].map { try outbox.endpoint(named: $0) }
        let entries = (0..<2).map { OutboxEntry(alert: sampleAlert($0), endpoints: endpoints) }
        #expect(outbox.hasRoom)
        #expect(try outbox.append(entries) == 1)
        #expect(!outbox.hasRoom)
        #expect(try outbox.append(Array(entries[1...])) == 0)
        for endpoint in endpoints { try outbox.deliver([0], of: endpoint) }
        #expect(try outbox.append(Array(entries[1...])) == 1)
    }

    @Test(arguments: OutboxKind.allCases) func deadLettersHaveABoundAndNothingIsDropped(kind: OutboxKind) throws {
        let folder = Folder()
        let outbox = try kind.make(in: folder, deadMax: 2)
        let endpoint = try outbox.endpoint(named: "only")
        #expect(try outbox.append((0..<5).map { OutboxEntry(alert: sampleAlert($0), endpoints: [endpoint]) }) == 5)
        #expect(try outbox.bury([0, 9, 1, 2, 3], of: endpoint) == 3)
        #expect(outbox.endpoints.map { [$0.undelivered, $0.dead] } == [[3, 2]])
        #expect(try outbox.deadLetters(of: endpoint, from: 1, countMax: 9).map(\.alert) == [sampleAlert(1)])
        #expect(outbox.rewindCount == 0)
        #expect(try outbox.retry([0, 7], of: endpoint, nowMicroseconds: 5) == 1)
        #expect(outbox.rewindCount == 1)
        #expect(try outbox.drop([1, 2], of: endpoint) == 1)
        #expect(try outbox.undelivered(of: endpoint, from: 0, countMax: 9, bytesMax: .max).map(\.ordinal) == [0, 2, 3, 4])
    }

    /// Rules that were changed before a restart make another alert with the same ordinal, while a sender still has the one before.
    @Test(arguments: OutboxKind.allCases) func anAlertThatHasTakenAPlaceIsNotMarkedForTheOneBefore(kind: OutboxKind) throws {
        let folder = Folder()
        let outbox = try kind.make(in: folder)
        let endpoint = try outbox.endpoint(named: "only")
        func entries(_ rules: String) -> [OutboxEntry] { (0..<3).map { OutboxEntry(alert: sampleAlert($0, rules: rules), endpoints: [endpoint]) } }
        #expect(try outbox.append(entries("")) == 3)
        try outbox.deliver([0], of: endpoint)
        #expect(outbox.rewindCount == 0)
        #expect(try outbox.append(entries("new-")) == 3)
        var rewinds = outbox.rewindCount
        #expect(rewinds > 0)
        try outbox.markDelivered([OutboxReference(ordinal: 1, id: "id-1")], of: endpoint)
        #expect(outbox.rewindCount > rewinds)
        rewinds = outbox.rewindCount
        let burial = Burial(ordinal: 2, id: "id-2", reason: "no", attempts: 1, lastStatus: 410, buriedMicroseconds: 0)
        #expect(try outbox.bury([burial], of: endpoint) == 1)
        #expect(outbox.rewindCount > rewinds)
        let left = try outbox.undelivered(of: endpoint, from: 0, countMax: 9, bytesMax: .max)
        #expect(left.map(\.id) == ["id-new-0", "id-new-1", "id-new-2"])
    }

    @Test(arguments: OutboxKind.allCases) func refusesWhatMayNotBe(kind: OutboxKind) throws {
        let folder = Folder()
        let outbox = try kind.make(in: folder)
        let endpoint = try outbox.endpoint(named: "only")
        func fails(_ entries: [OutboxEntry]) -> Bool {
            do {
                _ = try outbox.append(entries)
                return false
            } catch StoreError.failed { return true } catch { return false }
        }
        #expect(fails([OutboxEntry(alert: sampleAlert(1), endpoints: [endpoint + 1])]))
        #expect(fails([OutboxEntry(alert: sampleAlert(1), endpoints: [endpoint, endpoint])]))
        #expect(fails([OutboxEntry(alert: sampleAlert(.max), endpoints: [endpoint])]))
        #expect(fails([2, 2].map { OutboxEntry(alert: sampleAlert($0), endpoints: [endpoint]) }))
        var long = sampleAlert(1)
        long.id = String(repeating: "x", count: OutboxLimits.textCountMax + 1)
        #expect(fails([OutboxEntry(alert: long, endpoints: [endpoint])]))
        #expect(throws: StoreError.self) { _ = try outbox.endpoint(named: "") }
        #expect(throws: StoreError.self) { _ = try outbox.endpoint(named: String(repeating: "x", count: OutboxLimits.nameCountMax + 1)) }
        #expect(outbox.undeliveredCount == 0)
    }

    @Test(arguments: OutboxKind.allCases) func bodiesAreReadWithinTheirBound(kind: OutboxKind) throws {
        let folder = Folder()
        let outbox = try kind.make(in: folder)
        let endpoint = try outbox.endpoint(named: "only")
        let entries = (0..<6).map { OutboxEntry(alert: sampleAlert($0, bodyCount: 10_000), endpoints: [endpoint]) }
        #expect(try outbox.append(entries) == 6)
        func ordinals(_ bytesMax: Int, _ from: UInt64 = 0) throws -> [UInt64] {
            try outbox.undelivered(of: endpoint, from: from, countMax: 9, bytesMax: bytesMax).map(\.ordinal)
        }
        #expect(try ordinals(0) == [0])
        #expect(try ordinals(25_000, 1) == [1, 2])
        #expect(try ordinals(.max, 4) == [4, 5])
        #expect(try outbox.undelivered(of: endpoint, from: 0, countMax: 0, bytesMax: .max) == [])
    }

    @Test func listenersHearOfWhatIsAppended() throws {
        let outbox = MemoryOutbox()
        let endpoint = try outbox.endpoint(named: "only")
        let heard = Heard()
        let listener = outbox.signals.onAppend { heard.note() }
        #expect(try outbox.append([OutboxEntry(alert: sampleAlert(0), endpoints: [endpoint])]) == 1)
        #expect(try outbox.append([OutboxEntry(alert: sampleAlert(0), endpoints: [endpoint])]) == 1)
        #expect(heard.count == 1)
        outbox.signals.ignoreAppends(listener)
        #expect(try outbox.append([OutboxEntry(alert: sampleAlert(1), endpoints: [endpoint])]) == 1)
        #expect(heard.count == 1)
    }

    private final class Heard: @unchecked Sendable {
        private let lock = Lock()
        private var number = 0
        func note() { lock.locked { number += 1 } }
        var count: Int { lock.locked { number } }
    }

    @Test func memoryHasABoundInBytes() throws {
        let outbox = MemoryOutbox(bytesMax: 25_000)
        let endpoint = try outbox.endpoint(named: "only")
        let entries = (0..<6).map { OutboxEntry(alert: sampleAlert($0, bodyCount: 10_000), endpoints: [endpoint]) }
        #expect(try outbox.append(entries) == 3)
        #expect(!outbox.hasRoom)
        try outbox.deliver([0], of: endpoint)
        #expect(outbox.hasRoom)
        #expect(try outbox.append(Array(entries[3...])) == 1)
    }
}
