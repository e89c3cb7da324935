internal import Events
internal import Glibc

/// How a group of rules was made up when a checkpoint was written, and which group it is now.
public struct GroupMove: Sendable {
    /// The group of this program.
    public var group: Int
    /// By the place of a rule in the old group: its place in this one; nil where it is gone or begins afresh.
    public var rules: [Int?]
    /// By the place of a field that captured events keep now: its place in the old events, or -1.
    public var slots: [Int]
    public var oldSlotCount: Int

    public init(group: Int, rules: [Int?], slots: [Int], oldSlotCount: Int) {
        self.group = group
        self.rules = rules
        self.slots = slots
        self.oldSlotCount = oldSlotCount
    }
}

/// Writes captured events as rules that remember other fields want them.
struct SlotMove {
    /// See ``GroupMove/slots``.
    var slots: [Int]
    var oldSlotCount: Int

    private func value(_ event: UnsafeRawPointer, _ slot: Int) -> Scalar {
        slots[slot] < 0 ? Scalar(kind: ValueKind.unknown, bits: 0) : CapturedEvent.value(event, slot: slots[slot], slotCount: oldSlotCount)
    }

    func size(of event: UnsafeRawPointer) -> Int {
        var size = CapturedEvent.fixedSize(slotCount: slots.count) + CapturedEvent.rawLength(event)
        for slot in slots.indices {
            let value = value(event, slot)
            if value.kind == ValueKind.string || value.kind == ValueKind.list { size += Int(value.length) }
        }
        return (size + 7) & ~7
    }

    func write(_ event: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        CapturedEvent.write(
            time: CapturedEvent.time(event), arrival: CapturedEvent.arrival(event),
            raw: (CapturedEvent.rawBytes(event, slotCount: oldSlotCount), CapturedEvent.rawLength(event)), slotCount: slots.count,
            size: size(of: event), to: target
        ) { value(event, $0) }
    }
}

/// The state of a key on its way from one program to the next.
public struct MovedState {
    public var group: Int
    /// See ``StateRow/expiresAt``.
    public var expiresAt: Int64
    /// The earliest time at which the key may be due; `Int64.max` where none.
    public var nextDeadline: Int64
    /// What ``Matcher/importState(group:_:)`` takes; valid for the call.
    public var blob: UnsafeRawBufferPointer
}

extension Matcher {
    /// Rewrites a key's state for this program: rules that stay the same keep their threads, the others' are left out. Nothing of the
    /// matcher's own state changes.
    ///
    /// - Parameter body: is not called where nothing is left of the key.
    /// - Throws: ``BlobError`` where the bytes are not sound for the rules that stay.
    /// - Complexity: O(bytes).
    public func move<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, by move: GroupMove, _ body: (MovedState) throws(Failure) -> Void
    ) throws(BlobError) -> Result<Void, Failure> {
        guard groups.indices.contains(move.group), move.slots.count == groups[move.group].slotCount else { throw .damaged("no such group of rules") }
        guard bytes.count >= Blob.headerSize, let source = bytes.baseAddress else { throw .damaged("length") }
        let group = groups[move.group]
        let copy = UnsafeMutableRawPointer.allocate(byteCount: (bytes.count + 7) & ~7, alignment: 16)
        defer { copy.deallocate() }
        memcpy(copy, source, bytes.count)
        let old = Blob(copy)
        var validator = BlobValidator(blob: old, count: bytes.count, group: group, move: move)
        try validator.validate()

        let kept = (0..<old.sectionCount).compactMap { index in
            move.rules[Int(old.sections[index].rule)].map { (section: old.sections[index], local: $0) }
        }.sorted { $0.local < $1.local }
        guard !kept.isEmpty else { return .success(()) }
        collect(kept, of: old, group, move)

        let moved = Blob(rebuildArea.memory)
        moved.used = rebuildArea.used
        moved.sectionCount = kept.count
        moved.sectionCapacity = kept.count
        moved.sectionOffset = Blob.arenaStart(keyLength: old.keyLength)
        moved.nextDeadline = group.hasDeadlines ? nextDeadline(group, moved) : .max
        prepareForSaving(moved)
        do throws(Failure) {
            try body(
                MovedState(
                    group: move.group, expiresAt: moved.nextDeadline == .max ? moved.expiresAt : .max, nextDeadline: moved.nextDeadline,
                    blob: UnsafeRawBufferPointer(start: rebuildArea.memory, count: rebuildArea.used)))
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Brings the sections that stay together, with what belongs to them.
    private func collect(_ kept: [(section: Section, local: Int)], of old: Blob, _ group: GroupState, _ move: GroupMove) {
        slotMove = SlotMove(slots: move.slots, oldSlotCount: move.oldSlotCount)
        defer { slotMove = nil }
        rebuildArea.begin(capacity: old.used * 2 + 4096)
        let start = Blob.arenaStart(keyLength: old.keyLength)
        _ = rebuildArea.take(start + kept.count * MemoryLayout<Section>.stride)
        memcpy(rebuildArea.memory, old.base, Blob.headerSize + old.keyLength)
        for (index, (section, local)) in kept.enumerated() {
            let rule = group.rules[local]
            let size = rule.recordSize
            let count = Int(section.count)
            let place = rebuildArea.take(count * size)
            let head = rule.isCounted ? Int(section.starts) : 0
            memcpy(rebuildArea.memory + place, old.base + Int(section.offset) + head * size, count * size)
            rebuildArea.memory.storeBytes(
                of: Section(
                    rule: UInt32(local), count: section.count, capacity: section.count, offset: UInt32(place),
                    starts: rule.isCounted ? 0 : section.starts),
                toByteOffset: start + index * MemoryLayout<Section>.stride, as: Section.self)
            if rule.isCounted {
                moveQueue(at: place, count: count, from: old.base)
            } else {
                for thread in 0..<count { moveThread(rule, at: place + thread * size, from: old.base) }
            }
        }
    }

    private func moveThread(_ rule: RuleTables, at offset: Int, from old: UnsafeMutableRawPointer) {
        let node = rebuildArea.memory.load(fromByteOffset: offset + ThreadRecord.lastNode, as: UInt32.self)
        let last = moveNodes(node, from: old)
        rebuildArea.memory.storeBytes(of: last, toByteOffset: offset + ThreadRecord.lastNode, as: UInt32.self)
        for reference in 0..<rule.referenceCount {
            let register = offset + Int(rule.references[reference])
            let event = moveEvent(rebuildArea.memory.load(fromByteOffset: register, as: UInt32.self), from: old)
            rebuildArea.memory.storeBytes(of: event, toByteOffset: register, as: UInt32.self)
        }
        for distinct in 0..<rule.distinctCount {
            let register = offset + rule.aggregates[Int(rule.distinct[distinct])].offset
            let head = moveNodes(rebuildArea.memory.load(fromByteOffset: register, as: UInt32.self), from: old)
            rebuildArea.memory.storeBytes(of: head, toByteOffset: register, as: UInt32.self)
        }
    }
}
