// From JSON to values, by the table of keys. Nothing is taken that the table does not know, and everything that is wrong is told at once:
// what stands there, what must stand there, and an example.

internal import Decoding
internal import Diagnostics

/// What is wrong at one place of the file.
struct ConfigurationMistake: Equatable {
    /// In bytes; nil where no place can be told.
    var offset: Int?
    /// One sentence without a full stop.
    var message: String
    var hint: String?
}

struct ConfigurationReader {
    /// What paths are relative to.
    let folder: String
    /// In the order in which they were found.
    private(set) var mistakes: [ConfigurationMistake] = []

    /// Most bytes of a file with a secret.
    static let secretBytesMax = 64 << 10
    /// Most characters of a value or name that a message shows.
    static let shownMax = 60

    init(folder: String) {
        self.folder = folder
    }

    mutating func say(_ offset: Int?, _ message: String, hint: String? = nil) {
        mistakes.append(ConfigurationMistake(offset: offset, message: message, hint: hint))
    }

    // MARK: - Objects

    /// Reads the members of an object; what is wrong is left out and told.
    mutating func section(_ members: [PlacedJSON.Member], _ table: ConfigurationTable, at path: String, offset: Int) -> ConfigurationSection {
        var section = ConfigurationSection()
        var given: Set<String> = []
        var isIncomplete = false
        for member in members {
            let place = ConfigurationReader.joined(path, member.name)
            guard given.insert(member.name).inserted else {
                say(member.nameOffset, "\(place) is given twice", hint: "remove one of them")
                continue
            }
            guard let (key, isFile) = table.find(member.name) else {
                say(member.nameOffset, "there is no key `\(place)`", hint: hint(forUnknown: member.name, table))
                // It may be meant for one that is required.
                isIncomplete = true
                continue
            }
            if key.isSecret, given.contains(isFile ? key.name : key.name + ConfigurationKey.fileSuffix) {
                say(member.nameOffset, "\(ConfigurationReader.joined(path, key.name)) is given twice, as itself and as a file", hint: "remove one of them")
                continue
            }
            let value = isFile ? secret(member.value, key, at: place) : value(member.value, key.kind, key, at: place)
            if let value { section.members.append((key.name, value)) }
        }
        for group in table.requires where !isIncomplete {
            let there = group.filter { given.contains($0) || given.contains($0 + ConfigurationKey.fileSuffix) }
            let names = group.map { "`\($0)`" }
            if there.isEmpty {
                say(offset, "\(path) needs \(ConfigurationReader.listed(names))", hint: example(of: group[0], table))
                isIncomplete = true
            } else if there.count > 1 {
                say(offset, "\(path) has \(there.map { "`\($0)`" }.joined(separator: " and ")), and must have only one of them")
            }
        }
        for key in table.keys where !isIncomplete {
            guard let beside = key.beside, !given.contains(beside), !given.contains(beside + ConfigurationKey.fileSuffix) else { continue }
            for member in members where [key.name, key.isSecret ? key.name + ConfigurationKey.fileSuffix : key.name].contains(member.name) {
                let place = ConfigurationReader.joined(path, member.name)
                say(member.nameOffset, "\(place) stands without `\(beside)`, which it belongs to", hint: "give `\(beside)`, or leave `\(member.name)` out")
            }
        }
        return section
    }

    private func hint(forUnknown name: String, _ table: ConfigurationTable) -> String {
        let places = ConfigurationTable.run.sections(having: name)
        if let nearest = CommandLineParser.nearest(name, among: table.names), places.isEmpty { return nearest }
        if let place = places.first { return "`\(name)` stands in `\(place)`" }
        return "the keys here are \(table.names.joined(separator: ", "))"
    }

    // MARK: - Values

    mutating func value(
        _ json: PlacedJSON, _ kind: ConfigurationKey.Kind, _ key: ConfigurationKey, at path: String
    ) -> ConfigurationValue? {
        let content: ConfigurationValue.Content? =
            switch (kind, json.content) {
            case (.section(let table), .object(let members)):
                .section(section(members, table, at: path, offset: json.offset))
            case (.list(let element, let most), .array(let elements)): list(json, elements, element, most, key, at: path)
            case (.secretTexts(let most), .object(let members)): secretTexts(json, members, most, key, at: path)
            case (.section, _), (.list, _), (.secretTexts, _), (_, .array), (_, .object): nil as ConfigurationValue.Content?
            case (_, .scalar(let scalar)): self.scalar(scalar, json, kind, key, at: path)
            }
        if content == nil, !mistakes.contains(where: { $0.offset == json.offset }) {
            let expected = ConfigurationReader.expected(kind)
            say(
                json.offset, "\(path) is \(shown(json, key)); it must be \(expected)",
                hint: ConfigurationReader.nearest(json, kind) ?? "for example: \(ConfigurationReader.example(of: key))")
        }
        return content.map { ConfigurationValue(offset: json.offset, $0) }
    }

