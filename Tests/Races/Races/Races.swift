import Glibc
import ReferenceMatcher

/// Runs of random rules and streams with several workers, each against the run of one worker; the thread sanitizer looks on, and ends the
/// program at the first race.
@main struct Races {
    static func main() {
        let runs = Volume.pick(test: 30, soak: 1_000)
        var seeds = SeededGenerator(70)
        var passed = 0, failed = 0, firing = 0
        while passed + failed < runs {
            let seed = seeds.next()
            let size: InvarianceCase.Size = seed % 2 == 0 ? .large : .small
            guard let drawn = InvarianceCase.drawn(seed: seed, size: size) else { continue }
            var random = RandomSource(seed: seed)
            let feed = Feed(ofInvariance: &random, size: size, workers: [2, 3, 8])
            // There before the run begins: whoever reads of a race knows which run it was.
            print("\(size) seed \(seed), \(feed)")
            fflush(nil)
            let expected = drawn.outcome()
            if expected.alertCount > 0 { firing += 1 }
            if let difference = drawn.outcome(feed).difference(from: expected) {
                failed += 1
                print("DIFFERS: \(difference)\n\(drawn.text)")
            } else {
                passed += 1
            }
        }
        print("\(firing) runs with alerts")
        print("\(passed) passed, \(failed) failed")
        exit(failed == 0 ? 0 : 1)
    }
}
