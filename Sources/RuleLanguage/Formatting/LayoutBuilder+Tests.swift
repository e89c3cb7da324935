// `test` blocks: a row for each event.

extension LayoutBuilder {
    /// Columns of `after` are lined up where the events before it are about equally long.
    private static let waitSpreadMax = 8

    mutating func layOut(_ test: TestSyntax) {
        take()
        takeSpaced()
        takeSpaced()
        add(.nest(4))
        var types: [Row] = []
        var waits: [Row] = []
        /// For each of `waits`, its place among `types`.
        var waitTypes: [Int] = []
        var followsEvent = false
        var followsWait = false
        for (index, step) in test.steps.enumerated() {
            let isAdjacent = beginEntry(isFirst: index == 0)
            switch step {
            case .event(let type, _, let after):
                let start = operations.count
                // At the beginning of a line `stream {` would be taken for a declaration.
                if type.text == "stream" { takeQuoted() } else { layOut(type) }
                let typeRow = row(from: start, isAdjacent: isAdjacent && followsEvent)
                add(.space)
                layOutMembers(isOuter: true)
                var waitRow: Row?
                if after != nil {
                    waitRow = row(from: start, isAdjacent: isAdjacent && followsWait)
                    takeSpaced()
                    takeSpaced()
                }
                // Events on several lines are no rows.
                followsEvent = !isBroken(from: start, columnsMax: Self.rowColumnsMax)
                followsWait = followsEvent && waitRow != nil
                guard followsEvent else { continue }
                types.append(typeRow)
                if let waitRow {
                    waits.append(waitRow)
                    waitTypes.append(types.count - 1)
                }
            case .wait, .expectNothing:
                take()
                takeSpaced()
                followsEvent = false
                followsWait = false
            case .expect(_, _, let at):
                take()
                takeSpaced(.name)
                if self.at(.openBrace) {
                    add(.space)
                    layOutMembers(isOuter: true)
                }
                if at != nil {
                    takeSpaced()
                    takeSpaced()
                }
                followsEvent = false
                followsWait = false
            }
        }
        align(types)
        // The padding of the types is known now, and part of what stands before `after`.
        for (index, type) in waitTypes.enumerated() {
            if case .pad(let count) = operations[types[type].padding] { waits[index].width += Int(count) }
        }
        align(waits, columnsMax: Int(Self.rowColumnsMax), spreadMax: Self.waitSpreadMax)
        closeBlock(isEmpty: test.steps.isEmpty)
    }

    /// `{ name: value, … }`; on lines of their own members need no commas. Objects inside are written as JSON is, without blanks inside
    /// the braces.
    private mutating func layOutMembers(isOuter: Bool) {
        begin(columnsMax: Self.rowColumnsMax)
        take()
        add(.nest(4))
        var isEmpty = true
        while !isAtEnd, !at(.closeBrace) {
            add(isEmpty && !isOuter ? .softLine : .line)
            isEmpty = false
            take(.anyWord)
            take()
            add(.space)
            layOutJSON()
            dropComma()
            if !at(.closeBrace) { add(.flatComma) }
        }
        writeComments()
        add(.unnest)
        if !isEmpty { add(isOuter ? .line : .softLine) }
        take()
        add(.end)
    }

    private mutating func layOutJSON() {
        switch token.kind {
        case .punctuation(.openBrace): layOutMembers(isOuter: false)
        case .punctuation(.openBracket):
            begin(columnsMax: Self.rowColumnsMax)
            take()
            add(.nest(4))
            var isEmpty = true
            while !isAtEnd, !at(.closeBracket) {
                add(isEmpty ? .softLine : .line)
                isEmpty = false
                layOutJSON()
                dropComma()
                if !at(.closeBracket) { add(.flatComma) }
            }
            writeComments()
            add(.unnest)
            if !isEmpty { add(.softLine) }
            take()
            add(.end)
        case .punctuation(.minus):
            take()
            take()
        default: take()
        }
    }
}
