// All declarations of all files to a `CheckedProgram`.

public import Diagnostics
internal import Events

struct ProgramChecker {
    let files: [SyntaxFile]
    var expressions: ExpressionChecker
    var eventTypes: [String: DeclaredEventType] = [:]
    var checkedEventTypes: [EventType] = []
    var streams: [StreamDefinition] = []
    /// Of each stream, the file that declares it.
    var streamFiles: [Int] = []

    init(files: [SyntaxFile], sink: DiagnosticSink, engine: EngineChecks?) {
        self.files = files
        expressions = ExpressionChecker(sink: sink)
        expressions.sources = files.map(\.source)
        expressions.engine = engine
    }

    var sink: DiagnosticSink {
        get { expressions.sink }
        set { expressions.sink = newValue }
    }

    mutating func report(_ diagnostic: Diagnostic) { expressions.sink.report(diagnostic) }

    mutating func check() -> CheckedProgram {
        declare()
        addStreamFields()
        resolveGlobals()
        var rules: [CheckedRule] = []
        var disabledRules: [CheckedRule] = []
        var names: [String: Name] = [:]
        var advice: [RuleAdvice] = []
        let sorted = eventTypes.values.sorted { $0.name < $1.name }
        for file in files {
            for declaration in file.declarations {
                guard case .rule(let rule) = declaration.kind else { continue }
                if let first = names[rule.name.text] {
                    reportDuplicate("rules", rule.name, first)
                } else {
                    names[rule.name.text] = rule.name
                }
                var checker = RuleChecker(
                    syntax: rule, documentation: declaration.documentation, file: file, eventTypes: eventTypes, sortedEventTypes: sorted,
                    expressions: expressions)
                let checked = checker.check()
                expressions.sink = checker.expressions.sink
                expressions.observations.usedGlobals.formUnion(checker.expressions.observations.usedGlobals)
                if let found = checker.advice { advice.append(found) }
                guard let checked else { continue }
                if checked.isEnabled { rules.append(checked.rule) } else { disabledRules.append(checked.rule) }
            }
        }
        let tests = checkTests()
        // Errors first: what is left over after a mistake looks unused, unreachable, or worse.
        if !sink.hasErrors {
            let program = ProgramAdvice(
                rules: advice, declared: eventTypes, streams: streams, globals: expressions.globals,
                usedGlobals: expressions.observations.usedGlobals)
            for diagnostic in program.give().sorted(by: { ($0.span.file, $0.span.lower) < ($1.span.file, $1.span.lower) }) { report(diagnostic) }
        }
        rules.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        disabledRules.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return CheckedProgram(
            streams: streams, rules: rules, eventTypes: checkedEventTypes, disabledRules: disabledRules, tests: tests)
    }

    mutating func reportDuplicate(_ what: String, _ name: Name, _ first: Name) {
        report(
            Diagnostic(
                .duplicateDeclaration, "there are two \(what) named `\(name.text)`", at: name.span,
                notes: [.init(span: first.span, label: "first defined here")], help: "give one of them another name"))
    }

    // MARK: Declarations

