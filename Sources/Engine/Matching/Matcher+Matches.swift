internal import Events
internal import Glibc

/// A thread whose captures are a match, or that has run out of time.
struct Completion {
    var isTimeout: Bool
    /// The thread's record.
    var record: UnsafeMutableRawPointer
    /// The last capture in the blob; 0 where there is none.
    var node: UInt32
    /// The step that captures the event at hand, or -1.
    var step: Int
    var captures: Int
    var first: Position
}

/// What a reported match drops.
enum Drop {
    case nothing
    /// Every thread of the rule and key.
    case everything
    /// Threads that began before the position, and those at the positions in `droppedStarts`.
    case some(before: Position?)
}

/// Captures of two threads side by side, while they are compared.
struct ChainScratch {
    struct Link {
        var position: Position
        var step: Int
        var event: UInt32
    }

    var left = Links()
    var right = Links()

    /// A thread's captures from first to last, without those that its loops no longer keep.
    struct Links {
        var links: [Link] = []
        /// Of each step that has lost captures: how many.
        var omitted: [OmittedCaptures.Count] = []
        /// Of everything before link `digestEnd`.
        var digest = CaptureDigest()
        var digestEnd = 0

        mutating func removeAll() {
            links.removeAll(keepingCapacity: true)
            omitted.removeAll(keepingCapacity: true)
            digest = CaptureDigest()
            digestEnd = 0
        }
    }
}

/// Which matches are reported, and what each drops: section 5 of the language.
extension Matcher {
    /// Collects the forks that are matches into `completions`, in the order of section 5.
    func collectMatches(_ rule: RuleTables) {
        completions.removeAll(keepingCapacity: true)
        for index in 0..<forks.count where forks.flags(index) & Forks.isMatch != 0 {
            let record = forks.record(index)
            completions.append(
                Completion(
                    isTimeout: false, record: record, node: forks.parent(index), step: forks.step(index),
                    captures: Int(record.load(fromByteOffset: ThreadRecord.captures, as: UInt32.self)), first: Matcher.first(record)))
        }
    }

    static func first(_ record: UnsafeRawPointer) -> Position {
        Position(
            time: record.load(fromByteOffset: ThreadRecord.firstTime, as: Int64.self),
            arrival: record.load(fromByteOffset: ThreadRecord.firstArrival, as: UInt64.self))
    }

    /// The captures from first to last.
    func links(of completion: Completion, blob: UnsafeMutableRawPointer?, into chain: inout ChainScratch.Links) {
        chain.removeAll()
        if completion.step >= 0 {
            let row = evaluator.row
            chain.links.append(
                ChainScratch.Link(position: Position(time: row.time, arrival: row.arrival), step: completion.step, event: CapturedEvent.current))
        }
        var node = completion.node
        while node != 0, let blob {
            let place = UnsafeRawPointer(blob + Int(node))
            node = CaptureNode.previous(place)
            if OmittedCaptures.isMark(place) {
                // There is at most one, and it stands behind what it digests.
                chain.digest = OmittedCaptures.digest(place)
                chain.digestEnd = chain.links.count
                for index in 0..<OmittedCaptures.pairCount(place) { chain.omitted.append(OmittedCaptures.count(place, index)) }
                continue
            }
            let event = CaptureNode.event(place)
            let record = UnsafeRawPointer(blob + Int(event))
            chain.links.append(
                ChainScratch.Link(
                    position: Position(time: CapturedEvent.time(record), arrival: CapturedEvent.arrival(record)),
                    step: CaptureNode.step(place), event: event))
        }
        chain.links.reverse()
        if !chain.omitted.isEmpty { chain.digestEnd = chain.links.count - chain.digestEnd }
    }

    /// Started first; of one first event, matches before a timeout; then the most captures; then the earliest; then by the steps'
    /// places in the text. 0: the same captures.
    func order(_ a: Completion, _ b: Completion, blob: UnsafeMutableRawPointer?) -> Int {
        if a.first != b.first { return a.first < b.first ? -1 : 1 }
        if a.isTimeout != b.isTimeout { return b.isTimeout ? -1 : 1 }
        if a.captures != b.captures { return a.captures > b.captures ? -1 : 1 }
        links(of: a, blob: blob, into: &chains.left)
        links(of: b, blob: blob, into: &chains.right)
        let (left, right) = (chains.left.links, chains.right.links)
        let count = min(left.count, right.count)
        for index in 0..<count where left[index].position != right[index].position {
            return left[index].position < right[index].position ? -1 : 1
        }
        for index in 0..<count where left[index].step != right[index].step {
            return left[index].step < right[index].step ? -1 : 1
        }
        // Captures that are gone still tell two matches apart.
        let (a, b) = (chains.left.digest, chains.right.digest)
        return a == b ? 0 : (a.high, a.low) < (b.high, b.low) ? -1 : 1
    }

