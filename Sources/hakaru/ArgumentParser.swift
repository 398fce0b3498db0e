import YAML

/// What a command line asks for.
enum Request {
    case run(Command, words: [String], options: [String: String])
    /// The help of a command, of a group of them, or of everything.
    case help([String])
    case version
}

/// Turns the words of a command line into a request.
struct ArgumentParser {
    let commands: [Command]

    /// Reads words and options in any order; `--` ends the options.
    func parse(_ arguments: [String]) throws(CommandError) -> Request {
        var words: [String] = []
        var options: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                break
            }
            guard argument.hasPrefix("-"), argument.count > 1 else {
                words.append(argument)
                continue
            }
            let (name, value) = try option(argument, &rest)
            options[name] = value
        }
        if options["version"] != nil { return .version }
        let (command, given) = command(for: words)
        if words.first == "help" { return .help(Array(words.dropFirst())) }
        if options["help"] != nil { return .help(command?.path ?? words) }
        guard let command else { throw unknown(words) }
        try check(command, given, options)
        return .run(command, words: given, options: options)
    }

    /// Whether the arguments ask for JSON, known even when they are wrong otherwise.
    static func wantsJSON(_ arguments: [String]) -> Bool {
        arguments.prefix { $0 != "--" }.contains("--json")
    }

    private func option(
        _ argument: String, _ rest: inout ArraySlice<String>
    ) throws(CommandError) -> (String, String) {
        if argument == "-h" { return ("help", "") }
        let argument = argument == "-o" ? "--output" : argument
        let text = argument.drop { $0 == "-" }
        let name = String(text.prefix { $0 != "=" })
        let given = text.contains("=") ? String(text.dropFirst(name.count + 1)) : nil
        guard argument.hasPrefix("--"), let known = allOptions.first(where: { $0.name == name })
        else {
            let meant = Suggestion.nearest(to: name, among: allOptions.map(\.name))
            let hint = meant.map { "; did you mean --\($0)?" } ?? ""
            throw .usage("there is no option \(argument)\(hint)")
        }
        guard let placeholder = known.value else {
            guard given == nil else { throw .usage("--\(name) takes no value") }
            return (name, "")
        }
        guard let value = given ?? rest.popFirst() else {
            throw .usage("--\(name) needs a value: --\(name) \(placeholder)")
        }
        return (name, value)
    }

    private var allOptions: [CommandOption] {
        CommandOption.common + commands.flatMap(\.options)
    }

    /// Finds the command with the longest path that the words begin with.
    private func command(for words: [String]) -> (Command?, [String]) {
        let found = commands.filter { words.starts(with: $0.path) }
            .max { $0.path.count < $1.path.count }
        return (found, Array(words.dropFirst(found?.path.count ?? 0)))
    }

    private func unknown(_ words: [String]) -> CommandError {
        guard let first = words.first else {
            return .usage("no command is named; see: hakaru --help")
        }
        let group = commands.filter { $0.path.first == first }
        if !group.isEmpty {
            let names = group.map(\.name).joined(separator: ", ")
            return .usage("\(first) needs one more word: \(names)")
        }
        let meant = Suggestion.nearest(to: first, among: commands.compactMap(\.path.first))
        let hint = meant.map { "; did you mean \($0)?" } ?? "; see: hakaru --help"
        return .usage("there is no command \(first)\(hint)")
    }

    private func check(
        _ command: Command, _ words: [String], _ options: [String: String]
    ) throws(CommandError) {
        let known = CommandOption.common + command.options
        for name in options.keys.sorted() where !known.contains(where: { $0.name == name }) {
            throw .usage("\(command.name) has no option --\(name); usage: \(command.usage)")
        }
        for option in command.options where !option.choices.isEmpty {
            if let value = options[option.name], !option.choices.contains(value) {
                let choices = option.choices.joined(separator: ", ")
                throw .usage("--\(option.name) is '\(value)'; accepted: \(choices)")
            }
        }
        if words.count < command.wordCount.lowerBound {
            throw .usage("\(command.name) needs \(command.words); usage: \(command.usage)")
        }
        if words.count > command.wordCount.upperBound {
            let extra = words[command.wordCount.upperBound]
            throw .usage("'\(extra)' is one word too many; usage: \(command.usage)")
        }
        if let option = command.options.first(where: { $0.isNeeded && options[$0.name] == nil }) {
            throw .usage(
                "\(command.name) needs \(option.synopsis), \(option.summary); "
                    + "usage: \(command.usage)")
        }
        let choices = command.wordChoices
        if let word = words.first(where: { !choices.isEmpty && !choices.contains($0) }) {
            throw .usage(
                "\(command.name) does not know '\(word)'; accepted: "
                    + choices.joined(separator: ", "))
        }
    }
}
