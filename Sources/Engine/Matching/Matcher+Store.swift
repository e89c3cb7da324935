internal import Events
internal import Glibc

/// Writing the threads that an event brought forth into the key's blob.
extension Matcher {
    /// Writes the kept forks behind the survivors of a section; false where there are none to write.
    func store(_ rule: RuleTables, row: EventRow, survivors: Int, section: Int, cursor: inout KeyCursor) -> Bool {
        var kept = 0
        for index in 0..<forks.count where forks.flags(index) & Forks.isKept != 0 { kept += 1 }
        guard kept > 0 else { return false }

        let size = rule.recordSize
        let eventSize = sizeToCapture(row, cursor)
        let needed = eventSize + kept * CaptureNode.size * (1 + rule.distinctCount)
        var sectionIndex = section
        if let base = cursor.blob, section >= 0 { Blob(base).sections[section].count = UInt32(survivors) }
        if let base = cursor.blob, Blob(base).used + needed + kept * size > Blob.bytesMax {
            rebuild(rule, extra: 0, cursor: &cursor)
            if let base = cursor.blob, Blob(base).used + needed + kept * size > Blob.bytesMax {
                rule.counters.stateFull &+= 1
                return false
            }
        }
        makeRoom(rule, needed: needed, records: kept, section: &sectionIndex, cursor: &cursor)

        let base = cursor.blob.unsafelyUnwrapped
        let blob = Blob(base)
        let event = capture(row, blob, size: eventSize, &cursor)

        let records = base + Int(blob.sections[sectionIndex].offset)
        var count = survivors
        var expiry = blob.expiresAt
        var starts = 0
        for index in 0..<forks.count where forks.flags(index) & Forks.isKept != 0 {
            let node = writeNode(index, event: UInt32(event), blob: blob)
            let record = records + count * size
            memcpy(record, forks.record(index), size)
            record.storeBytes(of: node, toByteOffset: ThreadRecord.lastNode, as: UInt32.self)
            for reference in 0..<rule.referenceCount {
                let place = record + Int(rule.references[reference])
                if place.load(as: UInt32.self) == CapturedEvent.current { place.storeBytes(of: UInt32(event), as: UInt32.self) }
            }
            if rule.distinctCount > 0 { storeDistinct(rule, record, event: UInt32(event), blob: blob) }
            expiry = max(expiry, expiryTime(rule, record))
            if forks.parent(index) == 0 { starts = 1 }
            count += 1
        }
        blob.expiresAt = expiry
        blob.sections[sectionIndex].count = UInt32(count)
        blob.sections[sectionIndex].starts += UInt32(starts)
        if starts > 0 && Int(blob.sections[sectionIndex].starts) > rule.openMax {
            enforceOpenLimit(rule, blob: blob, section: sectionIndex, at: row.time)
        }
        return true
    }

    /// Bytes that the event at hand still needs in the key's blob: none where a rule before this one has captured it.
    @inline(__always)
    func sizeToCapture(_ row: EventRow, _ cursor: KeyCursor) -> Int {
        cursor.event != 0
            ? 0 : CapturedEvent.size(of: row, columns: UnsafePointer(cursor.group.slotColumns), slotCount: cursor.group.slotCount)
    }

    /// Where the event at hand stands in the blob, once for all rules that capture it; `size` is what
    /// ``sizeToCapture(_:_:)`` said, and the caller has made sure of the room.
    @inline(__always)
    func capture(_ row: EventRow, _ blob: Blob, size: Int, _ cursor: inout KeyCursor) -> Int {
        if cursor.event != 0 { return Int(cursor.event) }
        let event = blob.take(size)
        CapturedEvent.write(
            row, columns: UnsafePointer(cursor.group.slotColumns), slotCount: cursor.group.slotCount, size: size, to: blob.base + event)
        cursor.event = UInt32(event)
        return event
    }

