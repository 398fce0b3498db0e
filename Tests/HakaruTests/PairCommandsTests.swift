import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Status
import Testing

@testable import hakaru

/// What a person at the device reads while it is being paired, and what the daemon is asked for.
@Suite("hakaru: pair, forget, capture", .timeLimit(.minutes(1))) struct PairCommandsTests {
    static let address = "A4:C1:38:00:00:01"

    /// A daemon whose pairing goes through these states, one at each question.
    @LoopActor final class Course {
        var states: [String]
        var requests: [String] = []
        nonisolated init(_ states: [String]) { self.states = states }

        func next() -> SocketResponse {
            let state = states.count > 1 ? states.removeFirst() : states[0]
            return SocketResponse(body: Array("{\"pairing\":\(state)}".utf8))
        }

        func take(_ request: SocketRequest) {
            requests.append(
                "\(request.method) \(request.path) \(String(decoding: request.body, as: UTF8.self))"
            )
        }
    }

    static func state(_ state: String, _ more: String = "") -> String {
        #"{"device":"\#(address)","state":"\#(state)"\#(more)}"#
    }

    private static func daemon(_ course: Course, begin: SocketResponse? = nil) async throws
        -> FakeDaemon
    {
        try await FakeDaemon { server in
            server.route("GET", "/v1/pairing") { _ in course.next() }
            for (method, path) in [("POST", "/v1/pairing"), ("POST", "/v1/pairing/passkey")] {
                server.route(method, path) { request in
                    course.take(request)
                    return begin ?? SocketResponse(body: Array("{\"pairing\":null}".utf8))
                }
            }
        }
    }

    @Test("each stage is told once, with the button of this model, until the proof is there")
    func guided() async throws {
        let course = Course([
            Self.state("waiting-for-device", #","hint":"Hold START until Pr."# + "\""),
            Self.state("waiting-for-device", #","hint":"Hold START until Pr."# + "\""),
            Self.state("connecting"), Self.state("bonded"), Self.state("waiting-for-reconnect"),
            Self.state("proving"), Self.state("paired"),
        ])
        let daemon = try await Self.daemon(course)
        let run = try CommandRun(
            ["pair", Self.address, "--passkey", "123456", "--socket", daemon.path],
            environment: ["LC_ALL": "C.UTF-8"])
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.lines.count == 7)
        #expect(run.lines[1] == "  Hold START until Pr.")
        #expect(run.lines.last?.hasPrefix("Paired:") == true)
        let sent = await course.requests
        #expect(
            sent == [
                "POST /v1/pairing {\"device\":\"\(Self.address)\",\"passkey\":\"123456\",\"lease_seconds\":10}"
            ])
    }

    @Test("what a Japanese household reads is Japanese, the hint as well")
    func japanese() async throws {
        let course = Course([
            Self.state("waiting-for-device", #","hint":"Hold it.","hint_ja":"押し続けます。"# + "\""),
            Self.state("paired"),
        ])
        let daemon = try await Self.daemon(course)
        let run = try CommandRun(
            ["pair", Self.address, "--socket", daemon.path], environment: ["LC_ALL": "ja_JP.UTF-8"])
        #expect(run.lines.contains("  押し続けます。"))
        #expect(run.lines.last?.hasPrefix("ペアリング完了") == true)
    }

    @Test("a pairing that fails ends with the reason and an exit code that a script sees")
    func failed() async throws {
        let course = Course([Self.state("failed", #","problem":"the number was wrong"# + "\"")])
        let daemon = try await Self.daemon(course)
        let run = try daemon.run("pair", Self.address, "--json")
        #expect(run.exitCode != 0)
        #expect(run.error?["code"]?.string == "not-paired")
        #expect(run.error?["message"]?.string == "the number was wrong")
    }

    @Test("a number that nobody can type here is not waited for")
    func nobodyThere() async throws {
        let course = Course([Self.state("passkey-needed")])
        let daemon = try await Self.daemon(course)
        let run = try daemon.run("pair", Self.address)
        #expect(run.exitCode != 0)
        #expect(run.errors.contains("--passkey"))
    }

    @Test(
        "Ctrl-C, a plain kill and a closed terminal end the pairing at the daemon too",
        arguments: ["INT", "TERM", "HUP"])
    func interrupted(signal: String) async throws {
        let course = Course([Self.state("waiting-for-device")])
        let daemon = try await FakeDaemon { server in
            server.route("GET", "/v1/pairing") { _ in course.next() }
            for method in ["POST", "DELETE"] {
                server.route(method, "/v1/pairing") { request in
                    course.take(request)
                    return SocketResponse(body: Array("{\"pairing\":null}".utf8))
                }
            }
        }
        let child = try Child(
            "timeout",
            [
                "--preserve-status", "-s", signal, "0.4", builtProgram("hakaru"), "pair",
                Self.address,
                "--socket", daemon.path,
            ])
        _ = child.readAll()
        #expect(child.wait() == 1, "ended in order, not killed by the signal")
        let sent = await course.requests
        #expect(sent.last?.hasPrefix("DELETE /v1/pairing") == true, "\(sent)")
    }

    @Test("a bond that does not fit any more is not thrown away without a yes")
    func stale() async throws {
        let course = Course([Self.state("paired")])
        let daemon = try await Self.daemon(course, begin: .failure(409, "stale-bond", "a bond"))
        let run = try daemon.run("pair", Self.address, "--json")
        #expect(run.error?["code"]?.string == "stale-bond")
        let sent = await course.requests
        #expect(sent.allSatisfy { !$0.contains("repair") })
    }

    @Test("forget says whether there was a bond")
    func forget() async throws {
        for (bonded, text) in [
            ("true", "The bond of \(Self.address) is removed.\n"),
            ("false", "\(Self.address) had no bond here.\n"),
        ] {
            let daemon = try await FakeDaemon { server in
                server.route("DELETE", "/v1/devices", subpaths: true) { request in
                    let body = "{\"device\":\"\(request.rest)\",\"was_bonded\":\(bonded)}"
                    return SocketResponse(body: Array(body.utf8))
                }
            }
            #expect(try daemon.run("forget", Self.address).output == text)
        }
    }

    @Test("a tape is written for its owner alone, and dropped at the daemon only then")
    func capture() async throws {
        let scratch = ScratchDirectory()
        let file = scratch.path + "/session.tape"
        let course = Course(["{}"])
        let daemon = try await FakeDaemon { server in
            server.route("POST", "/v1/captures") { request in
                course.take(request)
                return SocketResponse(body: Array("{}".utf8))
            }
            server.route("GET", "/v1/captures", subpaths: true) { _ in
                SocketResponse(
                    body: Array(#"{"state":"ended","lines":1,"tape":"{\"tape\":1}\n"}"#.utf8))
            }
            server.route("DELETE", "/v1/captures", subpaths: true) { request in
                course.take(request)
                return SocketResponse(body: Array("{\"discarded\":1}".utf8))
            }
        }
        let run = try daemon.run("capture", Self.address, "-o", file, "--seconds", "30")
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(try Child("cat", [file]).readAll() == "{\"tape\":1}\n")
        var facts = stat()
        #expect(stat(file, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        let sent = await course.requests
        #expect(sent.first == "POST /v1/captures {\"device\":\"\(Self.address)\",\"seconds\":30}")
        #expect(sent.last?.hasPrefix("DELETE /v1/captures/") == true)
        let again = try daemon.run("capture", Self.address, "-o", file)
        #expect(again.exitCode != 0, "a tape that is there is never written over")
    }

    @Test("a device that never came leaves no empty tape")
    func notHeard() async throws {
        let daemon = try await FakeDaemon { server in
            server.route("POST", "/v1/captures") { _ in SocketResponse(body: Array("{}".utf8)) }
            server.route("GET", "/v1/captures", subpaths: true) { _ in
                SocketResponse(body: Array(#"{"state":"ended","lines":0,"tape":null}"#.utf8))
            }
            server.route("DELETE", "/v1/captures", subpaths: true) { _ in
                SocketResponse(body: Array("{}".utf8))
            }
        }
        let run = try daemon.run("capture", Self.address, "--json")
        #expect(run.error?["code"]?.string == "not-heard")
        #expect(run.output == "")
    }
}
