// gzip and zstd behind one face. Each instance owns its C state; memory is bounded by the format's window: 32 KiB, 128 MiB.

internal import CZlib
internal import CZstd

/// How a file is compressed.
enum Compression: CaseIterable {
    case gzip, zstd

    /// How names of such files end.
    var suffix: String {
        switch self {
        case .gzip: ".gz"
        case .zstd: ".zst"
        }
    }

    /// How people call it.
    var name: String {
        switch self {
        case .gzip: "gzip"
        case .zstd: "zstd"
        }
    }

    /// The first bytes of such data. No line of JSON, and no text, begins with them.
    var magic: [UInt8] {
        switch self {
        case .gzip: [0x1F, 0x8B]
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
        }
    }

    static func named(by path: String) -> Compression? { allCases.first { path.hasSuffix($0.suffix) } }

    /// What begins with these bytes.
    enum Guess: Equatable {
        case compressed(Compression)
        case plain
        /// More bytes will tell.
        case undecided
    }

    static func guess(_ start: UnsafeRawBufferPointer) -> Guess {
        for compression in allCases {
            let magic = compression.magic
            guard start.prefix(magic.count).elementsEqual(magic.prefix(start.count)) else { continue }
            return start.count >= magic.count ? .compressed(compression) : .undecided
        }
        return .plain
    }

    func makeDecompressor() -> Decompressor? {
        switch self {
        case .gzip: GzipDecompressor()
        case .zstd: ZstdDecompressor()
        }
    }
}

/// What one step of decompression has done.
struct DecompressionStep {
    enum Status: Equatable {
        case goesOn
        /// A member or frame has ended; another may follow.
        case ended
        /// Why, in the library's words.
        case damaged(String)
    }

    var consumed: Int
    var produced: Int
    var status: Status

    init(consumed: Int, produced: Int, status: Int32, reason: UnsafePointer<CChar>?) {
        self.consumed = consumed
        self.produced = produced
        switch status {
        case 0: self.status = .goesOn
        case 1: self.status = .ended
        default: self.status = .damaged(reason.map { String(cString: $0) } ?? "it cannot be read")
        }
    }
}

protocol Decompressor: AnyObject {
    /// Takes what it can of the bytes and fills what it can of the room.
    func run(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecompressionStep
}

private final class GzipDecompressor: Decompressor {
    private let inflater: OpaquePointer

    init?() {
        guard let inflater = nt_inflater_create() else { return nil }
        self.inflater = inflater
    }

    deinit { nt_inflater_destroy(inflater) }

    func run(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        let step = nt_inflater_run(
            inflater, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
            room.baseAddress?.assumingMemoryBound(to: UInt8.self), room.count)
        return DecompressionStep(consumed: step.consumed, produced: step.produced, status: step.status, reason: step.reason)
    }
}

private final class ZstdDecompressor: Decompressor {
    private let unpacker: OpaquePointer

    init?() {
        guard let unpacker = nt_unpacker_create() else { return nil }
        self.unpacker = unpacker
    }

    deinit { nt_unpacker_destroy(unpacker) }

    func run(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        let step = nt_unpacker_run(
            unpacker, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
            room.baseAddress?.assumingMemoryBound(to: UInt8.self), room.count)
        return DecompressionStep(consumed: step.consumed, produced: step.produced, status: step.status, reason: step.reason)
    }
}
