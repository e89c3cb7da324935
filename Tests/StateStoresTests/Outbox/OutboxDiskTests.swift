import Foundation
import Seeds
import Testing

@testable import StateStores
import Streaming

/// The process or the machine stops before any operation of the disk, or any operation fails: what was acknowledged is there, and what was
/// not is there whole or not at all.
@Suite struct OutboxDiskTests {
    private func fits(_ shown: [Int: OutboxModel.Endpoint], _ acknowledged: Int) -> Bool {
        SmallOutboxRun.states[acknowledged...min(acknowledged + 1, SmallOutboxRun.steps.count)].contains(shown)
    }

    @Test(arguments: CrashTests.Kind.allCases) func aCrashAtEveryOperation(kind: CrashTests.Kind) throws {
        let folder = Folder()
        let path = folder.place("outbox")
        let disk = CrashingDisk(folder: path, loses: kind == .powerLost, salt: 31)
        var outbox: RocksOutbox?
        for (place, step) in SmallOutboxRun.steps.enumerated() {
            if SmallOutboxRun.ends.contains(place) { outbox = nil }
            let open = try outbox ?? SmallOutboxRun.open(path, watcher: disk)
            outbox = open
            try SmallOutboxRun.run(step, on: open)
            disk.acknowledge(place + 1)
        }
        outbox = nil
        let crashes = disk.all
        #expect(crashes.count > 150)
        var random = SeededGenerator(32)
        let share = kind == .killed ? Volume.pick(test: 2, soak: 1) : Volume.pick(test: 4, soak: 1)
        for (place, crash) in crashes.filter({ _ in Int.random(in: 0..<share, using: &random) == 0 }).enumerated() {
            let there = folder.place("crash")
            crash.image.write(to: there)
            do {
                let outbox = try SmallOutboxRun.open(there)
                let shown = try OutboxModel.shown(by: outbox)
                let acknowledged = Int(crash.acknowledged)
                #expect(fits(shown, acknowledged), "\(crash.what), acknowledged \(acknowledged)")
                // It goes on to its end.
                if place % 4 == 0 {
                    let done = SmallOutboxRun.states[acknowledged] == shown ? acknowledged : acknowledged + 1
                    for step in SmallOutboxRun.steps[done...] { try SmallOutboxRun.run(step, on: outbox) }
                    #expect(try OutboxModel.shown(by: outbox) == SmallOutboxRun.states.last, "\(crash.what)")
                    try outbox.verify()
                }
            } catch {
                Issue.record("\(crash.what), acknowledged \(crash.acknowledged): \(error); files \(crash.image.files.mapValues(\.count))")
            }
        }
    }

    @Test(arguments: DiskFaultTests.Fault.allCases) func everyOperationFails(fault: DiskFaultTests.Fault) throws {
        var random = SeededGenerator(37)
        let stride = Volume.pick(test: 5, soak: 1)
        var first = 1 + Int.random(in: 0..<stride, using: &random)
        while try run(fault, from: first) { first += stride }
        #expect(first > 100)
    }

    /// Gives false where the run is over before its fault comes.
    private func run(_ fault: DiskFaultTests.Fault, from first: Int) throws -> Bool {
        let folder = Folder()
        let path = folder.place("outbox")
        let disk = FailingDisk(fault.range(from: first), number: fault.number)
        var outbox: RocksOutbox?
        var (number, failures, attempts) = (0, 0, 0)
        while number < SmallOutboxRun.steps.count {
            attempts += 1
            guard attempts < 80 else {
                Issue.record("\(fault) at \(first) (\(disk.hits.last)): the run does not come to its end")
                return false
            }
            do {
                if SmallOutboxRun.ends.contains(number) { outbox = nil }
                let open = try outbox ?? SmallOutboxRun.open(path, watcher: disk)
                outbox = open
                try SmallOutboxRun.run(SmallOutboxRun.steps[number], on: open)
                number += 1
                #expect(try OutboxModel.shown(by: open) == SmallOutboxRun.states[number], "\(fault) at \(first) (\(disk.hits.last)), step \(number)")
            } catch let error as StoreError {
                failures += 1
                let isExpected = switch error {
                case .full: fault.isFull
                case .failed: !fault.isFull
                default: false
                }
                #expect(isExpected, "\(fault) at \(first) (\(disk.hits.last)): \(error)")
                if failures == 2 || fault.range(from: 0).count == 1 { disk.heal() }
                if let open = outbox {
                    let shown = try OutboxModel.shown(by: open)
                    #expect(fits(shown, number), "\(fault) at \(first) (\(disk.hits.last)), step \(number)")
                }
                // After an error of the device itself the program ends; a full disk is waited out.
                if !fault.isFull { outbox = nil }
            }
        }
        outbox = nil
        let again = try SmallOutboxRun.open(path)
        #expect(try OutboxModel.shown(by: again) == SmallOutboxRun.states.last, "\(fault) at \(first) (\(disk.hits.last)), opened again")
        try again.verify()
        return disk.hits.count > 0
    }

    @Test func everyReadFails() throws {
        let image = try OutboxDamageTests.image()
        let folder = Folder()
        var first = 1
        while true {
            let path = folder.place("outbox")
            image.write(to: path)
            let disk = FailingDisk(first..<first + 1, number: EIO, reads: true)
            do {
                let shown = try OutboxModel.shown(by: SmallOutboxRun.open(path, watcher: disk))
                #expect(shown == SmallOutboxRun.states.last, "\(first): \(disk.hits.last)")
            } catch StoreError.failed, StoreError.damaged {}
            if disk.hits.count == 0 { break }
            #expect(try OutboxModel.shown(by: SmallOutboxRun.open(path)) == SmallOutboxRun.states.last, "\(first): \(disk.hits.last)")
            first += 1
        }
        #expect(first > 30)
    }

    /// More than the memory table holds: rows go to tables, those that are delivered go away, and marks go with the checkpoints.
    @Test func staysSmallHoweverMuchGoesThrough() throws {
        let folder = Folder()
        let path = folder.place("outbox")
        let outbox = try SmallOutboxRun.open(path)
        let endpoint = try outbox.endpoint(named: "only")
        let (rounds, perRound) = (UInt64(Volume.pick(test: 60, soak: 600)), UInt64(500))
        for round in 0..<rounds {
            let ordinals = round * perRound..<(round + 1) * perRound
            let entries = ordinals.map { OutboxEntry(alert: sampleAlert($0, bodyCount: 1000), endpoints: [endpoint]) }
            #expect(try outbox.append(entries) == entries.count)
            // A tenth of them stays for a round.
            let late = (round > 0 ? (round - 1) * perRound..<round * perRound : 0..<0).filter { $0 % 10 == 0 }
            try outbox.deliver(late + ordinals.filter { $0 % 10 != 0 }, of: endpoint)
            if round % 10 == 9 { try outbox.trim(before: ordinals.upperBound) }
        }
        #expect(outbox.undeliveredCount == Int(perRound / 10))
        #expect(try outbox.marks(of: endpoint).isEmpty)
        let size = FolderImage(of: path).files.values.reduce(0) { $0 + $1.count }
        #expect(size < 60 << 20, "\(size) bytes")
    }
}
