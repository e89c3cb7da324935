internal import Diagnostics
internal import Events

/// An `event` declaration as the checker uses it.
struct DeclaredEventType: Sendable {
    struct Field: Sendable {
        var type: ValueType
        var isOptional: Bool
        var span: Span
    }

    var name: String
    var span: Span
    var fields: [FieldPath: Field] = [:]
    /// In the order of the declaration.
    var paths: [FieldPath] = []
    /// What stands around declared fields: `device` where `device.os` is declared.
    private var prefixes: Set<FieldPath> = []

    init(name: String, span: Span) {
        self.name = name
        self.span = span
    }

    mutating func add(_ path: FieldPath, _ field: Field) {
        fields[path] = field
        paths.append(path)
        for length in 1..<max(1, path.components.count) { prefixes.insert(FieldPath(Array(path.components.prefix(length)))) }
    }

    /// A field that every event has because its stream reads it: known, but not offered as a nearest name.
    mutating func addImplicit(_ path: FieldPath, _ type: ValueType) {
        if fields[path] == nil { fields[path] = Field(type: type, isOptional: false, span: span) }
    }

    /// The type of a path: declared itself, inside something declared `any` or `list`, or around declared fields. Nil: no such field.
    func type(of path: FieldPath) -> ValueType? {
        if let field = fields[path] { return field.type }
        for length in stride(from: path.components.count - 1, to: 0, by: -1) {
            guard let field = fields[FieldPath(Array(path.components.prefix(length)))] else { continue }
            if field.type == .any { return .any }
            if field.type == .list, case .index = path.components[length] { return .any }
            return nil
        }
        return prefixes.contains(path) ? .any : nil
    }
}

/// The fields that an expression may name: those of any of these declared types, or any at all.
struct FieldScope: Sendable {
    var types: [DeclaredEventType]
    var isDynamic: Bool

    static let dynamic = FieldScope(types: [], isDynamic: true)

    /// Nil: no such field in any of the types.
    func type(of path: FieldPath) -> ValueType? {
        if isDynamic || types.isEmpty {
            return .any
        }
        var result: ValueType?
        for declared in types {
            guard let type = declared.type(of: path) else { continue }
            result = result.map { $0.joined(with: type) } ?? type
        }
        return result
    }

    var fieldNames: [String] { types.flatMap { $0.paths.map(\.description) } }
}
