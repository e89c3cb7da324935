internal import Events
internal import Glibc

/// An event in the queue of a counted loop.
///
///     0 event   4 nothing   8 time
enum QueueEntry {
    static let size = 16

    @inline(__always)
    static func event(_ entry: UnsafeRawPointer) -> UInt32 { entry.load(as: UInt32.self) }

    @inline(__always)
    static func time(_ entry: UnsafeRawPointer) -> Int64 { entry.load(fromByteOffset: 8, as: Int64.self) }
}

/// Rules whose threads are places in a queue of events; see ``CountedLoop``. The thread that began at place *i* of *k* has captured
/// the events from there on, as many as the loop may. So of two threads the older is never behind, and what the younger waits for
/// the older has seen; only time can end the older one first.
///
/// - Complexity: O(1) amortised an event, and O(captures) a match.
extension Matcher {
    /// The queue of a section while an event is worked.
    private struct Queue {
        var entries: UnsafeMutableRawPointer
        var head: Int
        var count: Int

        init(_ section: Section, in blob: UnsafeMutableRawPointer) {
            entries = blob + Int(section.offset)
            head = Int(section.starts)
            count = Int(section.count)
        }

        @inline(__always)
        subscript(index: Int) -> UnsafeMutableRawPointer { entries + (head + index) * QueueEntry.size }

        @inline(__always)
        mutating func dropFirst(_ number: Int) {
            head += number
            count -= number
        }
    }

    func advanceCounted(_ rule: RuleTables, row: EventRow, mask: UInt64, cursor: inout KeyCursor) {
        let loop = rule.countedLoop
        let takes = mask >> UInt64(loop.step) & 1 == 1
        var section = -1
        if let base = cursor.blob {
            section = Blob(base).findSection(rule.local)
            if section >= 0 && mask & rule.cancelMask != 0 && isCancelled(rule, mask: mask, blob: base) {
                Blob(base).removeSection(section)
                section = -1
            }
        }
        guard section >= 0 || takes else { return }
        if takes { rule.counters.started &+= 1 }

        var queue = Queue(Section(rule: 0, count: 0, capacity: 0, offset: 0, starts: 0), in: draft)
        if section >= 0, let base = cursor.blob {
            queue = Queue(Blob(base).sections[section], in: base)
            while queue.count > 0 && row.time &- QueueEntry.time(queue[0]) >= rule.within { queue.dropFirst(1) }
        }
        let completes = loop.end.map { mask >> UInt64($0) & 1 == 1 && queue.count >= loop.minimum } ?? (takes && queue.count + 1 >= loop.minimum)
        var isDropped = false
        if completes { isDropped = reportCounted(rule, &queue, row: row, blob: cursor.blob) }
        if mask & loop.guards != 0 && queue.count >= loop.minimum { queue.dropFirst(queue.count - loop.minimum + 1) }
        if takes && !isDropped {
            append(rule, row: row, &queue, section: section, cursor: &cursor)
        } else if section >= 0, let base = cursor.blob {
            if queue.count == 0 {
                Blob(base).removeSection(section)
            } else {
                Blob(base).sections[section].count = UInt32(queue.count)
                Blob(base).sections[section].starts = UInt32(queue.head)
            }
        }
    }

    /// Reports what the event at hand completes, and drops what the policy says; true where that is also what begins at the event.
    private func reportCounted(_ rule: RuleTables, _ queue: inout Queue, row: EventRow, blob: UnsafeMutableRawPointer?) -> Bool {
        let loop = rule.countedLoop
        guard loop.end != nil else {
            report(rule, queue, captures: loop.minimum - 1, row: row, blob: blob, ordinal: 0)
            let isOwn = queue.count < loop.minimum - 1 || loop.minimum == 1
            if rule.policy == .skipPastLast {
                queue.count = 0
                return true
            }
            if !isOwn { queue.dropFirst(1) }
            return isOwn
        }
        var ordinal = 0
        while queue.count >= loop.minimum {
            report(rule, queue, captures: min(queue.count, loop.maximum), row: row, blob: blob, ordinal: ordinal)
            if rule.policy == .skipPastLast {
                queue.count = 0
                return true
            }
            queue.dropFirst(1)
            ordinal += 1
        }
        return false
    }

