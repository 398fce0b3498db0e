/// The texts of `--help`.
enum Help {
    /// Explains a command, the commands that begin with the words, or all.
    static func text(_ words: [String], _ commands: [Command]) throws(CommandError) -> String {
        let group = commands.filter { $0.path.starts(with: words) }
        if words.isEmpty { return overview(commands) }
        if let command = group.first(where: { $0.path == words }) { return page(command) }
        guard !group.isEmpty else {
            throw .usage("there is no command \(words.joined(separator: " ")); see: hakaru --help")
        }
        return "Commands:\n" + list(group)
    }

    private static func overview(_ commands: [Command]) -> String {
        """
        Usage: hakaru COMMAND [OPTION]…

        Shows what the Hakaru gateway has measured and sent, and decodes device data.

        Commands:
        \(list(commands))

        Options of every command:
        \(list(CommandOption.common))

        Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 the daemon does not answer.
        'hakaru COMMAND --help' explains a command.
        """
    }

    private static func page(_ command: Command) -> String {
        var text = "Usage: \(command.usage)\n\n\(command.summary)\n"
        if !command.details.isEmpty { text += "\n\(command.details)\n" }
        return text + "\nOptions:\n" + list(command.options + CommandOption.common)
    }

    private static func list(_ commands: [Command]) -> String {
        rows(commands.map { ($0.name, $0.summary) })
    }

    private static func list(_ options: [CommandOption]) -> String {
        rows(options.map { ($0.synopsis, $0.summary) })
    }

    private static func rows(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, summary in
            "  " + name + String(repeating: " ", count: width - name.count + 2) + summary
        }.joined(separator: "\n")
    }
}
