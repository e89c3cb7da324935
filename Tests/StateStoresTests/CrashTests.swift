import Foundation
import Seeds
import Testing

@testable import StateStores
import Streaming

/// The process or the machine stops before any operation of the disk: the store then opens at the checkpoint that was acknowledged last, or at
/// the one that was being committed, whole; and the run goes on from there.
@Suite struct CrashTests {
    enum Kind: CaseIterable {
        /// The process dies; what it had written is there.
        case killed
        /// The machine loses power; what was not fsynced is lost, or half there.
        case powerLost
    }

    @Test(arguments: Kind.allCases) func atEveryOperation(kind: Kind) throws {
        let folder = Folder()
        let path = folder.place("state")
        let disk = CrashingDisk(folder: path, loses: kind == .powerLost, salt: 11)
        // Two lives of the store, so that opening again is among the operations.
        for life in [1...3, 4...SmallRun.count] {
            let store = try SmallRun.open(path, watcher: disk)
            for number in life {
                try SmallRun.commit(number, to: store)
                disk.acknowledge(number)
            }
            // What the next life does is compared with what stood at the end of this one.
        }
        let crashes = disk.all
        #expect(crashes.count > 150)
        var random = SeededGenerator(12)
        let share = kind == .killed ? Volume.pick(test: 2, soak: 1) : Volume.pick(test: 4, soak: 1)
        let tried = crashes.filter { _ in Int.random(in: 0..<share, using: &random) == 0 }
        var numbers: Set<UInt64> = []
        for (place, crash) in tried.enumerated() {
            let there = folder.place("crash")
            crash.image.write(to: there)
            do {
                let store = try SmallRun.open(there)
                let found = try Model(of: store)
                #expect(found == SmallRun.states[Int(found.number)], "\(crash.what): a mix")
                #expect((crash.acknowledged...crash.acknowledged + 1).contains(found.number), "\(crash.what): \(found.number)")
                numbers.insert(found.number)
                // The run goes on to its end.
                if place % 4 == 0, found.number < SmallRun.count {
                    for number in Int(found.number) + 1...SmallRun.count { try SmallRun.commit(number, to: store) }
                    #expect(try Model(of: store) == SmallRun.states[SmallRun.count], "\(crash.what)")
                    try store.verify()
                }
            } catch {
                Issue.record("\(crash.what), acknowledged \(crash.acknowledged): \(error); files \(crash.image.files.mapValues(\.count))")
            }
        }
        #expect(numbers.count == SmallRun.count + 1)
    }
}
