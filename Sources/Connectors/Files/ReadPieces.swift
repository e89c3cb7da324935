/// What a followed input was read from since the last checkpoint: pieces of files, one after another.
struct ReadPieces {
    private struct Piece {
        /// The input's position where it begins.
        var start: UInt64
        /// Where it begins in its file.
        var offset: UInt64
        var maker: FilePrintMaker
    }

    private var pieces: [Piece] = []

    /// Other bytes come from here on; `maker` has made the print of what stands before them in their file.
    ///
    /// At most ``FilePlace/piecesMax`` pieces are kept: a place before these is not found again.
    mutating func begin(_ maker: FilePrintMaker, at start: UInt64) {
        // Of what was left before anything was read there is nothing to say.
        if let last = pieces.last, last.offset == last.maker.length { pieces.removeLast() }
        if pieces.count == FilePlace.piecesMax { pieces.removeFirst() }
        pieces.append(Piece(start: start, offset: maker.length, maker: maker))
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard !pieces.isEmpty else { return }
        pieces[pieces.count - 1].maker.add(bytes)
    }

    /// Everything that was read from there on; no piece where that is not known.
    func place(at position: UInt64) -> FilePlace {
        guard let first = pieces.lastIndex(where: { $0.start <= position }) else { return FilePlace(.followed, []) }
        var place = FilePlace(.followed, pieces[first...].map { FilePlace.Piece(print: $0.maker.print, offset: $0.offset) })
        // A line end that was added is no byte of the file.
        let (offset, overflow) = place.pieces[0].offset.addingReportingOverflow(position - pieces[first].start)
        place.pieces[0].offset = overflow ? place.pieces[0].print.length : min(offset, place.pieces[0].print.length)
        return place
    }

    mutating func forget(before position: UInt64) {
        let count = pieces.dropFirst().prefix { $0.start <= position }.count
        pieces.removeFirst(count)
    }
}
