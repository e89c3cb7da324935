/// The difference between two texts as `diff -u` shows it.
public struct UnifiedDifference {
    /// Most lines that are looked for one by one as added or removed. Beyond that all that lies between the first and the last difference
    /// is shown as replaced.
    public static let editsMax = 2_000
    private static let contextLines = 3

    private enum Edit {
        case keep, remove, add
    }

    private let old: [ArraySlice<UInt8>]
    private let new: [ArraySlice<UInt8>]

    public init(from old: [UInt8], to new: [UInt8]) {
        self.old = Self.lines(old)
        self.new = Self.lines(new)
    }

    /// With their ends; the last one may have none.
    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            lines.append(bytes[start..<end])
            start = end
        }
        return lines
    }

    /// The difference with three lines around each change; empty where the texts are equal.
    ///
    /// - Complexity: O(n + d × ``editsMax``) for n lines of which d differ.
    public func text(oldName: String, newName: String) -> String {
        let edits = self.edits()
        guard edits.contains(where: { $0 != .keep }) else { return "" }
        var text = "--- \(oldName)\n+++ \(newName)\n"
        var index = 0
        var oldLine = 0
        var newLine = 0
        func pass(_ edit: Edit) {
            if edit != .add { oldLine += 1 }
            if edit != .remove { newLine += 1 }
        }
        while index < edits.count {
            guard let change = edits[index...].firstIndex(where: { $0 != .keep }) else { break }
            let start = max(index, change - Self.contextLines)
            while index < start {
                pass(edits[index])
                index += 1
            }
            // The hunk ends where more is kept than the context of this change and of the next.
            var end = change
            var keptCount = 0
            for place in change..<edits.count {
                keptCount = edits[place] == .keep ? keptCount + 1 : 0
                if keptCount > 2 * Self.contextLines { break }
                if keptCount <= Self.contextLines { end = max(end, place + 1) }
                if edits[place] != .keep { end = place + 1 }
            }
            let (oldStart, newStart) = (oldLine, newLine)
            var body = ""
            while index < end {
                switch edits[index] {
                case .keep: body += Self.shown(" ", old[oldLine])
                case .remove: body += Self.shown("-", old[oldLine])
                case .add: body += Self.shown("+", new[newLine])
                }
                pass(edits[index])
                index += 1
            }
            text += "@@ -\(Self.range(oldStart, oldLine)) +\(Self.range(newStart, newLine)) @@\n" + body
        }
        return text
    }

    /// Lines are counted from 1; of an empty range the line before it is named.
    private static func range(_ start: Int, _ end: Int) -> String {
        end - start == 1 ? "\(start + 1)" : "\(end == start ? start : start + 1),\(end - start)"
    }

    private static func shown(_ sign: String, _ line: ArraySlice<UInt8>) -> String {
        let text = sign + String(decoding: line, as: UTF8.self)
        return line.last == 0x0A ? text : text + "\n\\ No newline at end of file\n"
    }

    /// The shortest way from the old lines to the new ones (Myers 1986), what is equal at both ends set apart.
    private func edits() -> [Edit] {
        var prefix = 0
        while prefix < min(old.count, new.count), old[prefix] == new[prefix] { prefix += 1 }
        var suffix = 0
        while suffix < min(old.count, new.count) - prefix, old[old.count - 1 - suffix] == new[new.count - 1 - suffix] { suffix += 1 }
        let a = old[prefix..<old.count - suffix]
        let b = new[prefix..<new.count - suffix]
        let middle =
            Self.shortestEdits(a, b) ?? [Edit](repeating: .remove, count: a.count) + [Edit](repeating: .add, count: b.count)
        return [Edit](repeating: .keep, count: prefix) + middle + [Edit](repeating: .keep, count: suffix)
    }

    /// Nil where there are more than ``editsMax``.
    private static func shortestEdits(_ a: ArraySlice<ArraySlice<UInt8>>, _ b: ArraySlice<ArraySlice<UInt8>>) -> [Edit]? {
        let (rows, columns) = (a.count, b.count)
        let most = min(rows + columns, editsMax)
        // `furthest[k + offset]`: how many old lines are passed on the diagonal k = old lines − new lines.
        let offset = most + 1
        var furthest = [Int](repeating: 0, count: 2 * most + 3)
        var history: [[Int]] = []
        func comesByAdding(_ k: Int, _ d: Int, _ furthest: [Int], _ offset: Int) -> Bool {
            k == -d || k != d && furthest[k - 1 + offset] < furthest[k + 1 + offset]
        }
        for d in 0...most {
            // Only the diagonals from −d to d can differ from the round before.
            history.append(Array(furthest[(offset - d - 1)...(offset + d + 1)]))
            for k in stride(from: -d, through: d, by: 2) {
                var x = comesByAdding(k, d, furthest, offset) ? furthest[k + 1 + offset] : furthest[k - 1 + offset] + 1
                while x < rows, x - k < columns, x - k >= 0, a[a.startIndex + x] == b[b.startIndex + x - k] { x += 1 }
                furthest[k + offset] = x
                guard x >= rows, x - k >= columns else { continue }
                return path(to: rows, columns, history, comesByAdding)
            }
        }
        return nil
    }

    private static func path(
        to rows: Int, _ columns: Int, _ history: [[Int]], _ comesByAdding: (Int, Int, [Int], Int) -> Bool
    ) -> [Edit] {
        var reversed: [Edit] = []
        var (x, y) = (rows, columns)
        for d in history.indices.reversed() {
            let furthest = history[d]
            let k = x - y
            guard d > 0 else { break }
            let isAdded = comesByAdding(k, d, furthest, d + 1)
            let previousK = isAdded ? k + 1 : k - 1
            let previousX = furthest[previousK + d + 1]
            let previousY = previousX - previousK
            while x > previousX, y > previousY {
                reversed.append(.keep)
                x -= 1
                y -= 1
            }
            reversed.append(isAdded ? .add : .remove)
            (x, y) = (previousX, previousY)
        }
        reversed.append(contentsOf: repeatElement(.keep, count: x))
        return reversed.reversed()
    }
}
