import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Status

@Suite("ListeningSocket") struct ListeningSocketTests {
    private func problem(_ path: String) -> StatusError? {
        do throws(StatusError) {
            _ = try ListeningSocket(path: path, mode: 0o660, group: nil)
            return nil
        } catch {
            return error
        }
    }

    @Test("the socket has its mode, and its name goes with it")
    func life() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        do {
            let socket = try ListeningSocket(path: path, mode: 0o640, group: getegid())
            var facts = stat()
            #expect(stat(path, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o640)
            #expect(facts.st_gid == getegid())
            #expect(socket.descriptor > 2)
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test(
        "the socket goes to the named group, and to the one that it has anyway without chown",
        .enabled(if: getuid() == 0, "only root gives files away"))
    func groups() throws {
        let scratch = ScratchDirectory()
        for group in [getegid(), 4_711] as [UInt32] {
            let path = scratch.path + "/\(group).sock"
            let socket = try ListeningSocket(path: path, mode: 0o660, group: group)
            var facts = stat()
            #expect(stat(path, &facts) == 0)
            #expect(facts.st_gid == group)
            #expect(socket.descriptor > 2)
        }
        // A directory that hands its group on: the name has it from the start.
        chown(scratch.path, 0, 4_712)
        chmod(scratch.path, 0o2770)
        let socket = try ListeningSocket(
            path: scratch.path + "/own.sock", mode: 0o660, group: getegid())
        var facts = stat()
        #expect(stat(scratch.path + "/own.sock", &facts) == 0)
        #expect(facts.st_gid == getegid())
        #expect(socket.descriptor > 2)
    }

    @Test("a name that a dead daemon left is taken over")
    func stale() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        // Python leaves the name behind, as a killed daemon does.
        let code = "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
        #expect(try Child("python3", ["-c", code, path]).wait() == 0)
        #expect(access(path, F_OK) == 0)
        #expect(problem(path) == nil)
    }

    @Test("a living daemon is never pushed aside, and keeps its name")
    func living() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        let first = try ListeningSocket(path: path, mode: 0o660, group: nil)
        #expect(problem(path) == .alreadyServed(path: path))
        #expect(access(first.path, F_OK) == 0)
        let client = try UnixClient(path)
        #expect(client.descriptor > 2)
    }

    @Test("a file that is no socket is never deleted")
    func otherFile() {
        let scratch = ScratchDirectory()
        let file = scratch.write("s.sock", "somebody's notes")
        #expect(problem(file) == .notASocket(path: file))
        #expect(access(file, F_OK) == 0)
        #expect(symlink(file, scratch.path + "/link.sock") == 0)
        #expect(
            problem(scratch.path + "/link.sock") == .notASocket(path: scratch.path + "/link.sock"))
    }

    @Test("a socket that replaced this one is left alone at the end")
    func replaced() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        do {
            let first = try ListeningSocket(path: path, mode: 0o660, group: nil)
            #expect(rename(path, path + ".old") == 0)
            scratch.write("s.sock", "a newer one")
            #expect(first.descriptor > 2)
        }
        #expect(access(path, F_OK) == 0)
    }

    @Test(
        "what stands in the way is named with the way out",
        arguments: [
            (
                "/nonexistent/s.sock",
                "/nonexistent/s.sock: its directory does not exist; make it, or name another with "
                    + "--runtime-directory"
            ),
            (
                "/tmp/" + String(repeating: "x", count: 120),
                "/tmp/\(String(repeating: "x", count: 120)): the name of a socket has at most 107 "
                    + "bytes; use a shorter --runtime-directory"
            ),
            (
                "/proc/s.sock",
                "/proc/s.sock: its directory does not exist; make it, or name "
                    + "another with --runtime-directory"
            ),
            ("/dev/null", "/dev/null: exists and is no socket; move it away"),
            (
                "/dev/null/s.sock",
                "/dev/null/s.sock: its directory does not exist; make it, or name "
                    + "another with --runtime-directory"
            ),
        ])
    func errors(_ path: String, _ text: String) {
        #expect(problem(path)?.description == text)
    }

    @Test("a group that does not exist is named before anything is bound")
    func unknownGroup() async {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        let error = await #expect(throws: StatusError.self) {
            try await LoopThread.run {
                var options = StatusServer.Options(path: path)
                options.adminGroup = "no-such-group"
                _ = try StatusServer(options)
            }
        }
        #expect(error == .unknownGroup(name: "no-such-group"))
        #expect(error?.description.contains("status.admin-group") == true)
        #expect(access(path, F_OK) != 0)
    }
}