    /// Reports the match of so many events at the head of the queue and the event at hand.
    private func report(_ rule: RuleTables, _ queue: Queue, captures: Int, row: EventRow, blob: UnsafeMutableRawPointer?, ordinal: Int) {
        let loop = rule.countedLoop
        rule.counters.matches &+= 1
        chains.left.removeAll()
        for index in 0..<captures {
            guard let blob else { break }
            let event = QueueEntry.event(queue[index])
            let record = UnsafeRawPointer(blob + Int(event))
            chains.left.links.append(
                ChainScratch.Link(
                    position: Position(time: CapturedEvent.time(record), arrival: CapturedEvent.arrival(record)), step: loop.step, event: event))
        }
        chains.left.links.append(
            ChainScratch.Link(
                position: Position(time: row.time, arrival: row.arrival), step: loop.end ?? loop.step, event: CapturedEvent.current))

        // What a thread's registers would hold.
        memset(draft, 0, rule.program.record.size)
        if let blob { evaluator.blob = UnsafeRawPointer(blob) }
        for index in 0...captures {
            let link = chains.left.links[index]
            let feeds = rule.stepAggregateRanges[link.step]
            for place in Int(feeds.start)..<Int(feeds.start + feeds.count) {
                let aggregate = rule.aggregates[Int(rule.stepAggregates[place])]
                let value = aggregate.column < 0 ? Scalar.boolean(true) : evaluator.capturedValue(link.event, column: aggregate.column)
                feed(aggregate, value, of: link.event)
            }
        }
        renderLinked(
            rule,
            Completion(
                isTimeout: false, record: draft, node: 0, step: loop.end ?? loop.step, captures: captures + 1, first: chains.left.links[0].position),
            row: row, blob: blob, at: row.time, ordinal: ordinal)
    }

    /// Puts the event at hand behind the queue.
    private func append(_ rule: RuleTables, row: EventRow, _ queue: inout Queue, section: Int, cursor: inout KeyCursor) {
        var section = section
        if queue.count >= rule.openMax {
            rule.counters.openDropped &+= UInt64(queue.count - rule.openMax + 1)
            queue.dropFirst(queue.count - rule.openMax + 1)
        }
        if section >= 0, let base = cursor.blob {
            Blob(base).sections[section].count = UInt32(queue.count)
            Blob(base).sections[section].starts = UInt32(queue.head)
        }
        let eventSize = sizeToCapture(row, cursor)
        forks.begin(recordSize: rule.recordSize)
        makeQueueRoom(rule, eventSize: eventSize, count: queue.count, section: &section, cursor: &cursor)
        guard section >= 0, let base = cursor.blob else {
            rule.counters.stateFull &+= 1
            return
        }
        let blob = Blob(base)
        let event = capture(row, blob, size: eventSize, &cursor)
        queue = Queue(blob.sections[section], in: base)
        let entry = queue[queue.count]
        entry.storeBytes(of: UInt64(UInt32(event)), as: UInt64.self)
        entry.storeBytes(of: row.time, toByteOffset: 8, as: Int64.self)
        blob.sections[section].count = UInt32(queue.count + 1)
        blob.expiresAt = max(blob.expiresAt, row.time.addingSaturating(rule.within))
    }

    /// Makes sure of a section with room for one more entry behind its last, and of the event's bytes; no section where the key's state
    /// is full.
    private func makeQueueRoom(_ rule: RuleTables, eventSize: Int, count: Int, section: inout Int, cursor: inout KeyCursor) {
        let size = QueueEntry.size
        guard let base = cursor.blob else {
            let base = createBlob(rule, needed: eventSize + size, cursor: &cursor)
            cursor.blob = base
            section = Blob(base).insertSection(rule.local)
            growQueue(Blob(base), section, capacity: 1)
            return
        }
        var blob = Blob(base)
        let capacity = count + count / 2 + 1
        if section >= 0 { makeRoomAtHead(blob, section) }
        var grows = section < 0 || isQueueFull(blob.sections[section])
        if blob.free < eventSize + (grows ? capacity * size : 0) || (section < 0 && blob.sectionCount == blob.sectionCapacity) {
            guard blob.used + eventSize + 2 * capacity * size <= Blob.bytesMax else {
                section = -1
                return
            }
            rebuild(rule, extra: eventSize + capacity * size, cursor: &cursor)
            blob = Blob(cursor.blob.unsafelyUnwrapped)
            grows = section < 0 || isQueueFull(blob.sections[section])
        }
        if section < 0 { section = blob.insertSection(rule.local) }
        if grows { growQueue(blob, section, capacity: capacity) }
    }

    @inline(__always)
    private func isQueueFull(_ section: Section) -> Bool { section.starts + section.count >= section.capacity }

    /// Moves a queue that has come to the end of its room to its beginning, where half of that is free again.
    private func makeRoomAtHead(_ blob: Blob, _ index: Int) {
        let section = blob.sections[index]
        guard isQueueFull(section), section.starts > section.capacity / 2 else { return }
        let entries = blob.base + Int(section.offset)
        memmove(entries, entries + Int(section.starts) * QueueEntry.size, Int(section.count) * QueueEntry.size)
        blob.sections[index].starts = 0
    }

    private func growQueue(_ blob: Blob, _ index: Int, capacity: Int) {
        let section = blob.sections[index]
        let offset = blob.take(capacity * QueueEntry.size)
        if section.count > 0 {
            memcpy(
                blob.base + offset, blob.base + Int(section.offset) + Int(section.starts) * QueueEntry.size,
                Int(section.count) * QueueEntry.size)
        }
        blob.sections[index].offset = UInt32(offset)
        blob.sections[index].capacity = UInt32(capacity)
        blob.sections[index].starts = 0
    }
}
