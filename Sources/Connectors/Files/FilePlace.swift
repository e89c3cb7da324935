// How a place in files is found again after a restart.
//
// A file is known by what was read of it: how many bytes, and checksums of the first 4 KiB and of the last 4 KiB of them. The inode tells
// where to look first; it proves nothing, since it is given to another file once its own is gone, and a file that comes from a backup or
// from another machine has another one.

internal import CZlib
internal import Diagnostics
internal import Glibc
internal import Streaming

/// What was read of a file.
struct FilePrint: Equatable {
    /// Each checksum is of at most so many bytes.
    static let sumBytes = 4096

    var inode: UInt64
    /// Bytes from the file's start up to where reading had come.
    var length: UInt64
    /// CRC-32 of its first bytes.
    var head: UInt32
    /// CRC-32 of the bytes before `length`.
    var tail: UInt32

    enum Misfit: Equatable {
        case shorter(bytes: UInt64)
        case other
        case unreadable(Int32)
    }

    /// Why a file cannot be the one that was read, its inode aside; nil where it can.
    func misfit(_ descriptor: Int32) -> Misfit? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .unreadable(errno) }
        guard let size = UInt64(exactly: status.st_size), size >= length else { return .shorter(bytes: UInt64(max(0, status.st_size))) }
        guard let end = Int64(exactly: length), let maker = FilePrintMaker(descriptor, inode: inode, upTo: end) else {
            return .unreadable(errno)
        }
        return maker.print == self ? nil : .other
    }
}

extension FilePrint.Misfit {
    /// What people are told.
    func error(_ print: FilePrint, isSameFile: Bool, name: String) -> SourceError {
        switch self {
        case .unreadable(let number): SourceError(message: "\(name): \(FileError.reason(number))")
        case .shorter(let bytes):
            SourceError(
                message: """
                    \(name): \(print.length) bytes of it were read before the restart, and now it has \(bytes); give the file that was \
                    read, \(FilePlace.wayOut)
                    """)
        case .other:
            SourceError(
                message: """
                    \(name): it is not the file that was read before the restart (\(isSameFile ? "its content" : "the file") is another within \
                    the \(print.length) bytes that were read); give the file that was, \(FilePlace.wayOut)
                    """)
        }
    }
}

/// Makes the print of a file from the bytes as they are read, so that it is known also when the file has been emptied.
struct FilePrintMaker {
    let inode: UInt64
    private(set) var length: UInt64 = 0
    private var head: [UInt8] = []
    private var tail: [UInt8] = []

    init(inode: UInt64) {
        self.inode = inode
    }

    /// Of a file that is read from the middle on; nil, with `errno`, where it cannot be read.
    init?(_ descriptor: Int32, inode: UInt64, upTo end: Int64) {
        self.inode = inode
        guard end > 0 else { return }
        let count = Int(min(end, Int64(FilePrint.sumBytes)))
        guard let head = FilePrintMaker.bytes(descriptor, at: 0, count: count),
            let tail = FilePrintMaker.bytes(descriptor, at: end - Int64(count), count: count)
        else { return nil }
        self.head = head
        self.tail = tail
        length = UInt64(end)
    }

    /// - Complexity: O(1).
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        if head.count < FilePrint.sumBytes { head += bytes.prefix(FilePrint.sumBytes - head.count) }
        if bytes.count >= FilePrint.sumBytes {
            tail.removeAll(keepingCapacity: true)
        } else {
            tail.removeFirst(max(0, tail.count + bytes.count - FilePrint.sumBytes))
        }
        // By its bounds: the `suffix` of sequences would go through all of it.
        tail += bytes[max(0, bytes.count - FilePrint.sumBytes)...]
        length += UInt64(bytes.count)
    }

    var print: FilePrint { FilePrint(inode: inode, length: length, head: checksum(head), tail: checksum(tail)) }

    /// Whether what was read last ends a line; also where nothing was.
    var endsWithLineEnd: Bool { tail.last.map { $0 == UInt8(ascii: "\n") } ?? true }

    private static func bytes(_ descriptor: Int32, at offset: Int64, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let done = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + filled, count - filled, off_t(offset) + off_t(filled)) }
            if done > 0 {
                filled += done
            } else if done == 0 {
                errno = EIO
                return nil
            } else if errno != EINTR {
                return nil
            }
        }
        return bytes
    }
}

/// CRC-32, as zlib has it.
func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 { nt_crc32(before, bytes.baseAddress, bytes.count) }

