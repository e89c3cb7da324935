// An input that may be compressed. What it is shows in its first bytes, or is told by the name of the file; plain bytes go through as
// they come. Several gzip members or zstd frames behind one another are one input, as rotated logs are joined with `cat`.

internal import Glibc
internal import Streaming

/// Reads through gzip and zstd. Holds 64 KiB of compressed bytes beside what the format itself needs.
final class DecompressingSource: ResumableSource, WaitingSource {
    let name: String
    private let inner: any WaitingSource
    private var content: Content
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    /// Of the buffer, what was not used yet.
    private var unused = 0..<0
    /// A member has begun and not ended; before the first byte too, for nothing at all is no compressed data.
    private var isInMember = true
    /// The decompressor may have more content of the bytes that it took.
    private var mayHoldContent = false
    private var failure: SourceError?
    /// After a restart, content that was handed out before it.
    private var skipBytes: UInt64 = 0

    /// So much of it is dropped in one read, so that a request to stop is heard.
    static let skipBytesAtOnce = 16 << 20

    private enum Content {
        /// Until the first bytes have come.
        case unknown
        case plain
        case compressed(Compression, Decompressor)
    }

    /// - Parameter compression: what the name says; nil: the first bytes tell.
    init(_ inner: any WaitingSource, compression: Compression?) {
        self.inner = inner
        name = inner.name
        content = .unknown
        if let compression { begin(compression) }
    }

    deinit { buffer.deallocate() }

    var readiness: SourceReadiness {
        // Before it is known what it is, what lies here is too little to go on with.
        if failure == nil, case .unknown = content { return inner.readiness }
        return !unused.isEmpty || mayHoldContent || failure != nil ? .ready : inner.readiness
    }

    func noteReadiness() { inner.noteReadiness() }

    func read(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        guard try skip() else { return nil }
        return try readContent(into: room)
    }

    private func readContent(into room: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int? {
        if let failure { throw failure }
        while true {
            switch content {
            case .unknown:
                guard try guess() else { return nil }
            case .plain:
                guard !unused.isEmpty else { return try inner.read(into: room) }
                let count = min(unused.count, room.count)
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[unused.lowerBound..<unused.lowerBound + count]))
                unused = unused.lowerBound + count..<unused.upperBound
                return count
            case .compressed(let compression, let decompressor):
                if unused.isEmpty && !mayHoldContent {
                    guard let count = try fill() else { return nil }
                    if count == 0 {
                        if isInMember { throw fail("the \(compression.name) data ends in the middle; the file is cut off") }
                        return 0
                    }
                }
                let count = try step(compression, decompressor, room)
                if count > 0 { return count }
            }
        }
    }

    enum PlainPipe {
        /// The content comes from it as it is.
        case pipe(FileDescriptorSource)
        /// Nothing has come yet that would tell.
        case unknown
        case none
    }

    /// Whether the content is a pipe's as it is.
    func plainPipe() throws(SourceError) -> PlainPipe {
        guard unused.isEmpty, let pipe = (inner as? FileDescriptorSource)?.pipe else { return .none }
        if case .unknown = content {
            guard let start = try pipe.peek(4) else { return .unknown }
            guard start.withUnsafeBytes({ Compression.guess($0) }) == .plain else { return .none }
            content = .plain
        }
        if case .plain = content { return .pipe(pipe) }
        return .none
    }

    // MARK: - Going on after a restart

    /// Of compressed data no place but the start can be gone to: the file is read again from there.
    func place(at position: UInt64) -> [UInt8] {
        (inner as? FileDescriptorSource)?.compressedPlace() ?? []
    }

    func resume(at position: UInt64, place: [UInt8]) throws(SourceError) {
        guard let file = inner as? FileDescriptorSource, file.canGoBack else { return try FilePlace.expectNone(place, name: name) }
        if position == 0 && place.isEmpty { return }
        try file.resumeCompressed(place)
        skipBytes = position
    }

    func forget(before position: UInt64) {}

    /// Drops a part of what was handed out before a restart; whether that was the last.
    private func skip() throws(SourceError) -> Bool {
        guard skipBytes > 0 else { return true }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
        defer { room.deallocate() }
        var left = DecompressingSource.skipBytesAtOnce
        while skipBytes > 0 && left > 0 {
            let count = Int(min(UInt64(room.count), skipBytes))
            guard let done = try readContent(into: UnsafeMutableRawBufferPointer(rebasing: room[..<count])) else { return false }
            if done == 0 { throw fail("its content has become shorter since the restart; give the file that was read, \(FilePlace.wayOut)") }
            skipBytes -= UInt64(done)
            left -= done
        }
        return skipBytes == 0
    }

    /// Decompresses once; gives how many bytes came.
    private func step(
        _ compression: Compression, _ decompressor: Decompressor, _ room: UnsafeMutableRawBufferPointer
    ) throws(SourceError) -> Int {
        // Tapes and some archivers fill up the last block with zeros.
        if !isInMember && compression == .gzip { skipZeros() }
        guard !unused.isEmpty || mayHoldContent else { return 0 }
        let step = decompressor.run(UnsafeRawBufferPointer(rebasing: buffer[unused]), into: room)
        unused = unused.lowerBound + step.consumed..<unused.upperBound
        mayHoldContent = step.produced == room.count
        switch step.status {
        case .ended:
            // zstd says so too where it is given nothing between frames.
            isInMember = false
            mayHoldContent = false
        case .goesOn:
            if step.consumed > 0 || step.produced > 0 {
                isInMember = true
            } else if !unused.isEmpty {
                throw fail("the \(compression.name) data cannot be read further")
            }
        case .damaged(let reason):
            // What came before the damage is handed out first.
            failure = SourceError(message: "\(name): the \(compression.name) data is damaged (\(reason))")
            if step.produced == 0, let failure { throw failure }
        }
        return step.produced
    }

    private func skipZeros() {
        while let first = unused.first, buffer[first] == 0 { unused = first + 1..<unused.upperBound }
    }

    /// Reads into the empty buffer.
    private func fill() throws(SourceError) -> Int? {
        let count = try inner.read(into: buffer)
        if let count { unused = 0..<count }
        return count
    }

    /// Looks at the first bytes; false where more must come. At the end of a few bytes these are plain.
    private func guess() throws(SourceError) -> Bool {
        let have = unused.count
        guard let count = try inner.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[have...])) else { return false }
        unused = 0..<have + count
        switch Compression.guess(UnsafeRawBufferPointer(rebasing: buffer[unused])) {
        case .compressed(let compression): begin(compression)
        case .undecided where count > 0: break
        case .plain, .undecided: content = .plain
        }
        return true
    }

    private func begin(_ compression: Compression) {
        if let decompressor = compression.makeDecompressor() {
            content = .compressed(compression, decompressor)
        } else {
            failure = SourceError(message: "\(name): there is no memory to read \(compression.name) data")
        }
    }

    private func fail(_ reason: String) -> SourceError {
        let error = SourceError(message: "\(name): \(reason)")
        failure = error
        return error
    }
}
