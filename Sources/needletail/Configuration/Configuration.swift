internal import Decoding
internal import Diagnostics
internal import Glibc

/// What a configuration file says, read and found to be in order.
struct Configuration {
    /// As the user named it.
    var path: String
    /// What stands in the file; defaults are not filled in.
    var root: ConfigurationSection

    static let defaultPath = "needletail.json"
    /// Most bytes of a file that are read.
    static let bytesMax = 1 << 20
    /// Most mistakes that are told at once.
    static let mistakesMax = 100

    /// Reads a file.
    /// - Throws: all mistakes of it at once.
    static func read(_ path: String) throws(UsageError) -> Configuration {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try readFile(path, bytesMax: bytesMax) } catch { throw UsageError(error.message) }
        return try Configuration(path: path, bytes: bytes)
    }

    init(path: String, bytes: [UInt8]) throws(UsageError) {
        self.path = path
        root = ConfigurationSection()
        let folder = Configuration.folder(of: path)
        guard !folder.contains("${") else {
            throw UsageError("\(path): the name of its folder has `${` in it", hint: "rename the folder; in paths that stands for an environment variable")
        }
        var reader = ConfigurationReader(folder: folder)
        do throws(JSONFault) {
            let json = try PlacedJSON(object: bytes)
            if case .object(let members) = json.content {
                root = reader.section(members, .run, at: "", offset: json.offset)
            }
            check(&reader)
        } catch {
            let isBlank = Configuration.isBlank(bytes)
            reader.say(isBlank ? nil : error.offset, isBlank ? "the file is empty" : Configuration.message(error), hint: Configuration.hint(error, bytes))
        }
        if let error = Configuration.error(reader.mistakes, path: path, bytes: bytes) { throw error }
    }

    /// What paths in the file are relative to; empty for the current folder.
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    /// What goes together only in parts.
    private func check(_ reader: inout ConfigurationReader) {
        for (name, advice) in [("inputs", "each input is read once"), ("alerts", "name each place once")] {
            var places: [String: Int] = [:]
            for (place, (offset, section)) in (root.sections(name) ?? []).enumerated() {
                guard let path = section.text("path") else { continue }
                if let first = places[path.value] {
                    reader.say(offset, "\(name)[\(place)].path is the same as \(name)[\(first)].path", hint: advice)
                }
                places[path.value] = place
            }
        }
        var names: [String: Int] = [:]
        for (place, offset, section, spec) in webhooks(at: "") {
            let (webhook, mistakes) = spec.configured(readsFiles: false)
            for mistake in mistakes {
                reader.say(section[mistake.key]?.offset ?? offset, "alerts[\(place)].\(mistake.key): \(mistake.message)", hint: mistake.hint)
            }
            guard let name = webhook?.endpoint.name else { continue }
            if let first = names[name] {
                let key = section["name"] == nil ? "url" : "name"
                reader.say(section[key]?.offset ?? offset, "alerts[\(place)].\(key) is the same as alerts[\(first)].\(key)", hint: "name each place once")
            }
            names[name] = place
        }
        for (place, (_, section)) in (root.sections("inputs") ?? []).enumerated() {
            guard section.text("path")?.written == "-", section.boolean("follow") == true else { continue }
            reader.say(
                section["follow"]?.offset, "inputs[\(place)].follow is for files; standard input is read until it ends anyway",
                hint: "name a file in `path`, or leave `follow` out")
        }
    }

    /// The webhooks among the places for alerts.
    var webhooks: [(place: Int, offset: Int, section: ConfigurationSection, spec: WebhookSpec)] { webhooks(at: path + ": ") }

    private func webhooks(at prefix: String) -> [(place: Int, offset: Int, section: ConfigurationSection, spec: WebhookSpec)] {
        (root.sections("alerts") ?? []).enumerated().compactMap { place, element in
            WebhookSpec(element.section, place: "\(prefix)alerts[\(place)]").map { (place, element.offset, element.section, $0) }
        }
    }

    // MARK: - Mistakes

    /// One error with all mistakes, in the order of the file; nil where there is none.
    static func error(_ mistakes: [ConfigurationMistake], path: String, bytes: [UInt8]) -> UsageError? {
        guard !mistakes.isEmpty else { return nil }
        let lines = LineTable(bytes)
        let sorted = mistakes.enumerated().sorted { ($0.element.offset ?? 0, $0.offset) < ($1.element.offset ?? 0, $1.offset) }
        var errors = sorted.prefix(mistakesMax).map { (_, mistake) in
            let place = mistake.offset.map { offset in
                let (line, column) = lines.position(of: offset)
                return "\(path):\(line):\(column)"
            }
            return UsageError("\(place ?? path): \(mistake.message)", hint: mistake.hint)
        }
        if sorted.count > mistakesMax { errors.append(UsageError("\(path): \(sorted.count - mistakesMax) more mistakes are not shown")) }
        errors[0].more = Array(errors.dropFirst())
        return errors[0]
    }

    private static func isBlank(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) } }

    private static func message(_ fault: JSONFault) -> String {
        switch fault.reason {
        case .notClosed: "a brace or bracket is not closed"
        case .trailingContent: "something follows the object that the file must be"
        case .unclosedString: "a quote is not closed"
        case .badEscape: "a text has an escape that JSON does not know; a backslash is written \\\\"
        case .badNumber: "a number is not written as JSON writes numbers"
        case .controlCharacter: "a text does not end on its line, or has a control character in it"
        case .notAnObject: "the file must be an object in braces"
        case .invalidUTF8: "this is not valid UTF-8"
        case .tooDeep: "lists and objects are nested more than 1024 deep"
        default: "this is not valid JSON"
        }
    }

    private static func hint(_ fault: JSONFault, _ bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return "the file begins with a byte order mark; save it without" }
        guard fault.reason == .syntax || fault.reason == .notAnObject else { return nil }
        let rest = fault.offset.map { bytes[min($0, bytes.count)...] } ?? []
        if rest.starts(with: "//".utf8) || rest.starts(with: "/*".utf8) || rest.first == UInt8(ascii: "#") { return "JSON has no comments" }
        if rest.first == UInt8(ascii: "}") || rest.first == UInt8(ascii: "]") { return "look for a comma too many before this" }
        if fault.reason == .notAnObject || rest.isEmpty { return #"for example: {"rules": ["rules/"]}"# }
        return "look for a comma, a quote or a brace that is missing or too many before this"
    }
}
