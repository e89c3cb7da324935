internal import Engine
internal import Events

// Rows outside memory. All rows in memory become one sorted run of a space, in chunks; of a run there is at most one chunk in memory, and it
// comes when the watermark has passed its first row. What is released does not depend on what stood where.

extension ReorderBuffer {
    /// Whether rows are outside memory, so that they leave by ``releaseSlice(upTo:into:)``.
    var isSpilled: Bool { !spilled.isEmpty }

    /// Memory that ``spill()`` gives back.
    var spillableBytes: Int { heldBytes - loadedBytes }

    // MARK: - Out of memory

    /// Writes all rows in memory to the space, if there is one. No row may be released and unfinished.
    ///
    /// - Complexity: O(rows log rows), and now and then a merge of runs.
    mutating func spill() throws(SpillError) {
        guard let space else { return }
        while runs.count > 1 { mergeLastTwo() }
        guard let run = runs.first, run.count > 0 else { return }
        if spilled.count >= limits.runsMax { try mergeSpilled(in: space) }
        let writer = SpillWriter(try space.makeRun(), columnCount: columnCount, limits: limits)
        for row in run.rows[run.next...] {
            try writer.append(row, at: place(of: row))
            noteSpilled(row, 1)
        }
        spilled.append(try writer.finish())
        spilledRows += UInt64(run.count)
        spilledBytes += writer.byteCount
        runs.removeAll()
        for index in holdings.indices where !holdings[index].isLoaded { vacate(index) }
        for input in filling.indices { filling[input] = -1 }
    }

    /// Gives back the memory of a holding, whether or not it is in use.
    private mutating func vacate(_ index: Int) {
        if holdings[index].isInUse { release(index) }
        holdings[index].batch = nothing.batch
        holdings[index].routed = nothing.routed
        holdings[index].live = 0
    }

    private func place(of row: RoutedRow) -> RowPlace {
        let holding = holdings[Int(row.holder)]
        return RowPlace(
            batch: holding.batch, keys: UnsafePointer(holding.routed.keys.bytes), masks: UnsafePointer(holding.routed.masks.start))
    }

    /// What an input that is ahead has outside memory counts as what it has within, so that it is not read on for that.
    private mutating func noteSpilled(_ row: RoutedRow, _ sign: Int) {
        let input = Int(truncatingIfNeeded: row.arrival >> 48)
        let bytes = MemoryLayout<RoutedRow>.stride + 9 * columnCount + Int(row.keyLength) + Int(row.maskCount) * MemoryLayout<RuleMask>.stride
            + Int(holdings[Int(row.holder)].batch.rawLengths[Int(row.row)])
        spilledByInput[input] += sign * bytes
    }

    /// Makes one run of the smaller half of them.
    private mutating func mergeSpilled(in space: any SpillSpace) throws(SpillError) {
        let bySize = spilled.indices.sorted { spilled[$0].left < spilled[$1].left }
        let chosen = Set(bySize.prefix(max(2, limits.runsMax / 2)))
        let writer = SpillWriter(try space.makeRun(), columnCount: columnCount, limits: limits)
        while true {
            var choice = HeadChoice()
            for index in chosen { choice.consider(index, spilled[index].head) }
            guard choice.best >= 0 else { break }
            repeat {
                let row = try takeSpilled(choice.best)
                noteSpilled(row, 1)
                try writer.append(row, at: place(of: row))
                finish(row)
            } while choice.isStillBest(spilled[choice.best].head)
        }
        let merged = try writer.finish()
        spilledBytes += writer.byteCount
        spilled = spilled.indices.filter { !chosen.contains($0) }.map { spilled[$0] } + [merged]
    }

    // MARK: - Back

