public import Diagnostics
public import Events

/// A rule file as written: every declaration with its place, and every comment.
public struct SyntaxFile: Sendable {
    public var source: SourceFile
    /// The file's place among those of the run.
    public var index: Int32
    public var declarations: [DeclarationSyntax]
    /// In the order of the text; the last one is the end of the file.
    public var tokens: [Token]
    public var comments: [Comment]

    public init(source: SourceFile, index: Int32, declarations: [DeclarationSyntax], tokens: [Token], comments: [Comment]) {
        self.source = source
        self.index = index
        self.declarations = declarations
        self.tokens = tokens
        self.comments = comments
    }
}

public struct Name: Sendable {
    public var text: String
    public var span: Span
    public var isQuoted: Bool
}

public struct DurationSyntax: Sendable {
    public var microseconds: Int64
    public var span: Span
}

public struct StringSyntax: Sendable {
    public var text: String
    public var isRaw: Bool
    public var span: Span
}

/// A path of plain names and constant places, as `event` and `stream` declarations have them.
public struct PathSyntax: Sendable {
    public var path: FieldPath
    public var span: Span
}

public struct DeclarationSyntax: Sendable {
    public enum Kind: Sendable {
        case rule(RuleSyntax)
        case event(EventTypeSyntax)
        case stream(StreamSyntax)
        case list(ListSyntax)
        case table(TableSyntax)
        case constant(name: Name, value: ExpressionSyntax?)
        case test(TestSyntax)
    }

    public var kind: Kind
    /// The `///` lines before it, without slashes and the blank after them.
    public var documentation: [String]
    public var span: Span
    /// It holds a mistake that is reported, and parts of it are missing here.
    public var isBroken: Bool
}

public struct EventTypeSyntax: Sendable {
    public struct Field: Sendable {
        public var path: PathSyntax
        public var type: Name
        public var isOptional: Bool
    }

    public var name: TypeName
    public var fields: [Field]
}

public struct StreamSyntax: Sendable {
    public enum Property: Sendable {
        case typeField(PathSyntax)
        case typeConstant(StringSyntax)
        case time(PathSyntax, format: Name?)
        case delay(DurationSyntax)
        case ahead(DurationSyntax)
        case idle(DurationSyntax)
    }

    public var keywordSpan: Span
    public var name: Name?
    public var properties: [(property: Property, keyword: Name)]
}

public struct ListSyntax: Sendable {
    public enum Source: Sendable {
        case entries([ExpressionSyntax])
        case file(StringSyntax)
        case broken
    }

    public var name: Name
    public var source: Source
}

public struct TableSyntax: Sendable {
    public var name: Name
    public var file: StringSyntax?
    public var key: Name?
}

public struct TestSyntax: Sendable {
    public indirect enum JSON: Sendable {
        case null
        case boolean(Bool)
        case number(Value)
        case string(String)
        case array([JSON])
        case object([Member])
    }

    public struct Member: Sendable {
        public var name: Name
        public var value: JSON
        public var span: Span
    }

    public enum Step: Sendable {
        case event(type: TypeName, fields: [Member], after: DurationSyntax?)
        case wait(DurationSyntax)
        case expect(rule: Name, fields: [Member], at: DurationSyntax?)
        case expectNothing(Span)
    }

    public var title: StringSyntax
    public var steps: [Step]
}