    private mutating func declare() {
        var events: [String: Name] = [:]
        var streamNames: [String: Name] = [:]
        var tests: [String: Name] = [:]
        for (index, file) in files.enumerated() {
            for declaration in file.declarations {
                switch declaration.kind {
                case .rule: break
                case .event(let event):
                    let name = Name(text: event.name.text, span: event.name.span, isQuoted: false)
                    if let first = events[name.text] {
                        reportDuplicate("event types", name, first)
                    } else {
                        events[name.text] = name
                        declare(event)
                    }
                case .stream(let stream):
                    let name = stream.name ?? Name(text: "", span: stream.keywordSpan, isQuoted: false)
                    if let first = streamNames[name.text] {
                        if stream.name == nil {
                            report(
                                Diagnostic(
                                    .duplicateDeclaration, "there are two streams without a name", at: name.span,
                                    notes: [.init(span: first.span, label: "first defined here")],
                                    help: "give one of them a name: `stream other { … }`"))
                        } else {
                            reportDuplicate("streams", name, first)
                        }
                    } else {
                        streamNames[name.text] = name
                    }
                    declare(stream)
                    streamFiles.append(index)
                case .list(let list):
                    switch list.source {
                    case .entries(let entries):
                        let span = Span(file: Int32(index), lower: declaration.span.lower, upper: declaration.span.upper)
                        bind(list.name, .pending(ExpressionSyntax(kind: .list(entries), span: span, depth: 1)), isList: true)
                    case .file(let path):
                        report(Diagnostic(.notSupported, "`list … from` is not supported by this version of Needletail", at: path.span))
                        bind(list.name, .unavailable)
                    case .broken: bind(list.name, .unavailable)
                    }
                case .table(let table):
                    report(Diagnostic(.notSupported, "`table` is not supported by this version of Needletail", at: table.name.span))
                    bind(table.name, .unavailable)
                case .constant(let name, let value):
                    bind(name, value.map { .pending($0) } ?? .unavailable)
                case .test(let test):
                    let name = Name(text: test.title.text, span: test.title.span, isQuoted: true)
                    if let first = tests["\(index) \(name.text)"] {
                        reportDuplicate("tests", name, first)
                    } else {
                        tests["\(index) \(name.text)"] = name
                    }
                }
            }
        }
    }

    /// The fields that streams read type and time from are there without being declared.
    private mutating func addStreamFields() {
        let unnamed = streams.contains { $0.name == nil } ? [] : [StreamDefinition()]
        for name in eventTypes.keys {
            for stream in streams + unnamed {
                if case .field(let path) = stream.type { eventTypes[name]?.addImplicit(path, .string) }
                eventTypes[name]?.addImplicit(stream.time, .any)
            }
        }
    }

    private mutating func bind(_ name: Name, _ state: Binding.State, isList: Bool = false) {
        if let first = expressions.globals[name.text] {
            reportDuplicate("`let`s, lists or tables", name, first.name)
            return
        }
        expressions.globals[name.text] = Binding(name: name, state: state, isList: isList)
    }

    private mutating func resolveGlobals() {
        let place = ExpressionPlace(kind: .constant("a `let` of the program"), fields: .dynamic, labels: .none("a `let` of the program"))
        for file in files {
            for declaration in file.declarations {
                switch declaration.kind {
                case .constant(let name, _): _ = expressions.bindingValue(name, in: place)
                case .list(let list): checkEntries(list, expressions.bindingValue(list.name, in: place))
                default: break
                }
            }
        }
    }

    private mutating func checkEntries(_ list: ListSyntax, _ value: CheckedValue?) {
        guard case .entries(let entries) = list.source, case .list(let elements)? = value?.expression, elements.count == entries.count
        else { return }
        for (entry, element) in zip(entries, elements) where element.constantValue == nil {
            if case .broken = entry.kind { continue }
            report(Diagnostic(.constantNeeded, "an entry of a list is a constant", at: entry.span))
        }
    }

    private mutating func declare(_ event: EventTypeSyntax) {
        var declared = DeclaredEventType(name: event.name.text, span: event.name.span)
        var type = EventType(name: event.name.text, fields: [])
        for field in event.fields {
            let names = ["string", "number", "boolean", "time", "list", "any"]
            let fieldType = names.contains(field.type.text) ? ValueType(rawValue: field.type.text) : nil
            if fieldType == nil {
                let nearest = NearestName.find(field.type.text, among: names)
                report(
                    Diagnostic(
                        .unknownFieldType, "`\(field.type.text)` is no type of a field", at: field.type.span,
                        label: nearest.map { "did you mean `\($0)`?" } ?? "", help: "types are `string number boolean time list any`",
                        fix: nearest.map { .init(span: field.type.span, replacement: $0) }))
            }
            let path = field.path.path
            if let first = declared.fields[path] {
                report(
                    Diagnostic(
                        .duplicateName, "the event has two fields named `\(path)`", at: field.path.span,
                        notes: [.init(span: first.span, label: "first declared here")], help: "keep one of them"))
                continue
            }
            declared.add(path, .init(type: fieldType ?? .any, isOptional: field.isOptional, span: field.path.span))
            type.fields.append(
                .init(path: path, type: EventType.FieldType(rawValue: (fieldType ?? .any).rawValue) ?? .any, isOptional: field.isOptional))
        }
        if event.name.isAny {
            report(
                Diagnostic(
                    .duplicateDeclaration, "`event` is the word for any type and cannot be declared", at: event.name.span,
                    help: "give the type another name, or write it in backquotes"))
            return
        }
        eventTypes[event.name.text] = declared
        checkedEventTypes.append(type)
    }