    /// The node of a fork's new capture, shared with an earlier fork from the same captures.
    private func writeNode(_ index: Int, event: UInt32, blob: Blob) -> UInt32 {
        let parent = forks.parent(index), step = forks.step(index)
        var other = index - 1
        while other >= 0 && index - other <= 32 {
            if forks.parent(other) == parent && forks.step(other) == step {
                let node = forks.entry(other).load(fromByteOffset: 12, as: UInt32.self)
                if node != 0 {
                    forks.entry(index).storeBytes(of: node, toByteOffset: 12, as: UInt32.self)
                    return node
                }
            }
            other -= 1
        }
        let node = blob.take(CaptureNode.size)
        CaptureNode.write(previous: parent, event: event, step: step, to: blob.base + node)
        forks.entry(index).storeBytes(of: UInt32(node), toByteOffset: 12, as: UInt32.self)
        return UInt32(node)
    }

    /// Makes sure of a blob with a section that has room for more records, and of free bytes beside.
    private func makeRoom(_ rule: RuleTables, needed: Int, records: Int, section: inout Int, cursor: inout KeyCursor) {
        let size = rule.recordSize
        guard let base = cursor.blob else {
            cursor.blob = createBlob(rule, needed: needed + Matcher.grownCapacity(records) * size, cursor: &cursor)
            section = Blob(cursor.blob.unsafelyUnwrapped).insertSection(rule.local)
            growSection(rule, section, by: records, blob: Blob(cursor.blob.unsafelyUnwrapped))
            return
        }
        var blob = Blob(base)
        let place = section >= 0 ? blob.sections[section] : Section(rule: 0, count: 0, capacity: 0, offset: 0, starts: 0)
        let wanted = Int(place.count) + records
        let grows = wanted > Int(place.capacity)
        let bytes = needed + (grows ? Matcher.grownCapacity(wanted) * size : 0)
        if blob.free < bytes || (section < 0 && blob.sectionCount == blob.sectionCapacity) {
            rebuild(rule, extra: needed + Matcher.grownCapacity(wanted) * size, cursor: &cursor)
            blob = Blob(cursor.blob.unsafelyUnwrapped)
        }
        if section < 0 { section = blob.insertSection(rule.local) }
        if wanted > Int(blob.sections[section].capacity) { growSection(rule, section, by: records, blob: blob) }
    }

    /// Room for so many records, and some for those to come.
    static func grownCapacity(_ count: Int) -> Int {
        count <= 2 ? count : count + count / 2
    }

    /// Moves a section's records to a larger place in the arena, whose bytes the caller has made sure of.
    private func growSection(_ rule: RuleTables, _ index: Int, by records: Int, blob: Blob) {
        let count = Int(blob.sections[index].count)
        let capacity = Matcher.grownCapacity(count + records)
        let offset = blob.take(capacity * rule.recordSize)
        if count > 0 { memcpy(blob.base + offset, blob.base + Int(blob.sections[index].offset), count * rule.recordSize) }
        blob.sections[index].offset = UInt32(offset)
        blob.sections[index].capacity = UInt32(capacity)
    }

    func createBlob(_ rule: RuleTables, needed: Int, cursor: inout KeyCursor) -> UnsafeMutableRawPointer {
        let group = cursor.group
        let directory = min(2, group.rules.count)
        let start = Blob.arenaStart(keyLength: cursor.keyLength)
        let bytes = start + directory * MemoryLayout<Section>.stride + needed
        let sizeClass = BlobAllocator.sizeClass(bytes)
        let base = allocator.allocate(sizeClass)
        let blob = Blob(base)
        base.storeBytes(of: Blob.format, as: UInt32.self)
        blob.sizeClass = sizeClass
        blob.group = group.index
        blob.hash = cursor.hash
        blob.nextDeadline = .max
        blob.armedDeadline = .max
        blob.expiresAt = .min
        blob.keyLength = cursor.keyLength
        blob.sectionCount = 0
        blob.sectionCapacity = directory
        blob.sectionOffset = start
        memcpy(base + Blob.headerSize, cursor.key, cursor.keyLength)
        blob.used = start + directory * MemoryLayout<Section>.stride

        // Before the table grows, all of it is looked through.
        let looksAtAll = group.table.isFull
        let keys = group.table.count
        if looksAtAll {
            sweepExpired(group, watermark: watermark)
            if group.table.isFull { group.table.grow() }
        } else {
            sweepSome(group)
        }
        if looksAtAll || group.table.count != keys { cursor.place = group.table.find(cursor.hash, cursor.key, cursor.keyLength).place }
        group.table.insert(cursor.hash, base, at: cursor.place)
        base.storeBytes(of: 0, toByteOffset: 60, as: UInt32.self)
        willChange(base, group)
        return base
    }

