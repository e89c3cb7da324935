/// A value of the configuration file that is what its key asks for.
struct ConfigurationValue: Sendable {
    indirect enum Content: Sendable {
        case text(ConfigurationText)
        case boolean(Bool)
        case count(Int)
        /// Bytes.
        case size(Int)
        /// Microseconds.
        case duration(Int64)
        case list([ConfigurationValue])
        case section(ConfigurationSection)

        static func text(_ text: String) -> Content { .text(ConfigurationText(written: text, value: text)) }
        static func path(_ path: String) -> Content { .text(ConfigurationText(written: path, value: path, role: .path)) }
    }

    /// Where it begins in the file; 0 of a default.
    var offset: Int
    var content: Content

    init(offset: Int = 0, _ content: Content) {
        self.offset = offset
        self.content = content
    }

    /// A section that stands for one that is left out.
    static func standard(_ members: [(String, Content)]) -> ConfigurationValue {
        ConfigurationValue(.section(ConfigurationSection(members: members.map { ($0, ConfigurationValue($1)) })))
    }
}

/// A text with its environment variables.
struct ConfigurationText: Sendable {
    enum Role: Sendable {
        case plain, path, secret
        /// It stood in the file of that path.
        case secretOfFile(String)
    }

    /// As it stands in the file, `${NAME}` and all; of a path with the folder before it, so that it means the same to this process.
    var written: String
    /// With the values of its environment variables.
    var value: String
    var role = Role.plain

    /// A path whose text is not `-`.
    var isFile: Bool {
        if case .path = role { return written != "-" }
        return false
    }
}

/// An object of the configuration file.
struct ConfigurationSection: Sendable {
    var members: [(name: String, value: ConfigurationValue)] = []

    subscript(name: String) -> ConfigurationValue? { members.first { $0.name == name }?.value }

    func text(_ name: String) -> ConfigurationText? {
        if case .text(let text)? = self[name]?.content { return text }
        return nil
    }

    func boolean(_ name: String) -> Bool? {
        if case .boolean(let flag)? = self[name]?.content { return flag }
        return nil
    }

    func count(_ name: String) -> Int? {
        if case .count(let count)? = self[name]?.content { return count }
        return nil
    }

    func size(_ name: String) -> Int? {
        if case .size(let bytes)? = self[name]?.content { return bytes }
        return nil
    }

    func duration(_ name: String) -> Int64? {
        if case .duration(let microseconds)? = self[name]?.content { return microseconds }
        return nil
    }

    func section(_ name: String) -> ConfigurationSection? {
        if case .section(let section)? = self[name]?.content { return section }
        return nil
    }

    func list(_ name: String) -> [ConfigurationValue]? {
        if case .list(let elements)? = self[name]?.content { return elements }
        return nil
    }

    /// The elements of a list of objects, and where each stands.
    func sections(_ name: String) -> [(offset: Int, section: ConfigurationSection)]? {
        list(name)?.compactMap { element in
            if case .section(let section) = element.content { return (element.offset, section) }
            return nil
        }
    }

    /// With the defaults of a table for what is left out, in the order of the table. A section that lacks what it requires stays out.
    func filled(by table: ConfigurationTable) -> ConfigurationSection {
        var filled = ConfigurationSection()
        for key in table.keys {
            let isMeant = key.beside.map { self[$0] != nil } ?? true
            var value = self[key.name] ?? (isMeant ? key.fallback.map { ConfigurationValue($0) } : nil)
            switch (key.kind, value?.content) {
            case (.section(let inner), .section(let section)?): value?.content = .section(section.filled(by: inner))
            case (.section(let inner), nil) where inner.requires.isEmpty:
                value = ConfigurationValue(.section(ConfigurationSection().filled(by: inner)))
            case (.list(of: .section(let inner), _), .list(let elements)?):
                value?.content = .list(elements.map { element in
                    guard case .section(let section) = element.content else { return element }
                    return ConfigurationValue(offset: element.offset, .section(section.filled(by: inner)))
                })
            default: break
            }
            if let value { filled.members.append((key.name, value)) }
        }
        return filled
    }
}
