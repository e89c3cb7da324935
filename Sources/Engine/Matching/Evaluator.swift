internal import Events
internal import Glibc

/// Runs conditions and alert expressions: a stack machine over ``Scalar``. It owns its stack and a scratch arena for text that
/// functions make, and borrows everything else.
///
/// - Complexity: one step an instruction; no allocation once the arena has grown to the largest text.
final class Evaluator {
    let tables: ProgramTables
    private let stack: UnsafeMutablePointer<Scalar>
    var arena = TextArena()

    /// The event at hand, or in an alert the last one captured.
    var row = EventRow(view: Evaluator.noView, row: 0, time: 0, arrival: 0, type: 0)
    /// False where no event of a batch is at hand: fields then come from `lastEvent`.
    var hasRow = false
    /// `time()`.
    var now: Int64 = 0
    /// The thread's record, and the blob that its references point into.
    var record: UnsafeRawPointer = Evaluator.nowhere
    var blob: UnsafeRawPointer = Evaluator.nowhere
    /// In an alert without an event at hand: the captured event that bare fields read.
    var lastEvent: UInt32 = 0
    /// By column: its place among the captured columns of the group, or -1.
    var slots: UnsafePointer<Int16> = Evaluator.noSlots
    var slotCount = 0
    var key: UnsafePointer<UInt8> = Evaluator.nowhere.assumingMemoryBound(to: UInt8.self)
    var keyLength = 0
    /// Operands whose types did not go together.
    var typeMismatches: UInt64 = 0
    /// Searches that `matches` gave up, because the text was too long or the pattern took too many steps.
    var regexLimitHits: UInt64 = 0
    /// Where functions put text together before it goes to the arena.
    var scratch = ByteBuffer()
    let zones = ZoneCache()
    let search = PatternSearch()

