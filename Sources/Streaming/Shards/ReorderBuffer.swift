internal import Engine
internal import Events

/// Rows that the watermark has not passed yet, in sorted runs. They are copied out of the batch in which they were read, so that a slow
/// watermark holds the rows alone and not their blocks. Where memory has no more room they can go to disk (`ReorderBuffer+Spill`).
///
/// - Complexity: O(log n) a row, amortised: runs are merged when a younger one has grown to half of an older.
struct ReorderBuffer {
    struct Run {
        var rows: [RoutedRow]
        var next = 0

        var count: Int { rows.count - next }
    }

    struct Holding {
        var batch: EventBatch
        var view: BatchView
        var routed = HeldKeys()
        var textCount = 0
        var live = 0
        var isInUse = false
        /// Holds a chunk that was read back, of any inputs.
        var isLoaded = false
        var input = 0
    }

    var runs: [Run] = []
    var holdings: [Holding] = []
    /// Of each input the holding that takes its next row, or -1. Inputs do not share them: rows of one that is far ahead would keep the
    /// memory of another's that have left.
    var filling: [Int32] = []
    private var bytesByInput: [Int] = []
    let columnCount: Int
    /// Rows that have not left, in memory or outside.
    var heldRows = 0
    /// Memory of the batches that hold rows.
    var heldBytes = 0

    // What is outside memory.
    let space: (any SpillSpace)?
    let limits: SpillLimits
    var spilled: [SpilledRun] = []
    /// Of each input about the bytes of its rows there.
    var spilledByInput: [Int] = []
    /// Memory of chunks that were read back: at most one a run, and what is released and not finished.
    var loadedBytes = 0
    /// The same, of all chunks that ever were.
    var loadedInAll = 0
    /// Rows that ever went there, each time anew.
    var spilledRows: UInt64 = 0
    /// Bytes that ever were written there, those of merges too.
    var spilledBytes: UInt64 = 0
    let reader = SpillReader()
    /// Stands where the memory of a holding was given back.
    let nothing: (batch: EventBatch, routed: HeldKeys)

    init(columnCount: Int, space: (any SpillSpace)? = nil, limits: SpillLimits = SpillLimits()) {
        self.columnCount = columnCount
        self.space = space
        self.limits = limits
        nothing = (EventBatch(columnCount: columnCount, rowCapacity: 0, byteCapacity: 0), HeldKeys())
    }

    /// Memory of the batches that hold rows of one input, and about what its rows are outside memory.
    func heldBytes(ofInput input: Int) -> Int { bytesByInput.indices.contains(input) ? bytesByInput[input] + spilledByInput[input] : 0 }

    /// The earliest time of a held row.
    var firstTime: Int64? {
        let inMemory = runs.lazy.filter { $0.count > 0 }.map { $0.rows[$0.next].time }.min()
        guard isSpilled, let outside = spilled.lazy.compactMap(\.head).map(\.time).min() else { return inMemory }
        return min(inMemory ?? outside, outside)
    }

    @inline(__always)
    func view(_ holder: Int32) -> BatchView { holdings[Int(holder)].view }

    /// A held row's masks.
    @inline(__always)
    func masks(_ row: borrowing RoutedRow) -> UnsafePointer<RuleMask> {
        UnsafePointer(holdings[Int(row.holder)].routed.masks.start) + Int(row.firstMask)
    }

    /// A held row's key.
    @inline(__always)
    func key(_ row: borrowing RoutedRow) -> UnsafePointer<UInt8> {
        UnsafePointer(holdings[Int(row.holder)].routed.keys.bytes) + Int(row.key)
    }

    // MARK: - In

    /// Keeps rows, in their order; `place` says where each stands now.
    mutating func hold(_ rows: ArraySlice<RoutedRow>, place: (borrowing RoutedRow) -> RowPlace) {
        guard !rows.isEmpty else { return }
        var run = Run(rows: [])
        run.rows.reserveCapacity(rows.count)
        for row in rows { run.rows.append(copy(row, place(row))) }
        heldRows += run.rows.count
        if let last = runs.last?.rows.last, let first = run.rows.first, last < first {
            runs[runs.count - 1].rows += run.rows
        } else {
            runs.append(run)
        }
        while runs.count > 1 && runs[runs.count - 1].count * 2 > runs[runs.count - 2].count { mergeLastTwo() }
    }

    private mutating func copy(_ row: RoutedRow, _ place: RowPlace) -> RoutedRow {
        let input = Int(truncatingIfNeeded: row.arrival >> 48)
        while filling.count <= input {
            filling.append(-1)
            bytesByInput.append(0)
            spilledByInput.append(0)
        }
        let length = Int(place.batch.rawLengths[Int(row.row)])
        if filling[input] < 0 { filling[input] = openHolding(input: input, rowBytes: length) }
        var target = Int(filling[input])
        if !holdings[target].batch.append(row: Int(row.row), of: place.batch, textCount: &holdings[target].textCount) {
            retire(target)
            filling[input] = openHolding(input: input, rowBytes: length)
            target = Int(filling[input])
            let isAppended = holdings[target].batch.append(row: Int(row.row), of: place.batch, textCount: &holdings[target].textCount)
            precondition(isAppended, "A new holding has room for one row.")
        }
        var held = row
        held.holder = Int32(target)
        held.row = UInt32(holdings[target].batch.count - 1)
        holdings[target].routed.take(&held, place)
        holdings[target].live += 1
        return held
    }

    private static let holdingRows = 512
    private static let holdingBytes = 128 * 1024

