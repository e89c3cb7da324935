internal import Events
internal import RuleLanguage

/// Checked patterns and expressions as short texts, so that a test can say what it expects in a line.
func describe(_ pattern: Pattern) -> String {
    func guardText(_ guarded: Guard) -> String {
        let limit = guarded.limitMicroseconds.map { "<\($0 / 1000)ms" } ?? ""
        return "!\(guarded.isNext ? "next" : "then")\(limit)[\(pattern.predicates[guarded.predicate].text)]"
    }
    func node(_ tree: PatternNode) -> String {
        switch tree {
        case .step(let index): return pattern.steps[index].name
        case .sequence(let elements, let trailing):
            var text = ""
            for (offset, element) in elements.enumerated() {
                for guarded in element.guards { text += " " + guardText(guarded) }
                if offset > 0 {
                    text += " \(element.connective)" + (element.limitMicroseconds.map { "<\($0 / 1000)ms" } ?? "") + " "
                }
                text += node(element.node)
            }
            return "(" + text + trailing.map { " " + guardText($0) }.joined() + ")"
        case .anyOf(let members): return "(" + members.map(node).joined(separator: " | ") + ")"
        case .allOf(let members): return "(" + members.map(node).joined(separator: " & ") + ")"
        case .repeated(let inner, let quantifier, let mode, let until):
            let most = quantifier.max.map(String.init) ?? ""
            let suffix = (quantifier.isReluctant ? "?" : "") + (mode == .skipping ? "" : " \(mode)")
            return node(inner) + "{\(quantifier.min),\(most)}" + suffix + (until.map { " until[\(pattern.predicates[$0].text)]" } ?? "")
        case .timed(let inner, let limit): return node(inner) + "<\(limit / 1000)ms"
        }
    }
    return node(pattern.root) + (pattern.withinMicroseconds.map { " <\($0 / 1000)ms" } ?? "")
}

func describe(_ expression: Expression) -> String {
    func all(_ list: [Expression]) -> String { list.map(describe).joined(separator: ", ") }
    return switch expression {
    case .constant(let value): describe(value)
    case .field(let path): "\(path)"
    case .key(let index): "key\(index)"
    case .eventTime: "time()"
    case .captured(let step, let path): "#\(step).\(path)"
    case .capturedTime(let step): "time(#\(step))"
    case .aggregate(let aggregate, let step, let path): "\(aggregate)(#\(step)\(path.map { ".\($0)" } ?? ""))"
    case .edgeField(let edge, let step, let path): "\(edge)(#\(step)).\(path)"
    case .edgeTime(let edge, let step): "time(\(edge)(#\(step)))"
    case .not(let operand): "not(\(describe(operand)))"
    case .and(let operands): "and(\(all(operands)))"
    case .or(let operands): "or(\(all(operands)))"
    case .compare(let comparison, let left, let right): "(\(describe(left)) \(comparison.rawValue) \(describe(right)))"
    case .arithmetic(let operation, let left, let right): "(\(describe(left)) \(operation.rawValue) \(describe(right)))"
    case .negate(let operand): "-\(describe(operand))"
    case .coalesce(let left, let right): "(\(describe(left)) ?? \(describe(right)))"
    case .isMissing(let operand): "missing(\(describe(operand)))"
    case .isIn(let element, let list): "(\(describe(element)) in [\(all(list))])"
    case .isInField(let element, let list): "(\(describe(element)) in \(describe(list)))"
    case .list(let entries): "[\(all(entries))]"
    case .like(let operand, let pattern): "(\(describe(operand)) like \(pattern))"
    case .matches(let operand, let pattern): "(\(describe(operand)) matches \(pattern))"
    case .call(let function, let arguments): "\(function.rawValue)(\(all(arguments)))"
    }
}

func describe(_ value: Value) -> String {
    switch value {
    case .unknown: "unknown"
    case .boolean(let isTrue): "\(isTrue)"
    case .integer(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let text): "'\(text)'"
    case .duration(let microseconds): "\(microseconds / 1000)ms"
    case .time(let microseconds): "@\(microseconds)"
    case .list(let values): "[\(values.map(describe).joined(separator: ", "))]"
    case .object: "{}"
    }
}
