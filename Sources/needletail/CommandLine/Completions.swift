/// Scripts that teach a shell our commands and flags, from the same definitions as the help.
enum Completions {
    enum Shell: String, CaseIterable {
        case bash, zsh, fish
    }

    static func script(_ shell: Shell) -> String {
        switch shell {
        case .bash: bash()
        case .zsh: zsh()
        case .fish: fish()
        }
    }

    private static let commandNames = Command.all.map(\.name).joined(separator: " ")

    /// What follows the command's name where that is no file.
    private static func operandChoices(_ command: Command) -> [String] {
        switch command.name {
        case "help": Command.all.map(\.name)
        case "completions": Shell.allCases.map(\.rawValue)
        case "deliveries": ["list", "retry", "drop"]
        case "webhook": ["test"]
        default: []
        }
    }

    private static func bash() -> String {
        var text = """
            # needletail completions bash > /etc/bash_completion.d/needletail
            _needletail() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=""
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W "\(commandNames) --version --help" -- "$word"))
                    return
                fi
                case "$command $before" in

            """
        for command in Command.all {
            for flag in command.flags where !flag.choices.isEmpty {
                text += "        \"\(command.name) \(flag.name)\") COMPREPLY=($(compgen -W \"\(flag.choices.joined(separator: " "))\" -- \"$word\")); return ;;\n"
            }
        }
        text += "    esac\n    case \"$command\" in\n"
        for command in Command.all {
            let words = command.visibleFlags.map(\.name) + operandChoices(command)
            text += "        \(command.name)) words=\"\(words.joined(separator: " "))\" ;;\n"
        }
        text += """
                esac
                COMPREPLY=($(compgen -W "$words" -- "$word"))
                case "$word" in -?*) ;; *) COMPREPLY+=($(compgen -f -- "$word")) ;; esac
            }
            complete -o filenames -F _needletail needletail

            """
        return text
    }

    private static func zsh() -> String {
        func quoted(_ text: String) -> String {
            var result = ""
            for character in text {
                switch character {
                case "'": result += "'\\''"
                case "[", "]", ":", "\\": result += "\\\(character)"
                default: result.append(character)
                }
            }
            return result
        }
        var text = "#compdef needletail\n# needletail completions zsh > \"${fpath[1]}/_needletail\"\n_needletail() {\n"
        text += "    if (( CURRENT == 2 )); then\n        local -a commands=(\n"
        for command in Command.all { text += "            '\(command.name):\(quoted(command.summary))'\n" }
        text += "        )\n        _describe command commands\n        return\n    fi\n    local command=$words[2]\n"
        text += "    shift words\n    (( CURRENT-- ))\n    case $command in\n"
        for command in Command.all {
            text += "        \(command.name))\n            _arguments \\\n"
            for flag in command.visibleFlags {
                let star = flag.isRepeatable ? "*" : ""
                let action: String =
                    switch flag.value {
                    case .none: ""
                    case .text(let name): "=:\(name): "
                    case .path(let name): "=:\(name):_files"
                    case .choice(let name, let choices): "=:\(name):(\(choices.joined(separator: " ")))"
                    }
                let (equals, rest) = action.hasPrefix("=") ? ("=", String(action.dropFirst())) : ("", "")
                text += "                '\(star)\(flag.name)\(equals)[\(quoted(flag.help))]\(rest)' \\\n"
            }
            let choices = operandChoices(command)
            text += "                '*:\(choices.isEmpty ? "file:_files" : "name:(\(choices.joined(separator: " ")))")'\n            ;;\n"
        }
        return text + "    esac\n}\n_needletail \"$@\"\n"
    }

    private static func fish() -> String {
        func quoted(_ text: String) -> String {
            "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
        }
        var text = "# needletail completions fish > ~/.config/fish/completions/needletail.fish\n"
        for command in Command.all {
            text += "complete -c needletail -n __fish_use_subcommand -f -a \(command.name) -d \(quoted(command.summary))\n"
        }
        text += "complete -c needletail -n __fish_use_subcommand -l version -d 'Say which version this is.'\n"
        for command in Command.all {
            let condition = "-n '__fish_seen_subcommand_from \(command.name)'"
            for flag in command.visibleFlags {
                var line = "complete -c needletail \(condition) -l \(flag.name.dropFirst(2))"
                switch flag.value {
                case .none: break
                case .text: line += " -x"
                case .path: line += " -r -F"
                case .choice(_, let choices): line += " -x -a '\(choices.joined(separator: " "))'"
                }
                text += line + " -d \(quoted(flag.help))\n"
            }
            let choices = operandChoices(command)
            if !choices.isEmpty { text += "complete -c needletail \(condition) -f -a '\(choices.joined(separator: " "))'\n" }
        }
        return text
    }
}
