internal import CXXHash
internal import Events
internal import Glibc

/// Why bytes are not the state of a key of this program.
public enum BlobError: Error, Sendable, Equatable {
    case format(UInt32)
    case checksum
    /// What is wrong, for a message.
    case damaged(String)
}

/// Keyed state as bytes: what the store of a checkpoint holds, one blob a key.
///
/// Bytes from outside are hostile until they are proven sound: every offset, index and length is looked at before it is used.
extension Matcher {
    /// Hands out the state of every key: its group, and the bytes of its blob, valid for the call.
    ///
    /// - Complexity: O(bytes of state).
    public func exportState(_ body: (_ group: Int, _ blob: UnsafeRawBufferPointer) -> Void) {
        for group in groups {
            for place in 0..<group.table.capacity {
                guard let base = group.table.slots[place].blob else { continue }
                let blob = Blob(base)
                let armed = blob.armedDeadline
                blob.armedDeadline = .max
                blob.checksum = Matcher.checksum(base, count: blob.used)
                body(group.index, UnsafeRawBufferPointer(start: base, count: blob.used))
                blob.armedDeadline = armed
            }
        }
    }

    /// Takes a key's state in, in place of what the key had.
    ///
    /// - Throws: ``BlobError`` where the bytes are not sound for the program; the state is then as it was.
    /// - Complexity: O(bytes).
    public func importState(group index: Int, _ bytes: UnsafeRawBufferPointer) throws(BlobError) {
        guard groups.indices.contains(index) else { throw .damaged("no such group of rules") }
        let group = groups[index]
        guard bytes.count >= Blob.headerSize, bytes.count <= BlobAllocator.size(BlobAllocator.classCount - 1), let source = bytes.baseAddress
        else { throw .damaged("length") }
        let sizeClass = BlobAllocator.sizeClass(bytes.count)
        let base = allocator.allocate(sizeClass)
        memcpy(base, source, bytes.count)
        let blob = Blob(base)
        do throws(BlobError) {
            try BlobValidator(blob: blob, count: bytes.count, group: group).validate()
        } catch {
            allocator.deallocate(base, sizeClass)
            throw error
        }
        blob.sizeClass = sizeClass
        blob.hash = nt_hash64(blob.key, blob.keyLength, seed)
        blob.armedDeadline = .max
        let (place, isFound) = group.table.find(blob.hash, blob.key, blob.keyLength)
        if isFound { release(group, at: place) }
        if group.table.isFull { group.table.grow() }
        group.table.insert(blob.hash, base, at: group.table.find(blob.hash, blob.key, blob.keyLength).place)
        if group.hasDeadlines { arm(group, blob) }
    }

    /// The low 32 bits of XXH3 over the blob with zero in the place of the checksum, and of what only one run or one machine knows.
    static func checksum(_ base: UnsafeMutableRawPointer, count: Int) -> UInt32 {
        let blob = Blob(base)
        let (sum, sizeClass, hash) = (blob.checksum, blob.sizeClass, blob.hash)
        blob.checksum = 0
        blob.sizeClass = 0
        blob.hash = 0
        let result = UInt32(truncatingIfNeeded: nt_hash64(base, count, 0))
        blob.checksum = sum
        blob.sizeClass = sizeClass
        blob.hash = hash
        return result
    }
}

/// Looks at every part of a blob before anything else does.
private struct BlobValidator {
    let blob: Blob
    let count: Int
    let group: GroupState

    func validate() throws(BlobError) {
        let format = blob.base.load(as: UInt32.self)
        guard format == Blob.format else { throw .format(format) }
        guard blob.used == count else { throw .damaged("length") }
        guard Matcher.checksum(blob.base, count: count) == blob.checksum else { throw .checksum }
        guard blob.keyLength <= count - Blob.headerSize, isKeySound() else { throw .damaged("key") }
        guard blob.sectionCount > 0, blob.sectionCount <= blob.sectionCapacity, blob.sectionCapacity <= count,
            isInside(blob.sectionOffset, blob.sectionCapacity * MemoryLayout<Section>.stride)
        else { throw .damaged("sections") }
        var previous = -1
        for index in 0..<blob.sectionCount {
            let section = blob.sections[index]
            guard Int(section.rule) > previous, Int(section.rule) < group.rules.count else { throw .damaged("rule") }
            previous = Int(section.rule)
            try validate(section, rule: group.rules[previous])
        }
    }

    /// Whether bytes lie in the arena, at a multiple of 8.
    private func isInside(_ offset: Int, _ length: Int) -> Bool {
        offset & 7 == 0 && offset >= Blob.arenaStart(keyLength: blob.keyLength) && length >= 0 && length <= count - offset
    }

    private func isKeySound() -> Bool {
        var place = 0
        let parts = group.group.names.count
        for _ in 0..<parts {
            guard let length = KeyEncoding.partLength(blob.key + place, available: blob.keyLength - place) else { return false }
            place += length
        }
        return place == blob.keyLength
    }

