extension LayoutBuilder {
    mutating func layOut(_ rule: RuleSyntax) {
        take()
        takeSpaced(.name)
        takeSpaced()
        add(.nest(4))
        var rows: [Row] = []
        var followsLet = false
        for (index, clause) in rule.clauses.enumerated() {
            let isAdjacent = beginEntry(isFirst: index == 0)
            if case .binding(_, let value) = clause.kind {
                layOutLet(value, &rows, isAdjacent: isAdjacent && followsLet)
                followsLet = true
            } else {
                layOut(clause)
                followsLet = false
            }
        }
        align(rows)
        closeBlock(isEmpty: rule.clauses.isEmpty)
    }

    private mutating func layOut(_ clause: ClauseSyntax) {
        switch clause.kind {
        case .by(let keys): layOut(by: keys)
        case .filter(let condition), .having(let condition):
            take()
            add(.space)
            layOut(condition)
        case .match(let pattern, let within): layOut(match: pattern, hasLimit: within != nil)
        case .alert(let alert):
            take()
            layOut(alert)
        case .onTimeout(let alert):
            take()
            takeSpaced()
            takeSpaced()
            layOut(alert)
        case .emit(let type, let fields):
            take()
            add(.space)
            layOut(type)
            layOut(fields)
        case .cancel(let event):
            take()
            takeSpaced()
            add(.space)
            layOut(event)
        case .cooldown(_, let by):
            take()
            takeSpaced()
            guard !by.isEmpty else { return }
            takeSpaced()
            layOutList(by.count) { builder, index in builder.layOut(by[index]) }
        case .tags(let tags):
            take()
            layOutList(tags.count) { builder, _ in
                builder.take(.name)
                while builder.at(.dot) {
                    builder.take()
                    builder.take(.anyWord)
                }
            }
        case .binding, .window, .afterMatch, .limitOpen, .limitEvents, .disabled, .broken: takeWords(upTo: clause.span.upper)
        }
    }

    /// Entries with commas between, below one another where the line is full.
    private mutating func layOutList(_ count: Int, _ entry: (inout LayoutBuilder, Int) -> Void) {
        add(.space)
        add(.align)
        for index in 0..<count {
            if index > 0 { add(.fill) }
            entry(&self, index)
            if index < count - 1 { take() }
        }
        add(.unnest)
    }

    mutating func layOut(by keys: [KeySyntax]) {
        take()
        layOutList(keys.count) { builder, index in
            if keys[index].name != nil {
                builder.take(.name)
                builder.take()
                builder.add(.space)
            }
            builder.layOut(keys[index].value)
        }
    }

    private mutating func layOut(_ alert: AlertSyntax) {
        if alert.severity != nil { takeSpaced() }
        if alert.template != nil { takeSpaced() }
        if at(.openBrace) { layOut(alert.fields) }
    }

    /// One field stands on the line of its clause where it fits; several stand on lines of their own, values below one another.
    private mutating func layOut(_ fields: [FieldSyntax]) {
        if fields.count == 1 {
            begin()
            takeSpaced()
            add(.nest(4))
            add(.line)
            take(.name)
            take()
            add(.space)
            layOut(fields[0].value)
            dropComma()
            writeComments()
            add(.unnest)
            add(.line)
            take()
            add(.end)
            return
        }
        takeSpaced()
        add(.nest(4))
        var rows: [Row] = []
        for (index, field) in fields.enumerated() {
            let isAdjacent = beginEntry(isFirst: index == 0)
            let start = operations.count
            take(.name)
            take()
            rows.append(row(from: start, isAdjacent: isAdjacent))
            add(.space)
            layOut(field.value)
            dropComma()
        }
        align(rows)
        closeBlock(isEmpty: fields.isEmpty)
    }
}
