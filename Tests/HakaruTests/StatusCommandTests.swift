import EventLoop
import GatewayTestKit
import Glibc
import JSON
import Status
import Testing

@Suite("hakaru status", .timeLimit(.minutes(1))) struct StatusCommandTests {
    static let well = """
        {"version":"0.1.0","gateway":"gw-0001","started_at":"2026-03-01T08:00:00+09:00",
         "clock":{"synchronised":true},
         "bluetooth":[{"adapter":"hci0","state":"scanning",
            "last_advertisement_at":"2026-03-01T08:15:00+09:00"}],
         "usb":{"state":"watching"},
         "records":{"stored":12,"waiting":0,"unassigned":0,"quarantined":0,"dead_letters":0,
            "delivered":12},
         "destinations":[{"name":"common-db","state":"idle","waiting":0,"oldest_waiting_at":null,
            "last_delivered_at":"2026-03-01T08:15:02+09:00","last_error":null,
            "next_attempt_at":null}],
         "storage":{"used_bytes":12400000,"maximum_bytes":512000000}}
        """

    private func status(_ document: String, _ arguments: String...) async throws -> CommandRun {
        let daemon = try await FakeDaemon { $0.document("/v1/status", document) }
        return try CommandRun(["status"] + arguments + ["--socket", daemon.path])
    }

    @Test("a gateway that is well says so in the first line")
    func allIsWell() async throws {
        let run = try await status(Self.well)
        #expect(run.exitCode == 0)
        #expect(run.errors == "")
        #expect(run.lines.first == "All is well.")
        #expect(run.output.contains("gateway    gw-0001, version 0.1.0, started "))
        #expect(run.output.contains("\nclock      synchronised\n"))
        #expect(run.output.contains("\nbluetooth  hci0 scanning, last heard "))
        #expect(
            run.output.contains(
                "\nrecords    12 stored, 0 waiting, 0 unassigned, 0 quarantined, 0 dead letters, "
                    + "12 delivered\n"))
        #expect(run.output.contains("\nstorage    12.4 MB of 512 MB (2 %)\n"))
        #expect(run.output.contains("\nDESTINATION  STATE  WAITING  OLDEST  LAST DELIVERED"))
        #expect(run.output.contains("\ncommon-db    idle   0        –"))
    }

    @Test(
        "where advertisements come from stands with the adapter, and why not from where they cost least",
        arguments: [
            (#""management-socket""#, "null", "listening at the kernel's management socket"),
            (#""d-bus""#, "null", "listening over D-Bus"),
            (#""d-bus""#, #""needs CAP_NET_ADMIN""#, "listening over D-Bus (needs CAP_NET_ADMIN)"),
        ])
    func source(source: String, because: String, text: String) async throws {
        let run = try await status(
            Self.well.replacing(
                "\"state\":\"scanning\",",
                with: "\"state\":\"scanning\",\"advertisements\":\(source),"
                    + "\"advertisements_because\":\(because),"))
        #expect(run.lines.first == "All is well.")
        let line = try #require(run.lines.first { $0.hasPrefix("bluetooth") })
        #expect(line.hasSuffix(", " + text))
    }

    struct Trouble: CustomTestStringConvertible {
        let name: String
        let find: String
        let replace: String
        let line: String
        var testDescription: String { name }
    }

    @Test(
        "whatever needs a person stands at the top with the way on",
        arguments: [
            Trouble(
                name: "clock", find: "\"synchronised\":true", replace: "\"synchronised\":false",
                line: "  ! the gateway's clock is not synchronised: times may be wrong"),
            Trouble(
                name: "no bluetoothd", find: "\"state\":\"scanning\"",
                replace: "\"state\":\"no-bluetoothd\",\"problem\":\"no service\"",
                line: "  ! bluetooth hci0 is no-bluetoothd: no service"),
            Trouble(
                name: "no adapter", find: "\"state\":\"scanning\"", replace: "\"state\":\"absent\"",
                line: "  ! bluetooth hci0 is absent"),
            Trouble(
                name: "unassigned", find: "\"unassigned\":0", replace: "\"unassigned\":2",
                line: "  ! 2 records belong to nobody: hakaru records --state unassigned"),
            Trouble(
                name: "quarantine", find: "\"quarantined\":0", replace: "\"quarantined\":1",
                line: "  ! 1 record needs a decision: hakaru quarantine list"),
            Trouble(
                name: "dead letters", find: "\"dead_letters\":0", replace: "\"dead_letters\":3",
                line: "  ! 3 records were refused for good: hakaru records --state dead-letters"),
            Trouble(
                name: "destination held", find: "\"state\":\"idle\"", replace: "\"state\":\"held\"",
                line: "  ! common-db is held"),
            Trouble(
                name: "store in trouble", find: "\"used_bytes\"",
                replace: "\"state\":\"disk-full\",\"reason\":\"no space left\",\"used_bytes\"",
                line: "  ! storage: no space left"),
            Trouble(
                name: "bad profile", find: "\"clock\":",
                replace: "\"profiles\":{\"problems\":[\"x.yaml:3:1: id: is missing\"]},\"clock\":",
                line: "  ! profile x.yaml:3:1: id: is missing"),
            Trouble(
                name: "failed tapes", find: "\"clock\":",
                replace: "\"tapes\":{\"played\":4,\"failed\":2},\"clock\":",
                line: "  ! 2 tapes failed: see the .failed files beside them"),
            Trouble(
                name: "full disk", find: "\"used_bytes\":12400000",
                replace: "\"used_bytes\":470000000",
                line: "  ! storage is nearly full: 470 MB of 512 MB"),
        ])
    func attention(_ test: Trouble) async throws {
        let document = Self.well.split(separator: test.find, omittingEmptySubsequences: false)
        #expect(document.count == 2)
        let run = try await status(document.joined(separator: test.replace))
        #expect(run.exitCode == 0)
        #expect(run.lines.first == "Needs attention:")
        #expect(run.lines.dropFirst().first == test.line)
    }

    @Test("a reader that nobody can scan at stands at the top with what helps")
    func readers() async throws {
        let run = try await status(
            """
            {"readers":[{"station":"one","port":"1-1.3","state":"ready"},
             {"station":"two","port":"1-1.4","state":"needs-person: no permission"}]}
            """)
        #expect(
            run.output.contains("  ! the reader of two at 1-1.4: needs-person: no permission\n"))
        #expect(!run.output.contains("1-1.3"))
    }

    @Test("a destination that is behind says with what error and since when")
    func behind() async throws {
        let run = try await status(
            """
            {"destinations":[{"name":"db","state":"retrying","waiting":3,
             "oldest_waiting_at":"2020-01-01T00:00:00Z","last_error":"503 from the receiver"}]}
            """)
        let line = run.lines.dropFirst().first ?? ""
        #expect(
            line.hasPrefix("  ! db is retrying: 503 from the receiver (oldest record waits for "))
        #expect(line.hasSuffix(" d)"))
    }

    @Test("with --json the daemon's document goes through with every digit")
    func json() async throws {
        let run = try await status(
            "{\"version\":\"1\",\n \"x\": 36.0, \"big\": 12345678901234567890}", "--json")
        #expect(run.output == "{\"version\":\"1\",\"x\":36.0,\"big\":12345678901234567890}\n")
    }

    @Test("a status of a newer or an older daemon is shown as far as it goes")
    func otherShapes() async throws {
        for document in ["{}", "{\"records\":{\"new_state\":1},\"destinations\":{}}", "[]"] {
            let run = try await status(document)
            #expect(run.exitCode == 0)
            #expect(run.errors == "")
            #expect(run.output.contains("gateway"))
        }
    }

    @Test("a name from outside cannot steer the terminal")
    func escapes() async throws {
        let run = try await status("{\"gateway\":\"gw\\u001b[2J\\u009b\\u202e\"}")
        #expect(run.output.contains("gw?[2J??"))
        #expect(!run.output.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B })
    }

    @Test(
        "a configuration that was refused, or waits for a restart, needs attention",
        arguments: [
            (
                #"{"state":"refused","problems":["hakaru.yaml:3:5: a mistake\u001b[2J"]}"#,
                "the former one is in force"
            ),
            (
                #"{"state":"waiting","waiting_since":"2026-11-21T10:00:00.0+09:00"}"#,
                "waits for the store to answer"
            ),
            (
                #"{"state":"restart-needed","restart_needed":["usb","tape"]}"#,
                "the configuration of usb, tape waits for: systemctl restart hakarud"
            ),
        ])
    func configuration(document: String, text: String) async throws {
        let run = try await status(
            Self.well.replacing("\"usb\":", with: "\"configuration\":\(document),\"usb\":"))
        #expect(run.lines.first == "Needs attention:")
        #expect(run.output.contains(text))
        #expect(!run.output.contains("\u{1B}"))
        let current = try await status(
            Self.well.replacing(
                "\"usb\":", with: "\"configuration\":{\"state\":\"current\"},\"usb\":"))
        #expect(current.lines.first == "All is well.")
    }
}

