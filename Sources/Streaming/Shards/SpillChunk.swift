internal import CXXHash
internal import Engine
internal import Events

// A chunk as it is written: a checksum over all that follows, seven counts, and then everything that a holding has, in arrays. The layout is
// the machine's own, since no other process reads it.

/// Rows of a run that were written outside memory, with a cursor: what was read of it last, and what comes behind.
struct SpilledRun {
    struct Chunk {
        var first: RowMoment
        var offset: UInt64
        var byteCount: Int
    }

    let bytes: any SpillRun
    let chunks: [Chunk]
    var nextChunk = 0
    /// The chunk in memory.
    var rows: [RoutedRow] = []
    var next = 0
    /// Rows that have not left.
    var left: Int

    /// Where its next row stands in the order; nil where none is left.
    var head: RowMoment? {
        if next < rows.count { return RowMoment(time: rows[next].time, arrival: rows[next].arrival) }
        return nextChunk < chunks.count ? chunks[nextChunk].first : nil
    }
}

/// What stands at the begin of a chunk, behind its checksum.
struct SpillChunkHeader {
    var rows: UInt32
    var columns: UInt32
    var lineBytes: UInt32
    var textBytes: UInt32
    var keyBytes: UInt32
    var masks: UInt32
    /// Where text began in the batch that was written: what stands before it stands in a line.
    var textStart: UInt32
    /// So that what follows stands at a multiple of eight.
    var padding: UInt32 = 0

    static let byteCount = 40

    /// Bytes of the whole chunk; the arrays with fields of eight bytes come first.
    var chunkBytes: Int {
        let (rows, columns) = (Int(rows), Int(columns))
        return SpillChunkHeader.byteCount + rows * (24 + 9 * columns + MemoryLayout<RoutedRow>.stride) + Int(masks) * MemoryLayout<RuleMask>.stride
            + Int(lineBytes) + Int(textBytes) + Int(keyBytes)
    }
}

/// Writes rows, which come in order, as the chunks of one run.
final class SpillWriter {
    private let run: any SpillRun
    private let columnCount: Int
    private let limits: SpillLimits
    private var batch: EventBatch
    private let routed = HeldKeys()
    private var rows: [RoutedRow] = []
    private var textCount = 0
    private var encoded = ByteBuffer(capacity: 256 * 1024)
    private var chunks: [SpilledRun.Chunk] = []
    private var rowCount = 0
    private(set) var byteCount: UInt64 = 0

    init(_ run: any SpillRun, columnCount: Int, limits: SpillLimits) {
        self.run = run
        self.columnCount = columnCount
        self.limits = limits
        batch = EventBatch(columnCount: columnCount, rowCapacity: limits.chunkRows, byteCapacity: limits.chunkBytes)
    }

    func append(_ row: RoutedRow, at place: RowPlace) throws(SpillError) {
        if !batch.append(row: Int(row.row), of: place.batch, textCount: &textCount) {
            try writeChunk()
            let bytes = Int(place.batch.rawLengths[Int(row.row)]) * max(1, columnCount)
            if bytes > batch.byteCapacity {
                batch = EventBatch(columnCount: columnCount, rowCapacity: limits.chunkRows, byteCapacity: bytes)
            }
            let isAppended = batch.append(row: Int(row.row), of: place.batch, textCount: &textCount)
            precondition(isAppended, "An empty chunk has room for one row.")
        }
        var written = row
        written.row = UInt32(batch.count - 1)
        routed.take(&written, place)
        rows.append(written)
    }

    /// Writes the last chunk; the run can be read from its first row on.
    func finish() throws(SpillError) -> SpilledRun {
        try writeChunk()
        return SpilledRun(bytes: run, chunks: chunks, left: rowCount)
    }

    private func writeChunk() throws(SpillError) {
        guard let first = rows.first else { return }
        encode()
        try run.append(UnsafeRawBufferPointer(start: encoded.bytes, count: encoded.count))
        chunks.append(
            SpilledRun.Chunk(first: RowMoment(time: first.time, arrival: first.arrival), offset: byteCount, byteCount: encoded.count))
        byteCount += UInt64(encoded.count)
        rowCount += rows.count
        rows.removeAll(keepingCapacity: true)
        routed.removeAll()
        textCount = 0
        if batch.byteCapacity > limits.chunkBytes {
            batch = EventBatch(columnCount: columnCount, rowCapacity: limits.chunkRows, byteCapacity: limits.chunkBytes)
        }
        batch.reset(rowCapacity: 0)
        batch.byteCount = 0
    }

