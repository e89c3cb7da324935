import Foundation
import Seeds
import Testing

/// The release program killed with -9 at random moments, several times a run: the alerts are those of a run that nothing has disturbed.
@Suite struct RandomKillTests {
    static let seeds = Volume.seeds(of: 1, count: Volume.pick(test: 40, soak: 200))

    @Test(arguments: seeds.enumerated().map { ($0.offset, $0.element) })
    func alertsAreThoseOfAnUndisturbedRun(_ number: Int, _ seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        let sources = KilledRun.Source.allCases
        let source = sources[number % sources.count]
        var workload = Workload(seed: UInt64(number % 3) &+ Volume.baseSeed, lines: 60_000, keys: 3_000)
        if Volume.isSoak && number % 4 == 3 { workload.lines = 800_000 }
        if number % 5 == 4 { workload.keys = 50_000 }
        if source == .two { workload.inputs = 2 }
        if source == .followed || source == .pipe { workload.lines = 30_000 }
        var run = try KilledRun(seed: seed, source: source, workload: workload, drains: source != .followed && number / sources.count % 3 == 2)
        let failure = try run.play(kills: 3 + chance.below(5), quickest: 20, slowest: workload.lines > 100_000 ? 1500 : 250)
        print("kills: seed \(String(seed, radix: 16)) \(source): \(run.starts) starts, \(run.kills) kills, \(run.savepoints) savepoints")
        #expect(failure == nil, "\(failure ?? "")")
    }
}