    private nonisolated(unsafe) static let nowhere = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8))
    private nonisolated(unsafe) static let noSlots = UnsafePointer(UnsafeMutablePointer<Int16>.allocate(capacity: 1))
    private static let noView = BatchView(EventBatch(columnCount: 0, rowCapacity: 1, byteCapacity: 64))

    /// The deepest stack that the compiler may ask for.
    static let depthMax = 256

    init(tables: ProgramTables) {
        self.tables = tables
        stack = .allocate(capacity: Evaluator.depthMax + 8)
    }

    deinit {
        stack.deallocate()
    }

    @inline(__always)
    func isTrue(_ range: CodeRange) -> Bool {
        // A truth value holds no text, so what was made for it can go: ten thousand threads then need the room of one.
        let mark = arena.mark
        let result = evaluate(range).isTrue
        arena.release(to: mark)
        return result
    }

    func evaluate(_ range: CodeRange) -> Scalar {
        var program = tables.code + Int(range.start)
        let end = program + Int(range.count)
        var top = stack - 1
        while program < end {
            let instruction = program.pointee
            program += 1
            switch instruction.opcode {
            case .constant:
                top += 1
                top.pointee = tables.constants[Int(instruction.b)]
            case .field:
                top += 1
                top.pointee = hasRow
                    ? row.view.value(column: Int(instruction.b), row: row.row) : capturedValue(lastEvent, column: Int(instruction.b))
            case .key:
                top += 1
                top.pointee = KeyEncoding.part(Int(instruction.b), of: key)
            case .eventTime:
                top += 1
                top.pointee = .time(now)
            case .hasType:
                top += 1
                top.pointee = .boolean(tables.contains(typeSet: Int(instruction.b), type: row.type))
            case .referenceField:
                top += 1
                let reference = record.load(fromByteOffset: Int(instruction.a), as: UInt32.self)
                top.pointee = capturedValue(reference, column: Int(instruction.b))
            case .referenceTime:
                top += 1
                let reference = record.load(fromByteOffset: Int(instruction.a), as: UInt32.self)
                top.pointee = reference == 0
                    ? .unknown : .time(reference == CapturedEvent.current ? row.time : CapturedEvent.time(blob + Int(reference)))
            case .count:
                top += 1
                top.pointee = .integer(record.load(fromByteOffset: Int(instruction.a), as: Int64.self))
            case .sum:
                top += 1
                top.pointee = ExactSum.total(record + Int(instruction.a))
            case .average:
                top += 1
                top.pointee = ExactSum.average(record + Int(instruction.a))
            case .standardDeviation:
                top += 1
                top.pointee = ExactSquares.standardDeviation(
                    sum: record + Int(instruction.a), squares: record + Int(instruction.b))
            case .distinct:
                top += 1
                top.pointee = .integer(Int64(DistinctRegister.count(record + Int(instruction.a))))
            case .values:
                top += 1
                top.pointee = distinctValues(record + Int(instruction.a), column: Int(instruction.b))
            case .not:
                if top.pointee.kind == ValueKind.boolean {
                    top.pointee.bits ^= 1
                } else {
                    noteUnlessUnknown(top.pointee)
                    top.pointee = .unknown
                }
            case .and:
                let right = top.pointee
                top -= 1
                top.pointee = conjunction(top.pointee, right)
            case .or:
                let right = top.pointee
                top -= 1
                top.pointee = disjunction(top.pointee, right)
            case .skipIfFalse:
                if top.pointee.isFalse { program += Int(instruction.b) }
            case .skipIfTrue:
                if top.pointee.isTrue { program += Int(instruction.b) }
            case .skipIfKnown:
                if top.pointee.isUnknown { top -= 1 } else { program += Int(instruction.b) }
            case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
                let right = top.pointee
                top -= 1
                top.pointee = comparison(instruction.opcode, top.pointee, right)
            case .add, .subtract, .multiply, .divide, .remainder:
                let right = top.pointee
                top -= 1
                top.pointee = arithmetic(instruction.opcode, top.pointee, right)
            case .negate:
                top.pointee = negated(top.pointee)
            case .isMissing:
                top.pointee = .boolean(top.pointee.isUnknown)
            case .isInConstants:
                let list = tables.constantLists[Int(instruction.b)]
                top.pointee = membership(top.pointee, UnsafePointer(tables.constants + Int(list.start)), Int(list.count))
            case .isInValues:
                let count = Int(instruction.a)
                top -= count
                top.pointee = membership(top.pointee, UnsafePointer(top + 1), count)
            case .isInField:
                let list = top.pointee
                top -= 1
                top.pointee = membership(top.pointee, in: list)
            case .makeList:
                let count = Int(instruction.a)
                top -= count - 1
                top.pointee = list(of: UnsafePointer(top), count)
            case .matches:
                top.pointee = found(top.pointee, pattern: Int(instruction.b))
            case .like:
                top.pointee = likeness(top.pointee, tables.constants[Int(instruction.b)])
            case .call:
                let count = Int(instruction.a)
                top -= count - 1
                top.pointee = call(Int(instruction.b), UnsafeMutablePointer(top), count)
            }
        }
        return top.pointee
    }

    @inline(__always)
    func capturedValue(_ reference: UInt32, column: Int) -> Scalar {
        if reference == 0 { return .unknown }
        if reference == CapturedEvent.current { return row.view.value(column: column, row: row.row) }
        let slot = Int(slots[column])
        return slot < 0 ? .unknown : CapturedEvent.value(blob + Int(reference), slot: slot, slotCount: slotCount)
    }

    @inline(__always)
    private func noteUnlessUnknown(_ value: Scalar) {
        if !value.isUnknown { typeMismatches &+= 1 }
    }

    @inline(__always)
    private func conjunction(_ left: Scalar, _ right: Scalar) -> Scalar {
        if left.isFalse || right.isFalse { return .boolean(false) }
        if left.isTrue && right.isTrue { return .boolean(true) }
        return .unknown
    }

    @inline(__always)
    private func disjunction(_ left: Scalar, _ right: Scalar) -> Scalar {
        if left.isTrue || right.isTrue { return .boolean(true) }
        if left.isFalse && right.isFalse { return .boolean(false) }
        return .unknown
    }

    @inline(__always)
    private func comparison(_ opcode: Opcode, _ left: Scalar, _ right: Scalar) -> Scalar {
        if left.isUnknown || right.isUnknown { return .unknown }
        guard let order = compareScalars(left, right) else {
            typeMismatches &+= 1
            return .unknown
        }
        switch opcode {
        case .equal: return .boolean(order == 0)
        case .notEqual: return .boolean(order != 0)
        case .less:
            // Truth values are equal or not; neither is less.
            return left.kind == ValueKind.boolean ? mismatch() : .boolean(order < 0)
        case .lessOrEqual: return left.kind == ValueKind.boolean ? mismatch() : .boolean(order <= 0)
        case .greater: return left.kind == ValueKind.boolean ? mismatch() : .boolean(order > 0)
        default: return left.kind == ValueKind.boolean ? mismatch() : .boolean(order >= 0)
        }
    }

    func mismatch() -> Scalar {
        typeMismatches &+= 1
        return .unknown
    }

    /// `in`: true where one is equal, else unknown where a comparison is unknown, else false.
    private func membership(_ value: Scalar, _ list: UnsafePointer<Scalar>, _ count: Int) -> Scalar {
        if value.isUnknown { return count == 0 ? .boolean(false) : .unknown }
        var sawUnknown = false, sawMismatch = false
        for index in 0..<count {
            let element = list[index]
            if element.isUnknown {
                sawUnknown = true
            } else if let order = compareScalars(value, element) {
                if order == 0 { return .boolean(true) }
            } else {
                sawMismatch = true
            }
        }
        return sawMismatch ? mismatch() : sawUnknown ? .unknown : .boolean(false)
    }

    /// `like`: `*` any run of characters, `?` any one; the whole text.
    private func likeness(_ value: Scalar, _ pattern: Scalar) -> Scalar {
        if value.isUnknown { return .unknown }
        guard value.kind == ValueKind.string else { return mismatch() }
        return .boolean(wildcardMatches(value.address, Int(value.length), pattern.address, Int(pattern.length)))
    }
}