@Suite("hakaru without a daemon", .timeLimit(.minutes(1))) struct NoDaemonTests {
    @Test("no daemon ends with 3 and says which socket was asked")
    func missing() throws {
        for arguments in [["status"], ["devices"], ["records"], ["quarantine", "list"]] {
            let run = try CommandRun(arguments + ["--socket", "/nonexistent/hakaru.sock"])
            #expect(run.exitCode == 3)
            #expect(run.output == "")
            #expect(
                run.errors == "hakaru: /nonexistent/hakaru.sock: no daemon answers; is hakarud "
                    + "running? (systemctl status hakarud)\n")
        }
    }

    @Test("with --json the same is an error object with its code")
    func json() throws {
        let run = try CommandRun(["status", "--json", "--socket", "/nonexistent/hakaru.sock"])
        #expect(run.exitCode == 3)
        #expect(run.error?["code"]?.string == "no-daemon")
    }

    @Test("the socket of the environment is asked unless another is named")
    func environment() throws {
        let run = try CommandRun(["status"], environment: ["HAKARU_SOCKET": "/env.sock"])
        #expect(run.errors.hasPrefix("hakaru: /env.sock: "))
        let named = try CommandRun(
            ["status", "--socket=/named.sock"], environment: ["HAKARU_SOCKET": "/env.sock"])
        #expect(named.errors.hasPrefix("hakaru: /named.sock: "))
    }

    @Test("a socket that a dead daemon left is no daemon")
    func stale() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        let code = "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
        #expect(try Child("python3", ["-c", code, path]).wait() == 0)
        #expect(try CommandRun(["status", "--socket", path]).exitCode == 3)
    }

    @Test("a proxy of the environment does not come between")
    func proxy() async throws {
        let daemon = try await FakeDaemon { $0.document("/v1/status", "{}") }
        let run = try CommandRun(
            ["status", "--socket", daemon.path],
            environment: ["http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"])
        #expect(run.exitCode == 0)
    }

    @Test(
        "an answer that is no answer ends with a message, not with a crash",
        arguments: [
            ("garbage", 3), ("", 3), ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", 3),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{,}", 1),
            ("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 1),
        ] as [(String, Int32)])
    func brokenDaemon(_ answer: String, _ exitCode: Int32) throws {
        let scratch = ScratchDirectory()
        let path = scratch.path + "/s.sock"
        let code = """
            import socket,sys
            s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
            print("listening", flush=True)
            c, _ = s.accept(); c.recv(65536); c.sendall(sys.argv[2].encode()); c.close()
            """
        let daemon = try Child("python3", ["-c", code, path, answer])
        #expect(daemon.readLine() == "listening")
        let run = try CommandRun(["status", "--socket", path])
        #expect(run.exitCode == exitCode)
        #expect(run.errors.hasPrefix("hakaru: "))
        #expect(daemon.wait() == 0)
    }

    @Test("the daemon's own refusal keeps its code and message")
    func refusal() async throws {
        let daemon = try await FakeDaemon { server in
            server.route("GET", "/v1/status") { _ in
                .failure(503, "starting", "the store is being checked")
            }
        }
        let run = try CommandRun(["status", "--json", "--socket", daemon.path])
        #expect(run.exitCode == 1)
        #expect(run.error?["code"]?.string == "starting")
        #expect(run.error?["message"]?.string == "the store is being checked")
        let unknown = try CommandRun(["devices", "--json", "--socket", daemon.path])
        #expect(unknown.exitCode == 1)
        #expect(unknown.error?["code"]?.string == "not-found")
    }
}
