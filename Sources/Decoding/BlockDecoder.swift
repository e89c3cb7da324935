// Blocks of JSON lines to rows of columns.
//
// The C++ behind it proves every line to be one JSON object and writes the wanted fields; here the time is read, and rows without a
// good one are taken out again, so that rows are dense. Nothing is allocated for a block once buffers have grown, save for rejects.

internal import CSimdjson
public import Events

/// Decodes the blocks of one worker. Not to be used by two threads at once.
///
/// Lines that hold only blanks are skipped without a word. A byte order mark at the very start of an input is skipped.
public final class BlockDecoder {
    /// Most bytes of a line, without its end.
    public static let lineBytesMax = Int(NT_LINE_BYTES_MAX)
    /// Most lists and objects open at once, the event itself included.
    public static let depthMax = Int(NT_DEPTH_MAX)

    public let columns: [FieldPath]
    public let format: EventFormat
    /// The column that holds the event's type, wherever the format takes that from.
    public let typeColumn: Int?

    private let decoder: OpaquePointer
    private let constantType: [UInt8]
    private let time: EventTime

    /// - Parameters:
    ///   - columns: what goes to each column of the batches.
    ///   - typeColumn: a column that is filled with the event's type as `format` says, instead of by its path.
    public init(columns: [FieldPath], format: EventFormat, typeColumn: Int? = nil) {
        precondition(typeColumn.map { columns.indices.contains($0) } ?? true, "The type's column is one of the columns.")
        self.columns = columns
        self.format = format
        self.typeColumn = typeColumn
        time = EventTime(format: format.timeFormat)
        decoder = nt_decoder_create(columns.count)
        var constantType: [UInt8] = []
        for (column, path) in columns.enumerated() {
            if column != typeColumn {
                BlockDecoder.add(path, to: decoder, column: column)
            } else if case .field(let typePath) = format.type {
                BlockDecoder.add(typePath, to: decoder, column: column)
            } else if case .constant(let text) = format.type {
                constantType = Array(text.utf8)
            }
        }
        self.constantType = constantType
        BlockDecoder.add(format.timePath, to: decoder, column: columns.count)
    }

    deinit {
        nt_decoder_destroy(decoder)
    }

    /// From now on every line is parsed by itself to a tree. Slow: tests hold the quick way to this one.
    func readTrees() {
        nt_decoder_read_trees(decoder)
    }

    /// Decodes the whole lines in `batch.bytes[0 ..< batch.byteCount]`; the last one needs no end.
    ///
    /// Fills the batch's rows; what is no event is appended to `rejects`, in the order of lines.
    /// - Parameters:
    ///   - firstLine: the number of the block's first line in its input, from 1.
    ///   - isFirstBlock: whether the block begins the input.
    ///   - cutLines: lines that the reader has cut, by ascending offset.
    /// - Returns: the number of lines, blank ones and rejects included.
    /// - Complexity: O(bytes).
    @discardableResult
    public func decode(
        _ batch: EventBatch, firstLine: UInt64, isFirstBlock: Bool, cutLines: [CutLine] = [], rejects: inout [Reject]
    ) -> UInt64 {
        precondition(batch.columnCount == columns.count, "A batch has the decoder's columns.")
        precondition(batch.byteCount < 1 << 30, "A block is far below what 32-bit offsets reach.")
        let start = isFirstBlock && BlockDecoder.hasByteOrderMark(batch) ? 3 : 0
        let cutOffsets = cutLines.map { UInt32($0.offset) }
        var lineCount = 0
        let rowCount = cutOffsets.withUnsafeBufferPointer { cuts in
            // A batch that has room for rows and text keeps it, so few blocks are begun again.
            var rowCapacity = 0
            var textCapacity = constantType.count + EventBatch.padding
            while true {
                batch.reset(rowCapacity: rowCapacity)
                batch.reserveStrings(textCapacity)
                for (place, byte) in constantType.enumerated() { batch.strings[batch.textStart + place] = byte }
                var block = nt_block(
                    bytes: batch.bytes, start: start, count: batch.byteCount, first_line: firstLine, lines: batch.lines,
                    raw_offsets: batch.rawOffsets, raw_lengths: batch.rawLengths, kinds: batch.kinds, payloads: batch.payloads,
                    row_capacity: batch.rowCapacity, strings: batch.strings, strings_start: batch.textStart + constantType.count,
                    strings_capacity: batch.textStart + batch.stringCapacity, cut_lines: cuts.baseAddress, cut_count: cuts.count,
                    line_count: 0, rows_needed: false, strings_needed: 0)
                let rowCount = nt_decoder_decode(decoder, &block)
                if block.rows_needed {
                    rowCapacity = nt_count_newlines(batch.bytes, batch.byteCount) + 1
                } else if block.strings_needed > 0 {
                    textCapacity = block.strings_needed + constantType.count
                } else {
                    lineCount = block.line_count
                    return rowCount
                }
            }
        }
        let firstReject = rejects.count
        batch.count = readTimes(batch, rowCount: rowCount, rejects: &rejects)
        fillConstantType(batch)
        appendDecoderRejects(to: &rejects, from: firstReject, firstLine: firstLine, cutLines: cutLines)
        return UInt64(lineCount)
    }
}