    /// Moves rows that the bound lets go, in order, to the end of `released`: so many as fit in memory.
    ///
    /// - Returns: whether there may be more of them, for which the released ones must be finished first.
    mutating func releaseSlice(upTo bound: ReleaseBound, into released: inout [RoutedRow]) throws(SpillError) -> Bool {
        guard isSpilled else {
            release(upTo: bound, into: &released)
            return false
        }
        let loadedBefore = loadedInAll
        let releasedBefore = released.count
        var isFull = false
        while !isFull {
            var choice = HeadChoice()
            for index in runs.indices { choice.consider(index, head(ofRun: index)) }
            for index in spilled.indices { choice.consider(runs.count + index, spilled[index].head) }
            guard choice.best >= 0, bound.lets(choice.head.time, arrival: choice.head.arrival) else { break }
            var head: RowMoment?
            repeat {
                if choice.best < runs.count {
                    released.append(runs[choice.best].rows[runs[choice.best].next])
                    runs[choice.best].next += 1
                    head = self.head(ofRun: choice.best)
                } else {
                    released.append(try takeSpilled(choice.best - runs.count))
                    head = spilled[choice.best - runs.count].head
                }
                heldRows -= 1
                isFull = released.count - releasedBefore >= limits.sliceRows || loadedInAll - loadedBefore >= limits.sliceBytes
            } while !isFull && choice.isStillBest(head) && head.map { bound.lets($0.time, arrival: $0.arrival) } ?? false
        }
        runs.removeAll { $0.count == 0 }
        spilled.removeAll { $0.left == 0 }
        return isFull
    }

    private func head(ofRun index: Int) -> RowMoment? {
        guard runs[index].count > 0 else { return nil }
        let row = runs[index].rows[runs[index].next]
        return RowMoment(time: row.time, arrival: row.arrival)
    }

    private mutating func takeSpilled(_ index: Int) throws(SpillError) -> RoutedRow {
        if spilled[index].next == spilled[index].rows.count { try load(index) }
        let row = spilled[index].rows[spilled[index].next]
        spilled[index].next += 1
        spilled[index].left -= 1
        return row
    }

    /// Reads the next chunk of a run into a holding.
    private mutating func load(_ index: Int) throws(SpillError) {
        let (header, bytes) = try reader.read(spilled[index].chunks[spilled[index].nextChunk], of: spilled[index].bytes)
        guard header.columns == columnCount, header.rows > 0 else { throw .damaged("events that were put on disk came back damaged") }
        let target = openLoaded(rows: Int(header.rows), bytes: max(Int(header.lineBytes), Int(header.textBytes)))
        var rows = reader.decode(header, bytes, into: holdings[target].batch, holdings[target].routed)
        for place in rows.indices {
            rows[place].holder = Int32(target)
            noteSpilled(rows[place], -1)
        }
        holdings[target].live = rows.count
        spilled[index].rows = rows
        spilled[index].next = 0
        spilled[index].nextChunk += 1
    }

    private mutating func openLoaded(rows: Int, bytes: Int) -> Int {
        var target = holdings.firstIndex { !$0.isInUse && $0.batch.rowCapacity >= rows && $0.batch.byteCapacity >= bytes }
        if target == nil {
            let batch = EventBatch(
                columnCount: columnCount, rowCapacity: max(rows, limits.chunkRows), byteCapacity: max(bytes, limits.chunkBytes))
            target = add(Holding(batch: batch, view: BatchView(batch)))
        }
        let index = target ?? 0
        holdings[index].isInUse = true
        holdings[index].isLoaded = true
        holdings[index].input = 0
        let footprint = holdings[index].batch.footprint
        heldBytes += footprint
        loadedBytes += footprint
        loadedInAll += footprint
        return index
    }
}

/// The least of several heads, and the one after it: as long as a run's next head is not beyond that, no other need be looked at.
private struct HeadChoice {
    var best = -1
    var head = RowMoment.last
    private var after = RowMoment.last

    @inline(__always)
    mutating func consider(_ index: Int, _ other: RowMoment?) {
        guard let other else { return }
        if best < 0 || other < head {
            after = head
            (best, head) = (index, other)
        } else if other < after {
            after = other
        }
    }

    @inline(__always)
    func isStillBest(_ next: RowMoment?) -> Bool {
        guard let next else { return false }
        return !(after < next)
    }
}
