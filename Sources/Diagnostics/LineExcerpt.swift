/// The part of a source line that fits on a screen, and the columns that its marked part takes there.
struct LineExcerpt {
    var text = ""
    var columnsBefore = 0
    var markedColumns = 0
    var isCut = false

    private static let tabColumns = 4

    init(before: ArraySlice<UInt8>, marked: ArraySlice<UInt8>, after: ArraySlice<UInt8>, columnsMax: Int) {
        // What lies further away than the widest excerpt cannot be shown, so only that much is decoded. A cut inside a character
        // shows a replacement sign, which the ellipsis then hides.
        let bytesMax = columnsMax * 4
        var head = Self.cells(before.suffix(bytesMax))
        var body = Self.cells(marked.prefix(bytesMax))
        var tail = Self.cells(after.prefix(bytesMax))
        var isCutBefore = before.count > bytesMax
        var isCutAfter = after.count > bytesMax || marked.count > bytesMax
        func width(_ cells: [Cell]) -> Int { cells.reduce(0) { $0 + $1.columns } }
        if isCutBefore || isCutAfter || width(head) + width(body) + width(tail) > columnsMax {
            func keepSuffix(_ cells: inout [Cell], columns: Int) -> Bool {
                var kept = 0
                var start = cells.count
                while start > 0, kept + cells[start - 1].columns <= columns {
                    start -= 1
                    kept += cells[start].columns
                }
                cells.removeFirst(start)
                return start > 0
            }
            func keepPrefix(_ cells: inout [Cell], columns: Int) -> Bool {
                var kept = 0
                var end = 0
                while end < cells.count, kept + cells[end].columns <= columns {
                    kept += cells[end].columns
                    end += 1
                }
                let isCut = end < cells.count
                cells.removeLast(cells.count - end)
                return isCut
            }
            let room = columnsMax - 2
            if keepPrefix(&body, columns: room * 2 / 3) {
                isCutAfter = true
                tail = []
            }
            let side = room - width(body)
            let tailRoom = max(side - width(head), side / 2)
            if keepPrefix(&tail, columns: tailRoom) { isCutAfter = true }
            if keepSuffix(&head, columns: side - width(tail)) { isCutBefore = true }
        }
        isCut = isCutBefore || isCutAfter
        if isCutBefore {
            text += "…"
            columnsBefore += 1
        }
        for cell in head { text += cell.text }
        for cell in body { text += cell.text }
        for cell in tail { text += cell.text }
        if isCutAfter { text += "…" }
        columnsBefore += width(head)
        markedColumns = width(body)
        while text.last == " " { text.removeLast() }
    }

    private struct Cell {
        var text: String
        var columns: Int
    }

    private static func cells(_ bytes: ArraySlice<UInt8>) -> [Cell] {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
            if scalar == "\t" { return Cell(text: String(repeating: " ", count: tabColumns), columns: tabColumns) }
            return Cell(text: String(shown(scalar)), columns: columns(scalar))
        }
    }

    /// Control characters, and those that turn the direction of text, are shown as a replacement sign.
    static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: "\u{FFFD}"
        default: scalar
        }
    }

    /// The columns that terminals give a character: none to combining marks, two to wide East Asian ones and pictures.
    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x0300...0x036F, 0x200B...0x200D, 0x20D0...0x20FF, 0xFE00...0xFE0F, 0xFE20...0xFE2F: 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}
