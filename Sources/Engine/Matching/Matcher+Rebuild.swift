internal import Glibc

/// Memory in which a blob's living parts are collected before they are copied to where they will stand.
struct RebuildArea: ~Copyable {
    private(set) var memory: UnsafeMutableRawPointer
    private var capacity: Int
    var used = 0
    /// Capture nodes on the way from a thread's last to its first.
    var chain: [UInt32] = []

    init() {
        capacity = 64 * 1024
        memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    mutating func begin(capacity needed: Int) {
        used = 0
        guard needed > capacity else { return }
        memory.deallocate()
        capacity = max(needed, capacity * 2)
        memory = .allocate(byteCount: capacity, alignment: 64)
    }

    /// Takes bytes, and makes room for them where there is none.
    mutating func take(_ bytes: Int) -> Int {
        let place = used
        used += bytes
        guard used > capacity else { return place }
        let larger = max(used, capacity * 2)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
        memcpy(moved, memory, place)
        memory.deallocate()
        memory = moved
        capacity = larger
        return place
    }
}

/// Copying what is alive in a blob, when its arena is full: after Cheney, with the new places noted in the old copies. Threads keep
/// sharing the captures that they share.
///
/// - Complexity: O(living bytes), amortised O(1) a byte written, since a rebuilt blob has at least a quarter of its size free.
extension Matcher {
    /// Rebuilds the blob of a cursor with room for `extra` more bytes; the pending forks move with it.
    func rebuild(_ rule: RuleTables, extra: Int, cursor: inout KeyCursor) {
        guard let oldBase = cursor.blob else { return }
        let old = Blob(oldBase)
        let group = cursor.group
        let sectionCount = old.sectionCount
        let directory = min(group.rules.count, max(2, sectionCount + 1 + sectionCount / 2))
        rebuildArea.begin(capacity: old.used * 2 + directory * MemoryLayout<Section>.stride + 4096)
        let start = Blob.arenaStart(keyLength: old.keyLength)
        _ = rebuildArea.take(start + directory * MemoryLayout<Section>.stride)
        memcpy(rebuildArea.memory, oldBase, Blob.headerSize + old.keyLength)

        for index in 0..<sectionCount {
            let section = old.sections[index]
            let owner = group.rules[Int(section.rule)]
            let size = owner.recordSize
            let capacity = Matcher.grownCapacity(Int(section.count))
            let place = rebuildArea.take(capacity * size)
            let head = owner.isCounted ? Int(section.starts) : 0
            memcpy(rebuildArea.memory + place, oldBase + Int(section.offset) + head * size, Int(section.count) * size)
            let target = start + index * MemoryLayout<Section>.stride
            rebuildArea.memory.storeBytes(
                of: Section(
                    rule: section.rule, count: section.count, capacity: UInt32(capacity), offset: UInt32(place),
                    starts: owner.isCounted ? 0 : section.starts),
                toByteOffset: target, as: Section.self)
            if owner.isCounted {
                moveQueue(at: place, count: Int(section.count), from: oldBase)
                continue
            }
            for thread in 0..<Int(section.count) {
                let offset = place + thread * size
                let node = rebuildArea.memory.load(fromByteOffset: offset + ThreadRecord.lastNode, as: UInt32.self)
                let captures = rebuildArea.memory.load(fromByteOffset: offset + ThreadRecord.captures, as: UInt32.self)
                let moved = moveChain(owner, node, captures: Int(captures), from: oldBase)
                rebuildArea.memory.storeBytes(of: moved, toByteOffset: offset + ThreadRecord.lastNode, as: UInt32.self)
                for reference in 0..<owner.referenceCount {
                    let register = offset + Int(owner.references[reference])
                    let event = moveEvent(rebuildArea.memory.load(fromByteOffset: register, as: UInt32.self), from: oldBase)
                    rebuildArea.memory.storeBytes(of: event, toByteOffset: register, as: UInt32.self)
                }
                for distinct in 0..<owner.distinctCount {
                    let register = offset + owner.aggregates[Int(owner.distinct[distinct])].offset
                    let head = moveNodes(rebuildArea.memory.load(fromByteOffset: register, as: UInt32.self), from: oldBase)
                    rebuildArea.memory.storeBytes(of: head, toByteOffset: register, as: UInt32.self)
                }
            }
        }
        for index in 0..<forks.count where forks.flags(index) & Forks.isKept != 0 {
            let entry = forks.entry(index)
            let captures = forks.record(index).load(fromByteOffset: ThreadRecord.captures, as: UInt32.self)
            entry.storeBytes(of: moveChain(rule, forks.parent(index), captures: Int(captures), from: oldBase), as: UInt32.self)
            for reference in 0..<rule.referenceCount {
                let register = forks.record(index) + Int(rule.references[reference])
                register.storeBytes(of: moveEvent(register.load(as: UInt32.self), from: oldBase), as: UInt32.self)
            }
            for distinct in 0..<rule.distinctCount {
                let register = forks.record(index) + rule.aggregates[Int(rule.distinct[distinct])].offset
                register.storeBytes(of: moveNodes(register.load(as: UInt32.self), from: oldBase), as: UInt32.self)
            }
        }

        // The event at hand stays where other rules will look for it.
        cursor.event = moveEvent(cursor.event, from: oldBase)

        let living = rebuildArea.used
        let sizeClass = BlobAllocator.sizeClass((living + extra) / 3 * 4 + 64)
        let base: UnsafeMutableRawPointer
        if sizeClass == old.sizeClass {
            base = oldBase
        } else {
            base = allocator.allocate(sizeClass)
            changes?.noteSize(from: old.sizeClass, to: sizeClass)
            allocator.deallocate(oldBase, old.sizeClass)
            group.table.set(cursor.place, base)
            cursor.blob = base
        }
        memcpy(base, rebuildArea.memory, living)
        let blob = Blob(base)
        blob.sizeClass = sizeClass
        blob.used = living
        blob.sectionCapacity = directory
        blob.sectionOffset = start
        evaluator.blob = UnsafeRawPointer(base)
    }

