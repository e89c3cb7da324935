// Where a followed file is after a restart.
//
// What was read is looked for by inode and content: under its own name, then among all files of the folder, then by its content alone
// among those whose names are made of the path's (a copy, as `copytruncate` makes, or a backup). Behind the last of these come the files
// that were rotated while nobody read: those whose names are made of the path's and which were modified after it, in the order of
// modification; then the file of the path. Nothing is left out in silence: what was compressed meanwhile, or is gone, is an error.

internal import Diagnostics
internal import Glibc
internal import Streaming

/// A file that is read after a restart, before any new one.
struct PlannedFile {
    var descriptor: Int32
    var identity: FileIdentity
    /// Has made the print of what stands before the place to read from.
    var maker: FilePrintMaker
    /// Where the run before the restart left it; nil: it is read to its end.
    var end: Int64?
}

extension FollowedFile {
    /// The files to read from a place on, in order. None where nothing was there when the place was taken.
    func plannedFiles(at position: UInt64, place bytes: [UInt8]) throws(SourceError) -> [PlannedFile] {
        if position == 0 && bytes.isEmpty { return [] }
        let place = try FilePlace(bytes, of: .followed, name: name)
        guard let last = place.pieces.last else {
            if position == 0 { return [] }
            throw SourceError(
                message: """
                    \(name): it was rotated more than \(FilePlace.piecesMax) times between two checkpoints, so the place to go on at is not \
                    known; begin afresh with another --state folder
                    """)
        }
        let folder = RotatedFiles(of: path)
        // It was there, and nothing had been read of it: a new one in its place will do.
        if position == 0 && last.print.length == 0 && place.pieces.count == 1 && find(last, in: folder, opens: false) == nil { return [] }
        var planned: [PlannedFile] = []
        do throws(SourceError) {
            for (index, piece) in place.pieces.enumerated() {
                let isLast = index == place.pieces.count - 1
                guard var file = find(piece, in: folder) else { throw notFound(piece.print, folder) }
                if !isLast { file.end = Int64(clamping: piece.print.length) }
                planned.append(file)
            }
            if let last = planned.last {
                try refusePacked(since: last.identity, folder)
                planned += try rotatedSince(last.identity, planned.map(\.identity), folder)
            }
        } catch {
            for file in planned { close(file.descriptor) }
            throw error
        }
        return planned
    }

    /// The file that a piece was read from.
    private func find(_ piece: FilePlace.Piece, in folder: RotatedFiles, opens: Bool = true) -> PlannedFile? {
        // Where nothing was read, content proves nothing; and the inode may have been given to a file that is no log.
        let byInode = folder.files.filter { $0.identity.inode == piece.print.inode && (piece.print.length > 0 || $0.isNamed || $0.isRotated) }
        let byContent = piece.print.length == 0 ? [] : folder.files.filter { $0.isNamed || $0.isRotated }
        for candidate in byInode.sorted(by: { $0.isNamed && !$1.isNamed }) + byContent {
            guard let (descriptor, identity) = candidate.open() else { continue }
            if piece.print.misfit(descriptor) == nil,
                let maker = FilePrintMaker(descriptor, inode: identity.inode, upTo: Int64(clamping: piece.offset))
            {
                if !opens { close(descriptor) }
                return PlannedFile(descriptor: descriptor, identity: identity, maker: maker)
            }
            close(descriptor)
        }
        return nil
    }

    private func notFound(_ print: FilePrint, _ folder: RotatedFiles) -> SourceError {
        var message = """
            \(name): the file that was read before the restart (inode \(print.inode), \(print.length) bytes of it) is not here any more, under \
            no name, or its content is another
            """
        if let packed = folder.files.last(where: { $0.isCompressed })?.name {
            message += "; if it was compressed, as \(packed) may be, unpack it beside \(name) and start again"
        } else {
            message += "; put it back beside \(name) and start again"
        }
        return SourceError(message: message + ", \(FilePlace.wayOut)")
    }

    private func refusePacked(since last: FileIdentity, _ folder: RotatedFiles) throws(SourceError) {
        guard let lastFile = folder.files.first(where: { $0.identity == last }), !lastFile.isNamed,
            let packed = folder.files.first(where: { $0.isCompressed && !$0.isNamed && $0.modified > lastFile.modified })
        else { return }
        throw SourceError(
            message: """
                \(name): \(packed.name) was rotated and compressed since the restart's place in \(lastFile.name); unpack it there and start \
                again (or move it away, if it is no part of this log), \(FilePlace.wayOut)
                """)
    }

    /// What was rotated behind a file while nobody looked, and was not read.
    func rotatedSince(_ last: FileIdentity, _ read: [FileIdentity], _ folder: RotatedFiles) throws(SourceError) -> [PlannedFile] {
        guard let lastFile = folder.files.first(where: { $0.identity == last }), !lastFile.isNamed else { return [] }
        let since = folder.files.filter { $0.isRotated && $0.modified > lastFile.modified && !$0.isNamed && !read.contains($0.identity) }
        var planned: [PlannedFile] = []
        for file in since.sorted(by: { $0.modified < $1.modified }) {
            guard let (descriptor, identity) = file.open() else {
                let reason = FileError.reason(errno)
                for file in planned { close(file.descriptor) }
                throw SourceError(message: "\(name): \(file.name), which was rotated, cannot be read: \(reason)")
            }
            planned.append(PlannedFile(descriptor: descriptor, identity: identity, maker: FilePrintMaker(inode: identity.inode)))
        }
        return planned
    }
}
