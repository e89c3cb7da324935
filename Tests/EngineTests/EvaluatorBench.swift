import Events
import Testing

@testable import Engine

/// Scalars for tests, and an evaluator with a program of its own. Text lives as long as the bench.
final class EvaluatorBench {
    let evaluator: Evaluator
    private var texts: [UnsafeMutablePointer<UInt8>] = []

    init(patterns: [String] = [], code: [Instruction] = [], constants: [Constant] = []) {
        let program = Program(
            columns: [], types: [], predicates: [], groups: [], rules: [], code: code, constants: constants, constantLists: [],
            typeSets: [], patterns: patterns)
        evaluator = Evaluator(tables: ProgramTables(program))
    }

    deinit {
        for text in texts { text.deallocate() }
    }

    func text(_ string: String) -> Scalar {
        let bytes = Array(string.utf8)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 1)
        memory.update(from: bytes, count: bytes.count)
        texts.append(memory)
        return .text(memory, bytes.count)
    }

    func list(_ json: String) -> Scalar {
        var list = text(json)
        list.kind = ValueKind.list
        return list
    }

    func call(_ function: FunctionCode, _ arguments: Scalar...) -> Scalar {
        var arguments = arguments
        let count = arguments.count
        return arguments.withUnsafeMutableBufferPointer { evaluator.call(Int(function.rawValue), $0.baseAddress!, count) }
    }

    /// As JSON; durations and times carry their kind, so that they are told from texts.
    func shown(_ value: Scalar) -> String {
        var buffer = ByteBuffer()
        buffer.append(json: value)
        switch value.kind {
        case ValueKind.time: return "time " + buffer.string
        case ValueKind.duration: return "duration " + buffer.string
        case ValueKind.double where value.asDouble == value.asDouble.rounded(): return buffer.string + " (double)"
        default: return buffer.string
        }
    }

    /// What a function gives, and whether it counted a mismatch: `null!`.
    func result(_ function: FunctionCode, _ arguments: [Scalar]) -> String {
        let before = evaluator.typeMismatches
        var arguments = arguments
        let count = arguments.count
        let value = arguments.withUnsafeMutableBufferPointer { evaluator.call(Int(function.rawValue), $0.baseAddress!, count) }
        return shown(value) + (evaluator.typeMismatches > before ? "!" : "")
    }
}
