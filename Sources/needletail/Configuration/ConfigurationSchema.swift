// The table of keys as a JSON schema (draft 2020-12), for editors and for checks before a file is shipped. It knows shapes and ranges;
// environment variables, files and what goes together only in parts are for `needletail config`.

internal import Decoding

enum ConfigurationSchema {
    static func document(_ table: ConfigurationTable = .run) -> JSONValue {
        guard case .object(let members) = object(table) else { return .null }
        return .object(
            [
                member("$schema", "https://json-schema.org/draft/2020-12/schema"),
                member("title", "needletail.json"),
                member("description", "The configuration file of Needletail. This schema is what `needletail config --schema` prints."),
            ] + members)
    }

    private static func object(_ table: ConfigurationTable) -> JSONValue {
        var properties: [JSONValue.Member] = []
        var conditions: [JSONValue] = []
        for key in table.keys {
            properties.append(.init(name: key.name, value: property(key)))
            guard key.isSecret else { continue }
            let file = key.name + ConfigurationKey.fileSuffix
            properties.append(
                .init(name: file, value: .object([member("description", "A file with the value of `\(key.name)`."), member("type", "string"), minLength])))
            conditions.append(.object([.init(name: "not", value: required([key.name, file]))]))
        }
        for group in table.requires {
            let choices = table.keys.filter { group.contains($0.name) }.flatMap(names)
            conditions.append(choices.count == 1 ? required(choices) : .object([.init(name: "oneOf", value: .array(choices.map { required([$0]) }))]))
        }
        conditions += dependences(table)
        var members = [
            member("type", "object"), .init(name: "additionalProperties", value: .boolean(false)),
            .init(name: "properties", value: .object(properties)),
        ]
        if !conditions.isEmpty { members.append(.init(name: "allOf", value: .array(conditions))) }
        return .object(members)
    }

    /// Keys that mean nothing without another one.
    private static func dependences(_ table: ConfigurationTable) -> [JSONValue] {
        var others: [String] = []
        for case let other? in table.keys.map(\.beside) where !others.contains(other) { others.append(other) }
        return others.map { other in
            let dependent = table.keys.filter { $0.beside == other }.flatMap(names)
            let there = table.keys.filter { $0.name == other }.flatMap(names)
            let none = JSONValue.object([.init(name: "not", value: .object([.init(name: "anyOf", value: .array(dependent.map { required([$0]) }))]))])
            return .object([.init(name: "anyOf", value: .array(there.map { required([$0]) } + [none]))])
        }
    }

    private static func names(_ key: ConfigurationKey) -> [String] {
        key.isSecret ? [key.name, key.name + ConfigurationKey.fileSuffix] : [key.name]
    }

    private static func required(_ names: [String]) -> JSONValue {
        .object([.init(name: "required", value: .array(names.map { .string($0) }))])
    }

    private static func property(_ key: ConfigurationKey) -> JSONValue {
        var description = key.help
        if let text = key.defaultText { description += " If left out: \(text)." }
        var members = [member("description", description)]
        if case .object(let type) = shape(key.kind) { members += type }
        if let fallback = key.fallback { members.append(.init(name: "default", value: value(fallback))) }
        return .object(members)
    }

    private static let minLength = JSONValue.Member(name: "minLength", value: .integer(1))
    /// A text with an environment variable may be anything once that is in its place.
    private static let variable = #"\$\{[^}]+\}"#

    private static func shape(_ kind: ConfigurationKey.Kind) -> JSONValue {
        switch kind {
        case .text, .path: .object([member("type", "string"), minLength])
        case .name: text("^[A-Za-z_][A-Za-z0-9_-]{0,\(Flag.nameCountMax - 1)}$|\(variable)")
        case .choice(let choices):
            .object([
                .init(
                    name: "anyOf",
                    value: .array([.object([.init(name: "enum", value: .array(choices.map { .string($0) }))]), text(variable)]))
            ])
        case .boolean: either(.object([member("type", "boolean")]), text(variable))
        case .count(let range): either(integer(range), text(variable))
        case .size(let range): either(integer(range), text("^[0-9]+([KMGTkmgt]([Ii][Bb])?)?$|\(variable)"))
        case .duration:
            text("^(?=.)([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?([0-9]+us)?$|\(variable)")
        case .list(let element, let most):
            .object([
                member("type", "array"), .init(name: "minItems", value: .integer(1)), .init(name: "maxItems", value: .integer(Int64(most))),
                .init(name: "items", value: shape(element)),
            ])
        case .section(let table): object(table)
        case .secretTexts(let most):
            .object([
                member("type", "object"), .init(name: "maxProperties", value: .integer(Int64(most))),
                .init(name: "additionalProperties", value: .object([member("type", "string"), minLength])),
            ])
        }
    }

    private static func either(_ first: JSONValue, _ second: JSONValue) -> JSONValue {
        .object([.init(name: "anyOf", value: .array([first, second]))])
    }

    private static func text(_ pattern: String) -> JSONValue { .object([member("type", "string"), member("pattern", pattern)]) }

    private static func integer(_ range: ClosedRange<Int>) -> JSONValue {
        .object([
            member("type", "integer"), .init(name: "minimum", value: .integer(Int64(range.lowerBound))),
            .init(name: "maximum", value: .integer(Int64(range.upperBound))),
        ])
    }

    private static func member(_ name: String, _ text: String) -> JSONValue.Member { .init(name: name, value: .string(text)) }

    /// A default.
    private static func value(_ content: ConfigurationValue.Content) -> JSONValue {
        switch content {
        case .text(let text): .string(text.value)
        case .boolean(let flag): .boolean(flag)
        case .count(let count): .integer(Int64(count))
        case .size(let bytes): .string(ByteCount.text(bytes))
        case .duration(let microseconds): .string(DurationArgument.text(microseconds))
        case .list(let elements): .array(elements.map { value($0.content) })
        case .section(let section): .object(section.members.map { .init(name: $0.name, value: value($0.value.content)) })
        }
    }
}
