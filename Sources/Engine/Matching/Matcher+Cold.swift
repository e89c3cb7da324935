internal import Glibc

/// Keys that come from the store and go there: by a touch, by a deadline, by reading ahead, and out of memory by the budget.
extension Matcher {
    /// From now on keys may be stored and not in memory.
    ///
    /// - Parameters:
    ///   - shard, count: of the shards, which one this is.
    ///   - bytesMax: the bound on ``memoryBytes``; nil: none.
    ///   - isEmpty: nothing is stored yet.
    public func keepCold(_ source: any ColdKeys, shard: Int, of count: Int, bytesMax: Int?, isEmpty: Bool) {
        guard let changes else { preconditionFailure("What is not in memory is what checkpoints hold.") }
        changes.keepsRemovedHashes = true
        let ranges = (0..<KeyRouter.rangeCount).filter { KeyRouter.shard(of: UInt64($0) << 56, count: count) == shard }
        let perRange = (1 << ColdFilter.partitionBits) / KeyRouter.rangeCount
        let partitions = (ranges.first ?? 0) * perRange..<((ranges.last ?? -1) + 1) * perRange
        if let bytesMax { allocator.compact(within: bytesMax) }
        cold = ColdTier(
            source, partitions: partitions, bytesMax: bytesMax, chunkSize: allocator.chunkSize, isEmpty: isEmpty, epoch: changes.current.number)
    }

    /// Whether keys may be stored and not in memory.
    public var keepsCold: Bool { cold != nil }
    /// Keys that are stored and not in memory; about, since what has run out of time on the disk may be among them, and what was not looked at
    /// since a restart is not.
    public var coldKeyCount: Int { cold?.filter.count ?? 0 }
    public var evictions: UInt64 { cold?.evictions ?? 0 }
    public var coldReads: UInt64 { cold?.reads ?? 0 }
    /// A stored state was not sound: nothing that was matched since may leave.
    public var coldFailure: BlobError? { cold?.failure }

    /// Bytes of all that grows with the keys: their states with the room between them, also those copied for a checkpoint, tables, deadlines, filter, and the lists of what has
    /// changed.
    public var memoryBytes: Int {
        var bytes = allocator.bytesHeld + (cold?.filter.bytes ?? 0) + (changes?.listBytes ?? 0)
        for group in groups { bytes += group.table.grownBytes + group.deadlines.bytes }
        return bytes
    }

    /// Bytes of state that no committed checkpoint holds.
    public var dirtyBytes: Int { changes?.dirtyBytes ?? 0 }
    /// Of those, what changed since the last barrier.
    public var dirtyBytesOfEpoch: Int { changes?.current.blobBytes ?? 0 }

    // MARK: - Into memory

    /// Brings a key's state into memory that a touch asks for; false where it has none.
    @inline(never)
    func fetch(_ group: GroupState, _ hash: UInt64, _ key: UnsafePointer<UInt8>, _ keyLength: Int) -> Bool {
        guard let cold, cold.failure == nil, cold.filter.mayHold(hash, group: group.index) else { return false }
        if changes?.isRemoved(hash, group: group.index, key, keyLength) ?? false { return false }
        cold.reads += 1
        let bytes = UnsafeRawBufferPointer(start: key, count: keyLength)
        guard let row = cold.source.row(hash: hash, group: group.index, key: bytes) else { return false }
        return row.withUnsafeBytes { takeIn($0, key: bytes, hash: hash, group: group.index) }
    }

    /// Brings every state of a hash into memory for which something may be due.
    @inline(never)
    func fetchAll(_ hash: UInt64, _ group: GroupState) {
        guard let cold, cold.failure == nil, cold.filter.mayHold(hash, group: group.index) else { return }
        cold.reads += 1
        cold.source.rows(hash: hash, group: group.index) { key, row in
            guard let bytes = key.baseAddress?.assumingMemoryBound(to: UInt8.self), !isKnown(hash, group: group, bytes, key.count) else { return }
            _ = takeIn(row, key: key, hash: hash, group: group.index)
        }
    }

    /// Whether what is stored of a key is not its state.
    private func isKnown(_ hash: UInt64, group: GroupState, _ key: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        group.table.find(hash, key, count).isFound || changes?.isRemoved(hash, group: group.index, key, count) ?? false
    }