/// Text made while an expression is evaluated; emptied by its owner between events.
struct TextArena: ~Copyable {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var used = 0
    /// Blocks that a larger one replaced while values still pointed into them.
    private var retired: [UnsafeMutablePointer<UInt8>] = []

    /// A moment in the arena's use, for ``release(to:)``.
    struct Mark {
        fileprivate var block: UnsafeMutablePointer<UInt8>
        fileprivate var used: Int
    }

    @inline(__always)
    var mark: Mark { Mark(block: memory, used: used) }

    /// Takes back what was allocated since the mark; nothing points there any more.
    @inline(__always)
    mutating func release(to mark: Mark) {
        // A block that came since then holds nothing older.
        used = mark.block == memory ? mark.used : 0
    }

    init() {
        capacity = 4096
        memory = .allocate(capacity: capacity)
    }

    deinit {
        memory.deallocate()
        for block in retired { block.deallocate() }
    }

    /// Room for so many bytes, in place until ``reset()``.
    mutating func allocate(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        if used + count > capacity {
            retired.append(memory)
            capacity = max(capacity * 2, count)
            memory = .allocate(capacity: capacity)
            used = 0
        }
        let start = memory + used
        used += count
        return start
    }

    mutating func reset() {
        used = 0
        guard !retired.isEmpty else { return }
        for block in retired { block.deallocate() }
        retired.removeAll(keepingCapacity: true)
    }
}

/// Greedy wildcard match with one point of return: linear but for runs of `*`.
///
/// - Complexity: O(text · pattern) at worst, without recursion. A character is a UTF-8 sequence.
func wildcardMatches(_ text: UnsafePointer<UInt8>, _ textCount: Int, _ pattern: UnsafePointer<UInt8>, _ patternCount: Int) -> Bool {
    var t = 0, p = 0
    var starPattern = -1, starText = 0
    while t < textCount {
        if p < patternCount && pattern[p] == UInt8(ascii: "*") {
            starPattern = p
            starText = t
            p += 1
        } else if p < patternCount && pattern[p] == UInt8(ascii: "?") {
            t += 1
            while t < textCount && text[t] & 0xC0 == 0x80 { t += 1 }
            p += 1
        } else if p < patternCount && pattern[p] == text[t] {
            t += 1
            p += 1
        } else if starPattern >= 0 {
            starText += 1
            t = starText
            p = starPattern + 1
        } else {
            return false
        }
    }
    while p < patternCount && pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == patternCount
}
