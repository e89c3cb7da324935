internal import Events

/// Looks at every part of a blob before anything else does, and at each part once: what is written to later must not lie on top of
/// what was read and found sound.
///
/// - Complexity: O(bytes).
struct BlobValidator {
    private let blob: Blob
    private let count: Int
    private let group: GroupState
    /// How the group was made up when the blob was written, where that was otherwise.
    private let move: GroupMove?
    private let slotCount: Int
    /// What begins at each 8 bytes of the blob.
    private var parts: [UInt32]

    private static let free: UInt32 = 0
    /// The inside of a part.
    private static let inside: UInt32 = 1
    private static let event: UInt32 = 2
    /// Plus the rule's place in its group: a capture of that rule.
    private static let capture: UInt32 = 3

    init(blob: Blob, count: Int, group: GroupState, move: GroupMove? = nil) {
        self.blob = blob
        self.count = count
        self.group = group
        self.move = move
        slotCount = move?.oldSlotCount ?? group.slotCount
        parts = [UInt32](repeating: BlobValidator.free, count: count / 8 + 1)
    }

    mutating func validate() throws(BlobError) {
        let format = blob.base.load(as: UInt32.self)
        guard format == Blob.format else { throw .format(format) }
        guard blob.used == count else { throw .damaged("length") }
        guard Matcher.checksum(blob.base, count: count) == blob.checksum else { throw .checksum }
        guard blob.keyLength <= count - Blob.headerSize, isKeySound() else { throw .damaged("key") }
        guard blob.sectionCount > 0, blob.sectionCount <= blob.sectionCapacity, blob.sectionCapacity <= count,
            isInside(blob.sectionOffset, blob.sectionCapacity * MemoryLayout<Section>.stride)
        else { throw .damaged("sections") }
        try claim(blob.sectionOffset, blob.sectionCapacity * MemoryLayout<Section>.stride, as: BlobValidator.inside)
        var previous = -1
        for index in 0..<blob.sectionCount {
            let section = blob.sections[index]
            guard Int(section.rule) > previous, Int(section.rule) < move?.rules.count ?? group.rules.count else { throw .damaged("rule") }
            previous = Int(section.rule)
            // What a rule that is gone has left is not looked at.
            guard let local = move.map({ $0.rules[previous] }) ?? previous else { continue }
            try validate(section, rule: group.rules[local])
        }
    }

    /// Whether bytes lie in the arena, at a multiple of 8.
    private func isInside(_ offset: Int, _ length: Int) -> Bool {
        offset & 7 == 0 && offset >= Blob.arenaStart(keyLength: blob.keyLength) && length >= 0 && length <= count - offset
    }

    /// Notes a part; what overlaps another is damaged.
    private mutating func claim(_ offset: Int, _ length: Int, as mark: UInt32) throws(BlobError) {
        guard length > 0 else { return }
        for place in offset / 8...(offset + length - 1) / 8 {
            guard parts[place] == BlobValidator.free else { throw .damaged("overlap") }
            parts[place] = BlobValidator.inside
        }
        parts[offset / 8] = mark
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

    private mutating func validate(_ section: Section, rule: RuleTables) throws(BlobError) {
        guard section.count > 0, section.count <= section.capacity, section.capacity <= UInt32(count),
            isInside(Int(section.offset), Int(section.capacity) * rule.recordSize)
        else { throw .damaged("threads") }
        // Far above what the open limit lets be counted, and far below where counting on would overflow.
        guard section.starts <= UInt32(Int32.max) else { throw .damaged("threads") }
        try claim(Int(section.offset), Int(section.capacity) * rule.recordSize, as: BlobValidator.inside)
        if rule.isCounted {
            // `starts` is where the queue begins.
            guard section.starts <= section.capacity - section.count else { throw .damaged("queue") }
            for index in 0..<Int(section.count) {
                let entry = blob.base + Int(section.offset) + (Int(section.starts) + index) * QueueEntry.size
                try validateEvent(QueueEntry.event(entry))
            }
            return
        }
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

    private mutating func validateRegisters(_ record: UnsafeRawPointer, rule: RuleTables) throws(BlobError) {
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
    private mutating func validateChain(_ last: UInt32, rule: RuleTables) throws(BlobError) {
        guard last != 0 else { throw .damaged("captures") }
        var node = last
        while node != 0 {
            guard isInside(Int(node), CaptureNode.size) else { throw .damaged("capture") }
            // The rest of the way was walked with another thread.
            if parts[Int(node) / 8] == BlobValidator.capture + UInt32(rule.local) { return }
            let place = blob.base + Int(node)
            if OmittedCaptures.isMark(place) {
                try validateOmitted(place, offset: Int(node), rule: rule)
                try claim(
                    Int(node), OmittedCaptures.size(pairs: OmittedCaptures.pairCount(place)), as: BlobValidator.capture + UInt32(rule.local))
                guard CaptureNode.previous(place) < node else { throw .damaged("capture") }
                node = CaptureNode.previous(place)
                continue
            }
            guard CaptureNode.step(place) < rule.program.steps.count, CaptureNode.previous(place) < node,
                place.load(fromByteOffset: 12, as: UInt32.self) == 0
            else { throw .damaged("capture") }
            try claim(Int(node), CaptureNode.size, as: BlobValidator.capture + UInt32(rule.local))
            try validateEvent(CaptureNode.event(place))
            node = CaptureNode.previous(place)
        }
    }

    private mutating func validateOmitted(_ node: UnsafeRawPointer, offset: Int, rule: RuleTables) throws(BlobError) {
        let pairs = OmittedCaptures.pairCount(node)
        guard pairs > 0, pairs <= rule.program.steps.count, isInside(offset, OmittedCaptures.size(pairs: pairs)),
            node.load(fromByteOffset: 12, as: UInt32.self) == 0
        else { throw .damaged("omitted captures") }
        for index in 0..<pairs {
            guard Int(OmittedCaptures.count(node, index).step) < rule.program.steps.count else { throw .damaged("omitted captures") }
        }
    }

    private mutating func validateEvent(_ offset: UInt32) throws(BlobError) {
        let fixed = CapturedEvent.headerSize + slotCount * 9 + 4
        guard isInside(Int(offset), fixed) else { throw .damaged("event") }
        if parts[Int(offset) / 8] == BlobValidator.event { return }
        let event = UnsafeRawPointer(blob.base + Int(offset))
        let size = CapturedEvent.size(event)
        guard size >= fixed, size & 7 == 0, isInside(Int(offset), size) else { throw .damaged("event") }
        try claim(Int(offset), size, as: BlobValidator.event)
        let text = Int(event.loadUnaligned(fromByteOffset: fixed - 4, as: UInt32.self))
        guard text <= size - fixed, CapturedEvent.rawLength(event) <= size - fixed - text else { throw .damaged("event") }
        for slot in 0..<slotCount {
            let kind = event.load(fromByteOffset: CapturedEvent.headerSize + slotCount * 8 + slot, as: UInt8.self)
            guard kind <= ValueKind.time else { throw .damaged("value") }
            guard kind == ValueKind.string || kind == ValueKind.list else { continue }
            let payload = event.load(fromByteOffset: CapturedEvent.headerSize + slot * 8, as: UInt64.self)
            let start = Int(payload & 0xFFFF_FFFF), length = Int(payload >> 32)
            guard start >= fixed, start <= fixed + text, length <= fixed + text - start else { throw .damaged("value") }
        }
    }
}
