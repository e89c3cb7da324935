internal import Events
internal import Glibc

/// What happens at a time and not at an event: absence at the end of a pattern completes, and `on timeout` reports what `within` ended.
extension Matcher {
    /// The earliest time at which a key may be due.
    ///
    /// - Complexity: O(groups of rules).
    public var nextDeadline: Int64? {
        var next = Int64.max
        for index in 0..<groups.count { next = min(next, deadlineTimes[index]) }
        return next == .max ? nil : next
    }

    /// Fires every deadline up to and including a time; to be called once the events before it have been processed.
    ///
    /// - Complexity: O(groups of rules + log n) a key that is due.
    public func fireDeadlines(upTo time: Int64) {
        while let next = nextDeadline, next <= time {
            var index = 0
            while deadlineTimes[index] != next { index += 1 }
            let group = groups[index]
            guard let first = group.deadlines.popFirst() else { preconditionFailure("The times are those of the queues.") }
            deadlineTimes[index] = group.deadlines.firstTime
            if cold != nil { fetchAll(first.hash, group) }
            fire(first, of: group, upTo: time)
        }
    }

    private func push(_ time: Int64, _ hash: UInt64, _ group: GroupState) {
        group.deadlines.push(DeadlineQueue.Entry(time: time, hash: hash))
        deadlineTimes[group.index] = group.deadlines.firstTime
    }

    /// What one entry of the queue brings: as a rule to one key.
    private func fire(_ first: DeadlineQueue.Entry, of group: GroupState, upTo time: Int64) {
        var place: Int? = group.table.next(first.hash, from: nil)
        while let found = place, let base = group.table.slots[found].blob {
            let blob = Blob(base)
            if blob.armedDeadline == first.time || (blob.isArmedLoosely && first.time <= blob.armedDeadline) {
                blob.armedDeadline = .max
                blob.isArmedLoosely = false
                if blob.nextDeadline <= time {
                    fireDeadlines(of: group, at: found, upTo: time)
                    // Entries behind it may have moved here.
                    if group.table.slots[found].blob != base {
                        place = group.table.next(first.hash, from: nil)
                        continue
                    }
                }
                arm(group, Blob(base))
            }
            place = group.table.next(first.hash, from: found)
        }
    }

    /// A checkpoint holds a key of this hash that is due at a time; to be called before the first event. False where there is no such group.
    public func restoreDeadline(_ time: Int64, hash: UInt64, group: Int) -> Bool {
        guard groups.indices.contains(group) else { return false }
        push(time, hash, groups[group])
        return true
    }

    /// Fires what is due for one key, each deadline by itself in the order of time; frees the key where nothing is left.
    func fireDeadlines(of group: GroupState, at place: Int, upTo time: Int64) {
        guard let base = group.table.slots[place].blob else { return }
        willChange(base, group)
        let blob = Blob(base)
        evaluator.hasRow = false
        evaluator.blob = UnsafeRawPointer(base)
        evaluator.slots = UnsafePointer(group.slots)
        evaluator.slotCount = group.slotCount
        evaluator.key = blob.key
        evaluator.keyLength = blob.keyLength
        var index = 0
        while index < blob.sectionCount {
            let rule = group.rules[Int(blob.sections[index].rule)]
            if rule.hasDeadlines {
                while fireNext(rule, blob: blob, section: index, upTo: time) {}
                if blob.sections[index].count == 0 {
                    blob.removeSection(index)
                    continue
                }
            }
            index += 1
        }
        if blob.sectionCount == 0 {
            release(group, at: place)
        } else {
            blob.nextDeadline = nextDeadline(group, blob)
        }
    }

