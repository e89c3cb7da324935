internal import Diagnostics
internal import Events

extension Parser {
    static let declarationWords = ["rule", "event", "stream", "list", "table", "let", "test"]

    mutating func parseFile() -> [DeclarationSyntax] {
        var declarations: [DeclarationSyntax] = []
        while !isAtEnd {
            let before = position
            let errorsBefore = sink.errorCount
            let start = current
            let documentation = documentationBeforeCurrent()
            do {
                let kind = try parseDeclaration()
                declarations.append(
                    DeclarationSyntax(
                        kind: kind, documentation: documentation, span: span(from: start), isBroken: sink.errorCount > errorsBefore))
            } catch {
                skipToDeclaration()
            }
            if position == before, !isAtEnd { advance() }
        }
        return declarations
    }

    /// The `///` lines right before the token at hand: the last run of them that no blank line and no other comment breaks.
    func documentationBeforeCurrent() -> [String] {
        let lower = position > 0 ? tokens[position - 1].span.upper : 0
        var low = 0
        var high = comments.count
        while low < high {
            let middle = (low + high) / 2
            if comments[middle].span.lower < current.span.lower { low = middle + 1 } else { high = middle }
        }
        var lines: [String] = []
        var next = current.span.lower
        while low > 0 {
            low -= 1
            let comment = comments[low]
            guard comment.span.lower >= lower, comment.isDocumentation, comment.startsLine else { break }
            let newlines = source.bytes[Int(comment.span.upper)..<Int(next)].reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
            if newlines > 1, !lines.isEmpty { break }
            var text = source.bytes[Int(comment.span.lower) + 3..<Int(comment.span.upper)]
            if text.first == 0x20 { text.removeFirst() }
            while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
            lines.append(String(decoding: text, as: UTF8.self))
            next = comment.span.lower
        }
        return lines.reversed()
    }

    private mutating func parseDeclaration() throws(ParseFailure) -> DeclarationSyntax.Kind {
        guard case .word(let word) = current.kind else {
            throw unexpected("a declaration: `rule`, `event`, `stream`, `list`, `table`, `let` or `test`")
        }
        switch word {
        case "rule":
            advance()
            return .rule(try parseRule())
        case "event":
            advance()
            return .event(try parseEventType())
        case "stream":
            return .stream(try parseStream())
        case "list":
            advance()
            return .list(try parseList())
        case "table":
            advance()
            return .table(try parseTable())
        case "let":
            advance()
            let name = try expectName("the name of a constant")
            try expect(.assign, "after the name of a constant")
            do {
                return .constant(name: name, value: try parseExpression())
            } catch {
                skipToDeclaration()
                return .constant(name: name, value: nil)
            }
        case "test":
            advance()
            return .test(try parseTest())
        default:
            let nearest = NearestName.find(word, among: Self.declarationWords)
            sink.report(
                Diagnostic(
                    .unknownDeclaration, "`\(word)` begins no declaration", at: current.span,
                    label: nearest.map { "did you mean `\($0)`?" } ?? "",
                    help: nearest == nil ? "a file holds `rule`, `event`, `stream`, `list`, `table`, `let` and `test`" : nil,
                    fix: nearest.map { .init(span: current.span, replacement: $0) }))
            throw ParseFailure()
        }
    }

    /// `TYPE`: words with dots between.
    mutating func parseTypeName(_ what: String = "an event type") throws(ParseFailure) -> TypeName {
        let start = current
        let first = try expectName(what)
        var text = first.text
        var hasDots = false
        while at(.dot), atName(ahead: 1) {
            advance()
            guard let part = acceptAnyName() else { break }
            text += "." + part.text
            hasDots = true
        }
        return TypeName(text: text, isAny: text == "event" && !first.isQuoted && !hasDots, span: span(from: start))
    }

    /// After a dot every word is a name.
    mutating func acceptAnyName() -> Name? {
        switch current.kind {
        case .word(let word): Name(text: word, span: advance().span, isQuoted: false)
        case .quotedName(let name): Name(text: name, span: advance().span, isQuoted: true)
        default: nil
        }
    }

    /// A path of names and constant places.
    mutating func parsePath(_ what: String) throws(ParseFailure) -> PathSyntax {
        let start = current
        var components: [FieldPath.Component] = [.name(try expectName(what).text)]
        while true {
            if accept(.dot) != nil {
                guard let name = acceptAnyName() else { throw unexpected("a name after `.`") }
                components.append(.name(name.text))
            } else if at(.openBracket) {
                advance()
                guard case .integer(let value) = current.kind, let index = Int(exactly: value) else {
                    throw unexpected("a place in a list, from 0")
                }
                advance()
                try expect(.closeBracket, "after the place in a list")
                components.append(.index(index))
            } else {
                return PathSyntax(path: FieldPath(components), span: span(from: start))
            }
        }
    }