    private func validate(_ section: Section, rule: RuleTables) throws(BlobError) {
        guard section.count > 0, section.count <= section.capacity, section.capacity <= UInt32(count),
            isInside(Int(section.offset), Int(section.capacity) * rule.recordSize)
        else { throw .damaged("threads") }
        for index in 0..<Int(section.count) {
            let record = blob.base + Int(section.offset) + index * rule.recordSize
            let set = Int(record.load(as: UInt32.self))
            guard set < rule.program.automaton.sets.count else { throw .damaged("target set") }
            let open = record.load(fromByteOffset: ThreadRecord.open, as: UInt64.self)
            guard open != 0, open & ~rule.sets[set].allEdges == 0 else { throw .damaged("open edges") }
            try validateRegisters(record, rule: rule)
            try validateChain(record.load(fromByteOffset: ThreadRecord.lastNode, as: UInt32.self), rule: rule)
        }
    }

    private func validateRegisters(_ record: UnsafeRawPointer, rule: RuleTables) throws(BlobError) {
        for digit in rule.program.automaton.digits {
            switch digit.kind {
            case .loop:
                let most = max(digit.minimum, digit.maximum)
                guard record.load(fromByteOffset: Int(digit.offset), as: UInt16.self) <= most else { throw .damaged("counter") }
            case .all:
                // Members beyond those of the group would lead outside of the table of sets.
                let done = UInt32(record.load(fromByteOffset: Int(digit.offset), as: UInt8.self))
                let members = rule.program.automaton.digits.filter { $0.kind == .all && $0.offset == digit.offset }
                    .reduce(UInt32(0)) { $0 | UInt32($1.minimum) }
                guard done & ~members == 0 else { throw .damaged("members") }
            }
        }
        for index in 0..<rule.referenceCount {
            let event = record.load(fromByteOffset: Int(rule.references[index]), as: UInt32.self)
            if event != 0 { try validateEvent(event) }
        }
        for index in 0..<rule.distinctCount {
            let register = record + rule.aggregates[Int(rule.distinct[index])].offset
            guard !DistinctRegister.isPending(register) else { throw .damaged("distinct values") }
            let head = DistinctRegister.head(register)
            if head != 0 { try validateChain(head, rule: rule) }
        }
    }

    /// Nodes point back to older ones, which stand before them: a chain cannot be a circle.
    private func validateChain(_ last: UInt32, rule: RuleTables) throws(BlobError) {
        guard last != 0 else { throw .damaged("captures") }
        var node = last
        while node != 0 {
            guard isInside(Int(node), CaptureNode.size) else { throw .damaged("capture") }
            let place = blob.base + Int(node)
            if OmittedCaptures.isMark(place) {
                try validateOmitted(place, offset: Int(node), rule: rule)
                guard CaptureNode.previous(place) < node else { throw .damaged("capture") }
                node = CaptureNode.previous(place)
                continue
            }
            guard CaptureNode.step(place) < rule.program.steps.count, CaptureNode.previous(place) < node,
                place.load(fromByteOffset: 12, as: UInt32.self) == 0
            else { throw .damaged("capture") }
            try validateEvent(CaptureNode.event(place))
            node = CaptureNode.previous(place)
        }
    }

    private func validateOmitted(_ node: UnsafeRawPointer, offset: Int, rule: RuleTables) throws(BlobError) {
        let pairs = OmittedCaptures.pairCount(node)
        guard pairs > 0, pairs <= rule.program.steps.count, isInside(offset, OmittedCaptures.size(pairs: pairs)),
            node.load(fromByteOffset: 12, as: UInt32.self) == 0
        else { throw .damaged("omitted captures") }
        for index in 0..<pairs {
            guard Int(OmittedCaptures.count(node, index).step) < rule.program.steps.count else { throw .damaged("omitted captures") }
        }
    }

    private func validateEvent(_ offset: UInt32) throws(BlobError) {
        let fixed = CapturedEvent.headerSize + group.slotCount * 9 + 4
        guard isInside(Int(offset), fixed) else { throw .damaged("event") }
        let event = UnsafeRawPointer(blob.base + Int(offset))
        let size = CapturedEvent.size(event)
        guard size >= fixed, size & 7 == 0, isInside(Int(offset), size) else { throw .damaged("event") }
        let text = Int(event.loadUnaligned(fromByteOffset: fixed - 4, as: UInt32.self))
        guard text <= size - fixed, CapturedEvent.rawLength(event) <= size - fixed - text else { throw .damaged("event") }
        for slot in 0..<group.slotCount {
            let kind = event.load(fromByteOffset: CapturedEvent.headerSize + group.slotCount * 8 + slot, as: UInt8.self)
            guard kind <= ValueKind.time else { throw .damaged("value") }
            guard kind == ValueKind.string || kind == ValueKind.list else { continue }
            let payload = event.load(fromByteOffset: CapturedEvent.headerSize + slot * 8, as: UInt64.self)
            let start = Int(payload & 0xFFFF_FFFF), length = Int(payload >> 32)
            guard start >= fixed, start <= fixed + text, length <= fixed + text - start else { throw .damaged("value") }
        }
    }
}