    private mutating func openHolding(input: Int, rowBytes: Int) -> Int32 {
        let bytes = max(ReorderBuffer.holdingBytes, rowBytes * max(1, columnCount))
        if bytes == ReorderBuffer.holdingBytes,
            let free = holdings.firstIndex(where: { !$0.isInUse && $0.batch.byteCapacity >= bytes && $0.batch.rowCapacity > 0 })
        {
            holdings[free].isInUse = true
            holdings[free].input = input
            count(holdings[free].batch.footprint, ofInput: input)
            return Int32(free)
        }
        let batch = EventBatch(columnCount: columnCount, rowCapacity: ReorderBuffer.holdingRows, byteCapacity: bytes)
        count(batch.footprint, ofInput: input)
        return Int32(add(Holding(batch: batch, view: BatchView(batch), isInUse: true, input: input)))
    }

    /// Puts a holding where one was given back, or behind all others.
    mutating func add(_ holding: Holding) -> Int {
        if let vacant = holdings.firstIndex(where: { !$0.isInUse && $0.batch === nothing.batch }) {
            holdings[vacant] = holding
            return vacant
        }
        holdings.append(holding)
        return holdings.count - 1
    }

    private mutating func count(_ bytes: Int, ofInput input: Int) {
        heldBytes += bytes
        bytesByInput[input] += bytes
    }

    /// A full holding whose rows have all left is free again.
    private mutating func retire(_ index: Int) {
        if Int(filling[holdings[index].input]) == index { filling[holdings[index].input] = -1 }
        if holdings[index].live == 0 { release(index) }
    }

    mutating func release(_ index: Int) {
        let footprint = holdings[index].batch.footprint
        if holdings[index].isLoaded {
            heldBytes -= footprint
            loadedBytes -= footprint
            holdings[index].isLoaded = false
        } else {
            count(-footprint, ofInput: holdings[index].input)
        }
        holdings[index].isInUse = false
        holdings[index].batch.reset(rowCapacity: 0)
        holdings[index].batch.byteCount = 0
        holdings[index].textCount = 0
        holdings[index].routed.removeAll()
    }

    mutating func mergeLastTwo() {
        let right = runs.removeLast()
        let left = runs.removeLast()
        var merged: [RoutedRow] = []
        merged.reserveCapacity(left.count + right.count)
        var i = left.next, j = right.next
        while i < left.rows.count && j < right.rows.count {
            if right.rows[j] < left.rows[i] {
                merged.append(right.rows[j])
                j += 1
            } else {
                merged.append(left.rows[i])
                i += 1
            }
        }
        merged += left.rows[i...]
        merged += right.rows[j...]
        runs.append(Run(rows: merged))
    }

    // MARK: - Out

    /// Moves the rows that the bound lets go, in order, to the end of `released`; all of them are in memory.
    mutating func release(upTo bound: ReleaseBound, into released: inout [RoutedRow]) {
        while true {
            var best = -1
            for index in runs.indices where runs[index].count > 0 {
                let head = runs[index].rows[runs[index].next]
                if bound.lets(head.time, arrival: head.arrival), best < 0 || head < runs[best].rows[runs[best].next] { best = index }
            }
            guard best >= 0 else { break }
            released.append(runs[best].rows[runs[best].next])
            runs[best].next += 1
            heldRows -= 1
        }
        runs.removeAll { $0.count == 0 }
    }

    /// A released row has been worked: its copy may go.
    @inline(__always)
    mutating func finish(_ row: borrowing RoutedRow) {
        let index = Int(row.holder)
        holdings[index].live -= 1
        if holdings[index].live == 0 && Int(filling[holdings[index].input]) != index { release(index) }
    }
}

/// Where a row stands while it is no held one.
struct RowPlace {
    var batch: EventBatch
    var keys: UnsafePointer<UInt8>
    var masks: UnsafePointer<RuleMask>
}

/// The keys and masks of held rows.
final class HeldKeys {
    private(set) var keys = KeyBuffer()
    private(set) var masks = MaskBuffer()

    func take(_ row: inout RoutedRow, _ place: RowPlace) {
        let (key, mask) = (Int(row.key), Int(row.firstMask))
        row.key = UInt32(keys.count)
        row.firstMask = UInt32(masks.count)
        keys.append(place.keys + key, Int(row.keyLength))
        masks.append(place.masks + mask, count: Int(row.maskCount))
    }

    func append(keys more: UnsafePointer<UInt8>, _ count: Int) { keys.append(more, count) }

    func append(masks more: UnsafePointer<RuleMask>, _ count: Int) { masks.append(more, count: count) }

    func removeAll() {
        keys.removeAll()
        masks.removeAll()
    }
}

/// How far time has come: events before `time` may be matched, and of those at `time` the ones of the inputs up to `input`.
struct ReleaseBound: Equatable {
    var time: Int64
    var input: Int

    init(time: Int64, input: Int) {
        (self.time, self.input) = (time, input)
    }

    /// The bound of several inputs: an event goes once every input before its own has a watermark beyond it and every other one has
    /// reached it.
    init(watermarks: [Int64]) {
        time = watermarks.min() ?? .max
        input = watermarks.firstIndex(of: time) ?? .max
    }

    /// Keys whose threads have run out of time by then need not be kept.
    var expired: Int64 { time == .max ? .max - 1 : time }

    @inline(__always)
    func lets(_ time: Int64, arrival: UInt64) -> Bool {
        time < self.time || (time == self.time && Int(truncatingIfNeeded: arrival >> 48) <= input)
    }
}
