public import Diagnostics
internal import Events

/// A rule with its clauses in the order in which they are written.
public struct RuleSyntax: Sendable {
    public var name: Name
    public var clauses: [ClauseSyntax]
}

public struct ClauseSyntax: Sendable {
    public enum Kind: Sendable {
        case by([KeySyntax])
        case filter(ExpressionSyntax)
        case binding(name: Name, value: ExpressionSyntax?)
        case match(PatternSyntax, within: DurationSyntax?)
        case window(WindowRuleSyntax)
        case having(ExpressionSyntax)
        case afterMatch(AfterMatchSyntax)
        case alert(AlertSyntax)
        case emit(type: TypeName, fields: [FieldSyntax])
        case onTimeout(AlertSyntax)
        case cancel(EventSyntax)
        case cooldown(DurationSyntax, by: [ExpressionSyntax])
        case limitOpen(Int, dropsNewest: Bool, count: Span)
        case limitEvents(Int, count: Span)
        case tags([Name])
        case disabled
        /// Reported already; it counts as there.
        case broken
    }

    public var kind: Kind
    /// The first word, or words, as a person names the clause: `match`, `after match`.
    public var keyword: String
    public var keywordSpan: Span
    public var span: Span
    public var isBroken: Bool
}

/// A part of a key: an expression, with a name where it needs one.
public struct KeySyntax: Sendable {
    public var name: Name?
    public var value: ExpressionSyntax
}

public struct FieldSyntax: Sendable {
    public var name: Name
    public var value: ExpressionSyntax
}

public struct AlertSyntax: Sendable {
    public var severity: Severity?
    public var template: TemplateSyntax?
    public var fields: [FieldSyntax]
}

public struct TemplateSyntax: Sendable {
    public enum Part: Sendable {
        case text(String)
        case expression(ExpressionSyntax, format: NumberFormat?)
    }

    public var parts: [Part]
    public var span: Span
}

public enum AfterMatchSyntax: Sendable {
    case skipPastLast
    case skipToNext
    case skipToFirst(Name)
    case skipToLast(Name)
    case keepAll
}

public struct WindowRuleSyntax: Sendable {
    public enum Shape: Sendable {
        case tumbling(DurationSyntax)
        case sliding(DurationSyntax, every: DurationSyntax)
        case session(DurationSyntax)
    }

    public var shape: Shape
}