    private func encode() {
        let count = batch.count
        let header = SpillChunkHeader(
            rows: UInt32(count), columns: UInt32(columnCount), lineBytes: UInt32(batch.byteCount), textBytes: UInt32(textCount),
            keyBytes: UInt32(routed.keys.count), masks: UInt32(routed.masks.count), textStart: UInt32(batch.textStart))
        encoded.removeAll()
        encoded.reserve(header.chunkBytes)
        withUnsafeBytes(of: UInt64(0)) { encoded.append($0) }
        withUnsafeBytes(of: header) { encoded.append($0) }
        append(batch.times, 0, count)
        append(batch.lines, 0, count)
        append(batch.rawOffsets, 0, count)
        append(batch.rawLengths, 0, count)
        for column in 0..<columnCount { append(batch.payloads, column * batch.rowCapacity, count) }
        rows.withUnsafeBytes { encoded.append($0) }
        append(routed.masks.start, 0, routed.masks.count)
        for column in 0..<columnCount { append(batch.kinds, column * batch.rowCapacity, count) }
        append(batch.bytes, 0, batch.byteCount)
        append(batch.strings, batch.textStart, textCount)
        append(routed.keys.bytes, 0, routed.keys.count)
        let bytes = UnsafeMutableRawPointer(encoded.bytes)
        bytes.storeBytes(of: nt_hash64(bytes + 8, encoded.count - 8, byteCount), as: UInt64.self)
    }

    private func append<Element>(_ from: UnsafeMutablePointer<Element>, _ start: Int, _ count: Int) {
        encoded.append(UnsafeRawBufferPointer(start: from + start, count: count * MemoryLayout<Element>.stride))
    }
}

/// Reads chunks back; its memory is used again and again.
final class SpillReader {
    private var room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    deinit {
        room.deallocate()
    }

    /// The bytes of a chunk, which are valid until the next is read, proven to be what was written.
    func read(_ chunk: SpilledRun.Chunk, of run: any SpillRun) throws(SpillError) -> (header: SpillChunkHeader, bytes: UnsafeRawPointer) {
        if room.count < chunk.byteCount {
            room.deallocate()
            room = .allocate(byteCount: chunk.byteCount, alignment: 16)
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: room[..<chunk.byteCount])
        try run.read(at: chunk.offset, into: bytes)
        guard let base = bytes.baseAddress, chunk.byteCount >= SpillChunkHeader.byteCount,
            base.load(as: UInt64.self) == nt_hash64(base + 8, chunk.byteCount - 8, chunk.offset)
        else { throw .damaged("events that were put on disk came back damaged") }
        let header = (base + 8).load(as: SpillChunkHeader.self)
        guard header.chunkBytes == chunk.byteCount else { throw .damaged("events that were put on disk came back damaged") }
        return (header, UnsafeRawPointer(base) + SpillChunkHeader.byteCount)
    }

    /// Copies a chunk to a batch that has room for it; returns its rows.
    func decode(_ header: SpillChunkHeader, _ bytes: UnsafeRawPointer, into batch: EventBatch, _ routed: HeldKeys) -> [RoutedRow] {
        let count = Int(header.rows)
        let columns = Int(header.columns)
        var from = bytes
        func take(_ target: UnsafeMutableRawPointer, _ length: Int) {
            target.copyMemory(from: from, byteCount: length)
            from += length
        }
        take(batch.times, count * 8)
        take(batch.lines, count * 8)
        take(batch.rawOffsets, count * 4)
        take(batch.rawLengths, count * 4)
        for column in 0..<columns { take(batch.payloads + column * batch.rowCapacity, count * 8) }
        let rows = [RoutedRow](unsafeUninitializedCapacity: count) { room, filled in
            if let base = room.baseAddress { take(base, count * MemoryLayout<RoutedRow>.stride) }
            filled = count
        }
        routed.append(masks: from.assumingMemoryBound(to: RuleMask.self), Int(header.masks))
        from += Int(header.masks) * MemoryLayout<RuleMask>.stride
        for column in 0..<columns { take(batch.kinds + column * batch.rowCapacity, count) }
        take(batch.bytes, Int(header.lineBytes))
        take(batch.strings + batch.textStart, Int(header.textBytes))
        moveText(batch, rows: count, columns: columns, from: UInt64(header.textStart))
        routed.append(keys: from.assumingMemoryBound(to: UInt8.self), Int(header.keyBytes))
        batch.count = count
        batch.byteCount = Int(header.lineBytes)
        return rows
    }

    /// Text behind the lines begins elsewhere in this batch.
    private func moveText(_ batch: EventBatch, rows: Int, columns: Int, from start: UInt64) {
        let step = UInt64(batch.textStart) &- start
        guard step != 0 else { return }
        for column in 0..<columns {
            for row in 0..<rows {
                let place = column * batch.rowCapacity + row
                guard batch.kinds[place] == ValueKind.string || batch.kinds[place] == ValueKind.list,
                    batch.payloads[place] & 0xFFFF_FFFF >= start
                else { continue }
                batch.payloads[place] &+= step
            }
        }
    }
}
