/// One key of the configuration file: its name, what may stand behind it, and what it means. Reading, the messages about mistakes, the
/// resolved form and the JSON schema all come from here.
struct ConfigurationKey: Sendable {
    indirect enum Kind: Sendable {
        case text
        /// Letters, digits, `_` and `-`; what is named stands in messages: `a stream`.
        case name(of: String)
        /// A file or folder, relative to the folder of the configuration file; `standard` says what `-` stands for, if anything.
        case path(standard: String?)
        case choice([String])
        case boolean
        case count(ClosedRange<Int>)
        /// Bytes.
        case size(ClosedRange<Int>)
        /// Microseconds.
        case duration(ClosedRange<Int64>)
        case list(of: Kind, atMost: Int)
        /// An object of any names, whose values are texts that nothing shows.
        case secretTexts(atMost: Int)
        case section(ConfigurationTable)
    }

    var name: String
    var kind: Kind
    /// What holds where the key is left out; nil: nothing, or what `defaultText` says.
    var fallback: ConfigurationValue.Content?
    /// The same for people, where it is no value.
    var defaultText: String?
    /// What could stand behind the name, as JSON.
    var example: String
    /// Sentences.
    var help: String
    /// Its value is shown nowhere, and may stand in a file of its own: `KEY_file` names that.
    var isSecret = false
    /// It belongs to this other key of its object, and means nothing without it.
    var beside: String?
    /// The key that an address, such as `https://…`, belongs under; nil where there is none.
    var addressKey: String?

    var holdsSecrets: Bool {
        if case .secretTexts = kind { return true }
        return false
    }

    /// Of the name of a file that holds a secret.
    static let fileSuffix = "_file"
}

/// The keys that an object of the file may have.
struct ConfigurationTable: Sendable {
    var keys: [ConfigurationKey]
    /// Of the keys of each group exactly one must be there.
    var requires: [[String]] = []

    /// The names that people may write.
    var names: [String] {
        keys.flatMap { $0.isSecret ? [$0.name, $0.name + ConfigurationKey.fileSuffix] : [$0.name] }
    }

    /// What a name in the file means: the key, and whether it names a file with the value.
    func find(_ name: String) -> (key: ConfigurationKey, isFile: Bool)? {
        if let key = keys.first(where: { $0.name == name }) { return (key, false) }
        guard name.hasSuffix(ConfigurationKey.fileSuffix) else { return nil }
        let stem = name.dropLast(ConfigurationKey.fileSuffix.count)
        return keys.first { $0.isSecret && $0.name == stem }.map { ($0, true) }
    }

    /// The sections in and below this one that have a key of that name, by their paths.
    func sections(having name: String, path: String = "") -> [String] {
        keys.flatMap { key -> [String] in
            let place = path.isEmpty ? key.name : path + "." + key.name
            let (table, inner): (ConfigurationTable?, String) =
                switch key.kind {
                case .section(let table): (table, place)
                case .list(of: .section(let table), _): (table, place + "[…]")
                default: (nil, place)
                }
            guard let table else { return [] }
            return (table.names.contains(name) ? [inner] : []) + table.sections(having: name, path: inner)
        }
    }
}
