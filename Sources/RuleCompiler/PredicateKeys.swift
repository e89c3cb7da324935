internal import RuleLanguage

/// With keys by step, each alternative of a guard closes only where its own key is the key at hand. A predicate has one bit, which
/// must mean one key: one whose alternatives differ in theirs becomes several, and all of them are watched for.
extension Pattern {
    /// The pattern with such predicates split, and the new places of the `cancel on` predicates.
    func splitByKeys(cancels: [Int]) -> (Pattern, cancels: [Int]) {
        var places: [[Int]] = []
        var split: [EventPredicate] = []
        for predicate in predicates {
            var parts: [EventPredicate] = []
            for alternative in predicate.alternatives {
                if let same = parts.firstIndex(where: { $0.alternatives[0].key == alternative.key }) {
                    parts[same].alternatives.append(alternative)
                } else {
                    parts.append(EventPredicate(alternatives: [alternative], text: predicate.text))
                }
            }
            places.append(Array(split.count..<split.count + parts.count))
            split += parts
        }
        guard split.count > predicates.count else { return (self, cancels) }
        let pattern = Pattern(
            root: root.replacingPredicates { places[$0] }, steps: steps, predicates: split, withinMicroseconds: withinMicroseconds)
        return (pattern, cancels.flatMap { places[$0] })
    }
}

extension PatternNode {
    fileprivate func replacingPredicates(_ places: (Int) -> [Int]) -> PatternNode {
        func replaced(_ guards: [Guard]) -> [Guard] {
            guards.flatMap { written in
                places(written.predicate).map { Guard(isNext: written.isNext, limitMicroseconds: written.limitMicroseconds, predicate: $0) }
            }
        }
        switch self {
        case .step:
            return self
        case .sequence(let elements, let trailing):
            let moved = elements.map { element in
                SequenceElement(
                    guards: replaced(element.guards), connective: element.connective, limitMicroseconds: element.limitMicroseconds,
                    node: element.node.replacingPredicates(places))
            }
            return .sequence(moved, trailing: replaced(trailing))
        case .anyOf(let branches):
            return .anyOf(branches.map { $0.replacingPredicates(places) })
        case .allOf(let members):
            return .allOf(members.map { $0.replacingPredicates(places) })
        case .repeated(let body, let quantifier, let mode, let until):
            // `until` takes its step's key, which is one.
            return .repeated(body.replacingPredicates(places), quantifier, mode: mode, until: until.map { places($0)[0] })
        case .timed(let body, let within):
            return .timed(body.replacingPredicates(places), withinMicroseconds: within)
        }
    }
}
