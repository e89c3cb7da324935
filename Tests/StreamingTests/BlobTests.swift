@testable import Engine
import ReferenceMatcher
import Seeds
import Testing

/// Saved state is hostile until it is proven sound.
@Suite struct BlobTests {
    struct Sample: CustomTestStringConvertible, Sendable {
        var about: String
        var rule: String
        var testDescription: String { about }
    }

    static let samples = [
        Sample(about: "loops", rule: "rule t { by k match a: A+ where count(a) == 0 or v >= avg(a.v) then any b: B{2,3}? combinations then c: C where v > max(a.v) after match keep all }"),
        Sample(about: "groups", rule: "rule t { by k match (a: A & b: B & c: C?) then (d: event then e: A within 300ms){2,4} within 500ms after match keep all }"),
        Sample(about: "absence", rule: "rule t { by k match a: A then b: B+ until D then not C within 60ms after match skip to next alert low on timeout alert high }"),
        Sample(about: "values", rule: "rule t { by k match a: A+ consecutive then b: B where distinct(a.v) > 1 and sum(a.w) >= 2 and v in values(a.v) alert low \"{stddev(a.v)} {values(a.w)}\" }"),
        Sample(about: "queue", rule: "rule t { by k match a: A{3,} where v > 0 then c: C within 200ms alert low \"{sum(a.w)} {s}\" } rule u { by k match a: event{5,} after match skip to next }"),
        Sample(about: "long loops", rule: "rule t { by k match a: A{1,} then c: C where w > first(a.w) after match keep all limit 4 events }"),
        Sample(
            about: "two rules",
            rule: "rule t { by k match a: A then any b: B then c: C within 200ms after match keep all } rule u { by k match a: A{3,} limit 2 open }"),
    ]

    /// The state that a rule has in the middle of a stream, what is still to come, and what must come of it.
    struct Fixture {
        let loaded: Loaded
        let prepared: PreparedEvents
        let rest: ArraySlice<PreparedEvents.Event>
        let saved: [SavedKey]
        let expected: [UInt8]

        init(_ sample: Sample) throws {
            loaded = try Loaded(checked(sample.rule))
            var random = RandomSource(seed: 7)
            let lines = (1...60).map { id in
                let type = random.pick(["A", "A", "A", "B", "B", "D", "C"])
                let tail = "\"k\": \"\(random.pick(["x", "y"]))\", \"v\": \(random.below(6)), \"w\": \(random.below(3)).5, \"s\": \"text\""
                return "{\"id\": \(id), \"type\": \"\(id < 8 ? "A" : type)\", \"ts\": \(1000 + 7 * id), \(tail)}"
            }
            prepared = PreparedEvents(loaded, Stream(lines: lines))
            let matcher = Matcher(program: loaded.program, seed: 1)
            // As far as there is much to save.
            var best: (end: Int, saved: [SavedKey]) = (0, [])
            for (index, event) in prepared.events.enumerated() where index < 40 {
                matcher.process(event)
                let saved = matcher.saved()
                if saved.reduce(0, { $0 + $1.bytes.count }) >= best.saved.reduce(0, { $0 + $1.bytes.count }) { best = (index + 1, saved) }
            }
            saved = best.saved
            rest = prepared.events[best.end...]
            let undisturbed = Matcher(program: loaded.program, seed: 2)
            try undisturbed.load(saved)
            expected = Fixture.finish(undisturbed, rest, loaded)
        }

        static func finish(_ matcher: Matcher, _ rest: ArraySlice<PreparedEvents.Event>, _ loaded: Loaded) -> [UInt8] {
            for event in rest { matcher.process(event) }
            matcher.fireDeadlines(upTo: .max - 1)
            var collected = CollectedAlerts()
            collected.take(from: matcher)
            return collected.output(loaded.program)
        }

