internal import Events

/// The program's tables as flat memory, made once and read by every evaluation: what `Program` holds in arrays stands here behind plain
/// pointers, so that the hot path counts no references and checks no bounds.
final class ProgramTables: @unchecked Sendable {
    // @unchecked: written in `init` alone.

    let code: UnsafePointer<Instruction>
    let constants: UnsafePointer<Scalar>
    let constantLists: UnsafePointer<IndexRange>
    /// Type ids in 64-bit words, `typeWords` a set.
    let typeSets: UnsafePointer<UInt64>
    let typeWords: Int
    /// Compiled regular expressions; nil where one is no pattern.
    let patterns: UnsafePointer<OpaquePointer?>
    private let patternCount: Int

    private let text: UnsafeMutablePointer<UInt8>

    init(_ program: Program) {
        code = UnsafePointer(copied(program.code))
        constantLists = UnsafePointer(copied(program.constantLists))

        let textCount = program.constants.reduce(0) { sum, constant in
            if case .string(let bytes) = constant { sum + bytes.count } else { sum }
        }
        text = .allocate(capacity: max(1, textCount))
        var used = 0
        let text = text
        constants = UnsafePointer(copied(program.constants.map { constant in
            switch constant {
            case .unknown: return Scalar.unknown
            case .boolean(let value): return Scalar.boolean(value)
            case .integer(let value): return Scalar.integer(value)
            case .unsigned(let value): return Scalar(kind: ValueKind.unsigned, bits: value)
            case .double(let bits): return Scalar(kind: ValueKind.double, bits: bits)
            case .duration(let value): return Scalar.duration(value)
            case .time(let value): return Scalar.time(value)
            case .string(let bytes):
                let start = text + used
                start.update(from: bytes, count: bytes.count)
                used += bytes.count
                return Scalar.text(UnsafePointer(start), bytes.count)
            }
        }))

        patterns = UnsafePointer(copied(program.patterns.map { Regex.compile($0, toMachineCode: true) }))
        patternCount = program.patterns.count

        let words = program.types.count / 64 + 1
        typeWords = words
        var bits = [UInt64](repeating: 0, count: max(1, words * program.typeSets.count))
        for (set, types) in program.typeSets.enumerated() {
            for type in types { bits[set * words + type / 64] |= 1 << UInt64(type % 64) }
        }
        typeSets = UnsafePointer(copied(bits))
    }

    deinit {
        code.deallocate()
        constants.deallocate()
        constantLists.deallocate()
        typeSets.deallocate()
        for index in 0..<patternCount { Regex.free(patterns[index]) }
        patterns.deallocate()
        text.deallocate()
    }

    @inline(__always)
    func contains(typeSet: Int, type: Int) -> Bool {
        typeSets[typeSet &* typeWords &+ type >> 6] >> UInt64(type & 63) & 1 == 1
    }
}

/// An array's elements in memory of their own.
func copied<Element>(_ array: [Element]) -> UnsafeMutablePointer<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, array.count))
    array.withUnsafeBufferPointer { buffer in
        if let base = buffer.baseAddress { memory.initialize(from: base, count: buffer.count) }
    }
    return memory
}
