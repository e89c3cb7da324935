public import Events

/// Everything that the loaded rules compile to; immutable and shared by all workers.
public struct Program: Sendable {
    /// The columns that a decoder must fill, without the type.
    public var columns: [FieldPath]
    /// Names of event types that any rule names; an event's type id is the place here plus one, 0 for all others.
    public var types: [String]
    public var predicates: [EventTest]
    public var groups: [KeyGroup]
    /// In the order of their ranks.
    public var rules: [RuleProgram]

    public var code: [Instruction]
    public var constants: [Constant]
    /// Lists for `in`: ranges of `constants`.
    public var constantLists: [IndexRange]
    /// Bit sets over type ids, for ``Opcode/hasType``.
    public var typeSets: [[Int]]
    /// Regular expressions for ``Opcode/matches``, each one that ``Regex/check(_:)`` accepts; any other is unknown on every text.
    public var patterns: [String]
    /// What `event` declarations demand of columns.
    public var declarations: [ColumnDeclaration]

    public init(
        columns: [FieldPath], types: [String], predicates: [EventTest], groups: [KeyGroup], rules: [RuleProgram], code: [Instruction],
        constants: [Constant], constantLists: [IndexRange], typeSets: [[Int]], patterns: [String] = [],
        declarations: [ColumnDeclaration] = []
    ) {
        self.columns = columns
        self.types = types
        self.predicates = predicates
        self.groups = groups
        self.rules = rules
        self.code = code
        self.constants = constants
        self.constantLists = constantLists
        self.typeSets = typeSets
        self.patterns = patterns
        self.declarations = declarations
    }
}

/// What a column must hold in events of a type; anything else is unknown there.
public struct ColumnDeclaration: Sendable, Equatable {
    /// A type id.
    public var type: Int
    public var column: Int
    /// A bit for each ``ValueKind`` that is allowed.
    public var kinds: UInt16
    /// What is there is read as a time: the event's own, a number of milliseconds, or RFC 3339.
    public var isTime: Bool

    public init(type: Int, column: Int, kinds: UInt16, isTime: Bool = false) {
        self.type = type
        self.column = column
        self.kinds = kinds
        self.isTime = isTime
    }
}

/// A distinct test of one event alone, and who asks for it.
public struct EventTest: Sendable {
    /// Type ids that pass; nil for any type.
    public var types: [Int]?
    /// All must be true; cheap ones first.
    public var conjuncts: [Conjunct]
    public var uses: [Use]

    public struct Use: Sendable {
        public var rule: Int
        public var bit: Int

        public init(rule: Int, bit: Int) {
            self.rule = rule
            self.bit = bit
        }
    }

    public init(types: [Int]?, conjuncts: [Conjunct], uses: [Use]) {
        self.types = types
        self.conjuncts = conjuncts
        self.uses = uses
    }
}

/// One condition over the event at hand.
public enum Conjunct: Sendable, Hashable {
    public enum Relation: UInt8, Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    }

    /// A column against a number or a string.
    case compare(column: Int, Relation, Constant)
    /// Anything else.
    case code(CodeRange)
}

/// The rules that share their key, and so one blob a key value.
public struct KeyGroup: Sendable {
    public struct Variant: Sendable {
        /// An expression a part.
        public var parts: [CodeRange]
        /// The column of a part that is one column alone, or -1.
        public var columns: [Int]
        /// The bits that are keyed so; all bits where the rule has one key.
        public var mask: UInt64

        public init(parts: [CodeRange], columns: [Int], mask: UInt64) {
            self.parts = parts
            self.columns = columns
            self.mask = mask
        }
    }

    public var names: [String]
    /// One, but for a rule that is keyed by step.
    public var variants: [Variant]
    /// In the order of their ranks.
    public var rules: [Int]
    /// Columns that a captured event keeps, ascending.
    public var capturedColumns: [Int]

    public init(names: [String], variants: [Variant], rules: [Int], capturedColumns: [Int]) {
        self.names = names
        self.variants = variants
        self.rules = rules
        self.capturedColumns = capturedColumns
    }
}
