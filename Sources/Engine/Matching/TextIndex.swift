internal import CXXHash
internal import Glibc

/// Texts to their places from 1 on: open addressing over their bytes.
final class TextIndex {
    private let slots: UnsafeMutablePointer<Int32>
    private let mask: Int
    private let names: UnsafeMutablePointer<UnsafeMutableBufferPointer<UInt8>>
    private let count: Int

    init(_ texts: [[UInt8]]) {
        var capacity = 16
        while capacity < texts.count * 4 { capacity *= 2 }
        count = texts.count
        names = .allocate(capacity: max(1, texts.count))
        mask = capacity - 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        for (index, bytes) in texts.enumerated() {
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
            _ = memory.initialize(from: bytes)
            names.advanced(by: index).initialize(to: UnsafeMutableBufferPointer(start: memory.baseAddress, count: bytes.count))
            var place = Int(truncatingIfNeeded: nt_hash64(memory.baseAddress, bytes.count, 0)) & mask
            while slots[place] != 0 { place = (place + 1) & mask }
            slots[place] = Int32(index + 1)
        }
    }

    deinit {
        slots.deallocate()
        for index in 0..<count { names[index].baseAddress?.deallocate() }
        names.deallocate()
    }

    /// 0 where it is none of the texts.
    @inline(__always)
    func identifier(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var place = Int(truncatingIfNeeded: nt_hash64(bytes, count, 0)) & mask
        while slots[place] != 0 {
            let identifier = Int(slots[place])
            let name = names[identifier - 1]
            if name.count == count, let start = name.baseAddress, memcmp(start, bytes, count) == 0 { return identifier }
            place = (place + 1) & mask
        }
        return 0
    }
}
