internal import Glibc

extension Blob {
    /// Most bytes of a blob that is used again when its threads are gone; a larger one goes back to the allocator.
    private static let clearedBytesMax = 1024

    /// Forgets all threads and what they have captured; false where the blob is too large to be kept for the next ones.
    @inline(__always)
    func clear() -> Bool {
        let end = sectionOffset + sectionCapacity * MemoryLayout<Section>.stride
        guard capacity <= Blob.clearedBytesMax, sectionOffset == Blob.arenaStart(keyLength: keyLength), end <= capacity else { return false }
        sectionCount = 0
        used = end
        nextDeadline = .max
        expiresAt = .min
        return true
    }

    /// The section of a rule by its place in the group, or -1. Sections are ascending by rule.
    @inline(__always)
    func findSection(_ rule: Int) -> Int {
        let sections = sections
        for index in 0..<sectionCount {
            let found = Int(sections[index].rule)
            if found >= rule { return found == rule ? index : -1 }
        }
        return -1
    }

    @inline(__always)
    func removeSection(_ index: Int) {
        let last = sectionCount - 1
        if index < last { memmove(sections + index, sections + index + 1, (last - index) * MemoryLayout<Section>.stride) }
        sectionCount = last
    }

    /// Puts an empty section in its place; the caller has made sure of the room.
    func insertSection(_ rule: Int) -> Int {
        let sections = sections
        var index = sectionCount
        while index > 0 && Int(sections[index - 1].rule) > rule {
            sections[index] = sections[index - 1]
            index -= 1
        }
        sections[index] = Section(rule: UInt32(rule), count: 0, capacity: 0, offset: 0, starts: 0)
        sectionCount += 1
        return index
    }
}
