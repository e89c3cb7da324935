internal import Glibc

/// Which keys have changed since a checkpoint began, epoch by epoch, and what the checkpoint that is being written still has to write.
///
/// A checkpoint holds the state at one moment, the *barrier*, but is written in slices while events go on. At the barrier the epoch of
/// changes is frozen and a new one begins. A key that changed in the frozen epoch and is changed again before its slice has come is copied
/// first (copy before change); one that is not changed is written as it stands. So nothing waits for the checkpoint, and memory grows
/// only by the keys that are hot at the barrier.
///
/// - Complexity: O(1) a key and epoch, beside the copies; sorting is by ranges of the hash, so that no slice sorts all keys.
final class ChangeLog {
    struct Key {
        var hash: UInt64
        var group: Int32
    }

    struct RemovedKey {
        var hash: UInt64
        var group: Int32
        /// Of the epoch's `removedKeys`.
        var start: Int
        var count: Int
    }

    /// A key's state at the barrier.
    struct Image {
        var hash: UInt64
        var group: Int32
        var blob: UnsafeMutableRawPointer
        /// The next image of the same hash, or -1.
        var next: Int
    }

    /// What changed in one epoch, by the ranges of hashes.
    final class Epoch {
        let number: UInt32
        var changed = [[Key]](repeating: [], count: KeyRouter.rangeCount)
        var removed = [[RemovedKey]](repeating: [], count: KeyRouter.rangeCount)
        var removedKeys = KeyBuffer()
        /// Of the removed keys, where it must be known which are; see ``ColdTier``.
        var removedHashes: Set<UInt64> = []
        /// Of the keys that changed; more, where some of them have changed again since the barrier.
        var blobBytes = 0
        /// Of these lists.
        var listBytes = 0
        var images: [Image] = []
        var imagesByHash: [UInt64: Int] = [:]
        // How far a frozen epoch is written.
        var range = 0
        var isRangeSorted = false
        /// The hashes of the range, ascending, each once.
        var hashes: [UInt64] = []
        var place = 0

        init(_ number: UInt32) {
            self.number = number
        }
    }

    var current = Epoch(ChangeLog.step)
    var frozen: Epoch?
    /// Whether ``Epoch/removedHashes`` are kept.
    var keepsRemovedHashes = false

    /// Between the numbers of two epochs. The number behind that of the frozen epoch marks its keys that are written: they are not copied any
    /// more before they are changed, and durable only when the checkpoint is.
    static let step: UInt32 = 2
    private static let numberMask: UInt32 = 0x7FFF_FFFE

    func nextNumber() -> UInt32 {
        let next = (current.number &+ ChangeLog.step) & ChangeLog.numberMask
        return next == 0 ? ChangeLog.step : next
    }

    /// Whether a committed checkpoint holds the last change of a key.
    @inline(__always)
    func isDurable(_ blob: Blob) -> Bool {
        let epoch = blob.epoch
        if epoch == current.number { return false }
        guard let frozen else { return true }
        return epoch & ~1 != frozen.number
    }

    /// State that no committed checkpoint holds yet, about.
    var dirtyBytes: Int { current.blobBytes + (frozen?.blobBytes ?? 0) }

    var listBytes: Int { current.listBytes + (frozen?.listBytes ?? 0) }

