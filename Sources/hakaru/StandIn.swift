import DataFiles
import Glibc

/// A `hakarud` of one command's own that only answers, where none runs: for what has to work offline.
enum StandIn {
    /// Runs a command; where no daemon answers, with one that reads no device and sends nothing.
    static func answering(
        _ call: Invocation, _ body: (Invocation) throws(CommandError) -> Void
    ) throws(CommandError) {
        let isGiven = call.options["config"] != nil || call.options["state-directory"] != nil
        do throws(CommandError) {
            return try body(call)
        } catch .noDaemon(let why) {
            // A socket that was named and does not answer is a fault; nothing else is tried behind it.
            guard isGiven || call.options["socket"] == nil else { throw .noDaemon(why) }
        }
        var template = Array("/tmp/hakaru-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .failed("/tmp: \(String(cString: strerror(errno)))")
        }
        let directory = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let socket = directory + "/hakaru.sock"
        defer {
            unlink(socket)
            unlink(said(in: directory))
            rmdir(directory)
        }
        let daemon = try start(call, directory)
        defer { stop(daemon) }
        try wait(for: directory, of: daemon)
        var own = call
        own.options["socket"] = socket
        try body(own)
    }

    private static func start(
        _ call: Invocation, _ directory: String
    ) throws(CommandError) -> pid_t {
        let program = program()
        var words = [
            program, "--answers-only", "--log-level", "error", "--runtime-directory", directory,
        ]
        for option in ["config", "state-directory"] {
            if let value = call.options[option] { words += ["--" + option, value] }
        }
        let arguments = words.map { strdup($0) } + [nil]
        defer { for text in arguments { free(text) } }
        // What it says belongs into this command's own error, which may have to be JSON.
        var output = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&output)
        defer { posix_spawn_file_actions_destroy(&output) }
        let file = said(in: directory)
        posix_spawn_file_actions_addopen(&output, 2, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&output, 2, 1)
        var daemon: pid_t = 0
        let result = posix_spawnp(&daemon, program, &output, nil, arguments, environ)
        guard result == 0 else {
            throw .noDaemon(
                "no daemon answers, and \(program) cannot be started: "
                    + String(cString: strerror(result)))
        }
        return daemon
    }

    /// The daemon beside this program, else the one of the path.
    private static func program() -> String {
        let beside = Program.beside("hakarud")
        return access(beside, X_OK) == 0 ? beside : "hakarud"
    }

    /// Where it writes what it has to say.
    private static func said(in directory: String) -> String { directory + "/said" }

    private static func wait(for directory: String, of daemon: pid_t) throws(CommandError) {
        let socket = directory + "/hakaru.sock"
        // A large store after a power cut takes its time to open.
        for _ in 0..<1_500 {
            if access(socket, F_OK) == 0, SocketClient(path: socket).answers { return }
            var status: Int32 = 0
            guard waitpid(daemon, &status, WNOHANG) == 0 else {
                let bytes = (try? FileReader.read(said(in: directory))) ?? []
                let reason = String(decoding: bytes.split(separator: 10).last ?? [], as: UTF8.self)
                throw .noDaemon(
                    "no daemon answers, and the store cannot be read without one"
                        + (reason.isEmpty ? "" : ": " + reason))
            }
            usleep(20_000)
        }
        throw .noDaemon("the store does not open within 30 s")
    }

    private static func stop(_ daemon: pid_t) {
        kill(daemon, SIGTERM)
        var status: Int32 = 0
        while waitpid(daemon, &status, 0) < 0, errno == EINTR {}
    }
}

extension SocketClient {
    /// Whether somebody is there.
    fileprivate var answers: Bool { (try? get("/v1/stations")) != nil }
}