    /// False where the row has run out of time, or is not sound.
    private func takeIn(_ row: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, hash: UInt64, group: Int) -> Bool {
        guard let cold, cold.failure == nil else { return false }
        do throws(BlobError) {
            guard row.count >= ColdTier.expiryCount else { throw .damaged("length") }
            // That key may have left memory without being noted, and what the filter has is another's.
            guard ColdTier.expiry(row) > watermark else { return false }
            try importRow(row, key: key, group: group)
        } catch {
            cold.failure = error
            return false
        }
        cold.filter.remove(hash, group: group)
        return true
    }

    private func importRow(_ row: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, group: Int) throws(BlobError) {
        let bytes = UnsafeRawBufferPointer(rebasing: row[ColdTier.expiryCount...])
        guard Blob.isOf(key, bytes) else { throw .damaged("key") }
        try importState(group: group, bytes, isArmed: true)
    }

    // MARK: - Reading ahead

    /// Whether something of the store is to be read: all of it after a restart, and what the filter needs.
    public var hasUnread: Bool {
        guard let cold else { return false }
        return cold.firstUnread < cold.filter.partitionCount || !cold.unread.isEmpty
    }

    /// Begins to read, and gives the hashes whose rows ``offer(hash:group:key:row:)`` takes: from the first up to, but not with, the end (nil: to the
    /// last). All of it belongs to one view of the store, and no event is worked before ``endReading()``.
    public func beginReading() -> (first: UInt64, end: UInt64?)? {
        guard let cold else { return nil }
        if let partition = cold.unread.popLast() {
            cold.scanning = partition
            cold.scanEnd = partition + 1
            cold.isRestoring = false
        } else if cold.firstUnread < cold.filter.partitionCount {
            cold.scanning = cold.firstUnread
            cold.scanEnd = cold.filter.partitionCount
            cold.isRestoring = true
        } else {
            return nil
        }
        cold.marks.removeAll(keepingCapacity: true)
        let isLast = cold.filter.first + cold.scanEnd == 1 << ColdFilter.partitionBits
        return (cold.filter.start(of: cold.scanning), isLast ? nil : cold.filter.start(of: cold.scanEnd))
    }

    /// Whether a row is the first of its partition, so that reading can stop before it.
    public func beginsPartition(_ hash: UInt64) -> Bool { cold.map { $0.filter.partition(of: hash) > $0.scanning } ?? false }

    /// Takes a stored row, in the order of hashes: into memory as long as there is room, else into the filter.
    ///
    /// - Throws: ``BlobError`` where the row is not sound.
    public func offer(hash: UInt64, group: Int, key: UnsafeRawBufferPointer, row: UnsafeRawBufferPointer) throws(BlobError) {
        guard let cold else { return }
        let partition = cold.filter.partition(of: hash)
        guard groups.indices.contains(group), let keyBytes = key.baseAddress?.assumingMemoryBound(to: UInt8.self), partition >= cold.scanning,
            partition < cold.scanEnd, row.count >= ColdTier.expiryCount
        else { throw .damaged("row") }
        while cold.scanning < partition { endPartition(cold) }
        if isKnown(hash, group: groups[group], keyBytes, key.count) || ColdTier.expiry(row) <= watermark { return }
        if let bytesMax = cold.bytesMax, memoryBytes > bytesMax / 16 * ColdTier.filledSixteenths {
            cold.marks.append(ColdFilter.mark(hash, group: group))
        } else {
            try importRow(row, key: key, group: group)
        }
    }

    /// What was read stands. `isToTheEnd`: there were no more rows; otherwise reading goes on with the partition of the row that was not taken.
    public func endReading(isToTheEnd: Bool, before hash: UInt64 = 0) {
        guard let cold else { return }
        let end = isToTheEnd ? cold.scanEnd : cold.filter.partition(of: hash)
        while cold.scanning < end { endPartition(cold) }
        if cold.isRestoring {
            cold.firstUnread = cold.scanning
        } else if cold.scanning < cold.scanEnd {
            cold.unread.append(cold.scanning)
        }
        // With no bound on memory, all of it is there for good.
        if cold.bytesMax == nil && cold.failure == nil && !hasUnread {
            self.cold = nil
            changes?.keepsRemovedHashes = false
        }
    }

    private func endPartition(_ cold: ColdTier) {
        // Where the filter has no room for these keys, each touch asks the store.
        _ = cold.filter.rebuild(cold.scanning, marks: cold.marks)
        cold.marks.removeAll(keepingCapacity: true)
        cold.scanning += 1
    }

