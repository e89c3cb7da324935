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
                let (armed, isLoose, epoch, isStored) = (blob.armedDeadline, blob.isArmedLoosely, blob.epoch, blob.isStored)
                prepareForSaving(blob)
                body(group.index, UnsafeRawBufferPointer(start: base, count: blob.used))
                blob.armedDeadline = armed
                blob.isArmedLoosely = isLoose
                blob.epoch = epoch
                blob.isStored = isStored
            }
        }
    }

    /// Takes a key's state in, in place of what the key had.
    ///
    /// - Parameter isArmed: the queue of deadlines has an entry for the key already.
    /// - Throws: ``BlobError`` where the bytes are not sound for the program; the state is then as it was.
    /// - Complexity: O(bytes).
    public func importState(group index: Int, _ bytes: UnsafeRawBufferPointer, isArmed: Bool = false) throws(BlobError) {
        guard groups.indices.contains(index) else { throw .damaged("no such group of rules") }
        let group = groups[index]
        guard bytes.count >= Blob.headerSize, bytes.count <= BlobAllocator.size(BlobAllocator.classCount - 1), let source = bytes.baseAddress
        else { throw .damaged("length") }
        let sizeClass = BlobAllocator.sizeClass(bytes.count)
        let base = allocator.allocate(sizeClass)
        memcpy(base, source, bytes.count)
        let blob = Blob(base)
        do throws(BlobError) {
            var validator = BlobValidator(blob: blob, count: bytes.count, group: group)
            try validator.validate()
        } catch {
            allocator.deallocate(base, sizeClass)
            throw error
        }
        blob.sizeClass = sizeClass
        blob.hash = nt_hash64(blob.key, blob.keyLength, seed)
        // Of that entry it is known only that it comes no later than the deadline that was saved.
        blob.armedDeadline = isArmed ? blob.nextDeadline : .max
        blob.isArmedLoosely = isArmed && blob.nextDeadline != .max
        blob.epoch = 0
        blob.isStored = true
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