    /// Completes the threads of a section that are due first, and reports those that have run out of time; false where none is due.
    private func fireNext(_ rule: RuleTables, blob: Blob, section: Int, upTo time: Int64) -> Bool {
        let size = rule.recordSize
        let first = blob.base + Int(blob.sections[section].offset)
        let count = Int(blob.sections[section].count)
        var due = Int64.max
        for index in 0..<count { due = min(due, deadline(rule, first + index * size)) }
        guard due <= time, due != .max else { return false }

        completions.removeAll(keepingCapacity: true)
        for index in 0..<count {
            let record = first + index * size
            if completionTime(rule, record) == due {
                completions.append(completion(record, isTimeout: false))
            } else if rule.hasTimeout, endTime(rule, record) == due {
                completions.append(completion(record, isTimeout: true))
            }
        }
        keepLastTimeouts(rule, first: first, count: count, ending: due)
        forks.begin(recordSize: size)
        evaluator.now = due
        let drop = report(rule, row: nil, blob: blob.base, at: due)
        // Threads with the same captures share their last node.
        let completed = Set(completions.lazy.filter { !$0.isTimeout }.map(\.node))
        for index in 0..<count {
            let record = first + index * size
            if rule.hasTimeout && endTime(rule, record) == due {
                record.storeBytes(of: 0, toByteOffset: ThreadRecord.open, as: UInt64.self)
            } else if completed.contains(record.load(fromByteOffset: ThreadRecord.lastNode, as: UInt32.self)) {
                // A set of captures matches once, however many threads have it: what has completed has no other end.
                closeEnds(rule, record)
            }
        }
        markMatched(rule, blob: blob.base, section: section, survivors: count)
        var kept = apply(drop, rule, blob: blob.base, section: section, survivors: count)
        kept = removeClosed(rule, first: first, count: kept)
        blob.sections[section].count = UInt32(kept)
        return kept > 0
    }