    /// Reports the collected completions one by one as the policy says, and tells what they drop.
    ///
    /// `row` is nil at a deadline.
    func report(_ rule: RuleTables, row: EventRow?, blob: UnsafeMutableRawPointer?, at time: Int64) -> Drop {
        if completions.count > 1 {
            var ordered = completions
            ordered.sort { self.order($0, $1, blob: blob) < 0 }
            completions = ordered
        }
        droppedStarts.removeAll(keepingCapacity: true)
        matchedStarts.removeAll(keepingCapacity: true)
        var before: Position?
        var previous = -1
        for index in completions.indices {
            let completion = completions[index]
            if let before, completion.first < before { continue }
            if droppedStarts.contains(completion.first) { continue }
            if completion.isTimeout {
                reportTimeout(rule, completion, blob: blob, at: time, ordinal: index)
                continue
            }
            if previous >= 0, order(completions[previous], completion, blob: blob) == 0 { continue }
            previous = index
            rule.counters.matches &+= 1
            render(rule, completion, row: row, blob: blob, at: time, ordinal: index)
            if rule.hasTimeout { matchedStarts.append(completion.first) }
            switch rule.policy {
            case .keepAll: break
            case .skipPastLast: return .everything
            case .skipToNext: droppedStarts.append(completion.first)
            case .skipToFirst(let step), .skipToLast(let step):
                guard let target = capture(of: step, rule.policy, in: completion, blob: blob) else { return .everything }
                if before.map({ $0 < target }) ?? true { before = target }
                droppedStarts.append(completion.first)
            }
        }
        if rule.policy == .keepAll { return .nothing }
        return .some(before: before)
    }

    /// `on timeout`: at most one report for each first event, and none where a match began at it.
    private func reportTimeout(
        _ rule: RuleTables, _ completion: Completion, blob: UnsafeMutableRawPointer?, at time: Int64, ordinal: Int
    ) {
        let flags = completion.record.load(fromByteOffset: ThreadRecord.flags, as: UInt32.self)
        guard flags & ThreadRecord.hasMatched == 0, !matchedStarts.contains(completion.first) else { return }
        matchedStarts.append(completion.first)
        rule.counters.timeouts &+= 1
        render(rule, completion, row: nil, blob: blob, at: time, ordinal: ordinal)
    }

    /// Notes in the threads that go on that a match has begun at their first event.
    func markMatched(_ rule: RuleTables, blob: UnsafeMutableRawPointer?, section: Int, survivors: Int) {
        guard rule.hasTimeout, !matchedStarts.isEmpty else { return }
        for index in 0..<forks.count { mark(forks.record(index)) }
        guard survivors > 0, let blob else { return }
        let first = blob + Int(Blob(blob).sections[section].offset)
        for index in 0..<survivors { mark(first + index * rule.recordSize) }
    }

    private func mark(_ record: UnsafeMutableRawPointer) {
        guard matchedStarts.contains(Matcher.first(record)) else { return }
        let flags = record.load(fromByteOffset: ThreadRecord.flags, as: UInt32.self)
        record.storeBytes(of: flags | ThreadRecord.hasMatched, toByteOffset: ThreadRecord.flags, as: UInt32.self)
    }

    /// The first or last event captured as a step, as the policy asks.
    private func capture(
        of step: Int, _ policy: AfterMatchPolicy, in completion: Completion, blob: UnsafeMutableRawPointer?
    ) -> Position? {
        links(of: completion, blob: blob, into: &chains.left)
        if case .skipToFirst = policy { return chains.left.links.first { $0.step == step }?.position }
        return chains.left.links.last { $0.step == step }?.position
    }

    /// Takes dropped threads out of the survivors at the front of a section, and unmarks dropped forks; gives the survivors left.
    func apply(_ drop: Drop, _ rule: RuleTables, blob: UnsafeMutableRawPointer?, section: Int, survivors: Int) -> Int {
        let before: Position?
        switch drop {
        case .nothing: return survivors
        case .everything:
            forks.begin(recordSize: rule.recordSize)
            return 0
        case .some(let position): before = position
        }
        for index in 0..<forks.count where isDropped(Matcher.first(forks.record(index)), before) {
            forks.setFlags(index, forks.flags(index) & ~Forks.isKept)
        }
        guard survivors > 0, let blob else { return 0 }
        let size = rule.recordSize
        let first = blob + Int(Blob(blob).sections[section].offset)
        var kept = 0
        for index in 0..<survivors {
            let record = first + index * size
            if isDropped(Matcher.first(record), before) { continue }
            if kept != index { memcpy(first + kept * size, record, size) }
            kept += 1
        }
        return kept
    }

    @inline(__always)
    private func isDropped(_ first: Position, _ before: Position?) -> Bool {
        if let before, first < before { return true }
        return droppedStarts.contains(first)
    }
}
