// Patterns. `match` and the four letters of `then` and `next`, one column further in, put all steps into one column.

extension LayoutBuilder {
    /// One line where there is at most one connective or guard and it is short; else each connective, and the limit, on its own.
    mutating func layOut(match pattern: PatternSyntax, hasLimit: Bool) {
        let connectives = pattern.elements.reduce(pattern.trailing.count) { $0 + $1.guards.count + ($1.connective == nil ? 0 : 1) }
        begin(columnsMax: Self.patternColumnsMax, isForced: connectives > 1)
        take()
        add(.space)
        layOut(pattern, connectiveIndent: 1, stepIndent: 6)
        if hasLimit {
            add(.line)
            take()
            takeSpaced()
        }
        add(.end)
    }

    /// - Parameters:
    ///   - connectiveIndent: how far in the lines of connectives begin.
    ///   - stepIndent: how far in the further lines of a step begin.
    private mutating func layOut(_ pattern: PatternSyntax, connectiveIndent: Int32, stepIndent: Int32) {
        func lead(_ builder: inout LayoutBuilder) {
            builder.add(.nest(connectiveIndent))
            builder.add(.line)
            builder.writeComments()
            builder.add(.unnest)
            builder.add(.nest(stepIndent))
            builder.take()
        }
        func guards(_ guards: [GuardSyntax], _ builder: inout LayoutBuilder) {
            for guarded in guards {
                lead(&builder)
                builder.takeSpaced()
                if guarded.limit != nil {
                    builder.takeSpaced()
                    builder.takeSpaced()
                }
                builder.add(.space)
                builder.layOut(guarded.event)
                builder.add(.unnest)
            }
        }
        for element in pattern.elements {
            guards(element.guards, &self)
            if let connective = element.connective {
                lead(&self)
                if connective.kind == .thenAny { takeSpaced() }
                if connective.limit != nil {
                    takeSpaced()
                    takeSpaced()
                }
                add(.space)
            } else {
                add(.nest(stepIndent))
            }
            layOut(element.node)
            add(.unnest)
        }
        guards(pattern.trailing, &self)
    }

    private mutating func layOut(_ node: PatternNodeSyntax) {
        switch node {
        case .step(let step): layOut(step)
        case .group(let group): layOut(group)
        case .anyOf(let members, _), .allOf(let members, _):
            begin()
            for (index, member) in members.enumerated() {
                if index > 0 {
                    add(.line)
                    take()
                    add(.space)
                }
                layOut(member)
            }
            add(.end)
        }
    }

    private mutating func layOut(_ step: StepSyntax) {
        begin()
        if step.label != nil {
            take(.name)
            take()
            add(.space)
        }
        if at(.openParenthesis) {
            take()
            add(.align)
            for (index, type) in step.types.enumerated() {
                if index > 0 {
                    add(.fill)
                    take()
                    add(.space)
                }
                layOut(type)
            }
            writeComments()
            add(.unnest)
            take()
        } else if let type = step.types.first {
            layOut(type)
        }
        layOut(step.quantifier, step.mode)
        if let condition = step.condition {
            add(.line)
            take()
            add(.space)
            layOut(condition)
        }
        if step.keySpan != nil {
            add(.line)
            layOut(by: step.key)
        }
        if let until = step.until {
            add(.line)
            take()
            add(.space)
            layOut(until)
        }
        add(.end)
    }

    private mutating func layOut(_ quantifier: QuantifierSyntax?, _ mode: ModeSyntax?) {
        if let quantifier {
            while !isAtEnd, token.span.lower < quantifier.span.upper { take() }
        }
        if mode != nil { takeSpaced() }
    }

    private mutating func layOut(_ group: GroupSyntax) {
        begin()
        take()
        add(.align)
        layOut(group.pattern, connectiveIndent: 0, stepIndent: 5)
        if group.limit != nil {
            add(.line)
            take()
            takeSpaced()
        }
        writeComments()
        add(.unnest)
        take()
        add(.end)
        layOut(group.quantifier, group.mode)
    }

    /// An event that is watched for. The tree does not keep the parentheses inside it; the tokens do.
    mutating func layOut(_ event: EventSyntax) {
        var alternatives = event.alternatives[...]
        layOut(&alternatives)
    }

    private mutating func layOut(_ alternatives: inout ArraySlice<EventSyntax.Alternative>) {
        begin()
        defer { add(.end) }
        if at(.openParenthesis) {
            take()
            add(.align)
            layOut(&alternatives)
            while at(.bar) {
                add(.line)
                take()
                add(.space)
                layOut(&alternatives)
            }
            writeComments()
            add(.unnest)
            return take()
        }
        guard let alternative = alternatives.popFirst() else { return }
        layOut(alternative.type)
        add(.nest(4))
        if let condition = alternative.condition {
            add(.line)
            take()
            add(.space)
            layOut(condition)
        }
        if alternative.keySpan != nil {
            add(.line)
            layOut(by: alternative.key)
        }
        add(.unnest)
    }
}
