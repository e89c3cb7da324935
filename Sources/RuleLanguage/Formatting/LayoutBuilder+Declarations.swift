extension LayoutBuilder {
    /// The whole file.
    mutating func layOut() {
        var rows: [Row] = []
        for (index, declaration) in file.declarations.enumerated() {
            let previous = index > 0 ? file.declarations[index - 1] : nil
            let isList = previous.map { $0.isOneLine && declaration.isOneLine } ?? false
            let isAdjacent = beginEntry(
                isFirst: index == 0, needsBlank: index > 0 && !isList, isDocumented: !declaration.documentation.isEmpty)
            layOut(declaration, &rows, isAdjacent: isAdjacent && previous?.isConstant ?? false)
        }
        align(rows)
        writeLastComments(isFirst: file.declarations.isEmpty)
    }

    private mutating func layOut(_ declaration: DeclarationSyntax, _ rows: inout [Row], isAdjacent: Bool) {
        switch declaration.kind {
        case .rule(let rule): layOut(rule)
        case .event(let type): layOut(type)
        case .stream(let stream): layOut(stream)
        case .list(let list):
            take()
            takeSpaced(.name)
            takeSpaced()
            add(.space)
            if case .entries(let entries) = list.source { layOut(listOf: entries) } else { take() }
        case .table:
            take()
            takeSpaced(.name)
            takeSpaced()
            takeSpaced()
            takeSpaced()
            takeSpaced(.name)
        case .constant(_, let value): layOutLet(value, &rows, isAdjacent: isAdjacent)
        case .test(let test): layOut(test)
        }
    }

    /// `let NAME = …`, the signs of equality of a run below one another.
    mutating func layOutLet(_ value: ExpressionSyntax?, _ rows: inout [Row], isAdjacent: Bool) {
        let start = operations.count
        take()
        takeSpaced(.name)
        rows.append(row(from: start, isAdjacent: isAdjacent))
        takeSpaced()
        add(.space)
        if let value { layOut(value) }
    }

    mutating func layOut(_ name: TypeName) { takePath(upTo: name.span.upper) }

    private mutating func layOut(_ type: EventTypeSyntax) {
        take()
        add(.space)
        layOut(type.name)
        takeSpaced()
        add(.nest(4))
        var rows: [Row] = []
        for (index, field) in type.fields.enumerated() {
            let isAdjacent = beginEntry(isFirst: index == 0)
            let start = operations.count
            takePath(upTo: field.path.span.upper)
            rows.append(row(from: start, isAdjacent: isAdjacent))
            takeSpaced()
            if field.isOptional { take() }
            dropComma()
        }
        align(rows)
        closeBlock(isEmpty: type.fields.isEmpty)
    }

    private mutating func layOut(_ stream: StreamSyntax) {
        take()
        if stream.name != nil { takeSpaced(.name) }
        takeSpaced()
        add(.nest(4))
        var rows: [Row] = []
        for (index, entry) in stream.properties.enumerated() {
            let isAdjacent = beginEntry(isFirst: index == 0)
            let start = operations.count
            take()
            rows.append(row(from: start, isAdjacent: isAdjacent))
            add(.space)
            switch entry.property {
            case .typeField(let path): takePath(upTo: path.span.upper)
            case .time(let path, let format):
                takePath(upTo: path.span.upper)
                if format != nil { takeSpaced() }
            case .typeConstant, .delay, .ahead, .idle: take()
            }
            dropComma()
        }
        align(rows)
        closeBlock(isEmpty: stream.properties.isEmpty)
    }
}

extension DeclarationSyntax {
    /// Several of these may stand below one another without blank lines.
    fileprivate var isOneLine: Bool {
        switch kind {
        case .list, .table, .constant: true
        case .rule, .event, .stream, .test: false
        }
    }

    fileprivate var isConstant: Bool {
        if case .constant = kind { true } else { false }
    }
}
