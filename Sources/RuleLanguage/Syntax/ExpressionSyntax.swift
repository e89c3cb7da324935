public import Diagnostics
public import Events

/// An expression as written.
public struct ExpressionSyntax: Sendable {
    public indirect enum Kind: Sendable {
        case literal(Value)
        /// A name and what follows it: `amount`, `device.os.name`, `items[0].sku`, `merchants[id].risk`.
        case path(Name, [AccessSyntax])
        case list([ExpressionSyntax])
        case negate(ExpressionSyntax)
        case not(ExpressionSyntax)
        case and([ExpressionSyntax])
        case or([ExpressionSyntax])
        case compare(Expression.Comparison, ExpressionSyntax, ExpressionSyntax)
        case arithmetic(Expression.Arithmetic, ExpressionSyntax, ExpressionSyntax)
        case coalesce(ExpressionSyntax, ExpressionSyntax)
        case membership(ExpressionSyntax, ExpressionSyntax, isNegated: Bool)
        case matches(ExpressionSyntax, ExpressionSyntax, isNegated: Bool)
        case like(ExpressionSyntax, ExpressionSyntax, isNegated: Bool)
        case isMissing(ExpressionSyntax, isNegated: Bool)
        case call(CallSyntax)
        /// What follows a call: `first(l).f`, `split(s, ",")[0]`.
        case access(ExpressionSyntax, [AccessSyntax])
        case parenthesised(ExpressionSyntax)
        /// Reported already.
        case broken
    }

    public var kind: Kind
    public var span: Span
    /// How deep the tree below is; the parser bounds it.
    public var depth: Int

    /// The expression inside any parentheses.
    public var unwrapped: ExpressionSyntax {
        var inner = self
        while case .parenthesised(let next) = inner.kind { inner = next }
        return inner
    }
}

public enum AccessSyntax: Sendable {
    case field(Name)
    case index(ExpressionSyntax, Span)

    public var span: Span {
        switch self {
        case .field(let name): name.span
        case .index(_, let span): span
        }
    }
}

public struct CallSyntax: Sendable {
    public struct Argument: Sendable {
        public var value: ExpressionSyntax
        /// `count(login where not success)`.
        public var condition: ExpressionSyntax?
    }

    public var name: Name
    public var arguments: [Argument]
    public var window: AggregateWindowSyntax?
}

/// `over …` after an aggregate.
public struct AggregateWindowSyntax: Sendable {
    public enum Shape: Sendable {
        case sliding(DurationSyntax)
        case previous(DurationSyntax)
        case last(Int)
        case tumbling(DurationSyntax)
        case session(DurationSyntax)
    }

    public var shape: Shape
    public var span: Span
}