    /// Closes the ends of the forks whose captures are a match already.
    func closeEndsOfMatches(_ rule: RuleTables) {
        guard rule.hasEnds else { return }
        for match in 0..<forks.count where forks.flags(match) & Forks.isMatch != 0 {
            for other in 0..<forks.count where forks.parent(other) == forks.parent(match) && forks.step(other) == forks.step(match) {
                let record = forks.record(other)
                closeEnds(rule, record)
                if record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self) == 0 {
                    forks.setFlags(other, forks.flags(other) & ~Forks.isKept)
                }
            }
        }
    }

    private func completion(_ record: UnsafeMutableRawPointer, isTimeout: Bool) -> Completion {
        Completion(
            isTimeout: isTimeout, record: record, node: record.load(fromByteOffset: ThreadRecord.lastNode, as: UInt32.self), step: -1,
            captures: Int(record.load(fromByteOffset: ThreadRecord.captures, as: UInt32.self)), first: Matcher.first(record))
    }

    /// Takes back the timeouts of threads with whose first event another one stays when those that end now are gone.
    ///
    /// - Complexity: O(threads) expected.
    private func keepLastTimeouts(_ rule: RuleTables, first: UnsafeMutableRawPointer, count: Int, ending due: Int64) {
        guard completions.contains(where: \.isTimeout) else { return }
        var staying: Set<Position> = []
        for index in 0..<count {
            let record = first + index * rule.recordSize
            if endTime(rule, record) != due { staying.insert(Matcher.first(record)) }
        }
        completions.removeAll { $0.isTimeout && staying.contains($0.first) }
    }

    func closeEnds(_ rule: RuleTables, _ record: UnsafeMutableRawPointer) {
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        var open = record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)
        for index in 0..<Int(set.edges.count) where rule.edges[Int(set.edges.start) + index].step == Edge.end {
            open &= ~(1 << UInt64(index))
        }
        record.storeBytes(of: open, toByteOffset: ThreadRecord.open, as: UInt64.self)
    }

    private func removeClosed(_ rule: RuleTables, first: UnsafeMutableRawPointer, count: Int) -> Int {
        let size = rule.recordSize
        var kept = 0
        for index in 0..<count {
            let record = first + index * size
            if record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self) == 0 { continue }
            if kept != index { memcpy(first + kept * size, record, size) }
            kept += 1
        }
        return kept
    }

    /// When a thread completes, or is reported as out of time, if nothing intervenes; `Int64.max` where neither comes by itself.
    @inline(__always)
    private func deadline(_ rule: RuleTables, _ record: UnsafeRawPointer) -> Int64 {
        let completion = completionTime(rule, record)
        return rule.hasTimeout ? min(completion, endTime(rule, record)) : completion
    }

    @inline(__always)
    private func completionTime(_ rule: RuleTables, _ record: UnsafeRawPointer) -> Int64 {
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        guard set.hasDeadline else { return .max }
        return ends(rule, set, record, open: record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)).earliest
    }

    /// When the last of a thread's open targets is lost to its time limit; `Int64.max` where one has no limit.
    private func endTime(_ rule: RuleTables, _ record: UnsafeRawPointer) -> Int64 {
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        let firstTime = record.load(fromByteOffset: ThreadRecord.firstTime, as: Int64.self)
        let lastTime = record.load(fromByteOffset: ThreadRecord.lastTime, as: Int64.self)
        var end = Int64.min
        var remaining = record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)
        while remaining != 0 {
            let bit = remaining & ~(remaining &- 1)
            let edge = rule.edges[Int(set.edges.start) + remaining.trailingZeroBitCount]
            remaining ^= bit
            var limit: Int64
            if edge.step == Edge.end {
                limit = ends(rule, set, record, open: bit).latest
            } else {
                limit = min(firstTime.addingSaturating(rule.within), lastTime.addingSaturating(edge.limit))
                for index in Int(edge.rounds.start)..<Int(edge.rounds.start + edge.rounds.count) {
                    let round = rule.rounds[index]
                    limit = min(limit, record.load(fromByteOffset: Int(round.offset), as: Int64.self).addingSaturating(round.limit))
                }
            }
            end = max(end, limit)
        }
        return end
    }

    func lastDeadline(_ rule: RuleTables, _ record: UnsafeRawPointer) -> Int64 {
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        return ends(rule, set, record, open: set.allEdges).latest
    }

    /// Of several trailing guards the last to end completes; of several ways to end the earliest is next.
    private func ends(_ rule: RuleTables, _ set: TargetSet, _ record: UnsafeRawPointer, open: UInt64) -> (earliest: Int64, latest: Int64) {
        var earliest = Int64.max, latest = Int64.min
        var remaining = open
        while remaining != 0 {
            let edge = rule.edges[Int(set.edges.start) + remaining.trailingZeroBitCount]
            remaining &= remaining - 1
            guard edge.step == Edge.end else { continue }
            var time = Int64.min
            if edge.completesAtWithin {
                time = record.load(fromByteOffset: ThreadRecord.firstTime, as: Int64.self).addingSaturating(rule.within)
            }
            if edge.completesAfter >= 0 {
                let last = record.load(fromByteOffset: ThreadRecord.lastTime, as: Int64.self)
                time = max(time, last.addingSaturating(edge.completesAfter))
            }
            earliest = min(earliest, time)
            latest = max(latest, time)
        }
        return (earliest, latest)
    }

    func nextDeadline(_ group: GroupState, _ blob: Blob) -> Int64 {
        var next = Int64.max
        for index in 0..<blob.sectionCount {
            let section = blob.sections[index]
            let rule = group.rules[Int(section.rule)]
            guard rule.hasDeadlines else { continue }
            for thread in 0..<Int(section.count) {
                next = min(next, deadline(rule, blob.base + Int(section.offset) + thread * rule.recordSize))
            }
        }
        return next
    }

    /// Sees to it that the queue knows of a key's next deadline.
    func arm(_ group: GroupState, _ blob: Blob) {
        let next = nextDeadline(group, blob)
        blob.nextDeadline = next
        guard next < blob.armedDeadline else { return }
        blob.armedDeadline = next
        blob.isArmedLoosely = false
        push(next, blob.hash, group)
    }
}

extension Int64 {
    /// The sum, or the nearest end of the range.
    @inline(__always)
    func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
