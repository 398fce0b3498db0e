/// The completion script of bash, made from the table of commands so that it cannot lag behind.
enum Completion {
    static func bash(_ commands: [Command]) -> String {
        let options = CommandOption.common + commands.flatMap(\.options)
        let withValue = unique(options.filter { $0.value != nil }.map { "--" + $0.name })
        let files = commands.filter(\.takesFiles).map { "'\($0.name)'*" }
        return """
            # bash completion of hakaru
            _hakaru() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=''
                local command='' index
                for ((index = 1; index < COMP_CWORD; index++)); do
                    case ${COMP_WORDS[index]} in
                    \(withValue.joined(separator: "|"))) ((index++)) ;;
                    -*) ;;
                    *) command+="${command:+ }${COMP_WORDS[index]}" ;;
                    esac
                done
                case $before in
            \(values(commands))
                esac
                case $command in
            \(words(commands))
                esac
                COMPREPLY=($(compgen -W "$words" -- "$word"))
                case $command in
                \(files.joined(separator: "|"))) COMPREPLY+=($(compgen -f -- "$word")) ;;
                esac
            }
            complete -F _hakaru hakaru
            """
    }

    /// What follows an option that has a value.
    private static func values(_ commands: [Command]) -> String {
        var lines = ["    --socket|--tape) COMPREPLY=($(compgen -f -- \"$word\")); return ;;"]
        for option in unique(commands.flatMap(\.options).filter { !$0.choices.isEmpty }) {
            let list = option.choices.joined(separator: " ")
            lines.append(
                "    --\(option.name)) COMPREPLY=($(compgen -W '\(list)' -- \"$word\")); return ;;")
        }
        return lines.joined(separator: "\n")
    }

    /// What follows the words of a command, or of a group of commands.
    private static func words(_ commands: [Command]) -> String {
        let common = CommandOption.common.map { "--" + $0.name }
        func line(_ name: String, _ words: [String]) -> String {
            "    '\(name)') words='\((words + common).joined(separator: " "))' ;;"
        }
        var lines = [line("", unique(commands.compactMap(\.path.first) + ["help"]))]
        for name in unique(commands.filter { $0.path.count > 1 }.compactMap(\.path.first)) {
            let members = commands.filter { $0.path.count > 1 && $0.path[0] == name }
            // A group may be a command itself: the first line about a name is the one that counts.
            let own = commands.first { $0.path == [name] }?.options.map { "--" + $0.name } ?? []
            lines.append(line(name, members.map { $0.path[1] } + own))
        }
        for command in commands {
            lines.append(
                line(command.name, command.wordChoices + command.options.map { "--" + $0.name }))
        }
        return lines.joined(separator: "\n")
    }

    private static func unique(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        return words.filter { seen.insert($0).inserted }
    }

    private static func unique(_ options: [CommandOption]) -> [CommandOption] {
        var seen: Set<String> = []
        return options.filter { seen.insert($0.name).inserted }
    }
}
