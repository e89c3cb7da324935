internal import Events
internal import Glibc

/// One event against the threads of one rule and key: section 4 of the language, on flat memory.
extension Matcher {
    func advance(_ rule: RuleTables, row: EventRow, mask: UInt64, cursor: inout KeyCursor) {
        if rule.isCounted { return advanceCounted(rule, row: row, mask: mask, cursor: &cursor) }
        var sectionIndex = -1
        if let base = cursor.blob {
            let blob = Blob(base)
            sectionIndex = blob.findSection(rule.local)
            if sectionIndex >= 0 && mask & rule.cancelMask != 0 && isCancelled(rule, mask: mask, blob: base) {
                blob.removeSection(sectionIndex)
                sectionIndex = -1
            }
        }
        let startBits = mask & rule.startMask
        if sectionIndex < 0 && startBits == 0 { return }

        forks.begin(recordSize: rule.recordSize)
        var survivors = 0
        if sectionIndex >= 0, let base = cursor.blob {
            evaluator.blob = UnsafeRawPointer(base)
            survivors = advanceThreads(rule, row: row, mask: mask, blob: base, section: sectionIndex)
        }
        if startBits != 0 { start(rule, row: row, mask: mask) }
        rule.counters.typeMismatches &+= evaluator.typeMismatches
        evaluator.typeMismatches = 0
        rule.counters.regexLimitHits &+= evaluator.regexLimitHits
        evaluator.regexLimitHits = 0

        var started = false
        if forks.count > 0 {
            collectMatches(rule)
            if !completions.isEmpty {
                let drop = report(rule, row: row, blob: cursor.blob, at: row.time)
                markMatched(rule, blob: cursor.blob, section: sectionIndex, survivors: survivors)
                survivors = apply(drop, rule, blob: cursor.blob, section: sectionIndex, survivors: survivors)
                closeEndsOfMatches(rule)
            }
            if rule.hasDomination { survivors = dropDominated(rule, blob: cursor.blob, section: sectionIndex, survivors: survivors) }
            started = store(rule, row: row, survivors: survivors, section: sectionIndex, cursor: &cursor)
        }
        guard !started, sectionIndex >= 0, let base = cursor.blob else { return }
        if survivors == 0 {
            Blob(base).removeSection(sectionIndex)
        } else {
            Blob(base).sections[sectionIndex].count = UInt32(survivors)
        }
    }

    func isCancelled(_ rule: RuleTables, mask: UInt64, blob: UnsafeMutableRawPointer) -> Bool {
        var bits = mask & rule.cancelMask
        while bits != 0 {
            let bit = bits.trailingZeroBitCount
            bits &= bits - 1
            if rule.residuals[bit].count == 0 || evaluator.isTrue(rule.residuals[bit]) { return true }
        }
        return false
    }

    /// Looks at every thread of a section, moves those that go on to the front, and collects the forks. Nothing else moves.
    private func advanceThreads(
        _ rule: RuleTables, row: EventRow, mask: UInt64, blob: UnsafeMutableRawPointer, section: Int
    ) -> Int {
        let place = Blob(blob).sections[section]
        let size = rule.recordSize
        let first = blob + Int(place.offset)
        var kept = 0
        for index in 0..<Int(place.count) {
            let record = first + index &* size
            guard advanceThread(rule, row: row, mask: mask, record: record) else { continue }
            if kept != index { memcpy(first + kept &* size, record, size) }
            kept += 1
        }
        return kept
    }

