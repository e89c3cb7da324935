import Events
import ReferenceMatcher
import RuleLanguage
@testable import Streaming

/// All that a run gives out and counts.
struct Outcome: Equatable {
    var alerts: [UInt8] = []
    /// Of each input, in its order: which of several inputs is read first is not fixed.
    var late: [[UInt8]] = []
    var rejects: [[UInt8]] = []
    var summary: RunSummary?
    var failure: String?

    var alertCount: Int { alerts.count { $0 == UInt8(ascii: "\n") } }

    /// What differs first, in words; nil where nothing does.
    func difference(from other: Outcome) -> String? {
        if self == other { return nil }
        if failure != other.failure { return "ended with \(failure ?? "no error") and not with \(other.failure ?? "none")" }
        if alerts != other.alerts { return "alerts: " + Outcome.firstDifference(alerts, other.alerts) }
        for input in late.indices where late[input] != other.late[input] {
            return "late lines of input \(input): " + Outcome.firstDifference(late[input], other.late[input])
        }
        for input in rejects.indices where rejects[input] != other.rejects[input] {
            return "rejects of input \(input): " + Outcome.firstDifference(rejects[input], other.rejects[input])
        }
        return "counters:\n\(summary.map { "\($0)" } ?? "none")\nand not\n\(other.summary.map { "\($0)" } ?? "none")"
    }

    private static func firstDifference(_ left: [UInt8], _ right: [UInt8]) -> String {
        let lefts = left.split(separator: UInt8(ascii: "\n")), rights = right.split(separator: UInt8(ascii: "\n"))
        let place = zip(lefts, rights).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(lefts.count, rights.count)
        func line(_ lines: [ArraySlice<UInt8>]) -> String {
            place < lines.count ? String(decoding: lines[place].prefix(1000), as: UTF8.self) : "nothing"
        }
        return "line \(place + 1) of \(lefts.count) is\n\(line(lefts))\nand not, of \(rights.count),\n\(line(rights))"
    }
}

/// Where a run lets time end.
enum Ending: Sendable {
    case drains
    case lastEvent
    case microseconds(Int64)
}

extension Loaded {
    /// Bytes to all that comes of them.
    func outcome(_ stream: Stream, _ feed: Feed, _ ending: Ending) -> Outcome {
        var options = feed.options(drains: false)
        switch ending {
        case .drains: options.drains = true
        case .lastEvent: break
        case .microseconds(let end): options.endMicroseconds = end
        }
        let alerts = MemorySink(), late = MemorySink(), rejects = MemorySink()
        let pipeline = Pipeline(
            program: program, inputs: inputs(stream, feed), alerts: [alerts], late: late, rejects: rejects, options: options)
        var outcome = Outcome()
        do {
            var summary = try pipeline.run(stop: StopFlag())
            // How soon a key without a match is forgotten is not seen outside, and it depends on which keys share a table.
            summary.keys = 0
            summary.residentKeys = 0
            summary.stateBytes = 0
            outcome.summary = summary
        } catch {
            outcome.failure = "\(error)"
        }
        outcome.alerts = alerts.bytes
        outcome.late = Loaded.byInput(late.bytes, inputs: stream.inputs.count)
        outcome.rejects = Loaded.byInput(rejects.bytes, inputs: stream.inputs.count)
        return outcome
    }

    private static func byInput(_ lines: [UInt8], inputs: Int) -> [[UInt8]] {
        var parted = [[UInt8]](repeating: [], count: inputs)
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            let input = (0..<inputs).first { line.starts(with: "{\"input\":\"input \($0)\"".utf8) } ?? 0
            parted[input] += line
            parted[input].append(UInt8(ascii: "\n"))
        }
        return parted
    }
}

/// Rules, a stream, and what comes of them when one worker is given all at once: what must come in every other way too.
struct InvarianceCase {
    var text: String
    var loaded: Loaded
    var stream: Stream
    var ending: Ending

    func outcome(_ feed: Feed = Feed()) -> Outcome { loaded.outcome(stream, feed, ending) }

    enum Size: Sendable {
        /// Some ten events: what happens at each edge of a block.
        case small
        /// Some hundred kilobytes of many keys: all workers at work.
        case large
    }

