internal import RuleLanguage

/// A pattern's tree with parents, so that what may follow a step is found by walking up from it.
struct PatternTree {
    struct Node {
        enum Kind {
            case step(Int)
            case sequence([SequenceElement], trailing: [Guard])
            case anyOf
            case allOf
            case repeated(Quantifier, mode: LoopMode, until: Int?)
            case timed(Int64)
        }

        var kind: Kind
        var parent: Int
        /// Among the parent's children.
        var place: Int
        var children: [Int] = []
        var isNullable = false
        /// Of a loop written right after `then within d`: each of its rounds keeps that limit.
        var roundLimit: Int64?
    }

    private(set) var nodes: [Node] = []

    init(_ root: PatternNode) {
        _ = add(root, parent: -1, place: 0)
    }

    private mutating func add(_ node: PatternNode, parent: Int, place: Int) -> Int {
        let index = nodes.count
        switch node {
        case .step(let step):
            nodes.append(Node(kind: .step(step), parent: parent, place: place))
        case .sequence(let elements, let trailing):
            nodes.append(Node(kind: .sequence(elements, trailing: trailing), parent: parent, place: place))
            for (at, element) in elements.enumerated() {
                let child = add(element.node, parent: index, place: at)
                nodes[index].children.append(child)
                if at > 0, case .repeated = nodes[child].kind { nodes[child].roundLimit = element.limitMicroseconds }
            }
            nodes[index].isNullable = nodes[index].children.allSatisfy { nodes[$0].isNullable }
        case .anyOf(let branches):
            nodes.append(Node(kind: .anyOf, parent: parent, place: place))
            addChildren(branches, to: index)
            nodes[index].isNullable = nodes[index].children.contains { nodes[$0].isNullable }
        case .allOf(let members):
            nodes.append(Node(kind: .allOf, parent: parent, place: place))
            addChildren(members, to: index)
            nodes[index].isNullable = nodes[index].children.allSatisfy { nodes[$0].isNullable }
        case .repeated(let body, let quantifier, let mode, let until):
            nodes.append(Node(kind: .repeated(quantifier, mode: mode, until: until), parent: parent, place: place))
            addChildren([body], to: index)
            nodes[index].isNullable = quantifier.min == 0
        case .timed(let body, let within):
            nodes.append(Node(kind: .timed(within), parent: parent, place: place))
            addChildren([body], to: index)
            nodes[index].isNullable = nodes[nodes[index].children[0]].isNullable
        }
        return index
    }

    private mutating func addChildren(_ children: [PatternNode], to index: Int) {
        for (at, child) in children.enumerated() {
            let added = add(child, parent: index, place: at)
            nodes[index].children.append(added)
        }
    }

    /// The node of each step.
    var stepNodes: [Int: Int] {
        var found: [Int: Int] = [:]
        for (index, node) in nodes.enumerated() {
            if case .step(let step) = node.kind { found[step] = index }
        }
        return found
    }

    /// The nodes around one, from the inside out.
    func ancestors(_ node: Int) -> [Int] {
        var list: [Int] = []
        var next = nodes[node].parent
        while next >= 0 {
            list.append(next)
            next = nodes[next].parent
        }
        return list
    }

    /// Whether a loop's rounds must be counted while a thread runs.
    func isCounted(_ quantifier: Quantifier) -> Bool {
        if let max = quantifier.max { return max > 1 }
        return quantifier.min > 1
    }
}