extension BlockDecoder {
    private static func add(_ path: FieldPath, to decoder: OpaquePointer, column: Int) {
        var text: [UInt8] = []
        var places: [(offset: Int, length: Int, index: Int?)] = []
        for component in path.components {
            switch component {
            case .name(let name):
                places.append((text.count, name.utf8.count, nil))
                text.append(contentsOf: name.utf8)
            case .index(let index):
                places.append((text.count, 0, index))
            }
        }
        // An empty name still needs an address, for a null one means a list's place.
        text.append(0)
        text.withUnsafeBufferPointer { bytes in
            let components = places.map { place in
                nt_component(
                    name: place.index == nil ? bytes.baseAddress! + place.offset : nil, length: place.length,
                    index: place.index.map { UInt64(bitPattern: Int64($0)) } ?? 0)
            }
            nt_decoder_add_path(decoder, column, components, components.count)
        }
    }

    private static func hasByteOrderMark(_ batch: EventBatch) -> Bool {
        batch.byteCount >= 3 && batch.bytes[0] == 0xEF && batch.bytes[1] == 0xBB && batch.bytes[2] == 0xBF
    }

    /// Sets each row's time and takes out rows that have no good one. Returns the number of rows left.
    private func readTimes(_ batch: EventBatch, rowCount: Int, rejects: inout [Reject]) -> Int {
        guard rowCount > 0 else { return 0 }
        let kinds = nt_decoder_time_kinds(decoder)!
        let payloads = nt_decoder_time_payloads(decoder)!
        let times = batch.times
        let strings = UnsafePointer(batch.strings)
        var kept = 0
        for row in 0..<rowCount {
            switch time.read(kind: kinds[row], payload: payloads[row], strings: strings) {
            case .time(let microseconds):
                if kept != row { move(batch, row: row, to: kept) }
                times[kept] = microseconds
                kept += 1
            case .reject(let reason):
                rejects.append(
                    Reject(
                        line: batch.lines[row], reason: reason, rawOffset: Int(batch.rawOffsets[row]),
                        rawLength: Int(batch.rawLengths[row])))
            }
        }
        return kept
    }

    private func move(_ batch: EventBatch, row: Int, to place: Int) {
        batch.lines[place] = batch.lines[row]
        batch.rawOffsets[place] = batch.rawOffsets[row]
        batch.rawLengths[place] = batch.rawLengths[row]
        for column in 0..<batch.columnCount {
            let base = column * batch.rowCapacity
            batch.kinds[base + place] = batch.kinds[base + row]
            batch.payloads[base + place] = batch.payloads[base + row]
        }
    }

    private func fillConstantType(_ batch: EventBatch) {
        guard let typeColumn, case .constant = format.type else { return }
        let base = typeColumn * batch.rowCapacity
        (batch.kinds + base).update(repeating: ValueKind.string, count: batch.count)
        (batch.payloads + base).update(repeating: UInt64(batch.textStart) | UInt64(constantType.count) << 32, count: batch.count)
    }

    /// Puts what the decoder refused among the rows without a time that stand in `rejects` from `start` on.
    private func appendDecoderRejects(to rejects: inout [Reject], from start: Int, firstLine: UInt64, cutLines: [CutLine]) {
        var count = 0
        let refused = nt_decoder_rejects(decoder, &count)
        guard count > 0, let refused else { return }
        let mixed = rejects.count > start
        for place in 0..<count {
            let line = refused[place]
            let reason = RejectReason(rawValue: line.reason) ?? .syntax
            let cut = reason == .lineTooLong ? cutLines.first { $0.offset == Int(line.offset) } : nil
            // As much as is kept of one that came in several reads: what is shown does not depend on them.
            let kept = reason == .lineTooLong ? min(Int(line.length), LineCarver.cutLineBytes) : Int(line.length)
            rejects.append(
                Reject(
                    line: firstLine + UInt64(line.line), reason: reason, rawOffset: Int(line.offset), rawLength: kept,
                    fullLength: cut?.length ?? UInt64(line.length)))
        }
        if mixed { rejects[start...].sort { $0.line < $1.line } }
    }
}
