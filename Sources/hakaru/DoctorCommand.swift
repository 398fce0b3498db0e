import DataFiles
import Glibc

/// `hakaru doctor`: what is wrong on this machine, with the remedy, also while no daemon runs.
///
/// The daemon's own program looks, because it knows configuration, bus and TLS as the daemon meets them.
enum DoctorCommand {
    static let command = Command(
        path: ["doctor"],
        summary: "look at this machine and name what is wrong, each with its remedy",
        details:
            "Works without the daemon; run it as root to see every file. In Japanese where LANG says "
            + "so. The exit code is 0 where nothing is a problem.",
        options: [
            CommandOption("config", "FILE", "the configuration, else /etc/hakaru/hakaru.yaml"),
            CommandOption("state-directory", "DIR", "the store's, else /var/lib/hakaru"),
            CommandOption("runtime-directory", "DIR", "the socket's, else /run/hakaru"),
        ]
    ) { call throws(CommandError) in
        let program = try Self.program()
        throw run([program, "--doctor"] + words(call))
    }

    /// The daemon's words for what was given to the command.
    static func words(_ call: Invocation) -> [String] {
        var words = call.wantsJSON ? ["--json"] : []
        for name in ["config", "state-directory"] {
            if let value = call.options[name] { words += ["--" + name, value] }
        }
        if let directory = call.options["runtime-directory"] ?? call.options["socket"].map(folder) {
            words += ["--runtime-directory", directory]
        }
        return words
    }

    private static func folder(_ socket: String) -> String {
        socket.lastIndex(of: "/").map { String(socket[..<$0]) } ?? "."
    }

    /// `hakarud` beside this program: that of the same version.
    private static func program() throws(CommandError) -> String {
        let path = Program.beside("hakarud")
        guard access(path, X_OK) == 0 else {
            throw .failed("\(path) is not there: install the package again")
        }
        return path
    }

    /// Becomes the other program; returns only where that fails.
    private static func run(_ words: [String]) -> CommandError {
        var arguments = words.map { strdup($0) } + [nil]
        execv(words[0], &arguments)
        return .failed("\(words[0]) cannot be started: \(String(cString: strerror(errno)))")
    }
}