        /// What comes of the saved keys with one of them in another shape; nil where that is not taken in.
        func output(_ index: Int, replacedBy bytes: [UInt8], seed: UInt64) throws -> [UInt8]? {
            let matcher = Matcher(program: loaded.program, seed: seed)
            for (place, key) in saved.enumerated() where place != index { try matcher.load(key) }
            do throws(BlobError) {
                try matcher.load(SavedKey(group: saved[index].group, bytes: bytes))
            } catch {
                return nil
            }
            return Fixture.finish(matcher, rest, loaded)
        }
    }

    @Test(arguments: samples) func everyByteFlippedIsFoundOrHarmless(_ sample: Sample) throws {
        let fixture = try Fixture(sample)
        #expect(!fixture.saved.isEmpty)
        for (index, key) in fixture.saved.enumerated() {
            var accepted = 0
            for place in key.bytes.indices {
                for flip in [UInt8(0xFF), 1, 0x80] {
                    var bytes = key.bytes
                    bytes[place] ^= flip
                    guard let output = try fixture.output(index, replacedBy: bytes, seed: UInt64(place)) else { continue }
                    accepted += 1
                    #expect(output == fixture.expected, "byte \(place) of \(sample.about)")
                }
            }
            // The size class and the hash, which are made anew.
            #expect(accepted <= 12 * 3)
        }
    }

    @Test(arguments: samples) func everyLengthCutIsFound(_ sample: Sample) throws {
        let fixture = try Fixture(sample)
        for (index, key) in fixture.saved.enumerated() {
            for length in 0..<key.bytes.count {
                #expect(try fixture.output(index, replacedBy: Array(key.bytes.prefix(length)), seed: 3) == nil, "\(length) bytes of \(sample.about)")
            }
            #expect(try fixture.output(index, replacedBy: key.bytes + [0, 0, 0, 0, 0, 0, 0, 0], seed: 3) == nil)
        }
    }

    /// Damage that the checksum does not tell of: taken in or not, the process lives.
    @Test(arguments: samples) func damageUnderAGoodChecksumNeverCrashes(_ sample: Sample) throws {
        let fixture = try Fixture(sample)
        var random = Volume.seeds(of: 40)
        var accepted = 0
        for _ in 0..<Volume.pick(test: 5_000, soak: 200_000) {
            let index = random.below(fixture.saved.count)
            var bytes = fixture.saved[index].bytes
            for _ in 0...random.below(3) { BlobTests.damage(&bytes, &random) }
            BlobTests.sign(&bytes)
            if try fixture.output(index, replacedBy: bytes, seed: random.next()) != nil { accepted += 1 }
        }
        #expect(accepted > 0, "Damage that is never taken in tries nothing.")
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout RandomSource) {
        let words = bytes.count / 4
        let place = random.below(words) * 4
        func write(_ value: UInt32) { for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> UInt32(8 * byte)) } }
        func read(_ place: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) } }
        switch random.below(6) {
        case 0: bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        case 1: write(random.pick([0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]))
        case 2: write(UInt32(random.below(bytes.count)) & ~7)
        case 3: write(read(place) &+ random.pick([1, 8, 16, 0xFFFF_FFFF, 0xFFFF_FFF8, 0xFFFF_FFF0]))
        case 4: write(read(random.below(words) * 4))
        default: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
        }
    }

    private static func sign(_ bytes: inout [UInt8]) {
        let count = bytes.count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
        defer { memory.deallocate() }
        bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: count) }
        let blob = Blob(memory)
        blob.checksum = Matcher.checksum(memory, count: count)
        bytes = Array(UnsafeRawBufferPointer(start: memory, count: count))
    }

    @Test func stateOfAnotherFormatIsNamed() throws {
        let fixture = try Fixture(BlobTests.samples[0])
        var bytes = fixture.saved[0].bytes
        bytes[0] = 99
        let matcher = Matcher(program: fixture.loaded.program, seed: 1)
        #expect(throws: BlobError.format(99)) { try matcher.load(SavedKey(group: 0, bytes: bytes)) }
        #expect(throws: BlobError.damaged("no such group of rules")) { try matcher.load(SavedKey(group: 7, bytes: fixture.saved[0].bytes)) }
        #expect(matcher.keyCount == 0)
    }
}