    func moveQueue(at place: Int, count: Int, from old: UnsafeMutableRawPointer) {
        for index in 0..<count {
            let entry = place + index * QueueEntry.size
            let event = moveEvent(rebuildArea.memory.load(fromByteOffset: entry, as: UInt32.self), from: old)
            rebuildArea.memory.storeBytes(of: event, toByteOffset: entry, as: UInt32.self)
        }
    }

    /// Copies a thread's captures that are not copied yet; gives the new place of the last.
    private func moveChain(_ rule: RuleTables, _ last: UInt32, captures: Int, from old: UnsafeMutableRawPointer) -> UInt32 {
        if let pruned = prunedChain(rule, last: last, captures: captures, from: old) { return pruned }
        return moveNodes(last, from: old)
    }

    /// Copies a chain of nodes, with the events that they name; what has been copied before is shared.
    func moveNodes(_ last: UInt32, from old: UnsafeMutableRawPointer) -> UInt32 {
        rebuildArea.chain.removeAll(keepingCapacity: true)
        var node = last
        var previous: UInt32 = 0
        while node != 0 {
            let place = old + Int(node)
            let moved = place.load(fromByteOffset: 12, as: UInt32.self)
            if moved != 0 {
                previous = moved
                break
            }
            rebuildArea.chain.append(node)
            node = CaptureNode.previous(place)
        }
        while let next = rebuildArea.chain.popLast() {
            let place = old + Int(next)
            let moved: Int
            if OmittedCaptures.isMark(place) {
                let size = OmittedCaptures.size(pairs: OmittedCaptures.pairCount(place))
                moved = rebuildArea.take(size)
                memcpy(rebuildArea.memory + moved, place, size)
                rebuildArea.memory.storeBytes(of: previous, toByteOffset: moved, as: UInt32.self)
            } else {
                let event = moveEvent(CaptureNode.event(place), from: old)
                moved = rebuildArea.take(CaptureNode.size)
                CaptureNode.write(previous: previous, event: event, step: CaptureNode.step(place), to: rebuildArea.memory + moved)
            }
            place.storeBytes(of: UInt32(moved), toByteOffset: 12, as: UInt32.self)
            previous = UInt32(moved)
        }
        return previous
    }

    /// Copies an event that is not copied yet; gives its new place. An old copy whose size is 0 has moved, to where its time was.
    func moveEvent(_ event: UInt32, from old: UnsafeMutableRawPointer) -> UInt32 {
        guard event != 0, event != CapturedEvent.current else { return event }
        let place = old + Int(event)
        let size = CapturedEvent.size(place)
        if size == 0 { return place.load(as: UInt32.self) }
        let moved: Int
        if let slotMove {
            moved = rebuildArea.take(slotMove.size(of: place))
            slotMove.write(place, to: rebuildArea.memory + moved)
        } else {
            moved = rebuildArea.take(size)
            memcpy(rebuildArea.memory + moved, place, size)
        }
        place.storeBytes(of: UInt32(moved), as: UInt32.self)
        place.storeBytes(of: 0, toByteOffset: 20, as: UInt32.self)
        return UInt32(moved)
    }
}