    @inline(__always)
    static func range(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 56) }

    /// Whether a blob belongs to the frozen epoch and is not written yet.
    @inline(__always)
    func isUnwritten(_ blob: Blob) -> Bool {
        guard let frozen else { return false }
        return blob.epoch == frozen.number
    }

    func noteChange(_ base: UnsafeMutableRawPointer, _ group: GroupState) {
        let blob = Blob(base)
        if isUnwritten(blob) { copy(base, group) }
        blob.epoch = current.number
        current.changed[ChangeLog.range(blob.hash)].append(Key(hash: blob.hash, group: Int32(group.index)))
        current.blobBytes += BlobAllocator.size(blob.sizeClass)
        current.listBytes += MemoryLayout<Key>.stride
    }

    /// A key that has changed in the current epoch takes another size.
    func noteSize(from old: Int, to new: Int) {
        current.blobBytes += BlobAllocator.size(new) - BlobAllocator.size(old)
    }

    func noteRemoval(_ base: UnsafeMutableRawPointer, _ group: GroupState) {
        let blob = Blob(base)
        if isUnwritten(blob) { copy(base, group) }
        if blob.epoch == current.number { current.blobBytes -= BlobAllocator.size(blob.sizeClass) }
        guard blob.isStored else { return }
        if keepsRemovedHashes { current.removedHashes.insert(blob.hash) }
        current.listBytes += MemoryLayout<RemovedKey>.stride + blob.keyLength
        current.removed[ChangeLog.range(blob.hash)].append(
            RemovedKey(hash: blob.hash, group: Int32(group.index), start: current.removedKeys.count, count: blob.keyLength))
        current.removedKeys.append(blob.key, blob.keyLength)
    }

    private func copy(_ base: UnsafeMutableRawPointer, _ group: GroupState) {
        guard let frozen else { return }
        let blob = Blob(base)
        // Not from the allocator: what stands there may be taken elsewhere.
        let copy = UnsafeMutableRawPointer.allocate(byteCount: blob.used, alignment: 16)
        memcpy(copy, base, blob.used)
        frozen.images.append(
            Image(hash: blob.hash, group: Int32(group.index), blob: copy, next: frozen.imagesByHash[blob.hash] ?? -1))
        frozen.imagesByHash[blob.hash] = frozen.images.count - 1
        frozen.listBytes += 2 * MemoryLayout<Image>.stride + blob.used
        blob.isStored = true
    }

    /// Whether a key was removed, and no committed checkpoint knows of that yet.
    func isRemoved(_ hash: UInt64, group: Int, _ key: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        isRemoved(hash, group: group, key, count, in: current) || frozen.map { isRemoved(hash, group: group, key, count, in: $0) } ?? false
    }

    private func isRemoved(_ hash: UInt64, group: Int, _ key: UnsafePointer<UInt8>, _ count: Int, in epoch: Epoch) -> Bool {
        guard epoch.removedHashes.contains(hash) else { return false }
        return epoch.removed[ChangeLog.range(hash)].contains { removed in
            removed.hash == hash && Int(removed.group) == group && removed.count == count
                && memcmp(epoch.removedKeys.bytes + removed.start, key, count) == 0
        }
    }

    /// Brings the keys of the frozen epoch's next range into order.
    func sortRange(_ epoch: Epoch) {
        epoch.hashes.removeAll(keepingCapacity: true)
        for key in epoch.changed[epoch.range] { epoch.hashes.append(key.hash) }
        for key in epoch.removed[epoch.range] { epoch.hashes.append(key.hash) }
        epoch.hashes.sort()
        var kept = 0
        for index in epoch.hashes.indices where index == 0 || epoch.hashes[index] != epoch.hashes[kept - 1] {
            epoch.hashes[kept] = epoch.hashes[index]
            kept += 1
        }
        epoch.hashes.removeLast(epoch.hashes.count - kept)
        epoch.removed[epoch.range].sort { $0.hash < $1.hash }
        epoch.place = 0
        epoch.isRangeSorted = true
    }
}

/// A row of a checkpoint: the state of one key, or that it is gone. Pointers are valid for the call.
public struct StateRow {
    public var hash: UInt64
    public var group: Int
    public var key: UnsafeRawBufferPointer
    /// From this time on no thread of the key can be alive, and no deadline is due any more.
    public var expiresAt: Int64
    /// What ``Matcher/importState(group:_:isArmed:)`` takes; nil where the key is gone.
    public var blob: UnsafeRawBufferPointer?
    /// When something of the key is due without an event; nil where nothing is.
    public var deadline: Int64?
    /// Whether an earlier checkpoint may say of the key that something is due.
    public var mayHaveHadDeadline: Bool
}

extension Matcher {
    /// From now on changes are noted, for checkpoints.
    public func trackChanges() {
        if changes == nil { changes = ChangeLog() }
    }

    /// To be called before anything of a key's state is changed.
    @inline(__always)
    func willChange(_ base: UnsafeMutableRawPointer, _ group: GroupState) {
        guard let changes, Blob(base).epoch != changes.current.number else { return }
        changes.noteChange(base, group)
    }

    @inline(__always)
    func willRemove(_ base: UnsafeMutableRawPointer, _ group: GroupState) {
        changes?.noteRemoval(base, group)
    }

    /// The barrier: what has changed up to now belongs to the checkpoint that ``writeCheckpoint(rows:_:)`` writes.
    public func beginCheckpoint() {
        guard let changes else { preconditionFailure("Changes are tracked before the first checkpoint.") }
        precondition(changes.frozen == nil, "One checkpoint is written at a time.")
        changes.frozen = changes.current
        changes.current = ChangeLog.Epoch(changes.nextNumber())
    }

    /// Writes the next rows of the checkpoint, at least so many; true once there are no more. Rows ascend by hash, group and key.
    public func writeCheckpoint<Failure: Error>(rows limit: Int, _ body: (StateRow) throws(Failure) -> Void) throws(Failure) -> Bool {
        guard let changes, let epoch = changes.frozen else { return true }
        var count = 0
        while epoch.range < KeyRouter.rangeCount {
            if !epoch.isRangeSorted { changes.sortRange(epoch) }
            while epoch.place < epoch.hashes.count {
                if count >= limit { return false }
                count += try writeRows(of: epoch.hashes[epoch.place], epoch, body)
                epoch.place += 1
            }
            epoch.range += 1
            epoch.isRangeSorted = false
        }
        return true
    }

    /// The checkpoint is committed, or has failed: then its keys belong to the next one.
    public func endCheckpoint(isCommitted: Bool) {
        guard let changes, let epoch = changes.frozen else { return }
        for image in epoch.images { image.blob.deallocate() }
        changes.frozen = nil
        if !isCommitted { takeBack(epoch, changes.current) }
        cold?.isStuck = false
    }