    // MARK: - Out of memory

    /// Whether more is in memory than may be, and nothing can leave before a checkpoint is committed.
    public var isOverBudget: Bool { cold?.bytesMax.map { memoryBytes > $0 } ?? false }

    /// Takes clean keys out of memory where there is more than the budget; to be called every few events, and only between them.
    ///
    /// - Complexity: O(1) a key that has come since the last call, amortised.
    @inline(__always)
    public func keepWithinBudget() {
        guard let cold, let target = cold.target, !cold.isStuck, memoryBytes > target else { return }
        evict(cold)
    }

    /// The same, until there is room or nothing more can leave.
    public func makeRoom() {
        guard let cold, let target = cold.target else { return }
        while !cold.isStuck, memoryBytes > target { evict(cold) }
    }

    /// Evacuates the next chunk of which enough can leave: what is clean and has not been touched since the hand last came by is evicted, the rest
    /// moves together.
    @inline(never)
    private func evict(_ cold: ColdTier) {
        guard let changes else { return }
        for _ in 0..<ColdTier.chunksLookedAt {
            guard cold.chunk < allocator.chunks.count else {
                evictLarge(cold, changes)
                cold.chunk = 0
                if cold.beginRound(changes.current.number) { continue }
                // All that is left has to wait for a checkpoint.
                cold.isStuck = true
                return
            }
            if evacuate(cold.chunk, cold, changes) { return }
            cold.chunk += 1
        }
    }

    /// False where too little of a chunk can leave.
    private func evacuate(_ chunk: Int, _ cold: ColdTier, _ changes: ChangeLog) -> Bool {
        // Blocks are carved from it; only where it is the only one, somebody has to leave it.
        let isOpen = allocator.isOpen(chunk)
        if isOpen && allocator.chunks.count > 1 { return false }
        var kept = 0, leaving = 0
        allocator.forEachBlob(of: chunk) { base in
            let blob = Blob(base)
            if mayLeave(blob, cold, changes) { leaving += 1 } else { kept += BlobAllocator.size(blob.sizeClass) }
        }
        guard kept <= allocator.chunkSize / 16 * ColdTier.keptSixteenthsMax, leaving > 0 || !isOpen else { return false }
        if isOpen { allocator.closeChunk() }
        allocator.beginEvacuation(of: chunk)
        allocator.forEachBlob(of: chunk) { base in
            let blob = Blob(base)
            let group = groups[blob.group]
            let place = place(of: base, group)
            if mayLeave(blob, cold, changes) {
                leave(blob, group, at: place, cold)
            } else {
                let moved = allocator.allocate(blob.sizeClass)
                memcpy(moved, base, blob.used)
                group.table.set(place, moved)
            }
            allocator.giveUp(blob.sizeClass)
        }
        allocator.endEvacuation(of: chunk)
        return true
    }

    private func evictLarge(_ cold: ColdTier, _ changes: ChangeLog) {
        var index = allocator.large.count
        while index > 0 {
            // From the last on: another one takes the place of one that goes.
            index -= 1
            let blob = Blob(allocator.large[index])
            guard mayLeave(blob, cold, changes) else { continue }
            let group = groups[blob.group]
            leave(blob, group, at: place(of: blob.base, group), cold)
            allocator.deallocate(blob.base, blob.sizeClass)
        }
    }

    @inline(__always)
    private func mayLeave(_ blob: Blob, _ cold: ColdTier, _ changes: ChangeLog) -> Bool {
        changes.isDurable(blob) && blob.epoch < cold.sparedFrom && blob.isStored
    }

    private func place(of base: UnsafeMutableRawPointer, _ group: GroupState) -> Int {
        var place = group.table.next(Blob(base).hash, from: nil)
        while let found = place, group.table.slots[found].blob != base { place = group.table.next(Blob(base).hash, from: found) }
        guard let place else { preconditionFailure("Every blob stands in the table of its group.") }
        return place
    }

    private func leave(_ blob: Blob, _ group: GroupState, at place: Int, _ cold: ColdTier) {
        // What has run out of time goes from the store by itself.
        if blob.expiresAt > watermark || blob.nextDeadline != .max { cold.insert(blob, group: group.index) }
        group.table.remove(at: place)
        cold.evictions += 1
    }
}
