/// A rule's pattern with its steps and predicates in tables, so that a tree node is an index.
public struct Pattern: Sendable {
    public var root: PatternNode
    /// In the order of the rule's text.
    public var steps: [Step]
    /// Guards, `until` and `cancel on` events, in the order of the rule's text.
    public var predicates: [EventPredicate]
    /// The last event comes less than this after the first.
    public var withinMicroseconds: Int64?

    public init(root: PatternNode, steps: [Step], predicates: [EventPredicate], withinMicroseconds: Int64?) {
        self.root = root
        self.steps = steps
        self.predicates = predicates
        self.withinMicroseconds = withinMicroseconds
    }
}

public indirect enum PatternNode: Sendable {
    /// An index into `Pattern.steps`; every step stands in the tree exactly once.
    case step(Int)
    /// Elements one after another. `trailing` guards protect whatever is captured next after the sequence, or bound its end.
    case sequence([SequenceElement], trailing: [Guard])
    /// `|`: either one.
    case anyOf([PatternNode])
    /// `&`: all of them in any order, whole one after another by `then`.
    case allOf([PatternNode])
    /// A quantifier. `until` is an index into `Pattern.predicates` and stands on loops of a single step only.
    case repeated(PatternNode, Quantifier, mode: LoopMode, until: Int?)
    /// `( … within d )`: the last event of this round comes less than this after its first.
    case timed(PatternNode, withinMicroseconds: Int64)
}

public struct SequenceElement: Sendable {
    /// All guards written before the element.
    public var guards: [Guard]
    /// Of the first element of a sequence: `.then`, without meaning.
    public var connective: Connective
    /// `then within d`: less than this after the event captured before.
    public var limitMicroseconds: Int64?
    public var node: PatternNode

    public init(guards: [Guard], connective: Connective, limitMicroseconds: Int64?, node: PatternNode) {
        self.guards = guards
        self.connective = connective
        self.limitMicroseconds = limitMicroseconds
        self.node = node
    }
}

public enum Connective: Sendable, Equatable {
    /// Skip till next match.
    case then
    /// Skip till any match.
    case thenAny
    /// Strict.
    case next
}

public struct Guard: Sendable {
    /// `next not` where true, else `then not`.
    public var isNext: Bool
    /// `not within d`: it forbids for this long after the last captured event only.
    public var limitMicroseconds: Int64?
    /// An index into `Pattern.predicates`.
    public var predicate: Int

    public init(isNext: Bool, limitMicroseconds: Int64?, predicate: Int) {
        self.isNext = isNext
        self.limitMicroseconds = limitMicroseconds
        self.predicate = predicate
    }
}

public struct Quantifier: Sendable, Equatable {
    public var min: Int
    /// Nil: no upper end.
    public var max: Int?
    public var isReluctant: Bool

    public init(min: Int, max: Int?, isReluctant: Bool) {
        self.min = min
        self.max = max
        self.isReluctant = isReluctant
    }
}

public enum LoopMode: Sendable, Equatable {
    case skipping, consecutive, combinations
}

public enum TypeSet: Sendable, Equatable {
    /// The word `event`.
    case any
    case named([String])
}

public struct Step: Sendable {
    /// The label, or the type with its number: the name in `match` of an alert.
    public var name: String
    public var types: TypeSet
    public var condition: Expression?
    /// The condition as the rule writes it, white space folded; empty where there is none.
    public var conditionText: String
    /// Key expressions of this step, where the rule is keyed by step.
    public var key: [Expression]
    /// In a loop of its own or in one of a group around it: its label is a list of events.
    public var isInLoop: Bool

    public init(name: String, types: TypeSet, condition: Expression?, conditionText: String, key: [Expression], isInLoop: Bool) {
        self.name = name
        self.types = types
        self.condition = condition
        self.conditionText = conditionText
        self.key = key
        self.isInLoop = isInLoop
    }
}

/// An event that is watched for but not captured: it qualifies where one of the alternatives does.
public struct EventPredicate: Sendable {
    public struct Alternative: Sendable {
        public var types: TypeSet
        public var condition: Expression?
        public var key: [Expression]

        public init(types: TypeSet, condition: Expression?, key: [Expression]) {
            self.types = types
            self.condition = condition
            self.key = key
        }
    }

    public var alternatives: [Alternative]
    /// As the rule writes it, white space folded.
    public var text: String

    public init(alternatives: [Alternative], text: String) {
        self.alternatives = alternatives
        self.text = text
    }
}
