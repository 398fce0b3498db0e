import DataFiles
import EventLoop
import GatewayTestKit
import JSON
import Status
import Testing

/// The commands about people: what they ask of the daemon and what they tell.
@Suite("hakaru: people", .timeLimit(.minutes(1))) struct PeopleCommandsTests {
    @LoopActor final class Mailbox {
        private(set) var requests: [String] = []
        nonisolated init() {}
        func take(_ request: SocketRequest) {
            requests.append("\(request.path) \(String(decoding: request.body, as: UTF8.self))")
        }
    }

    private static func daemon(
        _ mailbox: Mailbox, _ answer: SocketResponse
    ) async throws -> FakeDaemon {
        try await FakeDaemon { server in
            server.document(
                "/v1/records",
                "{\"records\":[{\"id\":17,\"key\":\"0123456789abcdef0123456789abcdef\"}]}")
            for path in [
                "/v1/sessions", "/v1/consents", "/v1/stations", "/v1/participants", "/v1/lists",
                "/v1/records", "/v1/readers",
            ] {
                server.route("POST", path, subpaths: true) { request in
                    mailbox.take(request)
                    return answer
                }
            }
        }
    }

    struct Ask: Sendable, CustomTestStringConvertible {
        var words: [String]
        var answer: String
        var request: String
        var output: String
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(
        "each command is one request",
        arguments: [
            Ask(
                words: ["session", "begin", "ｍｄｍ‐００１", "--station", "one"],
                answer: """
                    {"participant":"MDM-001","guest":false,"station":"one","takes_part":true,
                     "begun_at":"2026-03-01T08:15:00+09:00"}
                    """,
                request: "/v1/sessions {\"station\":\"one\",\"participant\":\"ｍｄｍ‐００１\"}",
                output: "MDM-001 measures at one since 2026-03-01 08:15:00.\n"),
            Ask(
                words: ["session", "begin", "--guest", "--previous-left", "--at", "08:15"],
                answer: """
                    {"participant":null,"guest":true,"station":"one",
                     "begun_at":"2026-03-01T08:15:00+09:00"}
                    """,
                request: "/v1/sessions {\"at\":\"08:15\",\"guest\":true,\"previous_left\":true}",
                output: "a guest measures at one since 2026-03-01 08:15:00.\n"),
            Ask(
                words: ["session", "end", "--station", "one"],
                answer: "{\"participant\":\"P1\",\"guest\":false,\"station\":\"one\"}",
                request: "/v1/sessions/end {\"station\":\"one\"}",
                output: "P1 has finished at one.\n"),
            Ask(
                words: ["station", "move", "A4:C1:38:00:00:01", "-"],
                answer: "{\"device\":\"A4:C1:38:00:00:01\",\"station\":null}",
                request: "/v1/stations/-/devices {\"device\":\"A4:C1:38:00:00:01\"}",
                output: "It stands at no station now.\n"),
            Ask(
                words: [
                    "consent", "grant", "P1", "--destination", "db", "--kinds",
                    "weight,blood-pressure", "--until", "2027-03-31", "--send-held",
                ], answer: "{\"held\":0,\"released\":4}",
                request: "/v1/consents/grant {\"participant\":\"P1\",\"destination\":\"db\","
                    + "\"kinds\":[\"weight\",\"blood-pressure\"],\"until\":\"2027-03-31\","
                    + "\"send_held\":true}",
                output: "Granted; 4 held records wait for sending now.\n"),
            Ask(
                words: ["consent", "withdraw", "P1", "--destination", "db"],
                answer: "{\"held\":3,\"released\":0}",
                request: "/v1/consents/withdraw {\"participant\":\"P1\",\"destination\":\"db\","
                    + "\"kinds\":\"all\"}",
                output: "Withdrawn; 3 records that waited are held.\n"),
            Ask(
                words: ["records", "assign", "17", "P1", "--reason", "the sheet"],
                answer: "{\"record\":{\"participant\":\"P1\",\"state\":\"waiting\"}}",
                request: "/v1/records/0123456789abcdef0123456789abcdef/assign "
                    + "{\"participant\":\"P1\",\"reason\":\"the sheet\"}",
                output: "It is P1's; state: waiting.\n"),
            Ask(
                words: ["participants", "card", "P1", "01:14"],
                answer: "{\"participant\":\"P1\"}",
                request: "/v1/participants/P1/card {\"card\":\"01:14\"}",
                output: "The card is P1's.\n"),
            Ask(
                words: ["participants", "card", "P1", "--station", "desk"],
                answer: "{\"participant\":\"P1\"}",
                request: "/v1/participants/P1/card {\"station\":\"desk\"}",
                output: "The card is P1's.\n"),
            Ask(
                words: [
                    "station", "bind", "one", "05e0:1200@1-1.2", "--layout", "jis", "--track", "2",
                    "--data-bits", "7",
                ],
                answer: """
                    {"station":"one","port":"05e0:1200@1-1.2","kind":"keyboard","state":"ready"}
                    """,
                request: "/v1/readers {\"station\":\"one\",\"port\":\"05e0:1200@1-1.2\","
                    + "\"layout\":\"jis\",\"track\":\"2\",\"data_bits\":\"7\"}",
                output: "05e0:1200@1-1.2 is the keyboard reader of one; state: ready.\n"),
        ])
    func asks(ask: Ask) async throws {
        let mailbox = Mailbox()
        let daemon = try await Self.daemon(mailbox, SocketResponse(body: Array(ask.answer.utf8)))
        let run = try CommandRun(ask.words + ["--socket", daemon.path])
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.output == ask.output)
        #expect(await mailbox.requests == [ask.request])
        let json = try CommandRun(ask.words + ["--json", "--socket", daemon.path])
        #expect(json.json != nil)
    }

    @Test(
        "half a command asks nothing of the daemon",
        arguments: [
            ["session", "begin"], ["session", "begin", "P1", "--guest"],
            ["session", "begin", "P1", "--card", "1"], ["consent", "grant", "P1"],
            ["consent", "withdraw"], ["records", "assign", "17", "P1"],
            ["records", "assign", "x", "P1", "--reason", "y"], ["station", "move", "x"],
            ["lists", "import"], ["lists", "export", "people"],
            ["lists", "check", "x", "--list", "people"],
        ])
    func usage(words: [String]) async throws {
        let mailbox = Mailbox()
        let daemon = try await Self.daemon(mailbox, SocketResponse(body: Array("{}".utf8)))
        let run = try CommandRun(words + ["--socket", daemon.path])
        #expect(run.exitCode == 2, "\(run.errors)")
        #expect(await mailbox.requests.isEmpty)
    }

    @Test("a list is handed over as it is, and every problem of it is told on its own line")
    func importing() async throws {
        let mailbox = Mailbox()
        let refusal = SocketResponse.failure(422, "list-refused", "l.csv:2:1: a\nl.csv:3:1: b")
        let daemon = try await Self.daemon(mailbox, refusal)
        let scratch = ScratchDirectory()
        let file = scratch.path + "/l.csv"
        _ = try Child("sh", ["-c", "printf 'a,b\\n1,\\\\2\\n' > '\(file)'"]).wait()
        let run = try CommandRun(["lists", "import", file, "--socket", daemon.path])
        #expect(run.exitCode == 1)
        #expect(run.errors.contains("l.csv:2:1: a\nl.csv:3:1: b"))
        #expect(await mailbox.requests == ["/v1/lists a,b\n1,\\2\n"])
    }

    @Test("a list is checked without a daemon, in Shift_JIS too")
    func check() throws {
        let scratch = ScratchDirectory()
        let good = scratch.path + "/good.csv"
        let bad = scratch.path + "/bad.csv"
        let script = """
            printf '参加者ID,コンソーシアムID\\nP1,C1\\n' | iconv -t CP932 > '\(good)'
            printf '機器メーカーコード,機器型番,時刻補正情報\\nA&D,UA-651BLE,0\\n' > '\(bad)'
            """
        #expect(try Child("sh", ["-c", script]).wait() == 0)
        let right = try CommandRun(["lists", "check", good])
        #expect(right.output == "The list participants is right: 1 rows.\n", "\(right.errors)")
        let wrong = try CommandRun(["lists", "check", bad])
        #expect(wrong.exitCode == 1)
        #expect(wrong.errors.contains("bad.csv:2:1: time_correction: says 0"), "\(wrong.errors)")
    }

    @Test("an export is the file that can be imported again")
    func export() async throws {
        let daemon = try await FakeDaemon { server in
            server.document(
                "/v1/lists/consortium",
                """
                {"list":"consortium","columns":["consortium_id","consortium_name"],
                 "rows":[["C00001","健康, \\"の\\" 会"]]}
                """)
        }
        let run = try daemon.run("lists", "export", "consortium")
        #expect(
            Array(run.output.utf8)
                == Array(
                    "consortium_id,consortium_name\r\nC00001,\"健康, \"\"の\"\" 会\"\r\n".utf8))
    }
}
