internal import Diagnostics

/// Words to options. `--flag value` and `--flag=value` are one; `--` ends the flags; `-` alone is no flag.
enum CommandLineParser {
    static func parse(_ words: [String], for command: Command) throws(UsageError) -> Options {
        let flags = command.flags + [.help]
        var options = Options()
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if word == "--" {
                options.operands += words[index...]
                break
            }
            if word == "-h" {
                options.wantsHelp = true
                continue
            }
            guard word.hasPrefix("-"), word != "-" else {
                options.operands.append(word)
                continue
            }
            let equals = word.firstIndex(of: "=")
            let name = String(word[..<(equals ?? word.endIndex)])
            guard let flag = flags.first(where: { $0.name == name }) else { throw unknown(name, flags, command) }
            // Named before its value is looked for: the message shall be about the flag.
            if flag.isMissing { try flag.parse(&options, "") }
            guard options.given.insert(name).inserted || flag.isRepeatable || flag.valueName == nil else {
                throw UsageError("\(name) is given twice")
            }
            try flag.parse(&options, try value(of: flag, word: word, equals: equals, words: words, index: &index))
        }
        return options
    }

    private static func value(
        of flag: Flag, word: String, equals: String.Index?, words: [String], index: inout Int
    ) throws(UsageError) -> String {
        guard let valueName = flag.valueName else {
            if equals != nil { throw UsageError("\(flag.name) takes no value") }
            return ""
        }
        if let equals {
            let value = String(word[word.index(after: equals)...])
            guard !value.isEmpty else { throw UsageError("\(flag.name) needs a value", hint: "write \(flag.usage)") }
            return value
        }
        guard index < words.count, !words[index].hasPrefix("--") else {
            throw UsageError(
                "\(flag.name) needs a value", hint: index < words.count ? "write \(flag.name)=\(valueName) if it begins with dashes" : "write \(flag.usage)")
        }
        index += 1
        return words[index - 1]
    }

    private static func unknown(_ name: String, _ flags: [Flag], _ command: Command) -> UsageError {
        UsageError(
            "`needletail \(command.name)` has no flag \(name)",
            hint: nearest(name, among: flags.map(\.name)) ?? "`needletail help \(command.name)` lists its flags")
    }

    static func nearest(_ name: String, among names: [String]) -> String? {
        NearestName.find(name, among: names).map { "did you mean `\($0)`?" }
    }
}
