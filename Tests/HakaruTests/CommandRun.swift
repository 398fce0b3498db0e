import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Status
import Testing

/// One run of the built program, to its end.
struct CommandRun {
    let output: String
    let errors: String
    let exitCode: Int32

    var lines: [String] { output.split(separator: "\n").map(String.init) }
    var json: JSONValue? { try? JSONValue.parse(Array(output.utf8)) }
    var error: JSONValue? { (try? JSONValue.parse(Array(errors.utf8)))?["error"] }

    init(
        _ arguments: [String], environment: [String: String] = [:], outputFile: String? = nil
    ) throws {
        let scratch = ScratchDirectory()
        let errorFile = scratch.path + "/errors"
        let redirection = outputFile.map { " >\($0)" } ?? ""
        let child = try Child(
            "sh",
            ["-c", "exec \"$@\" 2>'\(errorFile)'" + redirection, "sh", builtProgram("hakaru")]
                + arguments,
            environment: environment)
        output = child.readAll()
        exitCode = child.wait()
        errors = try Child("cat", [errorFile]).readAll()
    }
}

/// A daemon's socket with the documents of one test behind it.
struct FakeDaemon: ~Copyable {
    private let scratch = ScratchDirectory()
    private let server: StatusServer
    let path: String

    init(_ routes: @escaping @LoopActor @Sendable (StatusServer) -> Void) async throws {
        let path = scratch.path + "/hakaru.sock"
        server = try await LoopThread.run {
            let server = try StatusServer(.init(path: path))
            routes(server)
            try server.start()
            return server
        }
        self.path = path
    }

    deinit {
        let server = server
        spawn { server.stop() }
    }

    /// Runs the program against this daemon.
    func run(_ arguments: String...) throws -> CommandRun {
        try CommandRun(arguments + ["--socket", path])
    }
}

extension StatusServer {
    /// Answers a path with a document.
    func document(_ path: String, _ text: String) {
        route("GET", path) { _ in SocketResponse(body: Array(text.utf8)) }
    }
}
