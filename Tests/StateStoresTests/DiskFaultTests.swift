import Foundation
import Seeds
import Testing

@testable import StateStores
import Streaming

/// Every operation of the disk fails in turn. What was committed stands, the error says what it is, and when the disk is well again the run
/// goes on: in the same store where the disk was full, and after any error in a store that is opened again.
@Suite struct DiskFaultTests {
    enum Fault: CaseIterable {
        case fullOnce, fullTorn, fullForLong, ioOnce, ioForLong

        var number: Int32 {
            switch self {
            case .fullOnce, .fullForLong: ENOSPC
            case .fullTorn: ENOSPC | Disk.torn
            case .ioOnce, .ioForLong: EIO
            }
        }

        func range(from first: Int) -> Range<Int> {
            switch self {
            case .fullOnce, .fullTorn, .ioOnce: first..<first + 1
            case .fullForLong, .ioForLong: first..<Int.max
            }
        }

        var isFull: Bool { self != .ioOnce && self != .ioForLong }
    }

    @Test(arguments: Fault.allCases) func everyOperationFails(fault: Fault) throws {
        // In soak every operation, otherwise every third from a place that changes.
        var random = SeededGenerator(7)
        let stride = Volume.pick(test: 3, soak: 1)
        var first = 1 + Int.random(in: 0..<stride, using: &random)
        while try run(fault, from: first) { first += stride }
        #expect(first > 100)
    }

    /// Gives false where the run is over before its fault comes.
    private func run(_ fault: Fault, from first: Int) throws -> Bool {
        let folder = Folder()
        let path = folder.place("state")
        let disk = FailingDisk(fault.range(from: first), number: fault.number)
        var store: RocksStore?
        var number = 0
        var failures = 0

        /// Checks what an error may be, and lets the disk recover at last.
        func note(_ error: StoreError) {
            failures += 1
            let isExpected = switch error {
            case .full: fault.isFull
            case .failed: true
            default: false
            }
            #expect(isExpected, "\(fault) at \(first) (\(disk.hits.last)): \(error)")
            if case .failed = error, fault.isFull { Issue.record("\(fault) at \(first) (\(disk.hits.last)) is not said to be a full disk: \(error)") }
            if failures == 2 || fault.range(from: 0).count == 1 { disk.heal() }
        }

        var attempts = 0
        while number < SmallRun.count {
            attempts += 1
            guard attempts < 40 else {
                Issue.record("\(fault) at \(first) (\(disk.hits.last)): the run does not come to its end")
                return false
            }
            do {
                let open = try store ?? SmallRun.open(path, watcher: disk)
                store = open
                number = Int(open.committed?.number ?? 0)
                // A commit that failed may have got to the disk all the same.
                guard number < SmallRun.count else { break }
                try SmallRun.commit(number + 1, to: open)
                number += 1
                #expect(open.committed?.number == UInt64(number))
            } catch let error as StoreError {
                note(error)
                if let open = store {
                    // The store shows what it showed before, or all of what was being committed, and says which.
                    let shown = try Model(of: open)
                    #expect([number, number + 1].contains(Int(shown.number)), "\(fault) at \(first) (\(disk.hits.last))")
                    #expect(shown == SmallRun.states[Int(shown.number)], "\(fault) at \(first) (\(disk.hits.last))")
                }
                // After an error of the device itself the program ends; a full disk is waited out.
                if !fault.isFull { store = nil }
            }
        }
        if let store { #expect(try Model(of: store) == SmallRun.states[SmallRun.count], "\(fault) at \(first) (\(disk.hits.last))") }
        store = nil
        let again = try SmallRun.open(path)
        #expect(try Model(of: again) == SmallRun.states[SmallRun.count], "\(fault) at \(first) (\(disk.hits.last)), opened again")
        try again.verify()
        return disk.hits.count > 0
    }

    @Test func everyReadFails() throws {
        let (image, model) = try DamageTests.image()
        let folder = Folder()
        var first = 1
        while true {
            let path = folder.place("state")
            image.write(to: path)
            let disk = FailingDisk(first..<first + 1, number: EIO, reads: true)
            do throws(StoreError) {
                let found = try Model(of: SmallRun.open(path, watcher: disk))
                #expect(found == model, "\(first): \(disk.hits.last)")
            } catch {
                switch error {
                case .failed, .damaged: break
                default: Issue.record("\(first): \(error)")
                }
            }
            if disk.hits.count == 0 { break }
            #expect(try Model(of: SmallRun.open(path)) == model, "\(first): \(disk.hits.last)")
            first += 1
        }
        #expect(first > 30)
    }

    @Test func aCopyThatFailsLeavesTheStoreAsItIs() throws {
        let folder = Folder()
        var first = 1
        while true {
            let path = folder.place("state-\(first)")
            let disk = FailingDisk(0..<0, number: ENOSPC)
            let store = try SmallRun.open(path, watcher: disk)
            for number in 1...3 { try SmallRun.commit(number, to: store) }
            disk.fail(next: first)
            do throws(StoreError) {
                try store.copy(to: folder.place("copy-\(first)"))
            } catch {
                guard case .full = error else {
                    Issue.record("\(first) (\(disk.hits.last)): \(error)")
                    return
                }
                #expect(!FileManager.default.fileExists(atPath: folder.place("copy-\(first)/CURRENT")))
            }
            let isOver = disk.hits.count == 0
            disk.heal()
            try SmallRun.commit(4, to: store)
            #expect(try Model(of: store) == SmallRun.states[4])
            if isOver { break }
            if !FileManager.default.fileExists(atPath: folder.place("copy-\(first)")) { try store.copy(to: folder.place("copy-\(first)")) }
            let copy = try Model(of: SmallRun.open(folder.place("copy-\(first)")))
            #expect(copy == SmallRun.states[Int(copy.number)])
            first += 1
        }
        #expect(first > 5)
    }
}
