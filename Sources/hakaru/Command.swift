/// One thing that the program can be asked to do.
struct Command: Sendable {
    /// The words that name it: `["quarantine", "list"]`.
    var path: [String]
    /// One line for the list of commands.
    var summary: String
    /// Sentences for its own help.
    var details = ""
    /// How its words are written in the usage: `TAPE…`.
    var words = ""
    var wordCount: ClosedRange<Int> = 0...0
    /// The words it takes, where they are a closed set.
    var wordChoices: [String] = []
    var takesFiles = false
    var options: [CommandOption] = []
    var run: @Sendable (Invocation) throws(CommandError) -> Void

    var name: String { path.joined(separator: " ") }

    var usage: String {
        let given = options.map { $0.isNeeded ? $0.synopsis : "[\($0.synopsis)]" }
        return (["hakaru", name] + (words.isEmpty ? [] : [words]) + given + ["[--json]"])
            .joined(separator: " ")
    }
}

/// An option of a command.
struct CommandOption: Sendable {
    var name: String
    /// How its value is written in the help; nil for an option without one.
    var value: String?
    var summary: String
    /// The values it takes, where they are a closed set.
    var choices: [String] = []
    /// Without it the command is not run.
    var isNeeded = false

    init(
        _ name: String, _ value: String?, _ summary: String, choices: [String] = [],
        isNeeded: Bool = false
    ) {
        self.isNeeded = isNeeded
        self.name = name
        self.value = value
        self.summary = summary
        self.choices = choices
    }

    var synopsis: String { value.map { "--\(name) \($0)" } ?? "--\(name)" }

    /// Options that every command takes.
    static let common = [
        CommandOption("json", nil, "print JSON: one object, or one object a line"),
        CommandOption(
            "socket", "PATH",
            "the daemon's socket, else $HAKARU_SOCKET, else "
                + SocketClient.defaultPath),
        CommandOption("help", nil, "explain the command"),
        CommandOption("version", nil, "print the version"),
    ]
}

/// A command with what was given to it.
struct Invocation {
    var words: [String]
    /// Values by option name without dashes; an option without a value has an empty one.
    var options: [String: String]
    var output: Output

    var wantsJSON: Bool { options["json"] != nil }

    /// The value of an option that the command needs; the parser has seen that it is there.
    func given(_ name: String) throws(CommandError) -> String {
        guard let value = options[name] else { throw .usage("--\(name) is missing") }
        return value
    }

    var client: SocketClient {
        SocketClient(path: options["socket"] ?? SocketClient.environmentPath)
    }
}