    /// Reports a block whose `}` is missing.
    mutating func reportUnclosed(_ open: Token, _ what: String) {
        var span = current.span
        if isAtEnd, position > 0 { span = tokens[position - 1].span }
        sink.report(
            Diagnostic(
                .unclosedBlock, "`}` is missing: \(what) does not end", at: span,
                label: isAtEnd ? "the file ends here" : "something new begins here",
                notes: [.init(span: open.span, label: "opened here")]))
    }

    private mutating func parseEventType() throws(ParseFailure) -> EventTypeSyntax {
        let name = try parseTypeName("the name of an event type")
        let open = try expect(.openBrace, "before the fields of an event type")
        var fields: [EventTypeSyntax.Field] = []
        while accept(.closeBrace) == nil {
            if isAtEnd || isAtDeclarationStart(insideRule: true) {
                reportUnclosed(open, "this event type")
                break
            }
            let before = position
            do {
                let path = try parsePath("the name of a field")
                let type = try expectName("the type of the field `\(path.path)`")
                let isOptional = accept(.question) != nil
                fields.append(.init(path: path, type: type, isOptional: isOptional))
                _ = accept(.comma)
            } catch {
                while !isAtEnd, !at(.closeBrace), position == before || !current.startsLine { advance() }
            }
        }
        return EventTypeSyntax(name: name, fields: fields)
    }

    private mutating func parseStream() throws(ParseFailure) -> StreamSyntax {
        let keyword = advance()
        let name = at(.openBrace) ? nil : try expectName("the name of a stream, or `{`")
        let open = try expect(.openBrace, "before the properties of a stream")
        var properties: [(property: StreamSyntax.Property, keyword: Name)] = []
        while accept(.closeBrace) == nil {
            if isAtEnd || isAtDeclarationStart(insideRule: true) {
                reportUnclosed(open, "this stream")
                break
            }
            let before = position
            do {
                let word = try expectName("`type`, `time`, `delay`, `ahead` or `idle`")
                switch word.text {
                case "type":
                    if case .string = current.kind {
                        properties.append((.typeConstant(try expectString("a type")), word))
                    } else {
                        properties.append((.typeField(try parsePath("the field that holds the type, or the type as a string")), word))
                    }
                case "time":
                    let path = try parsePath("the field that holds the time")
                    var format: Name?
                    if case .word(let unit) = current.kind, !["type", "time", "delay", "ahead", "idle"].contains(unit) {
                        format = Name(text: unit, span: advance().span, isQuoted: false)
                    }
                    properties.append((.time(path, format: format), word))
                case "delay": properties.append((.delay(try expectDuration("`delay`")), word))
                case "ahead": properties.append((.ahead(try expectDuration("`ahead`")), word))
                case "idle": properties.append((.idle(try expectDuration("`idle`")), word))
                default:
                    let nearest = NearestName.find(word.text, among: ["type", "time", "delay", "ahead", "idle"])
                    sink.report(
                        Diagnostic(
                            .unknownClause, "`\(word.text)` is nothing that a stream has", at: word.span,
                            label: nearest.map { "did you mean `\($0)`?" } ?? "",
                            help: "a stream has `type`, `time`, `delay`, `ahead` and `idle`"))
                    throw ParseFailure()
                }
                _ = accept(.comma)
            } catch {
                while !isAtEnd, !at(.closeBrace), position == before || !current.startsLine { advance() }
            }
        }
        return StreamSyntax(keywordSpan: keyword.span, name: name, properties: properties)
    }

    private mutating func parseList() throws(ParseFailure) -> ListSyntax {
        let name = try expectName("the name of a list")
        if acceptWord("from") != nil { return ListSyntax(name: name, source: .file(try expectString("the path of a file"))) }
        guard accept(.assign) != nil else { throw unexpected("`=` or `from` after the name of a list") }
        do {
            let open = try expect(.openBracket, "before the entries of a list")
            return ListSyntax(name: name, source: .entries(try parseListEntries(open)))
        } catch {
            skipToDeclaration()
            return ListSyntax(name: name, source: .broken)
        }
    }

    private mutating func parseTable() throws(ParseFailure) -> TableSyntax {
        let name = try expectName("the name of a table")
        try expectWord("from", "after the name of a table")
        let file = try expectString("the path of a file")
        try expectWord("key", "after the file of a table")
        return TableSyntax(name: name, file: file, key: try expectName("the column that is the key"))
    }
}
