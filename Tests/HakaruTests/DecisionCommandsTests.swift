import EventLoop
import GatewayTestKit
import JSON
import Status
import Testing

/// The commands by which a person decides: what they ask of the daemon and what they tell.
@Suite("hakaru: decisions", .timeLimit(.minutes(1))) struct DecisionCommandsTests {
    static let key = "00112233445566778899aabbccddeeff"
    static let list = """
        {"records":[{"id":7,"key":"\(key)","kind":"weight","reason":"future"},
         {"id":8,"key":"00112299445566778899aabbccddeeff","kind":"weight","reason":"future"}]}
        """
    static let record = """
        {"id":7,"key":"\(key)","observation_time":"2026-03-01T08:15:00+09:00","state":"waiting"}
        """

    /// What was sent to change something: path and body.
    @LoopActor final class Mailbox {
        private(set) var requests: [String] = []
        nonisolated init() {}
        func take(_ request: SocketRequest) {
            requests.append("\(request.path) \(String(decoding: request.body, as: UTF8.self))")
        }
    }

    private static func daemon(
        _ mailbox: Mailbox, answer: SocketResponse? = nil
    ) async throws -> FakeDaemon {
        let document = SocketResponse(
            body: Array("{\"already\":false,\"record\":\(record)}".utf8))
        let answer = answer ?? document
        return try await FakeDaemon { server in
            // Tests run as whoever runs them: the decision itself is the daemon's.
            server.document("/v1/quarantine", list)
            for path in ["/v1/quarantine", "/v1/dead-letters", "/v1/participants", "/v1/keys"] {
                server.route("POST", path, subpaths: true) { request in
                    mailbox.take(request)
                    return answer
                }
            }
            server.document(
                "/v1/dead-letters",
                """
                {"dead_letters":[{"id":7,"key":"\(key)","destination":"db","reason":"HTTP 400",
                 "answer":"HTTP 400\\nno such \\u001b[31mperson","at":"2026-03-01T08:15:00+09:00",
                 "document":"{\\"person_id\\":\\"P0000001\\"}"},
                 {"id":7,"key":"\(key)","destination":"other","reason":"HTTP 422","answer":"",
                 "at":"2026-03-01T08:15:00+09:00"}]}
                """)
        }
    }

    struct Ask: Sendable, CustomTestStringConvertible {
        var words: [String]
        var request: String
        var output: String
        var answer = ""
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(
        "each decision is one request that names the record by its whole key",
        arguments: [
            Ask(
                words: ["quarantine", "release", "7", "--time", "2026-03-01T08:15"],
                request: "/v1/quarantine/\(key)/release {\"time\":\"2026-03-01T08:15\"}",
                output: "Released with the time 2026-03-01 08:15:00; state: waiting.\n"),
            Ask(
                words: ["quarantine", "release", "001122334", "--use-reception-time"],
                request: "/v1/quarantine/\(key)/release {\"use_reception_time\":true}",
                output: "Released with the time 2026-03-01 08:15:00; state: waiting.\n"),
            Ask(
                words: ["quarantine", "discard", key, "--reason", "a \"guest\""],
                request: "/v1/quarantine/\(key)/discard {\"reason\":\"a \\\"guest\\\"\"}",
                output: "Discarded.\n"),
            Ask(
                words: ["quarantine", "retry", "7"], request: "/v1/quarantine/\(key)/retry {}",
                output: "It is a record now, of 2026-03-01 08:15:00.\n"),
            Ask(
                words: ["quarantine", "retry", "--all"], request: "/v1/quarantine/retry {}",
                output: "3 became records, 2 stay in quarantine.\n",
                answer: "{\"released\":3,\"left\":2}"),
            Ask(
                words: ["dead-letters", "retry", "7", "--destination", "db"],
                request: "/v1/dead-letters/\(key)/retry {\"destination\":\"db\"}",
                output: "1 wait for sending again.\n", answer: "{\"retried\":1}"),
            Ask(
                words: ["dead-letters", "retry", "--all"], request: "/v1/dead-letters/retry {}",
                output: "2 wait for sending again.\n", answer: "{\"retried\":2}"),
            Ask(
                words: ["dead-letters", "discard", "7", "--reason", "left"],
                request: "/v1/dead-letters/\(key)/discard {\"reason\":\"left\"}",
                output: "2 given up.\n", answer: "{\"discarded\":2}"),
            Ask(
                words: ["purge", "P0000001"],
                request: "/v1/participants/P0000001/purge {\"set_aside\":false}",
                output: "4 records removed for good.\n",
                answer: "{\"records\":4,\"set_aside_files\":[],\"still_configured\":false}"),
            Ask(
                words: ["purge", "P0000001", "--set-aside"],
                request: "/v1/participants/P0000001/purge {\"set_aside\":true}",
                output:
                    "0 records removed for good.\nremoved: hakaru.db.corrupt-1\nThe participant "
                    + "is still configured: what its devices give from now on is stored.\n",
                answer: "{\"records\":0,\"set_aside_files\":[\"hakaru.db.corrupt-1\"],"
                    + "\"still_configured\":true}"),
            Ask(
                words: ["keys", "rotate"], request: "/v1/keys/rotate {}",
                output: "3 data keys have a new master key.\n", answer: "{\"data_keys\":3}"),
        ])
    func asks(ask: Ask) async throws {
        let mailbox = Mailbox()
        let answer = ask.answer.isEmpty ? nil : SocketResponse(body: Array(ask.answer.utf8))
        let daemon = try await Self.daemon(mailbox, answer: answer)
        let run = try CommandRun(ask.words + ["--socket", daemon.path])
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.output == ask.output)
        #expect(await mailbox.requests == [ask.request])
        let json = try CommandRun(ask.words + ["--json", "--socket", daemon.path])
        #expect(json.lines.count == 1 && json.json != nil)
    }

    @Test(
        "half a decision is wrong usage and asks nothing of the daemon",
        arguments: [
            ["quarantine", "release", "7"],
            ["quarantine", "release", "7", "--time", "x", "--use-reception-time"],
            ["quarantine", "release"], ["quarantine", "discard", "7"], ["quarantine", "retry"],
            ["quarantine", "retry", "7", "--all"], ["quarantine", "show", "001122"],
            ["dead-letters", "retry"], ["dead-letters", "discard", "7"], ["dead-letters"],
            ["ledger"], ["devices", "show"], ["purge"], ["keys"], ["purge", "a", "b"],
        ])
    func usage(words: [String]) async throws {
        let mailbox = Mailbox()
        let daemon = try await Self.daemon(mailbox)
        let run = try CommandRun(words + ["--socket", daemon.path])
        #expect(run.exitCode == 2)
        #expect(await mailbox.requests.isEmpty)
    }

    @Test("a refusal keeps the daemon's code and words; the same decision again says so")
    func refusals() async throws {
        let refused = try await Self.daemon(
            Mailbox(), answer: .failure(422, "future", "2027-01-01 lies in the future"))
        let run = try CommandRun(
            ["quarantine", "release", "7", "--time", "x", "--json", "--socket", refused.path])
        #expect(run.exitCode == 1)
        #expect(run.error?["code"]?.string == "future")
        #expect(run.error?["message"]?.string == "2027-01-01 lies in the future")
        let old = try await Self.daemon(
            Mailbox(),
            answer: SocketResponse(body: Array("{\"already\":true,\"record\":\(Self.record)}".utf8))
        )
        #expect(
            try old.run("quarantine", "discard", "7", "--reason", "x").output
                == "It was decided so before. Discarded.\n")
        let none = try old.run("quarantine", "retry", "99")
        #expect(none.exitCode == 1 && none.errors.contains("no reading '99' is in quarantine"))
    }

    @Test("a reading in quarantine is explained in two sentences before its details")
    func show() async throws {
        let daemon = try await FakeDaemon { server in
            server.document("/v1/quarantine", Self.list)
            server.route("GET", "/v1/quarantine/\(Self.key)") { _ in
                SocketResponse(
                    body: Array(
                        """
                        {"id":7,"observation_time":"2026-03-01T08:15:00+09:00","known":"The device wrote no time.",
                         "releasing":"Releasing it writes.","last_try":"no layout fits"}
                        """.utf8))
            }
        }
        let run = try daemon.run("quarantine", "show", "7")
        #expect(
            run.lines.prefix(3) == [
                "The device wrote no time.", "Releasing it writes.",
                "Decoding it again gave nothing: no layout fits.",
            ])
        #expect(run.output.contains("observation_time"))
        let json = try daemon.run("quarantine", "show", "7", "--json")
        #expect(json.json?["id"]?.integer == 7)
    }

    @Test("dead letters are listed and shown, the receiver's answer made harmless")
    func deadLetters() async throws {
        let daemon = try await Self.daemon(Mailbox())
        let list = try daemon.run("dead-letters", "list")
        #expect(list.lines.count == 3)
        #expect(list.lines[1].hasPrefix("7   2026-03-01 08:15:00  db"))
        let show = try daemon.run("dead-letters", "show", "7")
        #expect(show.output.contains("  no such ?[31mperson\n"))
        #expect(show.output.contains("sent:\n  {\"person_id\":\"P0000001\"}\n"))
        #expect(try daemon.run("dead-letters", "show", "7", "--json").lines.count == 2)
        #expect(try daemon.run("dead-letters", "show", "12").exitCode == 1)
    }

    @Test("the ledger is listed with who did what; a damaged one fails the check")
    func ledger() async throws {
        let daemon = try await FakeDaemon { server in
            server.document(
                "/v1/ledger",
                """
                {"entries":[{"id":1,"at":"2026-03-01T08:15:00+09:00","actor":"uid 0",
                 "event":"delivery","subject":"db","details":{"accepted":["a","b"],"reason":null,
                 "idempotency_key":"ff"},"previous":"","hash":"00"}]}
                """)
            server.document(
                "/v1/ledger/verify",
                """
                {"whole":false,"entries":4,"problems":[{"entry":3,"message":"row 3 was changed"}]}
                """)
        }
        let list = try daemon.run("ledger", "list")
        #expect(
            list.lines[1].hasSuffix(
                "uid 0  delivery  db       accepted=2 idempotency_key=ff"))
        let verify = try daemon.run("ledger", "verify")
        #expect(verify.exitCode == 1)
        #expect(verify.output == "row 3 was changed\n")
        #expect(
            try daemon.run("ledger", "verify", "--json").error?["code"]?.string == "ledger-damaged")
        let whole = try await FakeDaemon {
            $0.document("/v1/ledger/verify", "{\"whole\":true,\"entries\":4,\"problems\":[]}")
        }
        let good = try whole.run("ledger", "verify")
        #expect(good.exitCode == 0 && good.output == "4 entries, each as it was written.\n")
    }

    @Test("a device is shown with its clock over time")
    func device() async throws {
        let daemon = try await FakeDaemon { server in
            server.route("GET", "/v1/devices", subpaths: true) { request in
                guard request.rest == "A4:C1:38:00:00:01" else {
                    return .failure(404, "not-found", "no device \(request.rest) is known")
                }
                return SocketResponse(
                    body: Array(
                        """
                        {"device":{"id":"ble:A4:C1:38:00:00:01","address":"A4:C1:38:00:00:01",
                         "model":"UA-651BLE","clock":{"offset_seconds":12}},
                         "clock_history":[{"at":"2026-03-01T08:15:00+09:00","offset_seconds":360,
                         "latency_seconds":0.08,"set":true},{"at":"2026-03-02T08:15:00+09:00",
                         "offset_seconds":-12,"latency_seconds":null,"set":false}]}
                        """.utf8))
            }
        }
        let run = try daemon.run("devices", "show", "A4:C1:38:00:00:01")
        #expect(run.lines.suffix(3).first?.hasPrefix("CLOCK READ AT") == true)
        #expect(run.lines.dropLast().last == "2026-03-01 08:15:00  +360 s  0.08 s     yes")
        #expect(run.lines.last == "2026-03-02 08:15:00  -12 s   –          no")
        #expect(try daemon.run("devices", "show", "none").exitCode == 1)
    }
}