    /// The choice that was meant.
    private static func nearest(_ json: PlacedJSON, _ kind: ConfigurationKey.Kind) -> String? {
        guard case .choice(let choices) = kind, case .scalar(.string(let text)) = json.content else { return nil }
        return CommandLineParser.nearest(text, among: choices)
    }

    private mutating func list(
        _ json: PlacedJSON, _ elements: [PlacedJSON], _ kind: ConfigurationKey.Kind, _ most: Int, _ key: ConfigurationKey, at path: String
    ) -> ConfigurationValue.Content? {
        guard !elements.isEmpty else {
            say(json.offset, "\(path) is an empty list", hint: "name something, or leave `\(key.name)` out")
            return nil
        }
        guard elements.count <= most else {
            say(json.offset, "\(path) has \(elements.count) elements; at most \(most) are allowed")
            return nil
        }
        var values: [ConfigurationValue] = []
        for (place, element) in elements.enumerated() {
            if let value = value(element, kind, key, at: "\(path)[\(place)]") { values.append(value) }
        }
        return .list(values)
    }

    /// Texts by name, each a secret.
    private mutating func secretTexts(
        _ json: PlacedJSON, _ members: [PlacedJSON.Member], _ most: Int, _ key: ConfigurationKey, at path: String
    ) -> ConfigurationValue.Content? {
        guard members.count <= most else {
            say(json.offset, "\(path) has \(members.count) members; at most \(most) are allowed")
            return nil
        }
        var secret = key
        secret.isSecret = true
        var section = ConfigurationSection()
        for member in members {
            let place = ConfigurationReader.joined(path, member.name)
            guard section[member.name] == nil else {
                say(member.nameOffset, "\(place) is given twice", hint: "remove one of them")
                continue
            }
            if let value = value(member.value, .text, secret, at: place) { section.members.append((member.name, value)) }
        }
        return .section(section)
    }

    /// Nil where it is not what it must be; where more is to be said than that, it has been said.
    private mutating func scalar(
        _ scalar: JSONValue, _ json: PlacedJSON, _ kind: ConfigurationKey.Kind, _ key: ConfigurationKey, at path: String
    ) -> ConfigurationValue.Content? {
        var written: String?
        var text: String?
        if case .string(let string) = scalar {
            guard let expanded = expanded(string, json.offset, key, at: path) else { return nil }
            (written, text) = (string, expanded)
        }
        // Numbers and switches may come from the environment, and then stand there as texts.
        let isFromEnvironment = written != text
        switch kind {
        case .text:
            guard let written, let text, !text.isEmpty else { return nil }
            return .text(ConfigurationText(written: written, value: text, role: key.isSecret ? .secret : .plain))
        case .name:
            guard let written, let text, text.utf8.count <= Flag.nameCountMax, Flag.isName(Substring(text).utf8) else { return nil }
            return .text(ConfigurationText(written: written, value: text))
        case .path(let standard):
            guard let written, let text, !text.isEmpty else { return nil }
            return self.path(written, text, hasStandard: standard != nil, key, json.offset, at: path)
        case .choice(let choices):
            guard let text, choices.contains(text) else { return nil }
            return .text(text)
        case .boolean:
            if case .boolean(let flag) = scalar { return .boolean(flag) }
            return isFromEnvironment ? text.flatMap { Bool($0) }.map { .boolean($0) } : nil
        case .count(let range):
            let count = ConfigurationReader.integer(scalar) ?? (isFromEnvironment ? text.flatMap { Int($0) } : nil)
            return count.flatMap { range.contains($0) ? .count($0) : nil }
        case .size(let range):
            let bytes = ConfigurationReader.integer(scalar) ?? text.flatMap { ByteCount.parse($0) }
            return bytes.flatMap { range.contains($0) ? .size($0) : nil }
        case .duration(let range):
            return text.flatMap { DurationArgument.parse($0) }.flatMap { range.contains($0) ? .duration($0) : nil }
        case .list, .section, .secretTexts: return nil
        }
    }