    /// - Returns: nil where no rule of this seed was accepted.
    static func drawn(seed: UInt64, size: Size) -> InvarianceCase? {
        var random = RandomSource(seed: seed ^ 0xA076_1D64_78BD_642F)
        let features: RandomFeatures = random.chance(80) ? .full : .core
        let steps = 1 + random.below(6)
        let count = random.pick([1, 1, 1, 2, 3, 5])
        var rules = RandomRules(seed: seed, features: features, size: steps)
        var drafts: [RuleDraft] = []
        for _ in 0..<(40 * count) where drafts.count < count {
            var draft = rules.next()
            // What has no key is matched by one worker alone.
            if size == .large && draft.key == nil { continue }
            draft.name = "r\(drafts.count)"
            draft.delay = 0
            // A hundred events of one key can bring a rule hundreds of thousands of threads, which says nothing about workers.
            if draft.openLimit == nil { draft.openLimit = "\(random.pick([5, 50, 200])) open" }
            draft.declaredTypes = drafts.first?.declaredTypes ?? draft.declaredTypes
            if (try? checked(draft.text)) != nil { drafts.append(draft) }
        }
        guard let first = drafts.first else { return nil }
        let delay = random.pick([0, 0, 5, 20, 50])
        let ahead = random.chance(20) ? random.pick([30, 100, 300]) : nil
        let text = "stream { delay \(delay)ms \(ahead.map { "ahead \($0)ms" } ?? "") }\n" + first.declarationsText
            + drafts.map(\.ruleText).joined(separator: "\n")
        guard let program = try? checked(text), let loaded = try? Loaded(program) else { return nil }

        var streams = RandomStreams(seed: seed, features: features)
        let most = size == .small ? (6 + 4 * steps) * random.pick([1, 1, 4]) : 600 + random.below(1800)
        var events = streams.next(delay: delay, events: most, following: first.pattern.steps.map { $0.types[0] })
        let end = Int64(events.last?.time ?? 0) * 1000
        let keys = size == .small ? random.pick([1, 3, 20]) : 40 + random.below(200)
        let inputs = random.pick([1, 1, 1, 2, 3])
        for place in events.indices {
            events[place].input = inputs == 1 ? 0 : random.below(inputs)
            if keys > 1 { events[place].text = spread(events[place].text, random.below(keys)) }
        }
        // A few rules have millions of matches in a hundred events, which the reference says at once; so do the random tests against it.
        if size == .small {
            let read = RandomCase.referenceEvents(events, loaded.stream)
            guard (try? referenceAlertLines(program: program, events: read, threadsMax: 1_000)) != nil else { return nil }
        }
        if random.chance(30) { disturb(&events, &random) }
        if random.chance(40) { insertBadLines(&events, isRare: size == .large, hasAhead: ahead != nil, &random) }
        var stream = Stream(events)
        if random.chance(30) { damage(&stream, &random) }
        let ending = random.pick([Ending.drains, .drains, .lastEvent, .microseconds(end + Int64(random.below(100_000)))])
        return InvarianceCase(text: text, loaded: loaded, stream: stream, ending: ending)
    }

    /// Gives an event of key `x` or `y` one of many more keys.
    private static func spread(_ text: String, _ key: Int) -> String {
        let marker = "\"k\": \""
        let bytes = Array(text.utf8), wanted = Array(marker.utf8)
        guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: wanted) }) else { return text }
        let split = start + wanted.count
        return String(decoding: bytes[..<split], as: UTF8.self) + "\(key)" + String(decoding: bytes[split...], as: UTF8.self)
    }

    /// Some events come earlier or later than they should.
    private static func disturb(_ events: inout [RandomEvent], _ random: inout RandomSource) {
        for _ in 0..<(1 + events.count / 10) {
            let from = random.below(events.count)
            events.swapAt(from, min(events.count - 1, from + random.below(12)))
        }
    }

    private static func insertBadLines(_ events: inout [RandomEvent], isRare: Bool, hasAhead: Bool, _ random: inout RandomSource) {
        var lines = [
            "", "   ", "no JSON", "{\"id\": 1", "[1]", "{\"type\": \"A\", \"k\": \"x\"}", "{\"type\": \"A\", \"ts\": \"soon\"}",
            "{\"type\": \"A\", \"ts\": 1e300}", "{\"type\": \"A\", \"ts\": -1}", "{\"type\": \"A\", \"ts\": 1100, \"type\": \"B\"}",
            "{\"type\": \"A\", \"ts\": 1100}}", "{\"type\": \"A\", \"ts\": 1100, \"k\": \"\\q\"}", "{\"type\": 7, \"ts\": 1100}",
        ]
        // Without a bound on the future everything behind it is late.
        if hasAhead || random.chance(5) { lines += ["{\"type\": \"A\", \"ts\": 99999999}", "{\"type\": \"B\", \"ts\": 88888888, \"k\": \"x\"}"] }
        for _ in 0..<(1 + events.count / (isRare ? 100 : 5)) {
            let place = random.below(events.count + 1)
            let input = events[min(place, events.count - 1)].input
            events.insert(RandomEvent(input: input, time: 0, text: random.pick(lines)), at: place)
        }
    }

    /// Bytes of any value, an end within a line, a mark of the byte order.
    private static func damage(_ stream: inout Stream, _ random: inout RandomSource) {
        for input in stream.inputs.indices where !stream.inputs[input].isEmpty {
            for _ in 0..<random.below(5) {
                stream.inputs[input][random.below(stream.inputs[input].count)] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.chance(40) { stream.inputs[input].removeLast(1 + random.below(min(40, stream.inputs[input].count))) }
            if random.chance(20) { stream.inputs[input] = [0xEF, 0xBB, 0xBF] + stream.inputs[input] }
        }
    }
}

extension Feed {
    /// Any way but that of one worker, mostly with all of them woken for every block.
    init(ofInvariance random: inout RandomSource, size: InvarianceCase.Size, workers: [Int] = [1, 2, 2, 3, 8]) {
        switch random.below(5) {
        case 0: pieces = [1]
        case 1: pieces = (0..<5).map { _ in 1 + random.below(64) }
        case 2: pieces = (0..<5).map { _ in 1 + random.below(40_000) }
        // As of a pipe that is empty now and then.
        case 3: pieces = [1 + random.below(3000), 0, 1 + random.below(40_000), 0, 0, 1 + random.below(300)]
        default: pieces = [16 << 20]
        }
        // Large streams in the smallest blocks would be nothing but waking.
        let tiny = size == .small ? [1, 2 + random.below(200)] : [100 + random.below(400)]
        blockBytes = random.pick(tiny + [1 << 10, 4 << 10, 32 << 10, 256 << 10, 1 << 20, 8 << 20])
        self.workers = random.pick(workers)
        parallelBytes = random.pick([1, 1, 1, 4 << 10, 32 << 10])
        aheadBytesMax = random.pick([1, 64 << 20])
        seed = random.next()
    }
}