    /// From this time on the thread cannot be alive.
    private func expiryTime(_ rule: RuleTables, _ record: UnsafeRawPointer) -> Int64 {
        let first = record.load(fromByteOffset: ThreadRecord.firstTime, as: Int64.self)
        let (end, overflow) = first.addingReportingOverflow(rule.within)
        if overflow { return .max }
        let set = rule.sets[Int(record.load(as: UInt32.self))]
        guard set.hasDeadline else { return end }
        // A deadline of its own may lie behind `within`, and takes effect at that very time.
        return max(end, lastDeadline(rule, record)) &+ 1
    }

    /// `limit`: most open matches of a key, counted by their first events.
    ///
    /// - Complexity: O(threads), and so no more than what every event of the rule costs a key with so many.
    private func enforceOpenLimit(_ rule: RuleTables, blob: Blob, section: Int, at time: Int64) {
        let size = rule.recordSize
        let first = blob.base + Int(blob.sections[section].offset)
        var count = Int(blob.sections[section].count)
        // Threads that have run out of time stay until an event concerns them; they are open no more.
        var alive = 0
        var isAscending = true
        var starts = 0
        var previous: Position?
        for index in 0..<count {
            let record = first + index * size
            if isOutOfTime(rule, record, at: time) { continue }
            if alive != index { memcpy(first + alive * size, record, size) }
            alive += 1
            let position = Matcher.first(record)
            if position == previous { continue }
            if let previous, position < previous { isAscending = false }
            previous = position
            starts += 1
        }
        count = alive
        if !isAscending { starts = startTable.count(of: first, count, size) }
        while starts > rule.openMax {
            var victim = Matcher.first(first)
            for index in 1..<count {
                let position = Matcher.first(first + index * size)
                if rule.openDropsNewest ? victim < position : position < victim { victim = position }
            }
            starts -= 1
            rule.counters.openDropped &+= 1
            var kept = 0
            for index in 0..<count {
                let record = first + index * size
                if Matcher.first(record) == victim { continue }
                if kept != index { memcpy(first + kept * size, record, size) }
                kept += 1
            }
            count = kept
        }
        blob.sections[section].count = UInt32(count)
        blob.sections[section].starts = UInt32(starts)
    }
}

/// Counts the different first events of threads: a table of their arrivals, used again and again.
struct StartTable: ~Copyable {
    private var slots: UnsafeMutablePointer<UInt64>
    private var capacity = 64

    init() {
        slots = .allocate(capacity: capacity)
    }

    deinit {
        slots.deallocate()
    }

    /// - Complexity: O(records) expected.
    mutating func count(of records: UnsafeRawPointer, _ count: Int, _ size: Int) -> Int {
        if capacity < 2 * count {
            while capacity < 2 * count { capacity *= 2 }
            slots.deallocate()
            slots = .allocate(capacity: capacity)
        }
        slots.update(repeating: 0, count: capacity)
        var found = 0
        for index in 0..<count {
            // An event's arrival is its own, and never so large that this is 0.
            let arrival = ~(records + index * size).load(fromByteOffset: ThreadRecord.firstArrival, as: UInt64.self)
            var place = Int(truncatingIfNeeded: (arrival &* 0x9E37_79B9_7F4A_7C15) >> 32) & (capacity - 1)
            while slots[place] != 0 && slots[place] != arrival { place = (place + 1) & (capacity - 1) }
            if slots[place] == 0 {
                slots[place] = arrival
                found += 1
            }
        }
        return found
    }
}