/// What the checkpoint keeps of an input's place. No bytes at all stand for an input that has no place, such as a pipe. Otherwise, all
/// numbers little-endian:
///
/// | bytes | |
/// | --- | --- |
/// | 1 | version: 1 |
/// | 1 | kind: 1 a file, 2 a compressed file, 3 a file that is followed, 4 a journal (see `JournalPlace`) |
/// | 4 | count of pieces: 1, of a followed file 0 to 256 |
///
/// and of each piece:
///
/// | bytes | |
/// | --- | --- |
/// | 8 | inode |
/// | 8 | bytes of the file that had been read |
/// | 4, 4 | CRC-32 of the first 4 KiB of these, and of the last 4 KiB |
/// | 8 | offset in the file: of the position; of a compressed file, where its data begins; of pieces after the first, where each begins |
///
/// The pieces of a followed file are what was read one after another since the position, each to its length; the last may have grown.
struct FilePlace: Equatable {
    enum Kind: UInt8 {
        case plain = 1
        case compressed, followed, journal

        /// What such an input was.
        var name: String {
            switch self {
            case .plain: "a plain file"
            case .compressed: "a compressed file"
            case .followed: "a file read with --follow"
            case .journal: "a pipe"
            }
        }
    }

    struct Piece: Equatable {
        var print: FilePrint
        var offset: UInt64
    }

    static let version: UInt8 = 1
    static let piecesMax = 256
    private static let headCount = 6
    private static let pieceCount = 32

    var kind: Kind
    var pieces: [Piece]

    init(_ kind: Kind, _ pieces: [Piece]) {
        self.kind = kind
        self.pieces = pieces
    }

    var encoded: [UInt8] {
        var writer = PlaceWriter(FilePlace.version, kind.rawValue)
        writer.append(UInt32(pieces.count))
        for piece in pieces {
            writer.append(piece.print.inode)
            writer.append(piece.print.length)
            writer.append(piece.print.head)
            writer.append(piece.print.tail)
            writer.append(piece.offset)
        }
        return writer.bytes
    }

    /// Which kind of input a place is of.
    ///
    /// - Throws: ``SourceError`` where it is of a later version, or damaged.
    static func kind(of bytes: [UInt8], name: String) throws(SourceError) -> Kind? {
        guard let first = bytes.first else { return nil }
        guard first == version else {
            throw SourceError(message: "\(name): the state was written by another version of needletail; its place in this input cannot be read")
        }
        guard bytes.count > 1, let kind = Kind(rawValue: bytes[1]) else { throw damage(name) }
        return kind
    }

    /// The place of an input that is `kind` now.
    ///
    /// - Throws: ``SourceError`` where it was something else before, or the place is damaged.
    init(_ bytes: [UInt8], of kind: Kind, name: String) throws(SourceError) {
        let before = try FilePlace.kind(of: bytes, name: name)
        guard before == kind else {
            throw SourceError(
                message: """
                    \(name): before the restart it was \((before ?? .journal).name), and it is \(kind.name) now; give it as it was, \
                    \(FilePlace.wayOut)
                    """)
        }
        var reader = PlaceReader(bytes[2...])
        guard let count: UInt32 = reader.next(), count <= FilePlace.piecesMax, kind == .followed || count == 1,
            bytes.count == FilePlace.headCount + Int(count) * FilePlace.pieceCount
        else { throw FilePlace.damage(name) }
        self.init(kind, [])
        for _ in 0..<count {
            guard let inode: UInt64 = reader.next(), let length: UInt64 = reader.next(), let head: UInt32 = reader.next(),
                let tail: UInt32 = reader.next(), let offset: UInt64 = reader.next(), offset <= length, length <= Int64.max
            else { throw FilePlace.damage(name) }
            pieces.append(Piece(print: FilePrint(inode: inode, length: length, head: head, tail: tail), offset: offset))
        }
    }

    /// For an input that cannot go back: it had no place before the restart either.
    static func expectNone(_ place: [UInt8], name: String) throws(SourceError) {
        guard let kind = try kind(of: place, name: name) else { return }
        throw SourceError(message: "\(name): before the restart it was \(kind.name), and it is a pipe now; give it as it was, \(wayOut)")
    }

    static func damage(_ name: String) -> SourceError {
        SourceError(message: "\(name): its place in the state is not what was written; the state is damaged")
    }

    static let wayOut = "or begin afresh with another --state folder"
}

/// Writes numbers as places have them.
struct PlaceWriter {
    private(set) var bytes: [UInt8]

    init(_ version: UInt8, _ kind: UInt8) { bytes = [version, kind] }

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }
}

/// Reads numbers of bytes that may be anything.
struct PlaceReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// Nil where there are too few bytes.
    mutating func next<Number: FixedWidthInteger>() -> Number? {
        let count = Number.bitWidth / 8
        guard rest.count >= count else { return nil }
        let number = rest.prefix(count).reversed().reduce(Number(0)) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        rest = rest.dropFirst(count)
        return number
    }
}
