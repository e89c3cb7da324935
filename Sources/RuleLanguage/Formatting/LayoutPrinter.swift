/// Turns a layout into text.
///
/// - Complexity: O(n) in the operations: the width of each group and of what follows it up to the next possible break is known beforehand.
struct LayoutPrinter {
    /// Most columns of a line, as far as there is a place to break it.
    static let columnsMax = 110

    private enum Pending {
        case nothing
        case blanks(Int)
        /// Nil: as deep as lines are indented when the text comes.
        case newLine(Int?)
    }

    private let bytes: [UInt8]
    private let operations: [LayoutOperation]
    /// The columns that the operations before each one take on one line; one more than there are operations.
    private var before: [Int32] = []
    /// The columns from an operation up to the next possible break.
    private var tail: [Int32] = []
    /// For each `begin`: its `end`, and whether the group cannot stand on one line whatever its width.
    private var ends: [Int: (end: Int, isForced: Bool)] = [:]

    private var output: [UInt8] = []
    private var column = 0
    private var pending = Pending.nothing
    private var hasBlankLine = false
    private var indents = [0]
    private var isFlat = [false]

    init(bytes: [UInt8], operations: [LayoutOperation]) {
        self.bytes = bytes
        self.operations = operations
        measure()
    }

    // MARK: Measuring

    private func width(_ lower: Int32, _ upper: Int32) -> Int {
        bytes[Int(lower)..<Int(upper)].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    private func width(_ operation: LayoutOperation) -> Int {
        switch operation {
        case .text(let lower, let upper): width(lower, upper)
        case .sign, .space, .line, .fill, .flatComma: 1
        case .pad(let count): Int(count)
        default: 0
        }
    }

    /// A comment forces the groups that have text on both sides of it, and a hard line all groups around it.
    private struct Frame {
        var start: Int
        var textsBefore: Int
        var isForced: Bool
        var hasLeadingComment = false
        /// The number of texts before the first comment that follows a text of the group.
        var firstComment: Int?

        mutating func note(comment texts: Int) {
            if texts == textsBefore { hasLeadingComment = true } else { firstComment = min(firstComment ?? texts, texts) }
        }
    }

    private mutating func measure() {
        before = [0]
        before.reserveCapacity(operations.count + 1)
        var texts = 0
        var frames: [Frame] = []
        for (index, operation) in operations.enumerated() {
            before.append(before[index] &+ Int32(width(operation)))
            switch operation {
            case .text, .sign: texts += 1
            case .comment, .trailingComment:
                if !frames.isEmpty { frames[frames.count - 1].note(comment: texts) }
            case .hardLine:
                if !frames.isEmpty { frames[frames.count - 1].isForced = true }
            case .begin(_, let isForced): frames.append(Frame(start: index, textsBefore: texts, isForced: isForced))
            case .end:
                guard let frame = frames.popLast() else { continue }
                let isForced = frame.isForced || frame.firstComment.map { $0 < texts } ?? false
                ends[frame.start] = (index, isForced)
                guard !frames.isEmpty else { continue }
                if frame.hasLeadingComment { frames[frames.count - 1].note(comment: frame.textsBefore) }
                if let first = frame.firstComment { frames[frames.count - 1].note(comment: first) }
                if isForced { frames[frames.count - 1].isForced = true }
            default: break
            }
        }
        tail = [Int32](repeating: 0, count: operations.count + 1)
        for index in operations.indices.reversed() {
            switch operations[index] {
            case .line, .softLine, .hardLine, .fill: tail[index] = 0
            default: tail[index] = tail[index + 1] &+ Int32(width(operations[index]))
            }
        }
    }

    // MARK: Printing

    private var indent: Int { indents[indents.count - 1] }

    /// The column at which a text would begin now.
    private var nextColumn: Int {
        switch pending {
        case .nothing: column
        case .blanks(let count): column + count
        case .newLine(let place): place ?? indent
        }
    }

    mutating func printed() -> [UInt8] {
        output.reserveCapacity(bytes.count + bytes.count / 4)
        for (index, operation) in operations.enumerated() {
            switch operation {
            case .text(let lower, let upper):
                flush()
                put(lower, upper)
            case .sign(let byte):
                flush()
                output.append(byte)
                column += 1
            case .flatComma:
                guard isFlat[isFlat.count - 1] else { continue }
                flush()
                output.append(UInt8(ascii: ","))
                column += 1
            case .space: add(blanks: 1)
            case .pad(let count): add(blanks: Int(count))
            case .line: isFlat[isFlat.count - 1] ? stay(blanks: 1) : breakLine()
            case .softLine: isFlat[isFlat.count - 1] ? stay(blanks: 0) : breakLine()
            case .hardLine: breakLine()
            case .fill: nextColumn + 1 + Int(tail[index + 1]) > Self.columnsMax ? breakLine() : stay(blanks: 1)
            case .begin(let columnsMax, _): isFlat.append(isFlat[isFlat.count - 1] || fits(index, Int(columnsMax)))
            case .end: if isFlat.count > 1 { isFlat.removeLast() }
            case .nest(let count): indents.append(indent + Int(count))
            case .align: indents.append(nextColumn)
            case .unnest: if indents.count > 1 { indents.removeLast() }
            case .blank: hasBlankLine = true
            case .trailingComment(let lower, let upper):
                output.append(UInt8(ascii: " "))
                put(lower, upper)
                pending = .newLine(nil)
            case .comment(let lower, let upper):
                var place = indent
                if case .newLine(let known?) = pending { place = known }
                pending = .newLine(place)
                flush()
                put(lower, upper)
                pending = .newLine(place)
            }
        }
        if !output.isEmpty { output.append(0x0A) }
        return output
    }

    private func fits(_ start: Int, _ columnsMax: Int) -> Bool {
        guard let group = ends[start], !group.isForced else { return false }
        let inside = Int(before[group.end]) - Int(before[start])
        return nextColumn + inside + Int(tail[group.end]) <= columnsMax
    }

    private mutating func put(_ lower: Int32, _ upper: Int32) {
        output += bytes[Int(lower)..<Int(upper)]
        column += width(lower, upper)
    }

    private mutating func add(blanks count: Int) {
        switch pending {
        case .nothing: pending = .blanks(count)
        case .blanks(let others): pending = .blanks(others + count)
        case .newLine: break
        }
    }

    private mutating func breakLine() { pending = .newLine(indent) }

    /// No new line, save where a comment has asked for one.
    private mutating func stay(blanks count: Int) {
        if case .newLine = pending { pending = .newLine(indent) } else { add(blanks: count) }
    }

    private mutating func flush() {
        switch pending {
        case .nothing: break
        case .blanks(let count):
            output.append(contentsOf: repeatElement(0x20, count: count))
            column += count
        case .newLine(let place):
            if !output.isEmpty { output.append(0x0A) }
            if hasBlankLine, !output.isEmpty { output.append(0x0A) }
            hasBlankLine = false
            column = place ?? indent
            output.append(contentsOf: repeatElement(0x20, count: column))
        }
        pending = .nothing
    }
}
