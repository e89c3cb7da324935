internal import Glibc

/// Memory for what is read at random: in pages of 2 MiB where the system has them, since with small ones nearly every key costs a walk of
/// the page table beside its cache misses.
enum LargePages {
    static let size = 2 << 20

    /// Memory to be freed with `deallocate()`. Less than one large page is taken as it comes.
    static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard bytes >= size else { return .allocate(byteCount: bytes, alignment: 64) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: size)
        // A hint: where it is refused, the memory is as good as any.
        _ = madvise(memory, bytes, MADV_HUGEPAGE)
        return memory
    }
}