    private mutating func declare(_ stream: StreamSyntax) {
        var definition = StreamDefinition(name: stream.name?.text)
        var seen: [String: Name] = [:]
        for (property, keyword) in stream.properties {
            if let first = seen[keyword.text] {
                report(
                    Diagnostic(
                        .duplicateClause, "a stream has one `\(keyword.text)` only", at: keyword.span,
                        notes: [.init(span: first.span, label: "first written here")]))
                continue
            }
            seen[keyword.text] = keyword
            switch property {
            case .typeField(let path): definition.type = .field(path.path)
            case .typeConstant(let text): definition.type = .constant(text.text)
            case .time(let path, let format):
                definition.time = path.path
                guard let format else { continue }
                let formats: [String: StreamDefinition.TimeFormat] = [
                    "seconds": .seconds, "milliseconds": .milliseconds, "microseconds": .microseconds, "nanoseconds": .nanoseconds,
                    "rfc3339": .rfc3339,
                ]
                if let known = formats[format.text] {
                    definition.timeFormat = known
                } else {
                    let nearest = NearestName.find(format.text, among: formats.keys.sorted())
                    report(
                        Diagnostic(
                            .unknownFieldType, "`\(format.text)` is no format of a time", at: format.span,
                            label: nearest.map { "did you mean `\($0)`?" } ?? "",
                            help: "formats are `seconds milliseconds microseconds nanoseconds rfc3339`",
                            fix: nearest.map { .init(span: format.span, replacement: $0) }))
                }
            case .delay(let duration): definition.delayMicroseconds = duration.microseconds
            case .ahead(let duration): definition.aheadMicroseconds = duration.microseconds
            case .idle(let duration): definition.idleMicroseconds = duration.microseconds
            }
        }
        streams.append(definition)
    }
}

/// Checks parsed files as one program. Nil where there is any error; `sink` then says which.
///
/// - Complexity: O(n) in the text, but for deeply shared `let`s, whose written-out size is bounded.
public func check(syntax files: [SyntaxFile], into sink: inout DiagnosticSink, engine: EngineChecks? = nil) -> CheckedProgram? {
    var checker = ProgramChecker(files: files, sink: sink, engine: engine)
    let program = checker.check()
    sink = checker.sink
    return sink.hasErrors ? nil : program
}

/// Parses and checks rule files as one program. Nil where there is any error; `sink` then says which.
///
/// `engine` judges regular expressions and time zones; without it they are taken to be right.
public func check(files: [SourceFile], into sink: inout DiagnosticSink, engine: EngineChecks? = nil) -> CheckedProgram? {
    var syntax: [SyntaxFile] = []
    for (index, file) in files.enumerated() { syntax.append(parse(file: file, index: Int32(index), into: &sink)) }
    return check(syntax: syntax, into: &sink, engine: engine)
}

/// Parses and checks rule files as one program: the program, where there is no error, and all that is to be said, in the order of the
/// text. At most 100 diagnostics are kept; ``check(files:into:)`` tells how many more there are.
public func check(files: [SourceFile]) -> (program: CheckedProgram?, diagnostics: [Diagnostic]) {
    var sink = DiagnosticSink()
    let program = check(files: files, into: &sink)
    return (program, sink.sorted())
}
