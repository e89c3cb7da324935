// What a run with this file would go by: defaults filled in, environment variables in their places, paths from the root, secrets masked.
// The resolved form is a configuration file itself.

internal import Decoding
internal import Diagnostics
internal import Glibc

extension Configuration {
    static let mask = "***"

    /// - Parameter cores: how many this machine has.
    func resolved(currentFolder: String, cores: Int) -> JSONValue {
        var filled = root.filled(by: .run)
        if filled["drain"] == nil { filled.members.append(("drain", ConfigurationValue(.boolean(filled["state"] == nil)))) }
        if var limits = filled.section("limits"), limits["workers"] == nil,
            let place = filled.members.firstIndex(where: { $0.name == "limits" })
        {
            limits.members.insert(("workers", ConfigurationValue(.count(min(max(1, cores), Flag.workersMax)))), at: 0)
            filled.members[place].value.content = .section(limits)
        }
        let order = ConfigurationTable.run.names
        filled.members.sort { order.firstIndex(of: $0.name) ?? 0 < order.firstIndex(of: $1.name) ?? 0 }
        return Configuration.json(filled, currentFolder)
    }

    static func json(_ section: ConfigurationSection, _ currentFolder: String) -> JSONValue {
        .object(section.members.map { name, value in
            if case .text(let text) = value.content, case .secretOfFile(let path) = text.role {
                return .init(name: name + ConfigurationKey.fileSuffix, value: .string(absolute(path, currentFolder)))
            }
            return .init(name: name, value: json(value.content, currentFolder))
        })
    }

    private static func json(_ content: ConfigurationValue.Content, _ currentFolder: String) -> JSONValue {
        switch content {
        case .text(let text):
            switch text.role {
            case .plain: .string(text.value)
            case .path: .string(text.isFile ? absolute(text.value, currentFolder) : text.value)
            case .secret, .secretOfFile: .string(mask)
            }
        case .boolean(let flag): .boolean(flag)
        case .count(let count): .integer(Int64(count))
        case .size(let bytes): .string(ByteCount.text(bytes))
        case .duration(let microseconds): .string(DurationArgument.text(microseconds))
        case .list(let elements): .array(elements.map { json($0.content, currentFolder) })
        case .section(let section): json(section, currentFolder)
        }
    }

    private static func absolute(_ path: String, _ currentFolder: String) -> String {
        FileSearch.tidied(FileSearch.joined(currentFolder, path))
    }
}

/// JSON for people: two blanks a level, short lists of plain values on one line.
enum PrettyJSON {
    static let columnsMax = 100

    static func text(_ value: JSONValue) -> String { text(value, indent: 0, column: 0) + "\n" }

    private static func text(_ value: JSONValue, indent: Int, column: Int) -> String {
        let inner = String(repeating: " ", count: indent + 2)
        switch value {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { member in
                let name = NumberText.quoted(member.name) + ": "
                return inner + name + text(member.value, indent: indent + 2, column: indent + 2 + name.count)
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + inner.dropLast(2) + "}"
        case .array(let elements) where !elements.isEmpty:
            let short = "[" + elements.map(\.description).joined(separator: ", ") + "]"
            if elements.allSatisfy(isScalar), column + short.count <= columnsMax { return short }
            let lines = elements.map { inner + text($0, indent: indent + 2, column: indent + 2) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + inner.dropLast(2) + "]"
        default: return value.description
        }
    }

    private static func isScalar(_ value: JSONValue) -> Bool {
        switch value {
        case .array, .object: false
        default: true
        }
    }
}
