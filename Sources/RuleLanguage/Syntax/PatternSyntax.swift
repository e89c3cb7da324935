public import Diagnostics

/// `alt { { guard } connective alt } { guard }`
public struct PatternSyntax: Sendable {
    public var elements: [PatternElementSyntax]
    public var trailing: [GuardSyntax]
    public var span: Span
    /// It holds a mistake that is reported, and parts of it are missing here.
    public var isBroken: Bool
}

public struct PatternElementSyntax: Sendable {
    public var guards: [GuardSyntax]
    /// Nil before the first element.
    public var connective: ConnectiveSyntax?
    public var node: PatternNodeSyntax
}

public struct ConnectiveSyntax: Sendable {
    public var kind: Connective
    public var limit: DurationSyntax?
    public var span: Span
}

public struct GuardSyntax: Sendable {
    public var isNext: Bool
    public var limit: DurationSyntax?
    public var event: EventSyntax
    public var span: Span
}

public indirect enum PatternNodeSyntax: Sendable {
    case step(StepSyntax)
    case group(GroupSyntax)
    /// `|`, two members at least.
    case anyOf([PatternNodeSyntax], Span)
    /// `&`, two members at least.
    case allOf([PatternNodeSyntax], Span)
}

public struct StepSyntax: Sendable {
    public var label: Name?
    public var types: [TypeName]
    public var quantifier: QuantifierSyntax?
    public var mode: ModeSyntax?
    public var condition: ExpressionSyntax?
    public var key: [KeySyntax]
    public var keySpan: Span?
    public var until: EventSyntax?
    public var span: Span
}

public struct GroupSyntax: Sendable {
    public var pattern: PatternSyntax
    public var limit: DurationSyntax?
    public var quantifier: QuantifierSyntax?
    public var mode: ModeSyntax?
    public var span: Span
}

/// An event type, dots and all; `event` is any.
public struct TypeName: Sendable {
    public var text: String
    public var isAny: Bool
    public var span: Span
}

public struct QuantifierSyntax: Sendable {
    public var quantifier: Quantifier
    public var span: Span
    /// `{n}`, `{n,}`, `{n,m}`.
    public var isCounted: Bool
}

public struct ModeSyntax: Sendable {
    public var mode: LoopMode
    public var span: Span
}

/// An event that is watched for: guards, `until`, `cancel on`.
public struct EventSyntax: Sendable {
    public struct Alternative: Sendable {
        public var type: TypeName
        public var condition: ExpressionSyntax?
        public var key: [KeySyntax]
        public var keySpan: Span?
        public var span: Span
    }

    public var alternatives: [Alternative]
    public var span: Span
}