    /// As JSON Schema has it, 2.0 is a whole number.
    private static func integer(_ scalar: JSONValue) -> Int? {
        switch scalar {
        case .integer(let number): Int(exactly: number)
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    private mutating func expanded(_ text: String, _ offset: Int, _ key: ConfigurationKey, at path: String) -> String? {
        guard !text.utf8.contains(0) else {
            say(offset, "\(path) has a NUL character in it")
            return nil
        }
        do throws(Environment.Failure) {
            let expanded = try Environment.expanded(text)
            return expanded
        } catch {
            say(offset, "\(path)\(key.isSecret ? "" : " \(ConfigurationReader.cut(NumberText.quoted(text)))"): \(error.message)")
            return nil
        }
    }

    private mutating func path(
        _ written: String, _ text: String, hasStandard: Bool, _ key: ConfigurationKey, _ offset: Int, at path: String
    ) -> ConfigurationValue.Content? {
        if written == "-" {
            guard hasStandard else {
                say(offset, "\(path) needs the name of a file or folder; `-` stands for none here")
                return nil
            }
            return .path("-")
        }
        if let scheme = Flag.scheme(of: text) {
            if let addressKey = key.addressKey, Flag.isWebhook(text) {
                say(offset, "\(path) is an address, \(scheme)…", hint: "write it as `\(addressKey)`; that makes it a webhook")
                return nil
            }
            say(offset, UsageError.notInThisVersion("\(path) \(scheme)…").message)
            return nil
        }
        let prefix = text.hasPrefix("/") ? "" : folder
        return .text(
            ConfigurationText(
                written: FileSearch.joined(prefix, written), value: ConfigurationReader.joinedPath(prefix, text), role: .path))
    }

    /// A file is opened by its path, so `-` in a folder's place is spelled out.
    private static func joinedPath(_ folder: String, _ path: String) -> String {
        path == "-" && (folder.isEmpty || folder == ".") ? "./-" : FileSearch.joined(folder, path)
    }

    /// What stands in the file that `KEY_file` names, without the newline at its end.
    private mutating func secret(_ json: PlacedJSON, _ key: ConfigurationKey, at path: String) -> ConfigurationValue? {
        let fileKey = ConfigurationKey(name: key.name + ConfigurationKey.fileSuffix, kind: .path(standard: nil), example: #""secret.txt""#, help: "")
        guard case .text(let file)? = value(json, fileKey.kind, fileKey, at: path)?.content else { return nil }
        var bytes: [UInt8]
        do throws(FileError) {
            bytes = try readFile(file.value, bytesMax: ConfigurationReader.secretBytesMax)
        } catch {
            say(json.offset, "\(path) \(file.written): \(error.reason)")
            return nil
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            say(json.offset, "\(path) \(file.written): it \(bytes.isEmpty ? "is empty" : "holds no text")", hint: "put the value alone into it")
            return nil
        }
        return ConfigurationValue(offset: json.offset, .text(ConfigurationText(written: "", value: text, role: .secretOfFile(file.value))))
    }
}

// MARK: - What messages show

extension ConfigurationReader {
    /// A path of names; one that is not made of letters, digits, `_` and `$` is quoted.
    static func joined(_ path: String, _ name: String) -> String {
        let isPlain = !name.isEmpty && name.utf8.count <= shownMax
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "-"): true
                default: false
                }
            }
        let shown = isPlain ? name : cut(NumberText.quoted(name))
        return path.isEmpty ? shown : path + "." + shown
    }

    static func cut(_ text: String) -> String {
        text.count <= shownMax ? text : text.prefix(shownMax) + "…"
    }

    /// What stands there, in a few words, and never a secret.
    func shown(_ json: PlacedJSON, _ key: ConfigurationKey) -> String {
        switch json.content {
        case .array: return "a list"
        case .object: return "an object"
        case .scalar(.null): return "null"
        case .scalar(.string("")): return "empty"
        case .scalar(let scalar):
            guard !key.isSecret, !key.holdsSecrets else { return "no such value" }
            if case .string(let text) = scalar, let expanded = try? Environment.expanded(text), expanded != text {
                return ConfigurationReader.cut(scalar.description) + ", whose environment variable holds something else"
            }
            return ConfigurationReader.cut(scalar.description)
        }
    }

    static func expected(_ kind: ConfigurationKey.Kind) -> String {
        switch kind {
        case .text: "a text in quotes"
        case .name(let what): "the name of \(what): letters, digits, `_` and `-`, with a letter first, at most \(Flag.nameCountMax)"
        case .path(let standard): standard.map { "a path in quotes, or \"-\" for \($0)" } ?? "a path in quotes"
        case .choice(let choices): listed(choices.map { "\"\($0)\"" })
        case .boolean: "true or false"
        case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .size(let range):
            "\(ByteCount.expected), from \(ByteCount.text(range.lowerBound)) to \(ByteCount.text(range.upperBound))"
        case .duration(let range):
            "\(DurationArgument.expected), from \(DurationArgument.text(range.lowerBound)) to \(DurationArgument.text(range.upperBound))"
        case .list: "a list in brackets"
        case .section, .secretTexts: "an object in braces"
        }
    }

    /// `a, b or c`
    static func listed(_ names: [String]) -> String {
        names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
    }

    static func example(of key: ConfigurationKey) -> String { "\"\(key.name)\": \(key.example)" }

    private func example(of name: String, _ table: ConfigurationTable) -> String? {
        table.find(name).map { "for example: \(ConfigurationReader.example(of: $0.key))" }
    }
}
