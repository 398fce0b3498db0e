import CLinux
import Glibc

/// A child process of a test; it is killed when the value goes away.
///
/// The signal mask is reset: a test runs on a thread whose signals are blocked, and a child that
/// inherited this would never see SIGTERM.
package final class Child: @unchecked Sendable {  // used by one test at a time
    package let processID: Int32
    private let output: Int32
    private var rest: [UInt8] = []
    private var status: Int32?

    package struct Failed: Error, CustomStringConvertible {
        package var description: String
    }

    /// Starts a program; its standard output (and error, when asked for) can be read by lines.
    ///
    /// - Parameter program: a path, or a name to look for in PATH.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
        mergingErrors: Bool = false
    ) throws(Failed) {
        var ends: [Int32] = [0, 0]
        // Atomically closed on exec: tests spawn in parallel, and a leaked end would hide the end.
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw Failed(description: "pipe2") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        if mergingErrors { posix_spawn_file_actions_adddup2(&actions, ends[1], 2) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let argumentList = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = Self.environment(adding: environment).map { strdup($0) } + [nil]
        defer { for text in argumentList + variables { free(text) } }
        var started: pid_t = 0
        let result = posix_spawnp(
            &started, program, &actions, &attributes, argumentList, variables)
        close(ends[1])
        guard result == 0 else {
            close(ends[0])
            throw Failed(description: "\(program): \(String(cString: strerror(result)))")
        }
        processID = started
        output = ends[0]
    }

    deinit {
        if status == nil {
            kill(processID, SIGKILL)
            _ = wait()
        }
        close(output)
    }

    private static func environment(adding extra: [String: String]) -> [String] {
        var variables: [String] = []
        var next = environ
        while let text = next.pointee {
            let variable = String(cString: text)
            let name = variable.prefix { $0 != "=" }
            if extra[String(name)] == nil { variables.append(variable) }
            next += 1
        }
        return variables + extra.map { "\($0.key)=\($0.value)" }
    }

    /// Reads one line of output without its end; nil at the end of the output. Blocks.
    package func readLine() -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeSubrange(...end) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            guard fill() else {
                defer { rest = [] }
                return rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
            }
        }
    }

    /// Reads all output until its end. Blocks.
    package func readAll() -> String {
        while fill() {}
        defer { rest = [] }
        return String(decoding: rest, as: UTF8.self)
    }

    private func fill() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(output, &buffer, buffer.count)
        guard count > 0 else { return false }
        rest.append(contentsOf: buffer[..<count])
        return true
    }

    package func signal(_ number: Int32) { kill(processID, number) }

    /// Waits for the end; the exit code, or 128 + signal as a shell reports it.
    package func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        while waitpid(processID, &raw, 0) < 0 && errno == EINTR {}
        let code = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
        status = code
        return code
    }
}

/// The path of one of the package's programs: they lie beside the test program.
package func builtProgram(_ name: String) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let own = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
}
