import Foundation
import Seeds
import Testing

@testable import StateStores
import Streaming

enum StoreKind: CaseIterable {
    case memory, rocks

    func make(in folder: Folder) throws -> any StateStore {
        switch self {
        case .memory: MemoryStore()
        case .rocks: try SmallRun.open(folder.place("state"))
        }
    }
}

/// What every store promises.
@Suite struct StoreTests {
    @Test(arguments: StoreKind.allCases) func beginsEmpty(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        #expect(store.committed == nil)
        #expect(try Model(of: store) == Model())
        #expect(try store.value([1]) == nil)
    }

    @Test(arguments: StoreKind.allCases) func keepsWhatEachCheckpointLeaves(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        for number in 1...SmallRun.count {
            try SmallRun.commit(number, to: store)
            #expect(try Model(of: store) == SmallRun.states[number])
        }
    }

    @Test(arguments: StoreKind.allCases) func agreesWithTheModelOnRandomCheckpoints(kind: StoreKind) throws {
        for round in 0..<Volume.pick(test: 6, soak: 60) {
            var random = SeededGenerator(100 + UInt64(round))
            let folder = Folder()
            var store = try kind.make(in: folder)
            var model = Model()
            var expired = Int64.min
            for number in 1...40 {
                var changes: Changes = [:]
                for _ in 0..<Int.random(in: 0...60, using: &random) {
                    let key = randomKey(&random)
                    changes[key] = Int.random(in: 0..<4, using: &random) == 0 ? .some(nil) : randomValue(&random)
                }
                if number > 10 { expired = max(expired, Int64.random(in: 0...Int64(number), using: &random)) }
                let anchor = (0..<Int.random(in: 0...50, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                try store.commit(changes, anchor: anchor, expired: expired, parts: Int.random(in: 1...4, using: &random))
                model.commit(changes, anchor: anchor, expired: expired)
                #expect(try Model(of: store) == model, "round \(round), checkpoint \(number)")

                let key = randomKey(&random)
                #expect(try store.value(key) == model.rows[key])
                let bounds = [randomKey(&random), randomKey(&random)].sorted { $0.lexicographicallyPrecedes($1) }
                var found: [Bytes] = []
                try store.rows(from: bounds[0], to: bounds[1]) { key, _ in
                    found.append(key)
                    return true
                }
                let wanted = model.rows.keys.filter { !$0.lexicographicallyPrecedes(bounds[0]) && $0.lexicographicallyPrecedes(bounds[1]) }
                #expect(found == wanted.sorted { $0.lexicographicallyPrecedes($1) })

                if kind == .rocks, number % 7 == 0 {
                    if number % 2 == 0 { try (store as? RocksStore)?.compact() }
                    store = MemoryStore()
                    store = try kind.make(in: folder)
                    #expect(try Model(of: store) == model, "round \(round), opened again after checkpoint \(number)")
                }
            }
        }
    }

    private func randomKey(_ random: inout SeededGenerator) -> Bytes {
        let kinds: Bytes = [UInt8(ascii: "K"), UInt8(ascii: "S"), 0, 0xFE]
        let bytes: Bytes = [0, 1, 127, 128, 255]
        var key = [kinds[Int.random(in: 0..<kinds.count, using: &random)]]
        for _ in 0..<Int.random(in: 0...2, using: &random) { key.append(bytes[Int.random(in: 0..<bytes.count, using: &random)]) }
        return key
    }

    private func randomValue(_ random: inout SeededGenerator) -> Bytes {
        expiringRow(Int64.random(in: 0...50, using: &random), Bytes(repeating: 7, count: Int.random(in: 0...300, using: &random)))
    }

    @Test(arguments: StoreKind.allCases) func aCheckpointThatIsDroppedLeavesNothing(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        try SmallRun.commit(1, to: store)
        do {
            let writer = try store.begin(parts: 2)
            try writer.put(0, [1], [1])
            try writer.put(1, [2], [2])
            try writer.finish(part: 0)
        }
        #expect(try Model(of: store) == SmallRun.states[1])
        try SmallRun.commit(2, to: store)
        #expect(try Model(of: store) == SmallRun.states[2])
    }

    @Test(arguments: StoreKind.allCases) func aScanSeesTheCheckpointThatItBeganWith(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        for number in 1...3 { try SmallRun.commit(number, to: store) }
        var found: Rows = [:]
        var number = 3
        try store.rows(from: [], to: nil) { key, value in
            found[key] = value
            number += 1
            if number <= SmallRun.count {
                do { try SmallRun.commit(number, to: store) } catch { Issue.record("\(error)") }
            }
            return true
        }
        #expect(found == SmallRun.states[3].rows)
        #expect(try Model(of: store) == SmallRun.states[SmallRun.count])
    }

    @Test(arguments: StoreKind.allCases) func partsMayBeWrittenByThreadsWhileOthersRead(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        let shared = Shared(store)
        let partsCount = 4
        var model = Model()
        for round in 0..<6 {
            let writer = try store.begin(parts: partsCount)
            let sharedWriter = Shared(writer)
            let before = model.rows
            var changes: Changes = [:]
            for row in 0..<400 { changes[Array("S\(1000 + row)".utf8)] = Array("round \(round) row \(row)".utf8) }
            let ordered = changes.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            DispatchQueue.concurrentPerform(iterations: partsCount + 2) { thread in
                do {
                    if thread < partsCount {
                        for (place, change) in ordered.enumerated() where place % partsCount == thread {
                            try sharedWriter.value.put(thread, change.key, change.value ?? [])
                        }
                        try sharedWriter.value.finish(part: thread)
                    } else {
                        #expect(try Model(of: shared.value).rows == before)
                    }
                } catch { Issue.record("\(error)") }
            }
            try writer.commit(anchor: [UInt8(round)], expired: .min)
            model.commit(changes, anchor: [UInt8(round)])
            #expect(try Model(of: store) == model)
        }
    }

    /// Hands a store to threads that it is made for.
    private struct Shared<Value>: @unchecked Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    @Test(arguments: StoreKind.allCases) func refusesWhatAWriterMayNotDo(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        func fails(_ body: () throws -> Void) -> Bool {
            do {
                try body()
                return false
            } catch StoreError.failed { return true } catch { return false }
        }
        #expect(fails { _ = try store.begin(parts: 0) })
        #expect(fails { _ = try store.begin(parts: RowLimits.partsMax + 1) })
        do {
            let writer = try store.begin(parts: 2)
            #expect(fails { _ = try store.begin(parts: 1) })
            try writer.put(0, [5], [])
            #expect(fails { try writer.put(0, [5], []) })
            #expect(fails { try writer.put(0, [4], []) })
            #expect(fails { try writer.put(1, [], []) })
            #expect(fails { try writer.put(1, [0xFF], []) })
            #expect(fails { try writer.put(1, Bytes(repeating: 1, count: RowLimits.keyCountMax + 1), []) })
            #expect(fails { try writer.commit(anchor: [], expired: 0) })
            try writer.finish(part: 0)
            try writer.finish(part: 1)
            #expect(fails { try writer.put(0, [6], []) })
            #expect(fails { try writer.commit(anchor: Bytes(repeating: 0, count: Anchor.countMax + 1), expired: 0) })
            try writer.commit(anchor: [], expired: 0)
            #expect(fails { try writer.commit(anchor: [], expired: 0) })
        }
        let model = try Model(of: store)
        #expect(model.rows == [[5]: []])
        #expect(model.number == 1)
        try SmallRun.commit(1, to: store)
    }

    @Test(arguments: StoreKind.allCases) func takesTheLongestKeysAndAnEmptyCheckpoint(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        let key = Bytes(repeating: 0xFE, count: RowLimits.keyCountMax)
        let value = Bytes(repeating: 3, count: 5 << 20)
        try store.commit([key: value], anchor: [1])
        try store.commit([:], anchor: [2], parts: 3)
        #expect(store.committed == CommittedCheckpoint(number: 2, anchor: [2]))
        #expect(try store.value(key) == value)
    }

    @Test(arguments: StoreKind.allCases) func rowsThatExpireGoAndNoOthers(kind: StoreKind) throws {
        let folder = Folder()
        let store = try kind.make(in: folder)
        var rows: Changes = [:]
        for time in 0..<20 { rows[[UInt8(ascii: "K"), UInt8(time)]] = expiringRow(Int64(time) * 100) }
        rows[[UInt8(ascii: "K"), 99]] = [1, 2, 3]
        rows[[UInt8(ascii: "L"), 1]] = expiringRow(0)
        rows[[UInt8(ascii: "K"), 98]] = expiringRow(-5)
        try store.commit(rows, anchor: [], expired: -5)
        #expect(try Model(of: store).rows.count == 22)
        try store.commit([:], anchor: [], expired: 900)
        for isCompacted in [false, true] {
            if isCompacted { try (store as? RocksStore)?.compact() }
            let found = try Model(of: store).rows
            #expect(found.count == 12)
            #expect(try store.value([UInt8(ascii: "K"), 9]) == nil)
            #expect(try store.value([UInt8(ascii: "K"), 10]) == expiringRow(1000))
            #expect(try store.value([UInt8(ascii: "K"), 99]) == [1, 2, 3])
        }
        // A row that is put back with a later time stays.
        try store.commit([[UInt8(ascii: "K"), 3]: expiringRow(5000)], anchor: [], expired: 1000)
        try (store as? RocksStore)?.compact()
        #expect(try store.value([UInt8(ascii: "K"), 3]) == expiringRow(5000))
        #expect(try Model(of: store).rows.count == 12)
    }
}