    private func takeBack(_ epoch: ChangeLog.Epoch, _ current: ChangeLog.Epoch) {
        current.blobBytes += epoch.blobBytes
        current.listBytes += epoch.listBytes
        current.removedHashes.formUnion(epoch.removedHashes)
        for range in 0..<KeyRouter.rangeCount {
            for key in epoch.changed[range] {
                let group = groups[Int(key.group)]
                var place = group.table.next(key.hash, from: nil)
                while let found = place, let base = group.table.slots[found].blob {
                    if Blob(base).epoch != current.number {
                        Blob(base).epoch = current.number
                        current.changed[range].append(key)
                    }
                    place = group.table.next(key.hash, from: found)
                }
            }
            for key in epoch.removed[range] {
                var moved = key
                moved.start = current.removedKeys.count
                current.removedKeys.append(epoch.removedKeys.bytes + key.start, key.count)
                current.removed[range].append(moved)
            }
        }
    }

    /// The rows of all keys that have one hash: nearly always one.
    private func writeRows<Failure: Error>(
        of hash: UInt64, _ epoch: ChangeLog.Epoch, _ body: (StateRow) throws(Failure) -> Void
    ) throws(Failure) -> Int {
        var rows: [(group: Int32, blob: UnsafeMutableRawPointer?, key: UnsafeRawBufferPointer)] = []
        for group in groups {
            var place = group.table.next(hash, from: nil)
            while let found = place, let base = group.table.slots[found].blob {
                if Blob(base).epoch == epoch.number { rows.append((Int32(group.index), base, Blob(base).keyBytes)) }
                place = group.table.next(hash, from: found)
            }
        }
        var image = epoch.imagesByHash[hash] ?? -1
        while image >= 0 {
            let found = epoch.images[image]
            rows.append((found.group, found.blob, Blob(found.blob).keyBytes))
            image = found.next
        }
        let isBack = appendRemoved(of: hash, epoch, to: &rows)
        if rows.count > 1 {
            rows.sort { left, right in left.group != right.group ? left.group < right.group : left.key.precedes(right.key) }
        }
        for row in rows {
            guard let base = row.blob else {
                try body(
                    StateRow(
                        hash: hash, group: Int(row.group), key: row.key, expiresAt: .max, blob: nil, deadline: nil,
                        mayHaveHadDeadline: groups[Int(row.group)].hasDeadlines))
                continue
            }
            let blob = Blob(base)
            let (armed, isLoose, wasStored) = (blob.armedDeadline, blob.isArmedLoosely, blob.isStored)
            prepareForSaving(blob)
            defer {
                blob.group = Int(row.group)
                blob.armedDeadline = armed
                blob.isArmedLoosely = isLoose
                blob.epoch = epoch.number + 1
                // Also where the row could not be written: an earlier checkpoint may have one.
                blob.isStored = true
            }
            try body(
                StateRow(
                    hash: hash, group: Int(row.group), key: row.key,
                    expiresAt: blob.nextDeadline == .max ? blob.expiresAt : .max,
                    blob: UnsafeRawBufferPointer(start: base, count: blob.used),
                    deadline: blob.nextDeadline == .max ? nil : blob.nextDeadline,
                    mayHaveHadDeadline: (wasStored || isBack) && groups[Int(row.group)].hasDeadlines))
        }
        return max(1, rows.count)
    }

    /// Keys that were removed in the epoch and did not come back in it, each once.
    ///
    /// - Returns: whether one did come back: it looks new, and the store may hold more of it than is written now.
    private func appendRemoved(
        of hash: UInt64, _ epoch: ChangeLog.Epoch,
        to rows: inout [(group: Int32, blob: UnsafeMutableRawPointer?, key: UnsafeRawBufferPointer)]
    ) -> Bool {
        var isBack = false
        let removed = epoch.removed[epoch.range]
        var low = 0, high = removed.count
        while low < high {
            let middle = (low + high) / 2
            if removed[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        while low < removed.count, removed[low].hash == hash {
            let key = UnsafeRawBufferPointer(start: epoch.removedKeys.bytes + removed[low].start, count: removed[low].count)
            let group = removed[low].group
            if let there = rows.first(where: { $0.group == group && $0.key.elementsEqual(key) }) {
                if there.blob != nil { isBack = true }
            } else {
                rows.append((group, nil, key))
            }
            low += 1
        }
        return isBack
    }

    /// What only this run knows does not go with the bytes.
    func prepareForSaving(_ blob: Blob) {
        blob.epoch = 0
        blob.isStored = false
        blob.armedDeadline = .max
        blob.isArmedLoosely = false
        blob.checksum = Matcher.checksum(blob.base, count: blob.used)
    }
}

extension UnsafeRawBufferPointer {
    /// In the order of unsigned bytes, the shorter first.
    fileprivate func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard let left = baseAddress, let right = other.baseAddress else { return count < other.count }
        let order = memcmp(left, right, Swift.min(count, other.count))
        return order != 0 ? order < 0 : count < other.count
    }
}
