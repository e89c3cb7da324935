// Expressions. Names at the beginning of a path keep their backquotes: there they say that a field is meant, and no label or `let`.

extension LayoutBuilder {
    mutating func layOut(_ expression: ExpressionSyntax) {
        switch expression.kind {
        case .literal, .broken: take()
        case .path(_, let accesses):
            take()
            layOut(accesses)
        case .list(let entries): layOut(listOf: entries)
        case .negate(let operand):
            take()
            layOut(operand)
        case .not(let operand):
            take()
            add(.space)
            layOut(operand)
        case .and(let members), .or(let members): layOut(chain: members)
        case .compare(_, let left, let right): layOut(chain: [left, right])
        case .arithmetic, .coalesce: layOut(chain: expression.operands)
        case .membership(let left, let right, let isNegated), .matches(let left, let right, let isNegated),
            .like(let left, let right, let isNegated):
            layOut(chain: [left, right], operatorWords: isNegated ? 2 : 1)
        case .isMissing(let operand, _):
            layOut(operand)
            takeSpaced()
            takeSpaced()
        case .call(let call): layOut(call)
        case .access(let base, let accesses):
            layOut(base)
            layOut(accesses)
        case .parenthesised(let inner):
            take()
            layOut(inner)
            take()
        }
    }

    /// Operands with operators between; where that does not fit, every operator begins a line.
    private mutating func layOut(chain operands: [ExpressionSyntax], operatorWords: Int = 1) {
        begin()
        writeComments()
        add(.nest(4))
        for (index, operand) in operands.enumerated() {
            if index > 0 {
                add(.line)
                take()
                if operatorWords == 2 { takeSpaced() }
                add(.space)
            }
            layOut(operand)
        }
        add(.unnest)
        add(.end)
    }

    private mutating func layOut(_ accesses: [AccessSyntax]) {
        for access in accesses {
            take()
            switch access {
            case .field: take(.anyWord)
            case .index(let index, _):
                layOut(index)
                take()
            }
        }
    }

    private mutating func layOut(_ call: CallSyntax) {
        begin()
        take()
        take()
        add(.align)
        for (index, argument) in call.arguments.enumerated() {
            if index > 0 { add(.line) }
            layOut(argument.value)
            if let condition = argument.condition {
                takeSpaced()
                add(.space)
                layOut(condition)
            }
            if index < call.arguments.count - 1 { take() } else { dropComma() }
        }
        writeComments()
        add(.unnest)
        take()
        add(.end)
        guard let window = call.window else { return }
        add(.space)
        takeWords(upTo: window.span.upper)
    }

    /// As many entries on a line as fit; the brackets then stand on lines of their own.
    mutating func layOut(listOf entries: [ExpressionSyntax]) {
        begin()
        take()
        add(.nest(4))
        for (index, entry) in entries.enumerated() {
            add(index == 0 ? .softLine : .fill)
            layOut(entry)
            if index < entries.count - 1 { take() } else { dropComma() }
        }
        writeComments()
        add(.unnest)
        if !entries.isEmpty { add(.softLine) }
        take()
        add(.end)
    }
}

extension ExpressionSyntax {
    private enum Chain {
        case sum, product, coalesce
    }

    private var chain: Chain? {
        switch kind {
        case .arithmetic(.add, _, _), .arithmetic(.subtract, _, _): .sum
        case .arithmetic: .product
        case .coalesce: .coalesce
        default: nil
        }
    }

    /// The operands of `a + b - c`: what binds alike and is not in parentheses.
    fileprivate var operands: [ExpressionSyntax] {
        let wanted = chain
        var reversed: [ExpressionSyntax] = []
        var rest = self
        while rest.chain == wanted {
            switch rest.kind {
            case .arithmetic(_, let left, let right), .coalesce(let left, let right):
                reversed.append(right)
                rest = left
            default: return [self]
            }
        }
        return [rest] + reversed.reversed()
    }
}
