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
        cold = ColdTier(source, partitions: partitions, bytesMax: bytesMax, isEmpty: isEmpty, epoch: changes.current.number)
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

    /// Bytes of all that grows with the keys: their states, also those copied for a checkpoint, tables, deadlines, filter, and the lists of what has
    /// changed.
    public var memoryBytes: Int {
        var bytes = allocator.bytesInUse + (cold?.filter.bytes ?? 0) + (changes?.listBytes ?? 0)
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

    /// Whether something of the store is to be read: all of it after a restart, and what the filter has lost.
    public var hasUnread: Bool {
        guard let cold else { return false }
        return cold.firstUnread < cold.filter.partitionCount || !cold.unknown.isEmpty
    }

    /// Begins to read, and gives the hashes whose rows ``offer(hash:group:key:row:)`` takes: from the first up to, but not with, the end (nil: to the
    /// last). All of it belongs to one view of the store, and no event is worked before ``endReading()``.
    public func beginReading() -> (first: UInt64, end: UInt64?)? {
        guard let cold else { return nil }
        if let partition = cold.unknown.popLast() {
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
            cold.unknown.append(cold.scanning)
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
    public var isOverBudget: Bool {
        guard let bytesMax = cold?.bytesMax else { return false }
        return memoryBytes > bytesMax
    }

    /// Takes clean keys out of memory while there is more than the budget; to be called every few events.
    ///
    /// - Complexity: O(1) a key that has come since the last call, amortised.
    @inline(__always)
    public func keepWithinBudget() {
        guard let cold, let bytesMax = cold.bytesMax, !cold.isStuck, memoryBytes > bytesMax else { return }
        evict(cold, bytesMax)
    }

    /// The same, until there is room or nothing more can leave.
    public func makeRoom() {
        guard let cold, let bytesMax = cold.bytesMax else { return }
        while !cold.isStuck, memoryBytes > bytesMax { evict(cold, bytesMax) }
    }

    @inline(never)
    private func evict(_ cold: ColdTier, _ bytesMax: Int) {
        guard let changes else { return }
        // Some more than is asked for, so that not every key looks for one that leaves.
        let target = bytesMax - bytesMax / 64
        var excess = memoryBytes - target
        for _ in 0..<ColdTier.looksMax where excess > 0 {
            let group = groups[cold.group]
            if cold.place >= group.table.capacity {
                cold.place = 0
                cold.group += 1
                guard cold.group == groups.count else { continue }
                cold.group = 0
                if cold.beginRound(changes.current.number) { continue }
                // All that is left has to wait for a checkpoint.
                cold.isStuck = true
                return
            }
            guard let base = group.table.slots[cold.place].blob else {
                cold.place += 1
                continue
            }
            let blob = Blob(base)
            guard changes.isDurable(blob), blob.epoch < cold.sparedFrom, blob.isStored else {
                cold.place += 1
                continue
            }
            excess -= BlobAllocator.size(blob.sizeClass)
            // What has run out of time goes from the store by itself.
            if blob.expiresAt > watermark || blob.nextDeadline != .max { cold.insert(blob, group: group.index) }
            allocator.deallocate(base, blob.sizeClass)
            // Another entry may move here, so the place is looked at again.
            group.table.remove(at: cold.place)
            cold.evictions += 1
        }
    }
}