    /// False where the thread does not go on.
    @inline(__always)
    private func advanceThread(_ rule: RuleTables, row: EventRow, mask: UInt64, record: UnsafeMutableRawPointer) -> Bool {
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        let time = row.time
        let firstTime = record.load(fromByteOffset: ThreadRecord.firstTime, as: Int64.self)
        let isTooLate = time &- firstTime >= rule.within
        if isTooLate && !set.hasDeadline { return false }
        if mask & set.interest == 0 && !isTooLate { return true }

        let lastTime = record.load(fromByteOffset: ThreadRecord.lastTime, as: Int64.self)
        let flags = record.load(fromByteOffset: ThreadRecord.flags, as: UInt32.self)
        let isFresh = flags & ThreadRecord.isFresh != 0
        let elapsed = time &- lastTime
        let before = record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)
        var open = before
        var isTaken = false
        evaluator.record = UnsafeRawPointer(record)

        var remaining = before
        while remaining != 0 {
            let bit = remaining & ~(remaining &- 1)
            let edge = rule.edges + Int(set.edges.start) + remaining.trailingZeroBitCount
            remaining ^= bit
            let isEnd = edge.pointee.step == Edge.end
            if !isEnd && (isTooLate || elapsed >= edge.pointee.limit || isRoundOver(rule, edge, record, time)) {
                open &= ~bit
                continue
            }
            var isBarred = false
            if edge.pointee.until >= 0 && qualifies(rule, bit: Int(edge.pointee.until), mask: mask) {
                if edge.pointee.untilEnds {
                    open &= ~bit
                    continue
                }
                isBarred = true
            }
            var isGuardHit = false
            if edge.pointee.guards.count > 0 {
                let (hit, bars) = testGuards(
                    rule, edge, mask: mask, elapsed: elapsed, isFresh: isFresh, isTooLate: isTooLate)
                isGuardHit = hit
                isBarred = isBarred || bars
            }
            if !isEnd && !isBarred && qualifies(rule, bit: Int(edge.pointee.step), mask: mask) {
                fork(rule, row: row, edge: edge, parent: record)
                evaluator.record = UnsafeRawPointer(record)
                if edge.pointee.contiguity == .then { isTaken = true }
            }
            if isGuardHit || (!isEnd && edge.pointee.contiguity == .next) { open &= ~bit }
        }
        if isTaken || open == 0 { return false }
        if open != before { record.storeBytes(of: open, toByteOffset: ThreadRecord.open, as: UInt64.self) }
        if isFresh { record.storeBytes(of: flags & ~ThreadRecord.isFresh, toByteOffset: ThreadRecord.flags, as: UInt32.self) }
        return true
    }

    /// Whether an event satisfies a step or a predicate, as far as this thread's captures are asked for.
    @inline(__always)
    private func qualifies(_ rule: RuleTables, bit: Int, mask: UInt64) -> Bool {
        guard mask >> UInt64(bit) & 1 == 1 else { return false }
        let residual = rule.residuals[bit]
        return residual.count == 0 || evaluator.isTrue(residual)
    }

    @inline(__always)
    private func isRoundOver(_ rule: RuleTables, _ edge: UnsafePointer<Edge>, _ record: UnsafeRawPointer, _ time: Int64) -> Bool {
        let range = edge.pointee.rounds
        for index in Int(range.start)..<Int(range.start + range.count) {
            let round = rule.rounds[index]
            if time &- record.load(fromByteOffset: Int(round.offset), as: Int64.self) >= round.limit { return true }
        }
        return false
    }

    /// Whether none of a thread's targets can be reached any more.
    func isOutOfTime(_ rule: RuleTables, _ record: UnsafeRawPointer, at time: Int64) -> Bool {
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        let isTooLate = time &- record.load(fromByteOffset: ThreadRecord.firstTime, as: Int64.self) >= rule.within
        let elapsed = time &- record.load(fromByteOffset: ThreadRecord.lastTime, as: Int64.self)
        var remaining = record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)
        while remaining != 0 {
            let edge = rule.edges + Int(set.edges.start) + remaining.trailingZeroBitCount
            remaining &= remaining &- 1
            if edge.pointee.step == Edge.end { return false }
            if !isTooLate && elapsed < edge.pointee.limit && !isRoundOver(rule, edge, record, time) { return false }
        }
        return true
    }

    /// `hit`: the event qualifies for a guard, and the thread that goes on loses the target. `bars`: nor may the target capture it.
    private func testGuards(
        _ rule: RuleTables, _ edge: UnsafePointer<Edge>, mask: UInt64, elapsed: Int64, isFresh: Bool, isTooLate: Bool
    ) -> (hit: Bool, bars: Bool) {
        var hit = false, bars = false
        let range = edge.pointee.guards
        for index in Int(range.start)..<Int(range.start + range.count) {
            let edgeGuard = rule.guards[index]
            // A guard without a limit of its own ends with the pattern's `within`.
            if isTooLate && edgeGuard.limit == Edge.unlimited { continue }
            guard elapsed < edgeGuard.limit, !edgeGuard.isNext || isFresh else { continue }
            if qualifies(rule, bit: Int(edgeGuard.bit), mask: mask) {
                hit = true
                if edgeGuard.isNext { bars = true }
            }
        }
        return (hit, bars)
    }

    /// A new thread may begin at every event.
    private func start(_ rule: RuleTables, row: EventRow, mask: UInt64) {
        memset(draft, 0, rule.recordSize)
        evaluator.record = UnsafeRawPointer(draft)
        for index in Int(rule.initialSets.start)..<Int(rule.initialSets.start + rule.initialSets.count) {
            let set = rule.sets[index]
            for edgeIndex in Int(set.edges.start)..<Int(set.edges.start + set.edges.count) {
                let edge = rule.edges + edgeIndex
                guard edge.pointee.step != Edge.end else { continue }
                if edge.pointee.until >= 0 && qualifies(rule, bit: Int(edge.pointee.until), mask: mask) { continue }
                guard qualifies(rule, bit: Int(edge.pointee.step), mask: mask) else { continue }
                fork(rule, row: row, edge: edge, parent: nil)
                memset(draft, 0, rule.recordSize)
                evaluator.record = UnsafeRawPointer(draft)
            }
        }
    }

    /// Captures the event along an edge: one new thread for each target set that the step now has.
    private func fork(_ rule: RuleTables, row: EventRow, edge: UnsafePointer<Edge>, parent: UnsafeMutableRawPointer?) {
        let size = rule.recordSize
        var parentNode: UInt32 = 0
        var flags = ThreadRecord.isFresh
        if let parent {
            memcpy(draft, parent, size)
            flags |= parent.load(fromByteOffset: ThreadRecord.flags, as: UInt32.self)
            parentNode = parent.load(fromByteOffset: ThreadRecord.lastNode, as: UInt32.self)
            let captures = parent.load(fromByteOffset: ThreadRecord.captures, as: UInt32.self)
            draft.storeBytes(of: captures &+ 1, toByteOffset: ThreadRecord.captures, as: UInt32.self)
        } else {
            memset(draft, 0, size)
            draft.storeBytes(of: row.time, toByteOffset: ThreadRecord.firstTime, as: Int64.self)
            draft.storeBytes(of: row.arrival, toByteOffset: ThreadRecord.firstArrival, as: UInt64.self)
            draft.storeBytes(of: 1, toByteOffset: ThreadRecord.captures, as: UInt32.self)
            rule.counters.started &+= 1
        }
        draft.storeBytes(of: 0, toByteOffset: ThreadRecord.lastNode, as: UInt32.self)
        draft.storeBytes(of: row.time, toByteOffset: ThreadRecord.lastTime, as: Int64.self)
        draft.storeBytes(of: flags, toByteOffset: ThreadRecord.flags, as: UInt32.self)

        let operations = edge.pointee.operations
        for index in Int(operations.start)..<Int(operations.start + operations.count) { perform(rule.operations[index], time: row.time) }
        let step = Int(edge.pointee.step)
        let feeds = rule.stepAggregateRanges[step]
        for index in Int(feeds.start)..<Int(feeds.start + feeds.count) {
            let aggregate = rule.aggregates[Int(rule.stepAggregates[index])]
            let value = aggregate.column < 0 ? Scalar.boolean(true) : row.view.value(column: aggregate.column, row: row.row)
            feed(aggregate, value, of: CapturedEvent.current)
        }

        let sets = setRange(rule, step: step)
        for index in Int(sets.start)..<Int(sets.start + sets.count) {
            let set = rule.sets[index]
            draft.storeBytes(of: UInt32(index), toByteOffset: ThreadRecord.set, as: UInt32.self)
            draft.storeBytes(of: set.allEdges, toByteOffset: ThreadRecord.open, as: UInt64.self)
            if forks.hasTwin(of: draft, parent: parentNode, step: step) { continue }
            let marks = (set.isFinal ? Forks.isMatch : 0) | (set.edges.count > 0 ? Forks.isKept : 0)
            forks.append(draft, parent: parentNode, step: step, flags: marks)
        }
    }

    @inline(__always)
    private func perform(_ operation: RegisterOperation, time: Int64) {
        let register = draft + Int(operation.offset)
        switch operation.kind {
        case .enterLoop: register.storeBytes(of: 0, as: UInt16.self)
        case .countRound:
            let rounds = register.load(as: UInt16.self)
            if rounds < operation.operand { register.storeBytes(of: rounds + 1, as: UInt16.self) }
        case .enterAll: register.storeBytes(of: 0, as: UInt8.self)
        case .finishMember:
            register.storeBytes(of: register.load(as: UInt8.self) | UInt8(truncatingIfNeeded: operation.operand), as: UInt8.self)
        case .beginRound: register.storeBytes(of: time, as: Int64.self)
        }
    }

    /// Lets a value of a captured event count in a register of the draft.
    func feed(_ aggregate: AggregateRegister, _ value: Scalar, of event: UInt32) {
        let register = draft + aggregate.offset
        if value.isUnknown { return }
        switch aggregate.kind {
        case .count:
            register.storeBytes(of: register.load(as: UInt64.self) &+ 1, as: UInt64.self)
        case .sum:
            ExactSum.add(value, to: register)
        case .sumOfSquares:
            ExactSquares.add(value, to: register)
        case .distinct:
            feedDistinct(aggregate, value, register: register)
        case .first:
            if register.load(as: UInt32.self) == 0 { register.storeBytes(of: event, as: UInt32.self) }
        case .last:
            register.storeBytes(of: event, as: UInt32.self)
        case .minimum, .maximum:
            let best = register.load(as: UInt32.self)
            if best == 0 {
                // Truth values have no least and no greatest.
                if value.isComparable && value.kind != ValueKind.boolean { register.storeBytes(of: event, as: UInt32.self) }
            } else if let order = compareScalars(value, evaluator.capturedValue(best, column: aggregate.column)),
                aggregate.kind == .minimum ? order < 0 : order > 0
            {
                register.storeBytes(of: event, as: UInt32.self)
            }
        }
    }

    /// The target sets of the step that the draft has just captured.
    @inline(__always)
    private func setRange(_ rule: RuleTables, step: Int) -> IndexRange {
        let lookup = rule.lookups[step]
        var number = 0
        for index in Int(lookup.digits.start)..<Int(lookup.digits.start + lookup.digits.count) {
            let digit = rule.digits[index]
            switch digit.kind {
            case .loop:
                let rounds = draft.load(fromByteOffset: Int(digit.offset), as: UInt16.self) &+ 1
                let status = rounds < digit.minimum ? 0 : digit.maximum == 0 || rounds < digit.maximum ? 1 : 2
                number += status * Int(digit.stride)
            case .all:
                let done = draft.load(fromByteOffset: Int(digit.offset), as: UInt8.self) | UInt8(truncatingIfNeeded: digit.minimum)
                number += Int(done) * Int(digit.stride)
            }
        }
        return rule.setRanges[Int(lookup.firstRange) + number]
    }
}
